"""Uvicorn's WebSocket protocol, with pings that find dead peers, and bounds on what a peer can make the server keep.

Measured on uvicorn 0.54, without these bounds: a socket that floods pings and reads nothing makes the server grow by
35 MB a second, and one that sends empty fragments by 3.5 MB. One that never reads is never freed, because closing
waits for a buffer that nobody empties.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode as Standard
from websockets.frames import Frame
from websockets.http11 import Request, Response

from api.limits.rates import Bucket, Rate
from api.protocol.close_codes import CloseCode
from api.protocol.frames import Frames
from api.protocol.problems import Refusal
from api.realtime.sink import EXTENSION
from api.server.refusals import refusal_parts
from api.server.waits import Gate, Inbox

PING_SECONDS: Final = 20.0
"""How often a socket is pinged, and how long its answer may take before the socket is closed."""
MAX_FRAGMENTS: Final = 64
MESSAGE_SECONDS: Final = 30.0
"""How long a message may take from its first fragment to its last. One that came whole needs no clock: a peer that
stops within a frame cannot answer pings."""
PINGS_BURST: Final = 100
PINGS: Final = Rate(per_second=10, burst=PINGS_BURST)
"""A peer may send pings at this rate. It is generous: browsers send none, and libraries one in some seconds."""
MAX_UNREAD_BYTES: Final = 256 * 1024
"""A peer that sends a ping while this much waits to be sent to it does not read, and is cut off."""
LINGER_SECONDS: Final = 5.0
"""How long a closing socket may take to send what is left, and its peer to close too."""
WRITE_SECONDS: Final = 10.0
"""A socket that fell behind is cut off after this time, if `LATE_BYTES` or more still wait."""
LATE_BYTES: Final = 16 * 1024
"""A peer with fewer unsent bytes than this is never cut off: its link may be just fast enough."""
KEY_BYTES: Final = 16
"""The length of a Sec-WebSocket-Key once decoded (RFC 6455, section 4.1)."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket with bounded memory and lifetime, which can be written to without waiting: a `Sink`.

    Uvicorn makes one for each socket. It offers itself to the application as an ASGI extension. It does not where it
    compresses, because then every socket needs a compressed message of its own, and writing directly gains nothing.
    """

    # A slot is found faster than one of the forty attributes in the dictionary of uvicorn's object.
    __slots__ = ("_close_sent", "direct")

    direct: Callable[[bytes], object] | None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Gate()  # type: ignore[assignment]
        self.writable.set()
        self._abort_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._message_timer: asyncio.TimerHandle | None = None
        self._pings = Bucket(PINGS)

    # -- the handshake

    def handle_connect(self, event: Request) -> None:
        """Take a handshake, or refuse it with an answer that repeats nothing of what was sent."""
        version, keys = (
            event.headers.get_all("Sec-WebSocket-Version"),
            event.headers.get_all("Sec-WebSocket-Key"),
        )
        if version != ["13"]:
            self._deny(Refusal.OTHER_VERSION)
        elif len(keys) != 1 or not _is_key(keys[0]):
            self._deny(Refusal.BAD_KEY)
        elif (answer := self.conn.accept(event)).status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._deny(Refusal.BAD_HANDSHAKE)
        else:
            # A high mark of 0 makes the transport say at once that something waits. `direct` is None from then on.
            high = LATE_BYTES if self.config.ws_per_message_deflate else 0
            self.transport.set_write_buffer_limits(high=high, low=0)
            # Uvicorn asks for the answer too. To make it twice would take a tenth of the time of a connect.
            self.conn.accept = lambda request: answer  # type: ignore[method-assign]  # noqa: ARG005
            super().handle_connect(event)
            del self.conn.accept

    def send_500_response(self) -> None:
        """Refuse a handshake that the application failed to answer. Uvicorn's own answer is plain text."""
        if not self.initial_response and not self.handshake_complete:
            self._deny(Refusal.BUG)

    def _deny(self, refusal: Refusal) -> None:
        status, headers, body = refusal_parts(refusal)
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.conn.send_response(Response(status, HTTPStatus(status).phrase, Headers(headers), body))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()
        self._linger()

    # -- nothing lingers

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers: the socket is gone."""
        self.direct = None
        super().connection_lost(exc)
        for timer in (self._abort_timer, self._write_timer, self._message_timer):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """Close because the server stops."""
        self.direct = None
        super().shutdown()
        self._linger()

    def keepalive_timeout(self) -> None:
        """Close because a ping was not answered, unless this side is not reading, as while the store is away."""
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
        """Run the application, and close when it has ended."""
        if not self.config.ws_per_message_deflate:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {"sink": self}}
        await super().run_asgi()
        self._linger()

    async def send(self, message: Any) -> None:
        """Send what the application has for the peer."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            self._open()
            self.request.headers.clear()  # websockets' parser keeps the request, 3 KiB, as long as the socket lives
            self.response.headers.clear()
        elif message["type"] == "websocket.close":
            self._linger()
        elif message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # otherwise uvicorn takes a denied handshake for an unanswered one

    def _linger(self) -> None:
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # -- written to without waiting

    @property
    def close_sent(self) -> bool:
        """Whether a close frame was sent. Uvicorn sets it; nothing may be sent after it."""
        return self._close_sent

    @close_sent.setter
    def close_sent(self, is_sent: bool) -> None:
        self._close_sent = is_sent
        self.direct = None

    def _open(self) -> None:
        self.direct = self.transport.write if self.is_open and not self.unwritten_bytes else None

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close."""
        return not self.close_sent and not self.transport.is_closing()

    @property
    def unwritten_bytes(self) -> int:
        """How many bytes the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def write(self, frames: Frames) -> None:
        """Write frames after those written before. Does nothing on a socket that is not open.

        The frames do not go through websockets' protocol object, and need not: they are whole and uncompressed, so they
        change nothing in it. Uncompressed frames are allowed where compression was agreed (RFC 7692, section 6).
        """
        if self.is_open:
            self.transport.write(frames.wire)

    def close_with(self, code: int, reason: str) -> None:
        """Begin to close, as `send` does for ASGI's close message. May be called again."""
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
        await asyncio.sleep(0)  # the loop sends at the end of its turn what was written in it
        await self.writable.wait()

    async def end(self) -> None:
        """Do nothing: the transport sends by itself what was written."""

    def pause_writing(self) -> None:
        """Start the clock: the peer does not take what was written."""
        super().pause_writing()
        self.direct = None
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self._end_or_wait)

    def resume_writing(self) -> None:
        """Stop the clock: the peer has taken everything."""
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
        """Answer a ping. Cuts off a peer that does not read the answers, or that sends too many."""
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()
            return
        if self._pings.take(self.loop.time()):
            self._refuse(CloseCode.RATE_LIMITED)
            return
        super().handle_ping()

    def handle_text(self, event: Frame) -> None:
        """Take a text, or its first fragment."""
        self._expect_rest(event)
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Take a binary message, or its first fragment."""
        self._expect_rest(event)
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Take one more fragment. Closes when there are too many."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self._refuse(Standard.MESSAGE_TOO_BIG)
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Hand a message to the application if it is valid UTF-8, and read no further until it was taken.

        Reading goes on where the application waits for the message: two system calls would stop it for nothing.
        """
        if self._message_timer is not None:
            self._message_timer.cancel()
            self._message_timer = None
        data, self.frames = b"".join(self.frames), []
        if self.close_sent:
            return
        try:
            message = {"type": "websocket.receive", **self._content(data)}
        except UnicodeDecodeError:
            self._refuse(Standard.INVALID_DATA)
            return
        inbox = cast("Inbox[dict[str, Any]]", self.queue)
        is_taken_at_once = inbox.is_awaited
        inbox.put_nowait(message)
        if not self.read_paused and not is_taken_at_once:
            self.read_paused = True
            self.transport.pause_reading()

    def _expect_rest(self, first: Frame) -> None:
        """Start the clock of a message that comes in fragments."""
        if not first.fin:
            self._message_timer = self.loop.call_later(MESSAGE_SECONDS, self._end_message)

    def _end_message(self) -> None:
        """Close because a message was not whole in time, unless this side is not reading."""
        if self.read_paused:
            self._message_timer = self.loop.call_later(MESSAGE_SECONDS, self._end_message)
        else:
            self._refuse(Standard.PROTOCOL_ERROR)

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
