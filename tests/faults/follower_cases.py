"""F50 and F51: the node that runs a follower dies, or is paused, while entries come."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from api.store import Opening, open_store
from api.store.base.store import Store
from tests.faults.case import Round, Rounds, case
from tests.faults.following import NAME, Effect, Effects, program
from tests.faults.machine import Api
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic, traffic
from tests.node import eventually

OVER_SECONDS = 16.0
"""A lease ends after 10 s, and who waits for it asks every 3 s."""
CAUGHT_UP_SECONDS = 30.0


@dataclass
class Followed:
    """Two nodes with a follower, its effects, and the store in which its positions are."""

    nodes: Sequence[Api]
    people: Traffic
    effects: Effects
    store: Store

    async def leader(self) -> Api:
        """Wait until a node runs the follower, and return it."""
        found: list[Api] = []

        async def is_led() -> bool:
            held = [await node.metric(f'tailwire_lease_held{{lease="{NAME}"}}') for node in self.nodes]
            found[:] = [node for node, one in zip(self.nodes, held, strict=True) if one]
            return len(found) == 1

        await eventually(is_led, seconds=OVER_SECONDS)
        return found[0]

    def newest_number(self) -> int:
        """Return the highest number under which an effect was made."""
        return max((one.number for one in self.effects.all()), default=0)

    async def is_led_anew(self, number: int) -> None:
        """Wait until there are effects under a higher number."""

        async def is_higher() -> bool:
            return self.newest_number() > number

        await eventually(is_higher, seconds=2 * OVER_SECONDS)

    async def positions(self) -> dict[str, int]:
        """Return how far the follower has come, by room."""
        rooms = await self.store.positions.page(NAME, after="", limit=1_000)
        return {one.head.room_id: one.reached for one in rooms if one.reached is not None}

    async def caught_up(self) -> None:
        """Wait until every entry has its effect, and every position says so."""

        async def is_all_done() -> bool:
            rooms = await self.store.positions.page(NAME, after="", limit=1_000)
            return all(one.reached == one.head.seq for one in rooms if one.head.seq)

        await eventually(is_all_done, seconds=CAUGHT_UP_SECONDS)

    async def check(self, one: Round, before: dict[str, int]) -> None:
        """Note what is wrong with effects and positions."""
        now = await self.positions()  # before the effects, as those come first
        effects = self.effects.all()
        for what in [*wrong_effects(effects), *wrong_positions(effects, before, now)]:
            one.require(False, what)


def wrong_effects(effects: Sequence[Effect]) -> Iterator[str]:
    """Yield what is wrong with effects in the order in which they were made."""
    for room_id, found in groupby(sorted(effects, key=lambda one: one.room_id), key=lambda one: one.room_id):
        seqs = [one.seq for one in found]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"the effects of {room_id} are not in the order of the log: {seqs[:200]}"
    numbers = [one.number for one in effects]
    if numbers != sorted(numbers):
        yield "a lower number has changed something after a higher one"
    if len({(one.number, one.pid) for one in effects}) != len(set(numbers)):
        yield "two processes had the same number"


def wrong_positions(effects: Sequence[Effect], before: dict[str, int], now: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with positions, which are older than the effects."""
    done = dict.fromkeys(now, 0) | {one.room_id: one.seq for one in effects}
    for room_id, seq in now.items():
        if seq > done[room_id]:
            yield f"the position in {room_id} is {seq}, and the last effect {done[room_id]}"
        if seq < before.get(room_id, 0):
            yield f"the position in {room_id} went back from {before[room_id]} to {seq}"


@asynccontextmanager
async def followed(scene: Scene, seed: int) -> AsyncIterator[Followed]:
    """Run two nodes with a follower, and clients on both."""
    path = scene.directory / "effects.db"
    effects = Effects(path)
    async with (
        scene.nodes(2, program=program(path)) as nodes,
        traffic(nodes, random.Random(seed), clients=20, rooms=5) as people,
    ):
        store = await open_store(scene.url, opening=Opening.USE)
        try:
            yield Followed(nodes, people, effects, store)
        finally:
            await store.close()


@case(
    "F50",
    "the node that runs a follower dies: at any moment, or before or after an effect",
    short=1,
    long=100,
    promise="each entry has its effect once, in order; positions neither skip nor go back; taken over <= 16 s",
)
async def leader_killed(scene: Scene, rounds: Rounds) -> None:
    async with followed(scene, 50) as it:
        for one in rounds:
            async with one.watching(it.people):
                leader, before = await it.leader(), await it.positions()
                async with it.people.flowing():
                    await asyncio.sleep(one.rng.uniform(0.05, 1.5))
                    if where := one.rng.choice(("before", "after", "")):
                        it.effects.arm("die", where)
                    else:
                        leader.kill()
                    await leader.ended()
                    killed_at, number = time.monotonic(), it.newest_number()
                    await it.check(one, before)
                    await it.is_led_anew(number)
                    one.took("taken over", time.monotonic() - killed_at, at_most=OVER_SECONDS)
                await it.people.whole()
                await it.caught_up()
                await it.check(one, before)
                await leader.start()


@case(
    "F51",
    "the node that runs a follower is paused before or after an effect, until another runs it",
    short=1,
    long=50,
    promise="as F50; what the paused node does when it goes on changes nothing",
)
async def leader_paused(scene: Scene, rounds: Rounds) -> None:
    async with followed(scene, 51) as it:
        for one in rounds:
            async with one.watching(it.people):
                leader, before = await it.leader(), await it.positions()
                refused, lost = it.effects.refused(), leader.log.read_text().count("lease_lost")
                where = ("before", "after")[one.number % 2]
                async with it.people.flowing():
                    it.effects.arm("pause", where)
                    await eventually(lambda: _is_stopped(leader), seconds=OVER_SECONDS)  # noqa: B023  used at once
                    paused_at, number = time.monotonic(), it.newest_number()
                    await it.is_led_anew(number)
                    one.took("taken over", time.monotonic() - paused_at, at_most=OVER_SECONDS)
                    leader.resume()
                    await eventually(leader.is_ready, seconds=OVER_SECONDS)
                await it.people.whole()
                await it.caught_up()
                await it.check(one, before)
                one.require(leader.log.read_text().count("lease_lost") > lost, "the paused node did not stop")
                if where == "before":
                    one.require(it.effects.refused() > refused, "nobody has refused the late effect")


async def _is_stopped(node: Api) -> bool:
    return Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
