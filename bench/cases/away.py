"""A client that was away: POST /sync beside a subscription to each room, in milliseconds and bytes.

Both begin without a connection and end when the client has everything. In turn they ask for the same from the same
positions, so that other work of the machine delays both alike.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import connect

from bench.cases.case import Case, Options
from bench.cases.rooms import made_rooms
from bench.contenders import tailwire
from bench.contenders.contender import Contender
from bench.contenders.subject import PADDING
from bench.contenders.tailwire import Node
from bench.machine.machine import SERVER_CORES, busy_seconds
from bench.machine.process import Process
from bench.report.results import Row

ROOMS: Final = 50
MESSAGES: Final = 20
"""How many messages were missed in each room with news."""
ROUNDS: Final = 15
"""A user may resume a room 30 times in 10 s."""
SETTLED_SECONDS: Final = 5.0
"""After so long RethinkDB has put the entries where those of last week are."""
SMALL_BYTES: Final = 125
"""The longest frame whose head has two bytes, and with its mask six."""


@dataclass(frozen=True)
class Seen:
    """What one way has taken, and the seqs that it has brought, by room."""

    ms: float
    byte_count: int
    seqs: Mapping[str, Sequence[int]]


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    for news in (10, ROOMS):
        for contender in options.chosen(("tailwire", "tailwire-rethinkdb")):
            name = f"{ROOMS} rooms, {MESSAGES} messages in {news} of them"
            yield Case(contender.name, name, partial(_measured, contender, news))


def _measured(contender: Contender, news: int, directory: Path) -> Row:
    if contender.name.startswith("tailwire-rethinkdb"):
        with tailwire.cluster(directory, [SERVER_CORES], contender.root) as (rethinkdb, (node,)):
            return _row(node, news, rethinkdb.process)
    with tailwire.node(f"sqlite:///{directory / 'away.db'}", directory, root=contender.root) as node:
        return _row(node, news)


def _row(node: Node, news: int, *beside: Process) -> Row:
    tokens = node.sign_up(2)
    rooms = made_rooms(node, tokens, ROOMS)
    positions = [{"room_id": room_id, **_position(node, tokens[0], room_id)} for room_id in rooms]
    for number in range(news * MESSAGES):
        body = {"ref": f"m{number}", "body": f"{'x' * 36}{PADDING}"}
        node.ask("POST", f"/rooms/{rooms[number % news]}/messages", tokens[1], body)
    time.sleep(SETTLED_SECONDS)
    ours = _Ours(node.process, *beside)
    sync, sockets = asyncio.run(_in_turn(node.port, tokens[0], positions))
    expected = dict.fromkeys(rooms[:news], MESSAGES)
    for way in (*sync, *sockets):
        if {room_id: len(seqs) for room_id, seqs in way.seqs.items()} != expected:
            raise OSError("a client has not got what it missed")
    return {
        "sync_ms": statistics.median(one.ms for one in sync),
        "sync_kb": sync[0].byte_count / 1_000,
        "sockets_ms": statistics.median(one.ms for one in sockets),
        "sockets_kb": sockets[0].byte_count / 1_000,
        "others_cpu": ours.others_since(),
    }


class _Ours:
    """Tells how many cores others have used since it was made."""

    def __init__(self, *processes: Process) -> None:
        self._processes = processes
        self._began = self._mark()

    def others_since(self) -> float:
        """Return the cores of others."""
        seconds, busy = (now - then for now, then in zip(self._mark(), self._began, strict=True))
        return max(0.0, busy / seconds)

    def _mark(self) -> tuple[float, float]:
        ours = time.process_time() + sum(one.cpu_seconds() for one in self._processes)
        return time.monotonic(), busy_seconds() - ours


def _position(node: Node, token: str, room_id: str) -> dict[str, Any]:
    room = node.ask("GET", f"/rooms/{room_id}", token)
    return {"epoch": room["epoch"], "seq": room["seq"]}


async def _in_turn(
    port: int, token: str, positions: Sequence[Mapping[str, Any]]
) -> tuple[list[Seen], list[Seen]]:
    sync, sockets = [], []
    for _ in range(ROUNDS):
        sync.append(await _by_sync(port, token, positions))
        sockets.append(await _by_socket(port, token, positions))
    return sync[1:], sockets[1:]  # the first ones find caches cold


async def _by_sync(port: int, token: str, positions: Sequence[Mapping[str, Any]]) -> Seen:
    began, byte_count = time.perf_counter(), 0
    left, seqs = {one["room_id"]: dict(one) for one in positions}, dict[str, list[int]]()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    has_more = True
    while has_more:
        body = json.dumps({"positions": list(left.values()), "others": False, "limit": 5_000})
        head = (
            f"POST /sync HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(f"{head}{body}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        page = json.loads(await reader.readexactly(length))
        byte_count += len(head) + len(body) + len(answer) + length
        for item in page["items"]:
            if item["type"] != "live":
                seqs.setdefault(item["room_id"], []).append(item["seq"])
            left[item["room_id"]]["seq"] = item["seq"]
        has_more = page["has_more"]
    took = time.perf_counter() - began
    writer.close()
    return Seen(1_000 * took, byte_count, seqs)


async def _by_socket(port: int, token: str, positions: Sequence[Mapping[str, Any]]) -> Seen:
    began, seqs, live = time.perf_counter(), dict[str, list[int]](), 0
    heads = {"Authorization": f"Bearer {token}"}
    url = f"ws://127.0.0.1:{port}/ws/messages"
    async with connect(url, additional_headers=heads, compression=None, proxy=None) as socket:
        assert socket.request is not None  # noqa: S101 - the handshake is over
        assert socket.response is not None  # noqa: S101
        byte_count = len(socket.request.serialize()) + len(socket.response.serialize())
        byte_count += _frame_bytes(await socket.recv())
        for one in positions:
            since = {"epoch": one["epoch"], "seq": one["seq"]}
            command = json.dumps({"type": "subscribe", "room_id": one["room_id"], "since": since})
            byte_count += _frame_bytes(command) + 4
            await socket.send(command)
        while live < len(positions):
            frame = await socket.recv()
            byte_count += _frame_bytes(frame)
            event = json.loads(frame)
            if event["type"] == "live":
                live += 1
            elif "at" in event and event["type"] != "ack":
                seqs.setdefault(event["room_id"], []).append(event["seq"])
        took = time.perf_counter() - began
    return Seen(1_000 * took, byte_count, seqs)


def _frame_bytes(frame: str | bytes) -> int:
    data = frame.encode() if isinstance(frame, str) else frame
    return len(data) + (2 if len(data) <= SMALL_BYTES else 4)
