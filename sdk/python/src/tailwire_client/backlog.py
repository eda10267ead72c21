"""The events of a stream that its reader has not taken yet, bounded."""

import asyncio
from collections import deque
from typing import Final

from tailwire_client.events import Event

MOST: Final = 1_000
"""A stream that has so many events waiting closes its socket, and comes back when half of them are taken."""


class Backlog:
    """A queue between the socket and the reader. What is in it survives the socket."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._events: deque[Event] = deque()
        self._end: Exception | None = None
        self._changed = asyncio.Condition()

    @property
    def is_full(self) -> bool:
        """Whether the socket has to be closed."""
        return len(self._events) >= self._most

    async def put(self, event: Event) -> None:
        """Add an event."""
        async with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    async def end(self, error: Exception) -> None:
        """Raise the error for the reader once all events are taken."""
        async with self._changed:
            self._end = error
            self._changed.notify_all()

    async def take(self) -> Event:
        """Return the next event. Raises the error of the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._events or self._end is not None)
            if not self._events:
                assert self._end is not None  # noqa: S101 - it was waited for
                raise self._end
            self._changed.notify_all()
            return self._events.popleft()

    async def until_half_empty(self) -> None:
        """Wait until the reader has caught up."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._events) <= self._most // 2)
