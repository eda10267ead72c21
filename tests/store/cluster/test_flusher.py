"""Entries that are flushed late: together, by whoever, and never against what the log says by then."""

import asyncio
from typing import Any

import pytest

from api.models.rooms import LOBBY_ID
from api.store.cluster import flusher
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.calls import whole_log
from tests.store.cluster.nodes import (
    flushed_refs,
    keep_nothing_in_tails,
    never_flush,
    opened,
    opened_again,
    until,
)
from tests.store.make import delete, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def say(store: ClusterStore, *refs: str) -> None:
    """Append one message after the other."""
    for ref in refs:
        await store.log.append(LOBBY_ID, message(ref, "secret"))


async def sizes(behind: Pool) -> list[list[Any]]:
    """Return the first seq of each batch, and how many rows it has."""
    return await behind.read(
        r.table("batches").order_by(index="id").map(lambda one: [one["id"].nth(1), one["rows"].count()])
    )


async def test_sixteen_lone_messages_are_flushed_as_one_batch_before_their_time(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher, "FLUSH_SECONDS", 3_600)
    await say(store, *(f"{n}" for n in range(15)))
    assert await flushed_refs(behind) == []
    await say(store, "15")

    async def are_flushed() -> bool:
        return await sizes(behind) == [[1, 16]]

    await until(are_flushed)
    assert await flushed_refs(behind) == [f"{n}" for n in range(16)]
    assert len(await behind.read(r.table("refs"))) == 16


@pytest.mark.parametrize("body", ["x" * 4_000, "é" * 4_000])
async def test_long_messages_are_flushed_before_there_are_sixteen(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(flusher, "FLUSH_SECONDS", 3_600)
    for n in range(9):
        await store.log.append(LOBBY_ID, message(f"{n}", body))

    async def are_flushed() -> bool:
        return len(await flushed_refs(behind)) == 9

    await until(are_flushed)


async def test_a_few_messages_are_flushed_together_when_their_time_comes(
    store: ClusterStore, behind: Pool
) -> None:
    await say(store, "1", "2", "3")

    async def are_flushed() -> bool:
        return await sizes(behind) == [[1, 3]]

    await until(are_flushed)
    await say(store, "4")
    await store.flusher.flush(LOBBY_ID)
    assert await sizes(behind) == [[1, 3], [4, 1]]


async def test_a_store_that_is_closed_leaves_nothing_unflushed(cluster_url: str, behind: Pool) -> None:
    async with opened(cluster_url) as store:
        await say(store, "1", "2")
        assert await flushed_refs(behind) == []
    assert await flushed_refs(behind) == ["1", "2"]


async def test_what_a_dead_node_has_left_is_flushed_by_a_node_that_opens_a_feed(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_flush(store, monkeypatch)
    await say(store, "1", "2")
    await behind.write(r.table("beats").insert({"id": "dead", "at": r.now().to_epoch_time() - 60}))

    async def is_done() -> bool:
        return "dead" not in await behind.read(r.table("beats")["id"])

    async with other.changes.open():
        await until(is_done)
    assert await flushed_refs(behind) == ["1", "2"]


async def test_a_batch_that_another_node_has_flushed_in_part_is_completed(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await say(store, "1", "2")
    await other.flusher.flush(LOBBY_ID)
    assert await sizes(behind) == [[1, 2]]
    await say(store, "3")
    await store.flusher._flush_together([LOBBY_ID])
    assert await sizes(behind) == [[1, 3]]
    batch = await behind.run(r.table("batches").get([LOBBY_ID, 1]))
    assert len(batch["authors"]) == 3
    async with opened_again(store) as fresh:
        assert [(await fresh.log.append(LOBBY_ID, message(ref, "secret"))).is_new for ref in "123"] == [
            False
        ] * 3


async def test_a_batch_that_was_flushed_while_its_node_still_filled_it_is_flushed_whole_by_the_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, *(f"{n}" for n in range(1, 11)))
    await other.flusher.flush(LOBBY_ID)
    never_flush(store, monkeypatch)
    await say(store, "11")
    await say(other, "12")
    await other.flusher.flush(LOBBY_ID)
    assert await sizes(behind) == [[1, 11], [12, 1]]


@pytest.mark.parametrize("is_flushed", [True, False])
async def test_a_late_flush_of_what_a_node_remembers_brings_no_erased_body_back(
    store: ClusterStore, other: ClusterStore, behind: Pool, *, is_flushed: bool
) -> None:
    await say(store, "1", "2", "3")
    if is_flushed:
        await other.flusher.flush(LOBBY_ID)
    for target in (1, 2, 3):
        await other.log.append(LOBBY_ID, delete(f"of {target}", target))
    await store.flusher._flush_together([LOBBY_ID])
    for table in ("heads", "batches"):
        assert "secret" not in str(await behind.read(r.table(table)))


async def test_what_a_node_remembers_of_a_life_that_is_over_is_not_flushed(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await say(store, "1")
    await store.flusher.flush(LOBBY_ID)
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    await say(store, "2", "3")
    await behind.write(r.table("heads").get(LOBBY_ID).replace(earlier))
    await say(other, "new 2", "new 3")
    await store.flusher._flush_together([LOBBY_ID])
    await other.flusher.flush(LOBBY_ID)
    assert await flushed_refs(behind) == ["1", "new 2", "new 3"]
    assert [entry.ref for entry in await whole_log(store)] == ["1", "new 2", "new 3"]
    await say(store, "2")  # it was acked, and is gone
    assert (await whole_log(store))[-1].ref == "2"


async def test_a_longer_batch_of_a_life_that_is_over_is_replaced(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    await say(store, "1", "2", "3")
    await store.flusher.flush(LOBBY_ID)
    await behind.write(r.table("heads").get(LOBBY_ID).replace(earlier))
    await say(other, "new 1", "new 2")
    await other.flusher.flush(LOBBY_ID)
    assert await flushed_refs(behind) == ["new 1", "new 2"]


async def test_a_ref_that_leads_to_no_entry_is_taken_for_new(store: ClusterStore, behind: Pool) -> None:
    """As in a copy whose table of refs is newer than its logs."""
    await store.log.append(LOBBY_ID, message("1"))
    await store.flusher.flush(LOBBY_ID)
    (ref,) = await behind.read(r.table("refs"))
    await behind.write(r.table("refs").get(ref["id"]).update({"places": [[LOBBY_ID, 7], ["nowhere", 1]]}))
    await behind.write(r.table("heads").get(LOBBY_ID).update({"tail": [], "trimmed": 1, "flushed": 1}))
    await behind.write(r.table("batches").delete())
    async with opened_again(store) as fresh:
        again = await fresh.log.append(LOBBY_ID, message("1"))
    assert (again.is_new, again.entry.seq) == (True, 2)


async def test_two_nodes_that_write_into_one_room_at_once_agree(
    store: ClusterStore, other: ClusterStore
) -> None:
    async def write(via: ClusterStore, name: str) -> dict[str, int]:
        acked = {}
        for n in range(20):
            ref = f"{name} {n}"
            acked[ref] = (await via.log.append(LOBBY_ID, message(ref))).entry.seq
        return acked

    written = await asyncio.gather(
        *(write(via, f"{n} {name}") for n in range(5) for name, via in (("a", store), ("b", other)))
    )
    acked = {ref: seq for one in written for ref, seq in one.items()}
    log = await whole_log(store)
    assert {entry.ref: entry.seq for entry in log} == acked
    assert [entry.seq for entry in log] == list(range(1, 201))


async def test_what_a_node_of_the_version_before_has_flushed_of_a_batch_is_made_whole(
    store: ClusterStore, behind: Pool
) -> None:
    """Such a node makes a batch of each append."""
    await say(store, "1", "2", "3")
    first = (await behind.run(r.table("heads").get(LOBBY_ID)))["tail"][0]
    batch = {"id": [LOBBY_ID, 1], "attempt": first["attempt"], "rows": [first]}
    await behind.write(r.table("batches").insert(batch))
    await store.flusher.flush(LOBBY_ID)
    await keep_nothing_in_tails(behind)
    assert [entry.ref for entry in await whole_log(store)] == ["1", "2", "3"]


async def test_what_acts_is_carried_out_by_one_flush_although_two_ask_for_it(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, "1", "2", "3")
    flush, flushed = store.flusher.flush, list[str]()

    async def counted(room_id: str) -> None:
        flushed.append(room_id)
        await flush(room_id)

    monkeypatch.setattr(store.flusher, "flush", counted)
    await store.log.append(LOBBY_ID, delete("4", 1))
    assert flushed == [LOBBY_ID]
    await asyncio.gather(*(store.log.append(LOBBY_ID, delete(f"of {seq}", seq)) for seq in (2, 3)))
    assert len(flushed) <= 3
