"""The events of a socket, built as plain objects and encoded once, however many sockets they go to. Pure."""

from typing import Any, Literal

import orjson

from api.errors import TailwireError
from api.models.accounts import User
from api.models.log import Entry, Kind
from api.models.rooms import Role
from api.protocol.fields import MAX_BODY_CHARACTERS, MAX_FRAME_BYTES, MAX_REPLAY, timestamp
from api.protocol.frames import Frames, frame


def encode(event: dict[str, Any]) -> Frames:
    """Return an event as it goes to everybody who gets it."""
    return frame(orjson.dumps(event))


def entry_event(entry: Entry) -> dict[str, Any]:
    """Return what subscribers see of an entry."""
    event: dict[str, Any] = {
        "type": str(entry.kind),
        "room_id": entry.room_id,
        "seq": entry.seq,
        "at": timestamp(entry.at),
        "user_id": entry.user_id,
        "username": entry.username,
    }
    if entry.kind is Kind.MESSAGE:
        event["ref"] = entry.ref
    return event | entry.data


def ready_event(
    user: User, session_id: str, *, expires_at: int, heartbeat_seconds: int, subscriptions: int
) -> dict[str, Any]:
    """Return the answer to a token that holds."""
    return {
        "type": "ready",
        "user": {"id": user.id, "username": user.username, "display_name": user.display_name},
        "session_id": session_id,
        "expires_at": timestamp(expires_at),
        "heartbeat_seconds": heartbeat_seconds,
        "limits": {
            "frame_bytes": MAX_FRAME_BYTES,
            "body_characters": MAX_BODY_CHARACTERS,
            "subscriptions": subscriptions,
            "replay": MAX_REPLAY,
        },
    }


def error_event(error: TailwireError, ref: str | None) -> dict[str, Any]:
    """Return what the sender of a command learns of its failure."""
    event: dict[str, Any] = {
        "type": "error",
        "ref": ref,
        "code": error.specific_code,
        "message": error.message,
    }
    if error.retry_after_seconds is not None:
        event["retry_after_seconds"] = error.retry_after_seconds
    return event


def membership_event(room_id: str, role: Role | None) -> dict[str, Any]:
    """Return what a user learns of their own membership."""
    return {"type": "membership", "room_id": room_id, "role": role}


def place_event(name: Literal["live", "reset"], room_id: str, epoch: str, seq: int) -> dict[str, Any]:
    """Return the word on where in a room's log a subscription stands now."""
    return {"type": name, "room_id": room_id, "epoch": epoch, "seq": seq}
