"""Declares the part of a store that keeps invites, and who has used them."""

from abc import ABC, abstractmethod
from typing import Final

from api.models.invites import Invite
from api.models.page import Page

CLAIM_MS: Final = 60_000
"""If a use was claimed longer ago than this for an account that is not there, the node that claimed it has crashed,
and the use is free. No sign-up takes nearly as long."""


class InviteStore(ABC):
    """The invites. Each has as many uses as it says, on all nodes together, and a user has at most one of them."""

    @abstractmethod
    async def create(self, invite: Invite, *, forget_before: int) -> None:
        """Store a new invite, and delete those that expired before `forget_before` (milliseconds).

        Storing the same one again changes nothing.
        """

    @abstractmethod
    async def get(self, invite_id: str) -> Invite | None:
        """Return an invite, also one that is used up or has expired; None if there is none."""

    @abstractmethod
    async def of_room(self, room_id: str | None, *, cursor: str | None, limit: int) -> Page[Invite]:
        """List the invites to a room, or with None those to the server, newest first. Raises `BadCursor`.

        An invite for setup is not listed.
        """

    @abstractmethod
    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Invite]:
        """List the invites that a user has made, oldest first. Raises `BadCursor`."""

    @abstractmethod
    async def end(self, room_id: str | None, invite_id: str) -> bool:
        """Delete an invite to this room, or to the server. Returns False when there is none."""

    @abstractmethod
    async def claim(self, invite_id: str, user_id: str, *, at: int) -> Invite:
        """Take one use for this user, unless they have one, and return the invite.

        Raises `BadInvite` for one that is unknown, used up or expired. A use that was claimed for an account that was
        never made is free again after `CLAIM_MS`; that of an account that was erased is not.
        """

    @abstractmethod
    async def users(self, invite_id: str) -> list[str]:
        """Return the users who have taken a use, also those whose account is not made yet, but no erased ones."""

    @abstractmethod
    async def release(self, invite_id: str, user_id: str) -> None:
        """Give back the use of a user for whom no account was made. Does nothing when there is none."""
