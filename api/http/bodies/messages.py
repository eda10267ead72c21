"""The bodies of messages, the history and the log."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic.json_schema import SkipJsonSchema

from api.http.bodies.attachments import SentFileOut
from api.http.bodies.forms import Answer
from api.http.bodies.message_json import message_json
from api.models.log import Edits, Entry, Message
from api.models.page import Page
from api.protocol.entries import ShownAsFields
from api.protocol.fields import Body, Epoch, FileIds, Ref, SentBody, Seq, Strict, require_body, timestamp

# -- requests


class NewMessage(Strict):
    """A message to send. `ref` makes a retry safe; it may stand in the header `Idempotency-Key` instead.

    `epoch` is that of the message which it answers.
    """

    ref: Ref | None = None
    body: SentBody
    reply_to: Seq | None = None
    files: FileIds = Field(default_factory=list)
    epoch: Epoch | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        require_body(self.body, self.files)
        return self


class NewBody(Strict):
    """Another body for a message. `ref` makes a retry safe; it may stand in the header `Idempotency-Key` instead."""

    body: Body
    ref: Ref | None = None
    epoch: Epoch | None = None


# -- answers


class ReactionOut(Answer):
    """How many users reacted with one emoji, and the first 20 of them."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]


class ShownAsOut(Answer):
    """How an incoming hook asks to be shown with a message. `icon_emoji` is there where it names one."""

    name: str
    icon_url: str | None
    icon_emoji: str | SkipJsonSchema[None] = None

    @model_serializer(mode="wrap")
    def _without_none(self, serialize: SerializerFunctionWrapHandler) -> ShownAsFields:
        fields: ShownAsFields = serialize(self)
        if self.icon_emoji is None:
            del fields["icon_emoji"]
        return fields


class LinkPreviewOut(Answer):
    """What the page behind a link in a message says of itself. Its picture is a file of this server."""

    url: str
    title: str
    description: str
    site_name: str
    picture: SentFileOut | None


class MessageOut(Answer):
    """A message as it is now, after its edits, deletion, reactions and pins."""

    room_id: str
    seq: int
    at: str
    user_id: str
    username: str
    ref: str | None
    body: str
    reply_to: int | None
    thread: int | None
    edited_at: str | None
    deleted: bool
    pinned: bool
    reactions: list[ReactionOut]
    reply_count: int
    last_reply_at: str | None
    mentions: tuple[str, ...]
    mentions_all: bool
    is_bot: bool
    shown_as: ShownAsOut | None
    files: list[SentFileOut]
    previews: list[LinkPreviewOut]

    @classmethod
    def of(cls, message: Message) -> Self:
        """Make it from its record, as a part of a greater answer."""
        return cls.model_validate_json(message_json(message))


class EditOut(Answer):
    """A body that a message had, or was given."""

    seq: int
    at: str
    user_id: str
    username: str
    body: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Make it from a message or an edit."""
        return cls(
            seq=entry.seq,
            at=timestamp(entry.at or 0),
            user_id=entry.user_id,
            username=entry.username,
            body=str(entry.data["body"]),
        )


class EditsOut(Answer):
    """The edits of a message, oldest first, and what was sent at first. A deleted message has none of them."""

    original: EditOut | None
    items: list[EditOut]
    has_more: bool

    @classmethod
    def of(cls, edits: Edits) -> Self:
        """Make it from its record."""
        return cls(
            original=None if edits.original is None else EditOut.of(edits.original),
            items=[EditOut.of(one) for one in edits.items],
            has_more=edits.has_more,
        )


class ReactorOut(Answer):
    """A user who reacted, and when."""

    user_id: str
    username: str
    at: str


class ReactorsOut(Answer):
    """A page of the users who reacted to a message with one emoji, in the order of reacting."""

    items: list[ReactorOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Entry]) -> Self:
        """Make it from the reactions."""
        items = [
            ReactorOut(user_id=one.user_id, username=one.username, at=timestamp(one.at or 0))
            for one in page.items
        ]
        return cls(items=items, next_cursor=page.next_cursor)


class MentionsOut(Answer):
    """A page of messages that mention the caller, newest first. One that is not the last may have no items."""

    items: list[MessageOut]
    next_cursor: str | None


class PinsOut(Answer):
    """The pinned messages of a room, that which was pinned last first."""

    items: list[MessageOut]


class HistoryOut(Answer):
    """Messages, oldest first. `has_more` says whether there are more in the direction of the request."""

    items: list[MessageOut]
    epoch: str
    has_more: bool


class MessageItem(MessageOut):
    """A message among entries of other kinds."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    type: Literal["message"] = "message"


class Notice(Answer):
    """An entry that is shown between messages, as the socket tells it. `type` says which further fields it has."""

    model_config = ConfigDict(extra="allow")

    type: Literal["member", "room"]
    room_id: str
    seq: int
    at: str
    user_id: str
    username: str


class HistoryAroundOut(Answer):
    """Messages around a seq, oldest first. The flags say whether there are more before and after them."""

    items: list[MessageOut]
    epoch: str
    has_more_before: bool
    has_more_after: bool


class TimelineOut(Answer):
    """Messages and the entries between them, oldest first, which `type` tells apart."""

    items: list[Annotated[MessageItem | Notice, Field(discriminator="type")]]
    epoch: str
    has_more: bool


class TimelineAroundOut(Answer):
    """Messages and the entries between them around a seq, oldest first, which `type` tells apart."""

    items: list[Annotated[MessageItem | Notice, Field(discriminator="type")]]
    epoch: str
    has_more_before: bool
    has_more_after: bool


class LogOut(Answer):
    """Raw entries in order, one for each seq, in the form of the socket's events. `seq` is the last seq of the log."""

    items: list[dict[str, Any]]
    epoch: str
    seq: int
