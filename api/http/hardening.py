"""What every answer has, whoever gives it: the headers that keep browsers safe; and what no address takes."""

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
"""The policy of the SPA's pages. Its build writes the same into the page, for hosts that send no headers."""


class Hardening:
    """ASGI middleware around everything that answers HTTP. `hsts_seconds`: 0 sends no Strict-Transport-Security."""

    def __init__(self, app: ASGIApp, *, hsts_seconds: int, trusted_proxies: Sequence[Network]) -> None:
        self._trusted_proxies = trusted_proxies
        self._app = app
        self._hsts = f"max-age={hsts_seconds}" if hsts_seconds else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
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
        """Let the rest see the scheme that the client used, not the one that a proxy uses behind it."""
        said = Headers(scope=scope).get("x-forwarded-proto", "")
        peer = scope["client"][0] if scope.get("client") else ""
        scope["scheme"] = client_scheme(scope["scheme"], peer, said, self._trusted_proxies)


async def deny(error: TailwireError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a handshake with an error."""
    response = problem(error)
    _add_headers(response.headers, error.status, None)
    await response(scope, receive, send)


def refusal(connection: HTTPConnection) -> TailwireError | None:
    """Return what is wrong with where a request goes, whatever it asks for."""
    hosts = len(connection.headers.getlist("host"))
    if hosts > 1 or (not hosts and connection.scope["http_version"] == "1.1"):  # RFC 9112, section 3.2
        return BadRequest("There must be one Host header")
    if "token" in connection.query_params or "access_token" in connection.query_params:
        return Unauthorized("A token does not belong in a URL")  # logs, histories and referrers would keep it
    path = connection.scope["path"]
    if "/." in path or path.endswith(".map"):
        return NotFound()  # whatever a build or a careless copy left among the files that are served
    return None


def _add_headers(headers: MutableHeaders, status: int | None, hsts: str | None) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if hsts:
        headers["strict-transport-security"] = hsts
    if status == HTTPStatus.NOT_MODIFIED:
        return  # what it says replaces what the browser keeps, and it does not say of what kind that is
    kind = headers.get("content-type", "")
    headers.setdefault(
        "content-security-policy", PAGE_POLICY if kind.startswith("text/html") else DATA_POLICY
    )
    if kind.startswith("application/json"):
        headers.setdefault("cache-control", "no-store")


def is_allowed_origin(connection: HTTPConnection, listed: frozenset[str]) -> bool:
    """Whether the page that asks is of our own host or of a listed origin. One that does not say is not."""
    origin = connection.headers.get("origin", "")
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    return origin in listed or (
        page.scheme in {"http", "https"} and page.netloc == connection.headers.get("host")
    )
