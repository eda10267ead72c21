"""Makes the rows of the table `mentions`, and the ReQL queries for them: which messages mention whom. Pure.

A message that mentions somebody has a row. Its `users` are the ids of those whom the last text mentions; `EVERYBODY`
stands there for all members of the room. The flush of an entry raises the row. It is never raised by an entry that is
older than `as_of`, the newest that has raised it.

A user who was ever mentioned in a room has a row as well, and so has `EVERYBODY`. No later message than its `as_of`
mentions them, so nearly always it shows that none after what they have read does.
"""

from collections.abc import Iterable
from typing import Any, Final

from api.models.log import Entry, Kind
from api.store.cluster.batches import entry_at
from api.store.cluster.queries import heads_table, is_head, is_row, tail_after
from api.store.fold import mentions_in
from api.store.mentions import EVERYBODY, Place
from api.store.rethinkdb import Prepared, r

STEP: Final = 100
"""The `as_of` of the row of a user is a multiple of this."""


def mentioned_by(entry: Entry) -> list[str]:
    """Return whom the text of a message or an edit mentions, as a row has it. Nobody mentions themselves."""
    mentions = mentions_in(entry.data)
    user_ids = (EVERYBODY,) if mentions.everybody else mentions.user_ids
    return [one for one in user_ids if one != entry.user_id]


def may_mention(row: dict[str, Any]) -> bool:
    """Say whether a row of an entry must be read to find out whether it changes a row of mentions."""
    kind, data = row["kind"], row["data"]
    if kind == Kind.MESSAGE:
        return isinstance(data, dict) and ("mentions" in data or "mentions_all" in data)
    return kind in {Kind.EDIT, Kind.DELETE}


def rows_after(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return what these entries make of rows, one for each message that they may concern. They are in their order.

    `at` is that of the message, and null where these entries do not tell it. `is_new` says whether there must be a row
    even where there is none: an edit that mentions nobody needs none.
    """
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for entry in entries:
        target = entry.data.get("target")
        if entry.kind == Kind.MESSAGE:
            if users := mentioned_by(entry):
                rows[entry.room_id, entry.seq] = _row(entry, entry.seq, entry.at, users)
        elif isinstance(target, int):
            before = rows.get((entry.room_id, target), {})
            users = mentioned_by(entry) if entry.kind == Kind.EDIT else []
            row = _row(entry, target, before.get("at"), users)
            # Another node may yet flush the message as it was before it was deleted, and must find a row then.
            row["is_new"] = bool(users or before.get("is_new") or entry.kind == Kind.DELETE)
            rows[entry.room_id, target] = row
    return list(rows.values())


def _row(entry: Entry, seq: int, at: int | None, users: list[str]) -> dict[str, Any]:
    return {
        "id": [entry.room_id, seq],
        "as_of": entry.seq,
        "at": at,
        "author": entry.user_id,
        "users": users,
        "is_new": True,
    }


def note_query(rows: list[dict[str, Any]]) -> Any:
    """Return the write that raises these rows, those that are not new only where they are, and those of users."""
    return _NOTE([*rows, *_rows_of_users(rows)])


def _rows_of_users(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    newest: dict[tuple[str, str], int] = {}
    for row in rows:
        room_id, seq = row["id"]
        for user_id in row["users"]:
            newest[room_id, user_id] = max(seq, newest.get((room_id, user_id), 0))
    return [
        # Rounded, so that it does not tell of a message that is deleted later.
        {"id": [*place], "as_of": -(-seq // STEP) * STEP, "at": 0, "author": "", "users": [], "is_new": True}
        for place, seq in newest.items()
    ]


def _note(rows: Any) -> Any:
    table = r.table("mentions")

    def told(row: Any) -> Any:
        """Return a row with the time of its message, by which those are listed that mention somebody.

        The message is flushed if the entry does not tell it.
        """
        is_asked = row["at"].eq(None) & row["users"].is_empty().not_()
        at = entry_at(row["id"].nth(0), row["id"].nth(1)).nth(0)["at"]
        return row.merge({"at": r.branch(is_asked, at, row["at"]).default(0)}).without("is_new")

    def newer(_id: Any, old: Any, new: Any) -> Any:
        return r.branch(old["as_of"] >= new["as_of"], old, new)

    old = rows.filter({"is_new": False})["id"]
    known = r.branch(old.is_empty(), [], table.get_all(r.args(old))["id"].coerce_to("array"))
    raised = known.do(lambda known: rows.filter(lambda row: row["is_new"] | known.contains(row["id"])))
    return table.insert(raised.map(told), conflict=newer, durability="hard")


# -- reading


def seqs_between(room_id: Any, user_id: Any, silent: Any, *, first: Any, last: Any, limit: Any) -> Any:
    """Return the seqs of messages, from one seq to another, that mention a user by name, or everybody.

    Those of users who are `silent` are left out. There are at most `limit` of either. What the tail of the head tells
    is newer than these are.
    """

    def found(whom: Any) -> Any:
        newest = _table().get([room_id, whom])["as_of"].default(0)
        return r.branch(newest < first, [], among_rows(whom))

    def among_rows(whom: Any) -> Any:
        rows = _table().between(
            [whom, room_id, first], [whom, room_id, last], index="user", right_bound="closed"
        )
        others = rows.filter(lambda row: silent.contains(row["author"]).not_()).limit(limit)
        return others.map(lambda row: row["id"].nth(1)).coerce_to("array")

    return found(user_id) + found(EVERYBODY)


def listed_query(user_id: str, before: Place | None, limit: int) -> Any:
    """Return the query for the newest rows that mention a user, or everybody in any room, before a place.

    There are at most `limit` of either. Each has `id`, `at`, `author`, and whether it is `of_everybody`.
    """
    return _LISTED({"user": user_id, "before": before and [*before], "limit": limit})


def _listed(given: Any) -> Any:
    def found(whom: Any) -> Any:
        before = given["before"].default([r.maxval])
        upper = r.expr([whom]).add(before)
        rows = _table().between([whom, r.minval], upper, index="age").order_by(index=r.desc("age"))
        return (
            rows.limit(given["limit"])
            .map(lambda row: row.pluck("id", "at", "author").merge({"of_everybody": whom == EVERYBODY}))
            .coerce_to("array")
        )

    return found(given["user"]) + found(r.expr(EVERYBODY))


def in_tails_query(user_id: str, room_ids: list[str]) -> Any:
    """Return the query for the entries of these rooms that mention a user, or everybody, and may not be flushed."""
    return _IN_TAILS({"user": user_id, "rooms": room_ids})


def _in_tails(given: Any) -> Any:
    def mentions(row: Any) -> Any:
        # It costs far more to read a field that is not there than to ask whether it is. Few rows mention anybody.
        is_named = has(row, "mentions") & row["data"]["mentions"].contains(given["user"])
        return (is_named | (has(row, "mentions_all") & row["data"]["mentions_all"])) & is_row(row)

    def has(row: Any, name: str) -> Any:
        return row.has_fields({"data": {name: True}})

    def new(head: Any) -> Any:
        return tail_after(head, head["flushed"]).filter(mentions)

    heads = heads_table().get_all(r.args(given["rooms"])).filter(is_head)
    return heads.filter(lambda head: head["flushed"] < head["seq"]).concat_map(new).coerce_to("array")


def _table() -> Any:
    return r.table("mentions", read_mode="majority")


_NOTE: Final = Prepared(_note)
_LISTED: Final = Prepared(_listed)
_IN_TAILS: Final = Prepared(_in_tails)
