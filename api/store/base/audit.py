"""What a store promises of the audit log."""

from abc import ABC, abstractmethod

from api.models.accounts import AuditEvent
from api.models.page import Page


class AuditStore(ABC):
    """The audit log: what was done to accounts, by whom."""

    @abstractmethod
    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        """Store an event, durably, and forget those from before that time (milliseconds)."""

    @abstractmethod
    async def all(self, *, cursor: str | None, limit: int) -> Page[AuditEvent]:
        """List the events, newest first. Raises `BadCursor`."""
