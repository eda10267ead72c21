"""Asks a process of its own to look at the work of strangers, and replaces it when it ends; see `forks.py`."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

GRACE_SECONDS: Final = 5.0
"""After this time the kernel must have ended the fork that looked; else its parent is replaced."""
LINE_BYTES: Final = 1 << 20
"""No answer is longer: the longest holds two sizes of an avatar."""
PACKAGE: Final = Path(__file__).parents[2]
SAFE_TO_RETRY: Final = {-signal.SIGALRM, -signal.SIGKILL, -signal.SIGTERM}
"""How a fork ends where the machine is busy or short of memory, which is not the fault of what it looked at."""

log = structlog.get_logger("api.files")


class ChildProcess:
    """One process of a module. It is asked for one piece at a time, and started when it is first asked."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request, which says in how many `seconds` it must come.

        Raises `OSError`, `EOFError` or `TimeoutError` where there is none. Then, and where it is cancelled, the process
        must be ended: its answer might be taken for that to the next request.
        """
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        process.stdin.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(request["seconds"] + GRACE_SECONDS):
            await process.stdin.drain()
            line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def end(self) -> None:
        """End the process, and with it the fork that looks at something."""
        if (process := self._process) is None:
            return
        self._process = None
        with suppress(ProcessLookupError):  # it has ended already
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is not None:
            log.warning("child_process_ended", module=self._module, status=self._process.returncode)
            self._process = None
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # what a decoder says about a picture is no line of our log
                limit=LINE_BYTES,
                cwd="/",
                # Nothing else: the environment of the server holds its secrets.
                env={"PYTHONPATH": str(PACKAGE), "MALLOC_ARENA_MAX": "1"},
                start_new_session=True,
            )
        return self._process
