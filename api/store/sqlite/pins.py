"""Keeps the pinned messages of rooms in the SQLite table `pins`, in the transactions that append.

The functions take a cursor, and run inside a transaction.
"""

from typing import Any

import apsw

from api.models.log import Entry, Kind


def keep(cursor: apsw.Cursor, entry: Entry) -> None:
    """Note what a new entry means for the pinned messages of its room."""
    target = entry.data.get("target")
    if entry.kind == Kind.PIN and entry.data["pinned"]:
        cursor.execute(
            "INSERT INTO pins (room_id, target, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (entry.room_id, target, entry.seq),
        )
    elif entry.kind in {Kind.PIN, Kind.DELETE}:
        cursor.execute("DELETE FROM pins WHERE room_id = ? AND target = ?", (entry.room_id, target))


def pinned(cursor: apsw.Cursor, room_id: str) -> list[int]:
    """Return the seqs of a room's pinned messages, that which was pinned last first."""
    rows: list[Any] = cursor.execute(
        "SELECT target FROM pins WHERE room_id = ? ORDER BY seq DESC", (room_id,)
    ).fetchall()
    return [seq for (seq,) in rows]
