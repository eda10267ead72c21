"""How many costly things run at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.errors import Unavailable


class ConcurrencyLimit:
    """Lets `at_once` blocks run at a time, in the order they came. As many as `waiting` wait; more are refused.

    What is costly is begun when its turn comes, and not all of it in one breath, for which all others would wait.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._taken = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a turn, which ends with the block. Raises `Unavailable` at once when too many wait."""
        if self._taken >= self._most:
            raise Unavailable("Too many are logging in at once")
        self._taken += 1
        try:
            async with self._turns:
                yield
        finally:
            self._taken -= 1
