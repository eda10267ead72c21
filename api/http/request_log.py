"""Gives each request an id, and logs and counts each request once it is answered."""

import logging
import re
import time
from collections.abc import Sequence
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from api.address import Network, client_address
from api.http.probes import Recorder
from api.ids import request_id

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Machines ask these paths every few seconds. They are logged at level debug, or their lines would bury the others."""

SECRETS_AFTER: Final = {"invites": 1, "hooks": 1, "setup": 1, "files": 3, "avatars": 1}
"""How many parts of a path after one of these names open something for whoever has them. They stand in no log."""
PAGE: Final = "page"
NO_ROUTE: Final = "none"

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


_ACCESS: Final = logging.getLogger("api.access")
access = structlog.get_logger(_ACCESS.name)


class RequestLog:
    """ASGI middleware that gives each request an id, and logs and counts it once it is answered.

    A line has the client's address, the user if there is one, and the path without its query. A secret in the path is
    left out.
    """

    def __init__(self, app: ASGIApp, *, trusted_proxies: Sequence[Network], recorder: Recorder) -> None:
        self._app = app
        self._trusted_proxies = trusted_proxies
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Other scopes, such as the lifespan, are passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id_ = bind_request_id(scope).encode()
        began, status = time.perf_counter(), 500

        async def send_with_id(message: ASGIMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", id_)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        self._recorder.answered(scope["method"], route, status, seconds)
        if (code := structlog.contextvars.get_contextvars().get("code")) is not None:
            self._recorder.refused("http", code)
        level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
        if not _ACCESS.isEnabledFor(level):
            return  # the line would be given up, after all of it was made
        access.log(
            level,
            "request",
            method=scope["method"],
            path=shown_path(scope["path"]),
            status=status,
            ms=round(seconds * 1000, 1),
            address=self._address(scope),
        )

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else ""
        return client_address(peer, Headers(scope=scope).getlist("x-forwarded-for"), self._trusted_proxies)


def route_of(scope: Scope) -> str:
    """Return the route that answered a request, with the names of its parameters in place of what a client sent."""
    route = getattr(scope.get("route"), "path", None)
    return route if isinstance(route, str) else PAGE if "page_file" in scope else NO_ROUTE


def shown_path(path: str) -> str:
    """Return a path as a log may show it: secrets that `SECRETS_AFTER` names are replaced by `*`."""
    parts = path.split("/")
    for place, part in enumerate(parts):
        hidden = SECRETS_AFTER.get(part, 0)
        parts[place + 1 : place + 1 + hidden] = [
            "*" if one else "" for one in parts[place + 1 : place + 1 + hidden]
        ]
    return "/".join(parts)


def bind_request_id(scope: Scope) -> str:
    """Choose a request's id, add it to everything that is logged during the request, and return it.

    The caller's X-Request-Id is used if it is valid, so that a proxy's log and this one can be compared.
    """
    headers: Headers = Headers(scope=scope)
    given = headers.get("x-request-id", "")
    id_ = given if _REQUEST_ID.fullmatch(given) else request_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=id_)
    return id_
