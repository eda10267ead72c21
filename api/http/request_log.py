"""Gives each request an id, and logs each request in one line."""

import re
import time
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from api.ids import random_id

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Machines ask these paths every few seconds. They are logged at level debug, or their lines would bury the others."""


_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


access = structlog.get_logger("api.access")


class RequestLog:
    """ASGI middleware that gives each request an id, and logs it without its query once it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Other scopes, such as the lifespan, are passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = bind_request_id(scope)
        began, status = time.perf_counter(), 500

        async def send_with_id(message: ASGIMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            tell = access.debug if scope["path"] in PROBES else access.info
            tell("request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)


def bind_request_id(scope: Scope) -> str:
    """Choose a request's id, add it to everything that is logged during the request, and return it.

    The caller's X-Request-Id is used if it is valid, so that a proxy's log and this one can be compared.
    """
    headers: Headers = Headers(scope=scope)
    given = headers.get("x-request-id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else random_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id
