"""Tells connections of what may be lost: what a user has read or set elsewhere, and that a profile has changed.

Such an event is offered. A connection that has not yet taken everything before it goes without, and is right again
when its client asks the next time.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from api.models.changes import NotifyChanged, PlaceChanged, ProfileChanged, ReadMoved, Signal
from api.protocol.events import encode, notifications_event, place_event, read_event, user_event
from api.protocol.frames import Frames
from api.realtime.connection import Connection
from api.realtime.hub import Hub
from api.store.base.signals import SignalStore

_Told: TypeAlias = tuple[Frames, Iterable[Connection]]


class Signals:
    """Tells signals to the connections of this node, and sends those that begin here to all other nodes."""

    def __init__(self, hub: Hub, store: SignalStore) -> None:
        self._hub = hub
        self._store = store
        self._offer_count = 0

    def tell(self, signal: Signal, origin: object | None = None) -> None:
        """Tell a signal that begins here to everybody it concerns, but not to the connection `origin`."""
        self.hear(signal, origin)
        self._store.send(signal)

    def hear(self, signal: Signal, origin: object | None = None) -> None:
        """Tell a signal to the connections of this node that it concerns, but not to `origin`."""
        frames, connections = AUDIENCES[type(signal)](self._hub, signal)
        for connection in connections:
            if connection is not origin:
                connection.offer(frames)
                self._offer_count += 1

    def counts(self) -> dict[str, int]:
        """Return how many signals were sent to other nodes, dropped instead, and offered to connections here."""
        return {
            "sent": self._store.sent_count,
            "dropped": self._store.dropped_count,
            "offered": self._offer_count,
        }


def _read_moved(hub: Hub, signal: ReadMoved) -> _Told:
    return encode(read_event(signal)), hub.connections_of(signal.user_id)


def _notify_changed(hub: Hub, signal: NotifyChanged) -> _Told:
    return encode(notifications_event(signal)), hub.connections_of(signal.user_id)


def _place_changed(hub: Hub, signal: PlaceChanged) -> _Told:
    return encode(place_event(signal)), hub.connections_of(signal.user_id)


def _profile_changed(hub: Hub, signal: ProfileChanged) -> _Told:
    # Everybody is a member of the lobby, and nobody leaves it. So all who are connected share a room with the user.
    return encode(user_event(signal)), hub.connections()


AUDIENCES: Final[dict[type[Signal], Callable[[Hub, Signal], _Told]]] = {
    ReadMoved: _read_moved,  # type: ignore[dict-item]
    NotifyChanged: _notify_changed,  # type: ignore[dict-item]
    PlaceChanged: _place_changed,  # type: ignore[dict-item]
    ProfileChanged: _profile_changed,  # type: ignore[dict-item]
}
"""The event of each kind of signal, and the connections that it concerns."""
