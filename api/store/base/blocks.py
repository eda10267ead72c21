"""Declares the part of a store that keeps which users have blocked which others."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.accounts import User
from api.models.page import Page


class BlockStore(ABC):
    """The blocks. One is made by a user against another, who is not told."""

    @abstractmethod
    async def add(self, user_id: str, blocked_id: str, *, at: int) -> None:
        """Let a user block another. Repeating it changes nothing."""

    @abstractmethod
    async def remove(self, user_id: str, blocked_id: str) -> None:
        """End a block. Does nothing where there is none."""

    @abstractmethod
    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List the users whom a user has blocked, the newest block first. Raises `BadCursor`."""

    @abstractmethod
    async def count_of_user(self, user_id: str) -> int:
        """Return how many users a user has blocked."""

    @abstractmethod
    async def any_among(self, user_ids: Sequence[str]) -> bool:
        """Say whether any of these users has blocked another of them."""

    @abstractmethod
    async def blockers_of(self, user_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return the ids of those who have blocked these users, by user. Who is blocked by nobody is left out."""
