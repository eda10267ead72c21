"""F14 to F17: clients that vanish, never read, fall silent, or all come back at once."""

import asyncio
import json
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from tests.faults.case import EMBEDDED, Rounds, case
from tests.faults.client import Account
from tests.faults.history import History, What
from tests.faults.machine import Api
from tests.faults.proxy import proxied
from tests.faults.scene import Scene
from tests.faults.traffic import traffic
from tests.node import eventually

MEBIBYTE = 1024 * 1024
REAPED_SECONDS = 45.0
CLOSED_SECONDS = 15.0
STORM_SECONDS = 30.0


@case(
    "F14",
    "200 of 1,000 clients reset their connections during a fan-out",
    stores=EMBEDDED,
    short=0,
    long=10,
    promise="the others' p99 <= 2 x; I1-I5; descriptors back",
)
async def many_reset(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.node() as node,
        traffic([node], random.Random(14), clients=1_000, people=20, rooms=1) as people,
    ):
        for one in rounds:
            before = node.descriptors()
            async with one.watching(people):
                async with people.flowing(10):
                    await asyncio.sleep(2.0)
                    calm = _p99(people.history, since=0.0)
                    reset_at = time.monotonic()
                    gone = one.rng.sample(people.clients, 200)
                    for client in gone:
                        client.stay_away()
                    await asyncio.sleep(2.0)
                others = {client.name for client in people.clients} - {client.name for client in gone}
                one.took("p99 calm ms", 1_000 * calm)
                one.took("p99 ratio", _p99(people.history, since=reset_at, of=others) / calm, at_most=2.0)
                for client in gone:
                    client.come_back()
                one.took("whole", await people.whole(), at_most=STORM_SECONDS)
            await _freed(node, before)


@case(
    "F15",
    "100 clients that never read, beside 50 that do",
    stores=EMBEDDED,
    short=1,
    long=10,
    promise="4420 or abort <= 15 s; memory + <= 64 MiB, descriptors freed <= 45 s; I1-I5 for the 50",
)
async def never_reading(scene: Scene, rounds: Rounds) -> None:
    async with scene.node() as node, traffic([node], random.Random(15), clients=50, rooms=1) as people:
        account, room_id = people.clients[0].account, people.rooms[0]
        for one in rounds:
            descriptors, memory = node.descriptors(), node.memory_bytes()
            async with one.watching(people), _deaf(node, account, room_id, 100):
                began_at, most = time.monotonic(), memory
                while await node.metric("tailwire_connections ") > len(people.clients):
                    for client in people.clients[:8]:
                        client.send(room_id, one.rng.randbytes(2_000).hex())
                    await asyncio.sleep(0.1)
                    most = max(most, node.memory_bytes())
                    if time.monotonic() - began_at > REAPED_SECONDS:
                        break
                one.took("closed", time.monotonic() - began_at, at_most=CLOSED_SECONDS)
                one.took("memory MiB", (most - memory) / MEBIBYTE, at_most=64)
                await _freed(node, descriptors)
                one.took("freed", time.monotonic() - began_at, at_most=REAPED_SECONDS)


@case(
    "F16",
    "20 connections fall silent without a FIN",
    stores=EMBEDDED,
    short=0,
    long=3,
    promise="reaped <= 45 s; I1-I5",
)
async def half_open(scene: Scene, rounds: Rounds) -> None:
    async with scene.node() as node, proxied(node.port) as network:
        silent = f"ws://127.0.0.1:{network.port}/ws/messages"
        async with traffic(
            [node], random.Random(16), clients=40, rooms=2, url=lambda n: silent if n < 20 else node.ws_url
        ) as people:
            for one in rounds:
                async with one.watching(people):
                    async with people.flowing(20, people.clients[20:]):
                        network.silence()
                        began_at = time.monotonic()

                        async def are_reaped() -> bool:
                            return await node.metric("tailwire_connections ") <= 20

                        await eventually(are_reaped, seconds=REAPED_SECONDS + 15)
                        one.took("reaped", time.monotonic() - began_at, at_most=REAPED_SECONDS)
                    network.cut()
                    network.heal()
                    one.took("whole", await people.whole())


@case(
    "F17",
    "2,000 clients dropped at once, and all resume",
    short=0,
    long=5,
    promise="whole <= 30 s; store reads about rooms and users, not clients; I1-I5",
)
async def storm(scene: Scene, rounds: Rounds) -> None:
    settings = {"settings": {"TAILWIRE_UNAUTHENTICATED_CONNECTIONS": "4000"}}
    async with (
        scene.node(**settings) as node,
        traffic([node], random.Random(17), clients=2_000, people=100, rooms=4, alone=True) as people,
    ):
        for one in rounds:
            async with one.watching(people):
                async with people.flowing(20, people.clients[:20]):
                    before = await _reads(node)
                    for client in people.clients:
                        client.drop()
                    dropped_at = time.monotonic()
                    await asyncio.gather(*(client.until_lost() for client in people.clients))
                await people.whole()
                one.took("whole", time.monotonic() - dropped_at, at_most=STORM_SECONDS)
                one.took("store reads", await _reads(node) - before, at_most=2_000)


async def _reads(node: Api) -> float:
    return await node.metric("tailwire_store_reads_total")


async def _freed(node: Api, before: int) -> None:
    """Wait until the node has no more open descriptors than before. The store may have opened two."""

    async def is_freed() -> bool:
        return node.descriptors() <= before + 2

    await eventually(is_freed, seconds=REAPED_SECONDS)


def _p99(history: History, *, since: float, of: set[str] | None = None) -> float:
    """Return the 99th percentile of the time from sending a message to its arrival at a client."""
    sent = {record.ref: record.at for record in reversed(history) if record.what is What.INVOKE}
    took = sorted(
        record.at - sent[record.ref]
        for record in history
        if record.what is What.RECEIVE
        and record.ref in sent
        and sent[record.ref] >= since
        and (of is None or record.client in of)
    )
    return took[len(took) * 99 // 100]


@asynccontextmanager
async def _deaf(node: Api, account: Account, room_id: str, count: int) -> AsyncIterator[None]:
    """Open sockets that subscribe and then never read, with the smallest possible buffers."""
    deaf: list[ClientConnection] = []
    try:
        for _ in range(count):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.connect(("127.0.0.1", node.port))
            raw.setblocking(False)
            one = await connect(
                node.ws_url,
                sock=raw,
                compression=None,
                ping_interval=None,
                close_timeout=0,
                additional_headers={"Authorization": f"Bearer {account.access_token}"},
            )
            await one.send(json.dumps({"type": "subscribe", "room_id": room_id}))
            one.transport.pause_reading()
            deaf.append(one)
        yield
    finally:
        for one in deaf:
            one.transport.abort()
