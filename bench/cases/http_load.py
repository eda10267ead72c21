"""Asks some things over and over, on some connections: `python -P http_load.py PLAN`.

PLAN is a file of JSON. Like load.c the program waits for the line `go`, and prints its events, so `Load` can run it.
Each connection sends its next request when its last one is answered.
"""

import asyncio
import itertools
import json
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvloop

WARMUP_SECONDS: Final = 3.0
END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"
UNIQUE: Final = b"@@@@@@@@"
"""In a request, this is replaced by a number that no other request has."""


class Asker(asyncio.Protocol):
    """One connection."""

    unique = 10_000_000

    def __init__(self, requests: list[bytes], first: int, status: bytes) -> None:
        """Each connection asks all of these requests in turn, from the first one on that is its own."""
        self.times: list[float] = []
        self.wrong = 0
        self._requests = itertools.cycle([*requests[first:], *requests[:first]])
        self._status = b"HTTP/1.1 " + status
        self._buffer = b""
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: Any = transport

    def ask(self) -> None:
        """Send a request."""
        Asker.unique += 1
        self._asked_at = time.monotonic()
        self._transport.write(next(self._requests).replace(UNIQUE, str(Asker.unique).encode()))

    def data_received(self, data: bytes) -> None:
        """Take an answer once it is whole, and ask again."""
        self._buffer += data
        end = self._buffer.find(END)
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.split(LENGTH, 1)[1].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + len(END) + length:
            return
        self.times.append(time.monotonic() - self._asked_at)
        self.wrong += not self._buffer.startswith(self._status)
        self._buffer = b""
        self.ask()


def say(event: str, **fields: Any) -> None:
    """Print an event as load.c does."""
    print(json.dumps({"event": event, **fields}), flush=True)


async def main(plan: dict[str, Any]) -> None:
    """Connect, wait for the line `go`, and ask for as long as the plan says."""
    loop = asyncio.get_running_loop()
    requests, status = [one.encode() for one in plan["requests"]], str(plan["status"]).encode()
    askers = [
        (
            await loop.create_connection(
                partial(Asker, requests, number % len(requests), status), "127.0.0.1", plan["port"]
            )
        )[1]
        for number in range(plan["connections"])
    ]
    say("connected", count=len(askers), seconds=0, fault="")
    await asyncio.to_thread(sys.stdin.readline)
    for asker in askers:
        asker.ask()
    await asyncio.sleep(WARMUP_SECONDS)
    say("warm")
    for asker in askers:
        asker.times.clear()
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(plan["seconds"])
    seconds, used = time.monotonic() - began, time.process_time() - cpu
    times = sorted(1_000 * one for asker in askers for one in asker.times)
    say("measured")
    say(
        "done",
        window_received=len(times),
        wrong=sum(asker.wrong for asker in askers),
        p50_ms=times[len(times) // 2],
        p99_ms=times[int(len(times) * 0.99)],
        generator_cpu=used / seconds,
        peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text())))
