"""Rooms, their members, and a user's view of a room."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias, TypedDict

from api.models.accounts import User
from api.models.log import Message
from api.models.rendered import Rendered

LOBBY_ID: Final = "lobby"
"""The id of the public room that every user is a member of. It exists from the first start."""
NOBODY: Final = ""
"""The id of no user. As one with it sees a room, it is seen by who is no member."""


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


class RoomKind(StrEnum):
    """What a room is."""

    ROOM = "room"  # its members come and go
    DIRECT = "direct"  # the one room of exactly its people, who never change


@dataclass(frozen=True, slots=True)
class Room:
    """A stored place where messages go. `Writable` says what `archived`, `slow_seconds` and `post_role` mean.

    `avatar` is the id of its picture, or empty. `people` are the ids of the users of a direct room, in their order.
    """

    id: str
    name: str
    topic: str
    visibility: Visibility
    created_at: int
    archived: bool = False
    slow_seconds: int = 0
    post_role: Role = Role.MEMBER
    kind: RoomKind = RoomKind.ROOM
    people: tuple[str, ...] = ()
    avatar: str = ""

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
    avatar: str


RoomRule: TypeAlias = Callable[[Room, Role | None], Room]
"""A pure function that decides about a change of a room, by the role of the user who makes it (None: a non-member).

It returns the room after the change, which may be the same, and raises the error that forbids the change.
"""


MOST_PEOPLE: Final = 10
"""A direct room has at most this many people."""
_DIRECT: Final = "d"
_DIRECT_CHARACTERS: Final = 44


def direct_id(people: Iterable[str]) -> str:
    """Return the id of the direct room of these users: `d`, and the base64url of the SHA-256 of their sorted ids.

    The ids are joined by line breaks, which no id has. So whoever opens the room, and wherever, opens the same one.
    """
    digest = hashlib.sha256("\n".join(sorted(set(people))).encode(errors="surrogatepass")).digest()
    return _DIRECT + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_direct(room_id: str) -> bool:
    """Say whether an id is that of a direct room. Other rooms have shorter ids."""
    return len(room_id) == _DIRECT_CHARACTERS and room_id.startswith(_DIRECT)


def is_told(room_id: str, role: object, was: object) -> bool:
    """Say whether users are told of a `member` entry about themselves, with the role that they have now and had before.

    They hear nothing of a ban where they were no member, nor of its end, and of a direct room with its first message.
    """
    return was is not None or (role is not None and not is_direct(room_id))


@dataclass(frozen=True, slots=True)
class RoomPlace:
    """Where a member keeps a room in their list of rooms: among the favourites, or in a section of theirs.

    `hidden_at` is the seq of the room's head when the member hid it. It is None where they have never hidden or shown
    it, and `SHOWN` where they showed it again.
    """

    favourite: bool = False
    section: str | None = None
    hidden_at: int | None = None


SHOWN: Final = -1
"""The `hidden_at` of a room that its member wants to see, whatever is in it."""


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
    receipt_seq: int = 0
    """The greatest `read_seq` that the member has had, if it is lower now, because the member went back."""
    is_bot: bool = False
    avatar: str = ""
    """The id of the user's picture, or empty."""

    @property
    def receipt(self) -> int:
        """How far the others are told that the member has read. It never falls within an epoch."""
        return max(self.read_seq, self.receipt_seq)

    @property
    def rights(self) -> Role:
        """The role by which the member may do things, which in the lobby is more than that of administrators."""
        return rights_in(self.room_id, self.role, is_admin=self.is_admin)


@dataclass(frozen=True, slots=True)
class Membership:
    """The state of a user in a room. It stays when the user leaves: `role` is None for a non-member.

    `returns_as` is the role that a non-member gets by coming back, if that is another than newcomers get. A non-member
    who is `banned` cannot come back in any way.
    """

    role: Role | None
    returns_as: Role | None = None
    banned: bool = False

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
    """Return the rule for coming in by oneself. Newcomers get this role, others what they come back as.

    For who is banned it changes nothing.
    """

    def rule(standing: Standing) -> Membership | None:
        return standing.now.begun(role) if standing.role is None and not standing.now.banned else None

    return rule


def ending(standing: Standing) -> Membership | None:
    """End a membership, if there is one, whoever wants it. It is a `MembershipRule`."""
    return None if standing.role is None else standing.now.ended


def inheriting(standing: Standing) -> Membership | None:
    """Make a member an owner, because the last owner goes. It is a `MembershipRule`.

    Nothing changes if that owner, who makes the change, or the member is none any more.
    """
    if standing.by_role is not Role.OWNER or standing.role not in {Role.MODERATOR, Role.MEMBER}:
        return None
    return Membership(Role.OWNER)


def owning(standing: Standing) -> Membership | None:
    """Make a user an owner, whoever wants it. It is a `MembershipRule`."""
    return None if standing.role is Role.OWNER else Membership(Role.OWNER)


@dataclass(frozen=True, slots=True)
class Ban:
    """A user who may not come back to a room: since `at`, by the user with the id `by`, who may have said a reason."""

    user: User
    by: str
    at: int
    reason: str | None


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

    `has_moved` says whether the call that returned the mark has changed it. `raises_receipt` says whether it is further
    than ever before.
    """

    epoch: str
    seq: int
    has_moved: bool
    raises_receipt: bool = False


@dataclass(frozen=True, slots=True)
class RoomView(Rendered):
    """A room as one user sees it in a list.

    For a non-member `role`, `notify` and `place` are None, and nothing is unread. `message_seq` is the seq of the
    newest message, 0 where there is none. `last_message` is a preview: its body is cut. `is_admin` says whether the
    user is an administrator, which matters in the lobby only. `users` are the people of a direct room; one whose
    account is gone is left out.
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
    member_count: int = 0
    message_seq: int = 0
    place: RoomPlace | None = None
    users: tuple[User, ...] = ()

    @property
    def rights(self) -> Role | None:
        """The role by which the user may do things; None for a non-member."""
        return None if self.role is None else rights_in(self.room.id, self.role, is_admin=self.is_admin)

    @property
    def is_hidden(self) -> bool:
        """Whether the member does not want to see the room in their list.

        A direct room is hidden until its next message: from the others also before its first one.
        """
        if self.place is None:
            return False
        hidden_at = self.place.hidden_at
        if self.room.kind is RoomKind.DIRECT:
            return self.message_seq <= (hidden_at or 0)
        return hidden_at is not None and hidden_at != SHOWN

    @property
    def is_untold(self) -> bool:
        """Whether the member does not know of the room yet: a direct room in which nobody has written to them."""
        is_new = self.place is not None and self.place.hidden_at is None and not self.message_seq
        return self.room.kind is RoomKind.DIRECT and is_new
