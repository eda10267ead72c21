"""What a store tells of: entries, ended sessions, and the store's own state."""

from dataclasses import dataclass
from typing import TypeAlias

from api.models.log import Entry


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A change: this session is over, and its open sockets with it."""

    session_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """A change that says only that the feed is alive and nothing else has happened."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A change: the database was set back to an earlier state, and every room has begun a new epoch."""


Change: TypeAlias = Entry | SessionEnded | Restored | Quiet
