"""Rules under faults at random places: nothing is lost, nothing comes twice, whatever breaks."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from conformance.client.stage import Stage

BETWEEN_SECONDS: Final = 0.02
"""Between two messages of somebody else."""
LONGEST_SECONDS: Final = 0.4
"""From one fault to the next."""
CUT_BYTES: Final = 6_000
"""A connection is cut after fewer bytes than this."""


async def killed(stage: Stage) -> None:
    """A server that is killed and started again, again and again, loses and doubles nothing at the client."""
    server, rng = stage.server, random.Random(stage.terms.seed)

    async def fault() -> None:
        await server.down()
        await asyncio.sleep(rng.uniform(0, 0.1))
        await server.up()

    await _under(stage, fault, rng)


async def cuts(stage: Stage) -> None:
    """A network that cuts at any byte loses and doubles nothing at the client."""
    server, rng = stage.server, random.Random(stage.terms.seed)

    async def fault() -> None:
        server.cut_after = lambda: rng.randrange(CUT_BYTES)
        for socket in server.open_sockets:
            socket.cut()
        await asyncio.sleep(rng.uniform(0, LONGEST_SECONDS))
        server.cut_after = lambda: None

    await _under(stage, fault, rng)


async def mixed(stage: Stage) -> None:
    """Nor do closes, ended tokens, gaps, restores, lost acks and kills of the program, in any mixture."""
    server, rng = stage.server, random.Random(stage.terms.seed)

    async def close() -> None:
        server.close_all(rng.choice((1000, 1001, 1011, 1012, 4401, 4408, 4420)))

    async def expire() -> None:
        server.accounts.expire()
        server.close_all(4401)

    async def skip() -> None:
        server.room().append()

    async def cut() -> None:
        for socket in server.open_sockets:
            socket.cut()

    async def restart() -> None:
        await server.down()
        await server.up()

    async def unknown() -> None:
        server.append(kind="poll", options=[])

    async def fault() -> None:
        await rng.choice((close, expire, skip, cut, restart, unknown))()

    await _under(stage, fault, rng)


async def _under(stage: Stage, fault: Callable[[], Awaitable[None]], rng: random.Random) -> None:
    """Let the client read and send while faults happen, and then find everything there, once."""
    server = stage.server
    await stage.follow()
    sends = "send" in stage.shown.of("hello")[0].get("can", [])
    sent: list[tuple[str, str]] = []

    async def talk() -> None:
        while True:
            server.append()
            if sends and rng.random() < 0.3:
                body = f"Sent {len(sent)}"
                sent.append((await stage.send(body), body))
            await asyncio.sleep(BETWEEN_SECONDS)

    talking = asyncio.create_task(talk())
    try:
        for _ in range(stage.terms.cuts):
            await asyncio.sleep(rng.uniform(0, LONGEST_SECONDS))
            await fault()
            stage.check()
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    server.append()  # a gap at the end shows itself by what comes after it
    for id, _ in sent:
        told = await stage.answered(id)
        stage.require(told["type"] == "sent", "each message is stored in the end", told)
    await stage.reached()
    bodies = [one["body"] for one in server.room().entries if one["username"] == "ada"]
    stage.require(bodies == [body for _, body in sent], "each message is stored once, in order", bodies)


SCENARIOS: Final = (killed, cuts, mixed)
