"""Attempts by key: plain functions on a cursor, to be run inside a transaction."""

import apsw
import orjson

from api.store import attempts


def attempt(cursor: apsw.Cursor, key: str, *, at: int, count: int, window_ms: int) -> int:
    """Count one attempt, as `Store.attempt` says."""
    times = _times(cursor, key)
    wait_ms = attempts.wait_ms(times, at=at, count=count, window_ms=window_ms)
    if not wait_ms:
        _keep(cursor, key, [*attempts.recent(times, at=at, window_ms=window_ms), at])
    return wait_ms


def forgive(cursor: apsw.Cursor, key: str, *, at: int) -> None:
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
