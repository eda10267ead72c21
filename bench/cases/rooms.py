"""Quiet rooms on RethinkDB: what a message costs the database where each room has few, and how many it can carry.

Each room has one socket, which sends there and receives what it has sent. `store` and `insert` have no server: see
alone.py.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench.cases.case import Case, Options
from bench.cases.fanout import SERVERLESS, Meter
from bench.contenders import tailwire
from bench.contenders.contender import Contender
from bench.contenders.subject import Subject
from bench.contenders.tailwire import Node
from bench.machine.load import Failed, Load, Socket, loading
from bench.machine.machine import CORES, SERVER_CORES
from bench.machine.process import started
from bench.report.results import Row

PROGRAM: Final = str(Path(__file__).with_name("alone.py"))
IDLE_NODES: Final = 4
RATES: Final = (50, 75, 100, 125, 150, 200, 250, 300, 400, 500, 600, 800, 1_000)
"""The rates that are tried for the highest one, in messages a second."""
STEP_SECONDS: Final = 10
"""How long each of them is measured at most."""
TRIES: Final = 2
"""A rate that fails is tried this often, as others may have been at work on this machine."""
MAX_P99_MS: Final = 100


@dataclass(frozen=True)
class Work:
    """The work: rooms, and messages a second in all of them together."""

    rooms: int
    rate: float

    @property
    def name(self) -> str:
        """Return the work in words, such as `20 rooms, 50/s`."""
        return f"{self.rooms:,} rooms, {self.rate:,g}/s"


FEW: Final = Work(20, 50)
MANY: Final = Work(100, 300)


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    few, many = (replace(work, rate=options.rate or work.rate) for work in (FEW, MANY))
    seconds, ours = options.seconds, [*options.chosen(("tailwire-rethinkdb",))]
    for contender in ours:
        yield Case(contender.name, few.name, partial(_measured, contender, few, seconds, 0))
    for contender in options.chosen(("tutorial",)):
        yield Case(contender.name, few.name, partial(_unnamed, contender, few, seconds))
    for contender in options.chosen(SERVERLESS):
        yield Case(contender.name, few.name, partial(_alone, contender, few, seconds))
    for contender in ours:
        name = f"{few.name}, {IDLE_NODES} idle nodes beside"
        yield Case(contender.name, name, partial(_measured, contender, few, seconds, IDLE_NODES))
    for contender in ours:
        yield Case(contender.name, many.name, partial(_measured, contender, many, seconds, 0))
    for contender in ours:
        yield Case(contender.name, f"{many.rooms} rooms, highest rate", partial(_highest, contender, seconds))


def made_rooms(node: Node, tokens: Sequence[str], count: int) -> list[str]:
    """Make public rooms that all these users join."""
    rooms = []
    for number in range(count):
        body = {"name": f"Room {number}", "visibility": "public"}
        rooms.append(node.ask("POST", "/rooms", tokens[0], body)["id"])
        for token in tokens[1:]:
            node.ask("POST", f"/rooms/{rooms[-1]}/join", token, {})
    return rooms


@contextmanager
def running(
    rooms: int,
    idle_nodes: int,
    directory: Path,
    root: Path = tailwire.ROOT,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[Subject, list[Socket]]]:
    """Run a node with rooms, and a socket in each of them. The idle nodes only read everybody's changes."""
    cores = [*islice(cycle({core} for core in CORES), 1 + idle_nodes)]
    with tailwire.cluster(directory, cores, root, more) as (rethinkdb, (node, *beside)):
        tokens = node.sign_up(2)
        subject = tailwire.subject(node, tokens, rethinkdb.process, beside)
        yield (
            subject,
            [
                replace(tailwire.socket_of(node.port, room, number), head=head, sends=True)
                for (number, room), head in zip(
                    enumerate(made_rooms(node, tokens, rooms)), cycle(subject.heads), strict=False
                )
            ],
        )


def run(subject: Subject, sockets: Sequence[Socket], rate: float, seconds: float, directory: Path) -> Row:
    """Let the sockets send once, and return the figures."""
    meter = Meter(subject)
    with loading(subject.plan(sockets, rate=rate, seconds=seconds), directory) as load:
        row = meter.row(load.run(meter.hear))
    idle = len(subject.beside)
    changes = row["deliveries"]
    return {**row, "other_node_cpu_us": 1e6 * row["beside_cpu"] / idle / changes if idle else None}


def _measured(contender: Contender, work: Work, seconds: float, idle_nodes: int, directory: Path) -> Row:
    with running(work.rooms, idle_nodes, directory, contender.root) as (subject, sockets):
        return run(subject, sockets, work.rate, seconds, directory)


def _highest(contender: Contender, seconds: float, directory: Path) -> Row:
    """Raise the rate while every message arrives and the delay stays low. Return the figures of the last good one."""
    good: Row = {}
    with running(MANY.rooms, 0, directory, contender.root) as (subject, sockets):
        for rate in RATES:
            row = _tried(subject, sockets, rate, min(seconds, STEP_SECONDS), directory)
            if not _holds(row):
                good["beyond_p99_ms"] = row.get("p99_ms")
                break
            good = {**row, "held_rate": rate}
    if "held_rate" not in good:
        raise Failed(f"it does not hold {RATES[0]}/s: p99 {good['beyond_p99_ms']} ms")
    return good


def _tried(subject: Subject, sockets: Sequence[Socket], rate: float, seconds: float, directory: Path) -> Row:
    """Return the figures of the first good try, or else of the last one."""
    row: Row = {}
    for _ in range(TRIES):
        row = run(subject, sockets, rate, seconds, directory)
        if _holds(row):
            break
    return row


def _holds(row: Row) -> bool:
    return not row["lost"] and row.get("p99_ms", MAX_P99_MS + 1) <= MAX_P99_MS


def _unnamed(contender: Contender, work: Work, seconds: float, directory: Path) -> Row:
    """Let as many sockets send to a server that has no rooms. Only one counts what it receives."""
    with contender.start(directory) as subject:
        sockets = subject.sockets(work.rooms, senders=work.rooms)
        counted = [replace(one, receives=number == 0) for number, one in enumerate(sockets)]
        return run(subject, counted, work.rate, seconds, directory)


def _alone(contender: Contender, work: Work, seconds: float, directory: Path) -> Row:
    """Let a program write to the database on the server's core."""
    with contender.start(directory) as subject:
        way = "insert" if contender.name == "insert" else "store"
        command = [
            sys.executable,
            "-P",
            PROGRAM,
            way,
            subject.store,
            *map(str, (work.rooms, work.rate, seconds)),
        ]
        environment, pipe = {"PYTHONPATH": str(contender.root)}, subprocess.PIPE
        with started(
            command, cores=SERVER_CORES, directory=directory, environment=environment, stdin=pipe, stdout=pipe
        ) as process:
            load, meter = Load(process), Meter(replace(subject, process=process))
            load.connected()
            return meter.row(load.run(meter.hear))
