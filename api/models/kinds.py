"""The table of the kinds of entries, from which checks, events and documents are made.

A kind that is not in the table comes from a newer version: stores, hub, `/log` and replay pass it on as it is. To add a
kind, add a row here, a `TypedDict` in `api/protocol/entries.py` and a row in the SPA's `protocol.ts`.
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
    """The exact types of its values: True is no seq, although a bool is an int."""
    default: Json | EllipsisType = ...
    """The value of a missing field, which events and `/log` leave out. A field without a default is required."""
    is_said: bool = True
    """Whether the author sends it. The server adds the other fields, and a retry is not compared by them."""
    items: tuple[type, ...] = ()
    """The exact types of the items of a list, or of the values of an object."""
    said_by: str | None = None
    """Of each object in a list, the one field that its author sends. The server adds the others."""

    def holds(self, value: Json) -> bool:
        """Return whether the field may have this value."""
        if type(value) not in self.types:
            return False
        return not self.items or all(type(one) in self.items for one in _items(value))


@dataclass(frozen=True)
class Shape:
    """The properties of all entries of one kind."""

    what: str
    """The meaning of such an entry, for docs/protocol.md."""
    fields: Mapping[str, Field]
    sends_ref: bool = False
    """Whether its event shows the `ref`."""
    in_history: bool = False
    """Whether it has a place of its own in the history: a message, or a notice between messages. See `NOTICES`."""
    erases: bool = False
    """Whether it erases the bodies of its target and of its target's edits."""
    acts: bool = False
    """Whether a store must change other rows when it flushes the entry from a head's tail, as on RethinkDB."""

    @property
    def has_target(self) -> bool:
        """Whether such an entry changes an earlier message, whose seq is its `target`."""
        return "target" in self.fields

    @cached_property
    def defaults(self) -> Mapping[str, Json]:
        """The values at which events leave a field out."""
        return MappingProxyType(
            {name: one.default for name, one in self.fields.items() if one.default is not ...}
        )


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [*value.values()] if isinstance(value, dict) else []


_TEXT: Final = Field((str,))
_SEQ: Final = Field((int,))
_THREAD: Final = Field((int, NoneType), default=None, is_said=False)
_MENTIONS: Final = {
    "mentions": Field((list,), default=[], is_said=False, items=(str,)),
    "mentions_all": Field((bool,), default=False, is_said=False),
}
_IS_BOT: Final = Field((bool,), default=False, is_said=False)
_FILES: Final = Field((list,), default=[], items=(dict,), said_by="file_id")
_SHOWN_AS: Final = Field((dict, NoneType), default=None, is_said=False, items=(str, NoneType))

KINDS: Final[dict[str, Shape]] = {
    Kind.MESSAGE: Shape(
        "a user wrote a message. It answers the message `reply_to`, in the thread below the message `thread`. It"
        " mentions the users with the ids in `mentions`, or with `mentions_all` everybody. Where `is_bot` is true,"
        " a bot wrote it, which asks to be shown as `shown_as`. It has the `files`",
        {
            "body": _TEXT,
            "reply_to": Field((int, NoneType)),
            "thread": _THREAD,
            **_MENTIONS,
            "is_bot": _IS_BOT,
            "shown_as": _SHOWN_AS,
            "files": _FILES,
        },
        sends_ref=True,
        in_history=True,
    ),
    Kind.EDIT: Shape(
        "its author changed the message `target`, which now mentions whom this says",
        {"target": _SEQ, "body": _TEXT, **_MENTIONS},
        acts=True,
    ),
    Kind.DELETE: Shape(
        "the message `target` was deleted, which stood in the thread below the message `thread`",
        {"target": _SEQ, "thread": _THREAD},
        erases=True,
        acts=True,
    ),
    Kind.REACTION: Shape(
        "a user reacted to the message `target`, or took it back",
        {"target": _SEQ, "emoji": _TEXT, "added": Field((bool,))},
        acts=True,
    ),
    Kind.PIN: Shape(
        "the message `target` was pinned in the room, or unpinned",
        {"target": _SEQ, "pinned": Field((bool,))},
        acts=True,
    ),
    Kind.PREVIEW: Shape(
        "the server has looked at links in the message `target`, which now has these `previews`; those before are"
        " gone. Where `removed` is true, its author or a moderator wants none, and none come any more",
        {
            "target": _SEQ,
            "previews": Field((list,), default=[], items=(dict,)),
            "removed": Field((bool,), default=False),
        },
        acts=True,
    ),
    Kind.MEMBER: Shape(
        "the user was given a `role`, or with null left or was removed, `by` that user. `was` is the role before. Who"
        " comes back gets the role `returns_as`; who is `banned` cannot. `display_name` is how the user was shown then,"
        " and `is_bot` whether it is a bot",
        {
            "role": Field((str, NoneType)),
            "by": _TEXT,
            "returns_as": Field((str, NoneType), default=None),
            "banned": Field((bool,), default=False),
            "was": Field((str, NoneType), default=None, is_said=False),
            "display_name": Field((str, NoneType), default=None, is_said=False),
            "is_bot": _IS_BOT,
        },
        in_history=True,
        acts=True,
    ),
    Kind.ROOM: Shape(
        "the room was made, or has changed; these are its fields now. It has the picture `avatar`. `deleted` is in the"
        " last entry of a room that was deleted",
        {
            "name": _TEXT,
            "topic": _TEXT,
            "visibility": _TEXT,
            "archived": Field((bool,)),
            "slow_seconds": Field((int,)),
            "post_role": _TEXT,
            "avatar": Field((str,), default=""),
            "deleted": Field((bool,), default=False),
        },
        in_history=True,
        acts=True,
    ),
}

NOTICES: Final = tuple(kind.value for kind in Kind if KINDS[kind].in_history and kind is not Kind.MESSAGE)
"""The kinds of entries that the history shows between messages. Both stores have an index of them, made by a step of
their schemas: a further kind needs a new step."""

RESERVED_NAMES: Final = frozenset(
    {
        *("ack", "error", "ready", "live", "reset", "pong", "heartbeat", "membership", "expiring"),
        *("typing", "presence", "read", "user", "notice", "notifications", "place", "webhook_paused"),
        # The types of lines in an export.
        *("account", "session", "token", "bot", "invite", "block", "report", "file", "end"),
        UNREADABLE,
    }
)
"""Names that no kind can have, because other events have them or will have them."""

KIND_NAME: Final = "^[a-z][a-z_]{0,31}$"
"""A regular expression that every name of a kind matches."""
_NAME: Final = re.compile(KIND_NAME)


def is_kind(name: object) -> bool:
    """Return whether a kind can have this name. This version need not know the kind."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name)) and name not in RESERVED_NAMES


def said(kind: str, data: EntryData) -> EntryData:
    """Return the fields of an entry of a known kind that its author sent. A retry must send the same.

    Fields with their default values are left out. So entries that were stored before the field existed compare equal.
    """
    fields = KINDS[kind].fields
    return {
        name: _said(field, value)
        for name, value in data.items()
        if (field := fields.get(name)) is not None and field.is_said and value != field.default
    }


def _said(field: Field, value: Json) -> Json:
    if field.said_by is None or not isinstance(value, list):
        return value
    return [one.get(field.said_by) if isinstance(one, dict) else one for one in value]


def shown(kind: str, data: EntryData) -> EntryData:
    """Return the data that events and `/log` show: all fields except known ones with their default values."""
    shape = KINDS.get(kind)
    if shape is None or not shape.defaults:
        return data
    return {name: value for name, value in data.items() if value != shape.defaults.get(name, ...)}
