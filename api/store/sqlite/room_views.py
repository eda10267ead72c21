"""Reads rooms as one user sees them out of SQLite: for a whole list by as many queries as for one room.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: S608 - queries are joined from constants of this file

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import apsw
import orjson

from api.models.accounts import User
from api.models.log import SHOWN_REACTORS, Message, preview
from api.models.rooms import (
    LOBBY_ID,
    MAX_UNREAD,
    Role,
    Room,
    RoomKind,
    RoomView,
    Unread,
    Visibility,
)
from api.store.paging import size_of
from api.store.sqlite import mentioned
from api.store.sqlite.accounts import USER, user_of
from api.store.sqlite.members import notify_of, place_of
from api.store.sqlite.pages import MessagePages
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.rows import is_short
from api.store.unread import MAX_LOOKED

ROOM: Final = (
    "rooms.id, name, topic, visibility, rooms.created_at, archived, slow_seconds, post_role, kind, people,"
    " rooms.avatar"
)
ROOM_COLUMNS: Final = 11
VIEW: Final = (
    f"{ROOM}, epoch, seq, message_seq, member_count,"
    f" iif(rooms.id = '{LOBBY_ID}', (SELECT admin FROM users WHERE users.id = user_id), 0),"
    " role, read_seq, notify_level, muted_until, favourite, section, hidden_at"
)


_UNREAD_MESSAGES: Final = (
    "(SELECT seq, user_id FROM entries INDEXED BY messages"
    " WHERE room_id = value ->> 0 AND kind = 'message' AND seq > value ->> 1 AND seq <= value ->> 2"
    f" ORDER BY seq LIMIT {MAX_LOOKED}) AS message"
    " WHERE user_id IS NOT ?2 AND NOT EXISTS (SELECT 1 FROM entries INDEXED BY deletions"
    " WHERE room_id = value ->> 0 AND kind = 'delete' AND target = message.seq AND entries.seq <= value ->> 2)"
)
"""The unread messages of the user ?2 in a room. `value` holds its id, their `read_seq` and the seq of its head.

Only indexes are read, and no bodies.
"""


ROOM_BYTES: Final = 2_000
PERSON_BYTES: Final = 600
SHORT_BYTES: Final = 2_400
"""At most so many bytes have a room, one of the people of a direct room, and a message that is only text."""


class RoomViews:
    """Makes the views of rooms out of the rows of `VIEW`. A view has the newest message of the room."""

    def __init__(self, log: RoomLog) -> None:
        self._pages = MessagePages(log)

    def views(self, cursor: apsw.Cursor, rows: Sequence[Any], user_id: str) -> list[RoomView]:
        """Return rooms as a user sees them, in the order given. Rows may have more columns after those of `VIEW`."""
        found = self.views_by_id(cursor, rows, user_id)
        return [found[row[0]] for row in rows]

    def views_by_id(self, cursor: apsw.Cursor, rows: Sequence[Any], user_id: str) -> dict[str, RoomView]:
        """Return rooms as a user sees them, by their ids."""
        last = self._pages.messages(
            cursor, [(row[0], row[_MESSAGE_SEQ]) for row in rows if row[_MESSAGE_SEQ]]
        )
        unread = _unread(cursor, [place for row in rows if (place := _to_count(row)) is not None], user_id)
        people = _people(cursor, rows)
        return {
            row[0]: _made(
                row[:_COLUMNS],
                last.get((row[0], row[_MESSAGE_SEQ])),
                unread.get(row[0]),
                tuple(people[one] for one in _people_in(row) if one in people) if people else (),
            )
            for row in rows
        }


Counts: TypeAlias = tuple[int, int | None, int]
"""What an `Unread` holds."""

_SEQ: Final = ROOM_COLUMNS + 1
_MESSAGE_SEQ: Final = ROOM_COLUMNS + 2
_ROLE: Final = ROOM_COLUMNS + 5
_READ_SEQ: Final = ROOM_COLUMNS + 6
_COLUMNS: Final = ROOM_COLUMNS + 12
MOST_KEPT: Final = 4_096
"""So many views are kept: the lists of some 80 users."""


def _view(row: Any, last: Message | None, unread: Counts | None, users: tuple[User, ...]) -> RoomView:
    epoch, seq, message_seq, count, is_admin, role, read_seq, level, muted_until, *place = row[ROOM_COLUMNS:]
    room = room_of(row[:ROOM_COLUMNS])
    return RoomView(
        room=room,
        epoch=epoch,
        seq=seq,
        role=role and Role(role),
        read_seq=0 if role is None else read_seq,
        unread=Unread() if unread is None else Unread(*unread),
        notify=None if role is None else notify_of(level, muted_until),
        last_message=None if last is None else preview(last),
        is_admin=bool(is_admin),
        member_count=count,
        message_seq=message_seq,
        place=None if role is None else place_of(*place),
        users=users,
    )


_kept = lru_cache(MOST_KEPT)(_view)


def _made(row: Any, last: Message | None, unread: Counts | None, users: tuple[User, ...]) -> RoomView:
    """Make a view, or return one that is kept by all that it is made of. Whatever changes, it need not be told."""
    return _kept(row, last, unread, users) if _is_small(last) else _view(row, last, unread, users)


def _is_small(last: Message | None) -> bool:
    """Say whether a view with this newest message takes little memory, so that it may be kept."""
    return last is None or (
        is_short(last.body)
        and not (last.files or last.previews)
        and (not last.reactions or sum(one.count for one in last.reactions) <= SHOWN_REACTORS)
    )


def most_bytes(view: RoomView | None) -> int:
    """Return how many bytes a room takes on a page, at most: few have more than a short message."""
    if view is None:
        return 0
    last = view.last_message
    is_plain = last is None or not (last.reactions or last.files or last.previews)
    more = SHORT_BYTES if is_plain else size_of(last)
    return ROOM_BYTES + PERSON_BYTES * len(view.users) + more


def _to_count(row: Any) -> tuple[str, int, int] | None:
    """Return the place in a room after which its member has not read, or None where nothing can be unread."""
    if row[_ROLE] is None or row[_READ_SEQ] >= row[_MESSAGE_SEQ]:
        return None
    return row[0], row[_READ_SEQ], row[_SEQ]


def _unread(
    cursor: apsw.Cursor, places: Sequence[tuple[str, int, int]], user_id: str
) -> dict[str, tuple[int, int | None, int]]:
    """Count a member's unread messages in rooms."""
    if not places:
        return {}
    rows = cursor.execute(
        f"SELECT value ->> 0, (SELECT count(*) FROM (SELECT 1 FROM {_UNREAD_MESSAGES} LIMIT {MAX_UNREAD})),"
        f" (SELECT seq FROM {_UNREAD_MESSAGES} LIMIT 1), {mentioned.COUNT} FROM json_each(?1)",
        (orjson.dumps(places).decode(), user_id),
    )
    return {row[0]: row[1:] for row in rows}


def _people(cursor: apsw.Cursor, rows: Sequence[Any]) -> dict[str, User]:
    """Return those of the people of direct rooms who have accounts, by their ids."""
    ids = {one for row in rows for one in _people_in(row)}
    if not ids:
        return {}
    found = cursor.execute(
        f"SELECT {USER} FROM json_each(?) CROSS JOIN users ON users.id = value",
        (orjson.dumps([*ids]).decode(),),
    )
    return {user.id: user for user in map(user_of, found)}


def _people_in(row: Any) -> Sequence[str]:
    people = row[ROOM_COLUMNS - 2]
    return () if people is None else [str(one) for one in orjson.loads(people)]


def room_of(row: Any) -> Room:
    """Return the room in a row of `ROOM`."""
    id_, name, topic, visibility, created_at, archived, slow_seconds, post_role, kind, people, avatar = row
    return Room(
        id_,
        name,
        topic,
        Visibility(visibility),
        created_at,
        bool(archived),
        slow_seconds,
        Role(post_role),
        RoomKind(kind),
        () if people is None else tuple(orjson.loads(people)),
        avatar,
    )
