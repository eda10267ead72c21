"""Where the frames of a connection go: nobody who writes ever waits.

A server may offer one with each socket, in the ASGI scope's `extensions` under the name `EXTENSION`: frames then
leave with one system call and no task of ours. Ours does so unless it compresses: `api/server/websocket.py`. Where it
is lacking, `TextSink` puts a queue and a task in front of ASGI's own `send`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol, TypeAlias, cast

from api.protocol.frames import Frames

EXTENSION: Final = "tailwire.sink"
WRITE_TIMEOUT_SECONDS: Final = 10.0
"""A peer that takes nothing for this long is gone or hostile."""
CLOSE_TIMEOUT_SECONDS: Final = 2.0

ASGIScope: TypeAlias = MutableMapping[str, Any]
ASGIReceive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
ASGISend: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Sink(Protocol):
    """One accepted socket's way out. For the event loop's thread; only `drained` waits."""

    @property
    def direct(self) -> Callable[[bytes], object] | None:
        """What puts a frame's bytes on the socket, as long as it is open and nothing waits; then None, and `write`."""

    @property
    def is_open(self) -> bool:
        """Whether what is written may still arrive."""

    @property
    def unwritten_bytes(self) -> int:
        """How much the system has not taken yet."""

    def write(self, frames: Frames) -> None:
        """Put frames behind what was written before; nothing on a socket that is not open."""

    def close_with(self, code: int, reason: str) -> None:
        """Begin to close; again is harmless. Nothing is written after it."""

    async def drained(self) -> None:
        """Wait until there is space to write more, or the socket is no longer open."""

    async def end(self) -> None:
        """Let go of what the sink holds, after what was written has left or cannot."""


class TextSink:
    """See the module. Its task begins with it, and ends with `end`."""

    direct: Final = None

    def __init__(self, send: ASGISend) -> None:
        self._send = send
        self._texts: deque[bytes] = deque()
        self._close: tuple[int, str] | None = None
        self._is_lost = False
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.unwritten_bytes = 0
        self._task = asyncio.create_task(self._run(), name="text-sink")

    @property
    def is_open(self) -> bool:
        """See `Sink`."""
        return self._close is None and not self._is_lost

    def write(self, frames: Frames) -> None:
        """See `Sink`."""
        if self.is_open:
            self._texts.extend(frames.texts)
            self.unwritten_bytes += len(frames.wire)
            self._empty.clear()
            self._wake.set()

    def close_with(self, code: int, reason: str) -> None:
        """See `Sink`."""
        if self.is_open:
            self._close = (code, reason)
            self._wake.set()

    async def drained(self) -> None:
        """See `Sink`."""
        await self._empty.wait()

    async def end(self) -> None:
        """See `Sink`."""
        if self._close is None:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """Send what is written until the socket is closed. A peer that takes nothing is taken for lost."""
        try:
            while self._close is None:
                await self._wake.wait()
                self._wake.clear()
                await self._send_texts()
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                code, reason = self._close
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except (OSError, RuntimeError, TimeoutError):
            pass  # gone: what a server raises for it is its own affair
        finally:
            self._is_lost = True
            self._empty.set()

    async def _send_texts(self) -> None:
        while self._texts:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                await self._send({"type": "websocket.send", "text": self._texts.popleft().decode()})
        self.unwritten_bytes = 0
        self._empty.set()


def open_sink(scope: MutableMapping[str, Any], send: ASGISend) -> Sink:
    """Return the sink of an accepted socket: the server's, or ours. Whoever opens it ends it."""
    offered = scope.get("extensions", {}).get(EXTENSION)
    return TextSink(send) if offered is None else cast("Sink", offered["sink"])
