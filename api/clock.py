"""The time of this process, in milliseconds: that of its store, from which this machine's clock may differ.

Nodes whose clocks differ would refuse each other's tokens and date messages out of order. So every node goes by the
clock of the store that they share. `api/store/skew.py` measures how far this machine's clock is ahead of it.
"""

import time
from typing import Final

MS_PER_MINUTE: Final = 60_000
MS_PER_HOUR: Final = 3_600_000
MS_PER_DAY: Final = 86_400_000


class _Skew:
    """How far this machine's clock is ahead of the store's. It is 0 until a node has measured it."""

    ms = 0


def machine_ms() -> int:
    """Return the time by this machine's clock, in whole milliseconds since the Unix epoch, in UTC."""
    return time.time_ns() // 1_000_000


def now_ms() -> int:
    """Return the time by the store's clock, in whole milliseconds since the Unix epoch, in UTC."""
    return machine_ms() - _Skew.ms


def skew_ms() -> int:
    """Return how many milliseconds this machine's clock is ahead of the store's, negative when it is behind."""
    return _Skew.ms


def set_skew(milliseconds: int) -> None:
    """Correct `now_ms` by this much. A process serves one store, so it has one skew."""
    _Skew.ms = milliseconds
