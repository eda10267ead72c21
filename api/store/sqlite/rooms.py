"""Stores and reads rooms in the SQLite table `rooms`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `RoomStore`; queries are joined from constants of this file

from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from api.errors import Conflict, NotFound
from api.models.accounts import User
from api.models.log import Appended
from api.models.names import is_named, searched_form
from api.models.page import Page
from api.models.rooms import (
    NOBODY,
    Membership,
    Role,
    Room,
    RoomRule,
    RoomView,
    Visibility,
)
from api.store import paging
from api.store.base.rooms import RoomStore
from api.store.epoch import new_epoch
from api.store.shape import member_draft, room_draft
from api.store.sqlite.members import keep
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.room_views import ROOM, VIEW, RoomViews, most_bytes, room_of
from api.store.sqlite.standings import rights_of, role_of
from api.store.sqlite.worker import Worker


class SqliteRooms(RoomStore):
    """The table `rooms`. A view of a room also has the newest message of its log."""

    def __init__(self, reader: Worker, writer: Worker, log: RoomLog) -> None:
        self._read = reader.do
        self._write = writer.do
        self._log = log
        self._seen = RoomViews(log)

    async def create(self, room: Room, owner: User) -> RoomView:
        return await self._write(lambda cursor: self._create(cursor, room, owner))

    async def change(self, room_id: str, user: User, *, at: int, rule: RoomRule) -> Appended | None:
        return await self._write(lambda cursor: self._change(cursor, room_id, user, at, rule))

    async def delete(self, room_id: str, user: User, *, at: int, rule: RoomRule) -> Appended:
        return await self._write(lambda cursor: self._delete(cursor, room_id, user, at, rule))

    async def open_direct(self, room: Room, people: Sequence[User], at: int) -> bool:
        return await self._write(lambda cursor: self._open_direct(cursor, room, people, at))

    async def get(self, room_id: str) -> Room | None:
        return await self._read(lambda cursor: _find(cursor, room_id))

    async def view(self, room_id: str, user_id: str) -> RoomView | None:
        return await self._read(lambda cursor: self._view(cursor, room_id, user_id))

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        return await self._read(lambda reading: self._of_user(reading, user_id, cursor, limit))

    async def public(
        self, user_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[RoomView]:
        return await self._read(lambda reading: self._public(reading, user_id, named, cursor, limit))

    async def views(self, room_ids: Sequence[str], user_id: str) -> list[RoomView]:
        return await self._read(lambda cursor: self._views(cursor, room_ids, user_id))

    async def all(self, *, named: str | None = None, cursor: str | None, limit: int) -> Page[RoomView]:
        return await self._read(
            lambda reading: self._listed(
                reading, "rooms", "NOT deleted", NOBODY, named=named, after=cursor, limit=limit
            )
        )

    async def names(self, room_ids: Sequence[str]) -> dict[str, str]:
        return await self._read(lambda cursor: _names(cursor, room_ids))

    async def count_of_user(self, user_id: str) -> int:
        return await self._read(lambda cursor: _count_of_user(cursor, user_id))

    # -- on a cursor

    def _create(self, cursor: apsw.Cursor, room: Room, owner: User) -> RoomView:
        """Store a room and its owner. Repeating this is harmless. Raises `Conflict`, `NotFound`."""
        stored = _find(cursor, room.id)
        if stored is None:
            _insert(cursor, room)
            owning = Membership(Role.OWNER)
            self._log.add(cursor, room.id, member_draft(owner, None, owning, room.created_at, owner.id))
            keep(cursor, room.id, owner.id, owning, at=room.created_at, by=owner.id)
            self._log.add(cursor, room.id, room_draft(owner, room, room.created_at))
        elif stored != room or role_of(cursor, room.id, owner.id) is None:
            raise Conflict
        seen = self._view(cursor, room.id, owner.id)
        if seen is None:
            raise NotFound
        return seen

    def _change(
        self, cursor: apsw.Cursor, room_id: str, user: User, at: int, rule: RoomRule
    ) -> Appended | None:
        """Change a room and log it, if `rule` says so; see `RoomStore.change`."""
        now, then = self._ruled(cursor, room_id, user, rule)
        if then == now:
            return None
        appended = self._log.add(cursor, room_id, room_draft(user, then, at))
        _store(cursor, then)
        return appended

    def _delete(self, cursor: apsw.Cursor, room_id: str, user: User, at: int, rule: RoomRule) -> Appended:
        """Delete a room with a last entry; see `RoomStore.delete`."""
        _, last = self._ruled(cursor, room_id, user, rule)
        appended = self._log.add(cursor, room_id, room_draft(user, last, at, deleted=True))
        _store(cursor, Room(room_id, "", "", Visibility.PRIVATE, last.created_at))
        cursor.execute("UPDATE rooms SET deleted = max(?, 1) WHERE id = ?", (at, room_id))
        cursor.execute("INSERT INTO room_deletions (room_id) VALUES (?)", (room_id,))
        return appended

    @staticmethod
    def _ruled(cursor: apsw.Cursor, room_id: str, user: User, rule: RoomRule) -> tuple[Room, Room]:
        """Return a room as it is, and as a rule wants it. Raises `NotFound`, and what the rule raises."""
        room = _find(cursor, room_id)
        if room is None:
            raise NotFound
        return room, rule(room, rights_of(cursor, room_id, user.id))

    def _open_direct(self, cursor: apsw.Cursor, room: Room, people: Sequence[User], at: int) -> bool:
        """Store a direct room and its people, unless they are there."""
        is_new = _find(cursor, room.id) is None
        if is_new:
            _insert(cursor, room)
        joined = Membership(Role.MEMBER)
        for user in people:
            if role_of(cursor, room.id, user.id) is None:
                self._log.add(cursor, room.id, member_draft(user, None, joined, at, user.id))
                keep(cursor, room.id, user.id, joined, at=at, by=user.id)
        return is_new

    def _view(self, cursor: apsw.Cursor, room_id: str, user_id: str) -> RoomView | None:
        """Return a room as a user sees it."""
        row = cursor.execute(
            f"SELECT {VIEW} FROM rooms LEFT JOIN members ON room_id = id AND user_id = ?"
            " WHERE id = ? AND NOT deleted",
            (user_id, room_id),
        ).fetchone()
        return self._seen.views(cursor, [row], user_id)[0] if row else None

    def _views(self, cursor: apsw.Cursor, room_ids: Sequence[str], user_id: str) -> list[RoomView]:
        """Return those of these rooms that a user is a member of."""
        rows: dict[str, Any] = {
            row[0]: row
            for row in cursor.execute(
                f"SELECT {VIEW} FROM members JOIN rooms ON id = room_id"
                " WHERE user_id = ? AND role IS NOT NULL AND NOT deleted"
                " AND room_id IN (SELECT value FROM json_each(?))",
                (user_id, orjson.dumps(list(room_ids)).decode()),
            )
        }
        wanted = [rows[room_id] for room_id in dict.fromkeys(room_ids) if room_id in rows]
        return self._seen.views(cursor, wanted, user_id)

    def _of_user(self, cursor: apsw.Cursor, user_id: str, after: str | None, limit: int) -> Page[RoomView]:
        """List a user's rooms in the order of joining."""
        rows = cursor.execute(
            f"SELECT {VIEW}, joined_at FROM members JOIN rooms ON id = room_id"
            " WHERE user_id = ? AND role IS NOT NULL AND NOT deleted AND (joined_at, room_id) > (?, ?)"
            " ORDER BY joined_at, room_id LIMIT ?",
            (user_id, *paging.start(f"joined {user_id}", after), limit + 1),
        ).fetchall()
        views = self._seen.views_by_id(cursor, rows[:limit], user_id)
        return paging.page(
            f"joined {user_id}",
            rows,
            limit,
            key=lambda row: (row[-1], row[0]),
            item=lambda row: views[row[0]],
            size=most_bytes,
        )

    def _public(
        self, cursor: apsw.Cursor, user_id: str, named: str | None, after: str | None, limit: int
    ) -> Page[RoomView]:
        """List the public rooms, oldest first."""
        public = "visibility = 'public'"
        return self._listed(cursor, "public", public, user_id, named=named, after=after, limit=limit)

    def _listed(
        self,
        cursor: apsw.Cursor,
        list_name: str,
        condition: str,
        user_id: str,
        *,
        named: str | None,
        after: str | None,
        limit: int,
    ) -> Page[RoomView]:
        """List the rooms for which a condition holds, oldest first. `named` is as in `RoomStore.public`."""
        wanted = None if named is None else searched_form(named)
        if wanted is not None:
            list_name = f"{list_name} {wanted}"
        rows = cursor.execute(
            f"SELECT {VIEW} FROM rooms LEFT JOIN members ON room_id = id AND user_id = ?"
            f" WHERE {condition} AND (rooms.created_at, id) > (?, ?)"
            " ORDER BY rooms.created_at, id",
            (user_id, *paging.start(list_name, after)),
        )
        # SQLite knows neither accents nor the case of letters that are not ASCII, so the names are compared here.
        search = paging.Search[Any](list_name, limit, lambda row: wanted is None or is_named(wanted, row[1]))
        for row in rows:
            if not search.look(row):
                break
        views = self._seen.views_by_id(cursor, search.found[:limit], user_id)
        return search.page(key=lambda row: (row[4], row[0]), item=lambda row: views[row[0]], size=most_bytes)


def _insert(cursor: apsw.Cursor, room: Room) -> None:
    """Store a room with an empty log."""
    cursor.execute(
        "INSERT INTO rooms (id, created_at, epoch, kind, people, name, topic, visibility, archived, slow_seconds,"
        " post_role, avatar) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            room.id,
            room.created_at,
            new_epoch(),
            room.kind.value,
            orjson.dumps(room.people).decode() if room.people else None,
            *_settings(room),
        ),
    )


def _find(cursor: apsw.Cursor, room_id: str) -> Room | None:
    """Return a room."""
    row = cursor.execute(f"SELECT {ROOM} FROM rooms WHERE id = ? AND NOT deleted", (room_id,)).fetchone()
    return row and room_of(row)


def _store(cursor: apsw.Cursor, room: Room) -> None:
    """Store what may change of a room."""
    cursor.execute(
        "UPDATE rooms SET name = ?, topic = ?, visibility = ?, archived = ?, slow_seconds = ?, post_role = ?,"
        " avatar = ? WHERE id = ?",
        (*_settings(room), room.id),
    )


def _settings(room: Room) -> tuple[str | int, ...]:
    """Return the columns of what may change of a room."""
    return (
        room.name,
        room.topic,
        room.visibility.value,
        int(room.archived),
        room.slow_seconds,
        room.post_role.value,
        room.avatar,
    )


def _names(cursor: apsw.Cursor, room_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of rooms."""
    return dict(
        cursor.execute(
            "SELECT id, name FROM rooms WHERE NOT deleted AND id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(room_ids)).decode(),),
        )
    )


def _count_of_user(cursor: apsw.Cursor, user_id: str) -> int:
    """Return how many rooms a user is a member of."""
    ((count,),) = cursor.execute(
        "SELECT count(*) FROM members JOIN rooms ON id = room_id"
        " WHERE user_id = ? AND role IS NOT NULL AND NOT deleted",
        (user_id,),
    )
    return int(count)
