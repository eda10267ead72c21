"""/ws/messages: checks the handshake of a socket, which `realtime/handler.py` then serves.

`serve` is an ASGI application of its own, to which `main` passes all sockets. A router and its middleware would hold
15 KiB for each socket for as long as it is open.
"""

import time
from typing import Final

import structlog
from fastapi import Request, Response
from fastapi.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from api.errors import Forbidden, NotFound, TailwireError, TokenMissing, UpgradeRequired
from api.http.caller import address
from api.http.hardening import deny, is_allowed_origin, refusal, scheme_of
from api.http.problems import problem
from api.http.request_log import access, bind_request_id
from api.http.routing import Router
from api.http.services import HttpSettings, services

router = Router()

PATH: Final = "/ws/messages"

log = structlog.get_logger("api.ws")


@router.get(PATH, include_in_schema=False)
async def plain_request(_request: Request) -> Response:
    """Answer 426 to a request that is no handshake."""
    response = problem(UpgradeRequired())
    response.headers.update({"upgrade": "websocket", "sec-websocket-version": "13"})
    return response


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one socket from its handshake to its end."""
    parts = services(HTTPConnection(scope))
    bind_request_id(scope)
    began = time.monotonic()
    try:
        with parts.realtime.admission:
            await receive()  # the handshake: ASGI's websocket.connect
            handshake = HTTPConnection(scope)
            token, from_address = _token(handshake, parts.settings), address(handshake)
            identity = (
                None if token is None else await parts.accounts.authenticator.identify(token, from_address)
            )
            del handshake, token  # otherwise they would be held for as long as the socket is open
            ending = await parts.realtime.handler.serve(scope, receive, send, identity, from_address)
            parts.recorder.closed(ending.code)
            seconds = round(time.monotonic() - began, 1)
            access.info(
                "socket", code=ending.code, seconds=seconds, address=from_address, user_id=ending.user_id
            )
    except TailwireError as error:
        # Only errors before the handshake is answered arrive here. Later ones become close codes.
        parts.recorder.refused("handshake", error.specific_code)
        access.info(
            "handshake", status=error.status, code=error.specific_code, address=address(HTTPConnection(scope))
        )
        await deny(error, scope, receive, send)


def _token(handshake: HTTPConnection, settings: HttpSettings) -> str | None:
    """Check the handshake, and return its token or None. Raises the `TailwireError` to deny it with."""
    if (refused := refusal(handshake, settings.hosts)) is not None:
        raise refused
    if handshake.scope["path"] != PATH:
        raise NotFound
    handshake.scope["scheme"] = scheme_of(handshake, settings.trusted_proxies)
    if "origin" in handshake.headers and not is_allowed_origin(handshake, settings.origins):
        log.warning("origin_refused")
        raise Forbidden("This origin may not connect")
    header = handshake.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing
    return token.strip()
