"""Uvicorn's HTTP protocol, with bounds on how long and how large a request may be."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.server.websocket import LINGER_SECONDS

HEAD_SECONDS: Final = 10.0
"""From a connection's first moment, or a request's first byte, to the end of its headers."""


BODY_SECONDS: Final = 20.0


MAX_HEAD_BYTES: Final = 32 * 1024


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
