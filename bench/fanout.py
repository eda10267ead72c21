"""Fan-out: what it costs to bring a message to everybody in a room, and how long that takes."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contender import Contender
from bench.load import loading
from bench.machine import busy_seconds
from bench.subject import Subject

MOST_SENDERS = 50
RATE_OF_A_SENDER = 20


@dataclass(frozen=True)
class Work:
    """So many subscribers of one room, so many messages a second in all, for so long."""

    subscribers: int
    rate: float
    seconds: float

    @property
    def name(self) -> str:
        """Return it in words, as in `500 x 20/s`."""
        return f"{self.subscribers:,} x {self.rate:,g}/s"

    @property
    def senders(self) -> int:
        """How many of the subscribers share the sending."""
        return int(min(MOST_SENDERS, self.subscribers, max(1, self.rate // RATE_OF_A_SENDER)))


class Meter:
    """Reads what the processes have used when the load says that it is warm, and when it has measured."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._marks: list[tuple[float, float, float, float]] = []

    def hear(self, event: dict[str, Any]) -> None:
        """Take what the load says."""
        if event["event"] == "running":
            print(".", end="", flush=True)
        elif event["event"] in {"warm", "measured"}:
            database = self._subject.database
            self._marks.append(
                (
                    time.monotonic(),
                    self._subject.process.cpu_seconds(),
                    database.cpu_seconds() if database else 0.0,
                    busy_seconds(),
                )
            )

    def row(self, report: dict[str, Any]) -> dict[str, Any]:
        """Return what was measured, with the load's report."""
        seconds, server, database, busy = (
            after - before for before, after in zip(self._marks[0], self._marks[1], strict=True)
        )
        deliveries = max(1, report["window_received"])
        others = busy / seconds - (server + database) / seconds - report["generator_cpu"]
        return {
            "cpu_us": 1e6 * server / deliveries,
            "database_us": 1e6 * database / deliveries if self._subject.database else None,
            "server_cpu": server / seconds,
            "deliveries": deliveries / seconds,
            "others_cpu": max(0.0, others),
            **{name: value for name, value in report.items() if name != "event"},
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
