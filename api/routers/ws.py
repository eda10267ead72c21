"""/ws/messages: the handshake, then one reader and one writer per socket."""

import asyncio
import contextlib
import time
from collections import deque
from contextlib import ExitStack
from typing import Final
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from api.clock import now_ms
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
    timestamp,
)

router = APIRouter()

FIRST_MESSAGE_SECONDS: Final = 5.0
EXPIRING_SECONDS: Final = 60.0
EXPIRY_GRACE_SECONDS: Final = 25.0
"""A client that renews at the last moment, over a slow link, is not cut off."""
BAD_FRAMES: Final = 20
BAD_FRAMES_SECONDS: Final = 60.0
CLOSE_TIMEOUT_SECONDS: Final = 2.0

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
            code = await _converse(websocket, parts, identity, waiting)
            await _close(websocket, code)
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
    websocket: WebSocket, parts: Services, identity: Identity | None, waiting: ExitStack
) -> CloseCode | None:
    """Talk until one side ends it; return our close code, None when the peer closed first."""
    connection: Connection | None = None
    try:
        if identity is None:
            async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
                identity = await _authenticate(websocket, parts.commands)
            waiting.close()
        connection = await parts.commands.connect(identity)
        return await _serve(websocket, parts, connection)
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


async def _serve(websocket: WebSocket, parts: Services, connection: Connection) -> CloseCode | None:
    """Run the reader and the writer; the first to end ends the other, and its reason is the connection's."""
    reader = asyncio.create_task(_read(websocket, parts.commands, connection), name="connection-reader")
    writer = asyncio.create_task(
        connection.write_to(
            websocket.send_text, heartbeat_seconds=parts.heartbeat_seconds, heartbeat=_heartbeat
        ),
        name="connection-writer",
    )
    expiry = asyncio.create_task(_expire(connection), name="connection-expiry")
    tasks = (reader, writer, expiry)
    try:
        done, _ = await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
        return (writer if writer in done else reader).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(websocket: WebSocket, commands: Commands, connection: Connection) -> CloseCode | None:
    bad_frames: deque[float] = deque(maxlen=BAD_FRAMES)
    while True:
        frame = await _receive(websocket, MAX_FRAME_BYTES)
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


async def _expire(connection: Connection) -> None:
    """Warn before the token ends, and close after it has, unless it is renewed."""
    warned_for = 0
    while connection.close_code is None:
        expires_at = connection.identity.expires_at
        left = (expires_at - now_ms()) / 1000
        if left > EXPIRING_SECONDS:
            await asyncio.sleep(left - EXPIRING_SECONDS)
        elif warned_for != expires_at:
            connection.enqueue(encode({"type": "expiring", "expires_at": timestamp(expires_at)}))
            warned_for = expires_at
        elif left > -EXPIRY_GRACE_SECONDS:
            await asyncio.sleep(left + EXPIRY_GRACE_SECONDS)
        else:
            connection.close(CloseCode.UNAUTHORIZED)


def _heartbeat() -> str:
    return encode({"type": "heartbeat", "server_time": timestamp(now_ms())})


async def _close(websocket: WebSocket, code: CloseCode | None) -> None:
    if code is None or websocket.application_state is not WebSocketState.CONNECTED:
        return
    with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
            await websocket.close(code, code.name.lower())
