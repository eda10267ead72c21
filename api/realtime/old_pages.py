"""Detects web pages from before the open set of kinds, and makes them reload (docs/decisions/0007).

Such a page drops an entry of an unknown kind, takes the next entry for a gap, and asks for the same replay again, for
ever. A client that follows the protocol steps over the entry, and never repeats a replay.
"""

from typing import Final

from api.models.log import Kind
from api.protocol.fields import Position
from api.realtime.connection import Connection

FIRST_KINDS: Final = frozenset({Kind.MESSAGE, Kind.EDIT, Kind.DELETE, Kind.REACTION, Kind.MEMBER, Kind.ROOM})
"""The kinds that every page knows. No kind is ever added here."""
MAX_REPLAYS: Final = 2
"""The same replay is given this often, because a client may lose one, as when its user leaves the room meanwhile."""


def is_stuck(connection: Connection, room_id: str, since: Position, kind: str) -> bool:
    """Return whether a replay after `since`, which begins with an entry of this kind, was given too often in vain."""
    place, replays = connection.replayed.get(room_id, (since, 0))
    return kind not in FIRST_KINDS and place == since and replays >= MAX_REPLAYS


def note_replay(connection: Connection, room_id: str, since: Position, kind: str) -> None:
    """Remember that a replay after `since`, which began with an entry of this kind, was sent completely."""
    if kind in FIRST_KINDS:
        connection.replayed.pop(room_id, None)
        return
    place, replays = connection.replayed.get(room_id, (since, 0))
    connection.replayed[room_id] = since, replays + 1 if place == since else 1
