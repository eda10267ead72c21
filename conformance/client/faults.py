"""Rules under faults at random places: nothing is lost, nothing comes twice, whatever breaks."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from conformance.client.sending import lose_acks
from conformance.client.stage import Stage

BETWEEN_SECONDS: Final = 0.02
"""Between two messages of somebody else."""
LONGEST_SECONDS: Final = 0.4
"""From one fault to the next."""
SENDS: Final = 0.3
"""So often the client is let send a message beside one of somebody else."""
HALF: Final = 0.5
KILL_IN: Final = 24
"""The program is killed in one of so many faults, as it takes long to start."""
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
    rng = random.Random(stage.terms.seed)
    await _under(stage, Faults(stage, rng).one, rng)


class Faults:
    """All kinds of faults, of which one at a time is drawn."""

    def __init__(self, stage: Stage, rng: random.Random) -> None:
        self._stage = stage
        self._server = stage.server
        self._rng = rng

    async def one(self) -> None:
        """Make a fault."""
        if "keep" in self._stage.can and self._rng.randrange(KILL_IN) == 0:
            await self._stage.restart(needs_end=False)
            return
        kinds = (self.close, self.expire, self.skip, self.cut, self.restore, self.unknown, self.lose)
        if self._rng.randrange(len(kinds) + 1) == 0:
            await self._server.down()
            await self._server.up()
        else:
            self._rng.choice(kinds)()

    def close(self) -> None:
        """Close all sockets, with a code after which a client comes back."""
        self._server.close_all(self._rng.choice((1000, 1001, 1011, 1012, 4401, 4408, 4420)))

    def expire(self) -> None:
        """End the access tokens."""
        self._server.accounts.expire()
        self._server.close_all(4401)

    def skip(self) -> None:
        """Add an entry of which nobody is told: a gap."""
        self._server.room().append()

    def cut(self) -> None:
        """Cut all sockets."""
        for socket in self._server.open_sockets:
            socket.cut()

    def restore(self) -> None:
        """Begin another epoch, with all that is there."""
        self._server.room().restore(self._server.room().head)
        self._server.close_all(1012)

    def unknown(self) -> None:
        """Add an entry of a kind that nobody knows."""
        self._server.append(kind="poll", options=[])

    def lose(self) -> None:
        """Lose the next message, or its ack."""
        lose_acks(self._server, stored=self._rng.random() < HALF, times=1)


async def _under(stage: Stage, fault: Callable[[], Awaitable[None]], rng: random.Random) -> None:
    """Let the client read and send while faults happen, and then find everything there, once."""
    server = stage.server
    await stage.follow()
    sent: dict[str, str] = {}

    async def talk() -> None:
        while True:
            server.append()
            if "send" in stage.can and rng.random() < SENDS:
                body = f"Sent {len(sent)}"
                sent[body] = await stage.send(body)
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
    for id in sent.values():
        if not stage.is_forgotten(id):
            told = await stage.answered(id)
            stage.require(told["type"] == "sent", "each message is stored in the end", told)
    await stage.reached()
    bodies = [one["body"] for one in server.room().entries if one["username"] == "ada"]
    stage.require(len(set(bodies)) == len(bodies), "each message is stored once", bodies)
    lost = [one for one, id in sent.items() if one not in bodies and not stage.is_forgotten(id)]
    stage.require(not lost, "no message is lost, but for those that a killed program may not have read", lost)
    order = [one for one in sent if one in set(bodies)]
    stage.require(bodies == order, "messages are stored in the order in which they were asked for", bodies)


SCENARIOS: Final = (killed, cuts, mixed)
