"""Brings a database in order that was put back from a copy in which the tables are not of one instant."""

from typing import Any, Final

from api.models.log import Kind
from api.store.cluster.mention_rows import note_query, rows_after
from api.store.cluster.migration import Migration, stop_writing
from api.store.cluster.queries import is_head, is_row
from api.store.cluster.row_changes import fill_refs
from api.store.cluster.rows import Reader
from api.store.cluster.waiting import MAX_BATCH
from api.store.rethinkdb import r

HEADS_SLICE: Final = 100
"""The batches of this many rooms are cut by one query."""
ROWS_SLICE: Final = 10_000
"""One query removes this many rows of `mentions`."""
BATCHES_SLICE: Final = 1_000
"""One query reads the mentions in this many batches."""


async def mend_copy(migration: Migration) -> None:
    """Cut batches that reach further than their logs, and make refs and mentions that are missing. May be repeated.

    A head may be older than the batch that its last entry is in. The rows there after that entry are of the earlier
    life, and would be read in the place of those that come.
    """
    await stop_writing(migration)
    heads, last = migration.table("heads"), r.minval
    while True:
        found = heads.between(last, r.maxval, left_bound="open").order_by(index="id").limit(HEADS_SLICE)
        ends = await migration.pool.run(
            found.map(lambda head: [head["id"], r.branch(is_head(head), head["seq"], None)]).coerce_to(
                "array"
            )
        )
        if not ends:
            break
        whole = [[room_id, seq] for room_id, seq in ends if isinstance(room_id, str) and type(seq) is int]
        if whole:
            await migration.pool.write(r.expr(whole).for_each(lambda end: _cut(migration, end[0], end[1])))
        last = ends[-1][0]
    await fill_refs(migration)
    await refill_mentions(migration)


async def refill_mentions(migration: Migration) -> None:
    """Make the rows of `mentions` anew from the batches. What is only in tails is noted when it is flushed."""
    pool, batches, reader, last = migration.pool, migration.table("batches"), Reader(), r.minval
    while (await pool.write(migration.table("mentions").limit(ROWS_SLICE).delete(durability="soft")))[
        "deleted"
    ]:
        pass
    while True:
        found = batches.between(last, r.maxval, left_bound="open").order_by(index="id").limit(BATCHES_SLICE)
        some = await pool.run(found.map(_mentioning).coerce_to("array"))
        if not some:
            return
        if raised := rows_after(reader.entries(row for batch in some for row in batch["rows"])):
            await pool.write(note_query(raised))
        last = some[-1]["id"]


def _mentioning(batch: Any) -> Any:
    """Return the key of a batch, and those of its rows that may change whom a message mentions."""

    def may_mention(row: Any) -> Any:
        changes = r.expr([Kind.EDIT.value, Kind.DELETE.value]).contains(row["kind"])
        return changes | row["data"].has_fields("mentions") | row["data"].has_fields("mentions_all")

    rows = r.branch(batch["rows"].default(None).type_of() == "ARRAY", batch["rows"], [])
    return {"id": batch["id"], "rows": rows.filter(lambda row: is_row(row) & may_mention(row).default(False))}


def _cut(migration: Migration, room_id: Any, seq: Any) -> Any:
    """Return the write that takes away what a batch has after the last entry of its log."""
    reaching = migration.table("batches").between(
        [room_id, seq - MAX_BATCH + 1], [room_id, seq], right_bound="closed"
    )

    def reaches_further(batch: Any) -> Any:
        rows = batch["rows"].default(None)
        return (rows.type_of() == "ARRAY") & is_row(rows.nth(-1)).default(False) & (rows.nth(-1)["seq"] > seq)

    def cut(batch: Any) -> Any:
        kept = seq - batch["id"].nth(1) + 1
        rows = {"rows": batch["rows"].slice(0, kept)}
        return r.branch(
            batch.has_fields("authors"), {**rows, "authors": batch["authors"].slice(0, kept)}, rows
        )

    return reaching.filter(reaches_further).update(cut)
