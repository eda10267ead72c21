"""A socket of somebody who listens all the time: what comes is handed on, and commands are called beside it."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.node import Event, Node, Person

Heard: TypeAlias = Callable[[Event], None]


class Ear:
    """See the module. `listening` makes it."""

    def __init__(self, raw: ClientConnection, heard: Heard) -> None:
        self._raw = raw
        self._heard = heard
        self._answers: dict[str, asyncio.Future[Event]] = {}

    async def call(self, **command: Any) -> Event:
        """Send a command under a ref; return its ack or error. Raises `ConnectionClosed`."""
        ref = command.setdefault("ref", uuid.uuid4().hex)
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._answers[ref] = answer
        await self._raw.send(json.dumps(command))
        return await answer

    async def drained(self) -> None:
        """Wait until everything that the server wrote before now has been heard."""
        await self.call(type="ping")

    async def run(self) -> None:
        """Listen until the socket is closed."""
        try:
            async for frame in self._raw:
                event = json.loads(frame)
                self._heard(event)
                if event["type"] in {"ack", "error"} and event["ref"] in self._answers:
                    self._answers.pop(event["ref"]).set_result(event)
        finally:
            for answer in self._answers.values():
                answer.set_exception(ConnectionClosed(None, None))


@asynccontextmanager
async def listening(person: Person, node: Node, heard: Heard = lambda _event: None) -> AsyncIterator[Ear]:
    """Open a socket at a node, and listen during the block."""
    async with person.socket(node=node) as socket:
        ear = Ear(socket.raw, heard)
        task = asyncio.create_task(ear.run())
        try:
            yield ear
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed):
                await task
