"""F95 and F96: programs made of the SDKs, whose session moves from node to node while nodes are killed."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import pytest

from tests.faults.case import Round, Rounds, case
from tests.faults.client import Account
from tests.faults.machine import ROOT, Api
from tests.faults.proxy import Proxy, proxied
from tests.faults.scene import Scene
from tests.faults.sdk_program import SdkProgram

FAULTS: Final = 20
"""The random faults of a round."""
LONGEST_SECONDS: Final = 0.5
"""From one fault to the next."""
BETWEEN_SECONDS: Final = 0.05
"""Between two messages of somebody else."""
SENDS: Final = 0.3
"""So often the program sends a message beside one of somebody else."""
WHOLE_SECONDS: Final = 60.0
SETTINGS: Final = {
    # The token ends again and again, and a room is resumed after each fault.
    "TAILWIRE_ACCESS_MINUTES": "1",
}
TOOLS: Final = ROOT / "frontend" / "node_modules" / ".bin"
TYPESCRIPT: Final = ROOT / "sdk" / "typescript"
PYTHON: Final = ROOT / "sdk" / "python"


@case(
    "F95",
    "a program of the Python SDK, moved from node to node while nodes are killed, 20 faults a round",
    short=1,
    long=50,
    promise="each entry shown once, in order; each message stored once, in order; whole <= 60 s",
)
async def python_sdk(scene: Scene, rounds: Rounds) -> None:
    path = f"PYTHONPATH={PYTHON / 'src'}"
    await _play(scene, rounds, ("env", path, sys.executable, str(PYTHON / "tests" / "kit_client.py")))


@case(
    "F96",
    "the same with the TypeScript SDK on Node",
    short=1,
    long=50,
    promise="as F95",
)
async def typescript_sdk(scene: Scene, rounds: Rounds) -> None:
    program = _built(scene.directory / "typescript")
    await _play(scene, rounds, ("node", "--experimental-websocket", "--no-warnings", str(program)))


async def _play(scene: Scene, rounds: Rounds, command: Sequence[str]) -> None:
    async with (
        scene.nodes(2, settings=SETTINGS) as nodes,
        proxied(nodes[0].port) as network,
        _moving(scene, nodes, network, command) as moving,
    ):
        for one in rounds:
            await moving.play(one)


class Moving:
    """A program that reaches one of two nodes at a time, beside somebody else who writes to its room."""

    def __init__(
        self, nodes: Sequence[Api], network: Proxy, program: SdkProgram, other: Account, room_id: str
    ) -> None:
        self._nodes = nodes
        self._network = network
        self._program = program
        self._other = other
        self._room_id = room_id
        self._at = 0
        self._written = 0
        self._dead: dict[int, asyncio.Task[None]] = {}
        """Nodes that were killed, each with what starts it again."""

    async def play(self, one: Round) -> None:
        """Make the faults of a round, and then require that all is there."""
        faults: tuple[Callable[[Random], Awaitable[None]], ...] = (
            *((self._move,) * 4),
            *((self._cut,) * 2),
            self._kill,
            self._pause,
            self._kill_program,
        )
        talking = asyncio.create_task(self._talk(one.rng))
        try:
            for _ in range(FAULTS):
                await asyncio.sleep(one.rng.uniform(0, LONGEST_SECONDS))
                await one.rng.choice(faults)(one.rng)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        await self._revived()
        took = await self._program.whole(self._head)
        one.took("whole", took, at_most=WHOLE_SECONDS)
        one.took("entries", len(self._program.shown.entries[self._room_id]))
        one.took("messages of the program", len(self._program.asked))
        for violation in self._program.wrong(await self._log())[:20]:
            one.require(False, violation)
        for node in self._nodes:
            one.require(node.tracebacks() == 0, f"a traceback in {node.log}")

    # -- the faults

    async def _move(self, _rng: Random) -> None:
        """Lead the program to the other node, or back to its own where that is dead."""
        self._lead(1 - self._at)

    async def _cut(self, _rng: Random) -> None:
        """Reset its connections; it comes back to the same node."""
        self._network.cut()
        self._network.heal()

    async def _kill(self, _rng: Random) -> None:
        """Kill the node that it is on, and lead it to the other one. The dead one comes back meanwhile."""
        await self._revived()
        at = self._at
        self._nodes[at].kill()
        self._dead[at] = asyncio.create_task(self._revive(at))
        self._lead(1 - at)

    async def _pause(self, rng: Random) -> None:
        """Let the node that it is on stand still, and lead it to the other one meanwhile."""
        node = self._nodes[self._at]
        node.pause()
        try:
            await asyncio.sleep(rng.uniform(0, LONGEST_SECONDS))
            self._lead(1 - self._at)
        finally:
            node.resume()

    async def _kill_program(self, _rng: Random) -> None:
        """Kill the program, and start it again on the other node."""
        self._lead(1 - self._at)
        await self._program.kill()

    def _lead(self, to: int) -> None:
        if to not in self._dead:
            self._at = to
        self._network.lead(self._nodes[self._at].port)

    async def _revive(self, number: int) -> None:
        await self._nodes[number].ended()
        await self._nodes[number].start()
        del self._dead[number]

    async def _revived(self) -> None:
        """Wait until both nodes live."""
        await asyncio.gather(*self._dead.values())

    # -- what happens beside them

    async def _talk(self, rng: Random) -> None:
        while True:
            self._written += 1
            body = {"ref": f"other-{self._written}", "body": f"Other {self._written}"}
            await self._ask("POST", f"/rooms/{self._room_id}/messages", json=body)
            if rng.random() < SENDS:
                await self._program.send(f"Program {len(self._program.asked)}")
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _head(self) -> tuple[str, int]:
        room = await self._ask("GET", f"/rooms/{self._room_id}")
        return room["epoch"], room["seq"]

    async def _log(self) -> list[Any]:
        entries: list[Any] = []
        while True:
            after = entries[-1]["seq"] if entries else 0
            page = await self._ask("GET", f"/rooms/{self._room_id}/log?after={after}&limit=500")
            entries += page["items"]
            if not page["items"] or entries[-1]["seq"] >= page["seq"]:
                return entries

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask a node that lives, until one answers: as what is asked has a ref, or is a GET, that is safe."""
        while True:
            for number, node in enumerate(self._nodes):
                if number in self._dead:
                    continue
                try:
                    return await node.ask(method, path, self._other, **more)
                except httpx.TransportError:
                    continue
                except httpx.HTTPStatusError as refusal:
                    if refusal.response.status_code == httpx.codes.UNAUTHORIZED:
                        await self._log_in()
                    elif refusal.response.status_code < 429:
                        raise
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _log_in(self) -> None:
        self._other = await self._nodes[0 if 0 not in self._dead else 1].log_in(self._other.username)


@asynccontextmanager
async def _moving(
    scene: Scene, nodes: Sequence[Api], network: Proxy, command: Sequence[str]
) -> AsyncIterator[Moving]:
    async with AsyncExitStack() as stack:
        await nodes[0].sign_up("ada")
        other = await nodes[0].sign_up("bob")
        url = f"http://127.0.0.1:{network.port}"
        program = SdkProgram(command, url, "ada", scene.directory / "program")
        stack.push_async_callback(program.end)
        await program.start("lobby")
        yield Moving(nodes, network, program, other, "lobby")


def _built(place: Path) -> Path:
    """Build the TypeScript SDK, and return the program that is driven. Skips the case where there is no Node."""
    if shutil.which("node") is None or not (TOOLS / "tsc").exists():
        pytest.skip("Node or the tools of the SPA are missing: make spa")
    shutil.copytree(TYPESCRIPT, place, ignore=shutil.ignore_patterns("dist", "node_modules"))
    subprocess.run([str(TOOLS / "tsc")], cwd=place, check=True, capture_output=True)
    return place / "tests" / "kit_client.mjs"
