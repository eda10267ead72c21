"""The bodies of /sync, by which a client that was away catches up."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

import orjson
from pydantic import AfterValidator, Field

from api.http.bodies.forms import Answer
from api.models.log import MAX_REPLAY
from api.models.sync import Caught, Known, Sync
from api.protocol.entries import entry_event
from api.protocol.events import position_event
from api.protocol.fields import Id, Position, Strict

MAX_POSITIONS: Final = 500
"""The most rooms that a request names: so many fit into a body."""

# -- requests


class RoomPosition(Position):
    """A client's position in a room: the last entry that it has applied. Seq 0 is before the first entry."""

    room_id: Id


def _different(positions: list[RoomPosition]) -> list[RoomPosition]:
    if len({one.room_id for one in positions}) != len(positions):
        raise ValueError("must not name a room twice")
    return positions


class SyncIn(Strict):
    """The positions of a client, and the most entries that it wants at once.

    With `others`, it is also told of the caller's rooms that it does not name.
    """

    positions: Annotated[list[RoomPosition], Field(max_length=MAX_POSITIONS), AfterValidator(_different)] = (
        Field(default_factory=list)
    )
    limit: Annotated[int, Field(ge=1, le=MAX_REPLAY)] = 1_000
    others: bool = True

    @property
    def known(self) -> dict[str, Known]:
        """What the client knows, by room."""
        return {one.room_id: Known(one.epoch, one.seq) for one in self.positions}


# -- answers


class SyncOut(Answer):
    """What has changed, as the events that a subscription from each position would bring, the newest room first.

    `not_found` are those of the named rooms that the caller may not read. With `has_more` there is more: the client
    asks again, with the positions that it has then.
    """

    items: list[dict[str, Any]]
    not_found: list[str]
    has_more: bool


def sync_answer(sync: Sync) -> bytes:
    """Return the body of a `SyncOut`, made at once: it may have thousands of items."""
    items = [event for one in sync.rooms for event in _events(one)]
    return orjson.dumps({"items": items, "not_found": sync.not_found, "has_more": sync.has_more})


def _events(caught: Caught) -> Iterator[Any]:
    """Yield the events of what a client is given of one room."""
    head = caught.head
    yield from map(entry_event, caught.entries)
    if caught.is_whole:
        yield position_event("reset" if caught.is_reset else "live", head.room_id, head.epoch, head.seq)
