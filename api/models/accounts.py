"""Users, their accounts and sessions, and what the audit log tells of them."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class User:
    """An account as others see it."""

    id: str
    username: str
    display_name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Account:
    """A user with what only log-in may see. `username_key` is the name in the form that is unique.

    Without `password_hash` nobody logs in by a password. Nobody can be logged in as a `disabled` one; one that is
    being erased is disabled for good.
    """

    user: User
    username_key: str
    password_hash: str | None = field(repr=False)
    disabled: bool = False
    admin: bool = False
    erasing: bool = False


class SessionKind(StrEnum):
    """How a session came about. Sessions of all kinds end in the same way."""

    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in. It lives until it is ended or `expires_at` passes. Refresh tokens are kept as hashes only.

    `used`: those used up lately, and when; newest first.
    """

    id: str
    user_id: str
    created_at: int
    last_used_at: int
    expires_at: int
    user_agent: str
    refresh_hash: str = field(repr=False)
    used: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    kind: SessionKind = SessionKind.LOGIN


class Rotation(StrEnum):
    """What became of a presented refresh token."""

    ROTATED = "rotated"  # it was the current one; the next is current now
    GRACE = "grace"  # it was rotated a moment ago and its answer may have been lost: the current one holds
    REUSED = "reused"  # it was used up long ago: the session has been ended
    UNKNOWN = "unknown"  # no such session, or never a token of it


class Audited(StrEnum):
    """What the audit log tells of."""

    SIGNED_UP = "signed_up"
    LOGGED_IN = "logged_in"
    LOGIN_FAILED = "login_failed"
    LOGGED_OUT = "logged_out"
    REFRESH_REUSED = "refresh_reused"
    SESSION_ENDED = "session_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  no password, its name
    PASSWORD_RESET = "password_reset"  # noqa: S105
    CREATED = "created"
    DISABLED = "disabled"
    ENABLED = "enabled"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    EXPORTED = "exported"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who (`actor_id`) did what to whom (`subject_id`), from where.

    Without an actor it was done by nobody who is known, or on the command line, which has no address.
    """

    at: int
    id: str
    event: Audited
    actor_id: str | None
    subject_id: str | None
    address: str | None
