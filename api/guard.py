"""Decides to which addresses this server connects when somebody else chooses the address: the one way out.

A name is resolved once for each connection, each of its addresses is checked, and the connection goes to the very
address that was checked. So a name that resolves otherwise a moment later leads nowhere else. Redirects are not
followed: they come back as answers.
"""

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import httpcore
import structlog

from api.config.hosts import DEFAULT_PORTS, normal_host
from api.errors import Invalid

Network: TypeAlias = IPv4Network | IPv6Network
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
MAX_IDLE: Final = 500
"""So many connections wait to be used again. Beyond that the one that has waited longest is closed."""
IDLE_SECONDS: Final = 30.0
"""A connection that is not used for so long is closed, at the next post to anybody."""
MAX_ANSWER_BYTES: Final = 16 * 1024
"""A connection whose peer answers more than this, head and body, is closed. Nobody reads the body of the answer."""
MAX_ANSWER_PARTS: Final = 32
"""A connection whose peer sends the body in more chunks than this is closed: each costs the same, however small."""
MAX_HEADS: Final = 4
"""Before an answer, at most three others (1xx) are read. More would keep this process busy without an end."""

_NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(
    # The special-purpose registries of IANA (RFC 6890). What the rest of the Internet reaches in IPv4 is not in here.
    IPv4Network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
    )
)
_GLOBAL: Final = IPv6Network("2000::/3")
"""All public addresses of IPv6 are in here: loopback, link-local, unique local, multicast and NAT64 ones are not."""
_NOT_PUBLIC_6: Final = tuple(
    # Of the public range: Teredo and other protocols, documentation, and 6to4, which holds any IPv4 address.
    IPv6Network(one)
    for one in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)

_FAILURES: Final = (
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpcore.UnsupportedProtocol),
    ssl.SSLError,
)

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


class AddressGuard:
    """Checks URLs and addresses, and posts to those that are allowed.

    Public addresses are allowed by https, on the usual ports. The networks in `allowed` are allowed by https and
    http, on every port. `resolve` and `trust` are other than the system's only in tests.
    """

    def __init__(
        self,
        allowed: Iterable[Network] = (),
        *,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._threads = ThreadPoolExecutor(RESOLVERS, "resolve")
        self._resolve = resolve or self._resolved
        self._trust = trust
        self._idle = _IdleConnections()

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
        if (address := _address(host)) is not None:
            if not self.allows(address, port, is_encrypted=is_encrypted):
                raise Invalid(f"The server connects to public addresses only, by https. {ALLOWING}")
        elif not self._allowed and not (is_encrypted and _is_usual(port)):
            raise Invalid(f"The server connects to hosts by https, on port 443 or one above 1023. {ALLOWING}")
        shown = f"[{host}]" if ":" in host else host
        shown += "" if port == DEFAULT_PORTS[scheme] else f":{port}"
        return f"{scheme}://{shown}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")

    def allows(self, address: IPv4Address | IPv6Address, port: int, *, is_encrypted: bool) -> bool:
        """Say whether this server connects to an address."""
        if any(address in network for network in self._allowed):
            return True
        return is_encrypted and _is_usual(port) and _is_public(address)

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
        except (*_FAILURES, TimeoutError) as error:
            # Once the status is there the peer has the request, whatever becomes of the rest of its answer.
            if reply is None:
                is_late = isinstance(error, httpcore.TimeoutException | TimeoutError)
                raise NoAnswer(type(error).__name__, is_late=is_late) from None
        return reply

    async def close(self) -> None:
        """Close all connections."""
        await self._idle.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, host: str, port: int, *, is_encrypted: bool) -> list[str]:
        """Resolve a host, and return those of its addresses that are allowed. Raises `NoAnswer` if there is none."""
        try:
            found = [_address(one) for one in await self._resolve(host, port)]
        except OSError:
            found = []
        allowed = [
            str(one) for one in found if one is not None and self.allows(one, port, is_encrypted=is_encrypted)
        ]
        if not allowed:
            log.warning("address_refused", host=host, port=port)
            raise NoAnswer("no address that is allowed")
        return allowed

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
        connection = await self._idle.take(origin) or self._new_connection(origin)
        try:
            yield connection
        finally:
            await self._idle.put(origin, connection)

    def _new_connection(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        is_encrypted = origin.scheme == b"https"
        if is_encrypted and self._trust is None:
            self._trust = ssl.create_default_context()
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._trust,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_Connecting(self, is_encrypted=is_encrypted),
        )


class _IdleConnections:
    """Connections that wait to be used again."""

    def __init__(self) -> None:
        self._of: dict[
            tuple[bytes, bytes, int], deque[httpcore.AsyncHTTPConnection]
        ] = {}  # the longest unused first
        self._count = 0

    async def take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection | None:
        """Return a connection that can be used; None if there is none."""
        while self._of.get(_key(origin)):
            connection = self._pop(_key(origin), newest=True)
            if connection.is_available() and not connection.has_expired():
                return connection
            await _end(connection)
        return None

    async def put(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection if it can be used again, and close it otherwise. Closes those that have waited too long."""
        if connection.is_idle() and not connection.is_closed():
            waiting = self._of.pop(_key(origin), deque())
            waiting.append(connection)
            self._of[_key(origin)] = waiting
            self._count += 1
        else:
            await _end(connection)
        while self._count and (self._count > MAX_IDLE or self._oldest().has_expired()):
            await _end(self._pop(next(iter(self._of))))

    async def close(self) -> None:
        """Close all."""
        while self._count:
            await _end(self._pop(next(iter(self._of))))

    def _oldest(self) -> httpcore.AsyncHTTPConnection:
        return next(iter(self._of.values()))[0]

    def _pop(self, key: tuple[bytes, bytes, int], *, newest: bool = False) -> httpcore.AsyncHTTPConnection:
        waiting = self._of[key]
        connection = waiting.pop() if newest else waiting.popleft()
        self._count -= 1
        if not waiting:
            del self._of[key]
        return connection


def _key(origin: httpcore.Origin) -> tuple[bytes, bytes, int]:
    return origin.scheme, origin.host, origin.port


async def _end(connection: httpcore.AsyncHTTPConnection) -> None:
    with suppress(*_FAILURES, OSError):
        await connection.aclose()


class _Connecting(httpcore.AsyncNetworkBackend):
    """Makes the connections of a pool, to addresses that the guard allows and to no others."""

    def __init__(self, guard: AddressGuard, *, is_encrypted: bool) -> None:
        self._guard = guard
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
                return _ShortAnswers(
                    await self._network.connect_tcp(
                        address,
                        port,
                        timeout=CONNECT_SECONDS,
                        local_address=local_address,
                        socket_options=socket_options,
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _ShortAnswers(httpcore.AsyncNetworkStream):
    """A connection over which each request is answered in few bytes. Reading more raises `httpcore.ReadError`."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left, self._heads = MAX_ANSWER_BYTES, 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  of httpcore
        if not self._left:
            raise httpcore.ReadError("the answer is too long")
        data = await self._stream.read(min(max_bytes, self._left), timeout)
        self._left -= len(data)
        self._heads += data.count(b"HTTP/1.")
        if self._heads > MAX_HEADS:
            raise httpcore.ReadError("there are too many answers before the answer")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  of httpcore
        self._left, self._heads = MAX_ANSWER_BYTES, 0
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  of httpcore
    ) -> httpcore.AsyncNetworkStream:
        return _ShortAnswers(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def _skip(answer: httpcore.Response) -> None:
    """Read the body of an answer, so that its connection can be used again, unless it is too long."""
    parts = 0
    async for _ in answer.aiter_stream():
        parts += 1
        if parts > MAX_ANSWER_PARTS:
            return


def _header(answer: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in answer.headers if key.lower() == name), None)


def _is_usual(port: int) -> bool:
    return port == DEFAULT_PORTS["https"] or port >= FIRST_FREE_PORT


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address. One of IPv4 in the form of IPv6 is that of IPv4. One with a zone is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    return address in _GLOBAL and not any(address in network for network in _NOT_PUBLIC_6)
