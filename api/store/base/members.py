"""Declares the part of a store that keeps the members of rooms: their roles and what they have read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

from api.models.accounts import User
from api.models.log import Appended
from api.models.page import Page
from api.models.rooms import (
    Ban,
    Member,
    Membership,
    MembershipRule,
    Notify,
    ReadMark,
    Role,
    RoomPlace,
    ending,
    joining,
)

Place: TypeAlias = tuple[str, str]
"""The key of a membership: the ids of the room and of the user."""


class MemberStore(ABC):
    """The memberships. A change of one and its `member` entry in the room's log are stored together, or not at all."""

    @abstractmethod
    async def change(
        self, room_id: str, user: User, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        """Begin, change or end a user's membership of a room, and log it as a `member` entry.

        Both are stored together, or not at all. `by` is the id of the user who makes the change. `rule` decides what
        it is by the present `Standing`. It may be called in another thread and more than once, and no part of the
        standing changes before the entry is stored. Returns None when `rule` returns None, and raises what `rule`
        raises. A new member counts as having read everything up to their entry. What is stored of a membership outlasts
        its end. Raises `NotFound` when there is no such room.
        """

    async def join(self, room_id: str, user: User, role: Role, at: int) -> Appended | None:
        """Admit a user who joins by themselves, with `role` if nothing is known of them.

        Returns None if they already are a member, or are banned. Raises `NotFound`.
        """
        return await self.change(room_id, user, by=user.id, at=at, rule=joining(role))

    async def leave(self, room_id: str, user: User, at: int) -> Appended | None:
        """End the membership of a user who leaves. Returns None if they are no member. Raises `NotFound`."""
        return await self.change(room_id, user, by=user.id, at=at, rule=ending)

    @abstractmethod
    async def get_many(self, places: Sequence[Place]) -> dict[Place, Member]:
        """Return those of these memberships that exist, by their place."""

    async def get(self, room_id: str, user_id: str) -> Member | None:
        """Return a membership, or None."""
        return (await self.get_many([(room_id, user_id)])).get((room_id, user_id))

    @abstractmethod
    async def state(self, room_id: str, user_id: str) -> Membership:
        """Return the state of a user in a room, also of one who is no member; `OUTSIDE` where nothing is known."""

    @abstractmethod
    async def banned(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Ban]:
        """List who is banned from a room, the newest ban first. Raises `BadCursor`."""

    @abstractmethod
    async def set_ban_reason(self, room_id: str, user_id: str, reason: str | None) -> None:
        """Store why a user is banned, until the ban ends. Does nothing where they are not banned."""

    @abstractmethod
    async def of_room(
        self, room_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[Member]:
        """List a room's members, in a stable order. Raises `BadCursor`.

        With `named` only those whose username or display name contains this text, in the form in which names are
        searched. No more than `LOOKED_AT` members are looked at for a page, so a page may be short and have a next one.
        """

    @abstractmethod
    async def rooms_of(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the ids of the rooms of these users, by user. A change that is being made may not be in it."""

    @abstractmethod
    async def with_usernames(self, room_id: str, usernames: Sequence[str]) -> dict[str, str]:
        """Return the ids of those members of a room who have one of these usernames, by username.

        The usernames are in their stored form. Disabled accounts are not found.
        """

    @abstractmethod
    async def count_of_room(self, room_id: str, *, at_most: int | None = None) -> int:
        """Return how many members a room has; 0 for an unknown one. It counts no further than to `at_most`."""

    @abstractmethod
    async def heir(self, room_id: str, owner_id: str) -> User | None:
        """Return who is to own a room when its owner goes: None if the room has another owner, or nobody can be one.

        It is the longest-standing moderator, or else the longest-standing member with the role `member`, whose account
        is not disabled, and who is no bot.
        """

    @abstractmethod
    async def mark_read(
        self, room_id: str, user_id: str, seq: int, *, epoch: str | None = None, back: bool = False
    ) -> ReadMark:
        """Raise a member's `read_seq` to `seq`, but not above the head, and return what it is then.

        It falls only if `back` is True; the member's `receipt` does not fall with it. If `epoch` is given and is not
        the room's, raises `EpochChanged` and does nothing. Raises `NotFound` for a user who is no member.

        A `read_seq` belongs to the room's present epoch. If the database was set back, and a `read_seq` is above the
        head that it was set back to, the new epoch begins with that head's seq instead: later entries are not read.
        """

    @abstractmethod
    async def set_notify(self, room_id: str, user_id: str, notify: Notify) -> None:
        """Store how a member wants to be notified. It outlasts the membership. Raises `NotFound` for who is none."""

    @abstractmethod
    async def set_place(self, room_id: str, user_id: str, place: RoomPlace) -> None:
        """Store where a member keeps a room in their list. It outlasts the membership. Raises `NotFound`."""
