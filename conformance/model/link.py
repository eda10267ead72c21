"""One TCP connection of the scripted server, which can be cut at any byte."""

import asyncio
from typing import Final

HEAD_BYTES: Final = 32 * 1024
PIECE_BYTES: Final = 64 * 1024


class Link:
    """Reads and writes bytes. After `cut_after` of them, counted both ways, the connection is cut off."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut_after: int | None
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._left = cut_after

    @property
    def unsent_bytes(self) -> int:
        """How many written bytes the peer has not taken yet, as far as this process knows."""
        return self._writer.transport.get_write_buffer_size()

    async def read(self) -> bytes:
        """Return what comes, or nothing at the end."""
        try:
            return self._counted(await self._reader.read(PIECE_BYTES))
        except ConnectionError:
            return b""

    def write(self, data: bytes) -> None:
        """Write this, or as much of it as may still pass."""
        if not self._writer.transport.is_closing():
            passed = self._counted(data)
            if passed:
                self._writer.write(passed)
            if len(passed) < len(data):
                # What was written leaves before the connection ends.
                self._writer.close()

    def close(self) -> None:
        """End the connection once all is written."""
        self._writer.close()

    def cut(self) -> None:
        """End the connection at once, without a word."""
        self._writer.transport.abort()

    def _counted(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        passed = data[: self._left]
        self._left -= len(passed)
        return passed
