"""Invites to a server: links with which people sign up."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from tailwire_client.shape import read
from tailwire_client.web import Web, given, path


@dataclass(frozen=True)
class ServerInvite:
    """An invite to the server. Its `code` and `url` are told once, when it is made; whoever has them gets in."""

    invite_id: str
    created_at: datetime
    max_uses: int
    uses_left: int
    admin: bool
    made_by: str | None = None
    expires_at: datetime | None = None
    code: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)


class ServerInvites:
    """`Client.admin.invites`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def create(
        self, *, admin: bool = False, max_uses: int | None = None, expires_in: int | None = None
    ) -> ServerInvite:
        """Make an invite. It admits one user for a week where nothing else is given; `expires_in` is in seconds.

        With `admin` who uses it becomes an administrator.
        """
        body = given(admin=admin, max_uses=max_uses, expires_in=expires_in)
        return read(ServerInvite, await self._web.call("POST", "/admin/invites", body=body))

    def all(self) -> AsyncIterator[ServerInvite]:
        """Yield the invites, newest first, without their codes."""
        return self._web.pages(ServerInvite, "/admin/invites")

    async def end(self, invite_id: str) -> None:
        """End an invite."""
        await self._web.call("DELETE", path("admin", "invites", invite_id))
