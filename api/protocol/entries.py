"""The events of entries: a type for each kind, and the function that makes them. Pure.

An entry's event has the fields in `api/models/kinds.py`. Entries of unknown kinds are passed on with all their fields.
"""

from typing import Any, Final, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from api.models.kinds import KINDS, shown
from api.models.log import UNREADABLE, Entry
from api.protocol.fields import timestamp

ENVELOPE: Final = frozenset({"type", "room_id", "seq", "at", "user_id", "username", "ref"})
"""The fields of an entry's event that the entry's data cannot set."""


class _Entry(TypedDict):
    room_id: str
    seq: int
    at: str
    user_id: str
    username: str


class ShownAsFields(TypedDict):
    """How an incoming hook asks to be shown with a message."""

    name: str
    icon_url: str | None
    icon_emoji: NotRequired[str]


class SentFileFields(TypedDict):
    """A file that a message has."""

    file_id: str
    name: str
    type: str
    size: int
    width: int | None
    height: int | None
    has_thumb: bool
    blur: str | None
    alt: str


class MessageEvent(_Entry):
    """A user wrote a message."""

    type: Literal["message"]
    ref: str | None
    body: str
    reply_to: int | None
    thread: NotRequired[int | None]
    mentions: NotRequired[list[str]]
    mentions_all: NotRequired[bool]
    is_bot: NotRequired[bool]
    shown_as: NotRequired[ShownAsFields | None]
    files: NotRequired[list[SentFileFields]]


class EditEvent(_Entry):
    """A message was changed."""

    type: Literal["edit"]
    target: int
    body: str
    mentions: NotRequired[list[str]]
    mentions_all: NotRequired[bool]


class DeleteEvent(_Entry):
    """A message was deleted."""

    type: Literal["delete"]
    target: int
    thread: NotRequired[int | None]


class ReactionEvent(_Entry):
    """A user reacted to a message, or took a reaction back."""

    type: Literal["reaction"]
    target: int
    emoji: str
    added: bool


class PinEvent(_Entry):
    """A message was pinned, or unpinned."""

    type: Literal["pin"]
    target: int
    pinned: bool


class LinkPreviewFields(TypedDict):
    """What the page behind a link in a message says of itself."""

    url: str
    title: str
    description: str
    site_name: str
    picture: SentFileFields | None


class PreviewEvent(_Entry):
    """A message has these previews of its links now. With `removed`, none come any more."""

    type: Literal["preview"]
    target: int
    previews: NotRequired[list[LinkPreviewFields]]
    removed: NotRequired[bool]


class MemberEvent(_Entry):
    """A user was given a role. With a null role, the user left or was removed.

    Then they may come back as `returns_as`, unless they are `banned`. The end of a ban is such an entry, too.
    """

    type: Literal["member"]
    role: str | None
    by: str
    returns_as: NotRequired[str | None]
    banned: NotRequired[bool]
    was: NotRequired[str | None]
    display_name: NotRequired[str | None]
    is_bot: NotRequired[bool]


class RoomEvent(_Entry):
    """A room was made, or has changed. In the last entry of a room that was deleted, `deleted` is true."""

    type: Literal["room"]
    name: str
    topic: str
    visibility: str
    archived: bool
    slow_seconds: int
    post_role: str
    avatar: NotRequired[str]
    deleted: NotRequired[bool]


class UnreadableEvent(TypedDict):
    """The entry with this seq is missing, or the server cannot read it."""

    type: Literal["unreadable"]
    room_id: str
    seq: int
    at: None


EntryEvent: TypeAlias = (
    MessageEvent
    | EditEvent
    | DeleteEvent
    | ReactionEvent
    | PinEvent
    | PreviewEvent
    | MemberEvent
    | RoomEvent
    | UnreadableEvent
)


def entry_event(entry: Entry) -> dict[str, Any]:
    """Return the event of an entry: an `EntryEvent`, or an event of a kind that this version does not know.

    Fields of the data cannot replace those in `ENVELOPE`.
    """
    event: dict[str, Any] = {
        "type": str(entry.kind),
        "room_id": entry.room_id,
        "seq": entry.seq,
        "at": timestamp(entry.at),
    }
    if entry.kind == UNREADABLE:
        return event
    event["user_id"] = entry.user_id
    event["username"] = entry.username
    if (shape := KINDS.get(entry.kind)) is not None and shape.sends_ref:
        event["ref"] = entry.ref
    data = shown(entry.kind, entry.data)
    if not ENVELOPE.isdisjoint(data):
        data = {name: value for name, value in data.items() if name not in ENVELOPE}
    event.update(data)
    return event
