"""All rooms of a server, also those in which an administrator is no member. Their messages are not shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from tailwire_client.members import Member
from tailwire_client.shape import read
from tailwire_client.web import Web, path


@dataclass(frozen=True)
class AnyRoom:
    """A room as administrators see it."""

    id: str
    kind: str
    name: str
    visibility: str
    created_at: datetime
    member_count: int
    topic: str = ""
    archived: bool = False
    slow_seconds: int = 0
    post_role: str = "member"
    last_message_at: datetime | None = None


class AnyRooms:
    """`Client.admin.rooms`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def all(self, part_of_name: str | None = None) -> AsyncIterator[AnyRoom]:
        """Yield the rooms, oldest first, or those with this in their names."""
        return self._web.pages(AnyRoom, "/admin/rooms", {"q": part_of_name})

    async def get(self, room_id: str) -> AnyRoom:
        """Return a room."""
        return read(AnyRoom, await self._web.get(path("admin", "rooms", room_id)))

    def members(self, room_id: str) -> AsyncIterator[Member]:
        """Yield the members of a room."""
        return self._web.pages(Member, path("admin", "rooms", room_id, "members"))

    async def name_owner(self, room_id: str, user_id: str) -> AnyRoom:
        """Make a user an owner of a room, and a member where they are none."""
        body = {"owner_id": user_id}
        answer = await self._web.call("PATCH", path("admin", "rooms", room_id), body=body, is_safe=True)
        return read(AnyRoom, answer)

    async def delete(self, room_id: str) -> None:
        """Delete a room, with all that is in it."""
        await self._web.call("DELETE", path("admin", "rooms", room_id))
