"""Counts attempts by key in the SQLite table `attempts`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `AttemptStore`

import apsw
import orjson

from api.store import attempts
from api.store.base.attempts import AttemptStore
from api.store.sqlite.worker import Worker


class SqliteAttempts(AttemptStore):
    """The table `attempts`."""

    def __init__(self, writer: Worker) -> None:
        self._write = writer.do

    async def take(self, key: str, *, at: int, count: int, window_ms: int) -> int:
        return await self._write(lambda cursor: _take(cursor, key, at=at, count=count, window_ms=window_ms))

    async def forgive(self, key: str, *, at: int) -> None:
        await self._write(lambda cursor: _forgive(cursor, key, at=at))


def _take(cursor: apsw.Cursor, key: str, *, at: int, count: int, window_ms: int) -> int:
    """Count one attempt, as `AttemptStore.take` says."""
    times = _times(cursor, key)
    wait_ms = attempts.wait_ms(times, at=at, count=count, window_ms=window_ms)
    if not wait_ms:
        _keep(cursor, key, [*attempts.recent(times, at=at, window_ms=window_ms), at])
    return wait_ms


def _forgive(cursor: apsw.Cursor, key: str, *, at: int) -> None:
    """Take back one attempt."""
    times = _times(cursor, key)
    if at in times:
        times.remove(at)
        _keep(cursor, key, times)


def _times(cursor: apsw.Cursor, key: str) -> list[int]:
    row = cursor.execute("SELECT times FROM attempts WHERE key = ?", (key,)).fetchone()
    return [] if row is None else [int(time) for time in orjson.loads(row[0])]


def _keep(cursor: apsw.Cursor, key: str, times: list[int]) -> None:
    cursor.execute(
        "INSERT INTO attempts (key, times) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET times = ?2",
        (key, orjson.dumps(times).decode()),
    )
