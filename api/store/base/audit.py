"""Declares the part of a store that keeps the audit log."""

from abc import ABC, abstractmethod

from api.models.accounts import AuditEvent
from api.models.page import Page


class AuditStore(ABC):
    """The audit log, which records each act on an account and its actor."""

    @abstractmethod
    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        """Store an event durably, and delete events from before `forget_before` (milliseconds)."""

    @abstractmethod
    async def all(self, *, cursor: str | None, limit: int) -> Page[AuditEvent]:
        """List the events, newest first. Raises `BadCursor`."""
