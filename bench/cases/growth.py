"""How cost grows: with subscribers, rooms, rate, the length of a history, changes of a message, and nodes."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench.cases import feeds, rooms
from bench.cases.case import Case, Options
from bench.cases.fanout import Meter, Work, run
from bench.cases.sends import store_alone
from bench.contenders import tailwire
from bench.contenders.tailwire import LOBBY, Node
from bench.machine.load import loading
from bench.report.results import Row

SUBSCRIBERS: Final = (10, 30, 100, 300, 1_000, 3_000, 10_000)
SUBSCRIBERS_RATE: Final = 20
ROOMS: Final = (1, 10, 100, 500)
ROOMS_SUBSCRIBERS: Final = 500
ROOMS_RATE: Final = 200
RATES: Final = (10, 30, 100, 300, 1_000)
RATES_SUBSCRIBERS: Final = 500
ENTRIES: Final = (1_000, 100_000, 1_000_000)
PAGE: Final = 100
PAGES: Final = 10_000
ASKED: Final = 30
CHANGES: Final = 10_000
"""So many users react to one message."""
NODES: Final = (1, 2, 4)
NODES_RATE: Final = 50
NODES_ROOMS: Final = 20


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    seconds = min(options.seconds, 10)
    if options.wants("tailwire"):
        for count in SUBSCRIBERS:
            yield Case("tailwire", f"subscribers {count}", _alone(Work(count, SUBSCRIBERS_RATE, seconds)))
        for count in ROOMS:
            yield Case("tailwire", f"rooms {count}", partial(_rooms, count, seconds))
        for rate in RATES:
            yield Case("tailwire", f"rate {rate}", _alone(Work(RATES_SUBSCRIBERS, rate, seconds)))
        for entries in ENTRIES:
            yield Case("tailwire", f"history {entries}", partial(_history, entries))
        yield Case("tailwire", "changed SQLite", _changed_on_sqlite)
    if options.wants("tailwire-rethinkdb"):
        yield Case("tailwire-rethinkdb", "changed RethinkDB", _changed_on_rethinkdb)
        for nodes in NODES:
            yield Case("tailwire-rethinkdb", f"nodes {nodes}", partial(_nodes, nodes, seconds))
        for kind in feeds.KINDS:
            yield Case("tailwire-rethinkdb", f"feeds {kind}", partial(feeds.measure, kind))


def _alone(work: Work) -> Callable[[Path], Row]:
    def measured(directory: Path) -> Row:
        with tailwire.on_sqlite(directory) as subject:
            return run(subject, work, directory)

    return measured


def _rooms(count: int, seconds: float, directory: Path) -> Row:
    """Spread 500 subscribers and 200 messages a second over `count` rooms."""
    with tailwire.node(f"sqlite:///{directory / os.urandom(4).hex()}.db", directory) as node:
        tokens = node.sign_up(2)
        subject = tailwire.subject(node, tokens)
        ids = rooms.made_rooms(node, tokens, count)
        sockets = [
            replace(
                tailwire.socket_of(node.port, ids[number % count], number % count),
                head=subject.heads[number % 2],
                sends=number < max(count, 10),
            )
            for number in range(ROOMS_SUBSCRIBERS)
        ]
        meter = Meter(subject)
        with loading(subject.plan(sockets, rate=ROOMS_RATE, seconds=seconds), directory) as load:
            row = meter.row(load.run(meter.hear))
        return {**row, "message_cpu_us": 1e6 * row["server_cpu"] / ROOMS_RATE}


def _history(entries: int, directory: Path) -> Row:
    """Time the newest page of a room with this many entries, and one that is up to ten thousand pages back."""
    store = f"sqlite:///{directory / os.urandom(4).hex()}.db"
    with tailwire.node(store, directory) as node:
        node.sign_up(1)  # the store is made, with its lobby
    figures = store_alone("fill", store, entries)
    with tailwire.node(store, directory) as node:
        token = node.ask(
            "POST", "/auth/signup", body={"username": "reader", "password": os.urandom(9).hex()}
        )["access_token"]
        back = min(PAGES - 1, entries // PAGE - 1) * PAGE
        path = f"/rooms/{LOBBY}/messages?limit={PAGE}"
        return {
            **figures,
            "first_page_ms": _asked(node, path, token),
            "far_page_ms": _asked(node, f"{path}&before={entries - back + 1}", token),
        }


def _changed_on_sqlite(directory: Path) -> Row:
    """Read pages with a message that many entries have changed, beside one without."""
    store = f"sqlite:///{directory / os.urandom(4).hex()}.db"
    return store_alone("changed", store, CHANGES)


def _changed_on_rethinkdb(directory: Path) -> Row:
    """Do the same on RethinkDB."""
    with tailwire.store_only(directory) as subject:
        return store_alone("changed", subject.store, CHANGES)


def _asked(node: Node, path: str, token: str) -> float:
    """Return the median time of a request, in milliseconds."""
    marks = [time.monotonic()]
    for _ in range(ASKED):
        node.ask("GET", path, token)
        marks.append(time.monotonic())
    return 1_000 * statistics.median(after - before for before, after in pairwise(marks))


def _nodes(count: int, seconds: float, directory: Path) -> Row:
    """Put all senders and subscribers on the first node. The other nodes only read everybody's changes."""
    with rooms.running(NODES_ROOMS, count - 1, directory) as (subject, sockets):
        row = rooms.run(subject, sockets, NODES_RATE, seconds, directory)
        return {**row, "message_cpu_us": row["cpu_us"]}
