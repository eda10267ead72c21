"""One accepted socket: its user, its backlog of events, and its end.

Enqueueing an event never waits. A connection that cannot keep up is closed with SLOW. Its client resumes by position,
so it loses nothing.
"""

from typing import Any, Final

from api.accounts.identity import Identity
from api.models.rooms import Member
from api.protocol.close_codes import CloseCode
from api.protocol.events import ack_event, encode
from api.protocol.fields import Position
from api.protocol.frames import Frames
from api.realtime.sink import Sink

MAX_BACKLOG_EVENTS: Final = 256
MAX_BACKLOG_BYTES: Final = 512 * 1024
REPLAY_BYTES: Final = 16 * 1024
"""A replay waits while this many bytes or more are unwritten, which leaves the rest of the backlog to live events."""


class Closed(Exception):
    """A command ends the connection, with `code`."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class Connection:
    """One accepted socket. All methods belong to the event loop's thread, and all but `drained` never wait.

    Other classes own some of its fields, because a second object for each socket would take too much memory. Only
    `Hub` writes `rooms` and `used_at`. Only `Heartbeats` writes `warned_of` and increments `idle_ticks`; each event
    sets it to 0.
    """

    __slots__ = (
        "_events",
        "_sink",
        "address",
        "close_code",
        "identity",
        "idle_ticks",
        "memberships",
        "replayed",
        "rooms",
        "used_at",
        "warned_of",
    )

    def __init__(self, identity: Identity, sink: Sink, address: str = "") -> None:
        self.identity = identity
        self.address = address
        self.rooms: set[str] = set()  # the rooms that this connection is subscribed to
        self.replayed: dict[str, tuple[Position, int]] = {}  # by room id; see `old_pages`
        self.memberships: dict[str, Member] = {}  # by room id, for `send`; the hub removes those that change
        self.close_code: CloseCode | None = None
        self.idle_ticks = 0  # ticks of `Heartbeats` since something was enqueued
        self.warned_of = 0  # the `expires_at` that the client was warned of
        self.used_at = 0  # the number of its last use among all uses of the hub's connections; 0 means never
        self._sink = sink
        self._events = 0

    def enqueue(self, frames: Frames) -> None:
        """Put events behind all earlier ones.

        When too much is waiting already, the connection is closed as slow instead. A connection that has nothing
        waiting accepts events of any size.
        """
        # This is nearly always the case, and the main cost of a delivery beside the system call. It reads few objects,
        # because each one is a cache miss: hundreds of other sockets were written since the last time.
        if (direct := self._sink.direct) is not None:
            self._events = len(frames.texts)
            self.idle_ticks = 0
            direct(frames.wire)
        elif self.close_code is None:
            self._enqueue_behind(frames)

    def _enqueue_behind(self, frames: Frames) -> None:
        waiting = self._sink.unwritten_bytes
        if not waiting:
            self._events = 0
        self._events += len(frames.texts)
        if waiting and (self._events > MAX_BACKLOG_EVENTS or waiting + len(frames.wire) > MAX_BACKLOG_BYTES):
            self.close(CloseCode.SLOW)
            return
        self.idle_ticks = 0
        self._sink.write(frames)

    def offer(self, frames: Frames) -> bool:
        """Enqueue an event that may be lost, unless anything is waiting already. Return whether it was enqueued."""
        if self._sink.unwritten_bytes:
            return False
        self.enqueue(frames)
        return True

    def ack(self, ref: str | None, **fields: Any) -> None:
        """Enqueue the answer to a command that was carried out."""
        self.enqueue(encode(ack_event(ref, **fields)))

    def close(self, code: CloseCode) -> None:
        """Close the connection with `code`. Further calls change nothing."""
        if self.close_code is None:
            self.close_code = code
            self._sink.close_with(code, code.name.lower())

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed the connection."""
        return self.close_code is None and self._sink.is_open

    @property
    def has_space(self) -> bool:
        """Whether a replay may continue: so little is waiting that live events still have space."""
        return self._sink.unwritten_bytes < REPLAY_BYTES

    async def drained(self) -> None:
        """Wait until there is space for more, or the connection is closed. This is the flow control of a replay."""
        await self._sink.drained()
