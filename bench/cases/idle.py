"""Idle sockets: how fast they connect, the memory of each, and the CPU of ten thousand that say nothing."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from bench.cases.case import Case, Options
from bench.contenders.contender import Contender
from bench.machine.load import loading
from bench.report.results import Row

SOCKETS: Final = 10_000
SETTLE_SECONDS: Final = 3.0
MEASURED: Final = (
    "floor",
    "tailwire",
    "nchan",
    "node-ws",
    "documentation",
    "socketio",
    "channels",
    "tornado",
)


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    count = options.subscribers or SOCKETS
    for contender in options.chosen(MEASURED):
        yield Case(contender.name, f"{count:,} sockets", partial(_idle, contender, count, options.seconds))


def _idle(contender: Contender, count: int, seconds: float, directory: Path) -> Row:
    with contender.start(directory) as subject:
        process = subject.process
        with loading(subject.plan(subject.sockets(100), seconds=0), directory):
            pass  # memory that the first sockets allocate is not counted
        time.sleep(1)
        before, cpu = process.memory_bytes(), process.cpu_seconds()
        with loading(subject.plan(subject.sockets(count), seconds=0), directory) as load:
            connect_cpu = process.cpu_seconds() - cpu
            time.sleep(SETTLE_SECONDS)
            kept, cpu, began = process.memory_bytes() - before, process.cpu_seconds(), time.monotonic()
            time.sleep(seconds)
            idle = (process.cpu_seconds() - cpu) / (time.monotonic() - began)
        time.sleep(SETTLE_SECONDS)
        return {
            "connects": count / load.connect_seconds,
            "connect_cpu_us": 1e6 * connect_cpu / count,
            "socket_kib": kept / count / 1024,
            "idle_cpu": idle,
            "left_kib": (process.memory_bytes() - before) / 1024,
        }
