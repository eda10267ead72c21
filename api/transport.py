"""uvicorn's WebSocket protocol with bounds: what a peer can make us keep, and for how long.

Measured on uvicorn 0.54: a socket that floods pings and reads nothing grows the server by 35 MB a second, one
that sends empty fragments by 3.5 MB, and one that never reads is never freed, because closing waits for a
buffer that nobody empties.
"""

import asyncio  # noqa: TC003  small, and loaded anyway
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_FRAGMENTS: Final = 64
MAX_UNREAD_BYTES: Final = 256 * 1024
"""Of what is written when a ping comes: a peer that asks and reads no answer is cut off."""
LINGER_SECONDS: Final = 5.0
"""So long a socket that is closing may take to be rid of what is left to write, and its peer to close too."""


class BoundedProtocol(WebSocketsSansIOProtocol):
    """See the module. Made by uvicorn, one for each socket."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._abort_timer: asyncio.TimerHandle | None = None

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
        """Close because a ping was not answered."""
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
