"""/ws/messages: the handshake, then one command after the other, for as long as the socket stands.

`serve` is an ASGI application of its own, to which `main` hands every socket: what a router and its middleware keep
for a request they would keep for as long as a socket stands, 15 KiB of it.
"""

import asyncio
import math
import time
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from api.accounts.identity import Identity
from api.errors import (
    Forbidden,
    NotFound,
    RateLimited,
    TailwireError,
    Unauthorized,
    Unavailable,
    UpgradeRequired,
)
from api.http.deps import Services, address, services
from api.http.hardening import deny, is_allowed_origin, refusal
from api.http.problems import problem
from api.http.request_log import bind_request_id
from api.limits.rates import Bucket, Window
from api.protocol.close_codes import CloseCode
from api.protocol.commands import Authenticate, BadCommand, Command, parse_command
from api.protocol.commands import Send as SendCommand
from api.protocol.events import encode, error_event
from api.protocol.fields import MAX_FIRST_FRAME_BYTES, MAX_FRAME_BYTES
from api.realtime.commands import Closed, Commands, check_version
from api.realtime.connection import Connection
from api.realtime.sink import Sink, open_sink

router = APIRouter()

PATH: Final = "/ws/messages"

FIRST_MESSAGE_SECONDS: Final = 5.0
BAD_FRAMES: Final = 20
BAD_FRAMES_SECONDS: Final = 60.0
REFUSALS: Final = 100
REFUSALS_SECONDS: Final = 10.0
"""A client that is told to wait and does not is closed. So many, for one that resends a whole outbox at once."""

log = structlog.get_logger("api.ws")


@router.get(PATH, include_in_schema=False)
async def plain_request(_request: Request) -> Response:
    """Answer a request that is no handshake."""
    response = problem(UpgradeRequired())
    response.headers.update({"upgrade": "websocket", "sec-websocket-version": "13"})
    return response


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one socket from handshake to end."""
    parts = services(HTTPConnection(scope))
    bind_request_id(scope)
    try:
        with parts.admission.enter():
            await _serve(scope, receive, send, parts)
    except TailwireError as error:
        # Before the handshake is answered; what comes later ends in a close code.
        await deny(error, scope, receive, send)


async def _serve(scope: Scope, receive: Receive, send: Send, parts: Services) -> None:
    await receive()  # the handshake: ASGI's websocket.connect
    handshake = HTTPConnection(scope)
    identity: Identity | CloseCode | None
    if (token := _token(handshake, parts.origins)) is not None:
        identity = await parts.commands.identify(token)
        await send({"type": "websocket.accept"})
    else:
        with parts.admission.wait(address(handshake)):
            await send({"type": "websocket.accept"})
            identity = await _first_message(receive, parts.commands)
    sink = open_sink(scope, send)
    scope.clear()  # what the handshake said is not needed any more
    del handshake, token
    try:
        code = identity
        if isinstance(identity, Identity):
            code = await _converse(receive, sink, parts, identity)
        if isinstance(code, CloseCode):
            sink.close_with(code, code.name.lower())
    finally:
        await sink.end()


def _token(handshake: HTTPConnection, origins: frozenset[str]) -> str | None:
    """Judge the handshake; return the token that it carries. Raises the `TailwireError` to deny it with."""
    if (refused := refusal(handshake)) is not None:
        raise refused
    if handshake.scope["path"] != PATH:
        raise NotFound
    if "origin" in handshake.headers and not is_allowed_origin(handshake, origins):
        log.warning("origin_refused")
        raise Forbidden("This origin may not connect")
    header = handshake.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized
    return token.strip()


async def _first_message(receive: Receive, commands: Commands) -> Identity | CloseCode | None:
    """Take the message that says who is there; return what to close with when it does not."""
    try:
        async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
            return await _authenticate(receive, commands)
    except TimeoutError:
        return CloseCode.AUTHENTICATION_TIMEOUT
    except _Disconnected:
        return None
    except Exception as error:  # noqa: BLE001  `_code_of` logs what nobody thought of
        return _code_of(error)


async def _authenticate(receive: Receive, commands: Commands) -> Identity:
    frame = await _text(receive, MAX_FIRST_FRAME_BYTES)
    try:
        command = parse_command(frame)
    except BadCommand:
        raise Closed(CloseCode.UNAUTHORIZED) from None
    if not isinstance(command, Authenticate):
        raise Closed(CloseCode.UNAUTHORIZED)
    check_version(command)
    return await commands.identify(command.token)


async def _converse(receive: Receive, sink: Sink, parts: Services, identity: Identity) -> CloseCode | None:
    """Carry out commands until one side ends it; return our close code, None when the peer closed first."""
    connection: Connection | None = None
    try:
        connection = await parts.commands.connect(identity, sink)
        return await _read(receive, parts, connection)
    except _Disconnected:
        return None
    except Exception as error:  # noqa: BLE001  as above
        return _code_of(error)
    finally:
        if connection is not None:
            parts.commands.disconnect(connection)


async def _read(receive: Receive, parts: Services, connection: Connection) -> CloseCode | None:
    """Carry out what the client says, one command after the other."""
    pace = Bucket(parts.command_rate)
    # The one that is too many closes.
    bad_frames = Window(BAD_FRAMES - 1, BAD_FRAMES_SECONDS)
    refusals = Window(REFUSALS - 1, REFUSALS_SECONDS)
    while True:
        try:
            if not connection.has_space:
                await connection.drained()  # who does not read what we answer is asked nothing more
            # In one breath, so that nothing of a command is kept while the next is waited for.
            command = parse_command(await _text(receive, MAX_FRAME_BYTES))
            if not connection.is_open:
                return connection.close_code  # what came after the end is not carried out
            error = await _carry_out(parts.commands, connection, command, pace)
            del command
            if isinstance(error, RateLimited) and refusals.take(time.monotonic()):
                return CloseCode.RATE_LIMITED
        except BadCommand as bad:
            connection.enqueue(encode(error_event(bad.error, bad.ref)))
            if wait := bad_frames.take(time.monotonic()):
                told = RateLimited("Too many bad frames", retry_after_seconds=math.ceil(wait))
                connection.enqueue(encode(error_event(told, None)))
                return CloseCode.RATE_LIMITED


async def _carry_out(
    commands: Commands, connection: Connection, command: Command, pace: Bucket
) -> TailwireError | None:
    """Run a command, unless it comes too soon; return the error that the client was told, if it was one."""
    if not isinstance(command, SendCommand) and (wait := pace.take(time.monotonic())):
        error = RateLimited(retry_after_seconds=math.ceil(wait))
        connection.enqueue(encode(error_event(error, command.ref)))
        return error
    return await commands.run(connection, command)


class _Disconnected(Exception):
    """The peer is gone."""


async def _text(receive: Receive, max_bytes: int) -> str:
    """Return the next text frame. Raises `Closed` for a binary or too big one, `_Disconnected` at the end."""
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
    """Return the code that tells a client of an error that ends its connection."""
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
