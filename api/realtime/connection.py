"""One accepted socket: who is behind it, where its frames go, how much of them may wait, and its end.

Whoever has an event for a connection enqueues it and never waits. A connection that cannot keep up is closed with
SLOW and resumes by position, so nothing is lost by it.
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
"""A replay waits while more bytes than this are unwritten, so that live events have the rest of the backlog."""


class Closed(Exception):
    """The command ends the connection, with `code`."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class Connection:
    """See the module. All methods but `drained` are for the event loop's thread and never wait.

    Some fields have other owners, for one object for each socket is what there is memory for: `Hub` alone writes
    `rooms`, `Heartbeats` alone writes `warned_of` and counts `idle_ticks` up, which an event here sets to 0.
    """

    __slots__ = (
        "_events",
        "_sink",
        "close_code",
        "identity",
        "idle_ticks",
        "memberships",
        "replayed",
        "rooms",
        "warned_of",
    )

    def __init__(self, identity: Identity, sink: Sink) -> None:
        self.identity = identity
        self.rooms: set[str] = set()  # where this connection is subscribed
        self.replayed: dict[str, tuple[Position, int]] = {}  # see `old_pages`
        self.memberships: dict[str, Member] = {}  # by which it has sent; the hub forgets those that change
        self.close_code: CloseCode | None = None
        self.idle_ticks = 0  # ticks of `Heartbeats` in which nothing was enqueued
        self.warned_of = 0  # the token's end that the client was told of
        self._sink = sink
        self._events = 0

    def enqueue(self, frames: Frames) -> None:
        """Put events behind all earlier ones.

        When too much waits already the connection is closed as slow instead. What is given at once to a
        connection that has taken everything is never too much.
        """
        # Nearly always. What a delivery costs is this, and the system call: each object that is looked at on the way
        # is one more that is not in the processor's cache, with hundreds of sockets since it was last.
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

    def offer(self, frames: Frames) -> None:
        """Enqueue what may as well be lost, unless something waits already."""
        if not self._sink.unwritten_bytes:
            self.enqueue(frames)

    def ack(self, ref: str | None, **fields: Any) -> None:
        """Enqueue the answer to a command that was carried out."""
        self.enqueue(encode(ack_event(ref, **fields)))

    def close(self, code: CloseCode) -> None:
        """End the connection with `code`; the first code given counts."""
        if self.close_code is None:
            self.close_code = code
            self._sink.close_with(code, code.name.lower())

    @property
    def is_open(self) -> bool:
        """Whether neither side has ended it."""
        return self.close_code is None and self._sink.is_open

    @property
    def has_space(self) -> bool:
        """Whether so little waits that a replay may go on without crowding out live events."""
        return self._sink.unwritten_bytes < REPLAY_BYTES

    async def drained(self) -> None:
        """Wait until less waits, or the connection is closed: a replay's flow control."""
        await self._sink.drained()
