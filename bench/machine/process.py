"""A process that we start on one core, with its CPU and memory, including its children's."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from bench.machine.machine import PAGE_BYTES, TICKS

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
NICENESS: Final = -15
"""Where it is allowed, the server and the load run before all other processes of the machine."""


class NotStarted(Exception):
    """A process ended or never listened; the message has the end of its log."""


class Process:
    """See the module. `started` makes and ends it."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.popen = popen
        self.log = log

    @property
    def pids(self) -> list[int]:
        """Return the ids of the process and its descendants."""
        found = [self.popen.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """Return its CPU time so far, in user and in kernel mode."""
        ticks = 0
        for pid in self.pids:
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory_bytes(self) -> int:
        """Return its resident memory."""
        pages = 0
        for pid in self.pids:
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * PAGE_BYTES

    def descriptor_count(self) -> int:
        """Return the number of its open files and sockets."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.pids)

    def wait_for(self, port: int) -> None:
        """Wait until something listens on the port. Raises `NotStarted`."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.popen.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise NotStarted(self.log.read_text(errors="replace")[-600:].strip() or "it listened to nothing")


@contextmanager
def started(  # noqa: PLR0913  as subprocess has them
    command: Sequence[str | Path],
    *,
    cores: set[int],
    directory: Path,
    environment: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | None = None,
) -> Iterator[Process]:
    """Run a command on these cores, and end all its processes after the block."""
    log = directory / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
            Path("/proc/self/autogroup").write_text(str(NICENESS))  # the priority between sessions
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TAILWIRE_")}
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [str(word) for word in command],
            cwd=directory,
            env={**inherited, **(environment or {})},
            stdin=stdin,
            stdout=output if stdout is None else stdout,
            stderr=output,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  we have no threads
        )
    try:
        yield Process(popen, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
        for pipe in (popen.stdin, popen.stdout):
            if pipe is not None:
                pipe.close()


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
