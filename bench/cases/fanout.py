"""Fan-out: the cost of delivering a message to everybody in a room, and how long it takes."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.cases.case import Case, Options
from bench.contenders.contender import CONTENDERS, Contender
from bench.contenders.subject import Subject
from bench.machine.load import loading
from bench.machine.machine import busy_seconds

MOST_SENDERS: Final = 50
RATE_OF_A_SENDER: Final = 5
"""Messages of one sender in a second. Few, because a single sender that waits for each ack would be the limit."""
SUBSCRIBERS: Final = 500
RATES: Final = (20, 400, 1_000)
RATE_ALONE: Final = 2_000
"""A million deliveries a second, for Tailwire alone: at half of that all peers fall behind."""
STORED: Final = (200, 200)
"""Subscribers and messages a second for the contenders that store each message in RethinkDB."""
ALSO: Final = {("tornado", RATES[0])}
"""Storing contenders that are also measured at a rate of the others. The CPU of their database does not count."""
STORING: Final = ("tailwire-rethinkdb", "tutorial", "tornado", "node-rethinkdb")
SERVERLESS: Final = ("store", "insert")
SOCKETLESS: Final = (*SERVERLESS, "bare-fastapi")


@dataclass(frozen=True)
class Work:
    """The work: subscribers of one room, messages a second in all, and the duration."""

    subscribers: int
    rate: float
    seconds: float

    @property
    def name(self) -> str:
        """Return the work in words, such as `500 x 20/s`."""
        return f"{self.subscribers:,} x {self.rate:,g}/s"

    @property
    def senders(self) -> int:
        """The number of subscribers that send."""
        return int(min(MOST_SENDERS, self.subscribers, max(1, self.rate // RATE_OF_A_SENDER)))


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    rates = (options.rate,) if options.rate else RATES
    works = [Work(options.subscribers or SUBSCRIBERS, rate, options.seconds) for rate in rates]
    for work in works:
        at_this = (
            name for name in CONTENDERS if name not in STORING + SOCKETLESS or (name, work.rate) in ALSO
        )
        yield from _of(options, work, list(at_this))
    if not options.rate:
        alone = Work(options.subscribers or SUBSCRIBERS, RATE_ALONE, options.seconds)
        yield from _of(options, alone, ("tailwire",))
    stored = Work(options.subscribers or STORED[0], options.rate or STORED[1], options.seconds)
    yield from _of(options, stored, STORING)


def _of(options: Options, work: Work, names: Sequence[str]) -> Iterator[Case]:
    for contender in options.chosen(names):
        yield Case(contender.name, work.name, partial(measure, contender, work))


class Meter:
    """Reads the CPU of the processes when the load is warm, and again when it has measured."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._marks: list[tuple[float, ...]] = []

    def hear(self, event: dict[str, Any]) -> None:
        """Handle an event of the load."""
        if event["event"] == "running":
            print(".", end="", flush=True)
        elif event["event"] in {"warm", "measured"}:
            database = self._subject.database
            self._marks.append(
                (
                    time.monotonic(),
                    self._subject.process.cpu_seconds(),
                    database.cpu_seconds() if database else 0.0,
                    sum(node.cpu_seconds() for node in self._subject.beside),
                    busy_seconds(),
                )
            )

    def row(self, report: dict[str, Any]) -> dict[str, Any]:
        """Return the figures, together with the load's report."""
        seconds, server, database, beside, busy = (
            after - before for before, after in zip(self._marks[0], self._marks[1], strict=True)
        )
        deliveries = max(1, report["window_received"])
        others = (busy - server - database - beside) / seconds - report["generator_cpu"]
        return {
            "cpu_us": 1e6 * server / deliveries,
            "database_us": 1e6 * database / deliveries if self._subject.database else None,
            "server_cpu": server / seconds,
            "beside_cpu": beside / seconds,
            "database_cpu": database / seconds,
            "deliveries": deliveries / seconds,
            "others_cpu": max(0.0, others),
            **{name: value for name, value in report.items() if name != "event" and value != -1},
        }


def measure(contender: Contender, work: Work, directory: Path) -> dict[str, Any]:
    """Start a contender, let it do the work once, and return the figures."""
    with contender.start(directory) as subject:
        return run(subject, work, directory)


def run(subject: Subject, work: Work, directory: Path) -> dict[str, Any]:
    """Let a running server do the work once, and return the figures."""
    plan = subject.plan(
        subject.sockets(work.subscribers, senders=work.senders), rate=work.rate, seconds=work.seconds
    )
    meter = Meter(subject)
    with loading(plan, directory) as load:
        return meter.row(load.run(meter.hear))
