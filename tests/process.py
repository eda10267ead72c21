"""Runs the command `tailwire` as a process."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Final

from tests.node import Node

PROGRAM: Final = (str(Path(sys.executable).parent / "tailwire"),)
START_SECONDS: Final = 60.0
"""A process on a busy machine loads for half a minute."""
STOP_SECONDS: Final = 15.0
READY: Final = re.compile(r"Tailwire is ready: (http://127\.0\.0\.1:\d+)( \(\d+ workers\))?\n")


@asynccontextmanager
async def started(
    settings: dict[str, str],
    directory: Path,
    *arguments: str,
    program: Sequence[str] = PROGRAM,
    log: IO[bytes] | None = None,
    stdin: int | None = None,
) -> AsyncIterator[Process]:
    """Run the program in this directory, with its stderr in `log`. Afterwards all its processes are gone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TAILWIRE_")}
    process = await asyncio.create_subprocess_exec(
        *program,
        *arguments,
        env=inherited | settings,
        cwd=directory,
        stdin=stdin,
        stdout=PIPE,
        stderr=log or PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the group: a hanging server has workers


async def result(
    settings: dict[str, str],
    directory: Path,
    *arguments: str,
    program: Sequence[str] = PROGRAM,
    said: bytes | None = None,
) -> tuple[int | None, str, str]:
    """Run the program to its end, and say this to it; return exit code, stdout and stderr."""
    stdin = None if said is None else PIPE
    async with (
        started(settings, directory, *arguments, program=program, stdin=stdin) as process,
        asyncio.timeout(START_SECONDS),
    ):
        out, err = await process.communicate(said)
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def serving(
    settings: dict[str, str],
    directory: Path,
    *arguments: str,
    program: Sequence[str] = PROGRAM,
    log: IO[bytes] | None = None,
) -> AsyncIterator[Node]:
    """Run `tailwire serve` and read its address from the line that says it is ready."""
    async with started(settings, directory, "serve", *arguments, program=program, log=log) as process:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        ready = READY.fullmatch(line)
        assert ready, line
        node = Node(ready[1], process=process)
        try:
            await node.wait_ready(START_SECONDS)  # it says that it is ready before its workers have loaded
            yield node
        finally:
            for client in node.clients:
                await client.aclose()


def workers_of(number: int) -> list[int]:
    """Return the numbers of the workers that the server of this number has started."""
    children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
