"""Declares the part of a store that keeps how far followers have come in the rooms' logs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from api.models.followers import FollowerPosition, Lease, Progress


class PositionStore(ABC):
    """A position for each follower and room. A follower has the name of the lease under which it works."""

    @abstractmethod
    async def page(self, follower: str, *, after: str, limit: int) -> list[Progress]:
        """Return the heads of up to `limit` rooms, those with the next ids after `after`, and the positions in them.

        The list is empty after the last room, and only then. Rooms whose heads cannot be read are left out, so it may
        be shorter than `limit`; the caller goes on after the last one.
        """

    @abstractmethod
    async def get_many(self, follower: str, room_ids: Sequence[str]) -> dict[str, Progress]:
        """Return the heads of these rooms and the positions in them, by room id. Unknown rooms are left out."""

    @abstractmethod
    async def of_each(self, rooms: Mapping[str, str]) -> dict[str, Progress]:
        """Return the same of followers that follow one room each, `rooms`, by the name of the follower."""

    @abstractmethod
    async def advance(
        self, lease: Lease, positions: Sequence[FollowerPosition]
    ) -> dict[str, FollowerPosition]:
        """Store how far the holder of a lease has come in some rooms, and return the positions as they are then.

        Within an epoch a position never moves back: the further one stays. A position of another epoch is replaced.
        After this no holder with a lower number changes the positions in these rooms. If the lease has a newer holder,
        raises `LeaseLost` and stores nothing.
        """

    @abstractmethod
    async def advance_each(self, lease: Lease, positions: Mapping[str, FollowerPosition]) -> None:
        """Store how far several followers have come that work under one lease, by the name of the follower.

        Otherwise it is like `advance`.
        """

    @abstractmethod
    async def drop(self, lease: Lease, room_ids: Sequence[str]) -> None:
        """Forget the positions in rooms that were deleted. Raises `LeaseLost`, as `advance` does."""

    @abstractmethod
    async def room_ids(self, follower: str) -> list[str]:
        """Return the ids of the rooms in which a follower has a position."""
