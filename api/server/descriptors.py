"""The limit of open files and connections of a process, which the kernel sets (getrlimit(2))."""

import resource
from typing import Final

import structlog

RESERVE: Final = 64
"""Descriptors that are kept for the store, files, and connections that are being refused."""
UNLIMITED: Final = 1_048_576
"""What counts where the kernel says that there is no limit."""
LOW: Final = 1_024
"""With fewer descriptors than this, the log says at the start how to get more."""

log = structlog.get_logger("api.server")


def limit() -> int:
    """Return how many descriptors this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNLIMITED if soft == resource.RLIM_INFINITY else soft


def raise_limit(sockets: int) -> int:
    """Raise the limit as far as the kernel lets this process, say it, and return it. `sockets` are wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS says that there is no limit, and has one
            log.warning("descriptors_not_raised", limit=soft)
    found = limit()
    if found < max(LOW, sockets + RESERVE):
        log.warning("descriptors_few", limit=found, wanted=sockets + RESERVE, raise_them_with="ulimit -n")
    else:
        log.info("descriptors", limit=found)
    return found
