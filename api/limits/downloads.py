"""Bounds how many long files are sent at a time. Whoever has the address of a file needs no account.

How slowly a peer may take what is sent is bounded for all answers, in `api/server/http.py`.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from api.errors import Overloaded
from api.limits.strangers import Strangers

LONG_BYTES: Final = 256 * 1024
"""What is shorter is soon with its peer and is not counted: a screen has dozens of thumbnails."""
MOST: Final = 256
MOST_PER_ADDRESS: Final = 64


class Downloads:
    """The long files that are being sent from this node, by the address to which they go.

    Where there are as many as there may be, a new one takes the place of the oldest of the network that has most.
    """

    def __init__(self) -> None:
        self._running = Strangers(MOST, MOST_PER_ADDRESS)

    def __len__(self) -> int:
        return len(self._running)

    def require_few(self, address: str, size: int) -> None:
        """Raise `Overloaded` where as many long files go to an address as may, unless this one is short."""
        if size > LONG_BYTES and self._running.is_full(address):
            raise Overloaded("Too many files are being read from your address")

    async def count(self, address: str, size: int, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the chunks of a file, which is counted meanwhile. Raises `Overloaded` when it loses its place."""
        running = self._running.enter(address, _nothing) if size > LONG_BYTES else None
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if running is not None and running.is_dismissed:
                        raise Overloaded("Others wait to read files")
                    yield chunk
        finally:
            self._running.leave(running)


def _nothing() -> None:
    """Leave it to the next chunk to notice."""
