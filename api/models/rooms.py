"""Rooms, their members, and a user's view of a room."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

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


@dataclass(frozen=True, slots=True)
class Room:
    """A stored place where messages go."""

    id: str
    name: str
    topic: str
    visibility: Visibility
    created_at: int


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

    `as_of` is for the store, which gets the record back when the member appends.
    """

    room_id: str
    user_id: str
    username: str
    display_name: str
    role: Role
    joined_at: int
    read_seq: int
    notify: Notify = Notify()
    as_of: int = field(default=0, compare=False)


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


OUTSIDE: Final = Membership(None)
"""The state of a user who has never been in the room."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts about a membership at the moment of its change, for a `MembershipRule`."""

    now: Membership  # of the user whose membership changes
    by_role: Role | None  # of the user who changes it; None for a non-member
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

    `last_message` is a preview: its body is cut.
    """

    room: Room
    epoch: str
    seq: int
    role: Role | None
    read_seq: int
    unread: Unread
    notify: Notify | None
    last_message: Message | None
