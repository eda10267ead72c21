"""The query that appends to a room's log on a RethinkDB cluster: one atomic update of its head. Pure."""

from typing import Any, Final

from api.models import Kind
from api.store.cluster_queries import TRIM_LAG, Mark, known_of, messages_table
from api.store.rethinkdb import Prepared, r

MAX_SAFE_SEQ: Final = 2**53 - 1
"""Past every seq: the last whole number that the database keeps exactly."""


def append_query(room_id: str, rows: list[dict[str, Any]], mark: Mark, seen: dict[str, int]) -> Any:
    """Return the query that appends what is new of `rows`, messages first, if the tail reaches back to `mark`.

    What is flushed was so before this query looks for the ids in `messages`; what is not is in the tail, which
    the update looks at itself. So no trim, however it falls between the two, lets a retry slip past.

    `seen`: by user, the entry as of which their membership was looked at. Nothing is appended when the tail has a
    newer one about any of them, or no longer reaches back that far; the answer has those as `moved`.

    The answer is read from the head after the update, which is cheaper than to have the update return the whole
    head as it was and as it is: a row of ours is in the tail, or a retry finds it in `messages`.
    """
    deleted = [row["data"]["target"] for row in rows if row["kind"] == Kind.DELETE]
    edited = [[room_id, row["data"]["target"]] for row in rows if row["kind"] == Kind.EDIT]
    return _APPEND(
        {
            "room_id": room_id,
            "rows": rows,
            "ids": [row["id"] for row in rows],
            "attempt": rows[0]["attempt"],
            "message_count": sum(row["kind"] == Kind.MESSAGE for row in rows),
            "mark": mark._asdict(),
            "oldest": min([mark.seq, *seen.values()]),
            "seen": seen,
            "seen_from": min(seen.values(), default=MAX_SAFE_SEQ),
            "deleted": deleted,
            "edited": edited,
            "erases": bool(deleted or edited),
        }
    )


def _append(given: Any) -> Any:
    # Every value that is used for each row is bound to a variable (`do`): ReQL evaluates an expression anew
    # wherever it stands.
    of_edited = messages_table().get_all(r.args(given["edited"]), index="target")
    heads = r.table("heads")

    def run(ids: Any, found: Any, gone: Any) -> Any:
        written = heads.get(given["room_id"]).update(
            lambda head: _appended(head, given, ids, found, gone), durability="hard"
        )
        return written.do(lambda written: _answer(given, written, ids, found))

    return r.do(
        given["ids"],
        messages_table().get_all(r.args(given["ids"])).coerce_to("array"),
        of_edited.filter({"kind": Kind.DELETE.value})["data"]["target"].coerce_to("array"),
        run,
    )


def _appended(head: Any, given: Any, ids: Any, found: Any, gone: Any) -> Any:
    """Return what an append changes of a head."""
    flushed = given["mark"]["seq"]
    known = (found["id"] + head["tail"]["id"]).set_intersection(ids)
    return r.branch(
        # The node knows too little, or another life.
        (head["trimmed"] > given["oldest"])
        | (head["seq"] < flushed)
        | (known_of(head, given["mark"]) != flushed),
        {},
        _moved(head, given).is_empty().not_(),
        {},
        known.do(
            lambda known: r.branch(
                known.is_empty(),
                _grown(head, given, given["rows"], given["message_count"], gone),
                known.count() == given["rows"].count(),
                # Nothing is new, but what is known may not be on disk yet: a write makes sure that it is.
                {"retries": head["retries"].default(0) + 1},
                given["rows"]
                .filter(lambda row: known.contains(row["id"]).not_())
                .do(
                    lambda fresh: _grown(
                        head, given, fresh, fresh.filter({"kind": Kind.MESSAGE.value}).count(), gone
                    )
                ),
            )
        ),
    )


def _grown(head: Any, given: Any, fresh: Any, messages: Any, gone: Any) -> Any:
    flushed = given["mark"]["seq"]
    trim = r.expr([head["trimmed"], head["flushed"] - TRIM_LAG, flushed - TRIM_LAG]).max()
    return r.do(
        head["seq"],
        head["number"],
        fresh.count(),
        messages,
        trim,
        lambda seq, number, count, messages, trim: {
            "seq": seq + count,
            "number": number + messages,
            "message_seq": r.branch(messages > 0, seq + messages, head["message_seq"]),
            "flushed": r.expr([head["flushed"], flushed]).max(),
            "trimmed": trim,
            "tail": _blanked(
                head["tail"].slice(trim - head["trimmed"]) + _numbered(fresh, seq, number, count, messages),
                given,
                gone,
            ),
        },
    )


def _numbered(fresh: Any, seq: Any, number: Any, count: Any, messages: Any) -> Any:
    return r.map(
        r.range(1, count + 1),
        fresh,
        lambda i, row: row.merge({"seq": seq + i, "number": number + r.branch(i < messages, i, messages)}),
    ).coerce_to("array")


def _blanked(tail: Any, given: Any, gone: Any) -> Any:
    """Return the tail without the bodies of what is deleted: by this batch, in the tail or in `messages`."""
    return tail.do(
        lambda tail: r.branch(
            given["erases"],
            r.do(
                given["deleted"] + gone + tail.filter({"kind": Kind.DELETE.value})["data"]["target"],
                lambda seqs: _erased(tail, seqs),
            ),
            tail,
        )
    )


def _answer(given: Any, written: Any, ids: Any, found: Any) -> Any:
    return (
        r.table("heads")
        .get(given["room_id"])
        .do(
            lambda head: r.branch(
                head.eq(None),
                {"missing": True},
                {
                    "missing": False,
                    "errors": written["errors"],
                    "epoch": head["epoch"],
                    "flushed": head["flushed"],
                    "seq": head["seq"],
                    "trimmed": head["trimmed"],
                    "moved": _moved(head, given),
                    "known": head["tail"]
                    .filter(lambda row: ids.contains(row["id"]))
                    .map(lambda row: _brief(row, given["attempt"])),
                    "found": found,
                },
            )
        )
    )


def _brief(row: Any, attempt: Any) -> Any:
    is_as_sent = row["attempt"].eq(attempt) & row["erased"].default(False).not_()
    return r.branch(is_as_sent, {"id": row["id"], "seq": row["seq"], "attempt": attempt}, row)


def _moved(head: Any, given: Any) -> Any:
    """Return whose memberships have changed since they were seen, and where, as far back as the tail goes."""

    def is_newer(row: Any) -> Any:
        return (row["kind"] == Kind.MEMBER.value) & (
            given["seen"][row["user_id"]].default(row["seq"]) < row["seq"]
        )

    after = r.expr([given["seen_from"] - head["trimmed"], 0]).max()
    return head["tail"].slice(after).filter(is_newer).pluck("user_id", "seq")


def _erased(tail: Any, seqs: Any) -> Any:
    """Return the tail without the bodies of these targets and of their edits."""
    blank = {"erased": True, "data": {"body": ""}}
    return tail.map(
        lambda row: r.branch(
            seqs.contains(row["seq"])
            | ((row["kind"] == Kind.EDIT.value) & seqs.contains(row["data"]["target"].default(0))),
            row.merge(blank),
            row,
        )
    )


_APPEND: Final = Prepared(_append)
