"""What the scripted server answers to POST /sync. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from conformance.model.rooms import Event, Room

REPLAY: Final = 5_000
"""The most entries that are brought. Who is further behind is told to reset."""


def missed(rooms: Iterable[Room], asked: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return a page of what has come after the named positions, with at most so many entries and rooms without any."""
    named = {one["room_id"]: one for one in asked.get("positions", ())}
    newest_first = sorted(rooms, key=lambda room: room.touched, reverse=True)
    items: list[Event] = []
    left = min(most, asked.get("limit", most))
    has_more = False
    for room in newest_first:
        position = named.pop(room.id, None)
        if position is None and not asked.get("others", True):
            continue
        told = replayed(room, position)
        if position is not None and len(told) == 1 and room.is_at(position):
            continue
        if left <= 0:
            has_more = True
            break
        entries, end = told[:-1], told[-1:]
        has_more = len(entries) > left
        items += entries[:left] if has_more else [*entries, *end]
        left -= len(entries) or 1
        if has_more:
            break
    return {"items": items, "not_found": _gone(named, newest_first), "has_more": has_more}


def replayed(room: Room, since: Mapping[str, Any] | None) -> list[Event]:
    """Return what a subscription brings after its ack."""
    place = {"room_id": room.id, "epoch": room.epoch, "seq": room.head}
    live: Event = {"type": "live", **place}
    if since is None:
        return [live]
    if since["epoch"] != room.epoch or not 0 <= room.head - since["seq"] <= REPLAY:
        return [{"type": "reset", **place}]
    return [*room.after(since["seq"]), live]


def _gone(named: Mapping[str, Any], rooms: Iterable[Room]) -> list[str]:
    known = {room.id for room in rooms}
    return [room_id for room_id in named if room_id not in known]
