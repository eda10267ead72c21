"""A queue and an event that use less memory than asyncio's, whose empty deques take 600 bytes each on every socket."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Gate:
    """Like `asyncio.Event`."""

    __slots__ = ("_is_open", "_waiters")

    def __init__(self) -> None:
        self._is_open = False
        self._waiters: list[asyncio.Future[None]] = []

    def set(self) -> None:
        """Wake everybody who waits; nobody waits again before `clear`."""
        self._is_open = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Make `wait` wait again."""
        self._is_open = False

    async def wait(self) -> None:
        """Return once `set` was called."""
        while not self._is_open:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter


class Inbox(Generic[T]):
    """Like `asyncio.Queue`, for one reader."""

    __slots__ = ("_items", "_waiter")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, item: T) -> None:
        """Add an item."""
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def empty(self) -> bool:
        """Whether there is no item."""
        return not self._items

    @property
    def is_awaited(self) -> bool:
        """Whether the reader waits, so that it takes what is added now in the next turn of the loop."""
        return self._waiter is not None and not self._waiter.done()

    async def get(self) -> T:
        """Wait for an item; remove and return the oldest."""
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
            self._waiter = None
        return self._items.pop(0)
