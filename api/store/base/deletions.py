"""Declares the part of a store that takes away what is left of rooms that were deleted."""

from abc import ABC, abstractmethod
from collections.abc import Sequence


class DeletionStore(ABC):
    """The rooms that `RoomStore.delete` has deleted. The job `Deletions` takes away what is left of them."""

    @abstractmethod
    async def pending(self, *, before: int) -> list[str]:
        """Return the ids of rooms that were deleted before a time, and of which something may be left."""

    @abstractmethod
    async def take_away(self, room_id: str) -> bool:
        """Take away a slice of what is left of a deleted room. Return whether there may be more.

        These are its entries, refs, memberships, mentions, invites and webhooks. The head stays. Repeating it is
        harmless. Of a room that is not deleted nothing is taken away.
        """

    @abstractmethod
    async def members_among(self, room_id: str, user_ids: Sequence[str]) -> set[str]:
        """Return those of these users who were members of a room when it was deleted.

        Once the memberships are taken away nobody is found, nor in a room that is not deleted.
        """
