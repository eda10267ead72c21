"""Security headers for every answer, and requests that are refused at every path."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.address import Network, client_scheme
from api.errors import BadRequest, NotFound, TailwireError, Unauthorized
from api.http.problems import problem

HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The Content-Security-Policy of the SPA. Its build writes the same into the page, for hosts that send no headers."""


class Hardening:
    """ASGI middleware around all HTTP answers.

    `hsts_seconds` is the max-age of Strict-Transport-Security; 0 sends no such header.
    """

    def __init__(self, app: ASGIApp, *, hsts_seconds: int, trusted_proxies: Sequence[Network]) -> None:
        self._trusted_proxies = trusted_proxies
        self._app = app
        self._hsts = f"max-age={hsts_seconds}" if hsts_seconds else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or refuse it. Answer 500 when the application fails before it answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._correct_scheme(scope)
        hsts = self._hsts if scope["scheme"] == "https" else None
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                message["headers"] = list(message.get("headers", ()))
                _add_headers(MutableHeaders(raw=message["headers"]), message.get("status"), hsts)
            await send(message)

        try:
            if (refused := refusal(HTTPConnection(scope))) is not None:
                await problem(refused)(scope, receive, guarded)
            else:
                await self._app(scope, receive, guarded)
        except Exception:
            if not begun:
                await problem(TailwireError())(scope, receive, guarded)
            raise

    def _correct_scheme(self, scope: Scope) -> None:
        """Replace the scheme by the one that the client used. Between a proxy and this server it may be another."""
        said = Headers(scope=scope).get("x-forwarded-proto", "")
        peer = scope["client"][0] if scope.get("client") else ""
        scope["scheme"] = client_scheme(scope["scheme"], peer, said, self._trusted_proxies)


async def deny(error: TailwireError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a WebSocket handshake with an error."""
    response = problem(error)
    _add_headers(response.headers, error.status, None)
    await response(scope, receive, send)


def refusal(connection: HTTPConnection) -> TailwireError | None:
    """Return the error for a request that is refused at every path, or None."""
    hosts = len(connection.headers.getlist("host"))
    if hosts > 1 or (not hosts and connection.scope["http_version"] == "1.1"):  # RFC 9112, section 3.2
        return BadRequest("There must be one Host header")
    if "token" in connection.query_params or "access_token" in connection.query_params:
        # Logs, browser histories and referrers would store it.
        return Unauthorized("A token does not belong in a URL")
    path = connection.scope["path"]
    if "/." in path or path.endswith(".map"):
        return NotFound()  # hidden files and source maps that a build left among the served files
    return None


def _add_headers(headers: MutableHeaders, status: int | None, hsts: str | None) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if hsts:
        headers["strict-transport-security"] = hsts
    if status == HTTPStatus.NOT_MODIFIED:
        return  # its headers replace those in the browser's cache, and it has no content type to choose the policy by
    kind = headers.get("content-type", "")
    headers.setdefault(
        "content-security-policy", PAGE_POLICY if kind.startswith("text/html") else DATA_POLICY
    )
    if kind.startswith("application/json"):
        headers.setdefault("cache-control", "no-store")


def is_allowed_origin(connection: HTTPConnection, listed: frozenset[str]) -> bool:
    """Return whether the Origin header names this host or a listed origin. A request without it is not allowed."""
    origin = connection.headers.get("origin", "")
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    return origin in listed or (
        page.scheme in {"http", "https"} and page.netloc == connection.headers.get("host")
    )
