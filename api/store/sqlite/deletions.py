"""Takes away what is left of deleted rooms in the SQLite tables, slice by slice.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `DeletionStore`; queries are joined from constants of this file

from collections.abc import Sequence
from typing import Final

import apsw
import orjson

from api.store.base.deletions import DeletionStore
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.worker import Worker

SLICE: Final = 500
"""One transaction takes away at most this many rows of a table, which takes a few milliseconds."""

_KEYS: Final = {
    "mentions": "seq, user_id",
    "reactions": "target, emoji, user_id",
    "changed": "seq",
    "entries": "seq",
    "invites": "id",
    "webhooks": "id",
    "hooks": "id",
    "members": "user_id",
}
"""The tables of what is left of a room, with what is their key beside `room_id`. Memberships go last."""


class SqliteDeletions(DeletionStore):
    """The table `room_deletions` names the rooms. What is left of them is in the tables of the other nouns."""

    def __init__(self, reader: Worker, writer: Worker, log: RoomLog) -> None:
        self._read = reader.do
        self._write = writer.do
        self._log = log

    async def pending(self, *, before: int) -> list[str]:
        return await self._read(lambda cursor: _pending(cursor, before))

    async def take_away(self, room_id: str) -> bool:
        return await self._write(lambda cursor: _take_away(cursor, self._log, room_id))

    async def members_among(self, room_id: str, user_ids: Sequence[str]) -> set[str]:
        return await self._read(lambda cursor: _members_among(cursor, room_id, user_ids))


def _pending(cursor: apsw.Cursor, before: int) -> list[str]:
    rows = cursor.execute(
        "SELECT room_id FROM room_deletions JOIN rooms ON id = room_id WHERE deleted < ?", (before,)
    )
    return [str(room_id) for (room_id,) in rows]


def _take_away(cursor: apsw.Cursor, log: RoomLog, room_id: str) -> bool:
    if not cursor.execute("SELECT 1 FROM room_deletions WHERE room_id = ?", (room_id,)).fetchone():
        return False
    log.note_erased()
    for table, key in _KEYS.items():
        cursor.execute(
            f"DELETE FROM {table} WHERE room_id = ?1 AND ({key}) IN"
            f" (SELECT {key} FROM {table} WHERE room_id = ?1 LIMIT ?2)",
            (room_id, SLICE),
        )
        if cursor.connection.changes():
            return True
    cursor.execute("DELETE FROM room_deletions WHERE room_id = ?", (room_id,))
    return False


def _members_among(cursor: apsw.Cursor, room_id: str, user_ids: Sequence[str]) -> set[str]:
    rows = cursor.execute(
        "SELECT user_id FROM members JOIN rooms ON id = room_id AND deleted WHERE room_id = ?"
        " AND role IS NOT NULL AND user_id IN (SELECT value FROM json_each(?))",
        (room_id, orjson.dumps(list(user_ids)).decode()),
    )
    return {str(user_id) for (user_id,) in rows}
