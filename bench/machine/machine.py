"""The machine that measures: its cores, and how much of them others used meanwhile."""

import os
import platform
import sys
import time
from pathlib import Path
from typing import Final

CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORES: Final = {CORES[0]}
"""The server has a core of its own, where there are two; the load, the database and we share the last."""
LOAD_CORES: Final = {CORES[-1]}
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
QUIET_CORES: Final = 0.1
"""What others may use while a run begins; a shared machine's host counts as others, too."""
QUIET_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 120.0


def describe() -> str:
    """Return one line about the machine and what it runs."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    gibibytes = os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES / 2**30
    return (
        f"{len(CORES)} cores ({model}), {gibibytes:.0f} GiB, Linux {platform.release().split('-')[0]},"
        f" Python {sys.version.split()[0]}"
    )


def busy_seconds() -> float:
    """Return how long all cores together have worked since the machine started, for whomever."""
    user, nice, system, _idle, _wait, irq, soft, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + soft + steal) / TICKS


def wait_until_quiet() -> bool:
    """Wait until nobody else has worked for a moment; say whether that came in time."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        began, busy = time.monotonic(), busy_seconds()
        time.sleep(QUIET_SECONDS)
        if (busy_seconds() - busy) / (time.monotonic() - began) < QUIET_CORES:
            return True
    return False
