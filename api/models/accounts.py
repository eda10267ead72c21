"""Users, their accounts and sessions, and the events of the audit log."""

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
    """A user with the fields that only log-in and administrators see. `username_key` is the unique form of the name.

    Without a `password_hash`, nobody can log in with a password. Nobody can use a `disabled` account. An account that
    is being erased stays disabled.
    """

    user: User
    username_key: str
    password_hash: str | None = field(repr=False)
    disabled: bool = False
    admin: bool = False
    erasing: bool = False


class SessionKind(StrEnum):
    """The way in which a session began. Sessions of all kinds end in the same way."""

    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in. It lasts until it is ended or `expires_at` passes. Only hashes of refresh tokens are stored.

    `used` holds the hashes of recently used-up tokens and the times of their use, newest first.
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
    """The result of presenting a refresh token."""

    ROTATED = "rotated"  # it was the current token; the next one is current now
    GRACE = "grace"  # it was used up a moment ago, and the answer may have been lost
    REUSED = "reused"  # it was used up long ago; the session has been ended
    UNKNOWN = "unknown"  # there is no such session, or it never had this token


class Audited(StrEnum):
    """The events of the audit log."""

    SIGNED_UP = "signed_up"
    LOGGED_IN = "logged_in"
    LOGIN_FAILED = "login_failed"
    LOGGED_OUT = "logged_out"
    REFRESH_REUSED = "refresh_reused"
    SESSION_ENDED = "session_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  an event, not a password
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
    """An event of the audit log: the user `actor_id` did it to the user `subject_id`, from `address`.

    `actor_id` is None when nobody knows who did it, and on the command line, which has no address either.
    """

    at: int
    id: str
    event: Audited
    actor_id: str | None
    subject_id: str | None
    address: str | None
