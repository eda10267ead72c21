"""Pages from before the open set of kinds: they are found out, and told to reload (docs/decisions/0007).

Such a page drops an entry of a kind that it does not know, takes the next one for a gap, and asks for the same replay
again, for ever. A client that keeps the contract steps over the entry, and asks for no replay twice.
"""

from typing import Final

from api.models.log import Kind
from api.protocol.fields import Position
from api.realtime.connection import Connection

FIRST_KINDS: Final = frozenset({Kind.MESSAGE, Kind.EDIT, Kind.DELETE, Kind.REACTION, Kind.MEMBER, Kind.ROOM})
"""Every page knows these. No kind is ever added here."""
MAX_REPLAYS: Final = 2
"""A client may lose one that it was given, as when its user leaves the room meanwhile."""


def is_stuck(connection: Connection, room_id: str, since: Position, kind: str) -> bool:
    """Say whether a replay after `since`, which begins with an entry of this kind, has been given in vain before."""
    place, replays = connection.replayed.get(room_id, (since, 0))
    return kind not in FIRST_KINDS and place == since and replays >= MAX_REPLAYS


def note_replay(connection: Connection, room_id: str, since: Position, kind: str) -> None:
    """Remember that a replay after `since`, which began with an entry of this kind, has been given to its end."""
    if kind in FIRST_KINDS:
        connection.replayed.pop(room_id, None)
        return
    place, replays = connection.replayed.get(room_id, (since, 0))
    connection.replayed[room_id] = since, replays + 1 if place == since else 1
