"""The events that tell signals, which may be lost: a type for each, and the functions that make them. Pure.

The other events are in `api/protocol/events.py`, where all of them are encoded.
"""

from typing import Literal, TypeAlias

from typing_extensions import TypedDict

from api.models.changes import (
    Grown,
    NotifyChanged,
    PlaceChanged,
    ProfileChanged,
    ReadMoved,
    ReceiptRaised,
    Typed,
    WebhookPaused,
)
from api.protocol.fields import timestamp


class ReadEvent(TypedDict):
    """The user has read a room up to `read_seq` on another connection, or another member has read that far."""

    type: Literal["read"]
    room_id: str
    user_id: str
    username: str
    epoch: str
    read_seq: int


class NotificationsEvent(TypedDict):
    """The user has set elsewhere how they are notified of a room."""

    type: Literal["notifications"]
    room_id: str
    user_id: str
    level: str
    muted_until: str | None


class PlaceEvent(TypedDict):
    """The user keeps a room elsewhere in their list of rooms now."""

    type: Literal["place"]
    room_id: str
    user_id: str
    favourite: bool
    section: str | None
    hidden: bool


class UserEvent(TypedDict):
    """A user is shown by another name or picture, or says something else about themselves."""

    type: Literal["user"]
    user_id: str
    username: str
    display_name: str
    status_text: str
    time_zone: str | None
    avatar: str | None


class TypingEvent(TypedDict):
    """A member is typing a message."""

    type: Literal["typing"]
    room_id: str
    user_id: str
    username: str


class PresenceEvent(TypedDict):
    """A user who is watched is online, or is not."""

    type: Literal["presence"]
    user_id: str
    online: bool


class WebhookPausedEvent(TypedDict):
    """Nothing is posted any more to a webhook that the user has made, until an owner of the room lets it go on."""

    type: Literal["webhook_paused"]
    room_id: str
    webhook_id: str
    paused_by: str


class NoticeEvent(TypedDict):
    """A room to which the connection is not subscribed has new messages. `mention`: whether one mentions the user."""

    type: Literal["notice"]
    room_id: str
    epoch: str
    seq: int
    mention: bool


SignalEvent: TypeAlias = (
    ReadEvent
    | NotificationsEvent
    | PlaceEvent
    | UserEvent
    | TypingEvent
    | PresenceEvent
    | NoticeEvent
    | WebhookPausedEvent
)


def read_event(signal: ReadMoved | ReceiptRaised) -> ReadEvent:
    """Return the event that tells up to where somebody has read: to themselves, or to other members."""
    return {
        "type": "read",
        "room_id": signal.room_id,
        "user_id": signal.user_id,
        "username": signal.username,
        "epoch": signal.epoch,
        "read_seq": signal.read_seq,
    }


def notifications_event(signal: NotifyChanged) -> NotificationsEvent:
    """Return the event that tells a user how they are notified of a room now."""
    return {
        "type": "notifications",
        "room_id": signal.room_id,
        "user_id": signal.user_id,
        "level": signal.level,
        "muted_until": timestamp(signal.muted_until or None),
    }


def place_event(signal: PlaceChanged) -> PlaceEvent:
    """Return the event that tells a user where they keep a room now."""
    return {
        "type": "place",
        "room_id": signal.room_id,
        "user_id": signal.user_id,
        "favourite": signal.favourite,
        "section": signal.section or None,
        "hidden": signal.hidden,
    }


def user_event(signal: ProfileChanged) -> UserEvent:
    """Return the event that tells how a user is shown now."""
    return {
        "type": "user",
        "user_id": signal.user_id,
        "username": signal.username,
        "display_name": signal.display_name,
        "status_text": signal.status_text,
        "time_zone": signal.time_zone or None,
        "avatar": signal.avatar or None,
    }


def typing_event(signal: Typed) -> TypingEvent:
    """Return the event that tells that a member is typing."""
    return {
        "type": "typing",
        "room_id": signal.room_id,
        "user_id": signal.user_id,
        "username": signal.username,
    }


def presence_event(user_id: str, *, online: bool) -> PresenceEvent:
    """Return the event that tells whether a user is online."""
    return {"type": "presence", "user_id": user_id, "online": online}


def webhook_paused_event(signal: WebhookPaused) -> WebhookPausedEvent:
    """Return the event that tells that a webhook is paused: by 410 (`gone`), or after 30 days (`down`)."""
    return {
        "type": "webhook_paused",
        "room_id": signal.room_id,
        "webhook_id": signal.webhook_id,
        "paused_by": signal.paused_by,
    }


def notice_event(grown: Grown, *, mention: bool) -> NoticeEvent:
    """Return the event that tells of new messages in a room."""
    return {
        "type": "notice",
        "room_id": grown.room_id,
        "epoch": grown.epoch,
        "seq": grown.seq,
        "mention": mention,
    }
