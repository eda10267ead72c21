"""Declares the part of a store that keeps reports of messages."""

from abc import ABC, abstractmethod

from api.models.moderation import Report, ReportState
from api.models.page import Page


class ReportStore(ABC):
    """The reports of messages. They name the messages, and hold nothing of their texts."""

    @abstractmethod
    async def create(self, report: Report) -> bool:
        """Store a new report. Returns False, and changes nothing, if there is one with its id."""

    @abstractmethod
    async def get(self, report_id: str) -> Report | None:
        """Return a report, or None."""

    @abstractmethod
    async def all(self, *, state: ReportState | None, cursor: str | None, limit: int) -> Page[Report]:
        """List the reports, newest first: all, or those in a state. Raises `BadCursor`."""

    @abstractmethod
    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Report]:
        """List the reports that a user has made, newest first. Raises `BadCursor`."""

    @abstractmethod
    async def set_state(self, report_id: str, state: ReportState) -> Report:
        """Change the state of a report, and return the report. Raises `NotFound`."""
