"""The load: writes the plan for load.c, and reads its events."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from bench.machine.machine import LOAD_CORES
from bench.machine.process import Process, started

SOURCE: Final = Path(__file__).parent / "load.c"
WARMUP_SECONDS: Final = 3.0
SEPARATOR: Final = "\x1e"
"""Stands between the texts of `hello`."""


class Failed(Exception):
    """The load has failed; the message says why."""


@dataclass(frozen=True)
class Socket:
    """One WebSocket of the plan.

    `head` is a header line of its handshake, and `hello` the texts that it sends first. It is connected when a text
    comes that contains `ready`. It sends `template`, in which `@` stands for the mark and `#` for something unique.
    """

    port: int
    room: int = 0
    receives: bool = True
    sends: bool = False
    is_mute: bool = False
    head: str = ""
    hello: str = ""
    ready: str = ""
    template: str = ""

    def line(self) -> str:
        """Return the line of this socket in the plan."""
        flags = "-" + "r" * self.receives + "s" * self.sends + "m" * self.is_mute
        fields = (flags, self.port, self.room, self.head, self.hello, self.ready, self.template)
        return "socket\t" + "\t".join(map(str, fields))


@dataclass(frozen=True)
class Plan:
    """What the load sends: `rate` messages a second in all, or with `closed_loop` the next message after each ack."""

    sockets: Sequence[Socket]
    path: str
    rate: float = 0
    seconds: float = 20
    warmup: float = WARMUP_SECONDS
    grace: float = 15
    at_once: int = 50
    closed_loop: bool = False
    engine_io: bool = False

    def text(self) -> str:
        """Return the plan as load.c reads it."""
        settings = {
            "path": self.path,
            "rate": self.rate,
            "seconds": self.seconds,
            "warmup": self.warmup,
            "grace": self.grace,
            "at_once": self.at_once,
            "closed_loop": int(self.closed_loop),
            "engine_io": int(self.engine_io),
        }
        lines = [f"{name}\t{value}" for name, value in settings.items()]
        return "\n".join(lines + [socket.line() for socket in self.sockets]) + "\n"


class Load:
    """A running load. `loading` makes it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.connect_seconds = 0.0
        self.told = 0
        """How many texts came to all sockets before those by which they were connected."""

    def connected(self) -> None:
        """Wait until all sockets are connected. Raises `Failed`."""
        event = self._until("connected", lambda _event: None)
        if event["fault"]:
            raise Failed(event["fault"])
        self.connect_seconds, self.told = event["seconds"], event.get("told", 0)

    def run(self, on_event: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Let the load send; return its report. `on_event` gets `warm`, `measured`, and `running` each second."""
        stdin = cast("IO[bytes]", self.process.popen.stdin)
        stdin.write(b"go\n")
        stdin.flush()
        return self._until("done", on_event)

    def _until(self, wanted: str, on_event: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        for line in cast("IO[bytes]", self.process.popen.stdout):
            event: dict[str, Any] = json.loads(line)
            if event["event"] == wanted:
                return event
            on_event(event)
        raise Failed(f"the load ended early: {self.process.log.read_text()[-300:]}")


def compiled(source: Path, directory: Path) -> Path:
    """Compile a C source; return the program. Raises `Failed` without a compiler."""
    program = directory / source.stem
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        try:
            subprocess.run(["cc", "-O2", "-o", program, source], check=True)  # noqa: S607
        except (OSError, subprocess.CalledProcessError):
            raise Failed(f"{source.name} was not compiled: a C compiler `cc` is needed") from None
    return program


@contextmanager
def loading(plan: Plan, directory: Path) -> Iterator[Load]:
    """Connect a plan's sockets. Raises `Failed`."""
    written = directory / f"plan-{time.monotonic_ns()}"
    written.write_text(plan.text())
    pipe = subprocess.PIPE
    program = compiled(SOURCE, directory)
    with started(
        [program, written], cores=LOAD_CORES, directory=directory, stdin=pipe, stdout=pipe
    ) as process:
        load = Load(process)
        load.connected()
        yield load
    written.unlink()
