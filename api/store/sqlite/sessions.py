"""Stores and reads sessions in the SQLite table `sessions`, and records their ends for the open tails.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `SessionStore`; queries are joined from constants of this file

from collections.abc import Sequence
from typing import Any, Final

import apsw
import orjson

from api.models.accounts import Rotation, Session, SessionKind, SessionUse
from api.store.base.sessions import SET_BACK, SessionStore
from api.store.evictions import evicted
from api.store.grants import grant_of, row_of_grant
from api.store.sqlite.worker import Worker

_SESSION: Final = (
    "id, user_id, created_at, last_used_at, expires_at, user_agent,"
    " refresh_hash, previous_hash, pair_used, kind, granted"
)

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
        next_hashes: Sequence[str],
        at: int,
        expires_at: int,
    ) -> tuple[Rotation, str]:
        return await self._write(
            lambda cursor: _rotate(
                cursor,
                session_id,
                presented_hash=presented_hash,
                next_hashes=next_hashes,
                at=at,
                expires_at=expires_at,
            )
        )

    async def use(self, uses: Sequence[SessionUse], *, at: int) -> None:
        await self._write(lambda cursor: _use(cursor, uses, at))

    async def end(self, session_id: str) -> bool:
        return await self._write(lambda cursor: _end(cursor, session_id))

    async def end_all(
        self, user_id: str, *, but: str | None = None, kind: SessionKind | None = None
    ) -> list[str]:
        return await self._write(lambda cursor: _end_all(cursor, user_id, but, kind))


def _create(cursor: apsw.Cursor, session: Session, most: int) -> None:
    """Store a session, and end those that it evicts. Repeating is harmless."""
    cursor.execute(
        f"INSERT INTO sessions ({_SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            session.id,
            session.user_id,
            session.created_at,
            session.last_used_at,
            session.expires_at,
            session.user_agent,
            session.refresh_hash,
            session.previous_hash,
            session.pair_used,
            session.kind.value,
            session.grant and orjson.dumps(row_of_grant(session.grant)).decode(),
        ),
    )
    for one in evicted(_of_user(cursor, session.user_id), session, most):
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
    next_hashes: Sequence[str],
    at: int,
    expires_at: int,
) -> tuple[Rotation, str]:
    """Use up a refresh token, as `SessionStore.rotate` says."""
    found = _find(cursor, session_id)
    if found is None:
        return Rotation.UNKNOWN, ""
    if found.refresh_hash in {presented_hash, SET_BACK}:
        rotation, newest = Rotation.ROTATED, next_hashes[0]
    elif presented_hash == found.previous_hash and not found.pair_used:
        rotation = Rotation.REPEATED
        newest = found.refresh_hash if found.refresh_hash in next_hashes else next_hashes[0]
    else:
        _end(cursor, session_id)
        return Rotation.REUSED, ""
    cursor.execute(
        "UPDATE sessions SET refresh_hash = ?, previous_hash = ?, pair_used = 0,"
        " last_used_at = max(last_used_at, ?), expires_at = max(expires_at, ?) WHERE id = ?",
        (newest, presented_hash, at, expires_at, session_id),
    )
    return rotation, newest


def _use(cursor: apsw.Cursor, uses: Sequence[SessionUse], at: int) -> None:
    """Raise the last uses of sessions, and mark the pairs that are named as used."""
    cursor.executemany(
        "UPDATE sessions SET last_used_at = max(last_used_at, ?1),"
        " pair_used = pair_used OR refresh_hash IS ?3 WHERE id = ?2",
        [(at, use.session_id, use.refresh_hash) for use in uses],
    )


def _end(cursor: apsw.Cursor, session_id: str) -> bool:
    """End a session, and record its end for the open tails. Returns False when there was none."""
    row = cursor.execute("DELETE FROM sessions WHERE id = ? RETURNING id, user_id", (session_id,)).fetchall()
    if not row:
        return False
    cursor.execute("INSERT INTO session_endings (session_id, user_id) VALUES (?, ?)", row[0])
    newest = cursor.connection.last_insert_rowid()
    cursor.execute("DELETE FROM session_endings WHERE id <= ?", (newest - ENDINGS_KEPT,))
    return True


def _end_all(cursor: apsw.Cursor, user_id: str, but: str | None, kind: SessionKind | None) -> list[str]:
    """End a user's sessions, or those of one kind, except `but` if that is given, and return their ids."""
    ending = [one.id for one in _of_user(cursor, user_id) if one.id != but and kind in {None, one.kind}]
    return [session_id for session_id in ending if _end(cursor, session_id)]


def _session(row: Any) -> Session:
    *values, pair_used, kind, granted = row
    grant = None if granted is None else grant_of(orjson.loads(granted))
    return Session(*[*values, bool(pair_used), SessionKind(kind), grant])
