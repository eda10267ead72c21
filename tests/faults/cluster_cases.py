"""F10: a cluster of three RethinkDB servers that loses its primary, and then is cut in two."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from tests.faults.case import CLUSTER, Round, Rounds, case
from tests.faults.history import What
from tests.faults.machine import Api, api
from tests.faults.scene import OPEN, Scene
from tests.faults.traffic import Traffic, traffic
from tests.faults.trio import Trio, trio
from tests.node import eventually

WRITES_BACK_SECONDS = 20.0
CUT_SECONDS = 15.0
IN_FLIGHT_SECONDS = 0.5
"""An answer from before the cut may arrive this much later."""


@case(
    "F10",
    "three servers: the primary killed under load, then one server cut off",
    stores=CLUSTER,
    short=0,
    long=5,
    promise="writes back <= 20 s; the minority never acks; I1-I5",
)
async def primary_killed(scene: Scene, rounds: Rounds) -> None:
    async with trio(scene.directory) as cluster, AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(api(scene.directory, OPEN | {"TAILWIRE_STORE": host.store_url}))
            for host in cluster.hosts
        ]
        people = await stack.enter_async_context(
            traffic(nodes, random.Random(10), clients=30, rooms=3, url=lambda n: nodes[n % 3].ws_url)
        )
        for one in rounds:
            async with one.watching(people):
                await _kill_the_primary(one, cluster, people)
            async with one.watching(people):
                await _cut_off_a_server(one, cluster, people, nodes)
            one.took("servers that crashed by themselves", cluster.crash_count)


async def _kill_the_primary(one: Round, cluster: Trio, people: Traffic) -> None:
    victim = await cluster.primary()
    async with people.flowing(30):
        await asyncio.sleep(one.rng.uniform(0.2, 1.0))
        killed_at = time.monotonic()
        await asyncio.to_thread(cluster.hosts[victim].kill)
        survivors = {client.name for number, client in enumerate(people.clients) if number % 3 != victim}
        one.took(
            "writes back",
            await _acked_again(cluster, people, killed_at, survivors),
            at_most=WRITES_BACK_SECONDS,
        )
        await cluster.start(cluster.hosts[victim])
    started_at = time.monotonic()
    await cluster.wait_whole()
    await people.whole()
    one.took("whole", time.monotonic() - started_at)


async def _cut_off_a_server(one: Round, cluster: Trio, people: Traffic, nodes: Sequence[Api]) -> None:
    minority = one.rng.randrange(3)
    others = {client.name for number, client in enumerate(people.clients) if number % 3 != minority}
    async with people.flowing(30):
        await asyncio.sleep(one.rng.uniform(0.2, 1.0))
        cut_at = time.monotonic()
        cluster.hosts[minority].cut()
        try:
            one.took(
                "writes back, cut",
                await _acked_again(cluster, people, cut_at, others),
                at_most=WRITES_BACK_SECONDS,
            )
            await asyncio.sleep(max(0.0, cut_at + CUT_SECONDS - time.monotonic()))
            one.require(not await nodes[minority].is_ready(), "the minority's /readyz said 200")
            healed_at = time.monotonic()
        finally:
            cluster.hosts[minority].heal()
    acked = [
        record
        for record in people.history
        if record.what is What.ACK
        and record.client not in others
        and cut_at + IN_FLIGHT_SECONDS < record.at < healed_at
    ]
    one.require(not acked, f"the minority acked: {acked[:3]}")
    await cluster.wait_whole()
    await people.whole()
    one.took("whole, cut", time.monotonic() - healed_at)


async def _acked_again(cluster: Trio, people: Traffic, since: float, clients: set[str]) -> float:
    """Return the time from `since` to the first ack, at one of these clients, of a message sent after it."""
    found: list[float] = []

    async def is_acked() -> bool:
        await cluster.revive()
        invoked = {
            r.ref for r in people.history if r.what is What.INVOKE and r.at > since + IN_FLIGHT_SECONDS
        }
        found[:] = [
            r.at
            for r in people.history
            if r.what is What.ACK and r.client in clients and r.at > since and r.ref in invoked
        ]
        return bool(found)

    await eventually(is_acked, seconds=60)
    return found[0] - since
