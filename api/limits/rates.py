"""How often something may be done: token buckets, sliding windows, and who was refused a moment ago."""

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from api.errors import RateLimited

V = TypeVar("V")

COMMANDS_BURST_SECONDS: Final = 5
"""Commands and requests may be saved up for this long: a client with many rooms begins by asking for all of them."""
FEW_KEYS: Final = 1_024
"""Up to this number of keys, none is looked at for being idle."""
MAX_KEYS: Final = 65_536
"""The oldest busy keys are forgotten beyond this number, so that a flood of keys takes no more memory."""


class Rate:
    """`burst` at once, and from then on `per_second`: the sum that token buckets do."""

    __slots__ = ("_burst_seconds", "_seconds")

    def __init__(self, per_second: float, burst: int) -> None:
        self._seconds = 1 / per_second
        self._burst_seconds = burst / per_second

    def take(self, full_at: float, now: float) -> tuple[float, float]:
        """Take one token of a bucket that is full at `full_at`.

        Return when it is full after that, and 0; or what it was, and in how many seconds there is a token.
        """
        then = max(full_at, now) + self._seconds
        wait = then - now - self._burst_seconds
        return (full_at, wait) if wait > _TINY_SECONDS else (then, 0.0)


class Bucket:
    """A token bucket. It keeps one number: when it will be full again."""

    __slots__ = ("_full_at", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """Take one token and return 0, or return in how many seconds there is one. `now` is monotonic."""
        self._full_at, wait = self._rate.take(self._full_at, now)
        return wait


class _BusyKeys(Generic[V]):
    """A value for each busy key.

    Idle keys are dropped when there are twice as many keys as were busy at the last look.
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
        self._values[key] = value
        if len(self._values) > self._look_at_count:
            busy = [one for one in self._values.items() if one[0] == key or not self._is_idle(one[1], now)]
            self._values = dict(busy[-MAX_KEYS:])
            self._look_at_count = max(FEW_KEYS, 2 * len(self._values))

    def pop(self, key: str) -> None:
        self._values.pop(key, None)


class Buckets:
    """A token bucket for each key. A key whose bucket is full is forgotten."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at: _BusyKeys[float] = _BusyKeys(lambda full_at, now: full_at <= now)

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """Take one of the key's tokens and return 0, or return in how many seconds there is one."""
        full_at, wait = self._rate.take(self._full_at.get(key) or 0.0, now)
        self._full_at.put(key, full_at, now)
        return wait


class Window:
    """At most `count` in any `seconds`, exactly. It keeps the time of each."""

    __slots__ = ("_count", "_seconds", "_times")

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._times: list[float] = []

    def take(self, now: float) -> float:
        """Count one more and return 0, or return in how many seconds there is room for one."""
        del self._times[: bisect_right(self._times, now - self._seconds)]
        if len(self._times) >= self._count:
            return self._times[0] + self._seconds - now
        self._times.append(now)
        return 0.0

    def is_idle(self, now: float) -> bool:
        """Whether all that was counted is past."""
        return not self._times or self._times[-1] <= now - self._seconds


class Windows:
    """A window for each key. A key with nothing in its window is forgotten."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._windows: _BusyKeys[Window] = _BusyKeys(Window.is_idle)

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, key: str, now: float) -> float:
        """Count one more of the key and return 0, or return in how many seconds there is room for one."""
        window = self._windows.get(key)
        if window is None:
            window = Window(self._count, self._seconds)
            self._windows.put(key, window, now)
        return window.take(now)


_TINY_SECONDS: Final = 1e-6
"""What floating point may be off by; nobody waits for so little."""


class Refusals:
    """Remembers for some `seconds` who was refused, so that whoever floods us is refused without being looked at."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._refused: _BusyKeys[tuple[float, float]] = _BusyKeys(self._is_over)  # when, and until when

    def __len__(self) -> int:
        return len(self._refused)

    def note(self, key: str, wait: float, now: float) -> None:
        """Note that a key was refused and has to wait so long."""
        self._refused.put(key, (now, now + wait), now)

    def forget(self, key: str) -> None:
        """Look at a key again when it comes next."""
        self._refused.pop(key)

    def wait(self, key: str, now: float) -> float:
        """Return in how many seconds the key may come again; 0 when it has to be looked at."""
        times = self._refused.get(key)
        return 0.0 if times is None or self._is_over(times, now) else times[1] - now

    def _is_over(self, times: tuple[float, float], now: float) -> bool:
        refused_at, until = times
        return not refused_at <= now < min(refused_at + self._seconds, until)  # a clock may be set back


def too_often(wait_seconds: float) -> RateLimited:
    """Return the error for what has to wait so long."""
    return RateLimited(retry_after_seconds=max(1, math.ceil(wait_seconds)))
