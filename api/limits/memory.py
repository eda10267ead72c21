"""Measures this process's memory against a limit, so that it can refuse work before the kernel kills it.

A process seldom returns memory to the kernel, because almost every page still holds some small object in use. So memory
that Python has freed since the limit was exceeded, and will use again, is not counted. Objects of more than 512 bytes,
such as answers, lie in the heap of the C library, which keeps what is freed below another until asked.
"""

import ctypes
import gc
import os
import sys
from pathlib import Path
from typing import Final

import structlog

from api.errors import Overloaded

STATM: Final = Path("/proc/self/statm")
"""The second number in this file is the resident memory, in pages (proc(5))."""
BLOCK_BYTES: Final = 64
"""The assumed size of one block of Python's allocator. A socket's blocks average 95 bytes, so this undercounts."""
COLLECT_EVERY: Final = 10
"""While memory is short, garbage is collected, and free memory returned, once in this many measurements: a collection
takes up to a second."""
RETRY_SECONDS: Final = 5
NEARLY: Final = 0.9
"""With more than this part of its limit, a process serves those first who have not yet caused it."""
COLLECT_THRESHOLDS: Final = (5_000, 20, 20)
"""Collect garbage less often than by default: with (700, 10, 10), it is an eighth of the cost of opening a socket."""

log = structlog.get_logger("api.memory")


def tune_collector() -> None:
    """Exclude all present objects from garbage collection, and collect less often.

    Call it once everything is imported, and only in a process that this server owns.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_THRESHOLDS)


class Memory:
    """Compares resident memory with `limit_bytes`. None sets no limit."""

    def __init__(self, limit_bytes: int | None) -> None:
        self._limit_bytes = limit_bytes
        self._most_blocks = 0
        self._short_count = 0
        self.is_nearly_short = False

    @property
    def is_short(self) -> bool:
        """Whether the process had more memory than the limit at the last measurement."""
        return self._short_count > 0

    def measure(self) -> None:
        """Measure the memory in use. Raises `OSError` where there is no /proc."""
        if self._limit_bytes is None:
            return
        was_short = self.is_short
        used_bytes = self._used_bytes(self._limit_bytes)
        if used_bytes > self._limit_bytes and self._short_count % COLLECT_EVERY == 0:
            _return_free_memory()
            used_bytes = self._used_bytes(self._limit_bytes)
        is_short = used_bytes > self._limit_bytes
        self.is_nearly_short = used_bytes > NEARLY * self._limit_bytes
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
        """Raise `Overloaded` while memory is short."""
        if self.is_short:
            raise Overloaded("This node is short of memory", retry_after_seconds=RETRY_SECONDS)


def _return_free_memory() -> None:
    """Return the free pages of the C library's heap to the kernel, where the library can (glibc's malloc_trim(3))."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
