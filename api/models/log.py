"""Plain records that every layer shares. All times are whole milliseconds since the Unix epoch, in UTC.

An *entry* is any durable fact of a room; its `data` holds exactly the fields that its kind adds on the wire
(docs/protocol.md):

    message   body: str, reply_to: int | None
    edit      target: int, body: str
    delete    target: int
    reaction  target: int, emoji: str, added: bool
    member    role: str | None (None: no longer a member), by: str (a user id)
    room      name: str, topic: str, visibility: str
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Generic, TypeAlias, TypeVar

T = TypeVar("T")

LOBBY_ID: Final = "lobby"
"""The public room that every signed-up user is a member of; it exists from the first start."""

Scalar: TypeAlias = str | int | bool | None
EntryData: TypeAlias = dict[str, Scalar]


class Kind(StrEnum):
    """What an entry records."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"
    MEMBER = "member"
    ROOM = "room"


class Role(StrEnum):
    """What a member may do in a room."""

    OWNER = "owner"
    MODERATOR = "moderator"
    MEMBER = "member"
    READER = "reader"


class Visibility(StrEnum):
    """Who may find and join a room."""

    PUBLIC = "public"
    PRIVATE = "private"


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

    Nobody can be logged in as a `disabled` one; one that is being erased is disabled for good.
    """

    user: User
    username_key: str
    password_hash: str = field(repr=False)
    disabled: bool = False
    admin: bool = False
    erasing: bool = False


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


@dataclass(frozen=True, slots=True)
class Room:
    """A stored place where messages go."""

    id: str
    name: str
    topic: str
    visibility: Visibility
    created_at: int


@dataclass(frozen=True, slots=True)
class Member:
    """A user admitted to a room. `read_seq` is the last seq the user has seen; 0 before the first.

    `as_of` is for the store, which is shown the record again when its member appends.
    """

    room_id: str
    user_id: str
    username: str
    display_name: str
    role: Role
    joined_at: int
    read_seq: int
    as_of: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand at the moment at which a membership is to change."""

    role: Role | None  # of whom it is about; None: no member
    by_role: Role | None  # of who changes it
    is_last_owner: bool  # whether the room would be without an owner if they ceased to be one


MembershipRule: TypeAlias = Callable[[Standing], bool]
"""Says whether a membership is to change, False: there is nothing to do; raises what forbids it. Pure."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before the store numbers it. `ref` is its author's idempotency key; None asks for none."""

    kind: Kind
    user_id: str
    username: str
    at: int
    ref: str | None
    data: EntryData


@dataclass(frozen=True, slots=True)
class Entry:
    """One durable fact of a room, at its place `seq` (1, 2, 3, ... without holes) in the room's log."""

    room_id: str
    seq: int
    kind: Kind
    user_id: str
    username: str
    at: int
    ref: str | None
    data: EntryData


@dataclass(frozen=True, slots=True)
class Head:
    """Where a room's log ends. `seq` is 0 while it is empty. `epoch` names this life of the numbering."""

    room_id: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Appended:
    """The store's word that `entry` is durable. `is_new` is False for a retry of what was stored before."""

    entry: Entry
    epoch: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Reaction:
    """Who reacted to a message with one emoji, in the order they did."""

    emoji: str
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its later edits, deletion and reactions folded in. A deleted one has an empty body."""

    room_id: str
    seq: int
    at: int
    user_id: str
    username: str
    ref: str | None
    body: str
    reply_to: int | None
    edited_at: int | None = None
    deleted: bool = False
    reactions: tuple[Reaction, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Messages, oldest first. `has_more`: there are further ones in the direction that was asked for."""

    items: list[Message]
    epoch: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one user sees it in a list. `role` is None, and the counts are 0, for a non-member."""

    room: Room
    epoch: str
    seq: int
    role: Role | None
    read_seq: int
    unread_count: int
    last_message: Message | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list. `next_cursor` asks for the page after it; None on the last."""

    items: list[T]
    next_cursor: str | None


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
