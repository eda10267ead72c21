"""Computes when one more attempt is allowed, from the times of earlier attempts. Pure; both stores use it."""

from collections.abc import Sequence


def recent(times: Sequence[int], *, at: int, window_ms: int) -> list[int]:
    """Return the times that are less than `window_ms` away from `at`.

    A time further ahead comes from a clock that was wrong, and does not count either.
    """
    return [time for time in times if abs(at - time) < window_ms]


def wait_ms(times: Sequence[int], *, at: int, count: int, window_ms: int) -> int:
    """Return in how many milliseconds one more attempt is allowed; 0 when it is allowed now.

    At most `count` attempts are allowed within `window_ms`.
    """
    counted = sorted(recent(times, at=at, window_ms=window_ms))
    return 0 if len(counted) < count else max(1, counted[-count] + window_ms - at)
