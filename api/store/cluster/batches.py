"""Makes the ReQL queries that find entries in the table `batches`, and change them there. Pure.

A batch holds the rows of one or several appends, in their order. Its key is the room and the seq of the first row.
The cost of a document hardly grows with its content: to flush a batch of fifty rows costs less than half of what fifty
documents with one row each cost (docs/decisions/0002).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from api.models.kinds import NOTICES
from api.models.log import Kind
from api.store.cluster.queries import SAYING, erased, heads_table, is_head, is_row, literal, renamed
from api.store.cluster.waiting import MAX_BATCH
from api.store.rethinkdb import r


def batches_table() -> Any:
    """Return the table of batches, read from a majority of replicas."""
    return r.table("batches", read_mode="majority")


def _rows_of(batch: Any) -> Any:
    """Return the rows of a batch. One that another program wrote may have none, or rows that are no objects."""
    return _in(batch).filter(_is_object)


def _rows(batches: Any, is_wanted: Callable[[Any], Any]) -> Any:
    """Return the wanted rows of batches, in their order."""
    return batches.concat_map(_in).filter(lambda row: _is_object(row) & is_wanted(row))


def _in(batch: Any) -> Any:
    rows = batch["rows"].default(None)
    return r.branch(rows.type_of() == "ARRAY", rows, r.expr([]))


def _is_object(row: Any) -> Any:
    return row.type_of() == "OBJECT"


# -- authors
#
# `authors` of a batch has, for each row, the author of a message that is not erased, and null for every other row. The
# batches of versions before have none.


def has_authors(batch: Any) -> Any:
    """Say whether a batch tells the authors of all its rows."""
    return r.do(
        batch["authors"].default(None),
        batch["rows"].default(None),
        lambda authors, rows: (
            (authors.type_of() == "ARRAY") & (rows.type_of() == "ARRAY") & (authors.count() == rows.count())
        ),
    )


def _authors_left(batch: Any, rows: Any) -> Any:
    """Return the authors of a batch when these are its rows, of which more are erased than before."""
    return r.map(
        batch["authors"],
        rows,
        lambda author, row: r.branch(_is_object(row) & row["erased"].default(False), None, author),
    )


def _told(batches: Any) -> Any:
    """Return the first seq and the authors of batches that have messages. Where they do not tell, the rows are read."""

    def author(row: Any) -> Any:
        is_one = (row["kind"] == Kind.MESSAGE.value) & row["erased"].default(False).not_()
        return r.branch(is_one, row["user_id"].default(None), None)

    return batches.map(
        lambda batch: [
            batch["id"].nth(1),
            r.branch(has_authors(batch), batch["authors"], batch["rows"].map(author)),
        ]
    ).coerce_to("array")


def authors_between(room_id: Any, first: Any, last: Any) -> Any:
    """Return the first seq and the authors of each batch with messages that may reach from `first` to `last`."""
    return _told(_with_messages(room_id, first, last))


def next_authors(room_id: Any, first: Any, last: Any, limit: Any) -> Any:
    """Return the first seq and the authors of the next batches with messages that end at `first` or later, in order."""
    found = _with_messages(room_id, first, last).order_by(index="message")
    return _told(found.filter(lambda batch: batch["id"].nth(1) + batch["rows"].count() > first).limit(limit))


def _with_messages(room_id: Any, first: Any, last: Any) -> Any:
    return _reaching(batches_table(), room_id, first, last, index="message")


# -- finding. Room, seqs, places and ids may be ReQL terms.
#
# In a copy of the database a head may be older than the batches. Then some of these begin inside batches that are
# written later. Of two rows with the same seq, the one whose batch begins first counts. So the queries by seq read
# batches in the order of their keys.


def entries_after(room_id: Any, seq: Any, until: Any) -> Any:
    """Return the rows of a room's log with a seq in (seq, until]."""
    found = _reaching(batches_table(), room_id, seq + 1, until)
    return _rows(found.order_by(index="id"), lambda row: (row["seq"] > seq) & (row["seq"] <= until))


def entry_at(room_id: Any, seq: Any) -> Any:
    """Return the row with this seq of a room's log, if it is there."""
    found = _reaching(batches_table(), room_id, seq, seq)
    return _rows(found.order_by(index="id"), lambda row: row["seq"] == seq)


def entries_at(room_id: Any, seqs: Any, near: Any) -> Any:
    """Return the rows with these seqs of a room's log. `near` are the `spans` of the seqs."""
    return near.concat_map(
        lambda span: _rows(
            _reaching(batches_table(), room_id, span.nth(0), span.nth(1)).order_by(index="id"),
            lambda row: seqs.contains(row["seq"]),
        ).coerce_to("array")
    )


def spans(seqs: Sequence[int]) -> list[list[int]]:
    """Return the first and the last of seqs that are near each other. They are in order, and there is at least one."""
    found = [[seqs[0], seqs[0]]]
    for seq in seqs:
        if seq - found[-1][1] > MAX_BATCH:
            found.append([seq, seq])
        found[-1][1] = seq
    return found


def _reaching(batches: Any, room_id: Any, first: Any, last: Any, *, index: str = "id") -> Any:
    """Return the batches that may have entries from `first` to `last`."""
    lower = [room_id, first - MAX_BATCH + 1]
    return batches.between(lower, [room_id, last], index=index, right_bound="closed")


# What the history shows is looked for near a seq first. The indexes of messages and of notices are used only if other
# entries stand between them, because each of the table's eight parts reads on by itself until it is told that there are
# enough. `kinds` are those that are shown: MESSAGES or ALL_SHOWN.

MESSAGES: Final = (Kind.MESSAGE.value,)
ALL_SHOWN: Final = (*MESSAGES, *NOTICES)
_INDEXES: Final = {"message": MESSAGES, "notice": NOTICES}
"""The indexes of batches that hold an entry of any of these kinds."""


def newest_near(room_id: Any, until: Any, limit: Any, kinds: Sequence[str]) -> Any:
    """Return up to `limit` entries up to a seq, newest first, near that seq."""
    first = until - limit - MAX_BATCH
    around = _reaching(batches_table(), room_id, first, until).order_by(index=r.desc("id"))
    return _newest_first(around, kinds, first, until).limit(limit)


def newest_shown(room_id: Any, until: Any, limit: Any, kinds: Sequence[str]) -> Any:
    """Return up to `limit` entries up to a seq, newest first."""

    def newest(index: str) -> Any:
        found = batches_table().between(
            [room_id, r.minval], [room_id, until], index=index, right_bound="closed"
        )
        return _newest_first(found.order_by(index=r.desc(index)), _INDEXES[index], 0, until)

    return _merged([newest(index) for index in _indexes_of(kinds)], r.desc("seq")).limit(limit)


def oldest_near(room_id: Any, first: Any, until: Any, limit: Any, kinds: Sequence[str]) -> Any:
    """Return up to `limit` entries from `first` to `until`, oldest first, near the first of them."""
    last = r.expr([first + limit + MAX_BATCH, until]).min()
    around = _reaching(batches_table(), room_id, first, last).order_by(index="id")
    return _rows(around, lambda row: _is_shown_in(row, kinds, first, last)).limit(limit)


def oldest_shown(room_id: Any, first: Any, until: Any, limit: Any, kinds: Sequence[str]) -> Any:
    """Return up to `limit` entries from `first` to `until`, oldest first."""

    def oldest(index: str) -> Any:
        found = batches_table().between(
            [room_id, first - MAX_BATCH + 1], [room_id, until], index=index, right_bound="closed"
        )
        return _rows(
            found.order_by(index=index), lambda row: _is_shown_in(row, _INDEXES[index], first, until)
        )

    return _merged([oldest(index) for index in _indexes_of(kinds)], "seq").limit(limit)


def _indexes_of(kinds: Sequence[str]) -> list[str]:
    return [index for index, of in _INDEXES.items() if set(of) <= set(kinds)]


def _merged(streams: list[Any], order: Any) -> Any:
    """Return streams that are in this order as one. Each is read only as far as is needed."""
    return streams[0] if len(streams) == 1 else streams[0].union(*streams[1:], interleave=order)


def _newest_first(batches: Any, kinds: Sequence[str], first: Any, last: Any) -> Any:
    """Return the entries from `first` to `last` of batches that come newest first."""
    rows = batches.concat_map(lambda batch: _rows_of(batch).order_by(r.desc("seq")))
    return rows.filter(lambda row: _is_shown_in(row, kinds, first, last))


def _is_shown_in(row: Any, kinds: Sequence[str], first: Any, last: Any) -> Any:
    is_shown = row["kind"] == kinds[0] if len(kinds) == 1 else r.expr([*kinds]).contains(row["kind"])
    return is_shown & (row["seq"] >= first) & (row["seq"] <= last)


def rows_at(places: list[list[Any]]) -> Any:
    """Return the rows of flushed entries at these places (room and seq)."""
    first, *others = (entry_at(room_id, seq).coerce_to("array") for room_id, seq in places)
    return first.union(*others) if others else first


def changes_of(places: Any) -> Any:
    """Return the rows that change the messages at these places (room and seq). `places` is a term."""
    found = _each_once(batches_table(), places, index="target")
    return _rows(found, lambda row: places.contains([row["room_id"], row["data"]["target"]]))


def replies_below(room_id: Any, first: Any, last: Any) -> Any:
    """Return the replies below the messages from `first` to `last`, and the entries that delete such replies."""
    batches = batches_table()
    found = batches.between([room_id, first, r.minval], [room_id, last, r.maxval], index="thread")
    below = batches.get_all(r.args(found["id"].distinct()))
    return _rows(below, lambda row: (row["data"]["thread"] >= first) & (row["data"]["thread"] <= last))


def replies_to(places: Any) -> Any:
    """Return the replies below the roots at these places (room and seq), and the entries that delete such replies."""
    batches = batches_table()

    def below(place: Any) -> Any:
        lower, upper = place.append(r.minval), place.append(r.maxval)
        return batches.between(lower, upper, index="thread")["id"].distinct()

    found = batches.get_all(r.args(places.concat_map(below).distinct()))
    return _rows(found, lambda row: places.contains([row["room_id"], row["data"]["thread"]]))


def newest_replies(room_id: Any, root: Any, until: Any) -> Any:
    """Return the replies below a root up to a seq that are not erased, newest first."""
    batches = batches_table()
    found = batches.between(
        [room_id, root, r.minval], [room_id, root, until], index="thread", right_bound="closed"
    )

    def is_one(row: Any) -> Any:
        is_below = (row["kind"] == Kind.MESSAGE.value) & (row["data"]["thread"] == root)
        return is_below & row["erased"].default(False).not_() & (row["seq"] <= until)

    ordered = found.order_by(index=r.desc("thread"))
    return ordered.concat_map(lambda batch: _rows_of(batch).order_by(r.desc("seq"))).filter(is_one)


def replies_after(room_id: Any, root: Any, seq: Any, until: Any, limit: Any) -> Any:
    """Return up to `limit` replies below a root with a seq in (seq, until], oldest first."""
    lower = [room_id, root, seq - MAX_BATCH + 2]
    found = batches_table().between(lower, [room_id, root, until], index="thread", right_bound="closed")

    def is_one(row: Any) -> Any:
        is_below = (row["kind"] == Kind.MESSAGE.value) & (row["data"]["thread"] == root)
        return is_below & (row["seq"] > seq) & (row["seq"] <= until)

    return _rows(found.order_by(index="thread"), is_one).limit(limit)


def _each_once(batches: Any, keys: Any, *, index: str) -> Any:
    """Return the batches with any of these keys in a multi index, each once. The index gives one for each row."""
    found = batches.get_all(r.args(keys), index=index)["id"].distinct()
    return batches.get_all(r.args(found))


def of_author(user_id: str, place: list[Any], limit: int) -> Any:
    """Return a user's rows, at most `limit`, in the order of their batches. Each comes as the `row` and its `batch`.

    They begin after a place: the key of a batch (room and seq) and the seq of a row there. [] is before all.
    """
    batch_id, seq = place[:2], place[2:]

    def is_wanted(batch: Any, row: Any) -> Any:
        is_theirs = _is_object(row) & (row["user_id"] == user_id) & is_row(row)
        return is_theirs & ((batch["id"] != batch_id) | (row["seq"] > seq[0])) if seq else is_theirs

    def rows(batch: Any) -> Any:
        theirs = _in(batch).filter(lambda row: is_wanted(batch, row))
        return theirs.map(lambda row: {"batch": batch["id"], "row": row})

    found = batches_table().between([user_id, *batch_id], [user_id, r.maxval], index="who")
    return found.order_by(index="who").concat_map(rows).limit(limit)


def messages_by(room_id: str, user_id: str, since: int, limit: int) -> Any:
    """Return the seqs of the messages of a user that are not erased, from batches of which the newest come first."""

    def is_wanted(row: Any) -> Any:
        is_message = (row["kind"] == Kind.MESSAGE.value) & row["erased"].default(False).not_()
        return is_message & (row["user_id"] == user_id) & (row["at"] >= since)

    theirs = batches_table().between([user_id, room_id], [user_id, room_id, r.maxval], index="who")
    return _rows(theirs.order_by(index=r.desc("who")), is_wanted)["seq"].limit(limit)


# -- changing what is there

CUT_SLICE: Final = 50
"""One query looks after the ends of this many rooms."""


def cut_query(last_room: Any) -> Any:
    """Return the write that removes the rows beyond the ends of rooms, in one slice of rooms: those after `last_room`.

    In a copy of the database a head may be older than the batches. Then the next entries get the seqs of these rows. An
    entry is in its head before it is flushed, so a row that was read before the head and is beyond its end is of a life
    that is over. The rows are known by their appends, so what is stored meanwhile stays.
    """

    def beyond(head: Any) -> Any:
        found = _reaching(batches_table(), head["id"], head["seq"] + 1, r.maxval)
        return found.filter(lambda batch: _rows_of(batch)["seq"].max() > head["seq"]).coerce_to("array")

    def cut(batch: Any) -> Any:
        head = heads_table().get(batch["id"].nth(0))
        return head["seq"].do(lambda end: r.table("batches").get(batch["id"]).replace(_without(batch, end)))

    def answer(heads: Any) -> Any:
        last = {"last": heads.nth(-1)["id"].default(None)}
        batches = heads.concat_map(beyond)
        return batches.do(
            lambda batches: r.branch(
                batches.is_empty(), {"errors": 0}, batches.for_each(cut).pluck("errors")
            ).merge(last)
        )

    heads = heads_table().between(last_room, r.maxval, left_bound="open").order_by(index="id").filter(is_head)
    return heads.limit(CUT_SLICE).pluck("id", "seq").coerce_to("array").do(answer)


def _without(known: Any, end: Any) -> Callable[[Any], Any]:
    """Return the function that takes out of a batch those rows of `known` that come after the seq `end`."""
    over = _rows_of(known).filter(lambda row: row["seq"] > end)["attempt"].distinct()

    def kept(batch: Any) -> Any:
        rows = batch["rows"].filter(
            lambda row: (_is_object(row) & (row["seq"] > end) & over.contains(row["attempt"])).not_(),
            default=True,
        )
        return rows.do(
            lambda rows: r.branch(
                rows.is_empty(),
                None,
                has_authors(batch),
                batch.merge({"rows": rows, "authors": batch["authors"].slice(0, rows.count())}),
                batch.merge({"rows": rows}),
            )
        )

    return lambda batch: r.branch(batch.eq(None), None, kept(batch))


def rename_query(user_id: str, room_id: str, seqs: list[int], username: str) -> Any:
    """Return the write that replaces the username of a user's entries with these seqs in one room."""
    first = [user_id, room_id, min(seqs) - MAX_BATCH + 1]
    found = r.table("batches").between(
        first, [user_id, room_id, max(seqs)], index="who", right_bound="closed"
    )
    return found.filter(
        lambda batch: batch["rows"]["seq"].set_intersection(literal(seqs)).is_empty().not_()
    ).update(lambda batch: {"rows": renamed(batch["rows"], literal(seqs), username)})


def erase_query(room_id: str, targets: Sequence[int]) -> Any:
    """Return the write that erases the bodies of messages, whose seqs are in order, of their edits, and previews."""
    batches = r.table("batches")

    def found(seqs: Any) -> Any:
        def is_concerned(batch: Any) -> Any:
            edited = _rows_of(batch).filter(lambda row: SAYING.contains(row["kind"]))["data"]["target"]
            return (_rows_of(batch)["seq"] + edited).set_intersection(seqs).is_empty().not_()

        near = literal(spans(targets)).concat_map(
            lambda span: _reaching(batches, room_id, span.nth(0), span.nth(1)).filter(is_concerned)["id"]
        )
        edited = _each_once(batches, seqs.map(lambda seq: [room_id, seq]), index="target")
        return near.union(edited.filter(is_concerned)["id"]).distinct()

    def erase(seqs: Any, keys: Any) -> Any:
        def blanked(batch: Any, rows: Any) -> Any:
            whole = {"rows": rows, "authors": _authors_left(batch, rows)}
            return r.branch(has_authors(batch), whole, {"rows": rows})

        found = batches.get_all(r.args(keys))
        return found.update(lambda batch: r.do(batch, erased(batch["rows"], seqs), blanked))

    # What is bound is read once, and not for each row.
    return r.do(literal(list(targets)), lambda seqs: found(seqs).do(lambda keys: erase(seqs, keys)))
