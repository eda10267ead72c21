"""Users, their accounts and sessions, and the events of the audit log."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class User:
    """An account as others see it. `status_text` and `time_zone` are empty where the user does not say them.

    `avatar` is the id of the user's picture, or empty. A bot is a user as which a program writes.
    """

    id: str
    username: str
    display_name: str
    created_at: int
    status_text: str = ""
    time_zone: str = ""
    is_bot: bool = False
    avatar: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """What users say about themselves, and the id of their picture. A field that is None stays as it is."""

    display_name: str | None = None
    status_text: str | None = None
    time_zone: str | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A user with the fields that only log-in and administrators see. `username_key` is the unique form of the name.

    Without a `password_hash`, nobody can log in with a password. Nobody can use a `disabled` account. An account that
    is being erased stays disabled. `owner_id` is the person to whom a bot belongs, None for people and for
    the bots of rooms.
    """

    user: User
    username_key: str
    password_hash: str | None = field(repr=False)
    disabled: bool = False
    admin: bool = False
    erasing: bool = False
    owner_id: str | None = None


class AccountState(StrEnum):
    """The states by which administrators choose accounts from the list."""

    ADMIN = "admin"
    DISABLED = "disabled"  # and not being erased
    ERASING = "erasing"


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Chooses accounts: those with `text` in their username or display name, or as their id, and of this state.

    Upper and lower case are the same. What is None chooses all.
    """

    text: str | None = None
    state: AccountState | None = None


ALL_ACCOUNTS: Final = AccountFilter()

ERASED_NAME: Final = "erased"
"""The names of a user whose account was erased. The username is reserved, so no account can have it."""


class SignupMode(StrEnum):
    """Who may make an account, by `TAILWIRE_SIGNUP`."""

    OPEN = "open"  # everybody
    INVITE = "invite"  # who has an invite
    CLOSED = "closed"  # nobody


class SessionKind(StrEnum):
    """The way in which a session began. Sessions of all kinds end in the same way."""

    LOGIN = "login"
    TOKEN = "token"  # noqa: S105  a token was made for a program, which needs no log-in


class Scope(StrEnum):
    """What a token lets a program do. docs/permissions.md lists what belongs to each."""

    READ = "read"
    WRITE = "write"
    MANAGE = "manage"


ALL_SCOPES: Final = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token lets a program do, and in which rooms: in all of its user's where `room_ids` is None."""

    name: str
    scopes: frozenset[Scope]
    room_ids: frozenset[str] | None = None


NEVER: Final = 253_402_300_799_999
"""The `expires_at` of a token that does not expire: the last millisecond of the year 9999."""


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in, or one token. It lasts until it is ended or `expires_at` passes. Only hashes of tokens are stored.

    `refresh_hash` is that of the newest refresh token, and `previous_hash` that of the one before. `pair_used` says
    whether the newest pair has been used: its refresh token by itself, or its access token on any node.

    Of a token, `refresh_hash` is the hash of the token itself, and `grant` says what it lets a program do. A log-in has
    no `grant`.
    """

    id: str
    user_id: str
    created_at: int
    last_used_at: int
    expires_at: int
    user_agent: str
    refresh_hash: str = field(repr=False)
    previous_hash: str | None = field(default=None, repr=False)
    pair_used: bool = False
    kind: SessionKind = SessionKind.LOGIN
    grant: Grant | None = None

    @property
    def was_used(self) -> bool:
        """Whether any of its tokens was ever used."""
        return self.pair_used or self.previous_hash is not None


class SessionUse(NamedTuple):
    """The use of a session, or the first use of a pair of its tokens, whose refresh token has `refresh_hash`."""

    session_id: str
    refresh_hash: str | None = None


class Rotation(StrEnum):
    """What came of a refresh token that was presented."""

    ROTATED = "rotated"  # it was the newest; now its successor is
    REPEATED = "repeated"  # it was the one before, and the newest pair was never used: the answer was lost
    REUSED = "reused"  # it was used up before that; the session has been ended
    UNKNOWN = "unknown"  # there is no such session


class Audited(StrEnum):
    """The events of the audit log."""

    SIGNED_UP = "signed_up"
    SET_UP = "set_up"  # the first administrator signed up, with the setup link
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
    INVITED = "invited"  # an invite was made
    INVITE_ENDED = "invite_ended"
    INVITE_USED = "invite_used"  # a user came into a room by an invite, whose maker is the subject
    EXPORTED = "exported"
    ERASED = "erased"
    AVATAR_REMOVED = "avatar_removed"  # an administrator took a user's picture away
    OWNER_NAMED = "owner_named"  # an administrator made a user an owner of a room
    ROOM_DELETED = "room_deleted"  # by an administrator
    REMOVED = "removed"  # a member of a room, by somebody else
    BANNED = "banned"
    UNBANNED = "unbanned"
    CLEARED = "cleared"  # messages of one user in a room were deleted at once
    FILES_DELETED = "files_deleted"  # a message of another with files was deleted
    REPORTED = "reported"
    REPORT_READ = "report_read"  # an administrator looked at a reported message
    REPORT_CLOSED = "report_closed"
    REPORT_REOPENED = "report_reopened"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    HOOK_MADE = "hook_made"  # the subject is its bot
    HOOK_ENDED = "hook_ended"
    BOT_MADE = "bot_made"
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_ENDED = "token_ended"  # noqa: S105
    WEBHOOK_MADE = "webhook_made"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_REPLAYED = "webhook_replayed"
    WEBHOOK_PAUSED = "webhook_paused"  # by the server: the receiver is gone, or has been down for 30 days
    WEBHOOK_ENDED = "webhook_ended"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An event of the audit log: the user `actor_id` did it to the user `subject_id`, from `address`.

    `actor_id` is None when nobody knows who did it, and on the command line, which has no address either. `room_id` is
    that of the room where it was done, if it was done in one.
    """

    at: int
    id: str
    event: Audited
    actor_id: str | None
    subject_id: str | None
    address: str | None
    room_id: str | None = None


class Record(Protocol):
    """Writes an event to the audit log. It is durable when the call returns."""

    async def __call__(
        self,
        event: Audited,
        *,
        actor_id: str | None,
        subject_id: str | None,
        address: str | None,
        room_id: str | None = None,
    ) -> None:
        """Write an event with these fields of `AuditEvent`. Raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Chooses events of the audit log: those of this kind, and those that this user did or that were done to them.

    What is None chooses all.
    """

    event: Audited | None = None
    user_id: str | None = None


ALL_EVENTS: Final = AuditFilter()
