"""L1 to L7, L9 and L10: loads that a server must carry on one core, with the clients on another."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.faults.case import CLUSTER, EMBEDDED, Round, Rounds, case
from tests.faults.client import Account, Client
from tests.faults.filling import fill
from tests.faults.history import History, What
from tests.faults.listener import Tally, churning, listening, stamp
from tests.faults.machine import Api
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic, traffic
from tests.node import eventually

MEBIBYTE = 1024 * 1024
WARM_SECONDS = 2.0
FLAT_OUT_SECONDS = 30.0
PAGE = 50
HEARTBEAT_SECONDS = 25
PART_SECONDS = 30.0
"""The history of a long load is checked in parts of this length."""
FREED_SECONDS = 60.0


@case(
    "L1",
    "5,000 idle sockets, each in a room, 10 min",
    stores=EMBEDDED,
    long=1,
    promise="all stay; memory <= 48 KiB each; idle CPU <= 15 % of a core; heartbeats come",
)
async def idle(scene: Scene, rounds: Rounds) -> None:
    async with _crowd(scene, seed=1, clients=10, rooms=100) as (node, people):
        for one in rounds:
            seconds, before = rounds.lasting(10), node.memory_bytes()
            async with listening(node, _accounts(people), people.rooms, 5_000) as tally:
                cpu_seconds = node.cpu_seconds()
                await asyncio.sleep(seconds)
                one.took("minutes", seconds / 60)
                one.took("memory KiB each", (node.memory_bytes() - before) / 5_000 / 1_024, at_most=48)
                one.took("CPU %", 100 * (node.cpu_seconds() - cpu_seconds) / seconds, at_most=15)
                one.require(len(tally.heartbeats) == 5_000, "a socket had no heartbeat")
                one.took(
                    "heartbeats each",
                    min(tally.heartbeats.values()),
                    at_least=seconds // HEARTBEAT_SECONDS - 1,
                )
                _is_sound(one, tally)


@case(
    "L2",
    "1,500 sockets connect, authenticate and subscribe",
    stores=EMBEDDED,
    long=3,
    promise=">= 300/s",
)
async def connects(scene: Scene, rounds: Rounds) -> None:
    async with _crowd(scene, seed=2, clients=2, people=50, rooms=1) as (node, people):
        accounts = [await node.sign_up(f"l2{number}") for number in range(20)]
        for account in accounts:
            await node.ask("POST", f"/rooms/{people.rooms[0]}/join", account)
        for one in rounds:
            began_at = time.monotonic()
            async with listening(node, accounts, people.rooms, 1_500) as tally:
                one.took("per second", 1_500 / (time.monotonic() - began_at), at_least=300)
                _is_sound(one, tally)


@case(
    "L3",
    "one room of 1,000, 20 messages/s, 60 s",
    stores=EMBEDDED,
    long=3,
    promise="I2; p99 <= 150 ms, p99.9 <= 400 ms",
)
async def a_full_room(scene: Scene, rounds: Rounds) -> None:
    await _rooms(scene, rounds, listeners=1_000, rooms=1, per_second=20, p99=150, p999=400)


@case(
    "L4",
    "one room of 2,000, 10 messages/s, 60 s",
    stores=EMBEDDED,
    long=3,
    promise="I2; p99 <= 300 ms",
)
async def a_fuller_room(scene: Scene, rounds: Rounds) -> None:
    await _rooms(scene, rounds, listeners=2_000, rooms=1, per_second=10, p99=300)


@case(
    "L5",
    "100 rooms of 10, 200 messages/s, 60 s",
    stores=EMBEDDED,
    long=3,
    promise="I2; ack p99 <= 50 ms, delivery p99 <= 75 ms",
)
async def many_rooms(scene: Scene, rounds: Rounds) -> None:
    await _rooms(scene, rounds, listeners=1_000, rooms=100, per_second=200, p99=75, ack_p99=50)


@case(
    "L6",
    "50 writers flat out in 10 rooms, 30 s",
    stores=EMBEDDED,
    long=3,
    promise="I1-I3; >= 1,000 acked/s",
)
async def flat_out(scene: Scene, rounds: Rounds) -> None:
    async with _crowd(scene, seed=6, clients=50, people=50, rooms=10, alone=True) as (_node, people):
        for one in rounds:
            async with one.watching(people):
                until = time.monotonic() + FLAT_OUT_SECONDS
                acked = await asyncio.gather(*(_write(client, until) for client in people.clients))
                one.took("acked per second", sum(acked) / FLAT_OUT_SECONDS, at_least=1_000)
                one.took("ack p99 ms", _ack_p99(people.history))


async def _write(client: Client, until: float) -> int:
    """Send the next message as soon as the last one is acked; return the number of acks."""
    count = 0
    while time.monotonic() < until:
        pending = client.send(client.rooms[0])
        await client.until(lambda ref=pending.ref: ref not in client.pending)  # type: ignore[misc]
        count += 1
    return count


@case(
    "L7",
    "50 messages/s to 100 members on the other node, 60 s",
    stores=CLUSTER,
    long=3,
    promise="I2; ack p99 <= 100 ms, delivery p99 <= 250 ms",
)
async def across_nodes(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2) as (one_node, other),
        traffic([one_node], random.Random(7), clients=5, people=5, rooms=1) as people,
    ):
        for one in rounds:
            async with listening(other, _accounts(people), people.rooms, 100) as tally:
                await _flow(one, people, tally, per_second=50, p99=250, ack_p99=100)


@case(
    "L9",
    "pages of 50 of a room of 1,000,000 messages, 50/s, 60 s",
    stores=EMBEDDED,
    long=1,
    promise="p99 <= 50 ms; page 10,000 within 2 x of page 1",
)
async def long_history(scene: Scene, rounds: Rounds) -> None:
    async with scene.node() as node, traffic([node], random.Random(9), clients=1, rooms=1) as people:
        account, room_id = people.clients[0].account, people.rooms[0]
    await fill(scene.url, room_id, [account], 1_000_000)
    async with scene.node() as node:
        for one in rounds:
            head = int((await node.ask("GET", f"/rooms/{room_id}", account))["seq"])
            befores = {"page 1": head + 1, "page 10,000": head + 1 - 9_999 * PAGE}
            took: dict[str, list[float]] = {"page 1": [], "page 10,000": [], "any page": []}
            begin, cpu_seconds = time.monotonic(), node.cpu_seconds()
            asked = []
            for number in range(60 * 50):
                name = list(took)[number % 3]
                before = befores.get(name) or one.rng.randrange(PAGE, head)
                asked.append(asyncio.create_task(_page(node, account, room_id, before, took[name])))
                await asyncio.sleep(max(0, begin + number / 50 - time.monotonic()))
            await asyncio.gather(*asked)
            one.took("CPU ms a page", 1_000 * (node.cpu_seconds() - cpu_seconds) / len(asked))
            one.took("p99 ms", _percentile([ms for some in took.values() for ms in some], 0.99), at_most=50)
            for name, some in took.items():
                one.took(f"{name} p50 ms", _percentile(some, 0.5))
            ratio = _percentile(took["page 10,000"], 0.5) / _percentile(took["page 1"], 0.5)
            one.took("ratio", ratio, at_most=2)


async def _page(node: Api, account: Account, room_id: str, before: int, took: list[float]) -> None:
    began_at = time.monotonic()
    page = await node.ask("GET", f"/rooms/{room_id}/messages?before={before}&limit={PAGE}", account)
    took.append(1_000 * (time.monotonic() - began_at))
    assert [item["seq"] for item in page["items"]] == list(range(before - PAGE, before))


@case(
    "L10",
    "L5's load and 20 connects/s, 30 min",
    stores=EMBEDDED,
    long=1,
    promise="I2; memory + <= 5 % after the first sixth; descriptors and tasks back",
)
async def soak(scene: Scene, rounds: Rounds) -> None:
    async with _crowd(scene, seed=10, clients=5, people=5, rooms=100) as (node, people):
        for one in rounds:
            descriptors, tasks = node.descriptors(), await _tasks(node)
            until = time.monotonic() + rounds.lasting(30)
            one.took("minutes", rounds.lasting(30) / 60)
            memory: list[int] = []
            async with (
                listening(node, _accounts(people), people.rooms, 1_000) as tally,
                churning(node, _accounts(people), people.rooms, 20) as passing,
            ):
                while time.monotonic() < until:
                    tally.seconds.clear()
                    async with one.watching(people), people.flowing(200, body=stamp):
                        await asyncio.sleep(PART_SECONDS)
                        memory.append(node.memory_bytes())
                    one.took("delivery p99 ms", tally.percentile(0.99))
                _is_sound(one, tally)
                _is_sound(one, passing)
            warm = memory[len(memory) // 6 :]
            one.took("memory MiB", warm[-1] / MEBIBYTE)
            one.took("memory drift %", 100 * (warm[-1] / warm[0] - 1), at_most=5)

            async def is_freed(descriptors: int = descriptors, tasks: float = tasks) -> bool:
                return node.descriptors() <= descriptors + 2 and await _tasks(node) <= tasks

            await eventually(is_freed, seconds=FREED_SECONDS)


@asynccontextmanager
async def _crowd(scene: Scene, *, seed: int, **sizes: Any) -> AsyncIterator[tuple[Api, Traffic]]:
    """Start one node, and `traffic` of this size on it."""
    async with scene.node() as node, traffic([node], random.Random(seed), **sizes) as people:
        yield node, people


async def _tasks(node: Api) -> float:
    return await node.metric("tailwire_tasks ")


async def _rooms(
    scene: Scene,
    rounds: Rounds,
    *,
    listeners: int,
    rooms: int,
    per_second: float,
    p99: float,
    p999: float | None = None,
    ack_p99: float | None = None,
) -> None:
    async with _crowd(scene, seed=3, clients=5, people=5, rooms=rooms) as (node, people):
        for one in rounds:
            async with listening(node, _accounts(people), people.rooms, listeners) as tally:
                await _flow(one, people, tally, per_second=per_second, p99=p99, p999=p999, ack_p99=ack_p99)


async def _flow(
    one: Round,
    people: Traffic,
    tally: Tally,
    *,
    per_second: float,
    p99: float,
    p999: float | None = None,
    ack_p99: float | None = None,
) -> None:
    async with one.watching(people):
        async with people.flowing(per_second, body=stamp):
            await asyncio.sleep(WARM_SECONDS)
            tally.seconds.clear()
            await asyncio.sleep(60.0)
        await people.whole()
    one.took("delivery p50 ms", tally.percentile(0.5))
    one.took("delivery p99 ms", tally.percentile(0.99), at_most=p99)
    one.took("delivery p99.9 ms", tally.percentile(0.999), at_most=p999)
    one.took("ack p99 ms", _ack_p99(people.history), at_most=ack_p99)
    _is_sound(one, tally)


def _ack_p99(history: History) -> float:
    sent = {record.ref: record.at for record in history if record.what is What.INVOKE}
    took = [record.at - sent[record.ref] for record in history if record.what is What.ACK]
    return 1_000 * _percentile(took, 0.99)


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _accounts(people: Traffic) -> Sequence[Account]:
    return [client.account for client in people.clients]


def _is_sound(one: Round, tally: Tally) -> None:
    one.require(not tally.faults, f"{len(tally.faults)} faults: {tally.faults[:3]}")
