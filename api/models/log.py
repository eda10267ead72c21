"""The room log: entries, heads, and messages with their later entries folded in.

An *entry* is any durable fact of a room. Its `data` holds exactly the fields that its kind adds on the wire.
`api/models/kinds.py` is the table of kinds, and docs/protocol.md shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from api.models.rendered import Rendered

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
EntryData: TypeAlias = dict[str, Json]

UNREADABLE: Final = "unreadable"
"""The kind that stands in for an entry that is missing in the store or cannot be read. It is never stored."""


PREVIEW_CHARACTERS: Final = 200
"""A preview of a message shows at most this much of its body."""
SHOWN_REACTORS: Final = 20
"""A message shows at most this many of the users who reacted with one emoji."""
MAX_EMOJI: Final = 20
"""A message has at most this many different emoji."""
MAX_MENTIONS: Final = 50
"""A message mentions at most this many different users."""
MAX_PINS: Final = 100
"""A room has at most this many pinned messages."""
MAX_REPLAY: Final = 5_000
"""The longest replay, in entries. A client further behind loads the newest history faster than a replay."""


class Kind(StrEnum):
    """The kinds that this version knows. Entries of other kinds are passed on."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"
    PIN = "pin"
    PREVIEW = "preview"
    MEMBER = "member"
    ROOM = "room"


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before the store numbers it. `ref` is its author's idempotency key, or None.

    `unmentioned` are users whom an answer does not mention, even if it answers them: those who have blocked its author.
    """

    kind: Kind
    user_id: str
    username: str
    at: int
    ref: str | None
    data: EntryData
    unmentioned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One durable fact of a room. `seq` is its number in the room's log: 1, 2, 3, ... without holes.

    Its `kind` may be one that this version does not know. An entry that cannot be read is of kind `unreadable`: it has
    a seq, but neither an author nor a time.
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
    """Return the entry that stands in for one that is missing or cannot be read."""
    return Entry(room_id, seq, UNREADABLE, user_id="", username="", at=None, ref=None, data={})


def is_last(entry: Entry) -> bool:
    """Say whether an entry is the last one of a room that was deleted."""
    return entry.kind == Kind.ROOM and entry.data.get("deleted") is True


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a room's log. `seq` is its last seq, 0 while it is empty.

    `epoch` identifies the numbering: a room whose numbering starts again has a new epoch.
    """

    room_id: str
    epoch: str
    seq: int

    def can_resume(self, epoch: str, seq: int) -> bool:
        """Say whether a client can go on from a position: of this epoch, not past the end, and not too far behind."""
        return epoch == self.epoch and 0 <= self.seq - seq <= MAX_REPLAY


@dataclass(frozen=True, slots=True)
class End:
    """The end of a room's log, and how new it is: the time of the last entry, 0 where that is not known."""

    head: Head
    at: int
    has_messages: bool


class Stretch(NamedTuple):
    """A part of a room's log: the entries with a seq in (after, until]."""

    room_id: str
    after: int
    until: int


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a room after a seq: entries in their order, without holes, and the end of the log.

    There may be more entries than these. A room that was deleted has none.
    """

    head: Head
    is_deleted: bool
    entries: Sequence["Entry"]


@dataclass(frozen=True, slots=True)
class Appended:
    """The result of an append: `entry` is durable. `is_new` is False for a retry of an entry that was stored before."""

    entry: Entry
    epoch: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Reaction:
    """The users who reacted to a message with one emoji: how many, and the first of them in the order of reacting."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]
    """No more than `SHOWN_REACTORS`."""


@dataclass(frozen=True, slots=True)
class ShownAs:
    """How an incoming hook asks to be shown with a message."""

    name: str
    icon_url: str | None = None
    """The address of a picture. It is kept for clients that want it, and pages do not load it."""
    icon_emoji: str | None = None
    """An emoji, or the name of one without colons."""

    @property
    def data(self) -> EntryData:
        """Return it as the data of an entry has it."""
        emoji: EntryData = {} if self.icon_emoji is None else {"icon_emoji": self.icon_emoji}
        return {"name": self.name, "icon_url": self.icon_url, **emoji}


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as a message shows it. `blur` is a placeholder of a picture, in base64."""

    file_id: str
    name: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None
    has_thumb: bool = False
    blur: str | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """What the page behind a link says of itself. `url` is the link as it stands in the text of the message."""

    url: str
    title: str
    description: str = ""
    site_name: str = ""
    picture: SentFile | None = None
    """A small copy of the picture that the page names, which this server keeps."""


@dataclass(frozen=True, slots=True)
class Message(Rendered):
    """A message as it is now, after its edits, deletion and reactions. A deleted message has an empty body."""

    room_id: str
    seq: int
    at: int
    user_id: str
    username: str
    ref: str | None
    body: str
    reply_to: int | None
    thread: int | None = None
    """The seq of the root below which this reply stands. Replies from before threads have none."""
    edited_at: int | None = None
    deleted: bool = False
    pinned: bool = False
    reactions: tuple[Reaction, ...] = ()
    reply_count: int = 0
    """How many replies stand below it, without those that are deleted."""
    last_reply_at: int | None = None
    """When the newest of them was written."""
    mentions: tuple[str, ...] = ()
    """The ids of the users whom it mentions."""
    mentions_all: bool = False
    """Whether it mentions all members of the room."""
    is_bot: bool = False
    """Whether its author is a bot."""
    shown_as: ShownAs | None = None
    files: tuple[SentFile, ...] = ()
    previews: tuple[LinkPreview, ...] = ()
    """Of links in its text, in their order."""


def preview(message: Message) -> Message:
    """Return a message with its body cut to `PREVIEW_CHARACTERS`, for lists of rooms."""
    if len(message.body) <= PREVIEW_CHARACTERS:
        return message
    return replace(message, body=message.body[:PREVIEW_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a seq, oldest first: messages, or with the notices between them a timeline."""

    items: list[Message] | list[Message | Entry]
    epoch: str
    has_more_before: bool
    has_more_after: bool


@dataclass(frozen=True, slots=True)
class Edits:
    """The edits of a message, oldest first, and the message as it was sent. A deleted message has none of them."""

    original: Entry | None
    items: list[Entry]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """Messages, and between them the notices of the log, oldest first: one item for each seq.

    A notice is an entry of a kind in `NOTICES`. `has_more` says whether there are more items in the direction of the
    request.
    """

    items: list[Message | Entry]
    epoch: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class History:
    """Messages, oldest first. `has_more` says whether there are more in the direction of the request."""

    items: list[Message]
    epoch: str
    has_more: bool
