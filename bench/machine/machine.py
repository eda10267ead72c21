"""The machine: its cores, and how busy other processes keep them."""

import os
import platform
import sys
import time
from pathlib import Path
from typing import Final

CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORES: Final = {CORES[0]}
"""The server's own core, where there are two. The load, the database and this program share the last one."""
LOAD_CORES: Final = {CORES[-1]}
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
QUIET_CORES: Final = 0.1
"""Other processes may use this much when a run begins. The time that the host of a shared machine steals counts."""
QUIET_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 120.0


def describe() -> str:
    """Return one line about the machine, its system and its Python."""
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
    """Return the busy time of all cores together since the machine started."""
    user, nice, system, _idle, _wait, irq, soft, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + soft + steal) / TICKS


def wait_until_quiet(patience: float = PATIENCE_SECONDS) -> bool:
    """Wait until other processes are quiet for a moment; return whether that came within so many seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        began, busy = time.monotonic(), busy_seconds()
        time.sleep(QUIET_SECONDS)
        if (busy_seconds() - busy) / (time.monotonic() - began) < QUIET_CORES:
            return True
    return False
