"""Makes the ReQL queries for the tables `changed` and `reactions`, which hold changed messages folded. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.models.log import Kind
from api.store.cluster.batches import batches_table, changes_of, newest_replies, replies_to
from api.store.cluster.queries import heads_table, is_head, tail_after
from api.store.rethinkdb import Prepared, r

UNFOLDED_SLICE: Final = 100
"""One query looks for rooms without rows in this many heads."""
TARGETS_SLICE: Final = 10_000
"""One query looks for changed messages among this many seqs of a room."""


def changed_query(room_id: str, seqs: Sequence[int]) -> Any:
    """Return the query for the rows of these messages of a room, which are in order.

    The answer is null for a room without a head. Else it has `epoch`, `seq` and `folded` of the head, the `rows`, and
    of its `tail` what changes messages after the first of these and is not flushed. The head is read first, as what is
    flushed is in the rows by then.
    """
    return _CHANGED({"room_id": room_id, "first": seqs[0], "keys": [[room_id, seq] for seq in seqs]})


def changed_in_rooms_query(asked: Mapping[str, Sequence[int]]) -> Any:
    """Return the query for the same of many rooms.

    The answer has as `heads` those of the rooms, each with its `id` and `tail`, and the `rows` of all rooms.
    """
    first = {room_id: seqs[0] for room_id, seqs in asked.items()}
    return _CHANGED_IN_ROOMS(
        {"first": first, "keys": [[room_id, seq] for room_id, seqs in asked.items() for seq in seqs]}
    )


def rows_query(room_id: str, seqs: list[int]) -> Any:
    """Return the query for the rows of these messages, and for `epoch` and `folded` of the head, or null."""
    return _ROWS({"room_id": room_id, "keys": [[room_id, seq] for seq in seqs]})


def reactions_query(keys: list[str], ranges: list[list[Any]]) -> Any:
    """Return the query for documents of `reactions`: those with these `keys`, and those of each range, in order.

    A range is a place up to the emoji, a seq after which the reactions stand, and their greatest number.
    """
    return _REACTIONS({"keys": keys, "ranges": ranges})


def spill_query(documents: list[dict[str, Any]]) -> Any:
    """Return the write of documents of `reactions`. One that is there and tells of a later entry stays."""
    return _SPILL(documents)


def raise_query(rows: list[dict[str, Any]]) -> Any:
    """Return the write of these rows. Each has as `was` the epoch and the `as_of` of the row that it replaces, or null.

    A row that is no longer so stays as it is, and counts as `unchanged`.
    """
    return _RAISE(rows)


def forget_reactions_query(room_id: str, seq: int, limit: int) -> Any:
    """Return the write that removes documents of `reactions` of one message, of any epoch, at most `limit`."""
    place = [room_id, seq]
    found = r.table("reactions").between([*place, r.minval], [*place, r.maxval], index="place")
    return found.limit(limit).delete(durability="soft")


def changes_query(room_id: str, seqs: list[int], until: int) -> Any:
    """Return the query for the flushed rows up to a seq that change these messages, as a list."""
    return _CHANGES({"places": [[room_id, seq] for seq in seqs], "until": until})


def replies_query(room_id: str, root: int, until: int, limit: int) -> Any:
    """Return the query for the newest flushed replies below a root up to a seq that are not erased, newest first."""
    return _REPLIES({"room_id": room_id, "root": root, "until": until, "limit": limit})


# -- rooms without rows


def unfolded_query(last: Any) -> Any:
    """Return the query for rooms whose changed messages may have no rows, in one slice of heads: those after `last`.

    The answer has `heads`, each with `id`, `epoch`, the seq `flushed`, and whether it `has_changes` in `batches`. Its
    `last` is the last room of the slice, and null after the last slice.
    """

    def shown(head: Any) -> Any:
        targets, threads = (
            r.table("batches").between([head["id"], r.minval], [head["id"], r.maxval], index=index).is_empty()
            for index in ("target", "thread")
        )
        return head.pluck("id", "epoch", "flushed").merge({"has_changes": (targets & threads).not_()})

    def answer(heads: Any) -> Any:
        found = heads.filter(lambda head: is_head(head) & (head["folded"].default("") != head["epoch"]))
        return {
            "heads": found.map(shown).coerce_to("array"),
            "last": heads.nth(-1)["id"].default(None),
        }

    heads = heads_table().between(last, r.maxval, left_bound="open").order_by(index="id")
    return heads.limit(UNFOLDED_SLICE).coerce_to("array").do(answer)


def targets_query(room_id: str, after: int) -> Any:
    """Return the query for seqs of messages that are changed in `batches`, of the `TARGETS_SLICE` after a seq."""
    last = [room_id, after + TARGETS_SLICE]
    found = batches_table().between(
        [room_id, after], last, index="target", left_bound="open", right_bound="closed"
    )
    roots = batches_table().between([room_id, after + 1, r.minval], [*last, r.maxval], index="thread")
    return (
        found.distinct(index="target")
        .union(roots.distinct(index="thread"))
        .map(lambda key: key.nth(1))
        .distinct()
    )


def folded_query(epochs: dict[str, str]) -> Any:
    """Return the write that notes in the heads of these rooms that all changed messages have rows of these epochs.

    Rows of other epochs are removed before.
    """
    return _FOLDED({"epochs": epochs, "first": min(epochs), "last": max(epochs)})


def _changed(given: Any) -> Any:
    rows = _rows_at(given["keys"])

    def both(head: Any) -> Any:
        return _with_changes(head, given["first"]).do(lambda found: found.merge({"rows": rows}))

    return heads_table().get(given["room_id"]).do(lambda head: r.branch(is_head(head), both(head), None))


def _changed_in_rooms(given: Any) -> Any:
    heads = heads_table().get_all(r.args(given["first"].keys())).filter(is_head)
    found = heads.map(lambda head: _with_changes(head, given["first"][head["id"]])).coerce_to("array")
    return found.do(lambda found: {"heads": found, "rows": _rows_at(given["keys"])})


def _with_changes(head: Any, first: Any) -> Any:
    """Return a head with that part of its tail which changes messages after the seq `first` and may not be flushed."""
    tail = tail_after(head, r.expr([first, head["flushed"]]).max()).filter(
        # To ask for a field costs less than half of reading one that is not there, as in nearly all rows.
        lambda row: (row["kind"] != Kind.MESSAGE.value) | row.has_fields({"data": {"thread": True}}),
        default=True,
    )
    return head.pluck("id", "epoch", "seq", "folded").merge({"tail": tail})


def _rows_at(keys: Any) -> Any:
    return _table().get_all(r.args(keys)).coerce_to("array")


def _rows(given: Any) -> Any:
    def both(head: Any) -> Any:
        rows = _table().get_all(r.args(given["keys"]))
        return head.pluck("epoch", "folded").merge({"rows": rows.coerce_to("array")})

    return heads_table().get(given["room_id"]).do(lambda head: r.branch(is_head(head), both(head), None))


def _table() -> Any:
    return r.table("changed", read_mode="majority")


def _reactions(given: Any) -> Any:
    reactions = r.table("reactions", read_mode="majority")

    def of(place: Any, after: Any, limit: Any) -> Any:
        found = reactions.between(
            place.append(after), place.append(r.maxval), index="place", left_bound="open"
        )
        return found.order_by(index="place").limit(limit).coerce_to("array")

    return {
        "keys": reactions.get_all(r.args(given["keys"])).coerce_to("array"),
        "ranges": given["ranges"].map(lambda one: of(one.nth(0), one.nth(1), one.nth(2))),
    }


def _spill(documents: Any) -> Any:
    return r.table("reactions").insert(
        documents,
        conflict=lambda _id, old, new: r.branch(old["as_of"] >= new["as_of"], old, new),
        durability="hard",
    )


def _raise(rows: Any) -> Any:
    return r.table("changed").insert(
        rows,
        conflict=lambda _id, old, new: r.branch(
            new["was"] == [old["epoch"].default(None), old["as_of"].default(None)], new, old
        ),
        durability="hard",
    )


def _changes(given: Any) -> Any:
    found = changes_of(given["places"]).union(replies_to(given["places"]))
    return found.filter(lambda row: row["seq"] <= given["until"]).coerce_to("array")


def _replies(given: Any) -> Any:
    found = newest_replies(given["room_id"], given["root"], given["until"])
    return found.limit(given["limit"]).coerce_to("array")


def _folded(given: Any) -> Any:
    epochs = given["epochs"]
    rows = r.table("changed").between([given["first"], r.minval], [given["last"], r.maxval])

    def is_of_another(row: Any) -> Any:
        return row["epoch"].default(None) != epochs[row["id"].nth(0)]

    def noted(head: Any) -> Any:
        return r.branch(head["epoch"] == epochs[head["id"]], {"folded": head["epoch"]}, {})

    heads = r.table("heads").get_all(r.args(epochs.keys())).update(noted, durability="hard")
    # A row of a room that is not named here has no epoch to be compared with, which counts as false.
    return rows.filter(is_of_another, default=False).delete(durability="soft").do(lambda _removed: heads)


_CHANGED: Final = Prepared(_changed)
_CHANGED_IN_ROOMS: Final = Prepared(_changed_in_rooms)
_ROWS: Final = Prepared(_rows)
_REACTIONS: Final = Prepared(_reactions)
_SPILL: Final = Prepared(_spill)
_RAISE: Final = Prepared(_raise)
_CHANGES: Final = Prepared(_changes)
_REPLIES: Final = Prepared(_replies)
_FOLDED: Final = Prepared(_folded)
