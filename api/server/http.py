"""Uvicorn's HTTP protocol, with bounds on how long and how large a request may be.

Measured on uvicorn 0.54: without these bounds a request that never ends is kept for ever, and a header may have any
size.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.limits.strangers import Networks, Stranger, Strangers
from api.protocol.problems import Refusal
from api.server.refusals import http_refusal
from api.server.websocket import LATE_BYTES, LINGER_SECONDS, WRITE_SECONDS

HEAD_SECONDS: Final = 10.0
"""How long a client may take to send all headers, from its connection or from a request's first byte."""
BODY_SECONDS: Final = 20.0
PACE_SECONDS: Final = 10.0
PACE_BYTES: Final = 16 * 1024
"""Of a long body that a route reads as it comes so much must come in `PACE_SECONDS`: a telephone on a bad link sends
three times as much."""
MAX_HEAD_BYTES: Final = 32 * 1024
SILENT_PER_ADDRESS: Final = 256
"""So many connections of one address may have sent no whole request yet: more than come at once from an office."""
WAITING_SHARE: Final = 4
"""Those that have sent none take at most this part of the descriptors; those that wait for a further one as much."""
FREE_DESCRIPTORS: Final = 32
"""The kernel gives the lowest free number, so a number this close to the limit says that few are left."""
SAY_AGAIN_SECONDS: Final = 60.0

log = structlog.get_logger("api.server")


class WaitingConnections:
    """The connections of a process that wait for a request: `silent` ones have sent none yet, `idle` ones have.

    `descriptors` is how many the kernel lets the process have. A few are kept free, by closing such connections.
    """

    def __init__(self, descriptors: int, proxies: Networks) -> None:
        most = max(descriptors // WAITING_SHARE, 1)
        self.silent = Strangers(most, SILENT_PER_ADDRESS, proxies)
        self.idle = Strangers(most, most, proxies)
        self.ending = asyncio.Event()
        """Set once the process is ending, so that requests which wait are answered."""
        self._last_descriptor = descriptors - FREE_DESCRIPTORS
        self._said_at = -SAY_AGAIN_SECONDS

    def make_space_for(self, transport: asyncio.Transport) -> None:
        """Close another connection if descriptors are running out, or this one if there is none, and log it."""
        connection = transport.get_extra_info("socket")
        if connection is None or connection.fileno() < self._last_descriptor:
            return
        if not self.idle.dismiss_one() and not self.silent.dismiss_one():
            transport.abort()
        if (now := time.monotonic()) - self._said_at >= SAY_AGAIN_SECONDS:
            self._said_at = now
            log.error("descriptors_short", limit=self._last_descriptor + FREE_DESCRIPTORS)


class BoundedHttp(HttpToolsProtocol):
    """Ends requests that take too long or send too much. Uvicorn makes one for each connection."""

    def __init__(self, waiting: "WaitingConnections", *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting = waiting
        self._stranger: Stranger | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._spare_bytes = 0
        self._paced_bytes = 0
        self._body_comes = False
        self._has_begun = False  # whether a byte of the request that is awaited has come

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request."""
        super().connection_made(transport)
        self._within(HEAD_SECONDS)
        self._waiting.make_space_for(transport)
        self._wait_in(self._waiting.silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines: the connection is gone."""
        self._within(None)
        # Else a route that begins to read only now would start a clock that nobody stops.
        self._body_comes = False
        self._unset_keepalive_if_required()  # uvicorn's own timer would keep a reset connection in memory
        self._stop_write_timer()
        self._wait_in(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes. Limits how many of them are not part of a body, and how long they take to become a request."""
        self._spare_bytes += len(data)
        self._has_begun = True
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._spare_bytes > MAX_HEAD_BYTES:
            self._refuse(Refusal.HEADERS_TOO_LARGE)
        elif self._deadline is None and ((request := self._request()) is None or request.response_complete):
            # Uvicorn stops its own timer at an empty line, so this one starts here too.
            self._within(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        """Start the clock for the headers."""
        super().on_message_begin()
        self._within(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """Start the clock for the body."""
        self._spare_bytes = 0
        self._within(BODY_SECONDS)
        self._body_comes = True
        self.scope["state"]["ending"] = self._waiting.ending
        self.scope["state"]["paced"] = partial(self._pace, self.scope)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body. Its size is limited elsewhere; chunk extensions and trailers are limited here."""
        self._spare_bytes = max(0, self._spare_bytes - len(body))
        self._paced_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock: the request is complete."""
        self._spare_bytes = 0
        self._body_comes = False
        self._has_begun = False
        self._within(None)
        self._wait_in(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on to a WebSocket, unless an earlier answer is still waiting to be sent.

        The transport would report to this protocol, and not to the WebSocket, when the peer takes that answer. So the
        WebSocket would never learn that its peer does not read.
        """
        self._within(None)
        self._wait_in(None)
        request = self._request()
        is_answering = request is not None and not request.response_complete
        is_get = self.scope["http_version"] == "1.1" and self.scope["method"] == "GET"
        if not is_get or is_answering or self.transport.get_write_buffer_size():
            self._refuse(Refusal.BAD_UPGRADE)
            return
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Answer what waits, and close when it was answered."""
        self._waiting.ending.set()
        super().shutdown()

    def pause_writing(self) -> None:
        """Start the clock: the peer does not take what was written."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self._end_or_wait)

    def resume_writing(self) -> None:
        """Stop the clock: the peer has taken nearly everything."""
        super().resume_writing()
        self._stop_write_timer()

    def timeout_keep_alive_handler(self) -> None:
        """Close because no other request came. A peer that has not even taken the last answer is cut off."""
        super().timeout_keep_alive_handler()
        self._on_deadline(LINGER_SECONDS, self.transport.abort)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self._deadline is None and not self.transport.is_closing():
            self._wait_in(self._waiting.idle)

    def _wait_in(self, strangers: Strangers | None) -> None:
        """Count this connection among those that wait for a request, or no longer if that is None."""
        for known in (self._waiting.silent, self._waiting.idle):
            known.leave(self._stranger)
        self._stranger = None
        if strangers is not None and self.client is not None:
            self._stranger = strangers.enter(self.client[0], self.transport.abort)

    def _pace(self, scope: Any) -> None:
        """Let the body of this request take as long as it keeps its pace. A route calls it that reads a long one."""
        if self._body_comes and self.scope is scope:
            self._paced_bytes = 0
            self._on_deadline(PACE_SECONDS, self._check_pace)

    def _check_pace(self) -> None:
        # Where reading is paused, it is this server that takes its time.
        if self._paced_bytes < PACE_BYTES and not self.flow.read_paused:
            self._expire()
            return
        self._paced_bytes = 0
        self._on_deadline(PACE_SECONDS, self._check_pace)

    def _end_or_wait(self) -> None:
        if self.transport.get_write_buffer_size() >= LATE_BYTES:
            self.transport.abort()
        else:
            self._write_timer = self.loop.call_later(WRITE_SECONDS, self._end_or_wait)

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _request(self) -> RequestResponseCycle | None:
        """Return the newest request, if any. Uvicorn's types say wrongly that there always is one."""
        return self.cycle

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn calls it so
        """Refuse what is no HTTP. Uvicorn's own answer is plain text."""
        self._refuse(Refusal.NO_HTTP)

    def _within(self, seconds: float | None) -> None:
        self._on_deadline(seconds, self._expire)

    def _on_deadline(self, seconds: float | None, then: Callable[[], None]) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, then)

    def _expire(self) -> None:
        """End a connection whose request did not come in time. One that has sent nothing is told nothing."""
        if self._has_begun:
            self._refuse(Refusal.TOO_SLOW)
        else:
            self.transport.abort()

    def _refuse(self, refusal: Refusal) -> None:
        request = self._request()
        if request is not None and request.response_started and not request.response_complete:
            self.transport.abort()  # the answer has begun, so no other status can be sent
            return
        self.transport.write(http_refusal(refusal))
        self.transport.close()
        self._on_deadline(LINGER_SECONDS, self.transport.abort)
