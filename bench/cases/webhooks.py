"""Webhooks: how long after its ack a message is posted to them, what a post costs, and what idle webhooks cost.

Of two sets of rooms the second has the webhooks. The load is measured in the first before and after they are made, to
see what idle ones cost, and then in the second.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench.cases.case import Case, Options
from bench.cases.fanout import Meter
from bench.cases.rooms import made_rooms
from bench.contenders import tailwire
from bench.contenders.contender import Contender
from bench.contenders.subject import Subject
from bench.contenders.tailwire import Node
from bench.machine.load import Load
from bench.machine.machine import LOAD_CORES, SERVER_CORES
from bench.machine.process import free_port, started
from bench.report.results import Row

PROGRAM: Final = str(Path(__file__).with_name("webhook_load.py"))
ROOMS: Final = 200
OF_A_ROOM: Final = 5
RATE: Final = 50
WRITERS: Final = 4
HOSTS: Final = [f"127.0.1.{number}" for number in range(1, 51)]
"""The receivers have these addresses of this machine."""
SETTINGS: Final = {"TAILWIRE_WEBHOOK_ALLOW": "127.0.0.0/8"}


@dataclass(frozen=True)
class Work:
    """A running node, with users who write, and a port for the receivers."""

    node: Node
    subject: Subject
    tokens: Sequence[str]
    seconds: float
    directory: Path
    receiver_port: int

    def run(self, rooms: Sequence[str], rate: float, webhooks_of_a_room: int = 0) -> Row:
        """Let the load write to rooms once, and return the figures."""
        plan = {
            "port": self.node.port,
            "receiver_hosts": HOSTS,
            "receiver_port": self.receiver_port,
            "tokens": list(self.tokens),
            "rooms": list(rooms),
            "rate": rate,
            "seconds": self.seconds,
            "webhooks_of_a_room": webhooks_of_a_room,
        }
        path = self.directory / "webhook-plan.json"
        path.write_text(json.dumps(plan))
        pipe, command = subprocess.PIPE, [sys.executable, "-P", PROGRAM, str(path)]
        with started(command, cores=LOAD_CORES, directory=self.directory, stdin=pipe, stdout=pipe) as process:
            load, meter = Load(process), Meter(self.subject)
            load.connected()
            return meter.row(load.run(meter.hear))

    def make_webhooks(self, rooms: Sequence[str]) -> None:
        """Make the webhooks of these rooms."""
        for number in range(OF_A_ROOM * len(rooms)):
            url = f"http://{HOSTS[number % len(HOSTS)]}:{self.receiver_port}/{number}"
            self.node.ask(
                "POST", f"/rooms/{rooms[number % len(rooms)]}/webhooks", self.tokens[0], {"url": url}
            )


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    rate = options.rate or RATE
    name = f"{ROOMS * OF_A_ROOM:,} webhooks of {ROOMS} rooms, {rate:,g}/s"
    for contender in options.chosen(("tailwire", "tailwire-rethinkdb")):
        yield Case(contender.name, name, partial(_measured, contender, rate, options.seconds))


def _measured(contender: Contender, rate: float, seconds: float, directory: Path) -> Row:
    if contender.name.startswith("tailwire-rethinkdb"):
        with tailwire.cluster(directory, [SERVER_CORES], contender.root, SETTINGS) as (rethinkdb, (node,)):
            tokens = node.sign_up(WRITERS)
            subject = tailwire.subject(node, tokens, rethinkdb.process)
            return _figures(Work(node, subject, tokens, seconds, directory, free_port()), rate)
    store = f"sqlite:///{directory / 'webhooks.db'}"
    with tailwire.node(store, directory, root=contender.root, more=SETTINGS) as node:
        tokens = node.sign_up(WRITERS)
        subject = tailwire.subject(node, tokens)
        return _figures(Work(node, subject, tokens, seconds, directory, free_port()), rate)


def _figures(work: Work, rate: float) -> Row:
    plain, posting = (made_rooms(work.node, work.tokens, ROOMS) for _ in range(2))
    rest, before = work.run(plain, 0), work.run(plain, rate)
    work.make_webhooks(posting)
    idle_rest, idle = work.run(plain, 0), work.run(plain, rate)
    row = work.run(posting, rate, OF_A_ROOM)
    posts = row["posts"] / work.seconds
    return {
        **row,
        "posts_per_second": posts,
        "post_cpu_us": 1e6 * (row["server_cpu"] - idle["server_cpu"]) / posts,
        "post_database_us": 1e6 * (row["database_cpu"] - idle["database_cpu"]) / posts
        if work.subject.database
        else None,
        "plain_cpu_us": before["cpu_us"],
        "idle_ratio": idle["cpu_us"] / before["cpu_us"],
        "rest_cpu": rest["server_cpu"] + rest["database_cpu"],
        "idle_rest_cpu": idle_rest["server_cpu"] + idle_rest["database_cpu"],
    }
