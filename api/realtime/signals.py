"""Tells connections of what may be lost: what is read or set elsewhere, who is typing, and that a profile has changed.

Such an event is offered. A connection that has not yet taken everything before it goes without, and is right again
when its client asks the next time.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from api.limits.rates import Windows
from api.limits.spacing import Spacing
from api.models.changes import (
    NotifyChanged,
    PlaceChanged,
    ProfileChanged,
    ReadMoved,
    ReceiptRaised,
    Signal,
    Typed,
    WebhookPaused,
)
from api.protocol.events import encode
from api.protocol.frames import Frames
from api.protocol.signal_events import (
    notifications_event,
    place_event,
    read_event,
    typing_event,
    user_event,
    webhook_paused_event,
)
from api.realtime.connection import Connection
from api.realtime.hub import Hub
from api.store.base.signals import SignalStore

RECEIPT_SECONDS: Final = 2.0
"""The other members of a room are told at most once in this time how far a member has read."""
TYPISTS, TYPISTS_SECONDS = 5, 3.0
"""The members of a room are told of at most so many typing members in this time, so that the cost of a room grows with
the number of its members, and not with the square of it."""
TICK_SECONDS: Final = 1.0

_Told: TypeAlias = tuple[Frames, Iterable[Connection]]


class Signals:
    """Tells signals to the connections of this node, and sends those that begin here to all other nodes.

    `run` is a task for `Tasks`, which tells the receipts that had to wait.
    """

    def __init__(self, hub: Hub, store: SignalStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._store = store
        self._clock = clock
        self._receipts: Spacing[tuple[str, str], ReceiptRaised] = Spacing(RECEIPT_SECONDS, _newer)
        self._typists = Windows(TYPISTS, TYPISTS_SECONDS)
        self.offers: Counter[str] = Counter()
        self.on_profile_changed: list[Callable[[str], None]] = []
        """Who is told of each user whose profile has changed, on whatever node."""

    async def run(self) -> None:
        """Tell the receipts that are due, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tell_due()

    def tell_due(self) -> None:
        """Tell the receipts that have waited for long enough."""
        for _, receipt in self._receipts.due(self._clock()):
            self._tell(receipt, None)

    def tell(self, signal: Signal, origin: object | None = None) -> None:
        """Tell a signal that begins here to everybody it concerns, but not to the connection `origin`."""
        if isinstance(signal, ReceiptRaised):
            receipt = self._receipts.put((signal.room_id, signal.user_id), signal, self._clock())
            if receipt is None:
                return
            signal = receipt
        self._tell(signal, origin)

    def _tell(self, signal: Signal, origin: object | None) -> None:
        self.hear(signal, origin)
        self._store.send(signal)

    def hear(self, signal: Signal, origin: object | None = None) -> None:
        """Tell a signal to the connections of this node that it concerns, but not to `origin`."""
        if isinstance(signal, Typed) and self._typists.take(signal.room_id, self._clock()):
            return
        if isinstance(signal, ProfileChanged):
            for listener in self.on_profile_changed:
                listener(signal.user_id)
        frames, connections = AUDIENCES[type(signal)](self._hub, signal)
        name = EVENTS[type(signal)]
        for connection in connections:
            if connection is not origin:
                connection.offer(frames)
                self.offers[name] += 1

    def counts(self) -> dict[str, int]:
        """Return how many signals were sent to other nodes, dropped instead, and offered to connections here."""
        return {
            "sent": self._store.sent_count,
            "dropped": self._store.dropped_count,
            "offered": self.offers.total(),
        }


def _read_moved(hub: Hub, signal: ReadMoved) -> _Told:
    return encode(read_event(signal)), hub.connections_reaching(signal.user_id, signal.room_id)


def _notify_changed(hub: Hub, signal: NotifyChanged) -> _Told:
    return encode(notifications_event(signal)), hub.connections_reaching(signal.user_id, signal.room_id)


def _place_changed(hub: Hub, signal: PlaceChanged) -> _Told:
    return encode(place_event(signal)), hub.connections_reaching(signal.user_id, signal.room_id)


def _profile_changed(hub: Hub, signal: ProfileChanged) -> _Told:
    # Everybody is a member of the lobby, and nobody leaves it. So all who are connected share a room with the user.
    return encode(user_event(signal)), hub.connections()


def _receipt_raised(hub: Hub, signal: ReceiptRaised) -> _Told:
    return encode(read_event(signal)), _others_in(hub, signal.room_id, signal.user_id)


def _typed(hub: Hub, signal: Typed) -> _Told:
    return encode(typing_event(signal)), _others_in(hub, signal.room_id, signal.user_id)


def _webhook_paused(hub: Hub, signal: WebhookPaused) -> _Told:
    return encode(webhook_paused_event(signal)), hub.connections_reaching(signal.user_id, signal.room_id)


def _others_in(hub: Hub, room_id: str, user_id: str) -> Iterable[Connection]:
    """Return the connections of others that are live in a room; none while removals from it may be missed."""
    live = hub.live_in(room_id) if hub.is_fed else []
    return [one for one in live if one.identity.user.id != user_id]


def _newer(before: ReceiptRaised, receipt: ReceiptRaised) -> ReceiptRaised:
    """Return the receipt that stands of two of a member: it never falls within an epoch."""
    is_lower = before.epoch == receipt.epoch and before.read_seq > receipt.read_seq
    return before if is_lower else receipt


EVENTS: Final[dict[type[Signal], str]] = {
    ReadMoved: "read",
    ReceiptRaised: "read",
    NotifyChanged: "notifications",
    PlaceChanged: "place",
    ProfileChanged: "user",
    Typed: "typing",
    WebhookPaused: "webhook_paused",
}
"""The name of the event of each kind of signal, for the metrics."""
AUDIENCES: Final[dict[type[Signal], Callable[[Hub, Signal], _Told]]] = {
    ReadMoved: _read_moved,  # type: ignore[dict-item]
    NotifyChanged: _notify_changed,  # type: ignore[dict-item]
    PlaceChanged: _place_changed,  # type: ignore[dict-item]
    ProfileChanged: _profile_changed,  # type: ignore[dict-item]
    ReceiptRaised: _receipt_raised,  # type: ignore[dict-item]
    Typed: _typed,  # type: ignore[dict-item]
    WebhookPaused: _webhook_paused,  # type: ignore[dict-item]
}
"""The event of each kind of signal, and the connections that it concerns."""
