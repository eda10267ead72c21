"""F37 and F38: who is online, when a node is killed with many people on it, and when very many come back at once."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from tests.faults.case import Round, Rounds, case
from tests.faults.client import Account
from tests.faults.ear import Heard, listening
from tests.faults.listener import listening as connected
from tests.faults.machine import Api
from tests.faults.people import People, people
from tests.faults.scene import Scene
from tests.node import Event, Person, eventually

ONLINE_SECONDS: Final = 2.0
"""The bound of rules.md for who comes, from when the last of them is connected."""
GRACE_SECONDS: Final = 20.0
BEAT_SECONDS: Final = 4.0
"""A node that dies was last heard of at most so long before: offline is told so much earlier at most."""
OFFLINE_SECONDS: Final = GRACE_SECONDS + 2.0
QUIET_SECONDS: Final = GRACE_SECONDS + 5.0
"""After this time nothing comes any more of what came back."""
WATCHED: Final = 200
"""A connection watches as many."""
AT_ONCE: Final = 20
PEOPLE: Final = 200
CROWD: Final = 2_000
SETTINGS: Final = {"TAILWIRE_SIGNUP": "open", "TAILWIRE_UNAUTHENTICATED_CONNECTIONS": "4000"}


class Watch:
    """What watchers are told of who is online: `told` has the moments and values by user."""

    def __init__(self) -> None:
        self.told: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)

    def heard(self, event: Event) -> None:
        """Take note of an event."""
        if event["type"] == "presence":
            self.told[event["user_id"]].append((time.monotonic(), event["online"]))

    def forget(self) -> None:
        """Forget what was told until now."""
        self.told.clear()

    @property
    def count(self) -> int:
        """The number of events."""
        return sum(map(len, self.told.values()))


@asynccontextmanager
async def _watching(
    users: People, watchers: Sequence[Person], watched: Sequence[str]
) -> AsyncIterator[Watch]:
    """Let watchers at the first node watch all of these users, so many each as one may."""
    watch = Watch()
    heard: Heard = watch.heard
    async with AsyncExitStack() as stack:
        for number, person in enumerate(watchers):
            ear = await stack.enter_async_context(listening(person, users.nodes[0], heard))
            await ear.call(type="watch", user_ids=list(watched[number * WATCHED : (number + 1) * WATCHED]))
        yield watch


async def _crowd(node: Api, count: int) -> list[Account]:
    """Sign up very many people."""
    made: list[Account] = []
    for begin in range(0, count, AT_ONCE):
        names = [f"crowd{number}" for number in range(begin, min(count, begin + AT_ONCE))]
        made += await asyncio.gather(*map(node.sign_up, names))
    return made


async def _killed_with_all_online(
    one: Round, here: Api, there: Api, crowd: Sequence[Account], watch: Watch
) -> tuple[float, float]:
    """Connect a crowd to the second node, and kill it once all of them are told to be online at the first.

    Returns the time of the kill, and the seconds of CPU that the first node had used by then.
    """
    watch.forget()
    ids = [account.user_id for account in crowd]
    async with connected(there, crowd, ["lobby"], len(crowd)):
        began_at = time.monotonic()
        await eventually(lambda: _are_all(watch, ids, online=True), seconds=20)
        one.took("online", time.monotonic() - began_at, at_most=ONLINE_SECONDS)
        watch.forget()
        cpu_seconds = here.cpu_seconds()
        there.kill()
        killed_at = time.monotonic()
    await there.ended()
    return killed_at, cpu_seconds


@case(
    "F37",
    "a node with 200 people online is killed, and half of them come to the other node at once",
    long=3,
    promise="the others are offline once, 16 to 22 s after; of those who came back nothing is told; /users is right",
)
async def node_with_people_killed(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2, settings=SETTINGS) as nodes, people(nodes, 1) as users:
        here, there = nodes
        crowd = await _crowd(here, PEOPLE)
        backs, gones = crowd[: PEOPLE // 2], crowd[PEOPLE // 2 :]
        ids = [account.user_id for account in crowd]
        gone_ids = ids[len(backs) :]
        async with _watching(users, users.persons, ids) as watch:
            for one in rounds:
                killed_at, _ = await _killed_with_all_online(one, here, there, crowd, watch)
                async with connected(here, backs, ["lobby"], len(backs)):
                    one.took("back", time.monotonic() - killed_at)
                    await eventually(lambda: _are_all(watch, gone_ids, online=False), seconds=60)
                    moments = [moment - killed_at for events in watch.told.values() for moment, _ in events]
                    one.took("offline, first", min(moments), at_least=GRACE_SECONDS - BEAT_SECONDS - 1)
                    one.took("offline", max(moments), at_most=OFFLINE_SECONDS)
                    one.require(watch.count == len(gones), f"{watch.count} events of {len(gones)} who went")
                    one.require(set(watch.told) == set(gone_ids), "something was told of who came back")
                    await _is_right_when_asked(one, users, backs[:20], gones[:20])
                await there.start()
                await asyncio.sleep(QUIET_SECONDS)  # those who were back have gone, too


async def _are_all(watch: Watch, ids: Sequence[str], *, online: bool) -> bool:
    return all(watch.told[user_id] and watch.told[user_id][-1][1] is online for user_id in ids)


async def _is_right_when_asked(
    one: Round, users: People, backs: Sequence[Account], gones: Sequence[Account]
) -> None:
    for accounts, online in ((backs, True), (gones, False)):
        for account in accounts:
            told = await users.ask(0, users.persons[0], "GET", f"/users/{account.user_id}")
            one.require(told.json()["online"] is online, f"{account.username} is told online: {not online}")


@case(
    "F38",
    "a node with 2,000 people online is killed, and all of them come to the other node at once",
    long=3,
    promise="no event at all: nobody seems to go",
)
async def all_come_back(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2, settings=SETTINGS) as nodes,
        people(nodes, CROWD // WATCHED) as users,
    ):
        here, there = nodes
        crowd = await _crowd(here, CROWD)
        ids = [account.user_id for account in crowd]
        async with _watching(users, users.persons, ids) as watch:
            for one in rounds:
                killed_at, cpu_seconds = await _killed_with_all_online(one, here, there, crowd, watch)
                async with connected(here, crowd, ["lobby"], CROWD):
                    back_seconds = time.monotonic() - killed_at
                    one.took("back", back_seconds, at_most=GRACE_SECONDS - BEAT_SECONDS)
                    await asyncio.sleep(QUIET_SECONDS)
                    one.took("node CPU", here.cpu_seconds() - cpu_seconds)
                    one.took("events", watch.count)
                    # On a machine that is too busy some come back after the grace, and have gone indeed.
                    is_late = back_seconds > GRACE_SECONDS - BEAT_SECONDS
                    one.require(is_late or watch.count == 0, f"{watch.count} events were told")
                await there.start()
                await asyncio.sleep(QUIET_SECONDS)
