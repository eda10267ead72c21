"""Declares the part of a store that keeps rooms: creating, finding and listing them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.accounts import User
from api.models.log import Appended
from api.models.page import Page
from api.models.rooms import Room, RoomRule, RoomView


class RoomStore(ABC):
    """The rooms. The caller decides whether a user may see one."""

    @abstractmethod
    async def create(self, room: Room, owner: User) -> RoomView:
        """Store a new room with its owner as its only member.

        It begins with the owner's `member` entry and a `room` entry with its settings, so that followers know its name.
        """

    @abstractmethod
    async def change(self, room_id: str, user: User, *, at: int, rule: RoomRule) -> Appended | None:
        """Change a room and log it as a `room` entry of this user. Both are stored together, or not at all.

        `rule` decides what the room becomes, by the room and the user's rights in it. It may be called in another
        thread and more than once, and neither changes before the entry is stored. Returns None when the room stays as
        it is, and raises what `rule` raises, and `NotFound` when there is no such room.
        """

    @abstractmethod
    async def delete(self, room_id: str, user: User, *, at: int, rule: RoomRule) -> Appended:
        """Delete a room: append its last entry, a `room` entry that says so, and refuse everything after it.

        From then nothing finds the room, and appending to it raises `NotFound`. Its head stays, with its epoch and seq,
        for followers. `deletions` takes away what is left. `rule` decides as in `change`; what it returns is the room
        that the last entry shows. Raises what `rule` raises, and `NotFound`.
        """

    @abstractmethod
    async def open_direct(self, room: Room, people: Sequence[User], at: int) -> bool:
        """Store a direct room with its people as its only members, and return whether this call has made it.

        `people` are all its people, who become members by entries that are stored together. A room that is there stays
        as it is, but people whom a crash has kept from becoming members become so. So however many open it at once, on
        any nodes, there is one room with one membership of each.
        """

    @abstractmethod
    async def get(self, room_id: str) -> Room | None:
        """Return a room, or None."""

    @abstractmethod
    async def view(self, room_id: str, user_id: str) -> RoomView | None:
        """Return a room as this user sees it; None when there is no such room."""

    @abstractmethod
    async def views(self, room_ids: Sequence[str], user_id: str) -> list[RoomView]:
        """Return those of these rooms that this user is a member of, each once, as they see it."""

    @abstractmethod
    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        """List the rooms a user is a member of, in a stable order. Raises `BadCursor`."""

    @abstractmethod
    async def public(
        self, user_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[RoomView]:
        """List all public rooms as this user sees them, in a stable order. Raises `BadCursor`.

        With `named` only those whose names contain this text, in the form in which names are searched. No more than
        `LOOKED_AT` rooms are looked at for a page, so a page may be short and have a next one.
        """

    @abstractmethod
    async def all(self, *, named: str | None = None, cursor: str | None, limit: int) -> Page[RoomView]:
        """List all rooms, also the private ones, oldest first, as one sees them who is no member.

        `named` is as in `public`. Raises `BadCursor`.
        """

    @abstractmethod
    async def names(self, room_ids: Sequence[str]) -> dict[str, str]:
        """Return the names of those of these rooms that exist, by id. One that has just changed may be the old one."""

    @abstractmethod
    async def count_of_user(self, user_id: str) -> int:
        """Return how many rooms a user is a member of."""
