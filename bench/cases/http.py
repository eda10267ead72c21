"""HTTP: what a request costs, beside a bare FastAPI that answers the same through response models."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.cases.case import Case, Options
from bench.cases.fanout import Meter
from bench.cases.rooms import made_rooms
from bench.contenders import tailwire
from bench.contenders.contender import PEERS, PYTHON, Contender
from bench.contenders.subject import PADDING, Missing, Subject
from bench.contenders.tailwire import Node
from bench.machine.load import Failed, Load, Socket
from bench.machine.machine import LOAD_CORES, SERVER_CORES
from bench.machine.process import Process, free_port, started
from bench.report.results import Row

PROGRAM: Final = str(Path(__file__).with_name("http_load.py"))
PEER: Final = PEERS / "bare_fastapi.py"
CONNECTIONS: Final = 16
ROOMS: Final = 50
MESSAGES: Final = 50


@dataclass(frozen=True)
class Request:
    """What is asked. `{room}` in the path is the id of a room, and `{before}` a seq that is another each time.

    A body may be made of the positions of a client that has missed one entry of each room.
    """

    name: str
    method: str
    path: str
    status: int = 200
    body: str | Callable[[Node, str], str] = ""

    def texts(self, node: Node, tokens: list[str], room_id: str) -> list[str]:
        """Return the bytes of the requests, of all users in turn."""
        befores = range(MESSAGES + 2, MESSAGES * 2 + 2)
        paths = {self.path.format(room=room_id, before=before): None for before in befores}
        users = {
            token: self.body if isinstance(self.body, str) else self.body(node, token) for token in tokens
        }
        return [self._text(path, token, body) for path in paths for token, body in users.items()]

    def _text(self, path: str, token: str, body: str) -> str:
        lines = [
            f"{self.method} {path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {token}",
            "User-Agent: bench",
            "Accept: application/json",
        ]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", body])


def _positions(node: Node, token: str) -> str:
    """Return the body of POST /sync of a client that has missed the last entry of each of its rooms."""
    rooms = node.ask("GET", "/rooms?limit=100", token)["items"]
    known = [{"room_id": one["id"], "epoch": one["epoch"], "seq": one["seq"] - 1} for one in rooms[:ROOMS]]
    return json.dumps({"positions": known, "others": False})


REQUESTS: Final = (
    Request("GET a page of 50 messages", "GET", "/rooms/{room}/messages?limit=50"),
    Request("GET a page of 50, another each time", "GET", "/rooms/{room}/messages?limit=50&before={before}"),
    Request("GET 50 rooms", "GET", "/rooms"),
    Request(
        "POST a message",
        "POST",
        "/rooms/{room}/messages",
        201,
        json.dumps({"ref": "@@@@@@@@", "body": f"{'x' * 36}{PADDING}"}),
    ),
    Request("POST /sync of 50 rooms", "POST", "/sync", 200, _positions),
    Request("GET /healthz", "GET", "/healthz"),
)


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    for request in REQUESTS:
        for contender in options.chosen(("tailwire", "bare-fastapi")):
            yield Case(contender.name, request.name, partial(_measured, contender, request, options.seconds))


@contextmanager
def _node(root: Path, directory: Path) -> Iterator[tuple[Node, list[str], list[str]]]:
    """Run a node with rooms, each with a message, and the first one with a page; yield tokens and rooms too."""
    store = f"sqlite:///{directory / 'http.db'}"
    with tailwire.node(store, directory, root=root) as node:
        tokens = node.sign_up(4)
        rooms = made_rooms(node, tokens, ROOMS)
        for number, room_id in enumerate([*rooms, *([rooms[0]] * (MESSAGES * 2 - 1))]):
            node.ask(
                "POST",
                f"/rooms/{room_id}/messages",
                tokens[number % len(tokens)],
                {"ref": f"r{number}", "body": f"{'x' * 36}{PADDING}"},
            )
        yield node, tokens, rooms


def _measured(contender: Contender, request: Request, seconds: float, directory: Path) -> Row:
    plan: dict[str, Any] = {"connections": CONNECTIONS, "status": request.status, "seconds": seconds}
    with _node(contender.root, directory) as (node, tokens, rooms):
        plan["requests"] = request.texts(node, tokens, rooms[0])
        if contender.is_tailwire:
            return _asked(tailwire.subject(node, tokens), plan | {"port": node.port}, directory)
        answers = _answers(node, tokens[0], rooms[0])
    with _bare(answers, directory) as (process, port):
        return _asked(Subject(process, Socket(port)), plan | {"port": port}, directory)


def _answers(node: Node, token: str, room_id: str) -> dict[str, Any]:
    page = node.ask("GET", f"/rooms/{room_id}/messages?limit=50", token)
    return {
        "page": page,
        "message": page["items"][-1],
        "rooms": node.ask("GET", "/rooms", token),
        "sync": node.ask("POST", "/sync", token, json.loads(_positions(node, token))),
    }


@contextmanager
def _bare(answers: dict[str, Any], directory: Path) -> Iterator[tuple[Process, int]]:
    if not PYTHON.exists():
        raise Missing("its Python is not there; peers are installed by `make bench`")
    port, path = free_port(), directory / "answers.json"
    path.write_text(json.dumps(answers))
    command: list[str | Path] = [PYTHON, PEER, str(port), path]
    with started(command, cores=SERVER_CORES, directory=directory) as process:
        process.wait_for(port)
        yield process, port


def _asked(subject: Subject, plan: dict[str, Any], directory: Path) -> Row:
    """Let the load ask a running server, and return the figures."""
    path, pipe = directory / "http-plan.json", subprocess.PIPE
    path.write_text(json.dumps(plan))
    command = [sys.executable, "-P", PROGRAM, str(path)]
    with started(command, cores=LOAD_CORES, directory=directory, stdin=pipe, stdout=pipe) as process:
        load, meter = Load(process), Meter(subject)
        load.connected()
        row = meter.row(load.run(meter.hear))
    if row["wrong"]:
        raise Failed(f"{row['wrong']:,} answers had another status than {plan['status']}")
    return row
