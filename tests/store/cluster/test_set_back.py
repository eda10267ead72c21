"""Appends to a database that was set back, before any node has noticed that: nothing that is acked then is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.errors import Unavailable
from api.models.changes import Restored
from api.models.followers import FollowerPosition, Start
from api.models.log import Draft
from api.models.rooms import LOBBY_ID, Role
from api.rooms.consumers import ConsumerService
from api.store.cluster import appender
from api.store.cluster.queries import begin_renewal_query
from api.store.cluster.schema import init
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.rethinkdb_server import RethinkDBServer
from tests.store.calls import whole_log
from tests.store.cluster.nodes import (
    WAIT_SECONDS,
    forget_authors,
    is_entry,
    keep_nothing_in_tails,
    like,
    lost,
    opened_again,
)
from tests.store.make import ALICE, account_of, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def say(store: ClusterStore, *refs: str) -> None:
    """Append one message after the other."""
    for ref in refs:
        await store.log.append(LOBBY_ID, message(ref))


async def saved(behind: Pool) -> Callable[[], Awaitable[Any]]:
    """Return a call that sets the lobby's head back to what it is now."""
    head = await behind.run(r.table("heads").get(LOBBY_ID))
    return lambda: behind.write(r.table("heads").get(LOBBY_ID).replace(head))


@pytest.mark.parametrize("is_contended", [True, False])
@pytest.mark.parametrize("is_flushed", [True, False])
async def test_a_head_that_was_set_back_and_has_grown_to_the_same_seq_is_not_the_one_that_was_known(
    store: ClusterStore,
    other: ClusterStore,
    behind: Pool,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_flushed: bool,
    is_contended: bool,
) -> None:
    await say(store, "1")
    if is_contended:
        monkeypatch.setattr(appender, "CONTENDED_SECONDS", 3_600)
        await say(other, "other")
        await say(store, "contended")
    await store.flusher.flush(LOBBY_ID)
    set_back = await saved(behind)
    await say(store, "old 1", "old 2")
    if is_flushed:
        await store.flusher.flush(LOBBY_ID)
    await set_back()
    await say(other, "new 1", "new 2")
    await say(store, "last")
    for node in (store, other):
        again = await node.log.append(LOBBY_ID, message("new 2"))
        assert not again.is_new
    await store.flusher._flush_together([LOBBY_ID])
    refs = ["1", *(["other", "contended"] if is_contended else []), "new 1", "new 2", "last"]
    assert [entry.ref for entry in await whole_log(store)] == refs
    await say(store, *(f"later {n}" for n in range(50)))  # so that the tail is trimmed
    assert [entry.ref for entry in await whole_log(store)][: len(refs)] == refs
    async with opened_again(store) as fresh:
        assert not (await fresh.log.append(LOBBY_ID, message("new 1"))).is_new


@pytest.mark.parametrize("draft", [message("last"), like(1)], ids=["message", "reaction"])
async def test_a_head_that_has_grown_from_another_than_the_known_one_is_not_taken_for_known(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch, draft: Draft
) -> None:
    """An append that the database numbers comes directly after the seq that is known, but in another life."""
    await say(store, "1")
    await store.flusher.flush(LOBBY_ID)
    set_back = await saved(behind)
    await say(store, "old 1", "old 2")
    await set_back()
    await say(other, "new 1", "new 2")
    with monkeypatch.context() as patched:
        patched.setattr(appender.Appender, "_is_contended", lambda _self, _room_id: True)
        await store.log.append(LOBBY_ID, draft)
    again = await store.log.append(LOBBY_ID, message("new 2"))
    assert (again.is_new, again.entry.seq) == (False, 3)


async def test_a_head_that_was_known_to_the_tail_before_does_not_grow_by_what_the_next_tail_reads(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await say(store, "1")
    await store.flusher.flush(LOBBY_ID)
    set_back = await saved(behind)
    async with store.changes.open():
        await say(store, "old 1", "old 2")
    await set_back()
    await say(other, "new 1", "new 2")
    async with store.changes.open() as tail:
        await say(other, "new 3")
        async with asyncio.timeout(WAIT_SECONDS):
            while not any(map(is_entry(4), await anext(tail))):
                pass
        again = await store.log.append(LOBBY_ID, message("new 2"))
        assert (again.is_new, again.entry.seq) == (False, 3)


async def test_nothing_is_appended_between_a_lost_tail_and_the_next_which_notices_that_a_head_was_set_back(
    store: ClusterStore, behind: Pool
) -> None:
    """A head that was set back and has grown meanwhile would not be shorter than it was, so nobody would notice."""
    await say(store, "1")
    set_back = await saved(behind)
    async with store.changes.open() as tail:
        acked = await store.log.append(LOBBY_ID, message("old"))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.gather(lost(tail), set_back())
    for ref in ("new 1", "new 2"):
        with pytest.raises(Unavailable):
            await say(store, ref)
    async with store.changes.open() as tail:
        assert await anext(tail) == [Restored()]
        again = await store.log.append(LOBBY_ID, message("old"))
        assert (again.is_new, again.epoch != acked.epoch, again.entry.seq) == (True, True, 2)


@pytest.mark.parametrize("more", [0, 2])
async def test_a_head_that_a_tail_saw_set_back_begins_a_new_epoch_even_if_it_has_grown_as_far_again(
    store: ClusterStore, other: ClusterStore, behind: Pool, *, more: int
) -> None:
    """Another node has appended before it noticed. What clients were told is not what the log has there now."""
    await say(store, "1")
    set_back = await saved(behind)

    async def set_back_and_grown() -> None:
        await set_back()
        await say(other, *(f"new {n}" for n in range(1 + more)))

    async with store.changes.open() as tail:
        acked = await store.log.append(LOBBY_ID, message("old"))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.gather(lost(tail), set_back_and_grown())
    async with store.changes.open() as tail:
        assert await anext(tail) == [Restored()]
        head = (await store.log.heads([LOBBY_ID]))[LOBBY_ID]
        assert (head.epoch != acked.epoch, head.seq) == (True, acked.entry.seq + more)


async def test_an_append_to_a_head_that_is_known_of_another_epoch_is_acked_with_that_of_the_room(
    store: ClusterStore, behind: Pool
) -> None:
    await say(store, "1")
    await behind.write(r.table("heads").get(LOBBY_ID).update({"epoch": "another"}))
    assert (await store.log.append(LOBBY_ID, message("2"))).epoch == "another"


@pytest.mark.parametrize("draft", [message("4"), like(1)], ids=["message", "reaction"])
async def test_what_a_copy_does_not_have_in_its_batches_is_not_taken_for_flushed(
    store: ClusterStore, other: ClusterStore, behind: Pool, draft: Draft
) -> None:
    """Its batches are older than its heads. This node has flushed the same entries, in the epoch before."""
    await say(store, "1", "2", "3")
    await store.flusher.flush(LOBBY_ID)
    for table in ("batches", "refs"):
        await behind.write(r.table(table).delete())
    await behind.write(r.table("heads").get(LOBBY_ID).update({"epoch": "another", "flushed": 0}))
    assert (await store.log.append(LOBBY_ID, draft)).epoch == "another"
    again = await other.log.append(LOBBY_ID, message("1"))
    assert (again.is_new, again.entry.seq) == (False, 1)


async def test_a_mark_that_comes_late_from_an_epoch_that_is_over_hides_no_ref(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is set back, and is given a new epoch, while the answer of a flush is on its way."""
    monkeypatch.setattr(appender, "CONTENDED_SECONDS", 0.0)
    set_back = await saved(behind)
    await say(store, "old 1", "old 2", "old 3")
    write = store.flusher._write

    async def late(*args: Any) -> list[str]:
        lost = await write(*args)
        await set_back()
        await behind.write(r.table("batches").delete())
        await behind.write(r.table("refs").delete())
        await behind.write(r.table("heads").get(LOBBY_ID).update({"epoch": "another"}))
        await say(other, "new 1", "new 2")
        await say(store, "new 3")
        return lost

    with monkeypatch.context() as patched:
        patched.setattr(store.flusher, "_write", late)
        await store.flusher._flush_together([LOBBY_ID])
    again = await store.log.append(LOBBY_ID, message("new 2"))
    assert (again.is_new, again.entry.seq) == (False, 2)


async def test_a_batch_that_is_flushed_while_an_append_to_it_is_under_way_is_ended(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, "1")
    run = store._pool.run

    async def slow(query: Any, *args: Any, **more: Any) -> Any:
        answer = await run(query, *args, **more)
        with monkeypatch.context() as patched:
            patched.setattr(store._pool, "run", run)
            await store.flusher._flush_together([LOBBY_ID])
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(store._pool, "run", slow)
        await say(store, "2")
    await say(store, "3")
    await store.flusher._flush_together([LOBBY_ID])
    await other.flusher.flush(LOBBY_ID)
    batches = await behind.read(r.table("batches").order_by(index="id"))
    assert [row["seq"] for batch in batches for row in batch["rows"]] == [1, 2, 3]


async def test_a_ref_of_an_entry_after_the_end_of_the_log_is_new(store: ClusterStore, behind: Pool) -> None:
    """As in a copy whose head is older than its batches and refs."""
    await say(store, "1")
    await store.flusher.flush(LOBBY_ID)
    set_back = await saved(behind)
    await say(store, "2", "3")
    await store.flusher.flush(LOBBY_ID)
    await set_back()
    async with opened_again(store) as fresh:
        again = await fresh.log.append(LOBBY_ID, message("3"))
        assert (again.is_new, again.entry.seq) == (True, 2)
        await fresh.flusher.flush(LOBBY_ID)
        await keep_nothing_in_tails(behind)
        assert [entry.ref for entry in await whole_log(fresh)] == ["1", "3"]


@pytest.mark.parametrize("tells", [True, False])
async def test_a_copy_whose_head_ends_within_a_batch_shows_nothing_of_the_earlier_life(
    store: ClusterStore, cluster_url: str, server: RethinkDBServer, behind: Pool, *, tells: bool
) -> None:
    await say(store, "1", "2")
    set_back = await saved(behind)
    await say(store, "3", "4")
    await store.flusher.flush(LOBBY_ID)
    await set_back()
    if not tells:
        await forget_authors(behind)
    odd = [{"id": [LOBBY_ID, n], "rows": rows} for n, rows in ((0, "none"), (2, []), (-1, [1]))]
    await behind.write(r.table("batches").insert(odd))
    await init(server.admin_url, cluster_url, lambda _line: None, restored=True)
    async with opened_again(store) as fresh:
        await say(fresh, "new 3", "4")
        await fresh.flusher.flush(LOBBY_ID)
        await keep_nothing_in_tails(behind)
        assert [entry.ref for entry in await whole_log(fresh)] == ["1", "2", "new 3", "4"]


async def test_a_position_that_is_newer_than_the_head_of_a_copy_counts_for_nothing_that_comes_later(
    store: ClusterStore, behind: Pool
) -> None:
    """The entries that get the seqs of those that are gone must be handled, also after a second restore."""
    await say(store, "1", "2")
    set_back = await saved(behind)
    await say(store, "old 3", "old 4")
    lease = await store.leases.acquire("reader", "a")
    assert lease is not None
    epoch = (await store.log.heads([LOBBY_ID]))[LOBBY_ID].epoch
    await store.positions.advance(lease, [FollowerPosition(LOBBY_ID, epoch, 4)])
    await set_back()
    for number in (1, 2):
        await behind.write(begin_renewal_query(f"renewal {number}"))
        async with opened_again(store) as fresh, fresh.changes.open():
            pass
        found = (await store.positions.get_many("reader", [LOBBY_ID]))[LOBBY_ID]
        assert (found.head.epoch != epoch, found.reached) == (True, 2)
        async with opened_again(store) as fresh:
            await say(fresh, f"new {number} 1", f"new {number} 2")


async def test_a_reader_is_told_where_its_copy_and_the_life_after_it_part(
    store: ClusterStore, behind: Pool
) -> None:
    """A consumer that has acknowledged entries which the copy does not have is given the new ones in their place."""
    await store.accounts.create(account_of(ALICE))
    await store.members.join(LOBBY_ID, ALICE, Role.MEMBER, 1)
    readers = ConsumerService(store, per_user=9)
    consumer, _ = await readers.put(ALICE.id, "bot", room_ids=None, start=Start.BEGINNING)
    await say(store, "kept")
    set_back = await saved(behind)
    await say(store, "lost")
    (given,) = (read := await readers.read(consumer, [LOBBY_ID], limit=9)).given
    assert read.token is not None
    await readers.ack(ALICE.id, "bot", read.token)
    await set_back()
    await behind.write(begin_renewal_query("renewal"))
    async with opened_again(store) as fresh:
        async with fresh.changes.open():
            pass
        await say(fresh, "new")
        again = ConsumerService(fresh, per_user=9)
        await again.ack(ALICE.id, "bot", read.token)  # late, of the life that is gone
        (anew,) = (read := await again.read(consumer, [LOBBY_ID], limit=9)).given
        kept = given.entries[-1].seq - 1
        assert (anew.reset, anew.place.epoch != given.place.epoch) == (kept, True)
        assert [(one.seq, one.ref) for one in anew.entries] == [(kept + 1, "new")]
        assert read.token is not None
        await again.ack(ALICE.id, "bot", read.token)
        assert (await again.read(consumer, [LOBBY_ID], limit=9)).given == ()


async def test_a_reader_is_told_that_had_acknowledged_nothing_in_the_copy(
    store: ClusterStore, behind: Pool
) -> None:
    await store.accounts.create(account_of(ALICE))
    await store.members.join(LOBBY_ID, ALICE, Role.MEMBER, 1)
    readers = ConsumerService(store, per_user=9)
    consumer, _ = await readers.put(ALICE.id, "bot", room_ids=None, start=Start.BEGINNING)
    await say(store, "kept")
    set_back, positions = await saved(behind), r.table("positions")
    await say(store, "lost")
    read = await readers.read(consumer, [LOBBY_ID], limit=9)
    assert ([one.reset for one in read.given], read.token is not None) == ([None], True)
    await readers.ack(ALICE.id, "bot", read.token or "")
    await set_back()
    await behind.write(positions.delete())
    await behind.write(begin_renewal_query("renewal"))
    async with opened_again(store) as fresh:
        async with fresh.changes.open():
            pass
        again = ConsumerService(fresh, per_user=9)
        later, _ = await again.put(ALICE.id, "later", room_ids=None, start=Start.BEGINNING)
        for reader, reset in ((consumer, 0), (later, None)):
            (anew,) = (await again.read(reader, [LOBBY_ID], limit=9)).given
            assert (anew.reset, [one.ref for one in anew.entries][-1]) == (reset, "kept")
