"""uvicorn's protocols with bounds: what a peer can make us keep, and for how long.

Measured on uvicorn 0.54: a request that does not go on is kept for ever, and so is a header of any size; a
socket that floods pings and reads nothing grows the server by 35 MB a second, one that sends empty fragments by
3.5 MB, and one that never reads is never freed, because closing waits for a buffer that nobody empties.
"""

import asyncio
import base64
import binascii
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

HEAD_SECONDS: Final = 10.0
"""From a connection's first moment, or a request's first byte, to the end of its headers."""
BODY_SECONDS: Final = 20.0
MAX_HEAD_BYTES: Final = 32 * 1024
MAX_FRAGMENTS: Final = 64
MAX_UNREAD_BYTES: Final = 256 * 1024
"""Of what is written when a ping comes: a peer that asks and reads no answer is cut off."""
LINGER_SECONDS: Final = 5.0
"""So long a socket that is closing may take to be rid of what is left to write, and its peer to close too."""
KEY_BYTES: Final = 16
"""Of a Sec-WebSocket-Key (RFC 6455, section 4.1)."""


class BoundedHttp(HttpToolsProtocol):
    """HTTP whose requests come to an end. Made by uvicorn, one for each connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, and not for long."""
        super().connection_made(transport)
        self._within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline: the connection is gone."""
        self._within(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, of a head only so many."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._is_in_head = True
        self._within(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """Begin to read a body."""
        self._is_in_head, self._head_bytes = False, 0
        self._within(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Leave it to the application."""
        self._within(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on to a WebSocket, if it may become one."""
        self._within(None)
        if self.scope["http_version"] != "1.1" or self.scope["method"] != "GET":
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        super().handle_websocket_upgrade()

    def _within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _refuse(self, status: HTTPStatus) -> None:
        self.transport.write(
            f"HTTP/1.1 {status} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
        )
        self.transport.close()
        self._within(LINGER_SECONDS)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """WebSocket that neither grows nor lingers. Made by uvicorn, one for each socket."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._abort_timer: asyncio.TimerHandle | None = None

    # -- the handshake

    def handle_connect(self, event: Request) -> None:
        """Take a handshake; one that is none is refused in our words, which repeat nothing of it."""
        version, keys = (
            event.headers.get_all("Sec-WebSocket-Version"),
            event.headers.get_all("Sec-WebSocket-Key"),
        )
        if version != ["13"]:
            self._deny(HTTPStatus.UPGRADE_REQUIRED)
        elif len(keys) != 1 or not _is_key(keys[0]):
            self._deny(HTTPStatus.BAD_REQUEST)
        else:
            super().handle_connect(event)

    def _deny(self, status: HTTPStatus) -> None:
        response = self.conn.reject(status, "")
        if status is HTTPStatus.UPGRADE_REQUIRED:
            response.headers["Sec-WebSocket-Version"] = "13"
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()
        self._linger()

    # -- nothing lingers

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline: the socket is gone."""
        super().connection_lost(exc)
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    def shutdown(self) -> None:
        """Close because the server stops."""
        super().shutdown()
        self._linger()

    def keepalive_timeout(self) -> None:
        """Close because a ping was not answered, unless it is we who do not read, as while the store is away."""
        if self.read_paused:
            self.pong_timer = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        self._linger()

    def handle_close(self, event: Frame) -> None:
        """Close because the peer does."""
        super().handle_close(event)
        self._linger()

    def handle_parser_exception(self) -> None:
        """Close because of what the peer sent."""
        super().handle_parser_exception()
        self._linger()

    async def run_asgi(self) -> None:
        """Run the application, after which nothing more is to be said."""
        await super().run_asgi()
        self._linger()

    async def send(self, message: Any) -> None:
        """Send what the application has for the peer."""
        await super().send(message)
        if message["type"] == "websocket.close":
            self._linger()
        elif message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # uvicorn would take a denied handshake for a forgotten one

    def _linger(self) -> None:
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # -- nothing grows

    def handle_ping(self) -> None:
        """Answer a ping, if the peer reads our answers."""
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()
            return
        super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        """Take a further fragment, if there are not too many of them."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self._refuse(CloseCode.MESSAGE_TOO_BIG)
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on, if it is the text it says it is."""
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self._refuse(CloseCode.INVALID_DATA)
            return
        super().send_receive_event_to_app()

    def _refuse(self, code: CloseCode) -> None:
        self.frames = []
        if not self.close_sent:
            self.conn.fail(code)
            self.handle_parser_exception()


def _is_utf8(frames: list[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
