"""A13: a hundred log-ins at once, beside a flow of messages."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator

from tests.faults.case import Rounds, case
from tests.faults.client import Account
from tests.faults.machine import Api
from tests.faults.scene import Scene
from tests.faults.traffic import traffic
from tests.node import PASSWORD

LOGINS = 100
LAG_MS = 100
PER_SECOND = 200
LOOK_SECONDS = 0.01
TOGETHER_SECONDS = 60.0
MANY = {"TAILWIRE_LOGIN_FAILURES_PER_ADDRESS": "1000"}  # all log-ins come from one address


@case(
    "A13",
    "100 log-ins at once while 200 messages/s flow",
    long=5,
    promise="each is let in or told to come back; event-loop lag <= 100 ms; I1-I5",
)
async def logins(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.node(settings=MANY) as node,
        traffic([node], random.Random(13), clients=20, people=20, rooms=5) as people,
    ):
        accounts = [await node.sign_up(f"login{number}") for number in range(LOGINS)]
        for one in rounds:
            async with one.watching(people):
                async with people.flowing(PER_SECOND), _looking(node) as lags:
                    await asyncio.sleep(1.0)
                    lags.clear()
                    statuses = await _log_in(node, accounts)
                one.took("whole", await people.whole())
            one.took("lag ms", 1_000 * max(lags), at_most=LAG_MS)
            one.took("let in", statuses.count(200), at_least=2)
            one.require(set(statuses) <= {200, 503}, f"answered with {sorted(set(statuses))}")


@contextlib.asynccontextmanager
async def _looking(node: Api) -> AsyncIterator[list[float]]:
    """Request the smallest answer again and again, and note how late it comes, less the lag of our own loop.

    That is the lag of the server's loop.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    lags: list[float] = []

    async def look() -> None:
        while True:
            began_at = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            own = time.monotonic() - began_at - LOOK_SECONDS
            writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\n\r\n".encode())
            asked_at = time.monotonic()
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
            lags.append(max(0.0, time.monotonic() - asked_at - own))

    task = asyncio.create_task(look())
    try:
        yield lags
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()


async def _log_in(node: Api, accounts: list[Account]) -> list[int]:
    """Send all log-ins in one write, by hand, so that the client itself does not lag; return their statuses."""
    streams = [await asyncio.open_connection("127.0.0.1", node.port) for _ in accounts]
    for account, (_, writer) in zip(accounts, streams, strict=True):
        body = json.dumps({"username": account.username, "password": PASSWORD}).encode()
        writer.write(
            f"POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    async with asyncio.timeout(TOGETHER_SECONDS):
        answers = await asyncio.gather(*(reader.read() for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return [int(answer.split(b" ", 2)[1]) for answer in answers]
