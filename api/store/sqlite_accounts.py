"""Accounts, sessions and kept values: plain functions on a cursor, to be run inside a transaction."""

# ruff: noqa: S608 - queries are joined from constants of this file, never from values

from collections.abc import Sequence
from typing import Any, Final

import apsw
import orjson

from api.errors import NotFound, UsernameTaken
from api.models import Account, Rotation, Session, User
from api.store.base import USED_KEPT

_SESSION: Final = "id, user_id, created_at, last_used_at, expires_at, user_agent, refresh_hash, used"

ENDINGS_KEPT: Final = 10_000
"""Ended sessions that changes() can still tell of. A tail further behind is told that it is lost."""


def keep(cursor: apsw.Cursor, name: str, value: str) -> str:
    """Keep a value unless one is kept; return what is kept."""
    cursor.execute("INSERT INTO kept (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
    ((kept,),) = cursor.execute("SELECT value FROM kept WHERE name = ?", (name,))
    return str(kept)


def create(cursor: apsw.Cursor, account: Account) -> None:
    """Store an account; storing the same one again changes nothing. Raises `UsernameTaken`."""
    user = account.user
    holder = cursor.execute("SELECT id FROM users WHERE username_key = ?", (account.username_key,)).fetchone()
    if holder == (user.id,):
        return  # a retry
    if holder is not None:
        raise UsernameTaken
    cursor.execute(
        "INSERT INTO users (id, username, username_key, display_name, password_hash, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            user.id,
            user.username,
            account.username_key,
            user.display_name,
            account.password_hash,
            user.created_at,
        ),
    )


def by_name(cursor: apsw.Cursor, username_key: str) -> Account | None:
    """Return the account with this unique name."""
    row = cursor.execute(
        "SELECT id, username, display_name, created_at, username_key, password_hash FROM users"
        " WHERE username_key = ?",
        (username_key,),
    ).fetchone()
    return row and Account(User(*row[:4]), *row[4:])


def user(cursor: apsw.Cursor, user_id: str) -> User | None:
    """Return a user."""
    row = cursor.execute(
        "SELECT id, username, display_name, created_at FROM users WHERE id = ?", (user_id,)
    ).fetchone()
    return row and User(*row)


def users(cursor: apsw.Cursor, user_ids: Sequence[str]) -> dict[str, User]:
    """Return those of these users that exist."""
    return {found.id: found for user_id in user_ids if (found := user(cursor, user_id)) is not None}


def set_display_name(cursor: apsw.Cursor, user_id: str, display_name: str) -> User:
    """Change how a user is shown. Raises `NotFound`."""
    cursor.execute("UPDATE users SET display_name = ? WHERE id = ?", (display_name, user_id))
    changed = user(cursor, user_id)
    if changed is None:
        raise NotFound
    return changed


def set_password_hash(cursor: apsw.Cursor, user_id: str, password_hash: str) -> None:
    """Replace a password hash. Raises `NotFound`."""
    cursor.execute("UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user_id))
    if not cursor.connection.changes():
        raise NotFound


def create_session(cursor: apsw.Cursor, session: Session) -> None:
    """Store a session; storing the same one again changes nothing. Raises `NotFound` when it is nobody's."""
    cursor.execute(
        f"INSERT INTO sessions ({_SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            session.id,
            session.user_id,
            session.created_at,
            session.last_used_at,
            session.expires_at,
            session.user_agent,
            session.refresh_hash,
            _json(session.used),
        ),
    )


def session(cursor: apsw.Cursor, session_id: str) -> Session | None:
    """Return a session that has not been ended."""
    row = cursor.execute(
        f"SELECT {_SESSION} FROM sessions WHERE id = ?",
        (session_id,),
    ).fetchone()
    return row and _session(row)


def sessions(cursor: apsw.Cursor, session_ids: Sequence[str]) -> dict[str, Session]:
    """Return those of these sessions that have not been ended."""
    return {found.id: found for one in session_ids if (found := session(cursor, one)) is not None}


def rotate(
    cursor: apsw.Cursor,
    session_id: str,
    *,
    presented_hash: str,
    next_hash: str,
    at: int,
    grace_ms: int,
    expires_at: int,
) -> Rotation:
    """Use up a refresh token, as `Store.rotate_refresh` says."""
    found = session(cursor, session_id)
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
    end(cursor, session_id)
    return Rotation.REUSED


def end(cursor: apsw.Cursor, session_id: str) -> bool:
    """End a session and leave word of it for changes(). False when there was none."""
    row = cursor.execute("DELETE FROM sessions WHERE id = ? RETURNING id, user_id", (session_id,)).fetchall()
    if not row:
        return False
    cursor.execute("INSERT INTO session_endings (session_id, user_id) VALUES (?, ?)", row[0])
    newest = cursor.connection.last_insert_rowid()
    cursor.execute("DELETE FROM session_endings WHERE id <= ?", (newest - ENDINGS_KEPT,))
    return True


def _session(row: Any) -> Session:
    used = tuple((hash_, when) for hash_, when in orjson.loads(row[-1]))
    return Session(*row[:-1], used=used)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
