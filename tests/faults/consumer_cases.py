"""F70: a bot that reads a consumer and answers is killed at any moment, and so are the nodes that it reads from."""

import asyncio
import os
import random
import re
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.faults.case import Rounds, case
from tests.faults.client import Account
from tests.faults.machine import ROOT, Api
from tests.faults.scene import Scene
from tests.node import eventually

CONSUMER = "echo"
"""The name that the bot of docs/integrations/consumers.md gives its consumer."""
CAUGHT_UP_SECONDS = 30.0
NODE_ROUNDS = 5
"""In each fifth round a node is killed too."""
PAGE = 500


@dataclass
class Bot:
    """The bot of the documentation as a process, which is started again whenever it ends, on any node."""

    program: Path
    nodes: Sequence[Api]
    account: Account
    rng: random.Random
    log: Path
    process: Process | None = None
    starts: int = 0

    async def run(self) -> None:
        """Start the bot, and again whenever it ends, for ever."""
        while True:
            environment = os.environ | {
                "TAILWIRE": self.rng.choice(self.nodes).url,
                "TOKEN": self.account.access_token,
            }
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *(sys.executable, self.program), env=environment, stdin=DEVNULL, stderr=log
                )
            self.starts += 1
            await self.process.wait()

    def kill(self) -> None:
        """Kill the process that runs now."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()


@asynccontextmanager
async def kept(bot: Bot) -> AsyncIterator[Bot]:
    """Run a bot for as long as the block lasts."""
    running = asyncio.create_task(bot.run())
    try:
        yield bot
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        bot.kill()
        if bot.process is not None:
            await bot.process.wait()


def program_of_the_docs(directory: Path) -> Path:
    """Save the bot of docs/integrations/consumers.md, and return where it is."""
    page = (ROOT / "docs" / "integrations" / "consumers.md").read_text()
    found = re.search(r"^```python\n(# echo_bot\.py\n.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    path = directory / "echo_bot.py"
    path.write_text(found[1])
    return path


async def say(nodes: Sequence[Api], rng: random.Random, author: Account, room_id: str, ref: str) -> int:
    """Send a message under this ref, to any node, until it is stored. Returns its seq."""
    while True:
        try:
            body = {"ref": ref, "body": f"body of {ref}"}
            made = await rng.choice(nodes).ask("POST", f"/rooms/{room_id}/messages", author, json=body)
        except httpx.HTTPError:
            await asyncio.sleep(0.05)
        else:
            return int(made["seq"])


async def messages(node: Api, account: Account, room_id: str) -> list[dict[str, Any]]:
    """Return all messages of a room, as they stand in its log."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = await node.ask("GET", f"/rooms/{room_id}/log?after={after}&limit={PAGE}", account)
        found += [one for one in page["items"] if one["type"] == "message"]
        if not page["items"] or (after := page["items"][-1]["seq"]) >= page["seq"]:
            return found


def wrong_echoes(found: Sequence[dict[str, Any]], bot: Account) -> list[str]:
    """Return what is wrong with the answers of a bot to the messages of a room."""
    said = {
        f"{CONSUMER}:{one['room_id']}:{one['seq']}": one["body"]
        for one in found
        if one["user_id"] != bot.user_id
    }
    echoes = [one for one in found if one["user_id"] == bot.user_id]
    wrong = [
        f"{count} echoes of {ref}"
        for ref, count in Counter(one["ref"] for one in echoes).items()
        if count > 1
    ]
    wrong += [f"no echo of {ref}" for ref in said.keys() - {one["ref"] for one in echoes}]
    wrong += [f"another text in {one['ref']}" for one in echoes if said.get(one["ref"]) != one["body"]]
    order = [int(one["ref"].rpartition(":")[2]) for one in echoes]
    return wrong if order == sorted(order) else [*wrong, f"echoes out of order: {order[:50]}"]


@case(
    "F70",
    "a bot that echoes is killed at any moment, and at times the node that it reads from",
    short=4,
    long=100,
    promise="one echo for each message, in the order of the room; all within 30 s",
)
async def bot_killed(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2) as nodes:
        people = [await nodes[number].sign_up(f"f70{number}") for number in range(2)]
        author, robot = people
        rooms = [
            (
                await nodes[0].ask(
                    "POST", "/rooms", author, json={"name": f"F70 {number}", "visibility": "public"}
                )
            )["id"]
            for number in range(3)
        ]
        for room_id in rooms:
            await nodes[0].ask("POST", f"/rooms/{room_id}/join", robot)
        bot = Bot(
            program_of_the_docs(scene.directory), nodes, robot, random.Random(70), scene.directory / "bot.log"
        )
        await nodes[0].ask("PUT", f"/consumers/{CONSUMER}", robot, json={"start": "now"})
        async with kept(bot):
            for one in rounds:

                async def write(number: int = one.number, rng: random.Random = one.rng) -> None:
                    for count in range(20):
                        await say(nodes, rng, author, rng.choice(rooms), f"{number}-{count}")
                        await asyncio.sleep(rng.uniform(0, 0.1))

                writing = asyncio.create_task(write())
                await asyncio.sleep(one.rng.uniform(0.1, 1.5))
                bot.kill()
                if one.number % NODE_ROUNDS == 0:
                    await asyncio.sleep(one.rng.uniform(0, 0.5))
                    down = one.rng.choice(nodes)
                    down.kill()
                    await down.ended()
                    await asyncio.sleep(one.rng.uniform(0, 1.0))
                    await down.start()
                await writing
                began = asyncio.get_running_loop().time()
                await eventually(lambda: _has_caught_up(nodes[0], robot), seconds=CAUGHT_UP_SECONDS)
                one.took("caught up", asyncio.get_running_loop().time() - began, at_most=CAUGHT_UP_SECONDS)
                found = [await messages(nodes[1], author, room_id) for room_id in rooms]
                for wrong in (wrong for log in found for wrong in wrong_echoes(log, robot)):
                    one.require(False, wrong)
                one.took("messages", sum(map(len, found)) / 2)
                one.took("starts", bot.starts)
                for node in nodes:
                    one.require(node.tracebacks() == 0, f"a traceback in {node.log}")


async def _has_caught_up(node: Api, robot: Account) -> bool:
    return bool((await node.ask("GET", f"/consumers/{CONSUMER}", robot))["lag"] == 0)
