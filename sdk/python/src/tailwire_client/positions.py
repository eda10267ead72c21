"""Where a stream goes on after a restart of the program."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tailwire_client.kept import JsonFile
from tailwire_client.position import Position
from tailwire_client.shape import read

KEEP_SECONDS: Final = 1.0
"""`FilePositions` writes its file at most so often."""


class Positions(ABC):
    """The position of each room.

    A stream asks for a room's position when it begins, and gives the new one when an event was handled, which is when
    the reader asks for the next. What is not kept comes again: at least once across a crash, else exactly once.
    """

    @abstractmethod
    async def load(self, room_id: str) -> Position | None:
        """Return the position of a room, or None to begin with what is new."""

    @abstractmethod
    async def keep(self, room_id: str, position: Position) -> None:
        """Take the position of a room. It need not be durable at once."""

    @abstractmethod
    async def close(self) -> None:
        """Make durable what was kept."""


class MemoryPositions(Positions):
    """Keeps positions as long as the program runs. `positions` has what it begins with, and is where it stands."""

    def __init__(self, positions: Mapping[str, Position] | None = None) -> None:
        self.positions = dict(positions or {})

    async def load(self, room_id: str) -> Position | None:
        """Return the position of a room, or None."""
        return self.positions.get(room_id)

    async def keep(self, room_id: str, position: Position) -> None:
        """Take the position of a room."""
        self.positions[room_id] = position

    async def close(self) -> None:
        """Do nothing."""


class FilePositions(Positions):
    """Keeps positions in a file, written at most once a second and when the stream is closed."""

    def __init__(self, path: str | Path) -> None:
        self._file = JsonFile(path)
        self._positions: dict[str, Position] | None = None
        self._written_at = -KEEP_SECONDS
        self._is_dirty = False
        self._lock = asyncio.Lock()

    async def load(self, room_id: str) -> Position | None:
        """Return the position of a room, or None."""
        async with self._lock:
            return (await self._loaded()).get(room_id)

    async def keep(self, room_id: str, position: Position) -> None:
        """Take the position of a room."""
        async with self._lock:
            (await self._loaded())[room_id] = position
            self._is_dirty = True
            if time.monotonic() - self._written_at >= KEEP_SECONDS:
                await self._write()

    async def close(self) -> None:
        """Write what was kept since the last time."""
        async with self._lock:
            if self._is_dirty:
                await self._write()

    async def _loaded(self) -> dict[str, Position]:
        if self._positions is None:
            fields: Mapping[str, Any] = await self._file.read() or {}
            self._positions = {room_id: read(Position, one) for room_id, one in fields.items()}
        return self._positions

    async def _write(self) -> None:
        positions = await self._loaded()
        self._is_dirty = False
        self._written_at = time.monotonic()
        await self._file.write(
            {room_id: {"epoch": one.epoch, "seq": one.seq} for room_id, one in positions.items()}
        )
