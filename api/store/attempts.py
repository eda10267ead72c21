"""When there is room for one more attempt, by the times of those before. Pure; both stores ask it."""

from collections.abc import Sequence


def recent(times: Sequence[int], *, at: int, window_ms: int) -> list[int]:
    """Return those of the times that count. One from far ahead, by a clock that was wrong, does not."""
    return [time for time in times if abs(at - time) < window_ms]


def wait_ms(times: Sequence[int], *, at: int, count: int, window_ms: int) -> int:
    """Return in how many milliseconds there is room for one more; 0 when there is."""
    counted = sorted(recent(times, at=at, window_ms=window_ms))
    return 0 if len(counted) < count else max(1, counted[-count] + window_ms - at)
