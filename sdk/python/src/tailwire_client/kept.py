"""What outlasts the program: a small interface, in memory and in a file.

Give a `File...` to the client where it has to go on after a restart, or write your own for a database.
"""

import asyncio
import json
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Kept(ABC, Generic[T]):
    """One thing that outlasts the program."""

    @abstractmethod
    async def load(self) -> T | None:
        """Return what was kept last, or None."""

    @abstractmethod
    async def keep(self, value: T) -> None:
        """Keep it in place of what was kept before. It is durable when this returns."""


class KeptInMemory(Kept[T]):
    """Keeps it as long as the program runs."""

    def __init__(self, value: T | None = None) -> None:
        self._value = value

    async def load(self) -> T | None:
        """Return what was kept last, or None."""
        return self._value

    async def keep(self, value: T) -> None:
        """Keep it in place of what was kept before."""
        self._value = value


class JsonFile:
    """A file with one JSON value, which only its owner can read. No crash leaves a part of a value in it."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    async def read(self) -> Any:
        """Return the value, or None where there is no file. Raises ValueError for a file that is not JSON."""
        return await asyncio.to_thread(self._read)

    async def write(self, value: Any) -> None:
        """Replace the value. It is on disk when this returns."""
        await asyncio.to_thread(self._write, json.dumps(value))

    def _read(self) -> Any:
        try:
            return json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return None

    def _write(self, text: str) -> None:
        beside = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
