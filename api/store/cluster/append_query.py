"""Makes the ReQL queries that append to a room's log: each is one atomic update of its head. Pure.

`append_query` appends anything. `quick_query` costs half as much, and appends new messages that pass all its checks,
which is nearly every append. Most of what an append costs is what the server computes for its query.
"""

from typing import Any, Final

from api.models.log import Kind
from api.store.cluster.batches import any_with_ids, changes_of, with_ids
from api.store.cluster.queries import TRIM_LAG, Mark, erased, known_of
from api.store.rethinkdb import Prepared, r

MAX_SAFE_SEQ: Final = 2**53 - 1
"""The last whole number that the database keeps exactly. It is greater than every seq."""

MOVES: Final = 64
"""A head remembers this many changes of membership. So an append that rests on an older reading can be refused."""


def quick_query(room_id: str, rows: list[dict[str, Any]], mark: Mark, seen: dict[str, int]) -> Any:
    """Return the query that appends these new messages if they pass every check.

    If they do not, the answer is null, nothing was written, and `append_query` must find the reason: a ref that is
    known, a membership that may have changed, or a mark that is too old. Else the answer has `epoch` and `flushed` of
    the head, and `first`, the seq of the first row; the other rows follow it.
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
    """Return the change that `_grown` makes for messages, or {} when `_appended` would have to check more."""
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
    """Return the answer of `quick_query`. Our rows are the newest in the tail, unless others have come since."""
    newest = head["tail"].nth(-1)
    newest_of_ours = r.branch(
        newest["attempt"] == given["attempt"],
        newest["seq"],
        head["tail"].filter({"attempt": given["attempt"]})["seq"].max(),
    )
    first = newest_of_ours - given["message_count"] + 1
    return head.pluck("epoch", "flushed").merge({"first": first})


def append_query(room_id: str, rows: list[dict[str, Any]], mark: Mark, seen: dict[str, int]) -> Any:
    """Return the query that appends those of `rows` that are new, if the tail reaches back to `mark`.

    `rows` must have the messages first. The query looks for the ids of the rows in `batches`, and then updates the
    head. Entries up to `mark` were flushed before that look-up. Later ones are in the tail, which the update itself
    searches. So a retry is found even if the tail is trimmed between the two.

    `seen` has, by user, the seq as of which their membership was read. Nothing is appended if there is a newer change
    of any of them, or if the head does not remember changes that far back. The answer has those changes as `moved`.

    The answer is read from the head after the update. That is cheaper than if the update returned the whole head as it
    was before and after. A row of ours is then still in the tail, or a retry finds it in `batches`.
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
    # Each value that is used for every row is bound to a variable by `do`, because ReQL evaluates an expression again
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
    """Return the change that an append makes to a head."""
    flushed = given["mark"]["seq"]
    known = (found["id"] + head["tail"]["id"]).set_intersection(ids)
    return r.branch(
        # The mark of the node is too old, or of another epoch.
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
    """Return a write after which everything that a head holds is on disk."""
    return r.table("heads").get(room_id).update(_confirmed, durability="hard")


def _confirmed(head: Any) -> Any:
    """Return a change that only forces a sync, as rows that are not new may not be on disk yet."""
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
    """Return the seq up to which an append may trim the tail."""
    return r.expr([head["trimmed"], head["flushed"] - TRIM_LAG, given["mark"]["seq"] - TRIM_LAG]).max()


def _marks(head: Any, given: Any, trim: Any, seq: Any, number: Any) -> dict[str, Any]:
    """Return the fields of a head after this append: `seq` is its last entry, `number` its count of messages."""
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
    """Return the tail without the bodies that this batch, the tail or `batches` delete."""
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
    """Return the newest changes of membership: `rows` has user and seq of all changes after the entry `dropped`.

    A head that is older than the field `moves` has them only in its tail, as far back as that goes.
    """
    in_tail = head["tail"].filter({"kind": Kind.MEMBER.value}).pluck("user_id", "seq")
    return r.branch(head.has_fields("moves"), head["moves"], {"dropped": head["trimmed"], "rows": in_tail})


def _newest_move(moves: Any) -> Any:
    """Return the fields of a head for these `moves`. `moved` is the seq of the newest, which is all the feed needs."""
    return moves.do(lambda moves: {"moves": moves, "moved": newest_of(moves)})


def newest_of(moves: Any) -> Any:
    """Return the seq of the newest of these changes of membership, even if its row was dropped."""
    return moves["rows"].nth(-1)["seq"].default(moves["dropped"])


def _with_moves_of(head: Any, numbered: Any) -> Any:
    """Return a head's `moves` with those of new entries. The oldest beyond `MOVES` are dropped."""

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
    """Return those of these changes of membership that came after the membership was read."""
    return moves["rows"].filter(lambda row: given["seen"][row["user_id"]].default(row["seq"]) < row["seq"])


_APPEND: Final = Prepared(_append)
_QUICK: Final = Prepared(_quick)
