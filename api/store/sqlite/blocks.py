"""Stores and reads blocks in the SQLite table `blocks`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `BlockStore`; queries are joined from constants

from collections.abc import Sequence

import apsw
import orjson

from api.models.accounts import User
from api.models.page import Page
from api.store import paging
from api.store.base.blocks import BlockStore
from api.store.sqlite.accounts import USER, user_of
from api.store.sqlite.worker import Worker


class SqliteBlocks(BlockStore):
    """The table `blocks`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def add(self, user_id: str, blocked_id: str, *, at: int) -> None:
        await self._write(lambda cursor: _add(cursor, user_id, blocked_id, at))

    async def remove(self, user_id: str, blocked_id: str) -> None:
        await self._write(lambda cursor: _remove(cursor, user_id, blocked_id))

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[User]:
        return await self._read(lambda reading: _of_user(reading, user_id, cursor, limit))

    async def count_of_user(self, user_id: str) -> int:
        return await self._read(lambda cursor: _count_of_user(cursor, user_id))

    async def any_among(self, user_ids: Sequence[str]) -> bool:
        return await self._read(lambda cursor: _any_among(cursor, user_ids))

    async def blockers_of(self, user_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        return await self._read(lambda cursor: _blockers_of(cursor, user_ids))


def forget_blocks(cursor: apsw.Cursor, user_id: str) -> None:
    """Delete the blocks that a user made, and those against them."""
    cursor.execute("DELETE FROM blocks WHERE user_id = ?1 OR blocked_id = ?1", (user_id,))


def blocked_by(cursor: apsw.Cursor, user_id: str) -> frozenset[str]:
    """Return the ids of those whom a user has blocked."""
    rows = cursor.execute("SELECT blocked_id FROM blocks WHERE user_id = ?", (user_id,))
    return frozenset(row[0] for row in rows)


def _add(cursor: apsw.Cursor, user_id: str, blocked_id: str, at: int) -> None:
    """Store a block, unless there is one."""
    cursor.execute(
        "INSERT INTO blocks (user_id, blocked_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (user_id, blocked_id, at),
    )


def _remove(cursor: apsw.Cursor, user_id: str, blocked_id: str) -> None:
    """Delete a block."""
    cursor.execute("DELETE FROM blocks WHERE user_id = ? AND blocked_id = ?", (user_id, blocked_id))


def _of_user(cursor: apsw.Cursor, user_id: str, before: str | None, limit: int) -> Page[User]:
    """List whom a user has blocked, the newest block first."""
    list_name = f"blocks {user_id}"
    rows = cursor.execute(
        f"SELECT at, {USER} FROM blocks JOIN users ON users.id = blocked_id"
        " WHERE user_id = ? AND (at, blocked_id) < (?, ?) ORDER BY at DESC, blocked_id DESC LIMIT ?",
        (user_id, *(paging.AFTER_ALL if before is None else paging.start(list_name, before)), limit + 1),
    ).fetchall()
    return paging.page(
        list_name, rows, limit, key=lambda row: (row[0], row[1]), item=lambda row: user_of(row[1:])
    )


def _count_of_user(cursor: apsw.Cursor, user_id: str) -> int:
    """Return how many users a user has blocked."""
    ((count,),) = cursor.execute("SELECT count(*) FROM blocks WHERE user_id = ?", (user_id,))
    return int(count)


def _any_among(cursor: apsw.Cursor, user_ids: Sequence[str]) -> bool:
    """Say whether one of these users has blocked another."""
    found = cursor.execute(
        "SELECT 1 FROM json_each(?1) AS one CROSS JOIN json_each(?1) AS another"
        " CROSS JOIN blocks ON user_id = one.value AND blocked_id = another.value LIMIT 1",
        (orjson.dumps(list(user_ids)).decode(),),
    )
    return found.fetchone() is not None


def _blockers_of(cursor: apsw.Cursor, user_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return who has blocked each of these users."""
    found = {
        user_id: frozenset(
            str(blocker)
            for (blocker,) in cursor.execute("SELECT user_id FROM blocks WHERE blocked_id = ?", (user_id,))
        )
        for user_id in user_ids
    }
    return {user_id: blockers for user_id, blockers in found.items() if blockers}
