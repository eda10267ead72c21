"""How much memory this process has, and whether it has more than it may: the kernel kills one that takes too much."""

import os
from pathlib import Path
from typing import Final

import structlog

from api.errors import Unavailable

STATM: Final = Path("/proc/self/statm")
"""In pages; the second number is what is resident: proc(5)."""
RETRY_SECONDS: Final = 5

log = structlog.get_logger("api.memory")


class Memory:
    """See the module. `limit_bytes=None`: it may have what there is."""

    def __init__(self, limit_bytes: int | None) -> None:
        self._limit_bytes = limit_bytes
        self.is_short = False

    def look(self) -> None:
        """Look how much it is now. Raises `OSError` where there is no /proc."""
        if self._limit_bytes is None:
            return
        is_short = int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > self._limit_bytes
        if is_short is not self.is_short:
            self.is_short = is_short
            log.warning("memory_short" if is_short else "memory_enough", limit_bytes=self._limit_bytes)

    def require(self) -> None:
        """Raise `Unavailable` when there was too much of it at the last look."""
        if self.is_short:
            raise Unavailable("This node is short of memory", retry_after_seconds=RETRY_SECONDS)
