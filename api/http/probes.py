"""What /readyz and /metrics ask of a node. `node.py` makes it, so that HTTP imports none of those parts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from api.errors import Unavailable

CHECK_TIMEOUT_SECONDS: Final = 2.0


class FeedProbe(Protocol):
    """The state of the feed."""

    is_live: bool
    lag_ms: int
    reopen_count: int
    catch_up_count: int

    def silent_seconds(self) -> float:
        """Return the seconds since the feed last received anything."""


class TaskProbe(Protocol):
    """The state of one task that runs as long as the server does."""

    name: str
    is_up: bool
    restart_count: int

    @property
    def is_well(self) -> bool:
        """Whether the task runs, and has not been restarted again and again."""


class SearchProbe(Protocol):
    """The search index, and whether this process writes it."""

    @property
    def is_writing(self) -> bool:
        """Whether this process writes the index."""

    @property
    def done(self) -> float:
        """How much of the index is made, from 0 to 1."""

    @property
    def lag(self) -> int:
        """The number of entries that the index lacks."""


class Recorder(Protocol):
    """Counts what is answered and refused, for /metrics."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer over HTTP."""

    def refused(self, over: str, code: str) -> None:
        """Count an error that was told over `http`, at a `handshake` or over a `socket`."""

    def used(self, tool: str, outcome: str) -> None:
        """Count one use of a tool of MCP: `ok`, or the code of its error."""

    def closed(self, code: int | None) -> None:
        """Count the end of a socket, with this side's close code, or None when its client ended it."""


@dataclass(frozen=True, slots=True)
class Probes:
    """The state of a node. `check_store` raises `Unavailable`."""

    check_store: Callable[[], Awaitable[None]]
    memory_is_short: Callable[[], bool]
    clock_skew_ms: Callable[[], int]
    connection_count: Callable[[], int]
    feed: FeedProbe
    tasks: Sequence[TaskProbe]
    metrics_text: Callable[[], bytes]
    database_bytes: Callable[[], int | None]
    search: SearchProbe | None

    async def store_is_up(self) -> bool:
        """Return whether the store can be read and written now."""
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await self.check_store()
        except (Unavailable, TimeoutError):
            return False
        return True
