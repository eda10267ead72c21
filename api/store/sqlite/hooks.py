"""Stores and reads incoming hooks in the SQLite table `hooks`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `HookStore`; queries are joined from constants of this file

from dataclasses import astuple
from typing import Final

import apsw

from api.models.hooks import Hook
from api.models.page import Page
from api.store import paging
from api.store.base.hooks import HookStore
from api.store.sqlite.worker import Worker

_HOOK: Final = "id, room_id, bot_id, name, made_by, created_at, ended_at, last_used_at"


class SqliteHooks(HookStore):
    """The table `hooks`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def create(self, hook: Hook) -> None:
        await self._write(lambda cursor: _create(cursor, hook))

    async def get(self, hook_id: str) -> Hook | None:
        return await self._read(lambda cursor: _find(cursor, hook_id))

    async def of_room(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Hook]:
        return await self._read(lambda reading: _of_room(reading, room_id, cursor, limit))

    async def use(self, hook_id: str, *, at: int) -> None:
        await self._write(lambda cursor: _use(cursor, hook_id, at))

    async def end(self, hook_id: str, *, at: int) -> bool:
        return await self._write(lambda cursor: _end(cursor, hook_id, at))

    async def bots_of(self, room_id: str) -> list[str]:
        return await self._read(lambda cursor: _bots_of(cursor, room_id))


def _create(cursor: apsw.Cursor, hook: Hook) -> None:
    """Store a hook."""
    cursor.execute(
        f"INSERT INTO hooks ({_HOOK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", astuple(hook)
    )


def _find(cursor: apsw.Cursor, hook_id: str) -> Hook | None:
    """Return a hook."""
    row = cursor.execute(f"SELECT {_HOOK} FROM hooks WHERE id = ?", (hook_id,)).fetchone()
    return row and Hook(*row)


def _of_room(cursor: apsw.Cursor, room_id: str, before: str | None, limit: int) -> Page[Hook]:
    """List the hooks of a room, newest first."""
    list_name = f"hooks {room_id}"
    rows = cursor.execute(
        f"SELECT {_HOOK} FROM hooks WHERE room_id = ? AND ended_at IS NULL AND (created_at, id) < (?, ?)"
        " ORDER BY created_at DESC, id DESC LIMIT ?",
        (room_id, *(paging.AFTER_ALL if before is None else paging.start(list_name, before)), limit + 1),
    ).fetchall()
    return paging.page(list_name, rows, limit, key=lambda row: (row[5], row[0]), item=lambda row: Hook(*row))


def _use(cursor: apsw.Cursor, hook_id: str, at: int) -> None:
    """Store that a hook has posted."""
    cursor.execute(
        "UPDATE hooks SET last_used_at = ?2 WHERE id = ?1 AND ended_at IS NULL AND coalesce(last_used_at, 0) < ?2",
        (hook_id, at),
    )


def _end(cursor: apsw.Cursor, hook_id: str, at: int) -> bool:
    """End a hook."""
    cursor.execute("UPDATE hooks SET ended_at = ? WHERE id = ? AND ended_at IS NULL", (at, hook_id))
    return bool(cursor.connection.changes())


def _bots_of(cursor: apsw.Cursor, room_id: str) -> list[str]:
    """Return the bots of all hooks of a room."""
    return [str(bot) for (bot,) in cursor.execute("SELECT bot_id FROM hooks WHERE room_id = ?", (room_id,))]
