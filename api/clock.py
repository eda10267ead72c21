"""The time of this machine, in milliseconds."""

import time
from typing import Final

MS_PER_MINUTE: Final = 60_000
MS_PER_DAY: Final = 86_400_000


def now_ms() -> int:
    """Return the time in whole milliseconds since the Unix epoch, in UTC."""
    return time.time_ns() // 1_000_000
