"""Stores and reads invites in the SQLite tables `invites` and `invite_uses`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `InviteStore`; queries are joined from constants of this file

from typing import Any, Final

import apsw

from api.errors import BadInvite
from api.models.invites import Invite
from api.models.page import Page
from api.models.rooms import Role
from api.store import paging
from api.store.base.invites import CLAIM_MS, InviteStore
from api.store.sqlite.worker import Worker

_STORED: Final = "id, made_by, created_at, expires_at, max_uses, room_id, role, admin, for_setup"
_INVITE: Final = f"{_STORED}, (SELECT count(*) FROM invite_uses WHERE invite_id = invites.id)"


class SqliteInvites(InviteStore):
    """The tables `invites` and `invite_uses`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def create(self, invite: Invite, *, forget_before: int) -> None:
        await self._write(lambda cursor: _create(cursor, invite, forget_before))

    async def get(self, invite_id: str) -> Invite | None:
        return await self._read(lambda cursor: _find(cursor, invite_id))

    async def of_room(self, room_id: str | None, *, cursor: str | None, limit: int) -> Page[Invite]:
        return await self._read(lambda reading: _of_room(reading, room_id, cursor, limit))

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Invite]:
        return await self._read(lambda reading: _of_user(reading, user_id, cursor, limit))

    async def end(self, room_id: str | None, invite_id: str) -> bool:
        return await self._write(lambda cursor: _end(cursor, room_id, invite_id))

    async def claim(self, invite_id: str, user_id: str, *, at: int) -> Invite:
        return await self._write(lambda cursor: _claim(cursor, invite_id, user_id, at))

    async def users(self, invite_id: str) -> list[str]:
        return await self._read(lambda cursor: _users(cursor, invite_id))

    async def release(self, invite_id: str, user_id: str) -> None:
        await self._write(lambda cursor: _release(cursor, invite_id, user_id))


def _create(cursor: apsw.Cursor, invite: Invite, forget_before: int) -> None:
    """Store an invite and delete old ones."""
    cursor.execute("DELETE FROM invites WHERE expires_at < ?", (forget_before,))
    cursor.execute(
        f"INSERT INTO invites ({_STORED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            invite.id,
            invite.made_by,
            invite.created_at,
            invite.expires_at,
            invite.max_uses,
            invite.room_id,
            invite.role,
            invite.admin,
            invite.for_setup,
        ),
    )


def _find(cursor: apsw.Cursor, invite_id: str) -> Invite | None:
    """Return an invite."""
    row = cursor.execute(f"SELECT {_INVITE} FROM invites WHERE id = ?", (invite_id,)).fetchone()
    return row and _invite(row)


def _of_room(cursor: apsw.Cursor, room_id: str | None, before: str | None, limit: int) -> Page[Invite]:
    """List the invites to a room or to the server, newest first."""
    list_name = f"invites {room_id or ''}"
    rows = cursor.execute(
        f"SELECT {_INVITE} FROM invites WHERE room_id IS ? AND NOT for_setup AND (created_at, id) < (?, ?)"
        " ORDER BY created_at DESC, id DESC LIMIT ?",
        (room_id, *(paging.AFTER_ALL if before is None else paging.start(list_name, before)), limit + 1),
    ).fetchall()
    return paging.page(list_name, rows, limit, key=lambda row: (row[2], row[0]), item=_invite)


def _of_user(cursor: apsw.Cursor, user_id: str, after: str | None, limit: int) -> Page[Invite]:
    """List the invites that a user has made, oldest first."""
    list_name = f"invites by {user_id}"
    rows = cursor.execute(
        f"SELECT {_INVITE} FROM invites WHERE made_by = ? AND (created_at, id) > (?, ?)"
        " ORDER BY created_at, id LIMIT ?",
        (user_id, *paging.start(list_name, after), limit + 1),
    ).fetchall()
    return paging.page(list_name, rows, limit, key=lambda row: (row[2], row[0]), item=_invite)


def _end(cursor: apsw.Cursor, room_id: str | None, invite_id: str) -> bool:
    """Delete an invite."""
    cursor.execute(
        "DELETE FROM invites WHERE id = ? AND room_id IS ? AND NOT for_setup", (invite_id, room_id)
    )
    return bool(cursor.connection.changes())


def _claim(cursor: apsw.Cursor, invite_id: str, user_id: str, at: int) -> Invite:
    """Take one use. Raises `BadInvite`."""
    cursor.execute(
        "DELETE FROM invite_uses WHERE invite_id = ? AND at < ? AND user_id <> ?"
        " AND user_id NOT IN (SELECT id FROM users)",
        (invite_id, at - CLAIM_MS, user_id),
    )
    found = _find(cursor, invite_id)
    if found is None or (found.expires_at is not None and found.expires_at <= at):
        raise BadInvite
    mine = cursor.execute(
        "SELECT 1 FROM invite_uses WHERE invite_id = ? AND user_id = ?", (invite_id, user_id)
    ).fetchone()
    if mine is None:
        if not found.uses_left:
            raise BadInvite
        cursor.execute(
            "INSERT INTO invite_uses (invite_id, user_id, at) VALUES (?, ?, ?)", (invite_id, user_id, at)
        )
    return _find(cursor, invite_id) or found


def _users(cursor: apsw.Cursor, invite_id: str) -> list[str]:
    """Return the users who have taken a use."""
    found = cursor.execute(
        "SELECT user_id FROM invite_uses WHERE invite_id = ? AND user_id IS NOT NULL ORDER BY at",
        (invite_id,),
    )
    return [str(user_id) for (user_id,) in found]


def _release(cursor: apsw.Cursor, invite_id: str, user_id: str) -> None:
    """Give back a use."""
    cursor.execute("DELETE FROM invite_uses WHERE invite_id = ? AND user_id = ?", (invite_id, user_id))


def forget_user(cursor: apsw.Cursor, user_id: str) -> None:
    """Delete what a user made, and who they are from what they used, which stays used."""
    cursor.execute("DELETE FROM invites WHERE made_by = ?", (user_id,))
    cursor.execute("UPDATE invite_uses SET user_id = NULL WHERE user_id = ?", (user_id,))


def _invite(row: Any) -> Invite:
    id_, made_by, created_at, expires_at, max_uses, room_id, role, admin, for_setup, use_count = row
    return Invite(
        id_,
        made_by,
        created_at,
        expires_at,
        max_uses,
        room_id,
        role and Role(role),
        bool(admin),
        bool(for_setup),
        use_count,
    )
