"""The changes that a store reports: entries, ended sessions, signals, and its own state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from api.models.accounts import User
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


_BY: Final = "* "
"""No id of a user has a blank."""


def everybody_by(user_id: str) -> str:
    """Return what `Grown.mentioned` holds where this user mentions everybody in the room."""
    return f"{_BY}{user_id}"


@dataclass(frozen=True, slots=True)
class Grown:
    """A change: the log of a room has grown to `seq`, whether or not anybody here wants its entries.

    `messages` is how many of the new entries are messages. `mentioned` holds the ids of the users whom the newest of
    them mention, and `everybody_by` of those who mention everybody in the room. It is a hint: a crash may still take
    back what it tells of, and one that comes late may tell of less than the log has by then.
    """

    room_id: str
    epoch: str
    seq: int
    messages: int
    mentioned: frozenset[str]

    @property
    def callers(self) -> frozenset[str]:
        """The ids of the users who mention everybody in the room."""
        return frozenset(one.removeprefix(_BY) for one in self.mentioned if one.startswith(_BY))


@dataclass(frozen=True, slots=True)
class ReadMoved:
    """A signal: the position up to which a user has read a room is another one now."""

    room_id: str
    user_id: str
    username: str
    epoch: str
    read_seq: int


@dataclass(frozen=True, slots=True)
class NotifyChanged:
    """A signal: a user is notified of a room in another way now. `muted_until` is 0 where it is not muted."""

    room_id: str
    user_id: str
    level: str
    muted_until: int


@dataclass(frozen=True, slots=True)
class PlaceChanged:
    """A signal: a user keeps a room elsewhere in their list now. `section` is empty where it is in none."""

    room_id: str
    user_id: str
    favourite: bool
    section: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """A signal: a user is shown by another name or picture, or says something else about themselves."""

    user_id: str
    username: str
    display_name: str
    status_text: str
    time_zone: str
    avatar: str = ""

    @classmethod
    def of(cls, user: User) -> "ProfileChanged":
        """Return the signal that tells how this user is shown now."""
        names = (user.id, user.username, user.display_name)
        return cls(*names, user.status_text, user.time_zone, user.avatar)


@dataclass(frozen=True, slots=True)
class ReceiptRaised:
    """A signal: a member has read a room further than before, which the other members are told."""

    room_id: str
    user_id: str
    username: str
    epoch: str
    read_seq: int


@dataclass(frozen=True, slots=True)
class Typed:
    """A signal: a member is typing a message."""

    room_id: str
    user_id: str
    username: str


@dataclass(frozen=True, slots=True)
class PresenceMoved:
    """A signal: other users are connected to a node now, as `store.presence` tells."""

    node_id: str


@dataclass(frozen=True, slots=True)
class WebhooksChanged:
    """A signal: a room has other webhooks now, as `store.webhooks` tells."""

    room_id: str


@dataclass(frozen=True, slots=True)
class WebhookPaused:
    """A signal for the user who made a webhook: nothing is posted to it any more, as `paused_by` says."""

    user_id: str
    room_id: str
    webhook_id: str
    paused_by: str


Signal: TypeAlias = (
    ReadMoved
    | NotifyChanged
    | PlaceChanged
    | ProfileChanged
    | ReceiptRaised
    | Typed
    | PresenceMoved
    | WebhooksChanged
    | WebhookPaused
)
"""A fact that nodes tell each other, and that may be lost. Whoever misses it is right again by asking."""

Tell: TypeAlias = Callable[[Signal, object | None], None]
"""Tells a signal to everybody it concerns, but not to the connection that caused it, if one did."""

Change: TypeAlias = Entry | SessionEnded | Restored | Quiet | Grown | Signal
