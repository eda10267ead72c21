"""A program made of an SDK, driven as the conformance kit drives it, against real nodes. What it shows is checked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.client.program import Program
from conformance.client.shown import Position, Shown
from tests.node import PASSWORD, eventually

PACE: Final = 0.1
"""By this the program multiplies its own waits."""
SECONDS: Final = 90.0
"""What a program has to do at once may take so long, beside others on the machine."""
ANSWERS: Final = frozenset({"sent", "refused", "failed"})


class SdkProgram:
    """One program. It may be killed, and goes on with what it has kept in its folder."""

    def __init__(self, command: Sequence[str], url: str, username: str, folder: Path) -> None:
        self.username = username
        self.shown = Shown({})
        self.asked: dict[str, str] = {}
        """The bodies of the messages that it was told to send, by their ids."""
        self.forgotten: set[str] = set()
        """Ids of which it was killed before it told what became of them."""
        (folder / "state").mkdir(parents=True)
        environment = {
            "KIT_URL": url,
            "KIT_USERNAME": username,
            "KIT_PASSWORD": PASSWORD,
            "KIT_STATE": str(folder / "state"),
            "KIT_PACE": str(PACE),
        }
        self._program = Program(command, environment, folder / "stderr")
        self._room_id = ""
        self._lock = asyncio.Lock()
        """Holds back what it is told while it is killed and started."""

    async def start(self, room_id: str) -> None:
        """Start it, and let it follow a room."""
        self._room_id = room_id
        hellos = len(self.shown.of("hello"))

        async def says_hello() -> bool:
            return len(self.shown.of("hello")) > hellos

        async def is_live() -> bool:
            return room_id in self.shown.positions

        await self._program.start(self.shown.take)
        await eventually(says_hello, seconds=SECONDS)
        await self._program.say(do="follow", room_ids=[room_id])
        await eventually(is_live, seconds=SECONDS)

    async def kill(self) -> None:
        """Kill it, as a crash would, and start it again."""
        async with self._lock:
            await self._program.kill()
            self.forgotten |= self.asked.keys() - self._answers().keys()
            self.shown.restarted()
            await self.start(self._room_id)

    async def end(self) -> None:
        """End it."""
        await self._program.kill()

    async def send(self, body: str) -> None:
        """Let it send a message."""
        async with self._lock:
            id_ = str(len(self.asked) + 1)
            self.asked[id_] = body
            await self._program.say(do="send", id=id_, room_id=self._room_id, body=body)

    async def whole(self, head: Callable[[], Awaitable[Position]]) -> float:
        """Wait until it shows the room up to its head and has an answer for all; return the seconds that took.

        The head is asked for again and again, as what the program has kept may be stored meanwhile.
        """
        began = time.monotonic()
        at = ("", 0)

        async def is_whole() -> bool:
            nonlocal at
            at = await head()
            is_there = self.shown.positions.get(self._room_id) == at
            return bool(self.shown.violations) or (is_there and not self.unanswered())

        try:
            await eventually(is_whole, seconds=SECONDS)
        except TimeoutError:
            self.shown.violations.append(
                f"{self.username} is at {self.shown.positions.get(self._room_id)} and not at {at}, "
                f"without an answer for {len(self.unanswered())}; {self._program.errors}"
            )
        return time.monotonic() - began

    def unanswered(self) -> set[str]:
        """Return the ids that have no answer and are not forgotten."""
        return self.asked.keys() - self._answers().keys() - self.forgotten

    def wrong(self, log: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what is wrong about what it has shown and sent, by the whole log of the room."""
        found = list(self.shown.violations)
        bodies = [one["body"] for one in log if one["type"] == "message" and one["username"] == self.username]
        if len(set(bodies)) != len(bodies):
            found.append(f"{self.username} has a message twice")
        answers = self._answers()
        for id_, body in self.asked.items():
            kind = answers.get(id_, "nothing")
            if kind != "sent" and id_ not in self.forgotten:
                found.append(f"{self.username} was told {kind} of {body!r}")
            if kind == "sent" and body not in bodies:
                found.append(f"{body!r} was acked, and is not stored")
        if bodies != [one for one in self.asked.values() if one in set(bodies)]:
            found.append(f"the messages of {self.username} are stored in another order than they were sent")
        stored = {one["seq"]: one for one in log}
        for line in self.shown.entries[self._room_id]:
            entry = stored.get(line["seq"])
            if entry is None or line["kind"] != entry["type"] or line["body"] != entry.get("body"):
                found.append(f"{self.username} was shown {dict(line)}, and stored is {entry}")
        return found

    def _answers(self) -> dict[str, str]:
        return {one["id"]: one["type"] for one in self.shown.lines if one["type"] in ANSWERS}
