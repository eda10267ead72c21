"""The administration of a server, noun by noun."""

from collections.abc import AsyncIterator

from tailwire_client.admin.accounts import Accounts
from tailwire_client.admin.audit import AuditEvent
from tailwire_client.admin.invites import ServerInvites
from tailwire_client.admin.reports import Reports
from tailwire_client.admin.rooms import AnyRooms
from tailwire_client.admin.state import Settings, Status
from tailwire_client.shape import read
from tailwire_client.web import Web


class Admin:
    """`Client.admin`: for administrators who logged in. For everybody else, and every program, it raises NotFound."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.accounts = Accounts(web)
        self.invites = ServerInvites(web)
        self.reports = Reports(web)
        self.rooms = AnyRooms(web)

    def audit(self, *, event: str | None = None, user_id: str | None = None) -> AsyncIterator[AuditEvent]:
        """Yield who did what to whom, newest first: of one kind of event, and about one user."""
        return self._web.pages(AuditEvent, "/admin/audit", {"event": event, "user_id": user_id})

    async def status(self) -> Status:
        """Return how the server is."""
        return read(Status, await self._web.get("/admin/status"))

    async def settings(self) -> Settings:
        """Return the settings of the node that answers."""
        return read(Settings, await self._web.get("/admin/settings"))
