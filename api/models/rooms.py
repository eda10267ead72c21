"""Rooms, their members, and a user's view of a room."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias, TypedDict

from api.models.log import Message

LOBBY_ID: Final = "lobby"
"""The id of the public room that every user is a member of. It exists from the first start."""


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


class Writable(NamedTuple):
    """What a room lets its members write. In an archived room nobody writes anything.

    Messages are written by members with `post_role`, `Role.MEMBER` or `Role.MODERATOR`, and those above it. Who is
    neither owner nor moderator waits `slow_seconds` after each message.
    """

    archived: bool = False
    slow_seconds: int = 0
    post_role: Role = Role.MEMBER


UNLIMITED: Final = Writable()
"""All but readers write, whenever they like."""
MAX_SLOW_SECONDS: Final = 3_600
"""No room lets its members wait longer than an hour."""


@dataclass(frozen=True, slots=True)
class Room:
    """A stored place where messages go. `Writable` says what its last three fields mean."""

    id: str
    name: str
    topic: str
    visibility: Visibility
    created_at: int
    archived: bool = False
    slow_seconds: int = 0
    post_role: Role = Role.MEMBER

    @property
    def writable(self) -> Writable:
        """What it lets its members write."""
        return Writable(self.archived, self.slow_seconds, self.post_role)


class RoomFields(TypedDict, total=False):
    """What may change of a room."""

    name: str
    topic: str
    visibility: Visibility
    archived: bool
    slow_seconds: int
    post_role: Role


RoomRule: TypeAlias = Callable[[Room, Role | None], Room]
"""A pure function that decides about a change of a room, by the role of the user who makes it (None: a non-member).

It returns the room after the change, which may be the same, and raises the error that forbids the change.
"""


class NotifyLevel(StrEnum):
    """What of a room a member is notified of."""

    ALL = "all"
    MENTIONS = "mentions"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Notify:
    """How a member is notified of a room: of nothing before `muted_until`, and after it as `level` says."""

    level: NotifyLevel = NotifyLevel.MENTIONS
    muted_until: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A user admitted to a room. `read_seq` is the last seq that the user has seen, 0 before the first.

    `writable` is what the room lets its members write, and `is_admin` whether the user is an administrator of the
    server. `as_of` is for the store, which gets the record back when the member appends.
    """

    room_id: str
    user_id: str
    username: str
    display_name: str
    role: Role
    joined_at: int
    read_seq: int
    notify: Notify = Notify()
    writable: Writable = UNLIMITED
    is_admin: bool = False
    as_of: int = field(default=0, compare=False)

    @property
    def rights(self) -> Role:
        """The role by which the member may do things, which in the lobby is more than that of administrators."""
        return rights_in(self.room_id, self.role, is_admin=self.is_admin)


@dataclass(frozen=True, slots=True)
class Membership:
    """The state of a user in a room. It stays when the user leaves: `role` is None for a non-member.

    `returns_as` is the role that a non-member gets by coming back, if that is another than newcomers get.
    """

    role: Role | None
    returns_as: Role | None = None

    @property
    def ended(self) -> "Membership":
        """The state after leaving or being removed. A reader comes back as a reader."""
        kept = self.returns_as if self.role is None else self.role
        return Membership(None, kept if kept is Role.READER else None)

    def begun(self, role: Role) -> "Membership":
        """Return the state after coming in by a way that gives newcomers this role."""
        return Membership(self.returns_as or role)


def rights_in(room_id: str, role: Role, *, is_admin: bool) -> Role:
    """Return the role by which a member may do things: in the lobby administrators have an owner's rights."""
    return Role.OWNER if room_id == LOBBY_ID and is_admin else role


OUTSIDE: Final = Membership(None)
"""The state of a user who has never been in the room."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts about a membership at the moment of its change, for a `MembershipRule`."""

    now: Membership  # of the user whose membership changes
    by_role: Role | None  # the rights of the user who changes it; None for a non-member
    is_last_owner: bool = False  # whether the user is the only owner of the room

    @property
    def role(self) -> Role | None:
        """The present role of the user whose membership changes."""
        return self.now.role


MembershipRule: TypeAlias = Callable[[Standing], Membership | None]
"""A pure function that decides about a change of a membership.

It returns the state after the change, or None when there is nothing to change. It raises the error that forbids the
change.
"""


def joining(role: Role) -> MembershipRule:
    """Return the rule for coming in by oneself. Newcomers get this role, others what they come back as."""
    return lambda standing: standing.now.begun(role) if standing.role is None else None


def ending(standing: Standing) -> Membership | None:
    """End a membership, if there is one, whoever wants it. It is a `MembershipRule`."""
    return None if standing.role is None else standing.now.ended


@dataclass(frozen=True, slots=True)
class Unread:
    """The unread messages of a member: how many there are, and the seq of the first one, None where there is none.

    A message is unread if its seq is greater than the member's `read_seq`, it is not the member's own, and it is not
    deleted now. `mention_count` is the number of those that mention the member, or everybody in the room, as they stand
    after their last edit. Both numbers are at most `MAX_UNREAD`, which means that many or more.
    """

    count: int = 0
    first_seq: int | None = None
    mention_count: int = 0


MAX_UNREAD: Final = 999
"""More unread messages than this are not counted, as no badge shows more."""


class SlowTurn(NamedTuple):
    """Whether a member may write now in a room in slow mode: if they must wait, `wait_ms` is greater than 0.

    `before` is when they took the turn before this one, in milliseconds, and 0 if they never did.
    """

    wait_ms: int
    before: int


class ReadMark(NamedTuple):
    """A member's position of reading: everything of the room's `epoch` up to `seq` was seen.

    `has_moved` says whether the call that returned the mark has changed it.
    """

    epoch: str
    seq: int
    has_moved: bool


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one user sees it in a list. For a non-member `role` and `notify` are None, and nothing is unread.

    `last_message` is a preview: its body is cut. `is_admin` says whether the user is an administrator, which matters in
    the lobby only.
    """

    room: Room
    epoch: str
    seq: int
    role: Role | None
    read_seq: int
    unread: Unread
    notify: Notify | None
    last_message: Message | None
    is_admin: bool = False

    @property
    def rights(self) -> Role | None:
        """The role by which the user may do things; None for a non-member."""
        return None if self.role is None else rights_in(self.room.id, self.role, is_admin=self.is_admin)
