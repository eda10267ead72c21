"""asyncio's Queue and Event with less in them: each holds up to three deques of 600 bytes, empty, for every socket."""

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
        """Let everybody through, until `clear`."""
        self._is_open = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Let nobody through any more."""
        self._is_open = False

    async def wait(self) -> None:
        """Return when it is open."""
        while not self._is_open:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter


class Inbox(Generic[T]):
    """Like `asyncio.Queue`, for one reader."""

    __slots__ = ("_gate", "_items")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._gate = Gate()

    def put_nowait(self, item: T) -> None:
        """Add one."""
        self._items.append(item)
        self._gate.set()

    def empty(self) -> bool:
        """Whether there is none."""
        return not self._items

    async def get(self) -> T:
        """Return the oldest, when there is one."""
        while not self._items:
            self._gate.clear()
            await self._gate.wait()
        return self._items.pop(0)
