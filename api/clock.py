"""The time of this machine, in milliseconds."""

import time


def now_ms() -> int:
    """Return the time in whole milliseconds since the Unix epoch, in UTC."""
    return time.time_ns() // 1_000_000
