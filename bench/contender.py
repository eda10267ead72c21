"""Who is measured: a name, what it is, and how it is started."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import tailwire
from bench.load import Socket, compiled
from bench.machine import SERVER_CORES
from bench.process import free_port, started
from bench.subject import Missing, Subject, peer_text

PEERS: Final = Path(__file__).parent / "peers"
PYTHON: Final = PEERS.parent.parent / ".venv" / "bench" / "bin" / "python"
"""Peers have an environment of their own, which `make bench` makes: requirements.txt."""

Start = Callable[[Path], AbstractContextManager[Subject]]


@dataclass(frozen=True)
class Contender:
    """See the module."""

    name: str
    what: str
    start: Start


@contextmanager
def _floor(directory: Path) -> Iterator[Subject]:
    port = free_port()
    program = compiled(PEERS / "floor.c", directory)
    with started([program, str(port)], cores=SERVER_CORES, directory=directory) as process:
        process.wait_for(port)
        yield Subject(process, Socket(port, template=peer_text()))


def _python(file: str, path: str = "/") -> Start:
    """Return how a peer in Python starts: it takes its port as its only argument."""

    @contextmanager
    def start(directory: Path) -> Iterator[Subject]:
        if not PYTHON.exists():
            raise Missing("its environment is not there: `make bench` makes it")
        port = free_port()
        with started([PYTHON, PEERS / file, str(port)], cores=SERVER_CORES, directory=directory) as process:
            process.wait_for(port)
            yield Subject(process, Socket(port, template=peer_text()), path)

    return start


CONTENDERS: Final = {
    contender.name: contender
    for contender in (
        Contender("floor", "a loop of `send()` in C", _floor),
        Contender("tailwire", "Tailwire on SQLite, durable", tailwire.on_sqlite),
        Contender("documentation", "FastAPI's documentation", _python("documentation.py", "/ws/1")),
    )
}
