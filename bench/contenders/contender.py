"""A contender: its name, what it is, and how it is started."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from bench.contenders import tailwire
from bench.contenders.subject import Missing, Subject, peer_text
from bench.machine.database import database
from bench.machine.load import Socket, compiled
from bench.machine.machine import SERVER_CORES
from bench.machine.process import free_port, started

PEERS: Final = Path(__file__).parent.parent / "peers"
PYTHON: Final = PEERS.parent.parent / ".venv" / "bench" / "bin" / "python"
"""The Python of the peers. `make bench` makes their environment from bench/requirements.txt."""
NCHAN: Final = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

OF_CHECKOUT: Final = "@"
"""Stands between Tailwire's name and that of the checkout that it runs from, if it is not this one."""

Start = Callable[..., AbstractContextManager[Subject]]
"""Starts a contender. It gets a directory for its files, and Tailwire may get the `root` of another checkout."""


@dataclass(frozen=True)
class Contender:
    """See the module. `root` is the checkout that it runs from, which only `is_tailwire` may change."""

    name: str
    what: str
    start: Start
    is_tailwire: bool = False
    root: Path = tailwire.ROOT

    def of(self, checkout: Path) -> "Contender":
        """Return the contender as it is in this checkout."""
        if checkout == self.root or not self.is_tailwire:
            return self
        name = f"{self.name}{OF_CHECKOUT}{checkout.name}"
        return replace(self, name=name, start=partial(self.start, root=checkout), root=checkout)


@contextmanager
def _floor(directory: Path) -> Iterator[Subject]:
    port = free_port()
    program = compiled(PEERS / "floor.c", directory)
    with started([program, str(port)], cores=SERVER_CORES, directory=directory) as process:
        process.wait_for(port)
        yield Subject(process, Socket(port, template=peer_text()))


def _peer(*command: str, path: str = "/", stores: bool = False) -> Start:
    """Return how a peer starts: by its command, its port, and the database's port and password if it `stores`."""

    @contextmanager
    def start(directory: Path) -> Iterator[Subject]:
        if not Path(command[0]).exists() and shutil.which(command[0]) is None:
            raise Missing(f"{Path(command[0]).name} is not there; peers are installed by `make bench`")
        port = free_port()
        with ExitStack() as stack:
            rethinkdb = stack.enter_context(database(directory)) if stores else None
            arguments = [str(port), *((str(rethinkdb.port), rethinkdb.password) if rethinkdb else ())]
            process = stack.enter_context(
                started([*command, *arguments], cores=SERVER_CORES, directory=directory)
            )
            process.wait_for(port)
            socket = Socket(port, template=peer_text())
            yield Subject(process, socket, path, database=rethinkdb.process if rethinkdb else None)

    return start


def _python(file: str, path: str = "/", *, stores: bool = False) -> Start:
    return _peer(str(PYTHON), str(PEERS / file), path=path, stores=stores)


def _node(file: str, *, stores: bool = False) -> Start:
    start = _peer("node", str(PEERS / "node" / file), stores=stores)

    @contextmanager
    def checked(directory: Path) -> Iterator[Subject]:
        if not (PEERS / "node" / "node_modules" / "ws").exists():
            raise Missing("its packages are not there: `make bench` installs them")
        with start(directory) as subject:
            yield subject

    return checked


@contextmanager
def _socket_io(directory: Path) -> Iterator[Subject]:
    path = "/socket.io/?EIO=4&transport=websocket"
    with _python("socketio_server.py", path)(directory) as subject:
        subject.is_engine_io = True
        subject.socket = replace(
            subject.socket, hello="40", ready="40{", template=f'42["message",{peer_text()}]'
        )
        yield subject


@contextmanager
def _insert(directory: Path) -> Iterator[Subject]:
    with database(directory) as rethinkdb:
        yield tailwire.rethinkdb_only(rethinkdb, rethinkdb.admin_url)


@contextmanager
def _nchan(directory: Path) -> Iterator[Subject]:
    if shutil.which("nginx") is None or not NCHAN.exists():
        raise Missing("nginx with nchan is not installed (Debian: apt install libnginx-mod-nchan)")
    port, file = free_port(), directory / "nchan.conf"
    words = {"MODULE": str(NCHAN), "DIRECTORY": str(directory), "PORT": str(port)}
    text = (PEERS / "nchan.conf").read_text()
    for word, value in words.items():
        text = text.replace(word, value)
    file.write_text(text)
    with started(["nginx", "-c", file], cores=SERVER_CORES, directory=directory) as process:
        process.wait_for(port)
        yield Subject(process, Socket(port, template=peer_text()), "/ws")


def _http_only(_directory: Path) -> AbstractContextManager[Subject]:
    raise Missing("it has no sockets: the suite `http` starts it")


CONTENDERS: Final = {
    contender.name: contender
    for contender in (
        Contender("floor", "a loop of send() in C, nothing kept", _floor),
        Contender("tailwire", "Tailwire on SQLite, durable", tailwire.on_sqlite, is_tailwire=True),
        Contender("nchan", "nginx with nchan, one worker", _nchan),
        Contender("node-ws", "Node with ws", _node("ws.mjs")),
        Contender("documentation", "FastAPI's documentation", _python("documentation.py", "/ws/1")),
        Contender("socketio", "python-socketio", _socket_io),
        Contender("channels", "Django Channels, in-memory layer", _python("channels_server.py", "/ws")),
        Contender(
            "tailwire-rethinkdb",
            "Tailwire on RethinkDB, durable",
            tailwire.on_rethinkdb,
            is_tailwire=True,
        ),
        Contender("store", "Tailwire's store on RethinkDB, no server", tailwire.store_only, is_tailwire=True),
        Contender("insert", "a plain insert into RethinkDB, no server", _insert),
        Contender(
            "tutorial", "a tutorial's FastAPI with RethinkDB", _python("tutorial.py", "/ws", stores=True)
        ),
        Contender(
            "tornado", "the design of 2015: Tornado with RethinkDB", _python("tornado_2015.py", stores=True)
        ),
        Contender("bare-fastapi", "a bare FastAPI with response models", _http_only),
        Contender("node-rethinkdb", "Node with ws and RethinkDB", _node("rethinkdb.mjs", stores=True)),
    )
}


def described(name: str) -> str:
    """Return what a contender is, by its name, and from which checkout, if it is not this one."""
    of_all, _, checkout = name.partition(OF_CHECKOUT)
    return CONTENDERS[of_all].what + (f", from {checkout}" if checkout else "")
