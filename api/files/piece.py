"""A piece of an upload that is on its way to S3: it waits in a file of this machine until it is full."""

import asyncio
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from api.files.folder import CHUNK_BYTES, disk_errors

PIECE_BYTES: Final = 4 * 1024 * 1024

T = TypeVar("T")


class Piece:
    """A piece of an upload that is being filled, in a file of this machine that has no name."""

    def __init__(self, file_id: str, number: int, file: IO[bytes]) -> None:
        self.file_id = file_id
        self.number = number
        self._file = file
        self._size = 0
        self._stored = 0
        self._waiting = bytearray()

    @classmethod
    async def begin(cls, file_id: str, number: int, spool: Path) -> "Piece":
        """Return an empty piece, whose file is in the folder `spool`."""

        def made() -> IO[bytes]:
            return tempfile.TemporaryFile(dir=spool)

        return cls(file_id, number, await on_disk(made))

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._size

    @property
    def is_full(self) -> bool:
        """Whether no more bytes fit."""
        return self._size == PIECE_BYTES

    @property
    def has_more(self) -> bool:
        """Whether it has bytes that are not stored."""
        return self._size > self._stored

    async def write(self, data: Any) -> int:
        """Take as many bytes as fit, and return their number."""
        taken = min(len(data), PIECE_BYTES - self._size)
        self._waiting += data[:taken]
        self._size += taken
        if len(self._waiting) >= CHUNK_BYTES:
            await self._flush()
        return taken

    async def read(self) -> bytes:
        """Return all its bytes."""
        await self._flush()

        def read() -> bytes:
            self._file.seek(0)
            return self._file.read()

        return await on_disk(read)

    async def stored(self) -> None:
        """Note that its bytes are stored. After a full piece comes the next one."""
        self._stored = self._size
        if self.is_full:
            self.number += 1
            self._size = self._stored = 0
            await on_disk(partial(self._file.seek, 0))
            await on_disk(self._file.truncate)

    async def close(self) -> None:
        """Let go of its file."""
        await on_disk(self._file.close)

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        if waiting:
            await on_disk(partial(self._file.write, waiting))


async def on_disk(work: Callable[[], T]) -> T:
    """Do something with a file of this machine in a thread, and raise errors of the system as ours."""

    def translated() -> T:
        with disk_errors():
            return work()

    return await asyncio.to_thread(translated)
