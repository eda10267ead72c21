"""What every store promises of the ends of logs, and of stretches of many logs that are read at once."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import strategies as st

from api.models.accounts import User
from api.models.log import Head, Stretch
from api.models.page import PAGE_BYTES
from api.models.rooms import Room
from api.store import rethinkdb
from api.store.base.store import Store
from api.store.cluster import stretches
from tests.page_cases import drawn
from tests.store.calls import delete_room, send, whole_log
from tests.store.make import ALICE, make_room, message
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

ROOMS: Final = 8
LENGTHS: Final = (0, 1, 5, 40, 90, 130, 210, 260)
"""How many messages the rooms have: on RethinkDB the longer ones are mostly in batches, the others in tails."""
CASES: Final = {"sqlite": 60, "rethinkdb": 15}


async def make_logs(store: Store) -> list[Room]:
    """Make rooms of different lengths, in which entries were written one by one and many at once."""
    rooms = [make_room(number) for number in range(ROOMS)]
    for room in rooms:
        await store.rooms.create(room, ALICE)

    async def write(room: Room, length: int) -> None:
        for start in range(0, length, 30):
            count = min(30, length - start)
            await asyncio.gather(*(send(store, room, f"{room.id} {start + one}") for one in range(count)))

    await asyncio.gather(*map(write, rooms, LENGTHS))
    return rooms


async def test_an_end_has_the_head_the_time_of_the_last_entry_and_whether_there_are_messages(
    store: Store, alice: User, den: Room
) -> None:
    await store.rooms.create(make_room(1), alice)
    await store.log.append(den.id, message("r"))
    ends = await store.log.ends([den.id, "room-001", "nowhere", ""])
    assert ends.keys() == {den.id, "room-001"}
    last = (await whole_log(store, den.id))[-1]
    end = ends[den.id]
    assert (end.head, end.at, end.has_messages) == (Head(den.id, end.head.epoch, last.seq), last.at, True)
    assert not ends["room-001"].has_messages
    await delete_room(store, den)
    assert (await store.log.ends([den.id, "room-001"])).keys() == {"room-001"}
    assert await store.log.ends([]) == {}


async def test_stretches_are_what_each_log_has_there(
    store: Store, alice: User, stranger: Stranger, store_url: str
) -> None:
    rooms = await make_logs(store)
    await stranger.write(rooms[3].id, None, {"kind": "poll", "data": {}}, None)
    await send(store, rooms[3], "after the hole")
    logs = {room.id: await whole_log(store, room.id) for room in rooms} | {"nowhere": []}
    bounds = st.tuples(st.sampled_from([*logs]), st.integers(0, 300), st.integers(0, 300))
    cases = drawn(
        CASES[store_url.split(":", maxsplit=1)[0]],
        st.lists(bounds, max_size=ROOMS, unique_by=lambda one: one[0]),
    )
    for case in cases:
        wanted = [Stretch(room_id, after, after + length) for room_id, after, length in case]
        found = await store.log.stretches(wanted)
        assert found == [
            [entry for entry in logs[one.room_id] if one.after < entry.seq <= one.until] for one in wanted
        ], wanted


async def test_stretches_end_where_a_page_is_full_and_the_first_entry_always_comes(
    store: Store, alice: User
) -> None:
    rooms = [make_room(number) for number in range(4)]
    for room in rooms:
        await store.rooms.create(room, alice)
        for number in range(60):
            await store.log.append(room.id, message(f"{room.id} {number}", "x" * 4_000))
    found = await store.log.stretches([Stretch(room.id, 2, 62) for room in rooms])
    assert [len(entries) for entries in found[:2]] == [60, 60]
    assert 120 < sum(map(len, found)) < PAGE_BYTES // 4_000
    assert not found[3]
    assert [entry.seq for entry in found[2]] == [*range(3, 3 + len(found[2]))]
    (first,) = await store.log.stretches([Stretch(rooms[0].id, 2, 3)])
    assert len(first) == 1


async def test_the_number_of_queries_does_not_grow_with_that_of_rooms(
    store: Store, alice: User, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store_url.startswith("sqlite:"):
        return  # each call is one transaction of its own
    rooms = await make_logs(store)
    asked = count_queries(monkeypatch)
    await store.log.ends([room.id for room in rooms])
    assert len(asked) == 1
    few = [Stretch(room.id, 2, 22) for room in rooms]
    found = await store.log.stretches(few)
    assert (len(asked), sum(map(len, found))) == (2, sum(min(20, length) for length in LENGTHS))
    whole = [Stretch(room.id, 0, length) for room, length in zip(rooms, LENGTHS, strict=True)]
    found = await store.log.stretches(whole)
    assert [len(entries) for entries in found] == [*LENGTHS]
    assert len(asked) == 4, "the first query tells how long entries are, and the second has the rest"


def count_queries(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list to which each query of stretches and ends on RethinkDB is added from now on."""
    asked: list[Any] = []

    def counted(query: rethinkdb.Prepared) -> Callable[[Any], Any]:
        def ask(value: Any) -> Any:
            asked.append(value)
            return query(value)

        return ask

    for name in ("_ENDS", "_STRETCHES"):
        monkeypatch.setattr(stretches, name, counted(getattr(stretches, name)))
    return asked
