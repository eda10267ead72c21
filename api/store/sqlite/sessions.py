"""Stores and reads sessions in the SQLite table `sessions`, and records their ends for the open tails.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `SessionStore`; queries are joined from constants of this file

from collections.abc import Sequence
from typing import Any, Final

import apsw
import orjson

from api.models.accounts import Rotation, Session, SessionKind
from api.store.base.sessions import USED_KEPT, SessionStore
from api.store.sqlite.worker import Worker

_SESSION: Final = "id, user_id, created_at, last_used_at, expires_at, user_agent, refresh_hash, used, kind"

ENDINGS_KEPT: Final = 10_000
"""This many ended sessions are kept for the open tails. A tail that is further behind raises `Unavailable`."""


class SqliteSessions(SessionStore):
    """The tables `sessions` and `session_endings`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def create(self, session: Session, *, most: int) -> None:
        await self._write(lambda cursor: _create(cursor, session, most))

    async def get_many(self, session_ids: Sequence[str]) -> dict[str, Session]:
        return await self._read(lambda cursor: _find_many(cursor, session_ids))

    async def of_user(self, user_id: str) -> list[Session]:
        return await self._read(lambda cursor: _of_user(cursor, user_id))

    async def rotate(
        self,
        session_id: str,
        *,
        presented_hash: str,
        next_hash: str,
        at: int,
        grace_ms: int,
        expires_at: int,
    ) -> Rotation:
        return await self._write(
            lambda cursor: _rotate(
                cursor,
                session_id,
                presented_hash=presented_hash,
                next_hash=next_hash,
                at=at,
                grace_ms=grace_ms,
                expires_at=expires_at,
            )
        )

    async def end(self, session_id: str) -> bool:
        return await self._write(lambda cursor: _end(cursor, session_id))

    async def end_all(self, user_id: str, *, but: str | None = None) -> list[str]:
        return await self._write(lambda cursor: _end_all(cursor, user_id, but))


def _create(cursor: apsw.Cursor, session: Session, most: int) -> None:
    """Store a session, and end the user's expired ones and their oldest ones beyond `most`. Repeating is harmless."""
    cursor.execute(
        f"INSERT INTO sessions ({_SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            session.id,
            session.user_id,
            session.created_at,
            session.last_used_at,
            session.expires_at,
            session.user_agent,
            session.refresh_hash,
            _json(session.used),
            session.kind.value,
        ),
    )
    mine = _of_user(cursor, session.user_id)
    for one in mine:
        if one.expires_at <= session.created_at:
            _end(cursor, one.id)
    for one in [one for one in mine if one.expires_at > session.created_at][most:]:
        _end(cursor, one.id)


def _find(cursor: apsw.Cursor, session_id: str) -> Session | None:
    """Return a session that has not been ended."""
    row = cursor.execute(
        f"SELECT {_SESSION} FROM sessions WHERE id = ?",
        (session_id,),
    ).fetchone()
    return row and _session(row)


def _find_many(cursor: apsw.Cursor, session_ids: Sequence[str]) -> dict[str, Session]:
    """Return those of these sessions that have not been ended."""
    return {found.id: found for one in session_ids if (found := _find(cursor, one)) is not None}


def _of_user(cursor: apsw.Cursor, user_id: str) -> list[Session]:
    """Return a user's sessions, newest first."""
    rows = cursor.execute(
        f"SELECT {_SESSION} FROM sessions WHERE user_id = ? ORDER BY created_at DESC, id DESC", (user_id,)
    )
    return [_session(row) for row in rows.fetchall()]


def _rotate(
    cursor: apsw.Cursor,
    session_id: str,
    *,
    presented_hash: str,
    next_hash: str,
    at: int,
    grace_ms: int,
    expires_at: int,
) -> Rotation:
    """Use up a refresh token, as `SessionStore.rotate` says."""
    found = _find(cursor, session_id)
    if found is None:
        return Rotation.UNKNOWN
    recent = [(used, when) for used, when in found.used if at - when <= grace_ms]
    if presented_hash == found.refresh_hash:
        cursor.execute(
            "UPDATE sessions SET refresh_hash = ?, used = ?, last_used_at = ?, expires_at = ? WHERE id = ?",
            (next_hash, _json([(presented_hash, at), *recent][:USED_KEPT]), at, expires_at, session_id),
        )
        return Rotation.ROTATED
    if any(presented_hash == used for used, _ in recent):
        return Rotation.GRACE
    _end(cursor, session_id)
    return Rotation.REUSED


def _end(cursor: apsw.Cursor, session_id: str) -> bool:
    """End a session, and record its end for the open tails. Returns False when there was none."""
    row = cursor.execute("DELETE FROM sessions WHERE id = ? RETURNING id, user_id", (session_id,)).fetchall()
    if not row:
        return False
    cursor.execute("INSERT INTO session_endings (session_id, user_id) VALUES (?, ?)", row[0])
    newest = cursor.connection.last_insert_rowid()
    cursor.execute("DELETE FROM session_endings WHERE id <= ?", (newest - ENDINGS_KEPT,))
    return True


def _end_all(cursor: apsw.Cursor, user_id: str, but: str | None) -> list[str]:
    """End a user's sessions, except `but` if that is given, and return their ids."""
    return [one.id for one in _of_user(cursor, user_id) if one.id != but and _end(cursor, one.id)]


def _session(row: Any) -> Session:
    *values, used, kind = row
    rotated = tuple((hash_, when) for hash_, when in orjson.loads(used))
    return Session(*[*values, rotated, SessionKind(kind)])


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
