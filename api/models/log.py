"""The room log: entries, heads, and messages with their later entries folded in.

An *entry* is any durable fact of a room; its `data` holds exactly the fields that its kind adds on the wire.
`api/models/kinds.py` is the table of kinds, docs/protocol.md shows it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
EntryData: TypeAlias = dict[str, Json]

UNREADABLE: Final = "unreadable"
"""The kind of an entry that is missing in the store, or that makes no sense there. Nothing is stored under it."""


class Kind(StrEnum):
    """The kinds that this version knows. Entries of others are passed on."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"
    MEMBER = "member"
    ROOM = "room"


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
    """One durable fact of a room, at its place `seq` (1, 2, 3, ... without holes) in the room's log.

    Its `kind` may be one that this version does not know. One that cannot be read is `unreadable`: it has a place, and
    neither an author nor a time.
    """

    room_id: str
    seq: int
    kind: str
    user_id: str
    username: str
    at: int | None
    ref: str | None
    data: EntryData


def unreadable(room_id: str, seq: int) -> Entry:
    """Return what stands in for an entry that is missing, or that cannot be read."""
    return Entry(room_id, seq, UNREADABLE, user_id="", username="", at=None, ref=None, data={})


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
