"""What a store promises of the members of rooms."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

from api.models.accounts import User
from api.models.log import Appended
from api.models.page import Page
from api.models.rooms import Member, MembershipRule, Role

Place: TypeAlias = tuple[str, str]
"""A room's id and a user's: the key of a membership."""


class MemberStore(ABC):
    """The memberships. Each change of one is one fact with its `member` entry in the room's log."""

    @abstractmethod
    async def change(
        self, room_id: str, user: User, role: Role | None, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        """Give a user a role in a room, or with None end their membership, as one fact with its `member` entry.

        `by`: the id of who does so. `rule` is asked how things stand, possibly in another thread and more than
        once; nothing that it was told changes before the entry is stored. None when it says that there is
        nothing to do; what it raises is raised. A new member has read everything up to their entry. Raises
        `NotFound` when there is no such room.
        """

    async def join(self, room_id: str, user: User, role: Role, at: int) -> Appended | None:
        """Admit a user, who joins by themselves. None when they are a member already. Raises `NotFound`."""
        return await self.change(
            room_id, user, role, by=user.id, at=at, rule=lambda standing: standing.role is None
        )

    async def leave(self, room_id: str, user: User, at: int) -> Appended | None:
        """End the membership of a user who leaves. None when there was none. Raises `NotFound`."""
        return await self.change(
            room_id, user, None, by=user.id, at=at, rule=lambda standing: standing.role is not None
        )

    @abstractmethod
    async def get_many(self, places: Sequence[Place]) -> dict[Place, Member]:
        """Return those of these memberships, (room id, user id), that there are."""

    async def get(self, room_id: str, user_id: str) -> Member | None:
        """Return a membership."""
        return (await self.get_many([(room_id, user_id)])).get((room_id, user_id))

    @abstractmethod
    async def of_room(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Member]:
        """List a room's members, in a stable order. Raises `BadCursor`."""

    @abstractmethod
    async def count_of_room(self, room_id: str) -> int:
        """Return how many members a room has; 0 for an unknown one."""

    @abstractmethod
    async def mark_read(self, room_id: str, user_id: str, seq: int) -> int:
        """Raise a member's `read_seq` to `seq`, at most to the head, and return it; it never falls.

        Raises `NotFound`.
        """
