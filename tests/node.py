"""Runs a real server in this process, with users and sockets that talk to it over the network."""

import asyncio
import itertools
import json
import socket
import ssl
import uuid
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from api.accounts.passwords import Passwords
from api.config import Settings
from api.main import create_app
from api.server.run import SHUTDOWN_SECONDS, bind, configuration
from tests.contract.frames import require_described, require_reply

PASSWORD: Final = "correct horse battery"
SECONDS: Final = 10.0
"""A test that waits this long has failed."""
NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The trust store of clients that speak plain HTTP: empty, because loading the real one takes 50 ms for each client."""

A_MOMENT: Final = 0.001
"""The first pause of `eventually`; each further one is twice as long."""

Event = dict[str, Any]


def is_entry(event: Event) -> bool:
    """Say whether an event is an entry of a room's log, by the rule of docs/protocol.md."""
    return event["type"] != "ack" and {"room_id", "seq", "at"} <= event.keys()


@dataclass
class Socket:
    """One WebSocket, by the client library `websockets`."""

    raw: ClientConnection

    async def send(self, **command: Any) -> None:
        await self.raw.send(json.dumps(command))

    async def receive(self) -> Event:
        async with asyncio.timeout(SECONDS):
            event: Event = json.loads(await self.raw.recv())
        require_described(event)
        return event

    async def until(self, **wanted: Any) -> Event:
        """Return the next event that has these fields. Earlier events are dropped."""
        while True:
            event = await self.receive()
            if wanted.items() <= event.items():
                return event

    async def call(self, **command: Any) -> Event:
        """Send a command under a ref and return its ack or error."""
        ref = command.setdefault("ref", uuid.uuid4().hex)
        await self.send(**command)
        while True:
            event = await self.receive()
            if event["type"] in {"ack", "error"} and event["ref"] == ref:
                require_reply(str(command["type"]), event)
                return event

    async def entries(self, count: int) -> list[Event]:
        """Return the next `count` entries of any kind."""
        found: list[Event] = []
        while len(found) < count:
            event = await self.receive()
            if is_entry(event):
                found.append(event)
        return found

    async def closed(self) -> int | None:
        """Wait for the server to close; return its code."""
        async with asyncio.timeout(SECONDS):
            await self.raw.wait_closed()
        return self.raw.close_code


@dataclass
class Person:
    """A signed-up user with an HTTP client that carries their token."""

    node: "Node"
    username: str
    id: str
    access_token: str
    refresh_token: str
    http: httpx.AsyncClient

    @asynccontextmanager
    async def socket(self, *, by_header: bool = True, node: "Node | None" = None) -> AsyncIterator[Socket]:
        """Open an authenticated socket and read its `ready`."""
        headers = {"Authorization": f"Bearer {self.access_token}"} if by_header else {}
        async with connect((node or self.node).ws_url, additional_headers=headers, max_size=None) as raw:
            socket = Socket(raw)
            if not by_header:
                await socket.send(type="authenticate", token=self.access_token)
            assert (await socket.receive())["type"] == "ready"
            yield socket


@dataclass
class Node:
    """One running server."""

    url: str
    process: Process | None = None  # None where it runs in this process
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/messages"

    def client(self, **headers: str) -> httpx.AsyncClient:
        made = http_client(self.url, headers=headers)
        self.clients.append(made)
        return made

    async def sign_up(self, username: str) -> Person:
        """Make an account over HTTP."""
        answer = await self.client().post("/auth/signup", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return Person(
            self,
            username,
            body["user"]["id"],
            body["access_token"],
            body["refresh_token"],
            self.client(Authorization=f"Bearer {body['access_token']}"),
        )

    async def wait_ready(self, seconds: float = SECONDS) -> None:
        """Wait until /readyz says 200."""
        async with http_client(self.url) as client:
            await eventually(lambda: self._is_ready(client), seconds)

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False  # the server does not listen yet


def http_client(
    url: str, *, headers: dict[str, str] | None = None, timeout: float = SECONDS
) -> httpx.AsyncClient:
    """Return a client of a server on this machine."""
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, verify=NOBODY, trust_env=False)


async def eventually(condition: Callable[[], Any], seconds: float = SECONDS) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        for attempt in itertools.count():
            if await condition():
                return
            await asyncio.sleep(min(A_MOMENT * 2**attempt, 0.1))


class _PromptServer(uvicorn.Server):
    """A server that starts and ends at once. Uvicorn's own waits for its next tick of 0.1 s.

    It handles no signals, so Ctrl-C ends the tests. Tests of the process itself run uvicorn's own, by tests/process.py.
    """

    async def start(self, bound: socket.socket) -> None:
        """Return once the application has started and the server listens."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=[bound])
        await self.on_tick(0)  # the tick sets the headers of every answer

    async def end(self) -> None:
        """Do what `shutdown` does, in its order."""
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            await eventually(self._is_idle, SHUTDOWN_SECONDS)
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
        await self.lifespan.shutdown()

    async def _is_idle(self) -> bool:
        return not self.server_state.connections and not self.server_state.tasks


def quick_passwords() -> Passwords:
    """Return a `Passwords` with very cheap hashes. A real one takes 25 ms for each hash."""
    return Passwords(memory_kib=8, passes=1)


@asynccontextmanager
async def running(
    settings: Settings, make_passwords: Callable[[], Passwords] = quick_passwords, port: int = 0
) -> AsyncIterator[Node]:
    """Run a server with these settings on a port of the loopback interface, a free one unless it is given.

    Most tests would wait for the hashing of passwords, so it is made cheap unless `make_passwords` says otherwise.
    """
    bound = bind("127.0.0.1", port)
    app = create_app(settings, make_passwords)
    server = _PromptServer(
        configuration(
            app,
            compression=settings.compression,
            keep_alive_seconds=settings.keep_alive_seconds,
            proxies=settings.trusted_proxies,
        )
    )
    node = Node(f"http://127.0.0.1:{bound.getsockname()[1]}")
    try:
        await server.start(bound)
        try:
            await node.wait_ready()
            yield node
        finally:
            for client in node.clients:
                await client.aclose()
            async with asyncio.timeout(SECONDS):
                await server.end()
    finally:
        bound.close()
