"""API nodes as processes that can be killed, paused and started again."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.faults.client import Account
from tests.faults.web import LOST
from tests.node import PASSWORD, eventually, http_client
from tests.process import PROGRAM, READY
from tests.rethinkdb_server import free_port

ROOT: Final = Path(__file__).parent.parent.parent
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
REQUEST_SECONDS: Final = 15.0


class Api:
    """`tailwire serve` on one port, which it keeps when it is started again. Its log is in `directory`."""

    def __init__(
        self,
        directory: Path,
        settings: dict[str, str],
        *,
        program: Sequence[str] = PROGRAM,
        arguments: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.log = directory / f"api-{self.port}.log"
        self._directory = directory
        self._settings = {"TAILWIRE_ACCESS_MINUTES": "60"} | settings | {"TAILWIRE_PORT": str(self.port)}
        self._program = program
        self._command = [*program, "serve", *arguments]
        self._process: Process | None = None
        self._http = http_client(self.url, timeout=REQUEST_SECONDS)

    @property
    def url(self) -> str:
        """The address for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The address for WebSockets."""
        return f"ws://127.0.0.1:{self.port}/ws/messages"

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the node; return when /readyz says 200."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment(),
                cwd=self._directory,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = (await self._process.stdout.readline()).decode()
        assert READY.fullmatch(line), f"{line}\n{self.log.read_text()[-2000:]}"
        await eventually(self.is_ready, seconds=START_SECONDS)

    def kill(self) -> None:
        """Kill the node, like a power cut."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the node to end (SIGTERM)."""
        self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Stop the process (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue the process."""
        self._signal(signal.SIGCONT)

    async def ended(self, seconds: float = STOP_SECONDS) -> float:
        """Wait for the end of the process; return how long that took."""
        began = time.monotonic()
        if self._process is not None:
            async with asyncio.timeout(seconds):
                await self._process.wait()
            self._process._transport.close()  # type: ignore[attr-defined]  # stdout's pipe
        self._process = None
        return time.monotonic() - began

    async def stop(self) -> None:
        """End the node, by force if necessary."""
        self.terminate()
        try:
            await self.ended()
        except TimeoutError:
            self.kill()
            await self.ended()
        await self._http.aclose()

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TAILWIRE_")}
        return inherited | {"PYTHONPATH": str(ROOT)} | self._settings

    async def command(self, *arguments: str) -> None:
        """Run another `tailwire` command on the same store, beside the server."""
        process = await asyncio.create_subprocess_exec(
            *self._program, *arguments, env=self._environment(), cwd=self._directory, stdout=DEVNULL
        )
        assert await process.wait() == 0, arguments

    # -- over HTTP

    async def is_ready(self) -> bool:
        """Whether /readyz says 200."""
        return await self.status("/readyz") == 200

    async def status(self, path: str) -> int | None:
        """Return the status of a GET; None when nobody answers."""
        try:
            return (await self._http.get(path)).status_code
        except LOST:
            return None

    async def ask(self, method: str, path: str, account: Account | None = None, **more: Any) -> Any:
        """Return the JSON of an answer that must be good; None for an empty one."""
        headers = {"Authorization": f"Bearer {account.access_token}"} if account else {}
        answer = await self._http.request(method, path, headers=headers, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def sign_up(self, username: str) -> Account:
        """Make an account."""
        made = await self.ask("POST", "/auth/signup", json={"username": username, "password": PASSWORD})
        return Account(made["user"]["id"], username, made["access_token"])

    async def log_in(self, username: str) -> Account:
        """Begin another session of an account that `sign_up` has made."""
        made = await self.ask("POST", "/auth/login", json={"username": username, "password": PASSWORD})
        return Account(made["user"]["id"], username, made["access_token"])

    async def metric(self, name: str) -> float:
        """Return one number of /metrics."""
        text = (await self._http.get("/metrics")).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def memory_bytes(self) -> int:
        """Return the resident memory of the process."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        """Return how many files and sockets the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def tracebacks(self) -> int:
        """Return the number of tracebacks in the log. No fault may cause one."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")


def at_failpoint(how: str, point: str, trigger: Path) -> tuple[str, ...]:
    """Return a command that dies, or raises, when it passes a failpoint while `trigger` exists."""
    return (sys.executable, "-m", "tests.faults.crashing", how, point, str(trigger))


@asynccontextmanager
async def api(directory: Path, settings: dict[str, str], **how: Any) -> AsyncIterator[Api]:
    """Run a node, and end it after the block."""
    node = Api(directory, settings, **how)
    try:
        await node.start()
        yield node
    finally:
        await node.stop()
