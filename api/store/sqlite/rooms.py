"""Rooms and their members: functions on a cursor, to be run inside a transaction."""

# ruff: noqa: S608 - queries are joined from constants of this file, never from values

from collections.abc import Sequence
from typing import Any, Final

import apsw

from api.errors import Conflict, MembershipChanged, NotFound
from api.models.accounts import User
from api.models.log import Appended
from api.models.page import Page
from api.models.rooms import Member, MembershipRule, Role, Room, RoomView, Standing, Visibility
from api.store import paging
from api.store.base.store import Place
from api.store.shape import member_draft
from api.store.sqlite.log import RoomLog, bounded
from api.store.sqlite.schema import new_epoch

_ROOM: Final = "rooms.id, name, topic, visibility, rooms.created_at"
_VIEW: Final = f"{_ROOM}, epoch, seq, message_seq, message_number, role, read_seq, read_number"
_MEMBER: Final = "room_id, user_id, username, display_name, role, joined_at, read_seq"


class Rooms:
    """Reads and writes rooms and memberships; what they record goes into the room's log."""

    def __init__(self, log: RoomLog) -> None:
        self._log = log

    def create(self, cursor: apsw.Cursor, room: Room, owner: User) -> RoomView:
        """Store a room and its owner; a second time is harmless. Raises `Conflict`, `NotFound`."""
        stored = self.find(cursor, room.id)
        if stored is None:
            cursor.execute(
                "INSERT INTO rooms (id, name, topic, visibility, created_at, epoch)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (room.id, room.name, room.topic, room.visibility.value, room.created_at, new_epoch()),
            )
            self._admit(cursor, room.id, owner, Role.OWNER, by=owner.id, at=room.created_at)
        elif stored != room or self.member(cursor, room.id, owner.id) is None:
            raise Conflict
        seen = self.view(cursor, room.id, owner.id)
        if seen is None:
            raise NotFound
        return seen

    def find(self, cursor: apsw.Cursor, room_id: str) -> Room | None:
        """Return a room."""
        row = cursor.execute(f"SELECT {_ROOM} FROM rooms WHERE id = ?", (room_id,)).fetchone()
        return row and _room(row)

    def view(self, cursor: apsw.Cursor, room_id: str, user_id: str) -> RoomView | None:
        """Return a room as a user sees it."""
        row = cursor.execute(
            f"SELECT {_VIEW} FROM rooms LEFT JOIN members ON room_id = id AND user_id = ? WHERE id = ?",
            (user_id, room_id),
        ).fetchone()
        return row and self._room_view(cursor, row)

    def joined(self, cursor: apsw.Cursor, user_id: str, after: str | None, limit: int) -> Page[RoomView]:
        """List a user's rooms in the order of joining."""
        rows = cursor.execute(
            f"SELECT {_VIEW}, joined_at FROM members JOIN rooms ON id = room_id"
            " WHERE user_id = ? AND (joined_at, room_id) > (?, ?) ORDER BY joined_at, room_id LIMIT ?",
            (user_id, *paging.start(f"joined {user_id}", after), limit + 1),
        ).fetchall()
        return paging.page(
            f"joined {user_id}",
            rows,
            limit,
            key=lambda row: (row[-1], row[0]),
            item=lambda row: self._room_view(cursor, row[:-1]),
        )

    def public(self, cursor: apsw.Cursor, user_id: str, after: str | None, limit: int) -> Page[RoomView]:
        """List the public rooms in the order of their making."""
        rows = cursor.execute(
            f"SELECT {_VIEW} FROM rooms LEFT JOIN members ON room_id = id AND user_id = ?"
            " WHERE visibility = 'public' AND (rooms.created_at, id) > (?, ?)"
            " ORDER BY rooms.created_at, id LIMIT ?",
            (user_id, *paging.start("public", after), limit + 1),
        ).fetchall()
        return paging.page(
            "public",
            rows,
            limit,
            key=lambda row: (row[4], row[0]),
            item=lambda row: self._room_view(cursor, row),
        )

    def change(
        self,
        cursor: apsw.Cursor,
        room_id: str,
        user: User,
        role: Role | None,
        *,
        by: str,
        at: int,
        rule: MembershipRule,
    ) -> Appended | None:
        """Change a membership and log it, if `rule` says so; see `Store.change_member`."""
        self._log.head(cursor, room_id)
        role_now = _role(cursor, room_id, user.id)
        is_last_owner = role_now is Role.OWNER and not _has_other_owner(cursor, room_id, user.id)
        if not rule(Standing(role_now, _role(cursor, room_id, by), is_last_owner)):
            return None
        if role is not None and role_now is None:
            return self._admit(cursor, room_id, user, role, by=by, at=at)
        if role is None:
            cursor.execute("DELETE FROM members WHERE room_id = ? AND user_id = ?", (room_id, user.id))
        else:
            cursor.execute(
                "UPDATE members SET role = ? WHERE room_id = ? AND user_id = ?",
                (role.value, room_id, user.id),
            )
        return self._log.add(cursor, room_id, member_draft(user, role, at, by))

    def _admit(
        self, cursor: apsw.Cursor, room_id: str, user: User, role: Role, *, by: str, at: int
    ) -> Appended:
        appended = self._log.add(cursor, room_id, member_draft(user, role, at, by))
        cursor.execute(
            "INSERT INTO members (room_id, user_id, role, joined_at, read_seq, read_number)"
            " SELECT id, ?, ?, ?, seq, message_number FROM rooms WHERE id = ?",
            (user.id, role.value, at, room_id),
        )
        return appended

    def require_unchanged(self, cursor: apsw.Cursor, member: Member) -> None:
        """Raises `MembershipChanged` unless a member's role is as it was."""
        if _role(cursor, member.room_id, member.user_id) is not member.role:
            raise MembershipChanged

    def member(self, cursor: apsw.Cursor, room_id: str, user_id: str) -> Member | None:
        """Return a membership."""
        row = cursor.execute(
            f"SELECT {_MEMBER} FROM members JOIN users ON id = user_id WHERE room_id = ? AND user_id = ?",
            (room_id, user_id),
        ).fetchone()
        return row and _member(row)

    def memberships(self, cursor: apsw.Cursor, places: Sequence[Place]) -> dict[Place, Member]:
        """Return those of these memberships that there are."""
        return {place: found for place in places if (found := self.member(cursor, *place)) is not None}

    def members(self, cursor: apsw.Cursor, room_id: str, after: str | None, limit: int) -> Page[Member]:
        """List a room's members in the order of joining."""
        rows = cursor.execute(
            f"SELECT {_MEMBER} FROM members JOIN users ON id = user_id"
            " WHERE room_id = ? AND (joined_at, user_id) > (?, ?) ORDER BY joined_at, user_id LIMIT ?",
            (room_id, *paging.start(f"members {room_id}", after), limit + 1),
        ).fetchall()
        return paging.page(f"members {room_id}", rows, limit, key=lambda row: (row[5], row[1]), item=_member)

    def member_count(self, cursor: apsw.Cursor, room_id: str) -> int:
        """Return how many members a room has."""
        ((count,),) = cursor.execute("SELECT count(*) FROM members WHERE room_id = ?", (room_id,))
        return int(count)

    def room_count(self, cursor: apsw.Cursor, user_id: str) -> int:
        """Return how many rooms a user is a member of."""
        ((count,),) = cursor.execute("SELECT count(*) FROM members WHERE user_id = ?", (user_id,))
        return int(count)

    def mark_read(self, cursor: apsw.Cursor, room_id: str, user_id: str, seq: int) -> int:
        """Raise a member's `read_seq`, at most to the head, and return it. Raises `NotFound`."""
        row = cursor.execute(
            "SELECT read_seq, min(?, seq) FROM members JOIN rooms ON id = room_id"
            " WHERE room_id = ? AND user_id = ?",
            (bounded(seq), room_id, user_id),
        ).fetchone()
        if row is None:
            raise NotFound
        if row[1] > row[0]:
            cursor.execute(
                "UPDATE members SET read_seq = ?1, read_number = coalesce((SELECT message_number"
                " FROM entries WHERE room_id = ?2 AND seq <= ?1 ORDER BY seq DESC LIMIT 1), 0)"
                " WHERE room_id = ?2 AND user_id = ?3",
                (row[1], room_id, user_id),
            )
        return int(max(row))

    def _room_view(self, cursor: apsw.Cursor, row: Any) -> RoomView:
        epoch, seq, message_seq, message_number, role, read_seq, read_number = row[5:]
        room = _room(row[:5])
        return RoomView(
            room=room,
            epoch=epoch,
            seq=seq,
            role=role and Role(role),
            read_seq=read_seq or 0,
            unread_count=0 if role is None else message_number - read_number,
            last_message=self._log.message(cursor, room.id, message_seq) if message_seq else None,
        )


def _role(cursor: apsw.Cursor, room_id: str, user_id: str) -> Role | None:
    row = cursor.execute(
        "SELECT role FROM members WHERE room_id = ? AND user_id = ?", (room_id, user_id)
    ).fetchone()
    return row and Role(row[0])


def _has_other_owner(cursor: apsw.Cursor, room_id: str, user_id: str) -> bool:
    row = cursor.execute(
        "SELECT 1 FROM members WHERE room_id = ? AND role = 'owner' AND user_id <> ? LIMIT 1",
        (room_id, user_id),
    ).fetchone()
    return row is not None


def _room(row: Any) -> Room:
    id_, name, topic, visibility, created_at = row
    return Room(id_, name, topic, Visibility(visibility), created_at)


def _member(row: Any) -> Member:
    room_id, user_id, username, display_name, role, joined_at, read_seq = row
    return Member(room_id, user_id, username, display_name, Role(role), joined_at, read_seq)
