"""A WebSocket of the scripted server."""

import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from conformance.model.http import Response
from conformance.model.link import Link
from conformance.model.rooms import Event


class Socket:
    """One connection of a client."""

    def __init__(self, link: Link, number: int) -> None:
        self._link = link
        self._protocol = ServerProtocol(max_size=1024 * 1024)
        self.number = number
        """1 for the first socket that the client opened."""
        self.token = ""
        """The access token that it shows, which may be renewed."""
        self.rooms: set[str] = set()
        """The rooms to which it is subscribed."""
        self.is_ready = False
        self.close_code: int | None = None
        """The code with which the server closed it."""

    @property
    def is_open(self) -> bool:
        """Whether it can still be spoken to."""
        return self._protocol.state is State.OPEN and self.close_code is None

    async def handshake(self, begun: bytes) -> Request | None:
        """Read the request that opens the socket; this of it has come already."""
        self._protocol.receive_data(begun)
        while not (events := self._protocol.events_received()):
            if not (data := await self._link.read()):
                return None
            self._protocol.receive_data(data)
        request = events[0]
        return request if isinstance(request, Request) else None

    def accept(self, request: Request) -> None:
        """Open the socket."""
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()

    def refuse(self, response: Response) -> None:
        """Answer the request with a refusal of HTTP."""
        body = json.dumps(response.body)
        answer = self._protocol.reject(response.status, body)
        del answer.headers["Content-Type"]
        for name, value in response.headers.items():
            answer.headers[name] = value
        self._protocol.send_response(answer)
        self._flush()

    def say(self, *events: Event) -> None:
        """Send events."""
        for event in events:
            self.say_text(json.dumps(event, ensure_ascii=False))

    def say_text(self, text: str) -> None:
        """Send a frame of text, whatever is in it."""
        if self.is_open:
            self._protocol.send_text(text.encode())
            self._flush()

    @property
    def unsent_bytes(self) -> int:
        """How much of what was said the client has not taken yet."""
        return self._link.unsent_bytes

    def close(self, code: int) -> None:
        """Close the socket with a code."""
        if self.is_open:
            self.close_code = code
            self._protocol.send_close(code)
            self._flush()

    def cut(self) -> None:
        """Cut the connection without a word."""
        self.close_code = self.close_code or 1006
        self._link.cut()

    async def commands(self) -> AsyncIterator[Any]:
        """Yield what the client sends, each parsed from JSON, or the text where it is none, until the socket ends."""
        while data := await self._link.read():
            self._protocol.receive_data(data)
            self._flush()
            for frame in self._protocol.events_received():
                if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT and self.close_code is None:
                    yield _parsed(bytes(frame.data))
            if self._protocol.close_expected():
                break
        self._link.close()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._link.write(data)
            else:
                self._link.close()


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
