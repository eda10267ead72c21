"""Runs the tasks that last as long as the server, and restarts those that end.

A task that ends is logged and counted. So a bug in one of them does not deprive all clients of heartbeats or the feed.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import structlog

from api.errors import Unavailable

FIRST_BACKOFF_SECONDS: Final = 0.1
MAX_BACKOFF_SECONDS: Final = 1.0
"""The longest wait before a restart. It is short, because the few tasks of a node cannot overload the store."""
AGAIN_AND_AGAIN: Final = 3
"""A task that was restarted this often in `RECENT_SECONDS` is reported as not well, even while it runs."""
RECENT_SECONDS: Final = 60.0

Work: TypeAlias = Callable[[], Awaitable[None]]

log = structlog.get_logger("api.tasks")


@dataclass(slots=True)
class TaskState:
    """The state of one task. The times of its last restarts are `time.monotonic()` seconds."""

    name: str
    is_up: bool = True
    is_closing: bool = False
    restart_count: int = 0
    _restarted_at: deque[float] = field(default_factory=lambda: deque(maxlen=AGAIN_AND_AGAIN))

    def note_restart(self) -> None:
        """Count one restart."""
        self.restart_count += 1
        self._restarted_at.append(time.monotonic())

    @property
    def is_well(self) -> bool:
        """Whether the task runs, and has not been restarted again and again."""
        times = self._restarted_at
        often = len(times) == AGAIN_AND_AGAIN and time.monotonic() - times[0] < RECENT_SECONDS
        return self.is_up and not often


class Tasks:
    """The tasks of one node. The caller must `close` it."""

    def __init__(self) -> None:
        self._running: list[asyncio.Task[None]] = []
        self.states: list[TaskState] = []

    def keep(self, name: str, work: Work, *, max_backoff_seconds: float = MAX_BACKOFF_SECONDS) -> None:
        """Start a task that runs `work`, and runs it again whenever it ends.

        The wait before a restart doubles each time, up to `max_backoff_seconds`.
        """
        state = TaskState(name)
        self.states.append(state)
        self._running.append(asyncio.create_task(_keep(state, work, max_backoff_seconds), name=name))

    async def close(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        for state in self.states:
            state.is_closing = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _keep(state: TaskState, work: Work, max_backoff_seconds: float) -> None:
    backoff = FIRST_BACKOFF_SECONDS
    while True:
        began = time.monotonic()
        await _run(state.name, work)
        if state.is_closing:
            return  # it failed where it was cancelled
        if time.monotonic() - began > max_backoff_seconds:
            backoff = FIRST_BACKOFF_SECONDS
        state.is_up = False
        await asyncio.sleep(random.uniform(backoff / 2, backoff))  # noqa: S311  jitter, not a secret
        backoff = min(2 * backoff, max_backoff_seconds)
        state.is_up = True
        state.note_restart()


async def _run(name: str, work: Work) -> None:
    try:
        await work()
        log.warning("task_ended", task=name)
    except Unavailable as error:
        log.warning("task_lost", task=name, reason=error.message)
    except Exception:
        log.exception("task_failed", task=name)
