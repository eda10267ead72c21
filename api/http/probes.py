"""What /healthz, /readyz and /metrics ask of a node. `main` hands it over, so that HTTP knows none of the parts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class FeedProbe(Protocol):
    """How the feed is."""

    is_live: bool
    heard_at: float
    lag_ms: int
    reopen_count: int
    catch_up_count: int

    def silent_seconds(self) -> float:
        """Return how long ago the feed last gave a sign of life."""


class TaskProbe(Protocol):
    """How one of the tasks is that run as long as the server does."""

    name: str
    is_up: bool
    restart_count: int

    @property
    def is_well(self) -> bool:
        """Whether it runs, and has not been restarted again and again."""


@dataclass(frozen=True, slots=True)
class Probes:
    """See the module. `check_store` raises `Unavailable`."""

    check_store: Callable[[], Awaitable[None]]
    memory_is_short: Callable[[], bool]
    connection_count: Callable[[], int]
    feed: FeedProbe
    tasks: Sequence[TaskProbe]
    metrics_text: Callable[[], bytes]
