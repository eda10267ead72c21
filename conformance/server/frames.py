"""The shapes of what a server sends over a socket, as docs/protocol.md has them."""

import re
from collections.abc import Mapping
from typing import Any, Final

KIND: Final = re.compile(r"[a-z][a-z_]{0,31}")
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

Event = Mapping[str, Any]

EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ready": ("user", "session_id", "expires_at", "heartbeat_seconds", "limits", "features"),
    "ack": ("ref",),
    "error": ("ref", "code", "message"),
    "live": ("room_id", "epoch", "seq"),
    "reset": ("room_id", "epoch", "seq"),
    "membership": ("room_id", "role", "reason", "by"),
    "read": ("room_id", "user_id", "username", "epoch", "read_seq"),
    "notifications": ("room_id", "user_id", "level", "muted_until"),
    "place": ("room_id", "user_id", "favourite", "section", "hidden"),
    "user": ("user_id", "username", "display_name"),
    "typing": ("room_id", "user_id", "username"),
    "presence": ("user_id", "online"),
    "notice": ("room_id", "epoch", "seq", "mention"),
    "expiring": ("expires_at",),
    "pong": ("server_time",),
    "heartbeat": ("server_time",),
}
"""The fields of each event that is no entry. Further ones may come, and further events."""
ENTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "message": ("body",),
    "edit": ("target", "body"),
    "delete": ("target",),
    "reaction": ("target", "emoji", "added"),
    "pin": ("target", "pinned"),
    "member": ("role",),
    "room": ("name",),
}
"""The fields that entries of these kinds always have, besides those of all entries."""
OF_ENTRIES: Final = ("user_id", "username")


def is_entry(event: Event) -> bool:
    """Say whether an event is an entry."""
    return event["type"] != "ack" and {"room_id", "seq", "at"} <= event.keys()


def wrong_in(event: Any) -> str | None:
    """Say what is wrong with a frame, or nothing."""
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return "a frame is a JSON object with a `type`"
    kind = event["type"]
    if is_entry(event):
        if kind in EVENTS:
            return f"no entry has the name of the event `{kind}`"
        if not KIND.fullmatch(kind):
            return f"`{kind}` is no name of a kind"
        return _wrong_in_entry(event)
    if kind in ENTRIES:
        return f"`{kind}` is a kind of entries: it has room_id, seq and at"
    return _lacks(event, EVENTS.get(kind, ()))


def _wrong_in_entry(event: Event) -> str | None:
    if not isinstance(event["seq"], int) or event["seq"] < 1:
        return "a seq is an integer, 1 or greater"
    if event["type"] == "unreadable":
        return None if event["at"] is None else "the `at` of `unreadable` is null"
    if not TIME.fullmatch(str(event["at"])):
        return "a time is RFC 3339 in UTC with milliseconds"
    return _lacks(event, (*OF_ENTRIES, *ENTRIES.get(event["type"], ())))


def _lacks(event: Event, fields: tuple[str, ...]) -> str | None:
    missing = [name for name in fields if name not in event]
    return f"`{event['type']}` has the fields {', '.join(missing)}" if missing else None
