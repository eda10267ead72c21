"""One table of the kinds of entries. Shape checks, events, the documents and the SPA's types follow it.

A kind that is not in the table comes from a newer version: stores, hub, `/log` and replay pass it on as it is. A new
kind is a row here, and a `TypedDict` in `api/protocol/events.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType, MappingProxyType, NoneType
from typing import Final

from api.models.log import UNREADABLE, EntryData, Json, Kind


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entry's data."""

    types: tuple[type, ...]
    """Its exact types: True is not a seq."""
    default: Json | EllipsisType = ...
    """What it is where it is missing. Events and `/log` leave it out then. Without a default it is always there."""
    is_said: bool = True
    """Whether the author sent it. The server added the others, and no retry is compared by them."""


@dataclass(frozen=True)
class Shape:
    """What all entries of one kind have in common."""

    what: str
    """In words, for docs/protocol.md."""
    fields: Mapping[str, Field]
    sends_ref: bool = False
    """Whether subscribers are told its `ref`."""
    in_history: bool = False
    """Whether history shows it as an item of its own, and members count it as unread."""
    erases: bool = False
    """Whether it takes away the body of its target, and those of its target's edits."""
    acts: bool = False
    """Whether a store carries something out when it moves the entry out of a head's tail, as RethinkDB's flush does."""

    @property
    def has_target(self) -> bool:
        """Whether it changes an earlier message, whose seq is its `target`."""
        return "target" in self.fields

    @cached_property
    def defaults(self) -> Mapping[str, Json]:
        """The fields that events leave out while they are so."""
        return MappingProxyType(
            {name: one.default for name, one in self.fields.items() if one.default is not ...}
        )


_TEXT: Final = Field((str,))
_SEQ: Final = Field((int,))

KINDS: Final[dict[str, Shape]] = {
    Kind.MESSAGE: Shape(
        "a user wrote a message",
        {"body": _TEXT, "reply_to": Field((int, NoneType))},
        sends_ref=True,
        in_history=True,
    ),
    Kind.EDIT: Shape("its author changed the message `target`", {"target": _SEQ, "body": _TEXT}),
    Kind.DELETE: Shape("the message `target` was deleted", {"target": _SEQ}, erases=True, acts=True),
    Kind.REACTION: Shape(
        "a user reacted to the message `target`, or took it back",
        {"target": _SEQ, "emoji": _TEXT, "added": Field((bool,))},
    ),
    Kind.MEMBER: Shape(
        "the user was given a `role`, or with null left or was removed, `by` that user",
        {"role": Field((str, NoneType)), "by": _TEXT},
        acts=True,
    ),
    Kind.ROOM: Shape(
        "the room has changed; these are its fields now",
        {"name": _TEXT, "topic": _TEXT, "visibility": _TEXT},
    ),
}

RESERVED_NAMES: Final = frozenset(
    {
        *("ack", "error", "ready", "live", "reset", "pong", "heartbeat", "membership", "expiring"),
        *("typing", "presence", "read", "user", "notice"),
        *("account", "session", "end"),  # lines of an export
        UNREADABLE,
    }
)
"""Names that no kind may have: other events bear them, now or soon."""

_NAME: Final = re.compile(r"[a-z][a-z_]{0,31}")


def is_kind(name: object) -> bool:
    """Say whether entries may be of a kind with this name, whether this version knows it or not."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name)) and name not in RESERVED_NAMES


def said(kind: str, data: EntryData) -> EntryData:
    """Return what the author sent of an entry of a known kind: a retry must send the same.

    A field with its default is left out. So the entries that were stored before there was such a field are the same.
    """
    fields = KINDS[kind].fields
    return {
        name: value
        for name, value in data.items()
        if (field := fields.get(name)) is not None and field.is_said and value != field.default
    }


def shown(kind: str, data: EntryData) -> EntryData:
    """Return what events and `/log` show of an entry's data: all but the known fields that have their defaults."""
    shape = KINDS.get(kind)
    if shape is None or not shape.defaults:
        return data
    return {name: value for name, value in data.items() if value != shape.defaults.get(name, ...)}
