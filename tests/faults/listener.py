"""Sockets that only listen. They are so light that a thousand of them measure the server and not themselves.

They parse frames by hand, check that the seqs of their room come in steps of one, and measure the time from sending,
which stands in the body, to arrival.
"""

import asyncio
import itertools
import json
import struct
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from tests.faults.client import Account
from tests.faults.machine import Api

LIVE_SECONDS: Final = 120.0
AT_ONCE: Final = 50
"""The number of concurrent handshakes."""
STAY_SECONDS: Final = 5.0
"""How long a listener stays when listeners come and go."""


def stamp() -> str:
    """Return a message body that says when it was sent."""
    return f"{time.monotonic():.6f}"


@dataclass
class Tally:
    """The counts of all listeners of a case."""

    count: int = 0
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    heartbeats: Counter["Listener"] = field(default_factory=Counter)
    answered: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released once by each listener, when it is live or refused."""

    def percentile(self, share: float) -> float:
        """Return a percentile of the times from sending to arrival, in milliseconds."""
        ranked = sorted(self.seconds)
        return 1_000 * ranked[min(len(ranked) - 1, int(len(ranked) * share))]


class Listener(asyncio.Protocol):
    """One listener, in one room."""

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
        self._transport = cast("asyncio.Transport", transport)  # uvloop has its own class
        self._transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        """Count a fault, unless we ended the connection ourselves."""
        if self._transport is not None:
            self._failed("closed")

    def close(self) -> None:
        """End the connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Handle the frames that came."""
        self._buffer += data
        if not self._is_open and not self._shake_hands():
            return
        begin = 0
        while len(self._buffer) - begin >= 4:  # the length of a longer header, and no event is shorter
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
            self._failed(bytes(self._buffer[9:12]).decode(errors="replace"))
            return False
        del self._buffer[: end + 4]
        self._is_open = True
        self._write(1, json.dumps({"type": "subscribe", "room_id": self._room_id}).encode())
        return True

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._write(10, payload)
        elif opcode == 8:
            self._failed(str(int.from_bytes(payload[:2])))
        elif payload.startswith(b'{"type":"message"'):
            self._message(payload)
        elif payload.startswith(b'{"type":"ack"'):
            self._seq = json.loads(payload)["seq"]
        elif payload.startswith(b'{"type":"live"'):
            self._tally.answered.release()
        elif payload.startswith(b'{"type":"error"'):
            self._failed(json.loads(payload)["code"])
        elif payload.startswith(b'{"type":"heartbeat"'):
            self._tally.heartbeats[self] += 1

    def _message(self, payload: bytes) -> None:
        now = time.monotonic()
        seq = int(payload[(at := payload.index(b'"seq":') + 6) : payload.index(b",", at)])
        sent_at = float(payload[(at := payload.index(b'"body":"') + 8) : payload.index(b'"', at)])
        if self._seq is None or seq != self._seq + 1:
            self._tally.faults.append(f"seq {seq} came after {self._seq}")
        self._seq = seq
        self._tally.count += 1
        self._tally.seconds.append(now - sent_at)

    def _failed(self, how: str) -> None:
        """Note the status or code of a refusal, or the code of a close."""
        self._tally.faults.append(how)
        self._tally.answered.release()
        self.close()

    def _write(self, opcode: int, payload: bytes) -> None:
        """Write one short frame, with a mask of zeros."""
        if self._transport is not None:
            self._transport.write(bytes([0x80 | opcode, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)


@asynccontextmanager
async def listening(
    node: Api, accounts: Sequence[Account], rooms: Sequence[str], count: int
) -> AsyncIterator[Tally]:
    """Keep `count` listeners on a node, spread over accounts and rooms. Inside the block all are live.

    After a refusal no further listener connects.
    """
    tally = Tally()
    listeners = [
        Listener(tally, node, accounts[number % len(accounts)], rooms[number % len(rooms)])
        for number in range(count)
    ]
    try:
        async with asyncio.timeout(LIVE_SECONDS):
            for start in range(0, count, AT_ONCE):
                batch = listeners[start : start + AT_ONCE]
                for one in batch:
                    await _connect(one, node)
                for _ in batch:
                    await tally.answered.acquire()
                if tally.faults:
                    break
        yield tally
    finally:
        for one in listeners:
            one.close()


@asynccontextmanager
async def churning(
    node: Api, accounts: Sequence[Account], rooms: Sequence[str], per_second: float
) -> AsyncIterator[Tally]:
    """Let listeners come and go during the block, this many in a second."""
    tally = Tally()
    task = asyncio.create_task(_churn(tally, node, accounts, rooms, per_second))
    try:
        yield tally
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _churn(
    tally: Tally, node: Api, accounts: Sequence[Account], rooms: Sequence[str], per_second: float
) -> None:
    here: deque[Listener] = deque()
    begin = time.monotonic()
    try:
        for number in itertools.count():
            one = Listener(tally, node, accounts[number % len(accounts)], rooms[number % len(rooms)])
            here.append(one)
            await _connect(one, node)
            if len(here) > STAY_SECONDS * per_second:
                here.popleft().close()
            await asyncio.sleep(max(0, begin + number / per_second - time.monotonic()))
    finally:
        for one in here:
            one.close()


async def _connect(one: Listener, node: Api) -> None:
    await asyncio.get_running_loop().create_connection(lambda: one, "127.0.0.1", node.port)
