"""The events of a stream that are no entries.

Those with a `position` say where the reader of a room is now. The others may be lost, and are right when asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from tailwire_client.entries import Entry
from tailwire_client.errors import BrokenContract, Problem
from tailwire_client.position import Position
from tailwire_client.shape import read


@dataclass(frozen=True)
class ReadyUser:
    """The user as whom a socket is open."""

    id: str
    username: str
    display_name: str
    is_bot: bool = False


@dataclass(frozen=True)
class Limits:
    """What the server takes: bytes of a frame, characters of a message, rooms of a socket, entries of a replay."""

    frame_bytes: int
    body_characters: int
    subscriptions: int
    replay: int


@dataclass(frozen=True)
class Ready:
    """The socket is open, for the first time or again. The subscriptions follow."""

    user: ReadyUser
    session_id: str
    expires_at: datetime | None
    heartbeat_seconds: int
    limits: Limits
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Live:
    """All that was missed in the room has come; from here everything comes as it happens."""

    room_id: str
    epoch: str
    seq: int

    @property
    def position(self) -> Position:
        """The position of the reader."""
        return Position(self.epoch, self.seq)


@dataclass(frozen=True)
class Reset:
    """What you have of the room does not hold any more: drop it, and load the history. You are live from `seq`.

    It comes after a restore from a backup (another epoch) and after an absence so long that the server replays no more.
    """

    room_id: str
    epoch: str
    seq: int

    @property
    def position(self) -> Position:
        """The position of the reader."""
        return Position(self.epoch, self.seq)


@dataclass(frozen=True)
class Unsubscribed:
    """The room cannot be subscribed to, for the reason that `problem` says. Nothing more comes of it."""

    room_id: str
    problem: Problem


@dataclass(frozen=True)
class Membership:
    """Your membership of a room has changed. `role` is None when it has ended; `reason` is an open set of names."""

    room_id: str
    role: str | None
    reason: str
    by: str | None = None


@dataclass(frozen=True)
class Read:
    """A user has read up to `read_seq`, you elsewhere or another member."""

    room_id: str
    user_id: str
    username: str
    epoch: str
    read_seq: int


@dataclass(frozen=True)
class Typing:
    """A member is typing. Forget it after 5 s, or when their message comes."""

    room_id: str
    user_id: str
    username: str


@dataclass(frozen=True)
class Presence:
    """A user whom you watch is online, or is not."""

    user_id: str
    online: bool


@dataclass(frozen=True)
class Notice:
    """There are new messages up to `seq` in a room that is not subscribed to. `mention`: one of them mentions you."""

    room_id: str
    epoch: str
    seq: int
    mention: bool = False


@dataclass(frozen=True)
class UserChanged:
    """A user is shown by another name, or says something else about themselves."""

    user_id: str
    username: str
    display_name: str
    status_text: str = ""
    time_zone: str | None = None
    avatar: str | None = None


@dataclass(frozen=True)
class Notifications:
    """You have set elsewhere what you are notified of."""

    room_id: str
    user_id: str
    level: str
    muted_until: datetime | None = None


@dataclass(frozen=True)
class Placed:
    """You have put the room elsewhere in your list."""

    room_id: str
    user_id: str
    favourite: bool
    section: str | None
    hidden: bool


@dataclass(frozen=True)
class Unknown:
    """An event that this library does not know, as it came. New ones come without a new version of the protocol."""

    type: str
    data: Mapping[str, Any] = field(repr=False)


Event: TypeAlias = (
    Entry
    | Ready
    | Live
    | Reset
    | Unsubscribed
    | Membership
    | Read
    | Typing
    | Presence
    | Notice
    | UserChanged
    | Notifications
    | Placed
    | Unknown
)

_TYPES: Final[Mapping[str, type[Any]]] = {
    "ready": Ready,
    "membership": Membership,
    "read": Read,
    "typing": Typing,
    "presence": Presence,
    "notice": Notice,
    "user": UserChanged,
    "notifications": Notifications,
    "place": Placed,
}


def event_of(fields: Mapping[str, Any]) -> Event:
    """Return the event of a frame that is no entry, and sets no position."""
    kind = _TYPES.get(fields["type"])
    if kind is not None:
        try:
            made: Event = read(kind, fields)
        except BrokenContract:
            return Unknown(fields["type"], fields)
        return made
    return Unknown(fields["type"], fields)
