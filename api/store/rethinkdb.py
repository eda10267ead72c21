"""The only module that knows the RethinkDB driver, which is no longer developed: its defects end here.

`Cluster` is a database of a RethinkDB cluster as one user sees it: a few connections that are opened again by
themselves whenever they are lost. Every query has a time limit and every failure is an `Unavailable`. Answers
come raw: times, bytes and groups stay the plain JSON they are on the wire, so that no stored value can make
the driver fail while it reads.

What is worked around, as found in the driver's `asyncio_net/net_asyncio.py`:

- A cancelled query makes the reader fail on its answer and takes the connection with it: queries are shielded.
- `close()` waits for ever for a dead server, `connect()` has no limit on TCP, and leaks its socket when it is
  cancelled; `reconnect()` leaves a wreck behind when it fails: each connection is opened once, closed once,
  under a time limit, and thrown away.
- A password is encoded as Latin-1: it is handed over in a form that makes this UTF-8.
- The handshake's key derivation blocks the loop, for some 3 ms; connections are few, so it is left at that.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson
import structlog
from rethinkdb import errors, r
from rethinkdb.asyncio_net.net_asyncio import Connection

from api.errors import Invalid, StorageFull, Unavailable

__all__ = ["Address", "Cluster", "Feed", "json_term", "r", "written"]

DEFAULT_PORT: Final = 28015
QUERY_SECONDS: Final = 4.5
"""How long a caller waits for an answer. With what opening a connection may add it stays below 5 s."""
CONNECT_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 0.4  # how long a query waits for a connection that is just being opened again
SILENT_SECONDS: Final = 3.0  # a connection that answers nothing for so long is taken for half-open
CLOSE_SECONDS: Final = 1.0
FIRST_BACKOFF_SECONDS: Final = 0.05
MAX_BACKOFF_SECONDS: Final = 0.8
LINKS: Final = 3
"""Connections for queries. Each carries many at once; a few spread the decoding of large answers."""

RAW: Final = {"time_format": "raw", "binary_format": "raw", "group_format": "raw"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, and as whom to use it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @classmethod
    def parse(cls, url: str, *, database: str | None = None) -> "Address":
        """Read `rethinkdb://user:password@host:port/database`; a part that is given here need not be in it.

        The port may be left out. User, password and database are percent-decoded. Raises `Invalid`.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or DEFAULT_PORT
        except ValueError:
            raise Invalid("the port in a rethinkdb:// URL must be a number") from None
        user = unquote(parts.username or "admin")
        database = database or unquote(parts.path.strip("/"))
        if parts.scheme != "rethinkdb" or not parts.hostname or not database or "/" in database:
            raise Invalid("a RethinkDB store is written rethinkdb://user:password@host:port/database")
        if not database.replace("_", "").replace("-", "").isalnum() or not database.isascii():
            raise Invalid("a RethinkDB database has a name of letters, digits, _ and -")
        if not user.isascii():
            raise Invalid("the name of a RethinkDB user must be ASCII")
        return cls(parts.hostname, port, user, unquote(parts.password or ""), database)


def json_term(value: Any) -> Any:
    """Return a term for a value of strings, numbers, booleans, null, lists and dicts with our own keys.

    The server parses it from one string, which is faster than the driver's term for each part. No text in it
    is ever taken for structure. Raises `Invalid` for text that is no Unicode.
    """
    try:
        return r.json(orjson.dumps(value).decode())
    except orjson.JSONEncodeError:
        raise Invalid("a text holds what is no character, or a number is too large") from None


def written(result: Any) -> dict[str, Any]:
    """Return the result of a write, which does not raise by itself. Raises `Unavailable`, `StorageFull`."""
    if result["errors"]:
        raise _unexpected("write", str(result.get("first_error", "")))
    return dict(result)


class Cluster:
    """A pool of connections to one address. Made by `open`; to be closed by whoever opened it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._is_closed = False
        self._ready = asyncio.Event()  # some link is open
        self._links = [_Link(address, self._ready) for _ in range(LINKS)]
        self._feeds: set[Feed] = set()
        self._turn = 0

    @classmethod
    async def open(cls, address: Address) -> "Cluster":
        """Connect. Raises `Unavailable` when the first connection cannot be made, in plain words."""
        first = await _connect(address)
        cluster = cls(address)
        for link in cluster._links:
            link.start(first)
            first = None
        return cluster

    async def run(self, query: Any, *, seconds: float = QUERY_SECONDS) -> Any:
        """Run a query and return its whole answer. Raises `Unavailable`, `StorageFull`.

        After `Unavailable` the outcome is unknown; a query that has been sent is not taken back.
        """
        try:
            async with asyncio.timeout(seconds):
                link = await self._open_link()
                return await link.run(query)
        except TimeoutError:
            raise Unavailable("RethinkDB did not answer in time") from None

    @contextlib.asynccontextmanager
    async def feed(self, query: Any) -> "AsyncIterator[Feed]":
        """Run a query that does not end, on a connection of its own. Raises `Unavailable`."""
        self._require_open()
        feed = Feed(await _connect(self.address))
        self._feeds.add(feed)
        try:
            self._require_open()
            await feed.start(query)
            yield feed
        finally:
            self._feeds.discard(feed)
            await feed.close()

    async def close(self) -> None:
        """Close all connections; what waits for an answer raises `Unavailable`."""
        self._is_closed = True
        await asyncio.gather(
            *(link.close() for link in self._links), *(feed.close() for feed in list(self._feeds))
        )

    def _require_open(self) -> None:
        if self._is_closed:
            raise Unavailable("the store has been closed")

    async def _open_link(self) -> "_Link":
        self._require_open()
        if not any(link.is_open for link in self._links):
            self._ready.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._ready.wait()
            self._require_open()
        self._turn += 1
        for offset in range(LINKS):
            link = self._links[(self._turn + offset) % LINKS]
            if link.is_open:
                return link
        raise Unavailable("RethinkDB cannot be reached")


class Feed:
    """The rows of a query that does not end."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursor: Any = None

    async def start(self, query: Any) -> None:
        """Send the query; when this returns the server has begun. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                self._cursor = await query.run(self._connection, **RAW)
        except TimeoutError:
            raise Unavailable("RethinkDB did not answer in time") from None
        except errors.ReqlError as error:
            raise _translated(error) from None

    async def rows(self, seconds: float) -> list[Any]:
        """Wait up to `seconds` for a row and return all that have come; [] when none did. Raises `Unavailable`."""
        try:
            found = [await self._cursor.next(wait=max(0.0, seconds))]
        except errors.ReqlTimeoutError:
            return []
        except errors.ReqlCursorEmpty:
            raise Unavailable("RethinkDB has ended the feed") from None
        except errors.ReqlError as error:
            raise _translated(error) from None
        found += self._cursor.items
        self._cursor.items.clear()
        return found

    async def tell(self, query: Any) -> None:
        """Send a write on the feed's own connection without waiting for its answer. Raises `Unavailable`."""
        try:
            await query.run(self._connection, noreply=True)
        except errors.ReqlError as error:
            raise _translated(error) from None

    async def close(self) -> None:
        """Close the connection; `rows` raises `Unavailable`."""
        await _close(self._connection)


class _Link:
    """One connection, and the task that opens it again whenever it is lost."""

    def __init__(self, address: Address, ready: asyncio.Event) -> None:
        self._address = address
        self._ready = ready
        self._connection: Any = None
        self._keeper: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Task[Any]] = set()
        self._heard_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._connection is not None and self._connection.is_open()

    def start(self, connection: Any) -> None:
        """Begin with a connection, or with opening one."""
        self._connection = connection
        self._keeper = asyncio.create_task(self._keep_open())

    async def run(self, query: Any) -> Any:
        asked_at = time.monotonic()
        asking = asyncio.create_task(self._ask(query, self._connection))
        self._asked.add(asking)
        asking.add_done_callback(self._forget)
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if self._heard_at < asked_at < time.monotonic() - SILENT_SECONDS:
                _abort(self._connection)  # half-open: nothing else would ever tell
            raise

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._connection is not None:
            await _close(self._connection)
        if self._asked:
            await asyncio.wait(self._asked)

    async def _ask(self, query: Any, connection: Any) -> Any:
        try:
            answer = await query.run(connection, **RAW)
            if hasattr(answer, "fetch_next"):
                answer = [row async for row in answer]
        except (errors.ReqlError, OSError) as error:
            raise _translated(error) from None
        self._heard_at = time.monotonic()
        return answer

    def _forget(self, asking: asyncio.Task[Any]) -> None:
        self._asked.discard(asking)
        if not asking.cancelled():
            asking.exception()  # seen, should its caller have left

    async def _keep_open(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            try:
                if self._connection is None:
                    self._connection = await _connect(self._address)
            except Unavailable:
                await asyncio.sleep(random.uniform(backoff / 2, backoff))  # noqa: S311 - jitter, not a secret
                backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)
                continue
            backoff = FIRST_BACKOFF_SECONDS
            self._ready.set()
            await _lost(self._connection)
            lost, self._connection = self._connection, None
            await _close(lost)


class _RawDecoder:
    """Reads answers as plain JSON. The driver makes one for each answer."""

    def __init__(self, _options: object = None) -> None:
        pass

    def decode(self, text: str) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:  # stricter than what a row written behind our back may hold
            return json.loads(text)


async def _connect(address: Address) -> Any:
    """Open a connection. Raises `Unavailable`."""
    password = address.password.encode().decode("latin-1")
    connection = Connection(
        address.host,
        address.port,
        address.database,
        None,
        address.user,
        password,
        CONNECT_SECONDS,
        {},
        10,
        json_decoder=_RawDecoder,
    )
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # Of a connection that never was, this is connecting; `connect` itself gives nothing to close.
            await connection.reconnect(noreply_wait=False, timeout=CONNECT_SECONDS)
    except BaseException as error:
        _abort(connection)
        if isinstance(error, TimeoutError):
            raise Unavailable("RethinkDB did not answer in time") from None
        if isinstance(error, (errors.ReqlError, OSError)):
            raise _translated(error) from None
        raise
    return connection


async def _lost(connection: Any) -> None:
    """Wait until a connection is over, which ends the driver's reader."""
    reader = getattr(connection._instance, "_reader_task", None)  # noqa: SLF001 - the driver has no other sign
    if reader is not None:
        await asyncio.wait([reader])
        if not reader.cancelled():
            reader.exception()  # seen


async def _close(connection: Any) -> None:
    instance = connection._instance  # noqa: SLF001 - closing forgets it
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close(noreply_wait=False)
    except (errors.ReqlError, OSError, TimeoutError):
        pass
    finally:
        _abort_instance(instance)


def _abort(connection: Any) -> None:
    if connection is not None:
        _abort_instance(connection._instance)  # noqa: SLF001 - the driver's close() waits for the peer


def _abort_instance(instance: Any) -> None:
    writer = getattr(instance, "_streamwriter", None)
    if writer is not None:
        writer.transport.abort()


def _translated(error: Exception) -> Unavailable:
    """Say what a failure means to who asked; what nobody foresaw is logged."""
    message = str(getattr(error, "message", error))
    if isinstance(error, errors.ReqlAuthError):
        return Unavailable("RethinkDB does not accept this user and password")
    if isinstance(error, errors.ReqlPermissionError):
        return Unavailable("the RethinkDB user lacks a right on the database: run `tailwire init`")
    if isinstance(error, errors.ReqlTimeoutError):
        return Unavailable("RethinkDB did not answer in time")
    if "does not exist" in message:
        return Unavailable("the RethinkDB database is not prepared: run `tailwire init`")
    if isinstance(error, errors.ReqlAvailabilityError):
        return Unavailable("RethinkDB cannot serve this at the moment")
    if isinstance(error, (errors.ReqlDriverError, OSError)) or "onnection is closed" in message:
        return Unavailable("the connection to RethinkDB was lost")
    return _unexpected(type(error).__name__, message)


def _unexpected(kind: str, message: str) -> Unavailable:
    if "No space left" in message or "disk" in message:
        return StorageFull()
    # The driver's str() of an error holds the query with everything in it; its message does not.
    structlog.get_logger("api.store").error("store.query_failed", kind=kind, reason=message[:200])
    return Unavailable("RethinkDB could not carry out a query")
