"""F71 to F74: receivers of webhooks fail in every way, and what posts to them dies or is paused."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.faults.case import CLUSTER, Round, Rounds, case
from tests.faults.client import Account
from tests.faults.consumer_cases import say
from tests.faults.machine import Api
from tests.faults.posting import PROGRAM
from tests.faults.posts import Inbox, wrong_posts
from tests.faults.receivers import MOODS, Receiver, receiving
from tests.faults.scene import Scene
from tests.node import eventually

LEASE: Final = 'tailwire_lease_held{lease="webhooks"}'
ROOMS: Final = 3
FLOW_SECONDS: Final = 3.0
OVER_SECONDS: Final = 16.0
"""A lease ends after 10 s, and who waits for it asks every 3 s."""
CAUGHT_UP_SECONDS: Final = 60.0
END_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 1.0
MOST_DOUBLED: Final = 110
"""A position is stored after 100 entries or 1 s, so a node that dies has posted so many that nobody knows of. Some
more are under way in one that is paused."""
PAGE: Final = 500


@dataclass
class Hook:
    """One webhook, and what came to it."""

    webhook_id: str
    room_id: str
    receiver: Receiver
    inbox: Inbox


@dataclass
class Posting:
    """Two nodes, a user with some rooms, and receivers with a webhook each. `up` are the nodes that are asked."""

    nodes: Sequence[Api]
    owner: Account
    rooms: Sequence[str]
    receivers: Sequence[Receiver]
    rng: random.Random
    hooks: list[Hook] = field(default_factory=list)
    up: list[Api] = field(default_factory=list)
    said: list[tuple[str, int]] = field(default_factory=list)

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask any node until one gives a good answer. What is gone already is gone."""
        while True:
            try:
                return await self.rng.choice(self.up).ask(method, path, self.owner, **more)
            except httpx.HTTPStatusError as error:
                if error.response.status_code == httpx.codes.NOT_FOUND:
                    return None
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)

    async def hook(self, room_id: str, receiver: Receiver) -> Hook:
        """Make a webhook that begins at the end of a room, in which nobody writes meanwhile."""
        name = f"{len(receiver.inboxes)}"
        made = await self.ask(
            "POST", f"/rooms/{room_id}/webhooks", json={"url": receiver.url(name), "paused": True}
        )
        start = (await self.ask("GET", f"/rooms/{room_id}"))["seq"]
        inbox = Inbox(f"webhook {name} of the receiver that {receiver.mood}", start)
        receiver.inboxes[name], receiver.secrets[name] = inbox, made["secret"]
        one = Hook(made["webhook_id"], room_id, receiver, inbox)
        await self.ask("PATCH", self.path(one), json={"paused": False})
        return one

    def path(self, one: Hook) -> str:
        """Return the path of a webhook."""
        return f"/rooms/{one.room_id}/webhooks/{one.webhook_id}"

    async def end(self, one: Hook) -> None:
        """End a webhook."""
        await self.ask("DELETE", self.path(one))
        one.inbox.is_ended, one.inbox.ended_at = True, time.monotonic()

    async def write(self, number: int, rng: random.Random) -> None:
        """Write, edit and delete in all rooms."""
        until = time.monotonic() + FLOW_SECONDS
        count = 0
        while time.monotonic() < until:
            count += 1
            room_id, what = rng.choice(self.rooms), rng.random()
            if what < 0.8 or not self.said:
                seq = await say(self.up, rng, self.owner, room_id, f"{number}-{count}")
                self.said.append((room_id, seq))
            else:
                room_id, seq = self.said.pop(rng.randrange(len(self.said)))
                path = f"/rooms/{room_id}/messages/{seq}"
                if what < 0.9:
                    await self.ask("PATCH", path, json={"ref": f"e-{number}-{count}", "body": "edited"})
                else:
                    await self.ask("DELETE", path)
            await asyncio.sleep(rng.uniform(0, 0.08))

    async def let_go_on(self) -> None:
        """Let every webhook go on that is paused, for ever."""
        while True:
            for room_id in self.rooms:
                shown = (await self.ask("GET", f"/rooms/{room_id}/webhooks"))["items"]
                paused = {one["webhook_id"] for one in shown if one["state"] == "paused"}
                for one in [one for one in self.hooks if one.webhook_id in paused]:
                    one.inbox.resumed.append(time.monotonic())
                    await self.ask("PATCH", self.path(one), json={"paused": False})
            await asyncio.sleep(0.3)

    async def log(self, room_id: str, after: int) -> list[dict[str, Any]]:
        """Return the entries of a room after a seq."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.ask("GET", f"/rooms/{room_id}/log?after={after}&limit={PAGE}")
            found += page["items"]
            if not page["items"] or (after := page["items"][-1]["seq"]) >= page["seq"]:
                return found

    async def leader(self) -> Api:
        """Wait until a node posts, and return it."""
        found: list[Api] = []

        async def is_held() -> bool:
            found[:] = [node for node in self.up if await node.metric(LEASE)]
            return len(found) == 1

        await eventually(is_held, seconds=2 * OVER_SECONDS)
        return found[0]

    async def pause(self, node: Api) -> None:
        """Pause a node at a moment in which others can write: in a transaction on SQLite it would hold them up, too."""
        self.up.remove(node)
        while True:
            node.pause()
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    ref = f"p-{self.rng.random()}"
                    await say(self.up, self.rng, self.owner, self.rooms[0], ref)
                    return
            node.resume()
            await asyncio.sleep(self.rng.uniform(0, 0.1))

    async def caught_up(self, one: Round) -> None:
        """Wait until every webhook has settled every entry."""
        began = time.monotonic()

        async def is_all_there() -> bool:
            heads = {room_id: (await self.ask("GET", f"/rooms/{room_id}"))["seq"] for room_id in self.rooms}
            return all(
                set(range(hook.inbox.start + 1, heads[hook.room_id] + 1)) <= hook.inbox.settled()
                for hook in self.hooks
                if not hook.inbox.is_ended
            )

        with suppress(TimeoutError):  # the check says what is missing
            await eventually(is_all_there, seconds=CAUGHT_UP_SECONDS)
        one.took("caught up", time.monotonic() - began, at_most=CAUGHT_UP_SECONDS)

    async def check(self, one: Round, *, may_double: int = 0) -> None:
        """Note what is wrong with what came in this round, and begin anew."""
        inboxes = [hook.inbox for hook in self.hooks]
        logs = [await self.log(hook.room_id, max(0, hook.inbox.start - MOST_DOUBLED)) for hook in self.hooks]
        one.took("posts", sum(len(inbox.posts) for inbox in inboxes))
        one.took("doubled", sum(inbox.doubled() for inbox in inboxes))
        for inbox, log in zip(inboxes, logs, strict=True):
            for wrong in wrong_posts(inbox, log, may_double=may_double, end_seconds=END_SECONDS):
                one.require(False, wrong)
            inbox.start = log[-1]["seq"]
            inbox.posts.clear()
            inbox.resumed.clear()
        self.hooks[:] = [hook for hook in self.hooks if not hook.inbox.is_ended]
        for node in self.nodes:
            one.require(node.tracebacks() == 0, f"a traceback in {node.log}")

    @asynccontextmanager
    async def flowing(self, one: Round) -> AsyncIterator[Hook]:
        """Write while the block runs, and wait for the end. Yields a webhook of this round, for the block to end."""
        brief = await self.hook(one.rng.choice(self.rooms), one.rng.choice(self.receivers))
        self.hooks.append(brief)
        going_on = asyncio.create_task(self.let_go_on())
        writing = asyncio.create_task(self.write(one.number, one.rng))
        try:
            yield brief
            await writing
            await self.caught_up(one)
        finally:
            for task in (going_on, writing):
                task.cancel()
            await asyncio.gather(going_on, writing, return_exceptions=True)


@asynccontextmanager
async def posting(scene: Scene, seed: int) -> AsyncIterator[Posting]:
    """Run two nodes, and a receiver of each mood with a webhook in one of some rooms."""
    settings = {"TAILWIRE_WEBHOOK_ALLOW": "127.0.0.0/8"}
    async with (
        scene.nodes(2, program=PROGRAM, settings=settings) as nodes,
        receiving(len(MOODS) + 1, seed) as receivers,
    ):
        owner = await nodes[0].sign_up(f"f{seed}")
        rooms = [
            (
                await nodes[0].ask(
                    "POST", "/rooms", owner, json={"name": f"F{seed} {number}", "visibility": "public"}
                )
            )["id"]
            for number in range(ROOMS)
        ]
        it = Posting(nodes, owner, rooms, receivers, random.Random(seed), up=list(nodes))
        for number, (receiver, mood) in enumerate(zip(receivers, [*MOODS, "good"], strict=True)):
            receiver.mood = mood
            it.hooks.append(await it.hook(rooms[number % ROOMS], receiver))
        yield it


@case(
    "F71",
    "receivers are killed, slow, late, say 500, 301, 400 and 410, and cut off before and in an answer",
    short=1,
    long=100,
    promise="each entry once but where its answer was lost, in order, under one id; none after 410 or the end; <= 60 s",
)
async def receivers_fail(scene: Scene, rounds: Rounds) -> None:
    async with posting(scene, 71) as it:
        killed = it.receivers[-1]
        for one in rounds:
            async with it.flowing(one) as brief:
                await asyncio.sleep(one.rng.uniform(0.1, 0.6))
                await it.end(brief)
                for _ in range(2):
                    await asyncio.sleep(one.rng.uniform(0.1, 0.6))
                    await killed.kill()
                    await asyncio.sleep(one.rng.uniform(0, 0.6))
                    await killed.open()
            await it.check(one)


@case(
    "F72",
    "the node that posts to webhooks is killed, while receivers fail as in F71",
    short=1,
    long=100,
    promise="as F71; at most what was posted in a second comes again; taken over <= 16 s",
)
async def poster_killed(scene: Scene, rounds: Rounds) -> None:
    async with posting(scene, 72) as it:
        for one in rounds:
            leader = await it.leader()
            async with it.flowing(one) as brief:
                await asyncio.sleep(one.rng.uniform(0.05, 1.5))
                leader.kill()
                it.up.remove(leader)
                killed_at = time.monotonic()
                await leader.ended()
                await it.end(brief)
                await it.leader()
                one.took("taken over", time.monotonic() - killed_at, at_most=OVER_SECONDS)
                await leader.start()
                it.up.append(leader)
            await it.check(one, may_double=MOST_DOUBLED)


@case(
    "F73",
    "the node that posts to webhooks is paused until another does, while receivers fail as in F71",
    short=1,
    long=100,
    promise="as F72; what the paused node does when it goes on changes nothing",
)
async def poster_paused(scene: Scene, rounds: Rounds) -> None:
    async with posting(scene, 73) as it:
        for one in rounds:
            leader = await it.leader()
            lost = leader.log.read_text().count("lease_lost")
            async with it.flowing(one) as brief:
                await asyncio.sleep(one.rng.uniform(0.05, 1.5))
                await it.end(brief)
                await asyncio.sleep(END_SECONDS)  # who is paused before it hears of that may post once more
                await it.pause(leader)
                paused_at = time.monotonic()
                try:
                    await it.leader()
                finally:
                    leader.resume()
                one.took("taken over", time.monotonic() - paused_at, at_most=OVER_SECONDS)
                await eventually(leader.is_ready, seconds=OVER_SECONDS)
                it.up.append(leader)
            await it.check(one, may_double=MOST_DOUBLED)
            one.require(leader.log.read_text().count("lease_lost") > lost, "the paused node did not stop")


@case(
    "F74",
    "RethinkDB is killed and started again while webhooks are posted, and receivers fail as in F71",
    stores=CLUSTER,
    short=1,
    long=100,
    promise="as F72, but that the lease may stay where it is",
)
async def database_killed(scene: Scene, rounds: Rounds) -> None:
    async with posting(scene, 74) as it:
        for one in rounds:
            await it.leader()
            async with it.flowing(one) as brief:
                await asyncio.sleep(one.rng.uniform(0.05, 1.5))
                await asyncio.to_thread(scene.server.kill)
                await asyncio.sleep(one.rng.uniform(0, 1.0))
                await asyncio.to_thread(scene.server.start)
                await it.end(brief)
            await it.check(one, may_double=MOST_DOUBLED)
