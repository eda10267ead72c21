"""Who is in a room, with which role, and who may not come back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tailwire_client.account import User
from tailwire_client.shape import read
from tailwire_client.web import Web, given, path

Role = Literal["owner", "moderator", "member", "reader"]


@dataclass(frozen=True)
class Member:
    """A user in a room. `read_seq` is None where it is not told."""

    user_id: str
    username: str
    display_name: str
    role: str
    joined_at: datetime
    avatar: str | None = None
    is_bot: bool = False
    online: bool = False
    read_seq: int | None = None


@dataclass(frozen=True)
class Ban:
    """Who may not come back, since when, by which user, and why."""

    user: User
    at: datetime
    by: str | None = None
    reason: str | None = None


class Members:
    """`Client.members`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def of(self, room_id: str, part_of_name: str | None = None) -> AsyncIterator[Member]:
        """Yield the members of a room, or those with this in their names."""
        return self._web.pages(Member, path("rooms", room_id, "members"), {"q": part_of_name})

    async def set(self, room_id: str, user_id: str, role: Role = "member") -> Member:
        """Add a user to a room, or give them another role."""
        place = path("rooms", room_id, "members", user_id)
        return read(Member, await self._web.call("PUT", place, body={"role": role}))

    async def remove(self, room_id: str, user_id: str) -> None:
        """Remove a user from a room."""
        await self._web.call("DELETE", path("rooms", room_id, "members", user_id))

    def bans(self, room_id: str) -> AsyncIterator[Ban]:
        """Yield who is banned from a room, the newest ban first."""
        return self._web.pages(Ban, path("rooms", room_id, "bans"))

    async def ban(self, room_id: str, user_id: str, *, reason: str | None = None) -> None:
        """Remove a user from a room, who cannot come back."""
        place = path("rooms", room_id, "bans", user_id)
        await self._web.call("PUT", place, body=given(reason=reason))

    async def unban(self, room_id: str, user_id: str) -> None:
        """End a ban."""
        await self._web.call("DELETE", path("rooms", room_id, "bans", user_id))
