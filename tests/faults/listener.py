"""Sockets that only take: so light that a thousand of them measure the server and not themselves.

They read frames by hand, check that the seqs of their room come in steps of one, and take the time from a
message's sending, which stands in its body, to its arrival.
"""

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from tests.faults.client import Account
from tests.faults.machine import Api

LIVE_SECONDS: Final = 60.0
AT_ONCE: Final = 50
"""Handshakes that are under way together."""


def stamp() -> str:
    """Return a message body that says when it was sent."""
    return f"{time.monotonic():.6f}"


@dataclass
class Tally:
    """What all listeners of a case saw."""

    count: int = 0
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    live: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def percentile(self, share: float) -> float:
        """Return a percentile of the times from sending to arrival, in milliseconds."""
        ranked = sorted(self.seconds)
        return 1_000 * ranked[min(len(ranked) - 1, int(len(ranked) * share))]


class Listener(asyncio.Protocol):
    """One of them, in one room."""

    def __init__(self, tally: Tally, node: Api, account: Account, room_id: str) -> None:
        self._tally = tally
        self._room_id = room_id
        self._request = (
            f"GET /ws/messages HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: Bearer {account.access_token}\r\n\r\n"
        ).encode()
        self._buffer = bytearray()
        self._is_open = False
        self._seq: int | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own kind
        self._transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        """Count it as a fault, unless it was ours to end."""
        if self._transport is not None:
            self._tally.faults.append("a listener was closed")

    def close(self) -> None:
        """End it."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what comes, frame by frame."""
        self._buffer += data
        if not self._is_open and not self._shake_hands():
            return
        begin = 0
        while len(self._buffer) - begin >= 4:  # a header of the longer kind; no frame of ours is shorter
            length, start = self._buffer[begin + 1] & 127, begin + 2
            if length == 126:
                (length,) = struct.unpack_from("!H", self._buffer, start)
                start += 2
            if len(self._buffer) < start + length:
                break
            self._take(self._buffer[begin] & 15, bytes(self._buffer[start : start + length]))
            begin = start + length
        del self._buffer[:begin]

    def _shake_hands(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        if b" 101 " not in self._buffer[:end]:
            self._tally.faults.append(bytes(self._buffer[:40]).decode(errors="replace"))
        del self._buffer[: end + 4]
        self._is_open = True
        self._write(1, json.dumps({"type": "subscribe", "room_id": self._room_id}).encode())
        return True

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._write(10, payload)
        elif payload.startswith(b'{"type":"message"'):
            self._message(payload)
        elif payload.startswith(b'{"type":"live"'):
            self._seq = json.loads(payload)["seq"]
            self._tally.live.release()

    def _message(self, payload: bytes) -> None:
        now = time.monotonic()
        seq = int(payload[(at := payload.index(b'"seq":') + 6) : payload.index(b",", at)])
        sent_at = float(payload[(at := payload.index(b'"body":"') + 8) : payload.index(b'"', at)])
        if self._seq is None or seq != self._seq + 1:
            self._tally.faults.append(f"seq {seq} came after {self._seq}")
        self._seq = seq
        self._tally.count += 1
        self._tally.seconds.append(now - sent_at)

    def _write(self, opcode: int, payload: bytes) -> None:
        """Write one short frame, masked with a key that changes nothing."""
        if self._transport is not None:
            self._transport.write(bytes([0x80 | opcode, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)


@asynccontextmanager
async def listening(
    node: Api, accounts: Sequence[Account], rooms: Sequence[str], count: int
) -> AsyncIterator[Tally]:
    """Keep `count` listeners on a node, spread over accounts and rooms; all are live when this is entered."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    listeners = [
        Listener(tally, node, accounts[number % len(accounts)], rooms[number % len(rooms)])
        for number in range(count)
    ]
    try:
        async with asyncio.timeout(LIVE_SECONDS):
            for start in range(0, count, AT_ONCE):
                batch = listeners[start : start + AT_ONCE]
                for one in batch:
                    await loop.create_connection(lambda one=one: one, "127.0.0.1", node.port)  # type: ignore[misc]
                for _ in batch:
                    await tally.live.acquire()
        yield tally
    finally:
        for one in listeners:
            one.close()
