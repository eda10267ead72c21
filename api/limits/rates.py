"""Rate limits in memory: token buckets, sliding windows, and a memory of recent refusals."""

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from api.errors import RateLimited
from api.limits.quotas import Quota

V = TypeVar("V")

COMMANDS_BURST_SECONDS: Final = 5
"""The burst of commands and requests, in seconds: a client with many rooms begins by asking for all of them."""
FEW_KEYS: Final = 1_024
"""Idle keys are not removed while there are fewer keys than this."""
MAX_KEYS: Final = 65_536
"""Beyond this number the busy keys that were not used for the longest are removed, so that a flood of keys takes no
more memory."""


class Rate:
    """The arithmetic of a token bucket that allows `burst` at once and refills with `per_second`."""

    __slots__ = ("_burst_seconds", "_seconds", "burst")

    def __init__(self, per_second: float, burst: int) -> None:
        self.burst = burst
        self._seconds = 1 / per_second
        self._burst_seconds = burst / per_second

    @property
    def burst_seconds(self) -> float:
        """The time in which an empty bucket becomes full."""
        return self._burst_seconds

    def left(self, full_at: float, now: float) -> int:
        """Return how many tokens there are in a bucket that will be full at `full_at`."""
        return int((self._burst_seconds - max(0.0, full_at - now)) / self._seconds + _TINY_SECONDS)

    def take(self, full_at: float, now: float) -> tuple[float, float]:
        """Take one token from a bucket that will be full at `full_at`, if it has one. Times are in seconds.

        Return the new `full_at` and 0. If there is no token, return the old `full_at` and the seconds until there is.
        """
        then = max(full_at, now) + self._seconds
        wait = then - now - self._burst_seconds
        return (full_at, wait) if wait > _TINY_SECONDS else (then, 0.0)


class Bucket:
    """A token bucket. Its only state is the time when it will be full again."""

    __slots__ = ("_full_at", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """Take one token and return 0, or return the seconds until there is one. `now` is monotonic."""
        self._full_at, wait = self._rate.take(self._full_at, now)
        return wait


class _BusyKeys(Generic[V]):
    """A value for each busy key.

    Idle keys are removed when there are twice as many keys as were left after the last removal.
    """

    def __init__(self, is_idle: Callable[[V, float], bool]) -> None:
        self._is_idle = is_idle
        self._values: dict[str, V] = {}
        self._look_at_count = FEW_KEYS

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> V | None:
        return self._values.get(key)

    def put(self, key: str, value: V, now: float) -> None:
        self._values.pop(key, None)  # so that the keys stand in the order of their last use
        self._values[key] = value
        if len(self._values) > self._look_at_count:
            busy = [one for one in self._values.items() if one[0] == key or not self._is_idle(one[1], now)]
            self._values = dict(busy[-MAX_KEYS:])
            self._look_at_count = max(FEW_KEYS, 2 * len(self._values))

    def pop(self, key: str) -> None:
        self._values.pop(key, None)


class Buckets:
    """A token bucket for each key. Keys whose buckets are full are removed."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at: _BusyKeys[float] = _BusyKeys(lambda full_at, now: full_at <= now)

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """Take one of the key's tokens and return 0, or return the seconds until there is one."""
        full_at, wait = self._rate.take(self._full_at.get(key) or 0.0, now)
        self._full_at.put(key, full_at, now)
        return wait

    def quota(self, name: str, key: str, now: float) -> Quota:
        """Return what is left for a key."""
        full_at, rate = self._full_at.get(key) or 0.0, self._rate
        return Quota(name, rate.burst, rate.burst_seconds, rate.left(full_at, now), full_at - now)


class Window:
    """A sliding window that allows exactly `count` events in any `seconds`. It stores the time of each event."""

    __slots__ = ("_count", "_seconds", "_times")

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._times: list[float] = []

    def take(self, now: float) -> float:
        """Count one more event and return 0, or return the seconds until one is allowed."""
        del self._times[: bisect_right(self._times, now - self._seconds)]
        if len(self._times) >= self._count:
            return self._times[0] + self._seconds - now
        self._times.append(now)
        return 0.0

    def left(self, now: float) -> tuple[int, float]:
        """Return how many more events are allowed, and the seconds until all are."""
        counted = len(self._times) - bisect_right(self._times, now - self._seconds)
        return self._count - counted, self._times[-1] + self._seconds - now if counted else 0.0

    def is_idle(self, now: float) -> bool:
        """Return whether all counted events have left the window."""
        return not self._times or self._times[-1] <= now - self._seconds


class Windows:
    """A sliding window for each key. Keys with empty windows are removed."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._windows: _BusyKeys[Window] = _BusyKeys(Window.is_idle)

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, key: str, now: float) -> float:
        """Count one more event of the key and return 0, or return the seconds until one is allowed."""
        window = self._windows.get(key)
        if window is None:
            window = Window(self._count, self._seconds)
        self._windows.put(key, window, now)
        return window.take(now)

    def quota(self, name: str, key: str, now: float) -> Quota:
        """Return what is left for a key."""
        window = self._windows.get(key)
        left, reset = (self._count, 0.0) if window is None else window.left(now)
        return Quota(name, self._count, self._seconds, left, reset)


_TINY_SECONDS: Final = 1e-6
"""A shorter wait than this is taken for a rounding error of floating point."""


class Refusals:
    """Remembers refused keys for `seconds`, so that a flood of requests is refused without asking the store."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # For each key: when it was refused, and until when.
        self._refused: _BusyKeys[tuple[float, float]] = _BusyKeys(self._is_over)

    def __len__(self) -> int:
        return len(self._refused)

    def note(self, key: str, wait: float, now: float) -> None:
        """Remember that a key was refused and has to wait for `wait` seconds."""
        self._refused.put(key, (now, now + wait), now)

    def forget(self, key: str) -> None:
        """Forget the refusal of a key."""
        self._refused.pop(key)

    def wait(self, key: str, now: float) -> float:
        """Return the seconds for which the key is still refused; 0 when nothing is remembered of it."""
        times = self._refused.get(key)
        return 0.0 if times is None or self._is_over(times, now) else times[1] - now

    def _is_over(self, times: tuple[float, float], now: float) -> bool:
        refused_at, until = times
        # The first comparison matters when a clock is set back.
        return not refused_at <= now < min(refused_at + self._seconds, until)


def too_often(wait_seconds: float) -> RateLimited:
    """Return the error that tells a client to wait, in whole seconds rounded up."""
    return RateLimited(retry_after_seconds=max(1, math.ceil(wait_seconds)))
