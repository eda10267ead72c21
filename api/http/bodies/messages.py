"""The bodies of messages, the history and the log."""

from typing import Any

from api.http.bodies.forms import Answer
from api.models.log import Entry, Head, Message
from api.protocol.events import entry_event
from api.protocol.fields import Body, Ref, Seq, Strict, timestamp

# -- requests


class NewMessage(Strict):
    """A message to send. `ref` makes a retry safe."""

    ref: Ref
    body: Body
    reply_to: Seq | None = None


# -- answers


class ReactionOut(Answer):
    """The users who reacted with one emoji."""

    emoji: str
    user_ids: tuple[str, ...]


class MessageOut(Answer):
    """A message as it is now, after its edits, deletion and reactions."""

    room_id: str
    seq: int
    at: str
    user_id: str
    username: str
    ref: str | None
    body: str
    reply_to: int | None
    edited_at: str | None
    deleted: bool
    reactions: list[ReactionOut]

    @classmethod
    def of(cls, message: Message) -> "MessageOut":
        """Make it from its record."""
        return cls(
            room_id=message.room_id,
            seq=message.seq,
            at=timestamp(message.at),
            user_id=message.user_id,
            username=message.username,
            ref=message.ref,
            body=message.body,
            reply_to=message.reply_to,
            edited_at=None if message.edited_at is None else timestamp(message.edited_at),
            deleted=message.deleted,
            reactions=[ReactionOut(emoji=one.emoji, user_ids=one.user_ids) for one in message.reactions],
        )


class HistoryOut(Answer):
    """Messages, oldest first. `has_more` says whether there are more in the direction of the request."""

    items: list[MessageOut]
    epoch: str
    has_more: bool


class LogOut(Answer):
    """Raw entries in order, one for each seq, in the form of the socket's events. `seq` is the last seq of the log."""

    items: list[dict[str, Any]]
    epoch: str
    seq: int

    @classmethod
    def of(cls, entries: list[Entry], head: Head) -> "LogOut":
        """Make it from its records."""
        return cls(items=[entry_event(entry) for entry in entries], epoch=head.epoch, seq=head.seq)
