"""Messages that somebody reported to the administrators."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tailwire_client.account import User
from tailwire_client.messages import Message
from tailwire_client.shape import read
from tailwire_client.web import Web, path

State = Literal["open", "closed"]


@dataclass(frozen=True)
class Report:
    """A report. `message` is told by `Reports.read`: as it is now, or None where it is not there any more."""

    id: str
    room_id: str
    seq: int
    reason: str
    state: str
    at: datetime
    room_name: str | None = None
    reporter: User | None = None
    message: Message | None = None


class Reports:
    """`Client.admin.reports`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def all(self, *, state: State | None = None) -> AsyncIterator[Report]:
        """Yield the reports, newest first."""
        return self._web.pages(Report, "/admin/reports", {"state": state})

    async def read(self, report_id: str) -> Report:
        """Return a report with its message. The audit log says who has read it."""
        return read(Report, await self._web.get(path("admin", "reports", report_id)))

    async def close(self, report_id: str) -> Report:
        """Say that you have done with a report."""
        return await self._set(report_id, "closed")

    async def reopen(self, report_id: str) -> Report:
        """Say that a report is to be looked at again."""
        return await self._set(report_id, "open")

    async def _set(self, report_id: str, state: State) -> Report:
        place = path("admin", "reports", report_id)
        return read(Report, await self._web.call("PATCH", place, body={"state": state}, is_safe=True))
