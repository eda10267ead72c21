"""Keeps in the SQLite table `mentions` which messages mention whom, as they stand after their last edit.

A row is changed in the transaction that appends an entry about its message. So it costs no look at any body to count
the mentions of a user, or to list them. `user_id` is `EVERYBODY` where all members of the room are mentioned.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: S608 - queries are joined from constants of this file

from collections.abc import Iterator
from typing import Final

import apsw

from api.models.log import Entry, Kind
from api.models.rooms import MAX_UNREAD
from api.store.fold import mentions_in
from api.store.mentions import EVERYBODY, Mention, Place

AFTER_ALL: Final[Place] = (2**63 - 1, 2**63 - 1, "")
"""Is above the place of every message."""
COUNT: Final = (
    "(SELECT count(*) FROM (SELECT 1 FROM ("
    " SELECT author_id FROM mentions WHERE user_id = ?2 AND room_id = value ->> 0"
    " AND seq > value ->> 1 AND seq <= value ->> 2"
    " UNION ALL"
    " SELECT author_id FROM mentions WHERE user_id = '' AND room_id = value ->> 0"
    " AND seq > value ->> 1 AND seq <= value ->> 2 AND author_id <> ?2)"
    f" WHERE author_id NOT IN (SELECT blocked_id FROM blocks WHERE user_id = ?2) LIMIT {MAX_UNREAD}))"
)
"""How many messages mention the user ?2, at most `MAX_UNREAD`. `value` is the id of a room, and the seqs between which.

Those of whom the user has blocked do not count.
"""


def note(cursor: apsw.Cursor, entry: Entry) -> None:
    """Take note of whom a new message or edit mentions, or that a message was deleted."""
    target = entry.data.get("target")
    match entry.kind:
        case Kind.MESSAGE:
            _keep(cursor, entry, entry.seq, entry.at)
        case Kind.EDIT:
            _forget(cursor, entry.room_id, target)
            row = cursor.execute(
                "SELECT at FROM entries WHERE room_id = ? AND seq = ?", (entry.room_id, target)
            ).fetchone()
            _keep(cursor, entry, target, row and row[0])
        case Kind.DELETE:
            _forget(cursor, entry.room_id, target)
        case _:
            pass


def _keep(cursor: apsw.Cursor, entry: Entry, seq: object, at: int | None) -> None:
    """Store whom the text of an entry mentions, which is that of the message at `seq`. Nobody mentions themselves."""
    mentions = mentions_in(entry.data)
    user_ids = (EVERYBODY,) if mentions.everybody else mentions.user_ids
    cursor.executemany(
        "INSERT OR IGNORE INTO mentions (room_id, seq, user_id, author_id, at) VALUES (?, ?, ?, ?, ?)",
        [(entry.room_id, seq, one, entry.user_id, at or 0) for one in user_ids if one != entry.user_id],
    )


def _forget(cursor: apsw.Cursor, room_id: str, seq: object) -> None:
    cursor.execute("DELETE FROM mentions WHERE room_id = ? AND seq = ?", (room_id, seq))


def mentions_before(cursor: apsw.Cursor, user_id: str, place: Place) -> Iterator[Mention]:
    """Yield the messages before a place that mention a user, or everybody in any room, newest first."""
    # Both parts come from an index in this order, and SQLite merges them as they are read.
    rows = cursor.execute(
        "SELECT at, seq, room_id, author_id, 0 FROM mentions"
        " WHERE user_id = ?1 AND (at, seq, room_id) < (?2, ?3, ?4)"
        " UNION ALL"
        " SELECT at, seq, room_id, author_id, 1 FROM mentions"
        " WHERE user_id = '' AND (at, seq, room_id) < (?2, ?3, ?4)"
        " ORDER BY at DESC, seq DESC, room_id DESC",
        (user_id, *place),
    )
    return (Mention(at, seq, room_id, author, bool(of_all)) for at, seq, room_id, author, of_all in rows)
