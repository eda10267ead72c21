"""Limits how many sockets are open on this node, in all and, before they authenticate, per address."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.address import counted_as
from api.errors import Overloaded, RateLimited
from api.limits.memory import Memory


class Admission:
    """Counts the sockets of this node, and refuses those beyond the limits of the settings."""

    def __init__(
        self, memory: Memory, *, connections: int, unauthenticated: int, unauthenticated_per_address: int
    ) -> None:
        self._memory = memory
        self._connections = connections
        self._unauthenticated = unauthenticated
        self._per_address = unauthenticated_per_address
        self._open = 0
        self._waiting: Counter[str] = Counter()

    @property
    def open_count(self) -> int:
        """The number of open sockets, authenticated or not."""
        return self._open

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Count one open socket while the block runs. Raises `Overloaded` when the node is full or short of memory."""
        self._memory.require()
        if self._open >= self._connections:
            raise Overloaded("This node has as many connections as it may", retry_after_seconds=5)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def wait(self, address: str) -> Iterator[None]:
        """Count one socket that has not authenticated, while the block runs. Raises `RateLimited`, `Overloaded`."""
        address = counted_as(address)
        if self._waiting[address] >= self._per_address:
            raise RateLimited("Too many connections that have not authenticated", retry_after_seconds=5)
        if self._waiting.total() >= self._unauthenticated:
            raise Overloaded("Too many connections that have not authenticated", retry_after_seconds=5)
        self._waiting[address] += 1
        try:
            yield
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
