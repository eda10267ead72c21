"""The queries of the rooms' logs on a RethinkDB cluster: pure, from values to ReQL."""

from typing import Any, Final

import orjson

from api.models import Kind
from api.store.rethinkdb import r

TRIM_LAG: Final = 16
"""Entries kept in the tail beyond the flushed ones, so that a node whose knowledge is a little old still knows."""


def heads_table() -> Any:
    """Return the heads, read as a majority of replicas has them."""
    return r.table("heads", read_mode="majority")


def messages_table() -> Any:
    """Return the flushed entries, read as a majority of replicas has them."""
    return r.table("messages", read_mode="majority")


def append_query(room_id: str, rows: list[dict[str, Any]], flushed: int) -> Any:
    """Return the query that appends what is new of `rows`, if the tail still reaches back to `flushed`.

    What is flushed was so before this query looks for the refs in `messages`; what is not is in the tail, which
    the update looks at itself. So no trim, however it falls between the two, lets a retry slip past.
    """
    onces = [row["once"] for row in rows]
    message_count = 0
    for row in rows:
        message_count += row["kind"] == Kind.MESSAGE
        row["number"] = message_count  # right as it is when all of the batch is new, as nearly always
    batch = r.json(orjson.dumps(rows).decode())
    deleted = [row["data"]["target"] for row in rows if row["kind"] == Kind.DELETE]

    def grown(head: Any, fresh: Any) -> Any:
        return fresh.count().do(lambda count: grown_by(head, fresh, count))

    def grown_by(head: Any, fresh: Any, count: Any) -> Any:
        numbered = r.map(
            r.range(1, count + 1),
            fresh,
            lambda i, row: row.merge(
                {
                    "seq": head["seq"] + i,
                    "number": head["number"]
                    + r.branch(
                        count == len(rows),
                        row["number"],
                        fresh.slice(0, i).filter({"kind": Kind.MESSAGE.value}).count(),
                    ),
                }
            ),
        ).coerce_to("array")
        trim = r.max([head["trimmed"], r.expr(flushed) - TRIM_LAG])
        tail = head["tail"].slice(trim - head["trimmed"]) + numbered
        return {
            "seq": head["seq"] + count,
            "number": head["number"] + fresh.filter({"kind": Kind.MESSAGE.value}).count(),
            "message_seq": r.max(
                r.expr([head["message_seq"]]) + numbered.filter({"kind": Kind.MESSAGE.value})["seq"]
            ),
            "flushed": r.max([head["flushed"], r.expr(flushed)]),
            "trimmed": trim,
            "tail": _erased(tail, deleted) if deleted else tail,
        }

    def update(found: Any) -> Any:
        def append(head: Any) -> Any:
            return r.branch(
                head["trimmed"] > flushed,
                {},
                (found["once"] + head["tail"]["once"])
                .set_intersection(onces)
                .do(lambda known: fresh_of(head, known)),
            )

        def fresh_of(head: Any, known: Any) -> Any:
            fresh = batch.filter(lambda row: known.contains(row["once"]).not_()).coerce_to("array")
            return r.branch(
                known.is_empty(),
                grown(head, batch),
                known.count() == len(rows),
                {},
                fresh.do(lambda fresh: grown(head, fresh)),
            )

        return heads_table().get(room_id).update(append, return_changes="always", durability="hard")

    def answer(found: Any, written: Any) -> Any:
        change = written["changes"][0]
        old, new = change["old_val"], change["new_val"]
        return {
            "missing": False,
            "errors": written["errors"],
            "epoch": old["epoch"],
            "seq_before": old["seq"],
            "trimmed_before": old["trimmed"],
            "flushed": new["flushed"],
            "known": r.branch(
                old["tail"]["once"].set_intersection(onces).is_empty(),
                [],
                old["tail"].filter(lambda row: r.expr(onces).contains(row["once"])),
            ),
            "found": found,
        }

    found = messages_table().get_all(*onces, index="once").coerce_to("array")
    missing = {"missing": True}
    return found.do(
        lambda found: update(found).do(
            lambda written: r.branch(written["skipped"] > 0, missing, answer(found, written))
        )
    )


def _erased(tail: Any, targets: list[Any]) -> Any:
    """Return the tail without the bodies of these targets and of their edits."""
    seqs = r.expr(targets)
    blank = {"erased": True, "data": {"body": ""}}
    return tail.map(
        lambda row: r.branch(
            seqs.contains(row["seq"])
            | ((row["kind"] == Kind.EDIT.value) & seqs.contains(row["data"]["target"].default(0))),
            row.merge(blank),
            row,
        )
    )


def flush_query(room_id: str) -> Any:
    """Return the query that copies what is not yet known to be flushed from a head's tail to `messages`."""

    def flush(head: Any) -> Any:
        rows = head["tail"].filter(lambda row: row["seq"] > head["flushed"])
        named = rows.map(lambda row: row.merge({"id": [room_id, row["seq"]]}))
        written = r.table("messages").insert(
            named,
            durability="hard",
            # What was erased meanwhile stays erased, however late this flush comes.
            conflict=lambda _id, old, new: r.branch(old["erased"].default(False), old, new),
        )
        acting = [Kind.MEMBER.value, Kind.DELETE.value]
        return {
            "seq": head["seq"],
            "errors": written["errors"],
            "onces": rows["once"],
            "acting": rows.filter(lambda row: r.expr(acting).contains(row["kind"])),
        }

    return heads_table().get(room_id).do(lambda head: r.branch(head.eq(None), None, flush(head)))


def project(row: dict[str, Any]) -> Any:
    """Return the write that carries a member entry over to `members`, unless a later one was before."""
    member = {
        "id": [row["room_id"], row["user_id"]],
        "room_id": row["room_id"],
        "user_id": row["user_id"],
        "username": row["username"],
        "role": row["data"]["role"],
        "joined_at": row["at"],
        "read_seq": 0,
        "read_number": 0,
        "seq": row["seq"],
    }
    return r.table("members").insert(
        member,
        durability="hard",
        conflict=lambda _id, old, new: r.branch(old["seq"] >= new["seq"], old, new),
    )
