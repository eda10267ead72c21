"""Declares the part of a store that keeps rooms: creating, finding and listing them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.accounts import User
from api.models.page import Page
from api.models.rooms import Room, RoomView


class RoomStore(ABC):
    """The rooms. The caller decides whether a user may see one."""

    @abstractmethod
    async def create(self, room: Room, owner: User) -> RoomView:
        """Store a new room with its owner as its only member. The entry with seq 1 is the owner's `member` entry."""

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

        With `named`, a text in NFC without a NUL character: those whose names contain it, in upper or lower case.
        """

    @abstractmethod
    async def count_of_user(self, user_id: str) -> int:
        """Return how many rooms a user is a member of."""
