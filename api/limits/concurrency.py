"""Limits how many costly operations run at once, such as hashing passwords."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.errors import Overloaded


class ConcurrencyLimit:
    """Runs `at_once` blocks at a time, in the order they arrived. `waiting` more may wait, and others are refused.

    Without it, all of them would start at once, and the server would answer nothing else until they had ended.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._taken = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the block runs. Raises `Overloaded` at once when too many wait."""
        if self._taken >= self._most:
            raise Overloaded("Too many are waiting for this")
        self._taken += 1
        try:
            async with self._turns:
                yield
        finally:
            self._taken -= 1
