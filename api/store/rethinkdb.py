"""The rethinkdb driver in one careful wrapper: the only module that imports it.

What the driver does that we cannot have, and what is done about it here:

- cancelling a query breaks its connection: queries are shielded, and bounded by our own timeout;
- a paused server is silence: a query that times out closes its connection, and calls go to the other one; when
  that falls silent too, all are refused at once until a probe has been answered, so that nobody waits in line for
  the next timeout;
- closing may hang on a dead peer, connecting has no timeout of its own: both are bounded;
- a write's errors come back as numbers: `write` looks at them;
- pseudo-types are decoded, and a bad one breaks the connection: everything is read raw.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson
from rethinkdb import ast
from rethinkdb import errors as driver_errors
from rethinkdb import r as driver_r
from rethinkdb.asyncio_net.net_asyncio import Connection
from rethinkdb.net import ReQLEncoder
from rethinkdb.ql2_pb2 import Term

from api.errors import Invalid, StorageFull, Unavailable

r: Final[Any] = driver_r
"""The query language."""

CONNECT_SECONDS: Final = 3.0
QUERY_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 1.0
PROBE_PAUSE_SECONDS: Final = 0.1
DEFAULT_PORT: Final = 28015
POOL_SIZE: Final = 2
"""Connections carry many queries at once; a second one keeps a large answer from delaying all others."""

_RAW: Final = {"time_format": "raw", "binary_format": "raw", "group_format": "raw"}
_UNREACHABLE: Final = "RethinkDB cannot be reached"
_FULL: Final = ("No space left", "disk is full", "ENOSPC")


class Unreachable(Unavailable):
    """The server does not answer at all, as opposed to answering that it cannot."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a cluster is, as whom it is asked, and which database."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @classmethod
    def parse(cls, url: str, *, needs_database: bool = True) -> "Address":
        """Read `rethinkdb://user:password@host:port/database`. Raises `Invalid`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or DEFAULT_PORT
        except ValueError:
            raise Invalid("the RethinkDB URL's port is not a number") from None
        database = parts.path.strip("/")
        if not host:
            raise Invalid("the RethinkDB URL names no host")
        if needs_database and not database.replace("_", "").isalnum():
            raise Invalid("the RethinkDB URL must end in the name of a database, of letters, digits and _")
        return cls(host, port, unquote(parts.username or "admin"), unquote(parts.password or ""), database)


async def connect(address: Address) -> Any:
    """Open one connection. Raises `Unavailable` with the reason in plain words, and leaves nothing behind."""
    connection = Connection(
        address.host,
        address.port,
        address.database or None,
        None,
        address.user,
        address.password.encode().decode("latin-1"),  # which the driver encodes as Latin-1, for UTF-8
        CONNECT_SECONDS,
        {},
        10,
        json_encoder=_Encoder,
        json_decoder=_RawDecoder,
    )
    # In a task of its own: the driver's handshake may swallow a cancellation, which must not be its caller's.
    opening = asyncio.ensure_future(connection.reconnect(noreply_wait=False, timeout=CONNECT_SECONDS))
    opening.add_done_callback(_look_at)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.shield(opening)
    except driver_errors.ReqlAuthError:
        raise Unavailable("RethinkDB refuses this user and password") from None
    except (driver_errors.ReqlError, OSError, TimeoutError):
        await _abandon(connection, opening)
        raise Unreachable(_UNREACHABLE) from None
    except BaseException:
        await _abandon(connection, opening)
        raise
    # The task that reads fails with a connection that is lost; the queries are told, and nobody else need be.
    connection._instance._reader_task.add_done_callback(_look_at)  # noqa: SLF001
    return connection


async def _abandon(connection: Any, opening: "asyncio.Future[Any]") -> None:
    opening.cancel()
    await close(connection)
    await asyncio.wait({opening}, timeout=CLOSE_SECONDS)


class _Encoder(ReQLEncoder):  # type: ignore[misc]
    """Writes queries as the driver does, faster. It makes one for each query."""

    def encode(self, query: Any) -> str:
        try:
            return orjson.dumps(query, default=self.default).decode()
        except orjson.JSONEncodeError:  # stricter than what a row written behind our back may hold
            return str(super().encode(query))


class _RawDecoder:
    """Reads answers as the plain JSON they are, faster than the driver does. It makes one for each answer."""

    def __init__(self, _options: object = None) -> None:
        pass

    def decode(self, text: str) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:  # stricter than what a row written behind our back may hold
            return json.loads(text)


async def close(connection: Any) -> None:
    """Close a connection, whatever state it is in, within `CLOSE_SECONDS`.

    The driver leaves its stream open when it is cut off in a handshake, or its peer is gone: hence its insides.
    """
    instance = connection._instance  # noqa: SLF001
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close(noreply_wait=False)
    writer = getattr(instance, "_streamwriter", None)
    if writer is not None:
        writer.transport.abort()
        await asyncio.sleep(0)  # in which the transport lets its socket go
    reader = getattr(instance, "_reader_task", None)
    if reader is not None:
        reader.add_done_callback(_look_at)  # it closes a lost connection itself, and fails on that


class Prepared:
    """A query of one JSON value, made once: the driver takes milliseconds to make one, every time.

    `make` is given the term of that value, and returns the query; it is asked when the query is first used.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._function: Any = None

    def __call__(self, value: Any) -> Any:
        """Return the query for a value."""
        if self._function is None:
            make = self._make
            # In a lambda, for the driver counts a function's parameters by its code, and a partial has none.
            function = ast.Func(lambda value: make(value))  # noqa: PLW0108
            self._function = json.loads(ReQLEncoder().encode(function))
        given = [Term.TermType.JSON, [orjson.dumps(value).decode()]]
        return _Wire([Term.TermType.FUNCALL, [self._function, given]])


class _Wire(ast.RqlQuery):  # type: ignore[misc]
    """A query that is what goes over the wire already."""

    def __init__(self, wire: list[Any]) -> None:
        super().__init__()
        self._wire = wire

    def build(self) -> list[Any]:
        return self._wire

    def compose(self, _args: Any, _optargs: Any) -> str:
        """Return what stands for it in the text of the driver's errors."""
        return "prepared"


async def run(connection: Any, query: Any, *, seconds: float = QUERY_SECONDS) -> Any:
    """Run a query on a connection. Raises `Unavailable` or `StorageFull`; after a timeout the connection is closed."""
    try:
        task = asyncio.ensure_future(query.run(connection, **_RAW))
        task.add_done_callback(_look_at)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(task)
    except TimeoutError:
        await close(connection)
        raise Unreachable("RethinkDB did not answer in time") from None
    except driver_errors.ReqlPermissionError:
        raise Unavailable("RethinkDB does not let this user do that: run `tailwire init`") from None
    except driver_errors.ReqlOpFailedError as error:
        if "does not exist" in str(error):
            raise Unavailable("the RethinkDB database is not prepared: run `tailwire init`") from None
        raise _translate(error) from None
    except (driver_errors.ReqlError, OSError) as error:
        raise _translate(error) from error
    except RuntimeError:
        if _is_usable(connection):
            raise
        raise Unavailable from None  # uvloop's word for writing to a transport that has just been lost


def _is_usable(connection: Any) -> bool:
    """Whether a query can be written; the driver itself does not notice a lost transport before it has read."""
    writer = getattr(connection._instance, "_streamwriter", None)  # noqa: SLF001
    return connection.is_open() and writer is not None and not writer.transport.is_closing()


def _translate(error: Exception) -> Unavailable:
    text = str(error)
    return StorageFull() if any(word in text for word in _FULL) else Unavailable()


def _look_at(task: "asyncio.Future[Any]") -> None:
    """Take the outcome of a query that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


class Pool:
    """A few connections that are opened when needed and replaced when dead."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connections: list[Any] = [None] * POOL_SIZE
        self._opening = [asyncio.Lock() for _ in range(POOL_SIZE)]
        self._silent: set[int] = set()  # slots whose server did not answer, until a probe is answered
        self._next = 0
        self._closed = False
        self._probe: asyncio.Task[None] | None = None  # runs while a slot is silent

    async def run(self, query: Any) -> Any:
        """Run a query that reads or decides, within `QUERY_SECONDS`. Raises `Unavailable`, `StorageFull`."""
        slot = self._slot()
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(QUERY_SECONDS):  # many may wait for one connection to be opened
                connection = await self._connection(slot)
            left = asked_at + QUERY_SECONDS - time.monotonic()
            return await run(connection, query, seconds=max(left, 0.0))
        except (TimeoutError, Unreachable):
            self._doubt(slot)
            raise Unavailable(_UNREACHABLE) from None

    def _slot(self) -> int:
        """Return the slot whose turn it is, of those that are not silent. Raises `Unavailable`."""
        slots = [(self._next + n) % POOL_SIZE for n in range(1, POOL_SIZE + 1)]
        slot = next((slot for slot in slots if slot not in self._silent), None)
        if slot is None:
            raise Unavailable(_UNREACHABLE)
        self._next = slot
        return slot

    def _doubt(self, slot: int) -> None:
        self._silent.add(slot)
        if self._probe is None and not self._closed:
            self._probe = asyncio.create_task(self._until_reachable(), name="rethinkdb-probe")

    async def _until_reachable(self) -> None:
        """Ask the server for a sign of life until it gives one."""
        try:
            while True:
                with contextlib.suppress(Unavailable):
                    connection = await connect(self.address)
                    try:
                        await run(connection, r.expr(1), seconds=PROBE_SECONDS)
                    finally:
                        await close(connection)
                    return
                await asyncio.sleep(PROBE_PAUSE_SECONDS)
        finally:
            self._silent.clear()
            self._probe = None

    async def read(self, query: Any) -> list[Any]:
        """Run a query that gives a sequence, and return it whole."""
        return list(await self.run(query.coerce_to("array")))

    async def write(self, query: Any) -> dict[str, Any]:
        """Run a write and return its counts. Raises `Unavailable` when the server counted an error."""
        counts: dict[str, Any] = await self.run(query)
        if counts.get("errors"):
            raise _translate(RuntimeError(counts.get("first_error", "")))
        return counts

    async def close(self) -> None:
        """Close every connection; calls in flight raise `Unavailable`."""
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait({self._probe})
        for slot, opening in enumerate(self._opening):
            async with opening:  # one that is being opened now must not be left behind
                connection, self._connections[slot] = self._connections[slot], None
            if connection is not None:
                await close(connection)

    async def _connection(self, slot: int) -> Any:
        async with self._opening[slot]:
            if self._closed:
                raise Unavailable("the store is closed")
            if slot in self._silent:  # since this call began to wait for it
                raise Unreachable(_UNREACHABLE)
            if self._connections[slot] is None or not _is_usable(self._connections[slot]):
                if self._connections[slot] is not None:
                    await close(self._connections[slot])
                    self._connections[slot] = None
                self._connections[slot] = await connect(self.address)
        return self._connections[slot]


async def tail(connection: Any, query: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield a changefeed's rows, first its states. Raises `Unavailable` when it ends, or tells of rows it dropped."""
    cursor = await run(connection, query)
    try:
        async for row in cursor:
            if isinstance(row, dict) and "error" in row and len(row) == 1:
                raise Unavailable("the feed overflowed")
            yield row
    except (driver_errors.ReqlError, OSError) as error:
        raise Unavailable("the feed was lost") from error
    raise Unavailable("the feed ended")
