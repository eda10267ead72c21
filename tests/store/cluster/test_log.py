"""A node that dies between the ack and the flush, and retries of any age against a tail that is trimmed."""

import asyncio

import pytest

from api.errors import RefConflict, Unavailable
from api.models.rooms import LOBBY_ID
from api.store.base.store import Store
from api.store.cluster.flush_query import documents, refs_of
from api.store.cluster.queries import Mark
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.calls import whole_log
from tests.store.cluster.nodes import (
    flushed_refs,
    keep_nothing_in_tails,
    make_den,
    never_flush,
    opened,
    opened_again,
    until,
)
from tests.store.make import DEN, delete, edit, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


# -- a node that dies between the ack and the flush


async def test_what_a_dead_node_left_unflushed_is_read_deduplicated_and_flushed_by_the_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_flush(store, monkeypatch)
    acked = [await store.log.append(LOBBY_ID, message(f"{n}")) for n in range(3)]
    assert await flushed_refs(behind) == []
    assert await whole_log(other) == [one.entry for one in acked]
    assert [item.ref for item in (await other.log.history(LOBBY_ID, limit=10)).items] == ["0", "1", "2"]
    retry = await other.log.append(LOBBY_ID, message("1"))
    assert (retry.entry, retry.is_new) == (acked[1].entry, False)
    with pytest.raises(RefConflict):
        await other.log.append(LOBBY_ID, message("1", "another body"))
    await other.log.append(LOBBY_ID, message("3"))

    async def is_flushed() -> bool:
        return await flushed_refs(behind) == ["0", "1", "2", "3"]

    await until(is_flushed)
    assert [entry.ref for entry in await whole_log(store)] == ["0", "1", "2", "3"]


async def test_refs_that_are_sent_again_long_after_leave_nothing_behind(
    store: ClusterStore, other: ClusterStore
) -> None:
    refs = [f"{n}" for n in range(50)]
    await asyncio.gather(*(store.log.append(LOBBY_ID, message(ref)) for ref in refs))
    await store.flusher.flush(LOBBY_ID)
    again = await asyncio.gather(*(other.log.append(LOBBY_ID, message(ref)) for ref in refs))
    assert not any(one.is_new for one in again)

    async def is_empty() -> bool:
        return not other.flusher._unflushed

    await until(is_empty)


async def test_a_body_whose_erasing_a_dead_node_left_half_done_is_erased_by_the_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.log.append(LOBBY_ID, message("secret ref", "secret"))
    await store.log.append(LOBBY_ID, edit("secret edit", 1, "secret, edited"))
    await store.flusher.flush(LOBBY_ID)
    never_flush(store, monkeypatch)
    with pytest.raises(Unavailable):
        await store.log.append(LOBBY_ID, delete("3", 1))
    assert (await other.log.append(LOBBY_ID, delete("3", 1))).is_new is False
    for table in ("heads", "batches"):
        assert "secret" not in str(await behind.read(r.table(table)))


async def test_a_flush_that_comes_late_brings_no_erased_body_back(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_flush(store, monkeypatch)
    await store.log.append(LOBBY_ID, message("secret ref", "secret"))
    head = await behind.run(r.table("heads").get(LOBBY_ID))
    await other.log.append(LOBBY_ID, delete("2", 1))
    assert "secret" in str(head["tail"])
    await behind.write(r.table("heads").insert(head, conflict="replace"))  # as a late flush read it
    async with opened_again(store) as late:
        await late.flusher.flush(LOBBY_ID)
    assert "secret" not in str(await behind.read(r.table("batches")))


# -- retries of any age against a tail that is trimmed


async def test_a_ref_that_is_stored_before_its_entry_is_flushed_stays(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another node looks for a retry after a flush has stored the refs, and before it has stored the entries."""
    never_flush(store, monkeypatch)
    never_flush(other, monkeypatch)
    acked = await store.log.append(LOBBY_ID, message("r1"))
    head = await behind.run(r.table("heads").get(LOBBY_ID))
    refs = refs_of(documents(LOBBY_ID, head["tail"]))
    await behind.write(r.table("refs").insert(refs))
    again = await other.log.append(LOBBY_ID, message("r1"))
    assert (again.entry, again.is_new) == (acked.entry, False)
    assert await behind.read(r.table("refs")) == refs


async def test_a_retry_that_is_found_is_acked_after_a_write_to_disk(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    """The entry that it finds may have been shown by a server that has it only in memory."""
    await store.log.append(LOBBY_ID, message("1"))
    for retries in (1, 2):
        assert not (await other.log.append(LOBBY_ID, message("1"))).is_new
        head = await behind.run(r.table("heads").get(LOBBY_ID))
        assert head["retries"] == retries


async def test_no_trim_lets_a_retry_slip_past(
    store: ClusterStore, other: ClusterStore, cluster_url: str
) -> None:
    acked: dict[str, int] = {}

    async def write(via: Store, name: str) -> None:
        for n in range(150):
            ref = f"{name}-{n}"
            acked[ref] = (await via.log.append(LOBBY_ID, message(ref))).entry.seq

    async def retry(via: Store) -> None:
        while not all(writer.done() for writer in writers):
            for ref, seq in list(acked.items())[::7]:
                again = await via.log.append(LOBBY_ID, message(ref))
                assert (again.entry.seq, again.is_new) == (seq, False)
            await asyncio.sleep(0)

    writers = [asyncio.create_task(write(via, f"{n}")) for n, via in enumerate([store, other, store, other])]
    async with opened(cluster_url) as newcomer:
        await asyncio.gather(*writers, retry(store), retry(other), retry(newcomer))
    stored = await whole_log(store)
    assert {entry.ref: entry.seq for entry in stored} == acked
    assert [entry.seq for entry in stored] == list(range(1, 601))


async def test_a_head_stays_small_however_long_its_log(store: ClusterStore, behind: Pool) -> None:
    for batch in range(10):
        await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"{batch}-{n}")) for n in range(50)))
    await store.flusher.flush(LOBBY_ID)
    await store.log.append(LOBBY_ID, message("last"))
    assert await behind.run(r.table("heads").get(LOBBY_ID)["tail"].count()) < 100


async def test_after_a_hole_in_a_tail_no_trim_drops_an_entry_that_is_not_flushed(
    store: ClusterStore, behind: Pool
) -> None:
    await store.log.append(LOBBY_ID, message("first"))
    holes = {"seq": r.row["seq"] + 5, "attempt": "of another program"}
    await behind.write(r.table("heads").get(LOBBY_ID).update(holes))
    refs = [f"{n}" for n in range(60)]
    for n, ref in enumerate(refs):
        await store.log.append(LOBBY_ID, message(ref))
        if n % 3 == 0:
            await store.flusher.flush(LOBBY_ID)
    await store.flusher.flush(LOBBY_ID)
    assert [entry.ref for entry in await whole_log(store) if entry.ref] == ["first", *refs]
    head = await behind.run(r.table("heads").get(LOBBY_ID))
    assert len(head["tail"]) == head["seq"] - head["trimmed"], "the holes are trimmed, too"


# -- batches


async def test_an_append_is_flushed_whole_by_a_node_that_takes_a_part_of_it_for_flushed(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_flush(store, monkeypatch)
    acked = await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"{n}")) for n in range(20)))
    other.flusher._marks[LOBBY_ID] = Mark(acked[0].epoch, 13)  # as before the node notices a set-back
    await other.flusher.flush(LOBBY_ID)
    batches = await behind.read(r.table("batches"))
    assert [(batch["id"], len(batch["rows"])) for batch in batches] == [([LOBBY_ID, 1], 20)]


async def test_a_ref_that_was_raced_for_in_two_rooms_is_in_each_once(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    with monkeypatch.context() as broken:
        never_flush(store, broken)
        never_flush(other, broken)
        acked = [await store.log.append(LOBBY_ID, message("1")), await other.log.append(DEN.id, message("1"))]
    for room_id in (LOBBY_ID, DEN.id):
        await store.flusher.flush(room_id)
    await keep_nothing_in_tails(behind)
    async with opened_again(store) as fresh:
        for one in acked:
            retry = await fresh.log.append(one.entry.room_id, message("1"))
            assert (retry.entry, retry.is_new) == (one.entry, False)


# -- a database that is set back


async def test_what_was_flushed_in_another_epoch_is_not_taken_for_flushed(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.log.append(LOBBY_ID, message("0"))
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"{n}")) for n in range(1, 60)))
    await store.flusher.flush(LOBBY_ID)
    await behind.write(r.table("heads").insert(earlier | {"epoch": "another"}, conflict="replace"))
    await behind.write(r.table("batches").filter(r.row["id"].nth(1) > 1).delete())
    never_flush(other, monkeypatch)
    after = [f"after-{n}" for n in range(80)]
    await asyncio.gather(*(other.log.append(LOBBY_ID, message(ref)) for ref in after))
    await store.log.append(LOBBY_ID, message("last"))
    await store.flusher.flush(LOBBY_ID)
    assert {entry.ref for entry in await whole_log(store)} == {"0", *after, "last"}
    assert await flushed_refs(behind) == [entry.ref for entry in await whole_log(store)]
