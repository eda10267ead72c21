"""Declares the part of a store that keeps the incoming hooks of rooms."""

from abc import ABC, abstractmethod

from api.models.hooks import Hook
from api.models.page import Page


class HookStore(ABC):
    """The incoming hooks. They go with their room, not with the account of who made them."""

    @abstractmethod
    async def create(self, hook: Hook) -> None:
        """Store a new hook. Storing the same one again changes nothing."""

    @abstractmethod
    async def get(self, hook_id: str) -> Hook | None:
        """Return a hook, also one that has ended; None if there is none."""

    @abstractmethod
    async def of_room(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Hook]:
        """List the hooks of a room that have not ended, newest first. Raises `BadCursor`."""

    @abstractmethod
    async def use(self, hook_id: str, *, at: int) -> None:
        """Store that a hook has posted. One that has ended, or that posted later than `at`, stays as it is."""

    @abstractmethod
    async def end(self, hook_id: str, *, at: int) -> bool:
        """End a hook. Returns False when there is none, or it has ended before."""

    @abstractmethod
    async def bots_of(self, room_id: str) -> list[str]:
        """Return the ids of the bots of all hooks of a room, also of those that have ended, and of a deleted room."""
