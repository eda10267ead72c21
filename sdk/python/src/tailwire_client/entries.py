"""The entries of a room's log: every durable fact, with its place.

Kinds are an open set: an entry of a kind that this library does not know, or in another form than it knows, is a plain
`Entry`, whose `data` has all that the server said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tailwire_client.errors import BrokenContract
from tailwire_client.position import Position
from tailwire_client.shape import read


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One durable fact of a room. In each room `seq` counts 1, 2, 3 within one `epoch`.

    `at`, `user_id` and `username` are None where the server cannot read the entry; its kind is `unreadable` then.
    """

    kind: str
    room_id: str
    epoch: str
    seq: int
    at: datetime | None
    user_id: str | None = None
    username: str | None = None
    ref: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All fields as they came, also those that this library does not know."""

    @property
    def position(self) -> Position:
        """The position of whoever has handled this entry."""
        return Position(self.epoch, self.seq)


@dataclass(frozen=True)
class ShownAs:
    """How an incoming hook asks to be shown with its message."""

    name: str
    icon_url: str | None
    icon_emoji: str | None = None


@dataclass(frozen=True, kw_only=True)
class MessageEntry(Entry):
    """A user wrote a message. One that was deleted has an empty body."""

    body: str = ""
    reply_to: int | None = None
    thread: int | None = None
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    is_bot: bool = False
    shown_as: ShownAs | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    """What it has, each with the fields of a `File`."""


@dataclass(frozen=True, kw_only=True)
class EditEntry(Entry):
    """The author changed the message `target`."""

    target: int
    body: str = ""
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False


@dataclass(frozen=True, kw_only=True)
class DeleteEntry(Entry):
    """The message `target` was deleted, which stood below the message `thread`."""

    target: int
    thread: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReactionEntry(Entry):
    """A user reacted to the message `target`, or took it back."""

    target: int
    emoji: str
    added: bool


@dataclass(frozen=True, kw_only=True)
class PinEntry(Entry):
    """The message `target` was pinned in the room, or unpinned."""

    target: int
    pinned: bool


@dataclass(frozen=True, kw_only=True)
class PreviewEntry(Entry):
    """The message `target` has these previews of its links now. With `removed`, none come any more."""

    target: int
    previews: tuple[Mapping[str, Any], ...] = ()
    """Each with the fields of a `LinkPreview`."""
    removed: bool = False


@dataclass(frozen=True, kw_only=True)
class MemberEntry(Entry):
    """The user was given a `role` by the user `by`, or with None left or was removed. `was` is the role before."""

    role: str | None
    by: str | None = None
    returns_as: str | None = None
    banned: bool = False
    was: str | None = None
    display_name: str | None = None
    is_bot: bool = False


@dataclass(frozen=True, kw_only=True)
class RoomEntry(Entry):
    """The room was made or changed; these are its fields now. `deleted` is in the last entry of a deleted room."""

    name: str
    topic: str = ""
    visibility: str = "private"
    archived: bool = False
    slow_seconds: int = 0
    post_role: str = "member"
    avatar: str | None = None
    deleted: bool = False


_KINDS: Final[Mapping[str, type[Entry]]] = {
    "message": MessageEntry,
    "edit": EditEntry,
    "delete": DeleteEntry,
    "reaction": ReactionEntry,
    "pin": PinEntry,
    "preview": PreviewEntry,
    "member": MemberEntry,
    "room": RoomEntry,
}


def is_entry(event: Mapping[str, Any]) -> bool:
    """Say whether an event is an entry, by the rule of docs/protocol.md."""
    return event.get("type") != "ack" and event.keys() >= {"room_id", "seq", "at"}


def entry_of(event: Mapping[str, Any], epoch: str) -> Entry:
    """Return the entry that an event tells of."""
    more = {"kind": event["type"], "epoch": epoch, "data": event}
    try:
        return read(_KINDS.get(event["type"], Entry), event, **more)
    except BrokenContract:
        return read(Entry, event, **more)
