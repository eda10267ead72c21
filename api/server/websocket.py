"""uvicorn's protocols with bounds: what a peer can make us keep, and for how long.

Measured on uvicorn 0.54: a request that does not go on is kept for ever, and so is a header of any size; a
socket that floods pings and reads nothing grows the server by 35 MB a second, one that sends empty fragments by
3.5 MB, and one that never reads is never freed, because closing waits for a buffer that nobody empties.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from api.limits.rates import Bucket, Rate
from api.protocol import commands as protocol
from api.protocol.frames import Frames
from api.realtime.sink import EXTENSION
from api.server.waits import Gate, Inbox

HEAD_SECONDS: Final = 10.0
"""From a connection's first moment, or a request's first byte, to the end of its headers."""
BODY_SECONDS: Final = 20.0
MAX_HEAD_BYTES: Final = 32 * 1024
MAX_FRAGMENTS: Final = 64
PINGS_BURST: Final = 100
PINGS: Final = Rate(per_second=10, burst=PINGS_BURST)
"""Browsers send none, libraries one in some seconds."""
MAX_UNREAD_BYTES: Final = 256 * 1024
"""Of what is written when a ping comes: a peer that asks and reads no answer is cut off."""
LINGER_SECONDS: Final = 5.0
"""So long a socket that is closing may take to be rid of what is left to write, and its peer to close too."""
WRITE_SECONDS: Final = 10.0
"""So long after it fell behind a socket is cut off, if `LATE_BYTES` or more wait then."""
LATE_BYTES: Final = 16 * 1024
"""Less than this may wait for ever, as on a link that is just fast enough."""
KEY_BYTES: Final = 16
"""Of a Sec-WebSocket-Key (RFC 6455, section 4.1)."""


class BoundedHttp(HttpToolsProtocol):
    """HTTP whose requests come to an end. Made by uvicorn, one for each connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._spare_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, and not for long."""
        super().connection_made(transport)
        self._within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline: the connection is gone."""
        self._within(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes: of what is no body only so many, and what is no request not for long."""
        self._spare_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._spare_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._deadline is None and ((request := self._request()) is None or request.response_complete):
            self._within(
                HEAD_SECONDS
            )  # as after an empty line, which ends uvicorn's own waiting for a request

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._within(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """Begin to read a body."""
        self._spare_bytes = 0
        self._within(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, which others bound; not so its chunks' extensions, and its trailers."""
        self._spare_bytes = max(0, self._spare_bytes - len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Leave it to the application."""
        self._spare_bytes = 0
        self._within(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on to a WebSocket, if it may become one, and all earlier answers have left.

        Who sends what waits would say it to us, and the WebSocket would never know that the peer does not read.
        """
        self._within(None)
        request = self._request()
        is_answering = request is not None and not request.response_complete
        is_get = self.scope["http_version"] == "1.1" and self.scope["method"] == "GET"
        if not is_get or is_answering or self.transport.get_write_buffer_size():
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        super().handle_websocket_upgrade()

    def _request(self) -> RequestResponseCycle | None:
        """Return the newest request, of which uvicorn's types say that there is always one."""
        return self.cycle

    def _within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _refuse(self, status: HTTPStatus) -> None:
        request = self._request()
        if request is not None and request.response_started and not request.response_complete:
            self.transport.abort()  # what is being answered cannot be answered otherwise
            return
        self.transport.write(
            f"HTTP/1.1 {status} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
        )
        self.transport.close()
        self._within(LINGER_SECONDS)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """WebSocket that neither grows nor lingers, and can be written to without waiting: a `Sink`.

    Made by uvicorn, one for each socket. It offers itself to the application as an extension, unless it
    compresses: then each message has to be compressed for each socket, and nothing is won.
    """

    __slots__ = ("_close_sent", "direct")  # faster to look up than the forty attributes that uvicorn keeps

    direct: Callable[[bytes], object] | None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]
        self.writable.set()
        self._abort_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._pings = Bucket(PINGS)

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
            # As the sink that we offer, we are to know at once that something waits: then `direct` is none.
            high = LATE_BYTES if self.config.ws_per_message_deflate else 0
            self.transport.set_write_buffer_limits(high=high, low=0)
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
        """Forget the deadlines: the socket is gone."""
        self.direct = None
        super().connection_lost(exc)
        for timer in (self._abort_timer, self._write_timer):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """Close because the server stops."""
        self.direct = None
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
        self.direct = None
        super().handle_close(event)
        self._linger()

    def handle_parser_exception(self) -> None:
        """Close because of what the peer sent."""
        super().handle_parser_exception()
        self._linger()

    async def run_asgi(self) -> None:
        """Run the application, after which nothing more is to be said."""
        if not self.config.ws_per_message_deflate:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {"sink": self}}
        await super().run_asgi()
        self._linger()

    async def send(self, message: Any) -> None:
        """Send what the application has for the peer."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            self._open()
            self.request.headers.clear()  # websockets' parser holds the request for ever; 3 KiB
            self.response.headers.clear()
        elif message["type"] == "websocket.close":
            self._linger()
        elif message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # uvicorn would take a denied handshake for a forgotten one

    def _linger(self) -> None:
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # -- written to without waiting

    @property
    def close_sent(self) -> bool:
        """Whether we have said that we close; uvicorn keeps it. Nothing may follow that."""
        return self._close_sent

    @close_sent.setter
    def close_sent(self, is_sent: bool) -> None:
        self._close_sent = is_sent
        self.direct = None

    def _open(self) -> None:
        self.direct = self.transport.write if self.is_open and not self.unwritten_bytes else None

    @property
    def is_open(self) -> bool:
        """Whether what is written may still arrive."""
        return not self.close_sent and not self.transport.is_closing()

    @property
    def unwritten_bytes(self) -> int:
        """How much the system has not taken yet."""
        return self.transport.get_write_buffer_size()

    def write(self, frames: Frames) -> None:
        """Put frames behind what was written before; nothing on a socket that is not open.

        They pass websockets' own state by. It would not be changed by them: they are whole, and never compressed,
        which is allowed even where compression was agreed (RFC 7692, section 6).
        """
        if self.is_open:
            self.transport.write(frames.wire)

    def close_with(self, code: int, reason: str) -> None:
        """Begin to close, as `send` does for ASGI's own message; again is harmless."""
        if not self.is_open:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.writable.set()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        self._linger()

    async def drained(self) -> None:
        """Wait until there is space to write more, or the socket is no longer open."""
        await asyncio.sleep(0)  # what was written just now leaves at the end of the loop's turn
        await self.writable.wait()

    async def end(self) -> None:
        """Hold nothing: what is written leaves by itself."""

    def pause_writing(self) -> None:
        """Note that the peer does not keep up, and for how long it may not take anything."""
        super().pause_writing()
        self.direct = None
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self._end_or_wait)

    def resume_writing(self) -> None:
        """Note that the peer has taken everything."""
        super().resume_writing()
        self._open()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def _end_or_wait(self) -> None:
        if self.unwritten_bytes >= LATE_BYTES or self.transport.is_closing():
            self.transport.abort()
        else:
            self._write_timer = self.loop.call_later(WRITE_SECONDS, self._end_or_wait)

    # -- nothing grows

    def handle_ping(self) -> None:
        """Answer a ping, if the peer reads our answers and does not ask without end."""
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()
            return
        if self._pings.take(self.loop.time()):
            self._refuse(protocol.CloseCode.RATE_LIMITED)
            return
        super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        """Take a further fragment, if there are not too many of them."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self._refuse(CloseCode.MESSAGE_TOO_BIG)
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on, if it is the text it says it is, and read no further until it is taken."""
        data, self.frames = b"".join(self.frames), []
        if self.close_sent:
            return
        try:
            message = {"type": "websocket.receive", **self._content(data)}
        except UnicodeDecodeError:
            self._refuse(CloseCode.INVALID_DATA)
            return
        self.queue.put_nowait(message)  # type: ignore[arg-type]
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _content(self, data: bytes) -> dict[str, Any]:
        return {"text": data.decode()} if self.curr_msg_data_type == "text" else {"bytes": data}

    def _refuse(self, code: int) -> None:
        self.frames = []
        if not self.close_sent:
            self.conn.fail(code)
            self.handle_parser_exception()


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
