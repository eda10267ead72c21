"""Invites: links that let people into a room."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from tailwire_client.members import Role
from tailwire_client.rooms import Person, Room
from tailwire_client.shape import read
from tailwire_client.web import Web, given, path


@dataclass(frozen=True)
class Invite:
    """An invite to a room. Its `code` and `url` are told once, when it is made; whoever has them gets in."""

    invite_id: str
    room_id: str
    role: str
    created_at: datetime
    max_uses: int
    uses_left: int
    made_by: str | None = None
    expires_at: datetime | None = None
    code: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class InvitePreview:
    """What anybody sees of an invite who has its code. An invite to the server has no room."""

    room_name: str | None = None
    member_count: int | None = None
    invited_by: Person | None = None


class Invites:
    """`Client.invites`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def create(
        self,
        room_id: str,
        *,
        role: Role | None = None,
        max_uses: int | None = None,
        expires_in: int | None = None,
    ) -> Invite:
        """Make an invite. It admits one member for a week where nothing else is given; `expires_in` is in seconds."""
        body = given(role=role, max_uses=max_uses, expires_in=expires_in)
        return read(Invite, await self._web.call("POST", path("rooms", room_id, "invites"), body=body))

    def of(self, room_id: str) -> AsyncIterator[Invite]:
        """Yield the invites to a room, newest first, without their codes."""
        return self._web.pages(Invite, path("rooms", room_id, "invites"))

    async def end(self, room_id: str, code_or_id: str) -> None:
        """End an invite."""
        await self._web.call("DELETE", path("rooms", room_id, "invites", code_or_id))

    async def preview(self, code: str) -> InvitePreview:
        """Look at an invite without using it."""
        return read(InvitePreview, await self._web.get(path("invites", code)))

    async def accept(self, code: str) -> Room:
        """Become a member by an invite. Who is one already uses nothing up."""
        return read(Room, await self._web.call("POST", path("invites", code, "accept"), is_safe=True))
