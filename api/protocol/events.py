"""The events of a socket that are no entries: a type for each, and the functions that make them. Pure.

Events are plain dictionaries. Each is encoded once, however many sockets it goes to. The events of entries are in
`api/protocol/entries.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias

import orjson
from typing_extensions import TypedDict

from api.errors import TailwireError
from api.models.accounts import User
from api.models.attachments import MAX_FILES
from api.models.log import MAX_REPLAY, Entry
from api.protocol.fields import (
    MAX_BODY_CHARACTERS,
    MAX_REQUEST_BYTES,
    timestamp,
)
from api.protocol.frames import Frames, frame
from api.protocol.signal_events import SignalEvent

MembershipReason: TypeAlias = Literal["added", "joined", "role", "left", "removed", "banned", "deleted"]
"""What has happened to a membership: added by somebody or joined, another role, left, removed or banned by somebody, or
the room was deleted."""


class PublicUser(TypedDict):
    """A user as their own client sees them."""

    id: str
    username: str
    display_name: str
    is_bot: bool


class ClientLimits(TypedDict):
    """The limits that a client needs to know."""

    frame_bytes: int
    body_characters: int
    subscriptions: int
    replay: int
    file_bytes: int
    files: int


class ReadyEvent(TypedDict):
    """The token is valid, and the connection is ready for commands."""

    type: Literal["ready"]
    user: PublicUser
    session_id: str
    expires_at: str | None
    heartbeat_seconds: int
    features: list[str]
    limits: ClientLimits


class AckEvent(TypedDict):
    """A command was carried out. Its further fields depend on the command: docs/protocol.md lists them."""

    type: Literal["ack"]
    ref: str | None
    room_id: NotRequired[str]
    epoch: NotRequired[str]
    seq: NotRequired[int]
    at: NotRequired[str]


class ErrorEvent(TypedDict):
    """A command was not carried out."""

    type: Literal["error"]
    ref: str | None
    code: str
    message: str
    retry_after_seconds: NotRequired[int]


class LiveEvent(TypedDict):
    """The replay has ended, and live events follow."""

    type: Literal["live"]
    room_id: str
    epoch: str
    seq: int


class ResetEvent(TypedDict):
    """The server cannot replay from the client's position. The client must load the room again."""

    type: Literal["reset"]
    room_id: str
    epoch: str
    seq: int


class MembershipEvent(TypedDict):
    """The user was added to a room, given another role there, or removed.

    `by` is the id of the user who did it, and null where that is not known.
    """

    type: Literal["membership"]
    room_id: str
    role: str | None
    reason: MembershipReason
    by: str | None


class ExpiringEvent(TypedDict):
    """The token expires soon."""

    type: Literal["expiring"]
    expires_at: str


class PongEvent(TypedDict):
    """The answer to a ping."""

    type: Literal["pong"]
    server_time: str


class HeartbeatEvent(TypedDict):
    """Nothing was sent for a while, but the server is there."""

    type: Literal["heartbeat"]
    server_time: str


OtherEvent: TypeAlias = (
    ReadyEvent
    | AckEvent
    | ErrorEvent
    | LiveEvent
    | ResetEvent
    | MembershipEvent
    | SignalEvent
    | ExpiringEvent
    | PongEvent
    | HeartbeatEvent
)


# -- functions that make events


def encode(event: Mapping[str, Any]) -> Frames:
    """Encode an event for all sockets that receive it."""
    return frame(orjson.dumps(event))


def ready_event(  # noqa: PLR0913  the fields of the event
    user: User,
    session_id: str,
    *,
    expires_at: int | None,
    heartbeat_seconds: int,
    subscriptions: int,
    file_bytes: int,
    features: Sequence[str],
) -> ReadyEvent:
    """Return the answer to a valid token."""
    return {
        "type": "ready",
        "user": {
            "id": user.id,
            "username": user.username,
            "display_name": user.display_name,
            "is_bot": user.is_bot,
        },
        "session_id": session_id,
        "expires_at": timestamp(expires_at),
        "heartbeat_seconds": heartbeat_seconds,
        "features": list(features),
        "limits": client_limits(subscriptions=subscriptions, file_bytes=file_bytes),
    }


def client_limits(*, subscriptions: int, file_bytes: int) -> ClientLimits:
    """Return the limits that a client needs to know. `file_bytes` is 0 where there are no files."""
    return {
        "frame_bytes": MAX_REQUEST_BYTES,
        "body_characters": MAX_BODY_CHARACTERS,
        "subscriptions": subscriptions,
        "replay": MAX_REPLAY,
        "file_bytes": file_bytes,
        "files": MAX_FILES if file_bytes else 0,
    }


def ack_event(ref: str | None, **fields: Any) -> AckEvent:
    """Return the answer to a command that was carried out, with the fields that docs/protocol.md lists for it."""
    event: AckEvent = {"type": "ack", "ref": ref}
    event.update(fields)  # type: ignore[typeddict-item]
    return event


def error_event(error: TailwireError, ref: str | None) -> ErrorEvent:
    """Return the answer to a command that failed."""
    event: ErrorEvent = {
        "type": "error",
        "ref": ref,
        "code": error.specific_code,
        "message": error.message,
    }
    if error.retry_after_seconds is not None:
        event["retry_after_seconds"] = error.retry_after_seconds
    return event


def membership_event(entry: Entry) -> MembershipEvent:
    """Return the event that tells a user of the change of their own membership in a `member` entry."""
    role, was, by = (entry.data.get(name) for name in ("role", "was", "by"))
    is_own = by == entry.user_id
    reason: MembershipReason
    if role is None:
        reason = "banned" if entry.data.get("banned") else "left" if is_own else "removed"
    elif was is None:
        reason = "joined" if is_own else "added"
    else:
        reason = "role"
    return {
        "type": "membership",
        "room_id": entry.room_id,
        "role": None if role is None else str(role),
        "reason": reason,
        "by": None if by is None else str(by),
    }


def removed_event(room_id: str) -> MembershipEvent:
    """Return the event that tells a user of the end of their membership, where the entry of that is not known."""
    return {"type": "membership", "room_id": room_id, "role": None, "reason": "removed", "by": None}


def deleted_event(room_id: str, by: str) -> MembershipEvent:
    """Return the event that tells a member that a user has deleted the room, or with "" the command line."""
    return {"type": "membership", "room_id": room_id, "role": None, "reason": "deleted", "by": by or None}


def position_event(
    name: Literal["live", "reset"], room_id: str, epoch: str, seq: int
) -> LiveEvent | ResetEvent:
    """Return the event that tells a subscription's new position in a room's log."""
    if name == "live":
        return {"type": "live", "room_id": room_id, "epoch": epoch, "seq": seq}
    return {"type": "reset", "room_id": room_id, "epoch": epoch, "seq": seq}


def expiring_event(expires_at: int) -> ExpiringEvent:
    """Return the warning that a token expires soon."""
    return {"type": "expiring", "expires_at": timestamp(expires_at)}


def pong_event(now: int) -> PongEvent:
    """Return the answer to a ping."""
    return {"type": "pong", "server_time": timestamp(now)}


def heartbeat_event(now: int) -> HeartbeatEvent:
    """Return the event that shows that an idle server is there."""
    return {"type": "heartbeat", "server_time": timestamp(now)}
