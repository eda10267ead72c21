"""Rooms: finding, making, changing, joining them."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tailwire_client.messages import Message
from tailwire_client.position import Position
from tailwire_client.shape import read, read_all
from tailwire_client.web import Web, given, items_of, path

Visibility = Literal["public", "private"]
Level = Literal["all", "mentions", "none"]


@dataclass(frozen=True)
class Person:
    """One of the people of a direct room."""

    id: str
    username: str
    display_name: str
    avatar: str | None = None
    is_bot: bool = False


@dataclass(frozen=True)
class Notify:
    """What you are notified of in a room: of nothing before `muted_until`, then as `level` says."""

    level: str
    muted_until: datetime | None = None


@dataclass(frozen=True)
class Place:
    """Where you keep a room in your list."""

    favourite: bool = False
    section: str | None = None
    hidden: bool = False


@dataclass(frozen=True)
class Room:
    """A room as you see it. `role` is None for who is no member; `epoch` and `seq` are those of its newest entry."""

    id: str
    name: str
    epoch: str
    seq: int
    topic: str = ""
    visibility: str = "private"
    created_at: datetime | None = None
    archived: bool = False
    slow_seconds: int = 0
    post_role: str = "member"
    kind: str = "room"
    avatar: str | None = None
    role: str | None = None
    read_seq: int = 0
    unread_count: int = 0
    first_unread_seq: int | None = None
    mention_count: int = 0
    member_count: int = 0
    users: tuple[Person, ...] = ()
    notify: Notify | None = None
    place: Place | None = None
    last_message: Message | None = None

    @property
    def position(self) -> Position:
        """The position of its newest entry."""
        return Position(self.epoch, self.seq)


class Rooms:
    """`Client.rooms`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def mine(self) -> AsyncIterator[Room]:
        """Yield the rooms that you are in."""
        return self._web.pages(Room, "/rooms")

    def public(self, part_of_name: str | None = None) -> AsyncIterator[Room]:
        """Yield the public rooms, or those with this in their names."""
        return self._web.pages(Room, "/rooms", {"scope": "public", "q": part_of_name})

    async def some(self, room_ids: Iterable[str]) -> tuple[Room, ...]:
        """Return those of these rooms, at most 100, that you are in."""
        ids = tuple(room_ids)
        return read_all(Room, items_of(await self._web.get("/rooms", {"ids": ",".join(ids)}))) if ids else ()

    async def get(self, room_id: str) -> Room:
        """Return a room."""
        return read(Room, await self._web.get(path("rooms", room_id)))

    async def create(self, name: str, visibility: Visibility, *, topic: str | None = None) -> Room:
        """Make a room, which you own."""
        body = given(name=name, visibility=visibility, topic=topic)
        return read(Room, await self._web.call("POST", "/rooms", body=body))

    async def change(
        self,
        room_id: str,
        *,
        name: str | None = None,
        topic: str | None = None,
        visibility: Visibility | None = None,
        archived: bool | None = None,
        slow_seconds: int | None = None,
        post_role: Literal["member", "moderator"] | None = None,
    ) -> Room:
        """Change what is given of a room."""
        body = given(
            name=name,
            topic=topic,
            visibility=visibility,
            archived=archived,
            slow_seconds=slow_seconds,
            post_role=post_role,
        )
        return read(Room, await self._web.call("PATCH", path("rooms", room_id), body=body, is_safe=True))

    async def delete(self, room_id: str) -> None:
        """Delete a room, with all that is in it."""
        await self._web.call("DELETE", path("rooms", room_id))

    async def join(self, room_id: str) -> Room:
        """Become a member of a public room, or stay one."""
        return read(Room, await self._web.call("POST", path("rooms", room_id, "join"), is_safe=True))

    async def leave(self, room_id: str) -> None:
        """Leave a room."""
        await self._web.call("POST", path("rooms", room_id, "leave"))

    async def direct(self, *user_ids: str) -> Room:
        """Return the one room of exactly these people, at most nine, and you. It is made where it is not there yet."""
        if len(user_ids) == 1:
            return read(Room, await self._web.call("PUT", path("direct", user_ids[0])))
        body = {"user_ids": list(user_ids)}
        return read(Room, await self._web.call("POST", "/direct", body=body, is_safe=True))

    async def notify(self, room_id: str, level: Level, *, muted_until: datetime | None = None) -> None:
        """Set what you are notified of in a room."""
        body = given(level=level, muted_until=None if muted_until is None else _text(muted_until))
        await self._web.call("PUT", path("rooms", room_id, "notifications"), body=body)

    async def put(self, room_id: str, place: Place) -> None:
        """Set where you keep a room in your list."""
        body = {"favourite": place.favourite, "section": place.section, "hidden": place.hidden}
        await self._web.call("PUT", path("rooms", room_id, "place"), body=body)


def _text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time needs its time zone")
    return moment.isoformat(timespec="milliseconds")
