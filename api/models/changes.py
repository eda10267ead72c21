"""The changes that a store reports: entries, ended sessions, and its own state."""

from dataclasses import dataclass
from typing import TypeAlias

from api.models.log import Entry


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A change: this session has ended, so its sockets must be closed."""

    session_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """A change that only says that the feed works, when nothing else has happened."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A change: the database was set back to an earlier state, and every room has begun a new epoch."""


Change: TypeAlias = Entry | SessionEnded | Restored | Quiet
