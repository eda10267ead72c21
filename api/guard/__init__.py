"""Decides to which addresses this server connects when somebody else chooses the address: the one way out.

A name is resolved once for each connection, each of its addresses is checked, and the connection goes to the very
address that was checked. So a name that resolves otherwise a moment later leads nowhere else. Redirects are not
followed: they come back as answers.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import httpcore
import structlog

from api.config.hosts import DEFAULT_PORTS, normal_host
from api.errors import Invalid
from api.guard.bounds import AnswerBounds, BoundedStream
from api.guard.idle import FAILURES, IdleConnections, end_connection
from api.guard.networks import Network, address_in, is_public

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the IP addresses of a host name, the preferred one first. Raises `OSError` where there is none."""

MAX_URL_CHARACTERS: Final = 2_048
ALLOWING: Final = "Whoever runs it can allow more by TAILWIRE_WEBHOOK_ALLOW"
"""Is told of each address that is refused for where it leads, as it is the first that a newcomer tries."""
FIRST_FREE_PORT: Final = 1_024
"""Below this port are the well-known services, such as mail, to which nobody is to be able to send bytes from here."""
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 15.0
"""A whole request, from the name to the end of the answer, takes no longer (Standard Webhooks: 15 to 30 s)."""
RESOLVERS: Final = 16
"""So many names are resolved at the same time, in threads of their own: name servers that do not answer would else hold
up what other parts of this process do in threads."""
IDLE_SECONDS: Final = 30.0
"""A connection that is not used for so long is closed, at the next post to anybody."""
MAX_ANSWER_BYTES: Final = 16 * 1024
"""A connection whose peer answers more than this, head and body, is closed. Nobody reads the body of the answer."""
MAX_ANSWER_PARTS: Final = 32
"""A connection whose peer sends the body in more chunks than this is closed: each costs the same, however small."""
MOST_HEAD_BYTES: Final = 64 * 1024
"""Beside the body of what is asked for, so much may come over a connection: the heads, and the marks of chunks."""
MOST_PARTS: Final = 8_192
"""The body of what is asked for comes in at most so many parts."""
PARTS_AT_ONCE: Final = 64
"""After so many of them others have a turn."""
MAX_HEADS: Final = 4
"""Before an answer, at most three others (1xx) are read. More would keep this process busy without an end."""

log = structlog.get_logger("api.guard")


class NoAnswer(OSError):
    """No connection was made, or no whole head of an answer came. `is_late` says that the time was over."""

    def __init__(self, text: str, *, is_late: bool = False) -> None:
        super().__init__(text)
        self.is_late = is_late


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a peer: its status, and what it says in `Retry-After`."""

    status: int
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class Download:
    """What a peer answers. `headers` have lower-case names; of several with the same name the first counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool
    """Whether the body has ended. Else there is more of it than was wanted."""


Wanted: TypeAlias = Callable[[int, Mapping[str, str]], int]
"""Says how many bytes of a body are wanted, by the status and the headers of its answer."""


class AddressGuard:
    """Checks URLs and addresses, and posts to those that are allowed, or asks them for something.

    Public addresses are allowed by https, on the usual ports. A guard that `reads_pages` allows them by http and https
    on the ports of web pages, and on no others. The networks in `allowed` are allowed by https and http, on every port.
    `resolve` and `trust` are other than the system's only in tests.
    """

    def __init__(
        self,
        allowed: Iterable[Network] = (),
        *,
        reads_pages: bool = False,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._reads_pages = reads_pages
        self._threads = ThreadPoolExecutor(RESOLVERS, "resolve")
        self._resolve = resolve or self._resolved
        self._trust = trust
        self._idle = IdleConnections()

    def normal_url(self, url: str) -> str:
        """Return a URL to which something may be sent, in normal form. Raises `Invalid` for any other.

        A host name is not resolved here: what it leads to is checked at each connection.
        """
        if len(url) > MAX_URL_CHARACTERS or not re.fullmatch(r"[!-\[\]-~]+", url):
            raise Invalid("The URL is too long, or has characters that must be escaped")
        try:
            parts = urlsplit(url)
            host, port = normal_host(parts.hostname or ""), parts.port
        except ValueError:
            raise Invalid("The URL names no host or port") from None
        scheme = parts.scheme
        if scheme not in DEFAULT_PORTS or "@" in parts.netloc or "#" in url:
            raise Invalid("The URL begins with https://, and has no user, password or fragment")
        port = DEFAULT_PORTS[scheme] if port is None else port
        if port == 0:
            raise Invalid("The URL names no host or port")
        is_encrypted = scheme == "https"
        if (address := address_in(host)) is not None:
            if not self.allows(address, port, is_encrypted=is_encrypted):
                raise Invalid(f"The server connects to public addresses only, by https. {ALLOWING}")
        elif not self._allowed and not self._may_use(port, is_encrypted=is_encrypted):
            raise Invalid(f"The server connects to hosts by https, on port 443 or one above 1023. {ALLOWING}")
        shown = f"[{host}]" if ":" in host else host
        shown += "" if port == DEFAULT_PORTS[scheme] else f":{port}"
        return f"{scheme}://{shown}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")

    def allows(self, address: IPv4Address | IPv6Address, port: int, *, is_encrypted: bool) -> bool:
        """Say whether this server connects to an address."""
        if any(address in network for network in self._allowed):
            return True
        return self._may_use(port, is_encrypted=is_encrypted) and is_public(address)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post to a URL, and return the answer. Raises `NoAnswer`."""
        reply: Reply | None = None
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._connection(url) as connection,
                connection.stream("POST", url, headers=given, content=body) as answer,
            ):
                reply = Reply(answer.status, _header(answer, b"retry-after"))
                await _skip(answer)
        except (*FAILURES, TimeoutError) as error:
            # Once the status is there the peer has the request, whatever becomes of the rest of its answer.
            if reply is None:
                is_late = isinstance(error, httpcore.TimeoutException | TimeoutError)
                raise NoAnswer(type(error).__name__, is_late=is_late) from None
        return reply

    async def get(self, url: str, headers: Mapping[str, str], wanted: Wanted) -> Download:
        """Ask for what is at a URL, over a connection of its own, and return the answer. Raises `NoAnswer`.

        The caller says how long it may take. The answer is as it came: a redirect is not followed, and a body is not
        unpacked.
        """
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        bounds = AnswerBounds(MOST_HEAD_BYTES, heads=None)
        connection = self._new_connection(httpcore.URL(url).origin, bounds)
        try:
            async with connection.stream("GET", url, headers=given) as answer:
                said = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in reversed(answer.headers)
                }
                most = wanted(answer.status, said)
                bounds.left += most
                body, is_whole = await _body(answer, most) if most else (b"", False)
                return Download(answer.status, said, body, is_whole)
        except FAILURES as error:
            is_late = isinstance(error, httpcore.TimeoutException)
            raise NoAnswer(type(error).__name__, is_late=is_late) from None
        finally:
            await end_connection(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self._idle.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, host: str, port: int, *, is_encrypted: bool) -> list[str]:
        """Resolve a host, and return those of its addresses that are allowed. Raises `NoAnswer` if there is none."""
        try:
            found = [address_in(one) for one in await self._resolve(host, port)]
        except OSError:
            found = []
        allowed = [
            str(one) for one in found if one is not None and self.allows(one, port, is_encrypted=is_encrypted)
        ]
        if not allowed:
            log.warning("address_refused", host=host, port=port)
            raise NoAnswer("no address that is allowed")
        return allowed

    def _may_use(self, port: int, *, is_encrypted: bool) -> bool:
        """Say whether a public address is connected to on a port."""
        if self._reads_pages:
            return port == DEFAULT_PORTS["https" if is_encrypted else "http"]
        return is_encrypted and _is_usual(port)

    async def _resolved(self, host: str, port: int) -> list[str]:
        """Ask the system's resolver for the addresses of a host."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    @asynccontextmanager
    async def _connection(self, url: str) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """Lend a connection to the host in a URL, which is kept afterwards if it can be used again."""
        # Connections belong to the name in the URL, so none that was made for one name carries what is meant for
        # another, and TLS checks the certificate of that name. httpcore's own pool looks at each connection for each
        # other one at every request, so it is not used.
        origin = httpcore.URL(url).origin
        bounds = AnswerBounds(MAX_ANSWER_BYTES, heads=MAX_HEADS)
        connection = await self._idle.take(origin) or self._new_connection(origin, bounds)
        try:
            yield connection
        finally:
            await self._idle.put(origin, connection)

    def _new_connection(self, origin: httpcore.Origin, bounds: AnswerBounds) -> httpcore.AsyncHTTPConnection:
        is_encrypted = origin.scheme == b"https"
        if is_encrypted and self._trust is None:
            self._trust = ssl.create_default_context()
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._trust,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_Connecting(self, bounds, is_encrypted=is_encrypted),
        )


class _Connecting(httpcore.AsyncNetworkBackend):
    """Makes the connections of a pool, to addresses that the guard allows and to no others."""

    def __init__(self, guard: AddressGuard, bounds: AnswerBounds, *, is_encrypted: bool) -> None:
        self._guard = guard
        self._bounds = bounds
        self._is_encrypted = is_encrypted
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  the signature of httpcore
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that takes the connection. Raises `httpcore.ConnectError`."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                addresses = await self._guard.addresses(host, port, is_encrypted=self._is_encrypted)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        failure: Exception = httpcore.ConnectError("no address answers")
        for address in addresses:
            try:
                stream = await self._network.connect_tcp(
                    address,
                    port,
                    timeout=CONNECT_SECONDS,
                    local_address=local_address,
                    socket_options=socket_options,
                )
                return BoundedStream(stream, self._bounds)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


async def _skip(answer: httpcore.Response) -> None:
    """Read the body of an answer, so that its connection can be used again, unless it is too long."""
    parts = 0
    async for _ in answer.aiter_stream():
        parts += 1
        if parts > MAX_ANSWER_PARTS:
            return


async def _body(answer: httpcore.Response, most: int) -> tuple[bytes, bool]:
    """Return at most so many bytes of a body, and whether that is all of it. Raises `NoAnswer` for too many parts."""
    parts, body = 0, bytearray()
    async for part in answer.aiter_stream():
        body += part
        parts += 1
        if len(body) > most:
            return bytes(body[:most]), False
        if parts > MOST_PARTS:
            raise NoAnswer("the body comes in too many parts")
        if not parts % PARTS_AT_ONCE:
            await asyncio.sleep(0)
    return bytes(body), True


def _header(answer: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in answer.headers if key.lower() == name), None)


def _is_usual(port: int) -> bool:
    return port == DEFAULT_PORTS["https"] or port >= FIRST_FREE_PORT
