"""Counting unread messages that tails no longer hold, and marks that outlive the entries that they name."""

import asyncio
from typing import Any

import pytest

from api.errors import Unavailable
from api.models.rooms import Role, RoomView, Unread
from api.store.cluster.store import ClusterStore
from api.store.cluster.unread import QUERIES, Span, UnreadCounts
from api.store.rethinkdb import Pool, r
from tests.store.calls import change, whole_log
from tests.store.cluster.nodes import (
    forget_authors,
    keep_nothing_in_tails,
    like,
    make_den,
    never_flush,
    opened_again,
)
from tests.store.make import ALICE, BEGUN, BOB, DEN, delete, edit, make_room, message
from tests.store.test_unread import say, view_of

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


@pytest.mark.parametrize("tells", [True, False])
async def test_unread_messages_are_counted_where_the_tails_no_longer_have_them(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch, tells: bool
) -> None:
    monkeypatch.setattr("api.store.cluster.unread.NEAR", 2)
    monkeypatch.setattr("api.store.cluster.unread.BATCHES", 2)
    await make_den(store)
    await store.members.join(DEN.id, BOB, Role.MEMBER, 1)
    joined = BEGUN + 1
    first = joined + 1
    for number in range(5):  # one batch each
        await say(store, DEN, ALICE, 2, ref=f"{number}")
        await say(store, DEN, BOB, 1, ref=f"{number}")
    await asyncio.gather(*(store.log.append(DEN.id, like(first, f"user {n}")) for n in range(20)))
    await say(store, DEN, ALICE, 30, ref="many")
    whole = await view_of(store, DEN.id, BOB)
    assert whole == (joined, Unread(40, first))
    await store.flusher.flush(DEN.id)
    if not tells:
        await forget_authors(behind)
    await keep_nothing_in_tails(behind)
    assert await view_of(store, DEN.id, BOB) == whole
    await store.log.append(DEN.id, delete("d", first))
    await say(store, DEN, ALICE, 1, ref="last")
    assert await view_of(store, DEN.id, BOB) == (joined, Unread(40, first + 1))
    await store.flusher.flush(DEN.id)
    await keep_nothing_in_tails(behind)
    assert await view_of(store, DEN.id, BOB) == (joined, Unread(40, first + 1))
    await store.members.mark_read(DEN.id, BOB.id, first + 1)
    assert await view_of(store, DEN.id, BOB) == (first + 1, Unread(39, first + 3))


async def test_the_rows_of_a_batch_are_looked_at_only_where_it_does_not_tell_their_authors(
    store: ClusterStore, behind: Pool
) -> None:
    await make_den(store)
    await store.members.join(DEN.id, BOB, Role.MEMBER, 1)
    (first, *_) = await say(store, DEN, ALICE, 3)
    await store.flusher.flush(DEN.id)
    await keep_nothing_in_tails(behind)
    batch = r.table("batches").get([DEN.id, first])
    for authors, count in (
        (["a", None, "b"], 2),
        ([None, BOB.id, "b"], 1),
        (["a", "b"], 3),
        (["a"] * 4, 3),
        ("abc", 3),
        ({"a": 1}, 3),
        (None, 3),
    ):
        await behind.write(batch.update({"authors": r.literal(authors)}))
        assert (await view_of(store, DEN.id, BOB))[1].count == count, authors
    of_another_program = {"id": [DEN.id, first + 0.5], "rows": [{"kind": "message"}] * 2}
    of_a_life_that_is_over = {"id": [DEN.id, first + 1], "rows": [{"kind": "message", "user_id": BOB.id}] * 2}
    await behind.write(r.table("batches").insert([of_another_program, of_a_life_that_is_over]))
    assert (await view_of(store, DEN.id, BOB))[1].count == 3


async def test_any_number_of_rooms_is_counted_and_shown(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.store.cluster.unread.ROOMS", 2)
    monkeypatch.setattr("api.store.cluster.previews.ROOMS", 2)
    await make_den(store)
    rooms = [DEN, *(make_room(number) for number in range(4))]
    for number, room in enumerate(rooms):
        if room is not DEN:
            await store.rooms.create(room, ALICE)
        await say(store, room, BOB, number + 1, ref=room.id)
        await store.log.append(room.id, edit(f"e{number}", BEGUN + number + 1, f"edited {number}", by=BOB))
        await store.flusher.flush(room.id)
    await store.rooms.create(make_room(9), ALICE)

    async def views() -> list[RoomView]:
        return await store.rooms.views([room.id for room in [*rooms, make_room(9)]], ALICE.id)

    shown = {view.room.id: view for view in await views()}
    assert [shown[room.id].unread.count for room in rooms] == [1, 2, 3, 4, 5]
    bodies = [one and one.body for one in (view.last_message for view in shown.values())]
    assert sorted(map(str, bodies)) == ["None", *(f"edited {number}" for number in range(5))]
    await keep_nothing_in_tails(behind)
    assert {view.room.id: view for view in await views()} == shown
    for number, room in enumerate(rooms):  # now the message is in a batch, and a change of it in the tail
        await store.log.append(room.id, edit(f"a{number}", BEGUN + number + 1, "again", by=BOB))
    await store.log.append(DEN.id, delete("d", BEGUN + 1, by=BOB))
    last = [view.last_message for view in await views() if view.room.id in {room.id for room in rooms}]
    assert sorted((one.body, one.deleted) for one in last if one is not None) == [
        ("", True),
        *[("again", False)] * 4,
    ]


async def test_a_node_counts_with_few_queries_at_once() -> None:
    class FullPool(Pool):
        """A database that answers nothing until it is asked no more."""

        def __init__(self) -> None:
            self.asked, self.most = 0, 0

        async def run(self, query: Any) -> Any:
            self.asked += 1
            self.most = max(self.most, self.asked)
            for _ in range(20):
                await asyncio.sleep(0)
            self.asked -= 1
            return []

    pool = FullPool()
    counts = UnreadCounts(pool)
    await asyncio.gather(*(counts.of("me", {f"{n}": Span(0, 9) for n in range(100)}) for _ in range(40)))
    assert pool.most == QUERIES


async def test_a_mark_is_kept_where_the_membership_is_not_yet_flushed(
    store: ClusterStore, other: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    await say(store, DEN, ALICE, 1)
    async with opened_again(store) as dying:
        never_flush(dying, monkeypatch)
        with pytest.raises(Unavailable):
            await dying.members.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    (seq,) = await say(other, DEN, ALICE, 1, ref="after")
    marked = await other.members.mark_read(DEN.id, BOB.id, seq)
    assert (marked.seq, marked.has_moved) == (seq, True)
    assert await view_of(store, DEN.id, BOB) == (seq, Unread())


async def test_what_was_read_of_entries_that_are_gone_does_not_count_for_those_that_take_their_seqs(
    restless: ClusterStore, behind: Pool
) -> None:
    """The copy that is put in place has older heads than members, as a copy that is made table by table may have."""
    store = restless
    await make_den(store)
    await change(store, DEN, BOB, Role.MEMBER, by=ALICE)
    *_, last = await say(store, DEN, ALICE, 2)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    async with store.changes.open() as tail:
        await say(store, DEN, ALICE, 4, ref="lost")
        await change(store, DEN, BOB, Role.READER, by=ALICE)
        await store.members.mark_read(DEN.id, BOB.id, last + 4)
        await asyncio.wait_for(anext(tail), 10)
    await behind.write(r.table("heads").insert(earlier, conflict="replace"))
    await behind.write(r.table("batches").filter(lambda batch: batch["id"].nth(1) > last).delete())
    async with store.changes.open():
        assert await view_of(store, DEN.id, BOB) == (last, Unread())
        await store.log.append(DEN.id, message("new"))
        assert [entry.seq for entry in await whole_log(store, DEN.id)] == list(range(1, last + 2))
        assert await view_of(store, DEN.id, BOB) == (last, Unread(1, last + 1))
        # The membership is newer than the log, too. What the log says next must count.
        await store.members.leave(DEN.id, BOB, 9_000)
        assert await store.members.get(DEN.id, BOB.id) is None
