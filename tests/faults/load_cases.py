"""L2 to L7: loads that a server must carry on one core, with the clients on another."""

import asyncio
import random
import time
from collections.abc import Sequence

from tests.faults.case import CLUSTER, EMBEDDED, Round, Rounds, case
from tests.faults.client import Account
from tests.faults.history import History, What
from tests.faults.listener import Tally, listening, stamp
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic, traffic

WARM_SECONDS = 2.0


@case(
    "L2",
    "1,500 sockets connect, authenticate and subscribe",
    stores=EMBEDDED,
    long=3,
    promise=">= 300/s",
)
async def connects(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.node() as node,
        traffic([node], random.Random(2), clients=2, people=50, rooms=1) as people,
    ):
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
    async with (
        scene.node() as node,
        traffic([node], random.Random(3), clients=5, people=5, rooms=rooms) as people,
    ):
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
    took = sorted(record.at - sent[record.ref] for record in history if record.what is What.ACK)
    return 1_000 * took[len(took) * 99 // 100]


def _accounts(people: Traffic) -> Sequence[Account]:
    return [client.account for client in people.clients]


def _is_sound(one: Round, tally: Tally) -> None:
    one.require(not tally.faults, f"{len(tally.faults)} faults: {tally.faults[:3]}")
