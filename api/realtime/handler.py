"""Serves a socket from its acceptance to its end: authenticates it, then runs its commands in order."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import structlog

from api.accounts.identity import Authenticator, Identity
from api.errors import RateLimited, TailwireError, Unauthorized, Unavailable
from api.limits.memory import Memory
from api.limits.rates import Bucket, Rate, Window
from api.protocol.close_codes import CloseCode
from api.protocol.commands import Authenticate, BadCommand, Command, Write, parse_command
from api.protocol.events import encode, error_event
from api.protocol.fields import MAX_FIRST_FRAME_BYTES, MAX_REQUEST_BYTES
from api.realtime.admission import Admission, Place
from api.realtime.commands import Commands, check_version
from api.realtime.connection import Closed, Connection
from api.realtime.hub import Hub
from api.realtime.sink import ASGIReceive, ASGIScope, ASGISend, Sink, open_sink
from api.store.reads import BatchedReads

FIRST_MESSAGE_SECONDS: Final = 5.0
BAD_FRAMES: Final = 20
BAD_FRAMES_SECONDS: Final = 60.0
REFUSALS: Final = 100
REFUSALS_SECONDS: Final = 10.0
"""A client that ignores `REFUSALS` rate limits in this time is closed. A client may resend a whole outbox first."""

log = structlog.get_logger("api.connection")


OnRefused: TypeAlias = Callable[[str], None]
"""Is told the code of each error that a client is told over a socket."""


class Ending(NamedTuple):
    """How a socket ended: the user who was logged in, and this side's close code, or None when the client ended it."""

    user_id: str | None
    code: CloseCode | None


class ConnectionHandler:
    """Serves the sockets of this process."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        commands: Commands,
        authenticator: Authenticator,
        admission: Admission,
        reads: BatchedReads,
        hub: Hub,
        memory: Memory,
        pace: Rate,
        on_refused: OnRefused,
    ) -> None:
        self._commands = commands
        self._authenticator = authenticator
        self._admission = admission
        self._reads = reads
        self._hub = hub
        self._memory = memory
        self._pace = pace
        self._on_refused = on_refused

    async def serve(
        self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend, identity: Identity | None, address: str
    ) -> Ending:
        """Accept a socket, serve it to its end and say how it ended.

        Raises the error to deny it with before it is accepted.

        Without an `identity`, the first message must authenticate. `address` is the client's address.
        """
        proven: Identity | CloseCode | None = identity
        if identity is not None:
            await send({"type": "websocket.accept"})
        else:
            with self._admission.wait(address) as place:
                await send({"type": "websocket.accept"})
                proven = await self._first_message(receive, place, address)
        sink = open_sink(scope, send)
        scope.clear()  # frees the memory of the handshake
        try:
            code = proven
            if isinstance(proven, Identity):
                code = await self._hold(receive, sink, proven, address)
            if isinstance(code, CloseCode):
                sink.close_with(code, code.name.lower())
        finally:
            await sink.end()
        user_id = proven.user.id if isinstance(proven, Identity) else None
        return Ending(user_id, code if isinstance(code, CloseCode) else None)

    async def _first_message(
        self, receive: ASGIReceive, place: Place, address: str
    ) -> Identity | CloseCode | None:
        """Read the message that authenticates. Return its identity, or the code to close with.

        Return None when the client has gone. The time ends early when the socket loses its place to a newer one.
        """
        try:
            async with asyncio.timeout(FIRST_MESSAGE_SECONDS) as clock:
                place.end_with(clock)
                return await self._authenticate(receive, address)
        except TimeoutError:
            return CloseCode.AUTHENTICATION_TIMEOUT
        except _Disconnected:
            return None
        except Exception as error:  # noqa: BLE001  `_code_of` logs unexpected errors
            return _code_of(error)

    async def _authenticate(self, receive: ASGIReceive, address: str) -> Identity:
        frame = await _text(receive, MAX_FIRST_FRAME_BYTES)
        try:
            command = parse_command(frame)
        except BadCommand:
            raise Closed(CloseCode.UNAUTHORIZED) from None
        if not isinstance(command, Authenticate):
            raise Closed(CloseCode.UNAUTHORIZED)
        check_version(command)
        return await self._authenticator.identify(command.token, address)

    async def _hold(
        self, receive: ASGIReceive, sink: Sink, identity: Identity, address: str
    ) -> CloseCode | None:
        """Carry out commands until the end. Return this side's close code, or None when the peer closed first."""
        connection: Connection | None = None
        try:
            connection = await self._connect(identity, sink, address)
            return await self._read(receive, connection)
        except _Disconnected:
            return None if connection is None else connection.close_code
        except Exception as error:  # noqa: BLE001  `_code_of` logs unexpected errors
            return _code_of(error)
        finally:
            if connection is not None:
                self._hub.remove(connection)

    async def _connect(self, identity: Identity, sink: Sink, address: str) -> Connection:
        """Return a connection that is in the hub and has its `ready` enqueued.

        There is no await between the two, so that `ready` comes before any event of the hub. After that the session
        is checked again, because it could have ended before the hub knew the connection. Raises `Unauthorized`,
        `Unavailable`.
        """
        self._memory.require()
        connection = Connection(identity, sink, address)
        self._hub.add(connection)
        self._commands.greet(connection)
        is_in = False
        try:
            is_in = await self._reads.session(identity.session_id) is not None
        finally:
            if not is_in:
                self._hub.remove(connection)
        if not is_in:
            raise Unauthorized
        return connection

    async def _read(self, receive: ASGIReceive, connection: Connection) -> CloseCode | None:
        """Read and carry out the client's commands, one after the other."""
        pace = Bucket(self._pace)
        # Each window allows one less than its limit, because the one that it refuses closes the connection.
        bad_frames = Window(BAD_FRAMES - 1, BAD_FRAMES_SECONDS)
        refusals = Window(REFUSALS - 1, REFUSALS_SECONDS)
        while True:
            try:
                # No command is read while its client does not read the answers.
                if not connection.has_space:
                    await connection.drained()
                # One expression, so that the text of a command is not kept in memory while waiting for the next one.
                command = parse_command(await _text(receive, MAX_REQUEST_BYTES))
                if not connection.is_open:
                    return connection.close_code  # a command that came after the end is not carried out
                self._hub.use(connection)
                error = await self._carry_out(connection, command, pace)
                del command
                if error is not None:
                    self._on_refused(error.specific_code)
                if isinstance(error, RateLimited) and refusals.take(time.monotonic()):
                    return CloseCode.RATE_LIMITED
            except BadCommand as bad:
                self._on_refused(bad.error.specific_code)
                connection.enqueue(encode(error_event(bad.error, bad.ref)))
                if wait := bad_frames.take(time.monotonic()):
                    told = RateLimited("Too many bad frames", retry_after_seconds=math.ceil(wait))
                    connection.enqueue(encode(error_event(told, None)))
                    return CloseCode.RATE_LIMITED

    async def _carry_out(
        self, connection: Connection, command: Command, pace: Bucket
    ) -> TailwireError | None:
        """Run a command, unless it comes too soon. Return the error that the client was told, or None."""
        if not isinstance(command, Write) and (wait := pace.take(time.monotonic())):
            error = RateLimited(retry_after_seconds=math.ceil(wait))
            connection.enqueue(encode(error_event(error, command.ref)))
            return error
        return await self._commands.run(connection, command)


class _Disconnected(Exception):
    """The peer has closed the socket, or is gone."""


async def _text(receive: ASGIReceive, max_bytes: int) -> str:
    """Return the next text frame. Raises `Closed` for a binary or too large frame, `_Disconnected` at the end."""
    message = await receive()
    if message["type"] == "websocket.disconnect":
        raise _Disconnected
    text: str | None = message.get("text")
    if text is None:
        raise Closed(CloseCode.BINARY)
    if len(text) > max_bytes or (not text.isascii() and len(text.encode(errors="surrogatepass")) > max_bytes):
        raise Closed(CloseCode.TOO_BIG)
    return text


def _code_of(error: Exception) -> CloseCode:
    """Return the close code for an error that ends a connection."""
    match error:
        case Closed():
            return error.code
        case Unauthorized():
            return CloseCode.UNAUTHORIZED
        case Unavailable():
            return CloseCode.TRY_AGAIN_LATER
        case _:
            log.error("connection_failed", exc_info=error)
            return CloseCode.INTERNAL
