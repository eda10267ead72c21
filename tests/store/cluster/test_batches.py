"""Flushed entries in batches."""

import asyncio
import random
from typing import Any

import pytest

from api.models.log import Kind
from api.models.rooms import LOBBY_ID
from api.store.cluster.rows import row_of
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.cluster.nodes import flushed_rows, forget_authors, keep_nothing_in_tails, like, opened_again
from tests.store.make import ALICE, BOB, delete, edit, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def test_a_message_with_thousands_of_reactions_is_read_and_deleted(
    store: ClusterStore, behind: Pool
) -> None:
    await store.log.append(LOBBY_ID, message("1", "secret"))
    await store.log.append(LOBBY_ID, edit("2", 1, "secret, edited"))
    for part in range(40):
        reactions = (like(1, f"user-{part}-{n}") for n in range(60))
        await asyncio.gather(*(store.appender.append(LOBBY_ID, one) for one in reactions))
    await store.log.append(LOBBY_ID, message("last"))
    await store.flusher.flush(LOBBY_ID)
    await keep_nothing_in_tails(behind)
    for page in ({}, {"after": 0}, {"after": 0, "before": 10_000}):
        items = (await store.log.history(LOBBY_ID, limit=2, **page)).items
        assert [item.ref for item in items] == ["1", "last"]
    found = await store.log.message(LOBBY_ID, 1)
    assert found is not None
    assert found.reactions[0].count == 2_400
    assert (await store.log.append(LOBBY_ID, delete("3", 1))).is_new
    assert "secret" not in str(await flushed_rows(behind))


def batches_at_random(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Draw batches of the lobby as appends make them: of messages, of reactions, and of both."""
    batches: list[dict[str, Any]] = []
    seq = 0
    for _ in range(count):
        size = rng.choice([1, 1, 2, 7, 50, 100])
        messages = rng.choice([0, size, rng.randint(0, size)])
        rows = []
        for n in range(size):
            seq += 1
            draft = message(f"{seq}") if n < messages else like(seq)
            row = row_of(LOBBY_ID, draft) | {
                "seq": seq,
                "number": 0,
                "attempt": f"{len(batches)}",
            }
            rows.append(row)
        batches.append({"id": [LOBBY_ID, rows[0]["seq"]], "attempt": rows[0]["attempt"], "rows": rows})
    return batches


async def test_pages_are_those_of_a_plain_list_however_entries_were_appended(
    store: ClusterStore, behind: Pool
) -> None:
    rng = random.Random(5)  # noqa: S311  the same numbers each time
    batches = batches_at_random(rng, 40)
    await behind.write(r.table("batches").insert(batches))
    rows = [row for batch in batches for row in batch["rows"]]
    messages = [row["seq"] for row in rows if row["kind"] == Kind.MESSAGE]
    emptied = {"seq": len(rows), "flushed": len(rows), "trimmed": len(rows), "message_seq": messages[-1]}
    await behind.write(r.table("heads").get(LOBBY_ID).update(emptied))
    for _ in range(60):
        at, limit = rng.randint(0, len(rows) + 1), rng.choice([1, 10, 100])
        log = await store.log.entries(LOBBY_ID, after=at, limit=limit)
        assert [entry.seq for entry in log] == [*range(at + 1, min(at + limit, len(rows)) + 1)]
        newer, older = [seq for seq in messages if seq > at], [seq for seq in messages if seq < at]
        page = await store.log.history(LOBBY_ID, after=at, limit=limit)
        assert ([item.seq for item in page.items], page.has_more) == (newer[:limit], len(newer) > limit)
        page = await store.log.history(LOBBY_ID, before=at, limit=limit)
        assert ([item.seq for item in page.items], page.has_more) == (older[-limit:], len(older) > limit)
        found = await store.log.message(LOBBY_ID, at)
        assert (found is not None) == (at in messages)


async def test_batches_of_a_life_that_is_over_hide_nothing_of_the_next(
    store: ClusterStore, behind: Pool
) -> None:
    async def write(refs: range) -> None:
        for n in refs:
            await store.log.append(LOBBY_ID, message(f"{n}"))
            await store.flusher.flush(LOBBY_ID)

    await write(range(1, 6))
    await keep_nothing_in_tails(behind)
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    await write(range(6, 11))
    await behind.write(r.table("heads").get(LOBBY_ID).replace(earlier | {"epoch": "another"}))
    async with opened_again(store) as fresh:  # the head is now older than the batches, as in a bad copy
        await asyncio.gather(
            *(fresh.log.append(LOBBY_ID, message(f"new {n}", "secret")) for n in range(6, 26))
        )
        await fresh.flusher.flush(LOBBY_ID)
        await keep_nothing_in_tails(behind)
        refs = [*(f"{n}" for n in range(1, 6)), *(f"new {n}" for n in range(6, 26))]
        for after in (0, 7, 12):
            log = await fresh.log.entries(LOBBY_ID, after=after, limit=100)
            assert [entry.ref for entry in log] == refs[after:]
        for page in ({}, {"after": 0}):
            items = (await fresh.log.history(LOBBY_ID, limit=100, **page)).items
            assert [item.ref for item in items] == refs
        await fresh.log.append(LOBBY_ID, delete("gone", 20))
        erased = await fresh.log.message(LOBBY_ID, 20)
        assert erased is not None
        assert erased.deleted


async def authors_of(behind: Pool) -> list[Any]:
    batches = r.table("batches").order_by(index="id")
    return await behind.read(batches.map(lambda batch: batch["authors"].default("none")))


@pytest.mark.parametrize("tells", [True, False])
async def test_an_erased_message_has_no_author_in_the_batches_that_tell_authors(
    store: ClusterStore, behind: Pool, tells: bool
) -> None:
    await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"{n}")) for n in range(3)))
    await store.log.append(LOBBY_ID, message("4", by=BOB))
    await store.log.append(LOBBY_ID, edit("5", 2, "edited"))
    await store.flusher.flush(LOBBY_ID)
    if not tells:
        await forget_authors(behind)
    told = await authors_of(behind)
    await store.log.append(LOBBY_ID, delete("6", 2))
    await store.log.append(LOBBY_ID, delete("7", 4))
    expected = [[ALICE.id, None, ALICE.id, None], [None]] if tells else told
    assert (await authors_of(behind))[: len(expected)] == expected
    assert len(await flushed_rows(behind)) == 7


async def test_authors_that_do_not_fit_the_rows_are_left_as_they_are(
    store: ClusterStore, behind: Pool
) -> None:
    """Another program may have written them."""
    await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"{n}", "secret")) for n in range(3)))
    await store.flusher.flush(LOBBY_ID)
    for odd in ([ALICE.id], "none", [ALICE.id] * 4, None, {"a": 1}):
        await behind.write(r.table("batches").get([LOBBY_ID, 1]).update({"authors": odd}))
        target = len(await flushed_rows(behind))
        await store.log.append(LOBBY_ID, delete(f"of {odd}", min(target, 3)))
        assert (await behind.run(r.table("batches").get([LOBBY_ID, 1])))["authors"] == odd
    assert (await flushed_rows(behind))[2]["data"]["body"] == ""
