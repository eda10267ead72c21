"""F6, F7, F8 and F11: a database dies, falls silent, is cut off or moves its data. F10 is in cluster_cases.py."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from api.errors import Unavailable
from api.store.rethinkdb import r
from tests.faults.case import CLUSTER, Round, Rounds, case
from tests.faults.history import What
from tests.faults.machine import Api
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic, traffic
from tests.node import eventually
from tests.rethinkdb_server import as_admin

BACK_SECONDS = 5.0
NOTICED_SECONDS = 12.0
RECONFIGURED_SECONDS = 10.0


@case(
    "F6",
    "RethinkDB killed mid-feed and started again",
    stores=CLUSTER,
    short=3,
    long=50,
    promise="/readyz 503 meanwhile, nothing acked; no socket closed; back <= 5 s after it answers; I1-I5",
)
async def database_killed(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2) as nodes, traffic(nodes, random.Random(6), clients=30, rooms=3) as people:
        for one in rounds:
            async with one.watching(people), people.flowing():
                await asyncio.sleep(one.rng.uniform(0.1, 1.0))
                await asyncio.to_thread(scene.server.kill)
                killed_at = time.monotonic()
                await eventually(lambda: _all_say(nodes, 503))
                one.took("noticed", time.monotonic() - killed_at, at_most=NOTICED_SECONDS)
                await asyncio.sleep(one.rng.uniform(0, 1.0))
                one.require(await _all_say(nodes, 200, "/healthz"), "/healthz did not say 200")
                await asyncio.to_thread(scene.server.start)
                await _is_back(one, people, nodes, since=time.monotonic())


@case(
    "F7",
    "RethinkDB stopped (SIGSTOP) for 3, 15 and 60 s",
    stores=CLUSTER,
    short=1,
    long=6,
    promise="noticed <= 12 s; nothing acked; no socket closed; back <= 5 s; I1-I5",
)
async def database_paused(scene: Scene, rounds: Rounds) -> None:
    server = scene.server
    async with scene.nodes(2) as nodes:
        await _silences(rounds, nodes, (15, 60, 3), server.pause, server.resume)


@case(
    "F8",
    "the network between API and RethinkDB drops everything for 5, 30 and 120 s",
    stores=CLUSTER,
    short=0,
    long=6,
    promise="noticed <= 12 s; nothing acked; no socket closed; back <= 5 s; I1-I5",
)
async def database_cut_off(scene: Scene, rounds: Rounds) -> None:
    async with scene.bad_network() as (network, url), scene.nodes(2, url=url) as nodes:
        await _silences(rounds, nodes, (30, 120, 5), network.silence, network.heal)


async def _silences(
    rounds: Rounds,
    nodes: Sequence[Api],
    lengths: Sequence[float],
    silence: Callable[[], None],
    end: Callable[[], None],
) -> None:
    """Silence the database for each of these durations (seconds) in turn."""
    async with traffic(nodes, random.Random(7), clients=30, rooms=3) as people:
        for one in rounds:
            async with one.watching(people), people.flowing(20):
                await asyncio.sleep(one.rng.uniform(0.1, 1.0))
                silence()
                try:
                    await _is_noticed(one, nodes, lengths[(one.number - 1) % len(lengths)])
                finally:
                    end()
                await _is_back(one, people, nodes, since=time.monotonic())


@case(
    "F11",
    "tables moved (reconfigure, rebalance) under load",
    stores=CLUSTER,
    short=1,
    long=20,
    promise="I2-I4; whole <= 10 s after",
)
async def tables_moved(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2) as nodes, traffic(nodes, random.Random(11), clients=30, rooms=3) as people:
        for one in rounds:
            shards = 1 + one.number % 2
            async with one.watching(people):
                async with people.flowing():
                    await asyncio.sleep(one.rng.uniform(0.1, 0.5))
                    for table in ("heads", "batches", "members"):
                        await as_admin(scene.server, r.table(table).reconfigure(shards=shards, replicas=1))
                    with suppress(Unavailable):  # the database refuses while a table is still moving
                        await as_admin(scene.server, r.table("heads").rebalance())
                one.took("whole", await people.whole(), at_most=RECONFIGURED_SECONDS)


async def _is_noticed(one: Round, nodes: Sequence[Api], seconds: float) -> None:
    """Wait through the silence. If it is long enough, require that it is noticed."""
    began_at = time.monotonic()
    if seconds > NOTICED_SECONDS:
        await eventually(lambda: _all_say(nodes, 503), seconds=seconds)
        one.took("noticed", time.monotonic() - began_at, at_most=NOTICED_SECONDS)
    await asyncio.sleep(max(0.0, began_at + seconds - time.monotonic()))


async def _is_back(one: Round, people: Traffic, nodes: Sequence[Api], *, since: float) -> None:
    """Require that the feed of every node is back in time, messages are acked again, and no socket was closed."""
    await eventually(lambda: _all_say(nodes, 200), seconds=60)
    one.took("feed back", time.monotonic() - since, at_most=BACK_SECONDS)
    before = len(people.history)
    await eventually(lambda: _is_acked(people, before), seconds=60)
    one.took("acks back", time.monotonic() - since, at_most=BACK_SECONDS)
    codes = [code for client in people.clients for code in client.close_codes]
    one.require(not codes, f"sockets were closed: {codes}")


async def _all_say(nodes: Sequence[Api], status: int, path: str = "/readyz") -> bool:
    return all([await node.status(path) == status for node in nodes])


async def _is_acked(people: Traffic, since: int) -> bool:
    return any(record.what is What.ACK for record in people.history[since:])
