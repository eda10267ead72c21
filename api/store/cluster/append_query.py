"""The queries that append to a room's log on a RethinkDB cluster: one atomic update of its head each. Pure.

`append_query` appends anything. `quick_query` appends new messages that nothing stands against, which is nearly every
append, at half the cost: what the server computes for a query is what an append costs most.
"""

from typing import Any, Final

from api.models.log import Kind
from api.store.cluster.batches import any_with_ids, changes_of, with_ids
from api.store.cluster.queries import TRIM_LAG, Mark, erased, known_of
from api.store.rethinkdb import Prepared, r

MAX_SAFE_SEQ: Final = 2**53 - 1
"""Past every seq: the last whole number that the database keeps exactly."""

MOVES: Final = 64
"""Changes of membership that a head remembers, so that an append can be refused that rests on an older look."""


def quick_query(room_id: str, rows: list[dict[str, Any]], mark: Mark, seen: dict[str, int]) -> Any:
    """Return the query that appends these new messages, unless anything at all stands against it.

    The answer is then null, nothing was written, and `append_query` is to say what it is: a ref that is known, a
    membership that may have changed, a mark that is too old. Else it is where the log ends, and `first`, the seq
    of the first row; the others follow it.
    """
    return _QUICK(_given(room_id, rows, mark, seen))


def _quick(given: Any) -> Any:
    def run(given: Any, ids: Any, found: Any) -> Any:
        written = (
            r.table("heads")
            .get(given["room_id"])
            .update(lambda head: _quickly_grown(head, given, ids), durability="hard")
        )
        return r.branch(
            found.is_empty().not_(),
            None,
            written["replaced"] == 1,
            r.table("heads").get(given["room_id"]).do(lambda head: _quick_answer(head, given)).default(None),
            None,
        )

    return r.do(given, given["ids"], any_with_ids(given["ids"]), run)


def _quickly_grown(head: Any, given: Any, ids: Any) -> Any:
    """Return what `_grown` does, of messages only; or nothing when `_appended` would have to look closer."""
    mark, moves = given["mark"], head["moves"]
    fits = (
        (head["epoch"] == mark["epoch"])
        & (head["trimmed"] <= mark["seq"])
        & (head["seq"] >= mark["seq"])
        & moves.do(
            lambda moves: (
                (newest_of(moves) <= given["seen_from"])
                | ((moves["dropped"] <= given["seen_from"]) & _moved(moves, given).is_empty())
            )
        )
        & head["tail"]["id"].set_intersection(ids).is_empty()
    )
    grown = r.do(
        head["seq"],
        head["number"],
        given["message_count"],
        _trim(head, given),
        lambda seq, number, count, trim: (
            _marks(head, given, trim, seq + count, number + count)
            | {
                "message_seq": seq + count,
                "tail": head["tail"].slice(trim - head["trimmed"])
                + _numbered(given["rows"], seq, number, count, count),
            }
        ),
    )
    return r.branch(fits.default(False), grown, {})


def _quick_answer(head: Any, given: Any) -> Any:
    """Return the answer of `quick_query`. Ours are the newest entries, or others have come after them meanwhile."""
    newest = head["tail"].nth(-1)
    newest_of_ours = r.branch(
        newest["attempt"] == given["attempt"],
        newest["seq"],
        head["tail"].filter({"attempt": given["attempt"]})["seq"].max(),
    )
    first = newest_of_ours - given["message_count"] + 1
    return head.pluck("epoch", "flushed").merge({"first": first})


def append_query(room_id: str, rows: list[dict[str, Any]], mark: Mark, seen: dict[str, int]) -> Any:
    """Return the query that appends what is new of `rows`, messages first, if the tail reaches back to `mark`.

    What is flushed was so before this query looks for the ids in `batches`; what is not is in the tail, which
    the update looks at itself. So no trim, however it falls between the two, lets a retry slip past.

    `seen`: by user, the entry as of which their membership was looked at. Nothing is appended when there is a newer
    change of any of them, or they are not remembered that far back; the answer has those changes as `moved`.

    The answer is read from the head after the update, which is cheaper than to have the update return the whole
    head as it was and as it is: a row of ours is in the tail, or a retry finds it in `batches`.
    """
    deleted = [row["data"]["target"] for row in rows if row["kind"] == Kind.DELETE]
    edited = [[room_id, row["data"]["target"]] for row in rows if row["kind"] == Kind.EDIT]
    return _APPEND(
        _given(room_id, rows, mark, seen)
        | {
            "has_moves": any(row["kind"] == Kind.MEMBER for row in rows),
            "deleted": deleted,
            "edited": edited,
            "erases": bool(deleted or edited),
        }
    )


def _given(room_id: str, rows: list[dict[str, Any]], mark: Mark, seen: dict[str, int]) -> dict[str, Any]:
    return {
        "room_id": room_id,
        "rows": rows,
        "ids": [row["id"] for row in rows],
        "attempt": rows[0]["attempt"],
        "message_count": sum(row["kind"] == Kind.MESSAGE for row in rows),
        "mark": mark._asdict(),
        "seen": seen,
        "seen_from": min(seen.values(), default=MAX_SAFE_SEQ),
    }


def _append(given: Any) -> Any:
    # Every value that is used for each row is bound to a variable (`do`): ReQL evaluates an expression anew
    # wherever it stands.
    heads = r.table("heads")

    def run(ids: Any, found: Any, gone: Any) -> Any:
        written = heads.get(given["room_id"]).update(
            lambda head: _appended(head, given, ids, found, gone), durability="hard"
        )
        return written.do(lambda written: _answer(given, written, ids, found))

    return r.do(
        given["ids"],
        with_ids(given["ids"]),
        changes_of(given["edited"]).filter({"kind": Kind.DELETE.value})["data"]["target"].coerce_to("array"),
        run,
    )


def _appended(head: Any, given: Any, ids: Any, found: Any, gone: Any) -> Any:
    """Return what an append changes of a head."""
    flushed = given["mark"]["seq"]
    known = (found["id"] + head["tail"]["id"]).set_intersection(ids)
    return r.branch(
        # The node knows too little, or another life.
        (head["trimmed"] > flushed) | (head["seq"] < flushed) | (known_of(head, given["mark"]) != flushed),
        {},
        _moves(head).do(
            lambda moves: (moves["dropped"] > given["seen_from"]) | _moved(moves, given).is_empty().not_()
        ),
        {},
        known.do(
            lambda known: r.branch(
                known.is_empty(),
                _grown(head, given, given["rows"], given["message_count"], gone),
                known.count() == given["rows"].count(),
                _confirmed(head),
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


def confirm_query(room_id: str) -> Any:
    """Return the write after which all that a head holds is on disk."""
    return r.table("heads").get(room_id).update(_confirmed, durability="hard")


def _confirmed(head: Any) -> Any:
    """Return a change of nothing, for when nothing is new: what is known may not be on disk yet."""
    return {"retries": head["retries"].default(0) + 1}


def _grown(head: Any, given: Any, fresh: Any, messages: Any, gone: Any) -> Any:
    return r.do(
        head["seq"],
        head["number"],
        fresh.count(),
        messages,
        _trim(head, given),
        lambda seq, number, count, messages, trim: _numbered(fresh, seq, number, count, messages).do(
            lambda new: _newest_move(
                r.branch(given["has_moves"], _with_moves_of(head, new), _moves(head))
            ).merge(
                _marks(head, given, trim, seq + count, number + messages)
                | {
                    "message_seq": r.branch(messages > 0, seq + messages, head["message_seq"]),
                    "tail": _blanked(head["tail"].slice(trim - head["trimmed"]) + new, given, gone),
                }
            )
        ),
    )


def _trim(head: Any, given: Any) -> Any:
    """Return up to which entry an append may trim the tail."""
    return r.expr([head["trimmed"], head["flushed"] - TRIM_LAG, given["mark"]["seq"] - TRIM_LAG]).max()


def _marks(head: Any, given: Any, trim: Any, seq: Any, number: Any) -> dict[str, Any]:
    """Return how far a head is that this append has lengthened to a seq, with so many messages."""
    flushed = r.expr([head["flushed"], given["mark"]["seq"]]).max()
    return {
        "seq": seq,
        "number": number,
        "flushed": flushed,
        "trimmed": trim,
        "attempt": given["attempt"],
    }


def _numbered(fresh: Any, seq: Any, number: Any, count: Any, messages: Any) -> Any:
    return r.map(
        r.range(1, count + 1),
        fresh,
        lambda i, row: row.merge({"seq": seq + i, "number": number + r.branch(i < messages, i, messages)}),
    ).coerce_to("array")


def _blanked(tail: Any, given: Any, gone: Any) -> Any:
    """Return the tail without the bodies of what is deleted: by this batch, in the tail or in `batches`."""
    return tail.do(
        lambda tail: r.branch(
            given["erases"],
            r.do(
                given["deleted"] + gone + tail.filter({"kind": Kind.DELETE.value})["data"]["target"],
                lambda seqs: erased(tail, seqs),
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
                    "written": written["replaced"],
                    "epoch": head["epoch"],
                    "flushed": head["flushed"],
                    "seq": head["seq"],
                    "dropped": _moves(head)["dropped"],
                    "moved": _moved(_moves(head), given),
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


def _moves(head: Any) -> Any:
    """Return the newest changes of membership: `rows` of user and seq, all of those after the entry `dropped`.

    A head of before there were `moves` has them in its tail, as far back as that goes.
    """
    in_tail = head["tail"].filter({"kind": Kind.MEMBER.value}).pluck("user_id", "seq")
    return r.branch(head.has_fields("moves"), head["moves"], {"dropped": head["trimmed"], "rows": in_tail})


def _newest_move(moves: Any) -> Any:
    """Return what a head says of these `moves`: `moved` is the newest, for those who need no more than that."""
    return moves.do(lambda moves: {"moves": moves, "moved": newest_of(moves)})


def newest_of(moves: Any) -> Any:
    """Return the newest of these changes of membership, remembered or not."""
    return moves["rows"].nth(-1)["seq"].default(moves["dropped"])


def _with_moves_of(head: Any, numbered: Any) -> Any:
    """Return a head's `moves` with those of new entries; the oldest are dropped."""

    def kept(rows: Any, dropped: Any) -> Any:
        surplus = r.expr([rows.count() - MOVES, 0]).max()
        return {
            "rows": rows.slice(surplus),
            "dropped": r.branch(surplus > 0, rows.nth(surplus - 1)["seq"], dropped),
        }

    fresh = numbered.filter({"kind": Kind.MEMBER.value}).pluck("user_id", "seq")
    return _moves(head).do(
        lambda moves: (moves["rows"] + fresh).do(lambda rows: kept(rows, moves["dropped"]))
    )


def _moved(moves: Any, given: Any) -> Any:
    """Return which of these changes of membership came after they were seen."""
    return moves["rows"].filter(lambda row: given["seen"][row["user_id"]].default(row["seq"]) < row["seq"])


_APPEND: Final = Prepared(_append)
_QUICK: Final = Prepared(_quick)
