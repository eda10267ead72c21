"""Erases an account from the SQLite tables, step by step.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `ErasureStore`; queries are joined from constants of this file

from collections.abc import Iterator, Sequence
from typing import Any

import apsw

from api.errors import NotFound
from api.models.log import Entry
from api.models.page import Page
from api.store import paging
from api.store.base.erasure import ErasureStore
from api.store.sqlite.accounts import require_another_admin
from api.store.sqlite.blocks import forget_blocks
from api.store.sqlite.consumers import forget_consumers
from api.store.sqlite.invites import forget_user
from api.store.sqlite.reports import forget_reports
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.rows import COLUMNS, each_row
from api.store.sqlite.worker import Worker


class SqliteErasure(ErasureStore):
    """Finds and changes the rows of one user in all tables."""

    def __init__(self, reader: Worker, writer: Worker, log: RoomLog) -> None:
        self._read = reader.do
        self._write = writer.do
        self._log = log

    async def begin(self, user_id: str, *, one_remains: bool = False) -> None:
        await self._write(lambda cursor: _begin(cursor, user_id, one_remains))

    async def pending(self) -> list[str]:
        return await self._read(_pending)

    async def entries_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Entry]:
        return await self._read(lambda reading: _entries_of(reading, self._log, user_id, cursor, limit))

    async def anonymise(self, entries: Sequence[Entry], username: str) -> None:
        await self._write(lambda cursor: _anonymise(cursor, entries, username))

    async def finish(self, user_id: str) -> None:
        await self._write(lambda cursor: _finish(cursor, self._log, user_id))


def _begin(cursor: apsw.Cursor, user_id: str, one_remains: bool) -> None:
    """Mark an account to be erased. Raises `NotFound`, `Conflict`."""
    if one_remains:
        require_another_admin(cursor, user_id)
    cursor.execute("UPDATE users SET disabled = 1, erasing = 1 WHERE id = ?", (user_id,))
    if not cursor.connection.changes():
        raise NotFound


def _pending(cursor: apsw.Cursor) -> list[str]:
    """Return the marked accounts."""
    return [row[0] for row in cursor.execute("SELECT id FROM users WHERE erasing")]


def _entries_of(
    cursor: apsw.Cursor, log: RoomLog, user_id: str, after: str | None, limit: int
) -> Page[Entry]:
    """List a user's entries: first those with a ref, ordered by its hash, then the others, ordered by id."""
    after_id, after_hash = paging.start("entries", after)
    return paging.page(
        "entries",
        _rows_of_user(cursor, user_id, after_id, bytes.fromhex(after_hash), limit + 1),
        limit,
        key=lambda row: (row[0], "") if row[-1] is None else (0, row[-1].hex()),
        item=lambda row: log.entry(row[:-1]),
    )


def _rows_of_user(
    cursor: apsw.Cursor, user_id: str, after_id: int, after_hash: bytes, limit: int
) -> Iterator[Any]:
    select = f"SELECT {COLUMNS}, ref_hash FROM entries WHERE user_id = ?"
    left = limit
    if after_id <= 0:
        for row in each_row(
            cursor,
            f"{select} AND ref_hash > ? ORDER BY ref_hash LIMIT ?",
            (user_id, after_hash, limit),
            more=", ref_hash",
        ):
            yield row
            left -= 1
    yield from each_row(
        cursor,
        f"{select} AND ref_hash IS NULL AND id > ? ORDER BY id LIMIT ?",
        (user_id, after_id, left),
        more=", ref_hash",
    )


def _anonymise(cursor: apsw.Cursor, entries: Sequence[Entry], username: str) -> None:
    """Replace the names on entries."""
    cursor.executemany(
        "UPDATE entries SET username = ?1, data = iif(kind = 'member' AND json_valid(data),"
        " json_remove(data, '$.display_name'), data) WHERE room_id = ?2 AND seq = ?3",
        [(username, entry.room_id, entry.seq) for entry in entries],
    )


def _finish(cursor: apsw.Cursor, log: RoomLog, user_id: str) -> None:
    """Remove an account that has no sessions and no memberships left but in deleted rooms, with what it has left."""
    cursor.execute(
        "DELETE FROM members WHERE user_id = ?"
        " AND (role IS NULL OR room_id IN (SELECT id FROM rooms WHERE deleted))",
        (user_id,),
    )
    cursor.execute("UPDATE members SET ban_reason = NULL WHERE banned_by = ?", (user_id,))
    forget_user(cursor, user_id)
    forget_blocks(cursor, user_id)
    forget_consumers(cursor, user_id)
    forget_reports(cursor, user_id)
    cursor.execute("DELETE FROM users WHERE id = ?", (user_id,))
    log.note_erased()
