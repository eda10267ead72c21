"""What /readyz and /metrics ask of a node. `main` makes it, so that HTTP imports none of those parts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class FeedProbe(Protocol):
    """The state of the feed. `heard_at` is in `time.monotonic()` seconds."""

    is_live: bool
    heard_at: float
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
