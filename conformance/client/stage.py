"""Where a scenario is played: the scripted server, the client's program, and what it has shown."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.client.program import Program
from conformance.client.shown import Shown
from conformance.model.accounts import PASSWORD, USERNAME
from conformance.model.server import ScriptedServer, scripted
from conformance.model.trace import Trace
from conformance.rule import Failed, Skipped

START_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Terms:
    """How a client is tried. `seconds` is how long it may take for what it has to do at once."""

    command: Sequence[str]
    pace: float = 0.05
    seconds: float = 20.0
    seed: int = 1
    cuts: int = 3
    """How many random faults the scenarios of faults have."""


class Stage:
    """What a scenario has in its hands."""

    def __init__(self, terms: Terms, server: ScriptedServer, trace: Trace, folder: Path) -> None:
        self.terms = terms
        self.server = server
        self.pace = terms.pace
        """By what the program multiplies the waits that it chooses itself."""
        self.shown = Shown(server.rooms)
        self._trace = trace
        self._folder = folder
        self._program: Program | None = None
        self._ids = 0
        self._forgotten: set[str] = set()

    @property
    def trace(self) -> list[str]:
        """The last lines of what happened."""
        return self._trace.lines

    @property
    def program(self) -> Program:
        """The program that runs now."""
        assert self._program is not None
        return self._program

    # -- the program

    async def start(self) -> None:
        """Start the client's program, and wait until it has said what it can do."""
        environment = {
            "KIT_URL": self.server.url,
            "KIT_USERNAME": USERNAME,
            "KIT_PASSWORD": PASSWORD,
            "KIT_STATE": str(self._folder / "state"),
            "KIT_PACE": str(self.pace),
        }
        (self._folder / "state").mkdir(exist_ok=True)
        hellos = len(self.shown.of("hello"))
        self._program = Program(self.terms.command, environment, self._folder / "stderr")
        await self._program.start(self._told)
        await self.until(
            lambda: len(self.shown.of("hello")) > hellos, "the program says `hello`", seconds=START_SECONDS
        )

    @property
    def can(self) -> Sequence[str]:
        """What the client can do."""
        found: Sequence[str] = self.shown.of("hello")[0].get("can", [])
        return found

    def needs(self, *names: str) -> None:
        """Leave the scenario out where the client does not do one of these things."""
        if missing := [name for name in names if name not in self.can]:
            raise Skipped(f"the client does not do: {', '.join(missing)}")

    async def follow(self, *room_ids: str) -> None:
        """Start the program and let it follow rooms, the lobby without names. Wait until it is live in each."""
        rooms = room_ids or ("lobby",)
        await self.start()
        await self.program.say(do="follow", room_ids=list(rooms))
        for room_id in rooms:
            await self.reached(room_id)

    async def restart(self, *room_ids: str, needs_end: bool = True) -> None:
        """End the program in order, and start it again with what it has kept."""
        await (self.program.stop() if needs_end else self.program.kill())
        if not needs_end:
            self.shown.restarted()
            self._forgotten |= {str(id) for id in range(1, self._ids + 1) if not self._answers(str(id))}
        self._trace.note("program", "is started again")
        await self.start()
        await self.program.say(do="follow", room_ids=list(room_ids or ("lobby",)))

    async def send(self, body: str, room_id: str = "lobby", **fields: Any) -> str:
        """Let the client send a message; return the id under which it tells what became of it."""
        return await self.ask("send", room_id=room_id, body=body, **fields)

    async def ask(self, what: str, **fields: Any) -> str:
        """Let the client do something; return the id under which it tells what became of it."""
        self._ids += 1
        await self.program.say(do=what, id=str(self._ids), **fields)
        return str(self._ids)

    async def end(self) -> None:
        """End the program."""
        if self._program is not None:
            await self._program.kill()

    # -- what has to happen

    async def until(
        self, condition: Callable[[], object], expected: str, *, seconds: float | None = None
    ) -> None:
        """Wait until this is so. Raises Failed where it does not come to be, or the client shows what is wrong."""
        try:
            async with asyncio.timeout(self.terms.seconds if seconds is None else seconds):
                while True:
                    self.check()
                    if condition():
                        return
                    await self._trace.more()
        except TimeoutError:
            raise Failed(expected, self._seen()) from None

    def check(self) -> None:
        """Raise Failed for the first thing that the client has shown wrongly."""
        if self.shown.violations:
            raise Failed(
                "every entry is shown once, in order, and none is left out", self.shown.violations[0]
            )

    def require(self, condition: object, expected: str, seen: object = None) -> None:
        """Raise Failed where this is not so."""
        if not condition:
            raise Failed(expected, self._seen() if seen is None else str(seen))

    async def reached(self, room_id: str = "lobby") -> None:
        """Wait until the client is where the server is in a room."""
        room = self.server.room(room_id)
        await self.until(
            lambda: self.shown.positions.get(room_id) == (room.epoch, room.head),
            f"the client shows {room_id} up to seq {room.head} of {room.epoch}",
        )

    async def answered(self, id: str) -> Mapping[str, Any]:
        """Wait until the client tells what became of something, and return that line."""
        await self.until(lambda: self._answers(id), f"the client tells what became of number {id}")
        return self._answers(id)[0]

    def is_forgotten(self, id: str) -> bool:
        """Say whether the program was killed before it told what became of this."""
        return id in self._forgotten

    async def quiet(self, seconds: float) -> None:
        """Let time pass in which nothing wrong may be shown."""
        await asyncio.sleep(seconds)
        self.check()

    def since_of(self, number: int, room_id: str = "lobby") -> Any:
        """Return the `since` of the first subscription to a room on the socket of this number, or None."""
        for one in self.server.heard:
            command = one.command
            if (
                one.socket.number == number
                and command["type"] == "subscribe"
                and command["room_id"] == room_id
            ):
                return command.get("since")
        return None

    def asked(self, method: str, path: str) -> list[float]:
        """Return when this was asked over HTTP."""
        return [
            one.at for one in self.server.asked if (one.request.method, one.request.path) == (method, path)
        ]

    def now(self) -> float:
        """Return the time of the server's records."""
        return time.monotonic()

    def _answers(self, id: str) -> list[Mapping[str, Any]]:
        kinds = {"sent", "refused", "done", "failed"}
        return [one for one in self.shown.lines if one["type"] in kinds and one.get("id") == id]

    def _told(self, line: Mapping[str, Any]) -> None:
        self._trace.note("client", dict(line))
        try:
            self.shown.take(line)
        except (KeyError, TypeError) as failure:
            self.shown.violations.append(
                f"A line that lacks a field, or has one of another type: {line} ({failure!r})"
            )

    def _seen(self) -> str:
        last = [str(dict(one)) for one in self.shown.lines[-3:]]
        seen = f"{len(self.shown.lines)} lines, the last ones: {'; '.join(last) or 'none'}"
        errors = self.program.errors if self._program is not None else ""
        return f"{seen}\nstandard error: {errors}" if errors else seen


@asynccontextmanager
async def staged(terms: Terms, folder: Path) -> AsyncIterator[Stage]:
    """Give a stage, and end the program with it."""
    trace = Trace()
    async with scripted(trace) as server:
        stage = Stage(terms, server, trace, folder)
        try:
            yield stage
        finally:
            await stage.end()
