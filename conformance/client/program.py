"""The program of the client: lines of JSON on its standard input and output."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

LINE_BYTES: Final = 1024 * 1024
END_SECONDS: Final = 10.0
"""A program has so long to end after its input has ended."""


class Program:
    """A running client. `told` is called with each line that it prints."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._environment = environment
        self._log = log
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._may_read = asyncio.Event()
        self._may_read.set()

    async def start(self, told: Callable[[Mapping[str, Any]], None]) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                env={**os.environ, **self._environment},
                limit=LINE_BYTES,
            )
        self._reading = asyncio.create_task(self._read(self._process, told))

    async def say(self, **command: Any) -> None:
        """Give it a command."""
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(ConnectionError):
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()

    def pause_reading(self) -> None:
        """Take nothing of what it prints: its output fills up."""
        self._may_read.clear()

    def go_on_reading(self) -> None:
        """Take what it prints."""
        self._may_read.set()

    async def stop(self) -> None:
        """End its input, on which it ends in order; kill it where it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        assert self._process.stdin is not None
        self.go_on_reading()
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        await self._read_out()

    async def kill(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self.go_on_reading()
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._read_out()

    @property
    def errors(self) -> str:
        """What it has written to its standard error: the last lines."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-12:])

    async def _read(self, process: Process, told: Callable[[Mapping[str, Any]], None]) -> None:
        assert process.stdout is not None
        while True:
            await self._may_read.wait()
            line = await process.stdout.readline()
            if not line:
                return
            with suppress(ValueError):  # what is no JSON was printed for somebody else
                fields = json.loads(line)
                if isinstance(fields, dict) and isinstance(fields.get("type"), str):
                    told(fields)

    async def _read_out(self) -> None:
        if self._reading is not None:
            await self._reading
