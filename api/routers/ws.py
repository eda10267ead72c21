"""/ws/messages: the handshake, then one command after the other, for as long as the socket stands."""

import asyncio
import time
from collections import deque
from contextlib import ExitStack
from typing import Final
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from api.commands import Closed, Commands, check_version
from api.connection import Connection, Identity
from api.deps import Services, services
from api.errors import Forbidden, RateLimited, TailwireError, Unauthorized, Unavailable, UpgradeRequired
from api.http import has_token_in_query, problem
from api.protocol import (
    MAX_FIRST_FRAME_BYTES,
    MAX_FRAME_BYTES,
    Authenticate,
    BadCommand,
    CloseCode,
    encode,
    error_event,
    parse_command,
)
from api.sink import Sink, sink_of

router = APIRouter()

FIRST_MESSAGE_SECONDS: Final = 5.0
BAD_FRAMES: Final = 20
BAD_FRAMES_SECONDS: Final = 60.0

log = structlog.get_logger("api.ws")


@router.get("/ws/messages", include_in_schema=False)
async def plain_request(_request: Request) -> Response:
    """Answer a request that is no handshake."""
    response = problem(UpgradeRequired())
    response.headers.update({"upgrade": "websocket", "sec-websocket-version": "13"})
    return response


@router.websocket("/ws/messages")
async def messages(websocket: WebSocket) -> None:
    """Serve one socket from handshake to end."""
    parts = services(websocket)
    try:
        with parts.doors.enter(), ExitStack() as waiting:
            identity = await _handshake(websocket, parts, waiting)
            await websocket.accept()
            async with sink_of(websocket.scope, websocket.send) as sink:
                code = await _converse(websocket, sink, parts, identity, waiting)
                if code is not None:
                    sink.close_with(code, code.name.lower())
    except TailwireError as error:
        # Before the handshake is answered; `_converse` lets none through.
        await websocket.send_denial_response(problem(error))


async def _handshake(websocket: WebSocket, parts: Services, waiting: ExitStack) -> Identity | None:
    """Judge the handshake; return who is behind it if it says so. Raises the `TailwireError` to deny it with."""
    origin = websocket.headers.get("origin")
    if origin is not None and not _is_allowed(origin, websocket, parts.origins):
        log.warning("origin_refused")
        raise Forbidden("This origin may not connect")
    if has_token_in_query(websocket):
        raise Unauthorized("A token does not belong in a URL")
    header = websocket.headers.get("authorization")
    if header is None:
        waiting.enter_context(parts.doors.wait(websocket.client.host if websocket.client else ""))
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized
    return await parts.commands.identify(token.strip())


def _is_allowed(origin: str, websocket: WebSocket, allowed: frozenset[str]) -> bool:
    """Whether a page of this origin may connect: our own host's, or a listed one's."""
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    return origin in allowed or (
        page.scheme in {"http", "https"} and page.netloc == websocket.headers.get("host")
    )


async def _converse(
    websocket: WebSocket, sink: Sink, parts: Services, identity: Identity | None, waiting: ExitStack
) -> CloseCode | None:
    """Talk until one side ends it; return our close code, None when the peer closed first."""
    connection: Connection | None = None
    try:
        if identity is None:
            async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
                identity = await _authenticate(websocket, parts.commands)
            waiting.close()
        connection = await parts.commands.connect(identity, sink)
        return await _read(websocket, parts.commands, connection)
    except Closed as closed:
        return closed.code
    except TimeoutError:
        return CloseCode.AUTHENTICATION_TIMEOUT
    except WebSocketDisconnect:
        return None
    except Unauthorized:
        return CloseCode.UNAUTHORIZED
    except Unavailable:
        return CloseCode.TRY_AGAIN_LATER
    except Exception:
        log.exception("connection_failed")
        return CloseCode.INTERNAL
    finally:
        if connection is not None:
            parts.commands.disconnect(connection)


async def _authenticate(websocket: WebSocket, commands: Commands) -> Identity:
    """Take the first message. Raises `Closed`, `Unauthorized`, `Unavailable`, `WebSocketDisconnect`."""
    frame = await _receive(websocket, MAX_FIRST_FRAME_BYTES)
    try:
        command = parse_command(frame)
    except BadCommand:
        raise Closed(CloseCode.UNAUTHORIZED) from None
    if not isinstance(command, Authenticate):
        raise Closed(CloseCode.UNAUTHORIZED)
    check_version(command)
    return await commands.identify(command.token)


async def _read(websocket: WebSocket, commands: Commands, connection: Connection) -> CloseCode | None:
    """Carry out what the client says, one command after the other, until either side ends it."""
    bad_frames: deque[float] = deque(maxlen=BAD_FRAMES)
    while True:
        frame = await _receive(websocket, MAX_FRAME_BYTES)
        if not connection.is_open:
            return connection.close_code  # what came after the end is not carried out
        try:
            command = parse_command(frame)
        except BadCommand as bad:
            connection.enqueue(encode(error_event(bad.error, bad.ref)))
            bad_frames.append(time.monotonic())
            if len(bad_frames) == BAD_FRAMES and bad_frames[-1] - bad_frames[0] < BAD_FRAMES_SECONDS:
                connection.enqueue(encode(error_event(RateLimited("Too many bad frames"), None)))
                return CloseCode.RATE_LIMITED
            continue
        await commands.run(connection, command)


async def _receive(websocket: WebSocket, max_bytes: int) -> str:
    """Return the next text frame. Raises `Closed` for a binary or too big one, `WebSocketDisconnect` at the end."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    if text is None:
        raise Closed(CloseCode.BINARY)
    if len(text) > max_bytes or len(text.encode(errors="surrogatepass")) > max_bytes:
        raise Closed(CloseCode.TOO_BIG)
    return str(text)
