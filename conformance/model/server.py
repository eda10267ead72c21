"""The scripted server: it follows the protocol, and a scenario breaks it where it wants."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from conformance.model.absence import REPLAY, replayed
from conformance.model.accounts import AUTHOR, Accounts
from conformance.model.consumers import Consumer
from conformance.model.http import Request, Response, problem, serve_http
from conformance.model.link import HEAD_BYTES, Link
from conformance.model.rooms import Event, Refused, Room
from conformance.model.routes import Routes
from conformance.model.socket import Socket
from conformance.model.trace import Trace

BACKLOG_BYTES: Final = 512 * 1024
"""A socket whose client has not taken so much is closed with 4420."""


@dataclass
class Heard:
    """A command that came, when, and on which socket."""

    at: float
    socket: Socket
    command: dict[str, Any]


@dataclass
class Asked:
    """A request that came, and when."""

    at: float
    request: Request


class ScriptedServer:
    """A server with one user, the rooms that a scenario makes, and hooks that take over where they answer."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.rooms: dict[str, Room] = {}
        self.accounts = Accounts()
        self.consumers: dict[str, Consumer] = {}
        self.changed = asyncio.Condition()
        self.sockets: list[Socket] = []
        """All that were opened, in order."""
        self.opened_at: list[float] = []
        self.heard: list[Heard] = []
        self.asked: list[Asked] = []
        self.on_open: Callable[[Socket], bool] = lambda socket: False
        """Called when a socket has shown its token. True: the scenario deals with it."""
        self.on_command: Callable[[Socket, dict[str, Any]], bool] = lambda socket, command: False
        """Called for each command. True: the scenario deals with it."""
        self.on_request: Callable[[Request], Awaitable[Response | None]] | None = None
        """Called for each request. A response, or Cut, is what the scenario answers."""
        self.cut_after: Callable[[], int | None] = lambda: None
        """Says after how many bytes the next connection is cut."""
        self.page_entries = 1_000
        """The most entries that a page of POST /sync has."""
        self.port = 0
        self._ticks = itertools.count()
        self._routes = Routes(self)
        self._listening: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- for scenarios

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def room(self, room_id: str = "lobby") -> Room:
        """Return a room, which is made where it is not there."""
        return self.rooms.setdefault(room_id, Room(room_id, ticks=self._ticks))

    def append(self, room_id: str = "lobby", kind: str = "message", **fields: Any) -> Event:
        """Add an entry to a room and tell it to all who are subscribed."""
        entry = self.room(room_id).append(kind, **fields)
        self.tell(entry)
        return entry

    def tell(self, event: Event) -> None:
        """Send an event of a room to all who are subscribed to it."""
        self.notify()
        for socket in self.open_sockets:
            if event["room_id"] in socket.rooms:
                self.say(socket, event)

    def say(self, socket: Socket, *events: Event) -> None:
        """Send events on one socket. One that takes too little is closed as slow."""
        for event in events:
            self.trace.note(f"< socket {socket.number}", event)
            socket.say(event)
        if socket.unsent_bytes > BACKLOG_BYTES:
            self.close(socket, 4420)
            socket.cut()

    def close(self, socket: Socket, code: int) -> None:
        """Close one socket."""
        if socket.is_open:
            self.trace.note(f"< socket {socket.number}", f"close {code}")
            socket.close(code)

    def close_all(self, code: int) -> None:
        """Close all open sockets."""
        for socket in self.open_sockets:
            self.close(socket, code)

    @property
    def open_sockets(self) -> list[Socket]:
        """The sockets that can be spoken to."""
        return [one for one in self.sockets if one.is_open]

    async def down(self) -> None:
        """Be gone: cut everything and listen no more."""
        self.trace.note("server", "is down")
        if self._listening is not None:
            self._listening.close()
        for socket in self.open_sockets:
            socket.cut()
        for link in list(self._links):
            link.cut()
        self.notify()
        await asyncio.sleep(0)

    async def up(self) -> None:
        """Listen, at the same port as before."""
        self._listening = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, limit=HEAD_BYTES, start_serving=True
        )
        self.port = self._listening.sockets[0].getsockname()[1]
        self.trace.note("server", "is up")

    def notify(self) -> None:
        """Wake those who wait for entries."""

        async def wake() -> None:
            async with self.changed:
                self.changed.notify_all()

        self._keep(asyncio.ensure_future(wake()))

    async def answered(self, request: Request) -> Response:
        """Return what the protocol answers to a request."""
        try:
            return await self._routes.answer(request)
        except Refused as refusal:
            return problem(refusal.status, refusal.code, refusal.retry_after_seconds)

    # -- connections

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer, self.cut_after())
        self._links.add(link)
        task = asyncio.current_task()
        assert task is not None
        self._keep(task)
        try:
            opening = await serve_http(link, self._answer)
            if opening is not None:
                await self._serve_socket(link, opening)
        finally:
            self._links.discard(link)
            link.close()

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request) -> Response:
        if request.method != "OPTIONS":
            self.asked.append(Asked(time.monotonic(), request))
            self.trace.note("> http", f"{request} {request.body if request.body is not None else ''}")
        response = None if self.on_request is None else await self.on_request(request)
        if response is None:
            response = await self.answered(request)
        if request.method != "OPTIONS":
            self.trace.note("< http", f"{response.status} to {request}")
        return response

    async def _serve_socket(self, link: Link, head: bytes) -> None:
        socket = Socket(link, len(self.sockets) + 1)
        request = await socket.handshake(head)
        if request is None:
            return
        self.opened_at.append(time.monotonic())
        self.sockets.append(socket)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and not self.accounts.holds(token):
            self.trace.note(f"< socket {socket.number}", "401")
            socket.refuse(problem(401, "unauthorized"))
            return
        self.trace.note(f"> socket {socket.number}", "opens")
        socket.accept(request)
        if token:
            self._welcome(socket, token)
        async for command in socket.commands():
            self._take(socket, command)
        self.trace.note(f"> socket {socket.number}", "has ended")
        socket.close_code = socket.close_code or 1005

    # -- commands

    def _take(self, socket: Socket, command: Any) -> None:
        self.trace.note(f"> socket {socket.number}", command)
        if not isinstance(command, dict) or not isinstance(command.get("type"), str):
            self.say(socket, error(None, "bad_envelope"))
            return
        self.heard.append(Heard(time.monotonic(), socket, command))
        if command["type"] == "authenticate":
            self._welcome(socket, command.get("token", ""))
        elif not socket.is_ready:
            self.close(socket, 4401)
        elif not self.on_command(socket, command):
            self.obey(socket, command)

    def _welcome(self, socket: Socket, token: str) -> None:
        if not self.accounts.holds(token):
            self.close(socket, 4401)
            return
        socket.token = token
        if not self.on_open(socket):
            self.ready(socket)

    def ready(self, socket: Socket) -> None:
        """Say that a socket is ready."""
        socket.is_ready = True
        self.say(socket, READY)

    def obey(self, socket: Socket, command: dict[str, Any]) -> None:
        """Do what a command says, as the protocol has it."""
        ref = command.get("ref")
        try:
            match command["type"]:
                case "subscribe":
                    self._subscribe(socket, command)
                case "unsubscribe":
                    socket.rooms.discard(command["room_id"])
                    self.say(socket, {"type": "ack", "ref": ref})
                case "send":
                    self.say(socket, {"type": "ack", "ref": ref, **self.store(command)})
                case "ping":
                    self.say(socket, {"type": "pong", "server_time": READY_AT})
                case "read":
                    room = self.found(command["room_id"])
                    told = {"room_id": room.id, "epoch": room.epoch, "seq": command["seq"]}
                    self.say(socket, {"type": "ack", "ref": ref, **told})
                case _:
                    if ref is not None:
                        self.say(socket, {"type": "ack", "ref": ref})
        except Refused as refusal:
            self.say(socket, error(ref, refusal.code, refusal.retry_after_seconds))

    def found(self, room_id: Any) -> Room:
        """Return a room. Raises Refused where there is none."""
        if room_id not in self.rooms:
            raise Refused("not_found", 404)
        return self.rooms[room_id]

    def store(self, command: dict[str, Any], *, quietly: bool = False) -> dict[str, Any]:
        """Store a message, tell it to all who are subscribed, and return the fields of its ack. Raises Refused.

        With `quietly` nobody is told.
        """
        room = self.found(command["room_id"])
        sent = {name: command.get(name) for name in ("body", "reply_to", "epoch")}
        seq, entry = room.send(AUTHOR, command["ref"], sent)
        if entry is not None and not quietly:
            self.tell(entry)
        return {"room_id": room.id, "epoch": room.epoch, "seq": seq, "at": room.entries[seq - 1]["at"]}

    def _subscribe(self, socket: Socket, command: dict[str, Any]) -> None:
        room = self.found(command["room_id"])
        place = {"room_id": room.id, "epoch": room.epoch, "seq": room.head}
        socket.rooms.add(room.id)
        self.say(socket, {"type": "ack", "ref": command.get("ref"), **place})
        self.say(socket, *replayed(room, command.get("since")))


READY_AT: Final = "2026-11-29T09:30:00.000Z"
READY: Final[Event] = {
    "type": "ready",
    "user": {"id": AUTHOR["user_id"], "username": AUTHOR["username"], "display_name": "Ada", "is_bot": False},
    "session_id": "s1",
    "expires_at": "2026-11-29T09:45:00.000Z",
    "heartbeat_seconds": 25,
    "limits": {
        "frame_bytes": 65536,
        "body_characters": 4000,
        "subscriptions": 100,
        "replay": REPLAY,
        "file_bytes": 0,
        "files": 10,
    },
    "features": ["edit", "delete", "react", "pin", "threads", "mentions", "consumers", "sync"],
}


def error(ref: Any, code: str, retry_after_seconds: float | None = None) -> Event:
    """Return the event `error`."""
    told: Event = {"type": "error", "ref": ref, "code": code, "message": code}
    return told if retry_after_seconds is None else told | {"retry_after_seconds": retry_after_seconds}


@asynccontextmanager
async def scripted(trace: Trace) -> AsyncIterator[ScriptedServer]:
    """Run a scripted server with an empty lobby."""
    server = ScriptedServer(trace)
    server.room("lobby")
    await server.up()
    try:
        yield server
    finally:
        await server.down()
        await asyncio.gather(*server._tasks, return_exceptions=True)  # noqa: SLF001 - its own module
