"""Sends: acks a second in one room, and the time of a message when all is quiet."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Final

from bench.cases.case import Case, Options
from bench.cases.fanout import Meter, Work, run
from bench.contenders import tailwire
from bench.contenders.contender import Contender
from bench.contenders.subject import Subject
from bench.machine.load import loading
from bench.machine.machine import SERVER_CORES
from bench.report.results import Row

SENDERS: Final = 50
PROGRAM: Final = str(Path(__file__).with_name("store_alone.py"))
QUIET: Final = Work(subscribers=2, rate=20, seconds=10)


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    ours, seconds = [*options.chosen(("tailwire", "tailwire-rethinkdb"))], options.seconds
    for contender in ours:
        yield Case(contender.name, f"{SENDERS} senders", partial(_one_node, contender, seconds))
    for contender in ours:
        yield Case(contender.name, "quiet", partial(_quiet, contender))
    for contender in options.chosen(("tailwire-rethinkdb",)):
        yield Case(contender.name, f"{SENDERS} senders, 2 nodes", partial(_two_nodes, contender, seconds))


def _one_node(contender: Contender, seconds: float, directory: Path) -> Row:
    with contender.start(directory) as subject:
        return _acked(subject, [subject.socket.port], seconds, directory)


def _two_nodes(contender: Contender, seconds: float, directory: Path) -> Row:
    """Let half of the senders be on a second node, which shares the first one's core."""
    with tailwire.cluster(directory, [SERVER_CORES] * 2, contender.root) as (rethinkdb, nodes):
        first, second = nodes
        subject = tailwire.subject(first, first.sign_up(), rethinkdb.process, [second])
        return _acked(subject, [first.port, second.port], seconds, directory)


def _acked(subject: Subject, ports: Sequence[int], seconds: float, directory: Path) -> Row:
    """Let fifty sockets send, each its next message after an ack. One more socket subscribes and counts."""
    listener, *senders = subject.sockets(SENDERS + 1)
    senders = [
        replace(one, port=port, sends=True, receives=False, hello="", ready=tailwire.READY)
        for one, port in zip(senders, cycle(ports), strict=False)
    ]
    plan = replace(subject.plan([listener, *senders], seconds=seconds), closed_loop=True)
    meter = Meter(subject)
    with loading(plan, directory) as load:
        row = meter.row(load.run(meter.hear))
    return {
        **row,
        "acks_per_second": row["acks"] / seconds,
        "ack_cpu_us": 1e6 * (row["server_cpu"] + row["beside_cpu"]) * seconds / row["acks"],
        "ack_database_us": 1e6 * row["database_cpu"] * seconds / row["acks"] if subject.database else None,
    }


def _quiet(contender: Contender, directory: Path) -> Row:
    """Time messages from sending to arrival, and the store alone in the same run."""
    with contender.start(directory) as subject:
        row = run(subject, QUIET, directory)
        return {**row, **store_alone("quiet", subject.store, root=contender.root)}


def store_alone(word: str, store: str, count: int = 0, root: Path = tailwire.ROOT) -> Row:
    """Run bench/cases/store_alone.py on the server's core; return its figures."""
    return run_alone(PROGRAM, word, store, str(count), root=root)


def run_alone(program: str, *arguments: str, root: Path = tailwire.ROOT) -> Row:
    """Run a program that measures parts of Tailwire without a server, on the server's core; return its figures."""
    command = [
        *("taskset", "-c", str(min(SERVER_CORES))),
        *(sys.executable, "-P", program, *arguments),
    ]
    done = subprocess.run(
        command, check=True, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    figures: Row = json.loads(done.stdout.splitlines()[-1])
    return figures
