"""The write side of a socket, to which frames can be written without waiting.

An ASGI server may offer a sink for each socket, in the scope's `extensions` under the name `EXTENSION`. Frames are then
written with one system call and without a task. `api/server/websocket.py` does so unless it compresses. For other
servers, `TextSink` puts a queue and a task before ASGI's `send`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol, TypeAlias, cast

from api.protocol.frames import Frames

EXTENSION: Final = "tailwire.sink"
WRITE_TIMEOUT_SECONDS: Final = 10.0
"""A peer that accepts no bytes for this long is taken to be gone."""
CLOSE_TIMEOUT_SECONDS: Final = 2.0

ASGIScope: TypeAlias = MutableMapping[str, Any]
ASGIReceive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
ASGISend: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Sink(Protocol):
    """The write side of one accepted socket. Use it in the event loop's thread. Only `drained` and `end` wait."""

    @property
    def direct(self) -> Callable[[bytes], object] | None:
        """A function that writes bytes to the socket. None, unless it is open and no bytes wait: then use `write`."""

    @property
    def is_open(self) -> bool:
        """Whether frames that are written now may still arrive."""

    @property
    def unwritten_bytes(self) -> int:
        """The number of bytes that the system has not accepted yet."""

    def write(self, frames: Frames) -> None:
        """Write frames after those written before. Does nothing on a socket that is not open."""

    def close_with(self, code: int, reason: str) -> None:
        """Begin to close. Nothing is written after this. May be called again."""

    async def drained(self) -> None:
        """Wait until there is space to write more, or the socket is no longer open."""

    async def end(self) -> None:
        """Free the sink, after its frames have been sent or have failed."""


class TextSink:
    """A sink for any ASGI server. It starts a task, which `end` stops."""

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
        """Send written frames until the socket is closed. A peer that accepts nothing is taken to be gone."""
        try:
            while self._close is None:
                await self._wake.wait()
                self._wake.clear()
                await self._send_texts()
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                code, reason = self._close
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except (OSError, RuntimeError, TimeoutError):
            pass  # the peer is gone; ASGI servers raise different errors for it
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
    """Return the sink of an accepted socket: the server's own, or a `TextSink`. The caller must call its `end`."""
    offered = scope.get("extensions", {}).get(EXTENSION)
    return TextSink(send) if offered is None else cast("Sink", offered["sink"])
