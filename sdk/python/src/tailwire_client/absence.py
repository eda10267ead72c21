"""What has changed in many rooms while a client was away, by one request."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final

from tailwire_client.entries import is_entry
from tailwire_client.errors import NotFound
from tailwire_client.events import Event, Unsubscribed
from tailwire_client.track import Gap, Track
from tailwire_client.web import Web, items_of

MOST_ROOMS: Final = 500
"""A request names at most so many rooms."""


class Absence:
    """Asks POST /sync what came after the positions of these tracks, and moves them."""

    def __init__(self, web: Web, tracks: Mapping[str, Track]) -> None:
        self._web = web
        self._tracks = dict(tracks)

    async def events(self, *, others: bool) -> AsyncGenerator[Event, None]:
        """Yield what has changed: of a room its entries and `Live`, or `Reset`, the room with the newest entry first.

        A room that may not be read any more is `Unsubscribed`. With `others` it is also told where the rooms stand
        that have no track; where there are more than can be named in a request, only of the newest.
        """
        rooms = list(self._tracks)
        for at in range(0, max(1, len(rooms)), MOST_ROOMS):
            some = rooms[at : at + MOST_ROOMS]
            async for event in self._changes(some, others=others and len(rooms) <= MOST_ROOMS):
                yield event

    async def _changes(self, rooms: Iterable[str], *, others: bool) -> AsyncGenerator[Event, None]:
        named = set(rooms)
        first = frozenset(named)
        while named or others:
            body = {"positions": [_named(self._tracks[one]) for one in named], "others": others}
            page = await self._web.call("POST", "/sync", body=body, is_safe=True)
            is_whole, count = True, 0
            for fields in items_of(page):
                try:
                    event = self._taken(fields)
                except Gap:
                    is_whole = False  # the page does not fit the position: it is asked for again
                    break
                if event is not None:
                    count += 1
                    named.add(fields["room_id"])
                    yield event
            for room_id in set(page.get("not_found", ())) & named:
                named.discard(room_id)
                yield Unsubscribed(room_id, NotFound("not_found", status=404))
            if is_whole and (not page.get("has_more") or not count):
                return
            if len(named) > MOST_ROOMS:
                named, others = named & first, False

    def _taken(self, fields: Mapping[str, Any]) -> Event | None:
        room_id = fields["room_id"]
        track = self._tracks.setdefault(room_id, Track(room_id, None))
        if fields["type"] == "live":
            return track.take_live(fields)
        if fields["type"] == "reset":
            return track.take_reset(fields)
        return track.take_entry(fields) if is_entry(fields) else None


def _named(track: Track) -> dict[str, Any]:
    assert track.position is not None  # noqa: S101 - a room without one is not named
    return {"room_id": track.room_id, "epoch": track.position.epoch, "seq": track.position.seq}
