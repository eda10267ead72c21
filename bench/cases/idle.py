"""Sockets that connect: how fast, also when they all come back at once, and what those cost that say nothing."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from bench.cases.case import Case, Options
from bench.contenders.contender import Contender
from bench.contenders.subject import PADDING, Subject
from bench.contenders.tailwire import LOBBY, Node
from bench.machine.load import Load, loading
from bench.report.results import Row

SOCKETS: Final = 10_000
SETTLE_SECONDS: Final = 3.0
MISSED: Final = 50
"""So many messages were sent while those that come back were away."""
TOLD: Final = MISSED + 2
"""What a socket that comes back is told before `live`: `ready`, `ack`, and what it has missed."""
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
    for contender in options.chosen(("tailwire", "tailwire-rethinkdb")):
        work = f"{count:,} come back, each after {MISSED} messages"
        yield Case(contender.name, work, partial(_come_back, contender, count))


def _idle(contender: Contender, count: int, seconds: float, directory: Path) -> Row:
    with contender.start(directory) as subject:
        process = subject.process
        with loading(subject.plan(subject.sockets(100), seconds=0), directory):
            pass  # memory that the first sockets allocate is not counted
        time.sleep(1)
        before = process.memory_bytes()
        with _connected(subject, count, directory) as (load, connect_us):
            time.sleep(SETTLE_SECONDS)
            kept, cpu, began = process.memory_bytes() - before, process.cpu_seconds(), time.monotonic()
            time.sleep(seconds)
            idle = (process.cpu_seconds() - cpu) / (time.monotonic() - began)
        time.sleep(SETTLE_SECONDS)
        return {
            "connects": count / load.connect_seconds,
            "connect_cpu_us": connect_us,
            "socket_kib": kept / count / 1024,
            "idle_cpu": idle,
            "left_kib": (process.memory_bytes() - before) / 1024,
        }


def _come_back(contender: Contender, count: int, directory: Path) -> Row:
    """Let sockets resume that were all away while the same messages were sent, as after a restart of the server."""
    with contender.start(directory) as subject:
        _send_missed(subject)
        with loading(subject.plan(subject.sockets(100), seconds=0), directory):
            pass
        time.sleep(SETTLE_SECONDS)  # what a replay of the first sockets has cached is gone
        with _connected(subject, count, directory) as (load, connect_us):
            return {
                "connects": count / load.connect_seconds,
                "connect_cpu_us": connect_us,
                "lost": count * TOLD - load.told,
            }


def _send_missed(subject: Subject) -> None:
    """Send what the sockets of a subject then ask for, from where the room was before."""
    node, token = Node(subject.process, subject.socket.port, subject.store), subject.heads[0].split()[-1]
    room = node.ask("GET", f"/rooms/{LOBBY}", token)
    for number in range(MISSED):
        node.ask("POST", f"/rooms/{LOBBY}/messages", token, {"ref": f"missed-{number}", "body": PADDING})
    since = {"epoch": room["epoch"], "seq": room["seq"]}
    hello = json.dumps({"type": "subscribe", "room_id": LOBBY, "since": since})
    subject.socket = replace(subject.socket, hello=hello)


@contextmanager
def _connected(subject: Subject, count: int, directory: Path) -> Iterator[tuple[Load, float]]:
    """Connect sockets; yield their load and the CPU of each connect, in microseconds."""
    cpu = subject.process.cpu_seconds()
    with loading(subject.plan(subject.sockets(count), seconds=0), directory) as load:
        yield load, 1e6 * (subject.process.cpu_seconds() - cpu) / count
