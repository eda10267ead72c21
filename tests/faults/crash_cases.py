"""F1 to F4: a node dies or ends at the worst moments. F5 is in host_cases.py."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

from api.failpoints import Failpoint
from tests.faults.case import BOTH, Round, Rounds, case
from tests.faults.client import Client
from tests.faults.erasing import require_erased
from tests.faults.machine import Api, at_failpoint
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic, traffic

WHOLE_SECONDS = 10.0
EXIT_SECONDS = 10.0
LOOK_ROUNDS = 10
"""In each tenth round the store is read for what was deleted."""


@case(
    "F1",
    "API killed at a random byte of a send",
    short=20,
    long=200,
    promise="I1-I5; whole <= 10 s after the restart",
)
async def killed(scene: Scene, rounds: Rounds) -> None:
    async def die(one: Round, node: Api, people: Traffic) -> None:
        one.rng.choice(people.clients).half_a_frame()
        await asyncio.sleep(one.rng.uniform(0, 0.002))
        node.kill()
        await node.ended()

    async with scene.node() as node:
        await _dies(scene, rounds, node, die)


@case(
    "F2",
    "API dies after the append, before the ack",
    short=3,
    long=20,
    promise="I3: a retry gets the seq of the first",
)
async def dies_before_the_ack(scene: Scene, rounds: Rounds) -> None:
    await _dies_at(scene, rounds, Failpoint.BEFORE_ACK)


@case(
    "F3",
    "API dies after the ack, before the fan-out",
    short=3,
    long=20,
    promise="I4: the others get it by resuming",
)
async def dies_before_the_broadcast(scene: Scene, rounds: Rounds) -> None:
    await _dies_at(scene, rounds, Failpoint.BEFORE_BROADCAST)


async def _dies_at(scene: Scene, rounds: Rounds, point: Failpoint) -> None:
    trigger = scene.directory / "crash"

    async def die(_one: Round, node: Api, _people: Traffic) -> None:
        trigger.touch()
        await node.ended()
        trigger.unlink()

    async with scene.node(program=at_failpoint("die", point, trigger)) as node:
        await _dies(scene, rounds, node, die)


async def _dies(
    scene: Scene, rounds: Rounds, node: Api, die: Callable[[Round, Api, Traffic], Coroutine[Any, Any, None]]
) -> None:
    """Kill a node under load in the given way, and start it again."""
    async with traffic([node], random.Random(1), clients=30, rooms=3, mixed=True) as people:
        for one in rounds:
            async with one.watching(people):
                async with people.flowing():
                    await asyncio.sleep(one.rng.uniform(0.05, 0.6))
                    await die(one, node, people)
                    await node.start()
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                whole_at = time.monotonic()
            if one.number % LOOK_ROUNDS == 0:
                await require_erased(one, scene, people, since=whole_at)


@case(
    "F4",
    "SIGTERM to both nodes in turn, with sockets that never read",
    stores=BOTH,
    short=3,
    long=20,
    promise="exit <= 10 s; sockets closed with 1012; I1-I5",
)
async def rolling_restart(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2) as nodes, traffic(nodes, random.Random(4), clients=30, rooms=3) as people:
        for one in rounds:
            async with one.watching(people):
                async with people.flowing():
                    for node in nodes:
                        stuck = one.rng.sample(people.clients, 3)
                        _stop_reading(stuck)
                        await asyncio.sleep(one.rng.uniform(0.05, 0.3))
                        node.terminate()
                        one.took("exit", await node.ended(EXIT_SECONDS + 5), at_most=EXIT_SECONDS)
                        for client in stuck:
                            client.drop()
                        await node.start()
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                codes = {code for client in people.clients for code in client.close_codes}
                one.require(codes <= {1012, 1006}, f"sockets were closed with {codes}")
                one.require(1012 in codes, "no socket was told of the restart")


def _stop_reading(clients: list[Client]) -> None:
    for client in clients:
        client.pause_reading()
