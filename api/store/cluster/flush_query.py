"""Gathers entries in batches, and makes the ReQL queries that flush them. Pure.

The node that appends a row decides which batch it will be in, and writes that into the row. So whoever flushes it, and
however often, makes the same documents. A flush may come before a batch is full, and a later one adds the rest of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from api.models.kinds import RESERVED_NAMES, is_kind
from api.models.log import Kind
from api.store.cluster.acting import acting_kinds
from api.store.cluster.queries import heads_table, is_head
from api.store.rethinkdb import Prepared, r

LEFT_SLICE: Final = 100
"""This many heads are looked at by one query."""


def documents(room_id: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the batches of these rows of a room, which are in the order of their seqs."""
    return [_document(room_id, list(batch)) for _, batch in groupby(rows, key=_batch_of)]


def _batch_of(row: dict[str, Any]) -> Any:
    """Return what rows of the same batch have in common. Before batches were gathered, that was their append."""
    return row.get("batch", row["attempt"])


def _document(room_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": [room_id, rows[0]["seq"]], "rows": rows, "authors": [_author(row) for row in rows]}


def _author(row: dict[str, Any]) -> str | None:
    """Return the author of a message that is not deleted, so that unread messages are counted without the rows."""
    return row["user_id"] if row["kind"] == Kind.MESSAGE and not row.get("erased") else None


def refs_of(batches: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the table `refs` for these batches: where the entry of each ref is."""
    places: dict[str, list[list[Any]]] = {}
    for batch in batches:
        for row in batch["rows"]:
            places.setdefault(row["id"], []).append([batch["id"][0], row["seq"]])
    return [{"id": id_, "places": found} for id_, found in places.items()]


def known_part(batches: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the batches before the first with an entry that acts, and whose kind this version does not know."""
    known = {*acting_kinds(), Kind.MESSAGE, *RESERVED_NAMES}  # a message acts if it answers or mentions
    for batch in batches:
        if any(
            row.get("acts") is True and is_kind(row["kind"]) and row["kind"] not in known
            for row in batch["rows"]
        ):
            return
        yield batch


def store_query(
    batches: list[dict[str, Any]], refs: list[dict[str, Any]], proofs: list[dict[str, Any]]
) -> Any:
    """Return the write of these batches, after their refs, so that a batch that is stored has its refs stored.

    Each of the `proofs` has the `room_id`, an `epoch`, and the `attempts` of the entries in (`after`, `until`]: nothing
    is written unless the tail of that room's head has these there. So a node that computes a batch from what it
    remembers, while the database is set back, writes nothing. The answer has `lost`, the rooms whose tails have others,
    and the count of `errors`.
    """
    return _STORE({"batches": batches, "refs": refs, "proofs": proofs})


def stored_query(keys: list[list[Any]]) -> Any:
    """Return the query for the batches with these keys: the room, the first seq and the appends of the rows of each.

    What it answers is durable.
    """
    return _STORED(keys)


def _stored(keys: Any) -> Any:
    batches = r.table("batches", read_mode="majority").get_all(r.args(keys))
    return batches.map(
        lambda batch: [batch["id"].nth(0), batch["id"].nth(1), batch["rows"]["attempt"].default([])]
    ).coerce_to("array")


def _store(given: Any) -> Any:
    def has(proof: Any) -> Any:
        def at(head: Any) -> Any:
            rows = head["tail"].slice(proof["after"] - head["trimmed"], proof["until"] - head["trimmed"])
            return (head["epoch"] == proof["epoch"]) & (rows["attempt"] == proof["attempts"])

        return r.table("heads").get(proof["room_id"]).do(at).default(False)

    def store() -> Any:
        refs = r.table("refs").insert(given["refs"], conflict=_with_place, durability="hard")
        return refs.do(
            lambda refs: (
                r.table("batches")
                .insert(given["batches"], conflict=_with_the_rest, durability="hard")
                .do(lambda written: {"lost": [], "errors": refs["errors"] + written["errors"]})
            )
        )

    lost = given["proofs"].filter(lambda proof: has(proof).not_())["room_id"].coerce_to("array")
    return lost.do(lambda lost: r.branch(lost.is_empty(), store(), {"lost": lost, "errors": 0}))


def _with_place(_id: Any, old: Any, new: Any) -> Any:
    """Keep all places of a ref. There are several if two nodes took it for two rooms at once, or after a set-back."""
    return old.merge({"places": old["places"].set_union(new["places"])})


def _with_the_rest(_id: Any, old: Any, new: Any) -> Any:
    """Keep a batch, whose rows may have been erased, and add those that it lacks.

    If the last row that both have is of two appends, the old batch is of an epoch that is over, and is replaced. A node
    of the version before, which was not stopped, flushes each append by itself, and does not tell the authors.
    """
    count = old["rows"].count()
    last = r.expr([count, new["rows"].count()]).min() - 1
    is_same = old["rows"].nth(last)["attempt"] == new["rows"].nth(last)["attempt"]
    rows = {"rows": old["rows"] + new["rows"].slice(count)}
    authors = {"authors": old["authors"] + new["authors"].slice(count)}
    whole = r.branch(old.has_fields("authors"), old.merge(rows | authors), old.merge(rows))
    return r.branch(is_same.default(False), whole, new)


def unflushed_query(last: Any) -> Any:
    """Return the query for rooms whose newest entry is in no batch, in one slice of heads, those after the room `last`.

    The answer has these `rooms`, and as `last` the last room of the slice, which is null after the last slice.
    """

    def newest(head: Any) -> Any:
        return {"id": head["id"], "seq": head["seq"], "batch": head["tail"].nth(-1)["batch"].default(-1)}

    def is_left(head: Any) -> Any:
        batch = r.table("batches").get([head["id"], head["batch"]])
        return batch["rows"].nth(-1)["seq"].default(0) < head["seq"]

    def answer(heads: Any) -> Any:
        found = heads.filter(lambda head: is_head(head) & (head["flushed"] < head["seq"]))
        return {
            "rooms": found.map(newest).filter(is_left)["id"].coerce_to("array"),
            "last": heads.nth(-1)["id"].default(None),
        }

    heads = heads_table().between(last, r.maxval, left_bound="open").order_by(index="id")
    return heads.limit(LEFT_SLICE).coerce_to("array").do(answer)


_STORED: Final = Prepared(_stored)
_STORE: Final = Prepared(_store)
