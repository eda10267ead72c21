"""Changes and reads memberships in the SQLite table `members`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `MemberStore`; queries are joined from constants of this file

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import apsw
import orjson

from api.errors import EpochChanged, NotFound
from api.models.accounts import User
from api.models.log import Appended
from api.models.names import is_named, searched_form
from api.models.page import Page
from api.models.rooms import (
    UNLIMITED,
    Ban,
    Member,
    Membership,
    MembershipRule,
    Notify,
    NotifyLevel,
    ReadMark,
    Role,
    RoomPlace,
    Standing,
    Writable,
)
from api.store import paging
from api.store.base.members import MemberStore, Place
from api.store.shape import member_draft
from api.store.sqlite.accounts import USER, user_of
from api.store.sqlite.room_log import RoomLog, bounded
from api.store.sqlite.standings import has_other_owner, membership_of, rights_of
from api.store.sqlite.worker import Worker

MOST_KEPT: Final = 4_096
"""So many memberships are kept, in a few MiB."""
_MEMBER: Final = (
    "room_id, user_id, username, display_name, role, joined_at, read_seq, notify_level, muted_until,"
    " archived, slow_seconds, post_role, admin, receipt_seq, is_bot, users.avatar"
)
_MEMBERS: Final = (
    "members JOIN users ON users.id = user_id JOIN rooms ON rooms.id = room_id AND NOT rooms.deleted"
)
"""The tables of the columns of `_MEMBER`, without the rooms that were deleted."""


class SqliteMembers(MemberStore):
    """The table `members`. Each change of a membership is also an entry in the room's log.

    The row of a membership stays when it ends. So only a row with a role is one of a member.
    """

    def __init__(self, reader: Worker, writer: Worker, log: RoomLog) -> None:
        self._read = reader.do
        self._write = writer.do
        self._log = log

    async def change(
        self, room_id: str, user: User, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        return await self._write(lambda cursor: self._change(cursor, room_id, user, by, at, rule))

    async def get_many(self, places: Sequence[Place]) -> dict[Place, Member]:
        return await self._read(lambda cursor: _find_many(cursor, places))

    async def of_room(
        self, room_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[Member]:
        return await self._read(lambda reading: _of_room(reading, room_id, named, cursor, limit))

    async def rooms_of(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        return await self._read(lambda cursor: _rooms_of(cursor, user_ids))

    async def with_usernames(self, room_id: str, usernames: Sequence[str]) -> dict[str, str]:
        return await self._read(lambda cursor: _with_usernames(cursor, room_id, usernames))

    async def count_of_room(self, room_id: str, *, at_most: int | None = None) -> int:
        return await self._read(lambda cursor: _count_of_room(cursor, room_id, at_most))

    async def state(self, room_id: str, user_id: str) -> Membership:
        return await self._read(lambda cursor: membership_of(cursor, room_id, user_id))

    async def banned(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Ban]:
        return await self._read(lambda reading: _banned(reading, room_id, cursor, limit))

    async def set_ban_reason(self, room_id: str, user_id: str, reason: str | None) -> None:
        await self._write(lambda cursor: _set_ban_reason(cursor, room_id, user_id, reason))

    async def set_notify(self, room_id: str, user_id: str, notify: Notify) -> None:
        await self._write(lambda cursor: _set_notify(cursor, room_id, user_id, notify))

    async def set_place(self, room_id: str, user_id: str, place: RoomPlace) -> None:
        await self._write(lambda cursor: _set_place(cursor, room_id, user_id, place))

    async def mark_read(
        self, room_id: str, user_id: str, seq: int, *, epoch: str | None = None, back: bool = False
    ) -> ReadMark:
        return await self._write(
            lambda cursor: _mark_read(cursor, room_id, user_id, seq, epoch=epoch, back=back)
        )

    async def heir(self, room_id: str, owner_id: str) -> User | None:
        return await self._read(lambda cursor: _heir(cursor, room_id, owner_id))

    def _change(  # noqa: PLR0917  those of `change`
        self, cursor: apsw.Cursor, room_id: str, user: User, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        """Change a membership and log it, if `rule` says so; see `MemberStore.change`."""
        self._log.head(cursor, room_id)
        now = membership_of(cursor, room_id, user.id)
        is_last_owner = now.role is Role.OWNER and not has_other_owner(cursor, room_id, user.id)
        then = rule(Standing(now, rights_of(cursor, room_id, by), is_last_owner))
        if then is None:
            return None
        appended = self._log.add(cursor, room_id, member_draft(user, now.role, then, at, by))
        keep(cursor, room_id, user.id, then, at=at, by=by)
        return appended


def keep(
    cursor: apsw.Cursor, room_id: str, user_id: str, membership: Membership, *, at: int, by: str
) -> None:
    """Store the state of a user in a room, whose entry is the last one. Who comes in has read all up to it."""
    ban = (at, by) if membership.banned else (None, None)
    cursor.execute(
        "INSERT INTO members (room_id, user_id, role, returns_as, banned_at, banned_by, joined_at, read_seq)"
        " SELECT id, ?, ?, ?, ?, ?, ?, seq FROM rooms WHERE id = ?"
        " ON CONFLICT DO UPDATE SET role = excluded.role, returns_as = excluded.returns_as,"
        " banned_at = excluded.banned_at, banned_by = excluded.banned_by, ban_reason = NULL,"
        " joined_at = iif(role IS NULL, excluded.joined_at, joined_at),"
        " read_seq = iif(role IS NULL, excluded.read_seq, read_seq),"
        " receipt_seq = iif(role IS NULL, 0, receipt_seq)",
        (user_id, membership.role, membership.returns_as, *ban, at, room_id),
    )


def _find_many(cursor: apsw.Cursor, places: Sequence[Place]) -> dict[Place, Member]:
    """Return those of these memberships that exist."""
    rows = cursor.execute(
        f"SELECT {_MEMBER} FROM json_each(?) CROSS JOIN {_MEMBERS}"
        " WHERE room_id = value ->> 0 AND user_id = value ->> 1 AND role IS NOT NULL",
        (orjson.dumps(places).decode(),),
    )
    return {(row[0], row[1]): _member(row) for row in rows}


def _of_room(
    cursor: apsw.Cursor, room_id: str, named: str | None, after: str | None, limit: int
) -> Page[Member]:
    """List a room's members in the order of joining."""
    wanted = None if named is None else searched_form(named)
    list_name = f"members {room_id}" if wanted is None else f"members {room_id} {wanted}"
    rows = cursor.execute(
        f"SELECT {_MEMBER} FROM {_MEMBERS}"
        " WHERE room_id = ? AND role IS NOT NULL AND (joined_at, user_id) > (?, ?)"
        " ORDER BY joined_at, user_id",
        (room_id, *paging.start(list_name, after)),
    )
    search = paging.Search[Any](list_name, limit, lambda row: wanted is None or is_named(wanted, *row[2:4]))
    for row in rows:
        if not search.look(row):
            break
    return search.page(key=lambda row: (row[5], row[1]), item=_member)


def _rooms_of(cursor: apsw.Cursor, user_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the rooms of these users."""
    query = (
        "SELECT room_id FROM members JOIN rooms ON id = room_id"
        " WHERE user_id = ? AND role IS NOT NULL AND NOT deleted"
    )
    return {
        user_id: [str(room_id) for (room_id,) in cursor.execute(query, (user_id,))] for user_id in user_ids
    }


def _with_usernames(cursor: apsw.Cursor, room_id: str, usernames: Sequence[str]) -> dict[str, str]:
    """Return the ids of those members of a room who have one of these usernames."""
    rows = cursor.execute(
        "SELECT value, users.id FROM json_each(?1) CROSS JOIN users ON lower(username) = value AND NOT disabled"
        " CROSS JOIN members ON room_id = ?2 AND user_id = users.id AND role IS NOT NULL",
        (orjson.dumps(list(usernames)).decode(), room_id),
    )
    return {str(name): str(user_id) for name, user_id in rows}


def _count_of_room(cursor: apsw.Cursor, room_id: str, at_most: int | None) -> int:
    """Return how many members a room has."""
    ((count,),) = cursor.execute(
        "SELECT count(*) FROM (SELECT 1 FROM members WHERE room_id = ? AND role IS NOT NULL LIMIT ?)",
        (room_id, -1 if at_most is None else at_most),
    )
    return int(count)


def _banned(cursor: apsw.Cursor, room_id: str, before: str | None, limit: int) -> Page[Ban]:
    """List who is banned from a room, the newest ban first."""
    list_name = f"bans {room_id}"
    rows = cursor.execute(
        f"SELECT banned_at, user_id, banned_by, ban_reason, {USER}"
        " FROM members JOIN users ON id = user_id"
        " WHERE room_id = ? AND banned_at IS NOT NULL AND (banned_at, user_id) < (?, ?)"
        " ORDER BY banned_at DESC, user_id DESC LIMIT ?",
        (room_id, *(paging.AFTER_ALL if before is None else paging.start(list_name, before)), limit + 1),
    ).fetchall()
    return paging.page(list_name, rows, limit, key=lambda row: (row[0], row[1]), item=_ban)


def _ban(row: Any) -> Ban:
    at, _, by, reason, *user = row
    return Ban(user_of(user), by, at, reason)


def _set_ban_reason(cursor: apsw.Cursor, room_id: str, user_id: str, reason: str | None) -> None:
    """Store why a user is banned, if they are."""
    cursor.execute(
        "UPDATE members SET ban_reason = ? WHERE room_id = ? AND user_id = ? AND banned_at IS NOT NULL",
        (reason, room_id, user_id),
    )


def _set_notify(cursor: apsw.Cursor, room_id: str, user_id: str, notify: Notify) -> None:
    """Store how a member wants to be notified. Raises `NotFound`."""
    cursor.execute(
        "UPDATE members SET notify_level = ?, muted_until = ?"
        " WHERE room_id = ? AND user_id = ? AND role IS NOT NULL"
        " AND NOT (SELECT deleted FROM rooms WHERE id = room_id)",
        (notify.level.value, notify.muted_until, room_id, user_id),
    )
    if not cursor.connection.changes():
        raise NotFound


def _set_place(cursor: apsw.Cursor, room_id: str, user_id: str, place: RoomPlace) -> None:
    """Store where a member keeps a room. Raises `NotFound`."""
    cursor.execute(
        "UPDATE members SET favourite = ?, section = ?, hidden_at = ?"
        " WHERE room_id = ? AND user_id = ? AND role IS NOT NULL",
        (place.favourite, place.section, place.hidden_at, room_id, user_id),
    )
    if not cursor.connection.changes():
        raise NotFound


def _mark_read(
    cursor: apsw.Cursor, room_id: str, user_id: str, seq: int, *, epoch: str | None, back: bool
) -> ReadMark:
    """Move a member's `read_seq`, as `MemberStore.mark_read` says."""
    row = cursor.execute(
        "SELECT epoch, read_seq, max(read_seq, receipt_seq), min(?, seq) FROM members JOIN rooms ON id = room_id"
        " WHERE room_id = ? AND user_id = ? AND role IS NOT NULL AND NOT deleted",
        (bounded(seq), room_id, user_id),
    ).fetchone()
    if row is None:
        raise NotFound
    present, read_seq, receipt, wanted = row
    if epoch not in {None, present}:
        raise EpochChanged
    if wanted == read_seq or (wanted < read_seq and not back):
        return ReadMark(present, read_seq, has_moved=False)
    cursor.execute(
        "UPDATE members SET read_seq = ?, receipt_seq = ? WHERE room_id = ? AND user_id = ?",
        (wanted, receipt, room_id, user_id),
    )
    return ReadMark(present, wanted, has_moved=True, raises_receipt=wanted > receipt)


def _heir(cursor: apsw.Cursor, room_id: str, owner_id: str) -> User | None:
    """Return who is to own a room when this owner goes."""
    if has_other_owner(cursor, room_id, owner_id):
        return None
    row = cursor.execute(
        f"SELECT {USER} FROM {_MEMBERS}"
        " WHERE room_id = ? AND role IN ('moderator', 'member') AND user_id <> ? AND NOT disabled AND NOT is_bot"
        " ORDER BY role = 'member', joined_at, user_id LIMIT 1",
        (room_id, owner_id),
    ).fetchone()
    return row and user_of(row)


def notify_of(level: str | None, muted_until: int | None) -> Notify:
    """Return how a member is notified, by these columns of their row."""
    return Notify() if level is None else Notify(NotifyLevel(level), muted_until)


def place_of(favourite: int, section: str | None, hidden_at: int | None) -> RoomPlace:
    """Return where a member keeps a room, by these columns of their row."""
    return RoomPlace(bool(favourite), section, hidden_at)


def writable_of(archived: int, slow_seconds: int, post_role: str) -> Writable:
    """Return what a room lets members write, by these columns of its row. Nearly every room is unlimited."""
    if (archived, slow_seconds, post_role) == UNLIMITED:
        return UNLIMITED
    return Writable(bool(archived), slow_seconds, Role(post_role))


@lru_cache(MOST_KEPT)
def _member(row: Any) -> Member:
    """Make a membership. It is kept by its row, so whatever changes, it need not be told."""
    room_id, user_id, username, display_name, role, joined_at, read_seq, *more = row
    level, muted_until, archived, slow_seconds, post_role, is_admin, receipt_seq, is_bot, avatar = more
    return Member(
        room_id,
        user_id,
        username,
        display_name,
        Role(role),
        joined_at,
        read_seq,
        notify_of(level, muted_until),
        writable_of(archived, slow_seconds, post_role),
        bool(is_admin),
        receipt_seq=receipt_seq,
        is_bot=bool(is_bot),
        avatar=avatar,
    )
