"""Limits how many sockets are open on this node, in all and, before they authenticate, per address."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from api.errors import Overloaded, RateLimited
from api.limits.memory import Memory
from api.limits.strangers import Strangers


class Place:
    """The place of a socket that has not authenticated. It is lost when a newer socket needs it."""

    __slots__ = ("_clock", "_is_lost")

    def __init__(self) -> None:
        self._clock: asyncio.Timeout | None = None
        self._is_lost = False

    def end_with(self, clock: asyncio.Timeout) -> None:
        """Let a running timeout end when the place is lost."""
        self._clock = clock
        if self._is_lost:
            self.lose()

    def lose(self) -> None:
        """Note that the place is lost."""
        self._is_lost = True
        if self._clock is not None and not self._clock.expired():
            self._clock.reschedule(asyncio.get_running_loop().time())


class Admission:
    """Counts the sockets of this node, and refuses those beyond the limits of the settings."""

    def __init__(
        self, memory: Memory, *, connections: int, unauthenticated: int, unauthenticated_per_address: int
    ) -> None:
        self._memory = memory
        self._connections = connections
        self._strangers = Strangers(unauthenticated, unauthenticated_per_address)
        self._open = 0

    @property
    def open_count(self) -> int:
        """The number of open sockets, authenticated or not."""
        return self._open

    def __enter__(self) -> None:
        """Count one open socket while the block runs. Raises `Overloaded` when the node is full or short of memory.

        A generator in place of these two methods would take half a KiB for each socket, as long as it is open.
        """
        self._memory.require()
        if self._open >= self._connections:
            raise Overloaded("This node has as many connections as it may", retry_after_seconds=5)
        self._open += 1

    def __exit__(self, *_error: object) -> None:
        """Count the socket no longer."""
        self._open -= 1

    @contextmanager
    def wait(self, address: str) -> Iterator[Place]:
        """Count one socket that has not authenticated, while the block runs. Raises `RateLimited`.

        Another one may take its place, which the `Place` tells.
        """
        if self._strangers.is_full(address):
            raise RateLimited("Too many connections that have not authenticated", retry_after_seconds=5)
        place = Place()
        stranger = self._strangers.enter(address, place.lose)
        try:
            yield place
        finally:
            self._strangers.leave(stranger)
