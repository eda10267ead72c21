"""Declares the part of a store that keeps the audit log."""

from abc import ABC, abstractmethod

from api.models.accounts import ALL_EVENTS, AuditEvent, AuditFilter
from api.models.page import Page


class AuditStore(ABC):
    """The audit log, which records each act on an account, or of moderation, and its actor."""

    @abstractmethod
    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        """Store an event durably, and delete events from before `forget_before` (milliseconds)."""

    @abstractmethod
    async def all(
        self, matching: AuditFilter = ALL_EVENTS, *, cursor: str | None, limit: int
    ) -> Page[AuditEvent]:
        """List the events, or those that a filter chooses, newest first.

        Raises `BadCursor`, also for the cursor of another filter.
        """
