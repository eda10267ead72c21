"""Makes the ReQL queries that append to a room's log: each is one atomic update of its head. Pure.

`exact_append` is for messages in a room whose head this node knows: the node computes all that is written, and the
database only compares seq and epoch. It has few terms, as the server computes each term anew for every query.
`relative_query` appends to a head that may have grown since it was last known. It appends anything.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from api.models.log import Kind
from api.store.cluster.heads import MOVES, NOTED, KnownHead, noted
from api.store.cluster.holes import has_mark, is_whole, left_after
from api.store.cluster.member_counts import came, counted
from api.store.cluster.queries import TRIM_LAG, Mark, erased, heads_table, is_head
from api.store.cluster.waiting import Guard
from api.store.rethinkdb import Prepared, r
from api.store.template import Template, value

MAX_SAFE_SEQ: Final = 2**53 - 1
"""The last whole number that the database keeps exactly. It is greater than every seq."""

CLOSED: Final = {"deleted": True, "moves": {"dropped": MAX_SAFE_SEQ + 1, "rows": []}}
"""These fields of a head say that its room is deleted."""


# -- to a head that is known


class Exact(NamedTuple):
    """An append to a known head: its query, the numbered rows, and the head's marks and the batch's size after it."""

    query: Any
    rows: list[dict[str, Any]]
    flushed: int
    trimmed: int
    batch: int
    size: int


def exact_append(room_id: str, head: KnownHead, rows: list[dict[str, Any]], flushed: int) -> Exact:
    """Return the append of these new messages to a head that is as it is known.

    `flushed` is the seq up to which this node knows the entries to be flushed. The answer of the query is null if one
    of the refs is known, and nothing was written. Else it has the counts of a write, with `replaced` 0 if the head is
    another.
    """
    count, seq = len(rows), head.seq + len(rows)
    size = sum(len(row["data"].get("body", "")) for row in rows)
    batch = head.batch_for(count, size)
    numbered = [row | {"seq": head.seq + n, "batch": batch} for n, row in enumerate(rows, 1)]
    flushed = max(flushed, head.flushed)
    # A tail that nodes read behind a busy writer reaches further back than one of lone messages.
    trimmed = max(head.trimmed, flushed - min(TRIM_LAG, 2 * count))
    query = _EXACT(
        room=room_id,
        ids=_json([row["id"] for row in rows]),
        seq_before=head.seq,
        attempt_before=head.attempt,
        epoch=head.epoch,
        seq=seq,
        number=head.number + count,
        message_seq=seq,
        flushed=flushed,
        trimmed=trimmed,
        attempt=rows[-1]["attempt"],
        mentioned=_json(noted(head.mentioned, numbered, seq)),
        drop=trimmed - head.trimmed,
        rows=_json(numbered),
    )
    return Exact(query, numbered, flushed, trimmed, batch, size)


def _json(of: Any) -> str:
    return orjson.dumps(of).decode()


def _exact() -> Any:
    def grown(head: Any) -> Any:
        fields: dict[str, Any] = {
            name: value(name) for name in ("seq", "number", "message_seq", "flushed", "trimmed", "attempt")
        }
        return r.branch(
            (head["seq"] == value("seq_before"))
            & (head["attempt"].default("") == value("attempt_before"))
            & (head["epoch"] == value("epoch"))
            & is_whole(head),
            fields
            | {
                "mentioned": r.json(value("mentioned")),
                "tail": head["tail"].slice(value("drop")) + r.json(value("rows")),
            },
            {},
        )

    # A ref that is not found may be read from one replica. One that is found is confirmed before it is acked.
    return r.branch(
        r.table("refs").get_all(r.args(r.json(value("ids")))).is_empty(),
        r.table("heads").get(value("room")).update(grown, durability="hard"),
        None,
    )


# -- to a head that may have grown


def relative_query(
    room_id: str,
    rows: list[dict[str, Any]],
    mark: Mark,
    seen: dict[str, int],
    guards: Sequence[Guard] = (),
) -> Any:
    """Return the query that appends these new rows, messages first, if they pass every check.

    Entries up to `mark` were flushed before the query looks for the refs. Later ones are in the tail, which the update
    itself searches. So a retry is found even if the tail is trimmed between the two. `seen` has, by user, the seq as of
    which their membership and the room were read. Nothing is appended if there is a newer change of them, or if the
    head does not remember changes that far back. Nor is anything appended if one of the `guards` does not hold.

    The answer is null if anything is in the way, and nothing was written; then a look at the head tells what it is.
    Else it has `epoch`, `seq`, `flushed` and `trimmed` of the head, `first`, the seq of the first row, and, if nobody
    has appended since, `before`, the append of the row before it. It is read after the update, which is cheaper than if
    the update returned the whole head as it was before and after.
    """
    deleted = [row["data"]["target"] for row in rows if row["kind"] == Kind.DELETE]
    given = {
        "room_id": room_id,
        "rows": rows,
        "ids": [row["id"] for row in rows],
        "attempt": rows[0]["attempt"],
        "count": len(rows),
        "messages": sum(row["kind"] == Kind.MESSAGE for row in rows),
        "mentioned": noted([], [row | {"seq": n} for n, row in enumerate(rows, 1)], len(rows)),
        "came": came(rows),
        "mark": mark._asdict(),
        "seen": seen,
        "seen_from": min(seen.values(), default=MAX_SAFE_SEQ),
        "guards": [guard._asdict() for guard in guards],
        "deleted": deleted,
    }
    if len(rows) > given["messages"]:
        room = next((row["data"] for row in reversed(rows) if row["kind"] == Kind.ROOM), None)
        return _ANY(given | {"room": room})
    return (_GUARDED if guards else _MESSAGES)(given)


def _relative(given: Any, *, fits: Any, grown: Any) -> Any:
    heads = r.table("heads")

    def run(ids: Any, known: Any) -> Any:
        written = heads.get(given["room_id"]).update(
            lambda head: r.branch(fits(head, given, ids).default(False), grown(head, given), {}),
            durability="hard",
        )
        return r.branch(
            known.not_(),
            None,
            written["replaced"] == 1,
            heads.get(given["room_id"]).do(lambda head: _answer(head, given)).default(None),
            None,
        )

    known = r.table("refs").get_all(r.args(given["ids"])).is_empty()
    return r.do(given["ids"], known, run)


def _fits(head: Any, given: Any, ids: Any) -> Any:
    mark = given["mark"]
    return (
        (head["epoch"] == mark["epoch"])
        & (head["trimmed"] <= mark["seq"])
        & ((head["flushed"] >= mark["seq"]) | has_mark(head, mark))
        & _moves(head).do(
            lambda moves: (
                (newest_of(moves) <= given["seen_from"])
                | ((moves["dropped"] <= given["seen_from"]) & _moved(moves, given).is_empty())
            )
        )
        & head["tail"]["id"].set_intersection(ids).is_empty()
    )


def _fits_guarded(head: Any, given: Any, ids: Any) -> Any:
    def fails(guard: Any) -> Any:
        counted = head["tail"].filter(
            lambda row: (
                (row["seq"] > guard["as_of"])
                & (row["kind"] == guard["kind"])
                & ((guard["target"] == None) | (row["data"]["target"] == guard["target"]))  # noqa: E711  ReQL
            )
        )
        return (
            (head["epoch"] != guard["epoch"])
            | (head["trimmed"] > guard["as_of"])
            | (counted.count() > guard["spare"])
        )

    return _fits(head, given, ids) & given["guards"].filter(fails).is_empty()


def _grown_by_messages(head: Any, given: Any) -> Any:
    return r.do(
        head["seq"],
        _trim(head, given),
        lambda seq, trim: _grown(head, given, seq, trim, _numbered(given, seq)),
    )


def _grown_by_any(head: Any, given: Any) -> Any:
    def grown(seq: Any, trim: Any) -> Any:
        return _numbered(given, seq).do(
            lambda new: (
                _grown(head, given, seq, trim, new)
                .merge({"tail": _blanked(left_after(head, trim) + new, given)})
                .merge(_with_moves_of(head, given, new))
                .merge(_with_room(given["room"]))
                .merge(_without_mentions_of(given["deleted"]))
            )
        )

    return r.do(head["seq"], _trim(head, given), grown)


def _grown(head: Any, given: Any, seq: Any, trim: Any, new: Any) -> Any:
    """Return the change of a head to which the numbered rows `new` are added."""
    mentioned = given["mentioned"].map(lambda one: [one[0] + seq, one[1]])
    return r.expr(
        {
            "seq": seq + given["count"],
            "number": head["number"] + given["messages"],
            "message_seq": r.branch(given["messages"] > 0, seq + given["messages"], head["message_seq"]),
            "flushed": r.expr([head["flushed"], given["mark"]["seq"]]).max(),
            "trimmed": trim,
            "attempt": given["attempt"],
            "mentioned": r.branch(
                given["mentioned"].is_empty(),
                head["mentioned"].default([]),
                (head["mentioned"].default([]) + mentioned).filter(
                    lambda one: one[0] > seq + given["count"] - NOTED
                ),
            ),
            "tail": left_after(head, trim) + new,
        }
    )


def _with_room(room: Any) -> Any:
    """Return the fields of a head after its room has become this, or is deleted. With null it is as before.

    To a deleted room nothing is appended any more. `_fits` sees that without a further comparison, as the head has
    dropped a move that is newer than everything that anybody has read.
    """
    return r.branch(
        room == None,  # noqa: E711  a term of ReQL
        {},
        room["deleted"].default(False),
        CLOSED,
        {"room": room},
    )


def _without_mentions_of(deleted: Any) -> Any:
    """Return the function that takes out of a head whom these messages mention."""
    return lambda head: {"mentioned": head["mentioned"].filter(lambda one: deleted.contains(one[0]).not_())}


def _trim(head: Any, given: Any) -> Any:
    """Return the seq up to which an append may trim the tail."""
    return r.expr([head["trimmed"], head["flushed"] - TRIM_LAG, given["mark"]["seq"] - TRIM_LAG]).max()


def _numbered(given: Any, seq: Any) -> Any:
    """Return the rows with their seqs. They are a batch of their own, as nobody knows which one another node fills."""
    return r.map(
        r.range(1, given["count"] + 1),
        given["rows"],
        lambda i, row: row.merge({"seq": seq + i, "batch": seq + 1}),
    ).coerce_to("array")


def _blanked(tail: Any, given: Any) -> Any:
    """Return the tail without the bodies that this append deletes. An edit of a deleted message is never appended."""
    return tail.do(lambda tail: r.branch(given["deleted"].is_empty(), tail, erased(tail, given["deleted"])))


def _answer(head: Any, given: Any) -> Any:
    """Return the answer of an append. Our rows are the newest in the tail, unless others have come since."""
    newest = head["tail"].nth(-1)
    last = r.branch(
        newest["attempt"] == given["attempt"],
        newest["seq"],
        head["tail"].filter({"attempt": given["attempt"]})["seq"].max(),
    )
    before = head["tail"].nth(-1 - given["count"])["attempt"].default(None)
    answer = {"first": last - given["count"] + 1, "before": before}
    return head.pluck("epoch", "seq", "flushed", "trimmed").merge(answer)


# -- moves


def _moves(head: Any) -> Any:
    """Return the newest changes of membership and room: `rows` has all of them after the entry `dropped`.

    A row of a change of the room has no `user_id`. A head that is older than the field `moves` has them only in its
    tail, as far back as that goes.
    """
    in_tail = head["tail"].filter({"kind": Kind.MEMBER.value}).pluck("user_id", "seq")
    return r.branch(head.has_fields("moves"), head["moves"], {"dropped": head["trimmed"], "rows": in_tail})


def newest_of(moves: Any) -> Any:
    """Return the seq of the newest of these changes, even if its row was dropped."""
    return moves["rows"].nth(-1)["seq"].default(moves["dropped"])


def _with_moves_of(head: Any, given: Any, numbered: Any) -> Any:
    """Return the fields `moves`, `moved` and `members` of a head after these entries.

    The oldest moves beyond `MOVES` are dropped. `moved` is the seq of the newest, which is all that a feed needs.
    """

    def kept(rows: Any, dropped: Any) -> Any:
        surplus = r.expr([rows.count() - MOVES, 0]).max()
        moves = {
            "rows": rows.slice(surplus),
            "dropped": r.branch(surplus > 0, rows.nth(surplus - 1)["seq"], dropped),
        }
        return r.expr(moves).do(
            lambda moves: newest_of(moves).do(
                lambda moved: {"moves": moves, "moved": moved, "members": counted(head, given["came"], moved)}
            )
        )

    fresh = (
        numbered.filter(lambda row: r.expr([Kind.MEMBER.value, Kind.ROOM.value]).contains(row["kind"]))
        .map(
            lambda row: r.branch(
                row["kind"] == Kind.MEMBER.value, row.pluck("user_id", "seq"), row.pluck("seq")
            )
        )
        .coerce_to("array")
    )
    return _moves(head).do(
        lambda moves: (moves["rows"] + fresh).do(lambda rows: kept(rows, moves["dropped"]))
    )


def _moved(moves: Any, given: Any) -> Any:
    """Return those of these changes that came after what they change was read. A change of the room concerns all."""

    def read(row: Any) -> Any:
        concerned = row["user_id"].default(None)
        return r.branch(concerned.eq(None), given["seen_from"], given["seen"][concerned].default(row["seq"]))

    return moves["rows"].filter(lambda row: read(row) < row["seq"])


# -- looking


def head_query(room_id: str) -> Any:
    """Return the query for a whole head, from one replica. An append to it compares what it is then."""
    return r.table("heads").get(room_id)


def look_query(room_id: str, ids: list[str]) -> Any:
    """Return the query for a whole head, and for the refs of these ids. What it answers is durable."""
    return _LOOK({"room_id": room_id, "ids": ids})


def _look(given: Any) -> Any:
    refs = r.table("refs", read_mode="majority").get_all(r.args(given["ids"])).coerce_to("array")
    return {"head": heads_table().get(given["room_id"]), "refs": refs}


def tails_at(places: list[list[Any]]) -> Any:
    """Return the query for the rows that the tails of the rooms of these places (room and seq) carry."""
    rooms = sorted({room_id for room_id, _ in places})
    heads = heads_table().get_all(r.args(rooms)).filter(is_head)
    return heads.concat_map(lambda head: head["tail"]).coerce_to("array")


def confirm_query(room_id: str) -> Any:
    """Return a write after which everything that a head holds is on disk."""
    retries = {"retries": r.row["retries"].default(0) + 1}
    return r.table("heads").get(room_id).update(retries, durability="hard")


_EXACT: Final = Template(_exact)
_MESSAGES: Final = Prepared(lambda given: _relative(given, fits=_fits, grown=_grown_by_messages))
_GUARDED: Final = Prepared(lambda given: _relative(given, fits=_fits_guarded, grown=_grown_by_messages))
_ANY: Final = Prepared(lambda given: _relative(given, fits=_fits_guarded, grown=_grown_by_any))
_LOOK: Final = Prepared(_look)
