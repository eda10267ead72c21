"""Counting unread messages that tails no longer hold, and marks that outlive the entries that they name."""

import asyncio

import pytest

from api.errors import Unavailable
from api.models.rooms import Role, Unread
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.calls import change, whole_log
from tests.store.cluster.nodes import keep_nothing_in_tails, make_den, never_flush, opened_again
from tests.store.make import ALICE, BOB, DEN, delete, message
from tests.store.test_unread import say, view_of

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def test_unread_messages_are_counted_where_the_tails_no_longer_have_them(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.store.cluster.unread.PAGE", 2)
    await make_den(store)
    await store.members.join(DEN.id, BOB, Role.MEMBER, 1)
    for number in range(5):  # one batch each
        await say(store, DEN, ALICE, 2, ref=f"{number}")
        await say(store, DEN, BOB, 1, ref=f"{number}")
    whole = await view_of(store, DEN.id, BOB)
    assert whole == (2, Unread(10, 3))
    await keep_nothing_in_tails(behind)
    assert await view_of(store, DEN.id, BOB) == whole
    await store.log.append(DEN.id, delete("d", 3))
    await say(store, DEN, ALICE, 1, ref="last")
    assert await view_of(store, DEN.id, BOB) == (2, Unread(10, 4))


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
    await say(store, DEN, ALICE, 2)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    async with store.changes.open() as tail:
        await say(store, DEN, ALICE, 4, ref="lost")
        await change(store, DEN, BOB, Role.READER, by=ALICE)
        await store.members.mark_read(DEN.id, BOB.id, 8)
        await asyncio.wait_for(anext(tail), 10)
    await behind.write(r.table("heads").insert(earlier, conflict="replace"))
    await behind.write(r.table("batches").filter(lambda batch: batch["id"].nth(1) > 4).delete())
    async with store.changes.open():
        assert await view_of(store, DEN.id, BOB) == (4, Unread())
        await store.log.append(DEN.id, message("new"))
        assert [entry.seq for entry in await whole_log(store, DEN.id)] == [1, 2, 3, 4, 5]
        assert await view_of(store, DEN.id, BOB) == (4, Unread(1, 5))
        # The membership is newer than the log, too. What the log says next must count.
        await store.members.leave(DEN.id, BOB, 9_000)
        assert await store.members.get(DEN.id, BOB.id) is None
