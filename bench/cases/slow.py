"""Slow sockets: a hundred sockets never read, beside five hundred that do."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from bench.cases.case import Case, Options
from bench.cases.fanout import Meter, Work
from bench.contenders.contender import Contender
from bench.contenders.subject import Subject
from bench.machine.load import loading
from bench.report.results import Row

READING: Final = 500
MUTE: Final = 100
RATE: Final = 400
MEASURED: Final = ("tailwire", "node-ws", "documentation")
SETTLE_SECONDS: Final = 3.0


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    work = Work(options.subscribers or READING, options.rate or RATE, max(options.seconds, 20))
    for contender in options.chosen(MEASURED):
        yield Case(contender.name, f"{work.name}, {MUTE} mute", partial(_slow, contender, work))


def _slow(contender: Contender, work: Work, directory: Path) -> Row:
    """Run the work without mute sockets and then with them, on one server."""
    with contender.start(directory) as subject:
        alone, _seconds = _run(subject, work, 0, directory)
        time.sleep(SETTLE_SECONDS)
        before = subject.process.memory_bytes()
        beside, seconds = _run(subject, work, MUTE, directory)
        peak = subject.process.memory_bytes()
        time.sleep(SETTLE_SECONDS)
        return {
            **beside,
            "alone_p99_ms": alone["p99_ms"],
            "p99_ratio": beside["p99_ms"] / alone["p99_ms"],
            "mute_closed": len(seconds),
            "mute_closed_seconds": max(seconds, default=None),
            "peak_kib": (peak - before) / 1024,
            "left_kib": (subject.process.memory_bytes() - before) / 1024,
        }


def _run(subject: Subject, work: Work, mute: int, directory: Path) -> tuple[Row, list[float]]:
    """Return the figures, and the seconds after which each mute socket was gone.

    The descriptors of the server show that. The peer does not learn that the system has dropped a socket.
    """
    sockets = subject.sockets(work.subscribers + mute, senders=work.senders)
    sockets = [replace(one, is_mute=number >= work.subscribers) for number, one in enumerate(sockets)]
    meter, gone = Meter(subject), list[float]()
    with loading(subject.plan(sockets, rate=work.rate, seconds=work.seconds), directory) as load:
        all_open, began = subject.process.descriptor_count(), time.monotonic()

        def hear(event: Row) -> None:
            meter.hear(event)
            lost = all_open - subject.process.descriptor_count()
            gone.extend([time.monotonic() - began] * (lost - len(gone)))

        return meter.row(load.run(hear)), gone
