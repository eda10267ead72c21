"""Sends: acks a second in one room, and the time of a message when all is quiet."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.cases.case import Case, Options
from bench.cases.fanout import Meter, Work, run
from bench.contenders import tailwire
from bench.contenders.subject import Subject
from bench.machine.load import loading
from bench.machine.machine import SERVER_CORES
from bench.report.results import Row

SENDERS: Final = 50
QUIET: Final = Work(subscribers=2, rate=20, seconds=10)


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    for name, start in (("tailwire", tailwire.on_sqlite), ("tailwire-rethinkdb", tailwire.on_rethinkdb)):
        if options.wants(name):
            yield Case(name, f"{SENDERS} senders", _measured(start, _acked, options.seconds))
            yield Case(name, "quiet", _measured(start, _quiet, options.seconds))


def _measured(
    start: Callable[[Path], AbstractContextManager[Subject]],
    measure: Callable[[Subject, float, Path], Row],
    seconds: float,
) -> Callable[[Path], Row]:
    def measured(directory: Path) -> Row:
        with start(directory) as subject:
            return measure(subject, seconds, directory)

    return measured


def _acked(subject: Subject, seconds: float, directory: Path) -> Row:
    """Let fifty sockets send, each its next message after an ack. One more socket subscribes and counts."""
    listener, *senders = subject.sockets(SENDERS + 1)
    senders = [replace(one, sends=True, receives=False, hello="", ready=tailwire.READY) for one in senders]
    plan = replace(subject.plan([listener, *senders], seconds=seconds), closed_loop=True)
    meter = Meter(subject)
    with loading(plan, directory) as load:
        row = meter.row(load.run(meter.hear))
    return {
        **row,
        "acks_per_second": row["acks"] / seconds,
        "ack_cpu_us": 1e6 * row["server_cpu"] * seconds / row["acks"],
    }


def _quiet(subject: Subject, _seconds: float, directory: Path) -> Row:
    """Time messages from sending to arrival, and the store alone in the same run."""
    row = run(subject, QUIET, directory)
    return {**row, **store_alone("quiet", subject.store)}


def store_alone(word: str, store: str, count: int = 0) -> Row:
    """Run bench/cases/store_alone.py on the server's core; return its figures."""
    command = [
        "taskset",
        "-c",
        str(min(SERVER_CORES)),
        sys.executable,
        "-m",
        "bench.cases.store_alone",
        word,
        store,
        str(count),
    ]
    done = subprocess.run(command, check=True, cwd=tailwire.ROOT, capture_output=True, text=True)
    figures: Row = json.loads(done.stdout.splitlines()[-1])
    return figures
