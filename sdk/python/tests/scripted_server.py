"""A server that says what a test tells it to: sockets by their scripts, HTTP by a function."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from websockets.asyncio.server import ServerConnection, serve

from tailwire_client import Credentials, MemoryPositions, Pace, Position, Positions, ProgramToken, Stream
from tailwire_client.web import Web

QUICK: Final = Pace(first_seconds=0.001, most_seconds=0.002)
AT: Final = "2026-11-29T09:30:00.000Z"
READY: Final = {
    "type": "ready",
    "user": {"id": "u1", "username": "ada", "display_name": "Ada"},
    "session_id": "s1",
    "expires_at": None,
    "heartbeat_seconds": 25,
    "limits": {"frame_bytes": 65536, "body_characters": 4000, "subscriptions": 100, "replay": 5000},
}


def message(seq: int, **more: Any) -> dict[str, Any]:
    """Return the event of a message."""
    return {
        "type": "message",
        "room_id": "lobby",
        "seq": seq,
        "at": AT,
        "user_id": "u1",
        "username": "ada",
        "ref": None,
        "body": f"body {seq}",
        "reply_to": None,
        **more,
    }


def place(kind: str, seq: int, epoch: str = "e1") -> dict[str, Any]:
    """Return `live` or `reset`."""
    return {"type": kind, "room_id": "lobby", "epoch": epoch, "seq": seq}


class Socket:
    """One connection of a client. A script talks to it."""

    def __init__(self, raw: ServerConnection) -> None:
        self.raw = raw
        request = raw.request
        assert request is not None
        self.token = request.headers["Authorization"].removeprefix("Bearer ")

    async def say(self, *events: dict[str, Any]) -> None:
        for event in events:
            await self.raw.send(json.dumps(event))

    async def hear(self, **wanted: Any) -> dict[str, Any]:
        """Return the next command that has these fields."""
        while True:
            command: dict[str, Any] = json.loads(await self.raw.recv())
            if wanted.items() <= command.items():
                return command

    async def subscribed(self, *, epoch: str = "e1", seq: int = 0) -> dict[str, Any] | None:
        """Ack a subscription to the lobby with this head, and return the position that it gave."""
        command = await self.hear(type="subscribe")
        ack = {"type": "ack", "ref": command["ref"], "room_id": "lobby", "epoch": epoch, "seq": seq}
        await self.say(ack)
        since: dict[str, Any] | None = command.get("since")
        return since

    async def close(self, code: int) -> None:
        await self.raw.close(code)


Script = Callable[[Socket], Awaitable[None]]


class ScriptedServer:
    """Plays one script for each connection, in order, and the last one for all that follow."""

    def __init__(self, *scripts: Script, features: list[str]) -> None:
        self.features = features
        self.scripts = list(scripts)
        self.connected = 0
        self.failures: list[BaseException] = []
        self.url = ""

    async def _serve(self, raw: ServerConnection) -> None:
        script = self.scripts[min(self.connected, len(self.scripts) - 1)]
        self.connected += 1
        socket = Socket(raw)
        await socket.say(READY | {"features": self.features})
        await script(socket)
        await raw.wait_closed()


@asynccontextmanager
async def scripted(*scripts: Script, features: Iterable[str] = ("edit",)) -> AsyncIterator[ScriptedServer]:
    """Run a scripted server."""
    server = ScriptedServer(*scripts, features=list(features))
    async with serve(server._serve, "127.0.0.1", 0, close_timeout=0.1) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/ws/messages"
        yield server


Answer = (
    Callable[[httpx.Request], httpx.Response]
    | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]
)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until this holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)


def refuse(request: httpx.Request) -> httpx.Response:
    """Answer a request that a test does not expect."""
    raise AssertionError(f"nobody expects {request.method} {request.url.path}")


@asynccontextmanager
async def web_of(
    answer: Answer = refuse,
    credentials: Credentials | None = None,
    *,
    patience_seconds: float = 5.0,
    pace: Pace = QUICK,
) -> AsyncIterator[Web]:
    """Give the HTTP half of a client whose server is the function `answer`."""
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
        yield Web(http, credentials or ProgramToken("twt_x"), pace, patience_seconds)


@asynccontextmanager
async def streaming(
    server: ScriptedServer,
    *rooms: str,
    since: int | None = None,
    positions: Positions | None = None,
    credentials: Credentials | None = None,
    answer: Answer = refuse,
    most_waiting: int = 1000,
    pace: Pace = QUICK,
) -> AsyncIterator[Stream]:
    """Open a stream of the lobby, or of these rooms, from a seq of the epoch `e1`."""
    begins = {} if since is None else {"lobby": Position("e1", since)}
    async with (
        web_of(answer, credentials, pace=pace) as web,
        Stream(
            web,
            server.url,
            rooms or ("lobby",),
            positions or MemoryPositions(begins),
            pace,
            tls=None,
            trust_env=False,
            most_waiting=most_waiting,
            ended=lambda stream: None,
        ) as stream,
    ):
        yield stream
