"""One accepted socket: who is behind it, the bounded backlog of frames it has yet to be written, and its end.

Whoever has an event for a connection enqueues it and never waits; one writer task drains the backlog. A
connection that cannot keep up is closed with SLOW and resumes by position, so nothing is lost by it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from api.models import User
from api.protocol import CloseCode

MAX_BACKLOG_FRAMES: Final = 256
MAX_BACKLOG_BYTES: Final = 512 * 1024
WRITE_TIMEOUT_SECONDS: Final = 10.0
"""A peer that takes nothing for this long is gone or hostile."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection has proven to be, and until when (milliseconds)."""

    user: User
    session_id: str
    expires_at: int


class Connection:
    """See the module. All methods but `write_to` and `drained` are for the event loop's thread and never wait."""

    __slots__ = ("_backlog", "_bytes", "_drained", "_wake", "close_code", "identity", "rooms")

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.rooms: set[str] = set()  # kept by the hub: where this connection is subscribed
        self.close_code: CloseCode | None = None
        self._backlog: deque[str] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def enqueue(self, frame: str) -> None:
        """Put a frame behind all earlier ones. Over the bounds the connection is closed as slow instead."""
        if self.close_code is not None:
            return
        self._bytes += len(frame)
        if len(self._backlog) >= MAX_BACKLOG_FRAMES or self._bytes > MAX_BACKLOG_BYTES:
            self.close(CloseCode.SLOW)
            return
        self._backlog.append(frame)
        self._drained.clear()
        self._wake.set()

    def close(self, code: CloseCode) -> None:
        """End the connection with `code`; the first code given counts. What waits in the backlog is dropped."""
        if self.close_code is None:
            self.close_code = code
            self._backlog.clear()
            self._wake.set()
            self._drained.set()

    @property
    def has_space(self) -> bool:
        """Whether the backlog is less than half full, so that a replay may go on without crowding out live events."""
        return len(self._backlog) < MAX_BACKLOG_FRAMES // 2 and self._bytes < MAX_BACKLOG_BYTES // 2

    async def drained(self) -> None:
        """Wait until the backlog is empty, or the connection closed: a replay's flow control."""
        await self._drained.wait()

    async def write_to(
        self,
        send: Callable[[str], Awaitable[None]],
        *,
        heartbeat_seconds: float,
        heartbeat: Callable[[], str],
    ) -> CloseCode:
        """Drain the backlog into `send` until the connection is closed; return the code to close it with.

        `heartbeat` makes the frame to send after `heartbeat_seconds` without any other.
        """
        while self.close_code is None:
            if not self._backlog and not await self._woken(heartbeat_seconds):
                self.enqueue(heartbeat())
            try:
                await self._write_backlog(send)
            except TimeoutError:
                self.close(CloseCode.SLOW)
        return self.close_code

    async def _woken(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    async def _write_backlog(self, send: Callable[[str], Awaitable[None]]) -> None:
        while self._backlog:
            frame = self._backlog.popleft()
            self._bytes -= len(frame)
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                await send(frame)
        self._bytes = 0
        if self.close_code is None:
            self._wake.clear()
        self._drained.set()
