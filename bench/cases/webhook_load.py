"""Writes to rooms at a steady rate, and receives what their webhooks post: `python -P webhook_load.py PLAN`.

PLAN is a file of JSON. Like load.c the program waits for the line `go`, and prints its events, so `Load` can run it. It
writes over sockets, and serves all receivers itself. So one clock says how long after its ack a message is posted.
"""

import asyncio
import json
import resource
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvloop
from websockets.asyncio.client import ClientConnection, connect

WARMUP_SECONDS: Final = 3.0
GRACE_SECONDS: Final = 15.0
"""Posts that have not come so long after the last message are lost."""
BODY: Final = "x" * 100
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
END: Final = b"\r\n\r\n"

Place = tuple[str, int]
"""The id of a room, and a seq in it."""


@dataclass
class Seen:
    """What has been acked and posted, and when, by the monotonic clock."""

    measured: str = "-"
    """How the refs begin of the messages that count."""
    acked: dict[Place, float] = field(default_factory=dict)
    posted: defaultdict[Place, list[float]] = field(default_factory=lambda: defaultdict(list))
    reached: defaultdict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    """By path, the newest seq."""
    disordered: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, path: bytes, body: bytes) -> None:
        """Note one post."""
        data = json.loads(body)["data"]
        if data["type"] != "message":
            return
        self.disordered += data["seq"] <= self.reached[path]
        self.reached[path] = data["seq"]
        self.posted[data["room_id"], data["seq"]].append(time.monotonic())
        self.news.set()


class Receiver(asyncio.Protocol):
    """One connection of a receiver, which takes everything at once."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Take the requests that are whole."""
        self._buffer += data
        while (end := self._buffer.find(END)) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            whole = end + len(END) + length
            if len(self._buffer) < whole:
                return
            self._seen.take(head.split(b" ", 2)[1], self._buffer[end + len(END) : whole])
            self._buffer = self._buffer[whole:]
            self._transport.write(OK)


def say(event: str, **fields: Any) -> None:
    """Print an event as load.c does."""
    print(json.dumps({"event": event, **fields}), flush=True)


async def hear_acks(socket: ClientConnection, seen: Seen) -> None:
    """Note when each message is acked."""
    async for text in socket:
        event = json.loads(text)
        if event["type"] == "ack" and event["ref"].startswith(seen.measured):
            seen.acked[event["room_id"], event["seq"]] = time.monotonic()
            seen.news.set()
        elif event["type"] == "error":
            raise RuntimeError(event)


async def write(
    plan: dict[str, Any], sockets: list[ClientConnection], rate: float, seconds: float, word: str
) -> None:
    """Write to each room in turn, at this rate, for so long, under refs that begin with a word."""
    began, rooms = time.monotonic(), plan["rooms"]
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        room_id, socket = rooms[number % len(rooms)], sockets[number % len(sockets)]
        ref = f"{word}-{began}-{number}"
        await socket.send(json.dumps({"type": "send", "room_id": room_id, "ref": ref, "body": BODY}))


async def all_come(seen: Seen, acks: int, posts_of_each: int) -> None:
    """Wait until so many messages are acked and each is posted so often, or no more are to be waited for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            while len(seen.acked) < acks or any(len(seen.posted[one]) < posts_of_each for one in seen.acked):
                seen.news.clear()
                await seen.news.wait()


async def measure(plan: dict[str, Any], sockets: list[ClientConnection], seen: Seen) -> None:
    """Let the load run once, and print the figures."""
    rate, each = plan["rate"], plan["webhooks_of_a_room"]
    await write(plan, sockets, rate, WARMUP_SECONDS, "warm")
    say("warm")
    seen.measured = "measured"
    began, cpu = time.monotonic(), time.process_time()
    await write(plan, sockets, rate, plan["seconds"], seen.measured)
    await asyncio.sleep(began + plan["seconds"] - time.monotonic())
    seconds, used = time.monotonic() - began, time.process_time() - cpu
    say("measured")
    acked = int(rate * plan["seconds"])
    await all_come(seen, acked, each)
    late = sorted(
        1_000 * max(0.0, at - acked_at) for place, acked_at in seen.acked.items() for at in seen.posted[place]
    )
    figures = {"p50_ms": late[len(late) // 2], "p99_ms": late[int(len(late) * 0.99)]} if late else {}
    say(
        "done",
        window_received=acked,
        posts=len(late),
        lost=acked * each - len(late),
        disordered=seen.disordered,
        generator_cpu=used / seconds,
        peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        **figures,
    )


async def main(plan: dict[str, Any]) -> None:
    """Connect, serve the receivers, wait for the line `go`, and write."""
    seen = Seen()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Receiver(seen), plan["receiver_hosts"], plan["receiver_port"], backlog=1_000
    )
    sockets = [
        await connect(
            f"ws://127.0.0.1:{plan['port']}/ws/messages",
            additional_headers={"Authorization": f"Bearer {token}"},
            max_size=None,
        )
        for token in plan["tokens"]
    ]
    hearing = [asyncio.create_task(hear_acks(socket, seen)) for socket in sockets]
    say("connected", count=len(sockets), seconds=0, fault="")
    await asyncio.to_thread(sys.stdin.readline)
    await measure(plan, sockets, seen)
    for task in hearing:
        task.cancel()
    server.close()


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text())))
