"""Tailwire itself, started by its command, with users who sign up and their room."""

import json
import secrets
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bench.contenders.subject import PADDING, Subject
from bench.machine.database import Database, database
from bench.machine.load import Socket
from bench.machine.machine import SERVER_CORES
from bench.machine.process import Process, free_port, started

ROOT: Final = Path(__file__).parent.parent.parent
"""This checkout. Another one is run by this one's Python, with the libraries of this one."""
COMMAND: Final = (sys.executable, "-c", "from api.cli import main; main()", "serve")
USERS: Final = 50
LIFTED: Final = {
    # Limits that a load from one address would meet.
    "TAILWIRE_CONNECTIONS": "30000",
    "TAILWIRE_CONNECTIONS_PER_USER": "30000",
    "TAILWIRE_SENDS_PER_SECOND": "100000",
    "TAILWIRE_SENDS_BURST": "100000",
    "TAILWIRE_COMMANDS_PER_SECOND": "100000",
    "TAILWIRE_SIGNUPS_PER_ADDRESS": "100000",
    "TAILWIRE_ROOMS_PER_MINUTE": "100000",
    "TAILWIRE_ACCESS_MINUTES": "60",
    "TAILWIRE_LOG_LEVEL": "warning",
}
LOBBY: Final = "lobby"
READY: Final = '"type":"ready"'
LIVE: Final = '"type":"live"'


@dataclass
class Node:
    """One running node."""

    process: Process
    port: int
    store: str

    def ask(self, method: str, path: str, token: str | None = None, body: Any = None) -> Any:
        """Return the JSON of an answer that must be good."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def sign_up(self, count: int = USERS) -> list[str]:
        """Make accounts; return their access tokens."""
        password = secrets.token_urlsafe(16)
        return [
            self.ask("POST", "/auth/signup", body={"username": f"bench{number}", "password": password})[
                "access_token"
            ]
            for number in range(count)
        ]


def socket_of(port: int, room_id: str = LOBBY, room: int = 0) -> Socket:
    """Return a socket that subscribes to a room and sends there."""
    return Socket(
        port,
        room,
        hello=json.dumps({"type": "subscribe", "room_id": room_id}),
        ready=LIVE,
        template=json.dumps({"type": "send", "room_id": room_id, "ref": "#", "body": f"@{PADDING}"}),
    )


@contextmanager
def node(
    store: str,
    directory: Path,
    cores: set[int] = SERVER_CORES,
    root: Path = ROOT,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Node]:
    """Run a node of this checkout on this store, with `more` settings."""
    port = free_port()
    settings = {
        **LIFTED,
        **more,
        "TAILWIRE_STORE": store,
        "TAILWIRE_PORT": str(port),
        "PYTHONPATH": str(root),
    }
    with started(COMMAND, cores=cores, directory=directory, environment=settings) as process:
        process.wait_for(port)
        yield Node(process, port, store)


@contextmanager
def cluster(
    directory: Path,
    cores: Sequence[set[int]],
    root: Path = ROOT,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[Database, list[Node]]]:
    """Run a fresh RethinkDB, and a node on it for each set of cores, with `more` settings."""
    with ExitStack() as stack:
        rethinkdb = stack.enter_context(database(directory))
        store = rethinkdb.prepared(root)
        yield rethinkdb, [stack.enter_context(node(store, directory, own, root, more)) for own in cores]


def subject(
    running: Node, tokens: list[str], database: Process | None = None, beside: Sequence[Node] = ()
) -> Subject:
    """Return the node as a subject, with sockets in the lobby."""
    return Subject(
        running.process,
        socket_of(running.port),
        "/ws/messages",
        heads=[f"Authorization: Bearer {token}" for token in tokens],
        database=database,
        beside=[other.process for other in beside],
        store=running.store,
    )


@contextmanager
def on_sqlite(directory: Path, root: Path = ROOT) -> Iterator[Subject]:
    """Run Tailwire on a fresh SQLite store."""
    with node(f"sqlite:///{directory / secrets.token_hex(4)}.db", directory, root=root) as running:
        yield subject(running, running.sign_up())


@contextmanager
def on_rethinkdb(directory: Path, root: Path = ROOT) -> Iterator[Subject]:
    """Run Tailwire on a fresh RethinkDB."""
    with cluster(directory, [SERVER_CORES], root) as (rethinkdb, (running,)):
        yield subject(running, running.sign_up(), rethinkdb.process)


def rethinkdb_only(rethinkdb: Database, store: str) -> Subject:
    """Return a database as a subject that has no server. A program writes to the store itself."""
    process = rethinkdb.process
    return Subject(process, Socket(rethinkdb.port), database=process, store=store)


@contextmanager
def store_only(directory: Path, root: Path = ROOT) -> Iterator[Subject]:
    """Run a fresh RethinkDB, prepared for Tailwire, without a node."""
    with database(directory) as rethinkdb:
        yield rethinkdb_only(rethinkdb, rethinkdb.prepared(root))
