"""Incoming hooks: addresses that take messages for a room, from programs that have no account."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from tailwire_client.shape import read
from tailwire_client.web import Web, path


@dataclass(frozen=True)
class Hook:
    """A hook, which writes as the bot `user_id`. Its `url` is told once, when it is made; whoever has it can post."""

    hook_id: str
    room_id: str
    user_id: str
    name: str
    made_by: str
    created_at: datetime
    last_used_at: datetime | None = None
    url: str | None = field(default=None, repr=False)


class Hooks:
    """`Client.hooks`. Owners and moderators of a room make and end its hooks."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def create(self, room_id: str, name: str) -> Hook:
        """Make a hook. Its messages are shown under the name, unless they say another one."""
        return read(Hook, await self._web.call("POST", path("rooms", room_id, "hooks"), body={"name": name}))

    def of(self, room_id: str) -> AsyncIterator[Hook]:
        """Yield the hooks of a room, newest first, without their addresses."""
        return self._web.pages(Hook, path("rooms", room_id, "hooks"))

    async def end(self, room_id: str, hook_id: str) -> None:
        """End a hook. What it has posted stays."""
        await self._web.call("DELETE", path("rooms", room_id, "hooks", hook_id))
