"""A database that is set back to an earlier state."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api.errors import Unavailable
from api.models.accounts import Account, Rotation
from api.models.changes import Quiet, Restored
from api.models.log import Entry
from api.models.rooms import LOBBY_ID
from api.store.base.store import Opening
from api.store.cluster import epochs as cluster_epochs
from api.store.cluster import queries as cluster_queries
from api.store.cluster.schema import init
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.rethinkdb_server import RethinkDBServer
from tests.store.calls import rotate, whole_log
from tests.store.cluster.nodes import is_entry, keep_nothing_in_tails, lost, make_den, opened, told, until
from tests.store.make import ALICE, DEN, message, session_of

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


# -- a database that is set back


async def test_a_database_that_was_set_back_begins_new_epochs_in_every_room(
    restless: ClusterStore, behind: Pool
) -> None:
    await restless.log.append(LOBBY_ID, message("1"))
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    async with restless.changes.open() as tail:
        await restless.log.append(LOBBY_ID, message("2"))
        await told(tail, is_entry(2))
    await behind.write(r.table("heads").insert(earlier, conflict="replace"))  # as in a restored copy
    await behind.write(r.table("batches").get([LOBBY_ID, 2]).delete())
    async with restless.changes.open() as tail:
        assert await anext(tail) == [Restored()]
        (head,) = (await restless.log.heads([LOBBY_ID])).values()
        assert (head.seq, head.epoch != earlier["epoch"]) == (1, True)
        acked = await restless.log.append(LOBBY_ID, message("another"))
        assert (acked.entry.seq, acked.epoch) == (2, head.epoch)
        assert [entry.ref for entry in await told(tail, is_entry(2)) if isinstance(entry, Entry)] == [
            "another"
        ]
    async with restless.changes.open() as tail:
        assert not isinstance((await anext(tail))[0], Restored)


WRITTEN_WITH_THE_TAIL_OPEN = {
    "an-earlier-head": lambda head: (
        r.table("heads").get(head["id"]).update({"seq": head["seq"] - 1, "tail": head["tail"][:-1]})
    ),
    "another-epoch": lambda head: r.table("heads").get(head["id"]).update({"epoch": "another"}),
    "no-head": lambda head: r.table("heads").get(head["id"]).delete(),
    "nothing": lambda _head: r.table("heads").delete(),
}


@pytest.mark.parametrize("write", WRITTEN_WITH_THE_TAIL_OPEN.values(), ids=WRITTEN_WITH_THE_TAIL_OPEN.keys())
@pytest.mark.parametrize("room_id", [LOBBY_ID, DEN.id], ids=["told", "not-told"])
async def test_an_open_tail_notices_that_heads_are_replaced_and_the_next_one_says_so(
    restless: ClusterStore, behind: Pool, write: Callable[[dict[str, Any]], Any], room_id: str
) -> None:
    await restless.accounts.create(Account(ALICE, "alice", "hash"))
    await restless.rooms.create(DEN, ALICE)
    await restless.log.append(DEN.id, message("1"))
    async with restless.changes.open() as tail:
        for n in range(2, 4):
            await restless.log.append(LOBBY_ID, message(f"{n}"))
        await told(tail, is_entry(2))
        head = await behind.run(r.table("heads").get(room_id))
        await behind.write(write(head))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)
    for _ in range(2):  # it is repeated until the listener asks for more
        async with restless.changes.open() as tail:
            assert await anext(tail) == [Restored()]
    assert head["epoch"] not in {one.epoch for one in (await restless.log.heads([LOBBY_ID, DEN.id])).values()}
    async with restless.changes.open() as tail:
        assert await anext(tail) == [Restored()]
        assert await anext(tail) == [Quiet()]
    async with restless.changes.open() as tail:
        assert not isinstance((await anext(tail))[0], Restored)


async def test_an_emptied_database_is_seen_as_set_back_and_so_is_the_copy_that_is_put_in_its_place(
    restless: ClusterStore, behind: Pool
) -> None:
    await restless.log.append(LOBBY_ID, message("1"))
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    async with restless.changes.open() as tail:
        await restless.log.append(LOBBY_ID, message("2"))
        await told(tail, is_entry(2))
    await behind.write(r.table("heads").delete())
    async with restless.changes.open() as tail:
        assert await anext(tail) == [Restored()]
        assert await anext(tail) == [Quiet()]
        await behind.write(r.table("heads").insert(earlier))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)
    async with restless.changes.open() as tail:
        assert await anext(tail) == [Restored()]
    (head,) = (await restless.log.heads([LOBBY_ID])).values()
    assert (head.seq, head.epoch != earlier["epoch"]) == (1, True)


async def test_a_renewal_of_epochs_that_was_broken_off_is_finished_by_whoever_opens_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, cluster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.accounts.create(Account(ALICE, "alice", "hash"))
    rooms = [LOBBY_ID, *(f"room-{n}" for n in range(4))]
    for room_id in rooms[1:]:
        await store.rooms.create(replace(DEN, id=room_id), ALICE)
    old = {head.epoch for head in (await store.log.heads(rooms)).values()}
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
    await behind.write(r.table("heads").get(LOBBY_ID).update({"seq": 0, "tail": []}))

    slices: list[Any] = []

    def breaks_off_once(name: str, last: Any) -> Any:
        slices.append(last)
        if len(slices) == 2:
            raise Unavailable
        return cluster_queries.renewal_query(name, last)

    monkeypatch.setattr(cluster_queries, "RENEWAL_SLICE", 2)
    monkeypatch.setattr(cluster_epochs, "renewal_query", breaks_off_once)
    with pytest.raises(Unavailable):
        async with store.changes.open():
            pass
    half = {head.epoch for head in (await store.log.heads(rooms)).values()}
    assert (len(half - old), len(half & old)) == (2, 3)
    looking = await ClusterStore.open(cluster_url, Opening.LOOK)
    async with looking.changes.open():
        assert {head.epoch for head in (await store.log.heads(rooms)).values()} == half
    await looking.close()
    async with other.changes.open() as tail:
        assert await anext(tail) == [Restored()]
    whole = {head.epoch for head in (await store.log.heads(rooms)).values()}
    assert (len(whole - old), whole & half) == (5, half - old)
    async with store.changes.open() as tail:
        assert await anext(tail) == [Restored()]
    assert {head.epoch for head in (await store.log.heads(rooms)).values()} == whole


async def test_after_an_init_that_is_told_of_a_restore_every_room_has_a_new_epoch(
    store: ClusterStore, cluster_url: str, server: RethinkDBServer
) -> None:
    await store.log.append(LOBBY_ID, message("1"))
    await store.sessions.create(session_of(ALICE), most=20)
    (before,) = (await store.log.heads([LOBBY_ID])).values()
    await init(server.admin_url, cluster_url, lambda _line: None, restored=True)
    async with opened(cluster_url) as started, started.changes.open() as tail:
        assert await anext(tail) == [Restored()]
        (after,) = (await started.log.heads([LOBBY_ID])).values()
    assert (after.seq, after.epoch != before.epoch) == (before.seq, True)
    assert await rotate(store, "session-1", "of after the copy", "h9") is Rotation.ROTATED


# -- what a tail has seen


async def test_a_database_that_is_set_back_is_noticed_by_who_heard_nothing_of_it(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await make_den(other)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    wanted = {LOBBY_ID}
    async with store.changes.open(wanted.__contains__) as tail:
        await other.log.append(DEN.id, message("1"))
        await other.flusher.flush(DEN.id)
        await other.log.append(DEN.id, message("2"))  # the append notes the flush in the head

        async def is_noted() -> bool:
            head = await behind.run(r.table("heads").get(DEN.id))
            return bool(head["flushed"] > earlier["seq"])

        await until(is_noted)
        await other.log.append(LOBBY_ID, message("3"))
        await told(tail, is_entry(1))  # so the tail has also seen the note
    await behind.write(r.table("heads").get(DEN.id).replace(earlier))
    async with store.changes.open(wanted.__contains__) as tail:
        assert await anext(tail) == [Restored()]


async def test_a_database_that_is_set_back_is_noticed_by_who_only_asked_where_a_room_ends(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await make_den(other)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    await other.log.append(DEN.id, message("1"))
    await store.log.heads([DEN.id])
    await behind.write(r.table("heads").get(DEN.id).replace(earlier))
    async with store.changes.open() as tail:
        assert await anext(tail) == [Restored()]


SHOWN_AND_GONE: dict[str, Callable[[dict[str, Any]], Any]] = {
    # A changefeed also shows writes that a crash then takes back.
    "made": lambda head: r.table("heads").insert(head | {"id": "room-new", "seq": 0, "flushed": 0}),
    "poison": lambda head: r.table("heads").get(head["id"]).update({"flushed": 10**12}),
    "negative": lambda head: r.table("heads").insert(head | {"id": "room-odd", "seq": -5}),
    "negative, nothing flushed": lambda head: r.table("heads").insert(
        head | {"id": "room-odd", "seq": -5, "flushed": 0}
    ),
}


@pytest.mark.parametrize("write", SHOWN_AND_GONE.values(), ids=SHOWN_AND_GONE.keys())
async def test_what_a_feed_shows_is_not_taken_for_what_the_database_must_hold(
    restless: ClusterStore, other: ClusterStore, behind: Pool, write: Callable[[dict[str, Any]], Any]
) -> None:
    await make_den(other)
    async with restless.changes.open({LOBBY_ID}.__contains__) as tail:
        head = await behind.run(r.table("heads").get(DEN.id))
        await behind.write(write(head))
        await other.log.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
    await restless.log.heads([DEN.id, "room-odd"])
    await behind.write(r.table("heads").get("room-new").delete())
    async with restless.changes.open() as tail:
        assert await anext(tail) != [Restored()]


async def test_batches_that_are_newer_than_the_head_of_a_copy_hide_nothing_of_what_comes(
    restless: ClusterStore, behind: Pool
) -> None:
    """A copy that is made table by table may hold the head as it was in the middle of a batch."""
    store = restless

    async def say(of: ClusterStore, *refs: str) -> None:
        for ref in refs:
            await of.log.append(LOBBY_ID, message(ref))

    await say(store, "1", "2", "3")
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    async with store.changes.open() as tail:
        await say(store, *(f"lost {n}" for n in range(4, 30)))
        await store.flusher.flush(LOBBY_ID)
        await asyncio.wait_for(anext(tail), 10)
    assert (await behind.run(r.table("batches").get([LOBBY_ID, 1])))["rows"][3]["ref"] == "lost 4"
    of_another_program = {"id": [LOBBY_ID, 40], "rows": [1]}
    await behind.write(r.table("batches").insert(of_another_program))
    await behind.write(r.table("heads").insert(earlier, conflict="replace"))
    async with store.changes.open():
        kept = await behind.read(r.table("batches").order_by(index="id"))
        assert [[row["ref"] for row in kept[0]["rows"]], kept[1:]] == [["1", "2", "3"], [of_another_program]]
        await say(store, "4", "5")
        await store.flusher.flush(LOBBY_ID)
        await keep_nothing_in_tails(behind)
        assert [entry.ref for entry in await whole_log(store)] == ["1", "2", "3", "4", "5"]
        first = await behind.run(r.table("batches").get([LOBBY_ID, 1]))
        assert len(first["authors"]) == len(first["rows"]) == 3
