"""How much memory this process has, and whether it has more than it may: the kernel kills one that takes too much.

What a process has been given by the kernel it seldom gives back, for some little thing that is still in use stands on
almost every page. So what Python has freed since it came over the limit, and will use again, is not counted.
"""

import gc
import os
import sys
from pathlib import Path
from typing import Final

import structlog

from api.errors import Unavailable

STATM: Final = Path("/proc/self/statm")
"""The kernel says here, in pages, how much memory is resident: the second number, proc(5)."""
BLOCK_BYTES: Final = 64
"""Assumed size of one block of Python's allocator. Those of a socket have 95 bytes on average: this undercounts."""
COLLECT_EVERY: Final = 10
"""Looks between two collections of garbage while memory is short: a collection takes up to a second."""
RETRY_SECONDS: Final = 5
COLLECT_THRESHOLDS: Final = (5_000, 20, 20)
"""With Python's own, (700, 10, 10), the search for garbage is an eighth of the cost of opening a socket."""

log = structlog.get_logger("api.memory")


def tune_collector() -> None:
    """Have the garbage collector pass over what is there now, which stays for ever, and look less often.

    For a process of our own, when all is imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_THRESHOLDS)


class Memory:
    """See the module. `limit_bytes=None`: it may have what there is."""

    def __init__(self, limit_bytes: int | None) -> None:
        self._limit_bytes = limit_bytes
        self._most_blocks = 0
        self._short_count = 0

    @property
    def is_short(self) -> bool:
        """Whether there was too much of it at the last look."""
        return self._short_count > 0

    def measure(self) -> None:
        """Look how much it is now. Raises `OSError` where there is no /proc."""
        if self._limit_bytes is None:
            return
        was_short = self.is_short
        is_short = self._used_bytes(self._limit_bytes) > self._limit_bytes
        self._short_count = self._short_count + 1 if is_short else 0
        if is_short is not was_short:
            log.warning("memory_short" if is_short else "memory_enough", limit_bytes=self._limit_bytes)
        if self._short_count % COLLECT_EVERY == 1:
            gc.collect()

    def _used_bytes(self, limit_bytes: int) -> int:
        resident = int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        blocks = sys.getallocatedblocks()
        self._most_blocks = max(self._most_blocks, blocks) if resident > limit_bytes else blocks
        return resident - (self._most_blocks - blocks) * BLOCK_BYTES

    def require(self) -> None:
        """Raise `Unavailable` while it is short."""
        if self.is_short:
            raise Unavailable("This node is short of memory", retry_after_seconds=RETRY_SECONDS)
