"""Security headers for every answer, and requests that are refused at every path."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.address import Network, client_scheme
from api.errors import BadRequest, Misdirected, NotFound, TailwireError, Unauthorized
from api.http.parts import send_in_parts
from api.http.problems import problem
from api.limits.quotas import Noted, noting, quota_headers
from api.protocol.problems import DATA_POLICY, SECURITY_HEADERS

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{files}; media-src 'self'{files};"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The Content-Security-Policy of the SPA. Its build writes the like into the page, for hosts that send no headers."""

AUTHORIZATION: Final = b"authorization"
SINGLE: Final = {
    name.lower().encode(): name
    for name in (
        "Host",
        "Origin",
        "Content-Type",
        "Content-Length",
        "Content-Encoding",
        "Content-Disposition",
        "Upload-Length",
        "Upload-Offset",
        "Range",
        "If-Range",
        "Cookie",
        "Idempotency-Key",
        "X-Tailwire-Session",
        "MCP-Protocol-Version",
        "Mcp-Method",
        "Mcp-Name",
    )
}
"""The headers beside Authorization that decide something here. None is a list, which could stand in several lines."""
SAID_ALWAYS: Final = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
TOKENS: Final = frozenset({"token", "access_token"})
RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
"""Headers as ASGI has them: the names are in lower case."""
HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


class Hardening:
    """ASGI middleware around all HTTP answers.

    `hsts_seconds` is the max-age of Strict-Transport-Security; 0 sends no such header. Requests for a host that is not
    in `hosts` are refused; None allows all. `page_policy` is the Content-Security-Policy of pages.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hsts_seconds: int,
        trusted_proxies: Sequence[Network],
        hosts: frozenset[str] | None,
        page_policy: str,
    ) -> None:
        self._trusted_proxies = trusted_proxies
        self._hosts = hosts
        self._app = app
        self._page_policy = page_policy
        self._hsts = f"max-age={hsts_seconds}" if hsts_seconds else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or refuse it. Answer 500 when the application fails before it answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["scheme"] = scheme_of(HTTPConnection(scope), self._trusted_proxies)
        hsts = self._hsts if scope["scheme"] == "https" else None
        begun = False
        noted: Noted = {}

        async def guarded(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                message["headers"] = list(message.get("headers", ()))
                _add_headers(message["headers"], message.get("status"), hsts, self._page_policy)
                if noted:
                    MutableHeaders(raw=message["headers"]).update(quota_headers(noted.values()))
            await send_in_parts(message, send)

        try:
            with noting() as noted:
                if (refused := refusal(HTTPConnection(scope), self._hosts)) is not None:
                    await problem(refused)(scope, receive, guarded)
                else:
                    await self._app(scope, receive, guarded)
        except Exception:
            if not begun:
                await problem(TailwireError())(scope, receive, guarded)
            raise


def page_policy(files_origin: str | None) -> str:
    """Return the Content-Security-Policy of the SPA, where files come from another origin too."""
    return PAGE_POLICY.format(files=f" {files_origin}" if files_origin else "")


async def deny(error: TailwireError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a WebSocket handshake with an error."""
    response = problem(error)
    _add_headers(response.raw_headers, error.status, None, DATA_POLICY)
    await response(scope, receive, send)


def refusal(connection: HTTPConnection, hosts: frozenset[str] | None) -> TailwireError | None:
    """Return the error for a request that is refused at every path, or None."""
    refused = _doubled(connection.scope["headers"]) or _misdirected(connection, hosts)
    if refused is not None:
        return refused
    query = connection.scope["query_string"]
    if (b"token" in query or b"%" in query) and not TOKENS.isdisjoint(connection.query_params):
        # Logs, browser histories and referrers would store it.
        return Unauthorized("A token does not belong in a URL")
    path = connection.scope["path"]
    if ("/." in path or path.endswith(".map")) and not path.startswith("/files/"):
        return NotFound()  # hidden files and source maps that a build left among the served files
    return None


def _doubled(headers: RawHeaders) -> TailwireError | None:
    """Refuse a doubled header: a proxy may have looked at the one value, and this server would look at the other."""
    names = [name for name, _ in headers]
    if len(names) == len(set(names)):
        return None
    if names.count(AUTHORIZATION) > 1:
        return Unauthorized("There must be one Authorization header")
    for raw, name in SINGLE.items():
        if names.count(raw) > 1:
            return BadRequest(f"There must be one {name} header")
    return None


def _misdirected(connection: HTTPConnection, hosts: frozenset[str] | None) -> TailwireError | None:
    """Refuse a request that is not for this server, as a page does whose name an attacker lets point here."""
    host = connection.headers.get("host")
    if host is None and connection.scope["http_version"] == "1.0":
        return None  # no browser speaks HTTP/1.0, so nobody can be lured into it
    if (named := HOST.fullmatch(host or "")) is None:  # RFC 9112, section 3.2
        return BadRequest("There must be one Host header, with a host and a port")
    if hosts is not None and named[1].strip("[]").lower() not in hosts:
        return Misdirected()
    return None


def _add_headers(headers: RawHeaders, status: int | None, hsts: str | None, page_policy: str) -> None:
    said = dict(headers)
    headers += [header for header in SAID_ALWAYS if header[0] not in said]
    if hsts:
        headers.append((b"strict-transport-security", hsts.encode()))
    if status == HTTPStatus.NOT_MODIFIED:
        return  # its headers replace those in the browser's cache, and it has no content type to choose the policy by
    if b"content-security-policy" not in said:
        is_page = said.get(b"content-type", b"").startswith(b"text/html")
        headers.append((b"content-security-policy", (page_policy if is_page else DATA_POLICY).encode()))
    if b"cache-control" not in said:
        headers.append((b"cache-control", b"no-store"))  # answers are for one user and one moment


def scheme_of(connection: HTTPConnection, trusted_proxies: Sequence[Network]) -> str:
    """Return the scheme that the client used. Between a proxy and this server it may be another."""
    return client_scheme(
        connection.scope["scheme"],
        connection.client.host if connection.client else "",
        connection.headers.getlist("x-forwarded-for"),
        connection.headers.getlist("x-forwarded-proto"),
        trusted_proxies,
    )


def is_allowed_origin(connection: HTTPConnection, listed: frozenset[str]) -> bool:
    """Return whether the Origin header is that of this host or a listed one, exactly as browsers write it.

    A page that came by https may always use its own host, because a proxy in front may have taken the TLS away
    without being named as trusted. A page that came by http may not where the host is known to be served by https.
    """
    origin, host = connection.headers.get("origin", ""), connection.headers.get("host", "").lower()
    by_https = f"https://{host.removesuffix(':443')}"
    if origin in listed or origin == by_https:
        return True
    is_https = connection.scope["scheme"] in {"https", "wss"} or by_https in listed
    return not is_https and origin == f"http://{host.removesuffix(':80')}"
