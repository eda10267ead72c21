"""The audit log."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class AuditEvent:
    """`actor_id` did `event`, an open set of names, to `subject_id`. None is unknown, or does not fit the event."""

    at: datetime
    event: str
    actor_id: str | None = None
    actor_username: str | None = None
    subject_id: str | None = None
    subject_username: str | None = None
    address: str | None = None
    room_id: str | None = None
