"""Wraps the rethinkdb driver and makes it safe to use; no other module imports it.

The driver has these faults, and this module works around them:

- Cancelling a query breaks its connection. So queries are shielded from cancellation, and have our own timeout.
- A paused server sends neither answers nor errors. So a query that times out closes its connection, and later calls use
  the other one. When that one times out too, all calls fail at once until a probe is answered, so that no call has to
  wait for the next timeout.
- Closing may hang on a dead peer, and connecting has no timeout of its own. So both have a time limit.
- A write returns its errors as counts. So `write` checks them.
- Pseudo-types are decoded, and a bad one breaks the connection. So everything is read raw.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

import orjson
from rethinkdb import ast
from rethinkdb import errors as driver_errors
from rethinkdb import r as driver_r
from rethinkdb.asyncio_net.net_asyncio import Connection
from rethinkdb.net import ReQLEncoder
from rethinkdb.ql2_pb2 import Term

from api.errors import Invalid, StorageFull, Unavailable, Unready

r: Final[Any] = driver_r
"""The query language, ReQL."""

CONNECT_SECONDS: Final = 3.0
QUERY_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 1.0
PROBE_PAUSE_SECONDS: Final = 0.1
DEFAULT_PORT: Final = 28015
POOL_SIZE: Final = 2
"""A store has this many connections. One carries many queries at once; with a second one, a large answer does not delay
all others."""

_RAW: Final = {"time_format": "raw", "binary_format": "raw", "group_format": "raw"}
_UNREACHABLE: Final = "RethinkDB cannot be reached"
_FULL: Final = ("No space left", "disk is full", "ENOSPC")


class Unreachable(Unready):
    """The server does not answer at all. A plain `Unready` means that it answers, but cannot do now what was asked."""


class Refused(Unavailable):
    """The server refuses the user or the password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a cluster is, the user and password to log in with, and the database."""

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
    """Open one connection. If that fails, raise `Unavailable` with the reason, and leave nothing open."""
    connection = Connection(
        address.host,
        address.port,
        address.database or None,
        None,
        address.user,
        address.password.encode().decode("latin-1"),  # as Latin-1 the driver encodes it, back to UTF-8
        CONNECT_SECONDS,
        {},
        10,
        json_encoder=_Encoder,
        json_decoder=_RawDecoder,
    )
    # This is a task of its own because the driver's handshake may swallow a cancellation of the task that runs it.
    opening = asyncio.ensure_future(connection.reconnect(noreply_wait=False, timeout=CONNECT_SECONDS))
    opening.add_done_callback(_retrieve_error)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.shield(opening)
    except driver_errors.ReqlAuthError:
        raise Refused("RethinkDB refuses this user and password") from None
    except (driver_errors.ReqlError, OSError, TimeoutError):
        await _abandon(connection, opening)
        raise Unreachable(_UNREACHABLE) from None
    except BaseException:
        await _abandon(connection, opening)
        raise
    # When the connection is lost, this task of the driver fails. The queries fail too, so its error is not needed.
    connection._instance._reader_task.add_done_callback(_retrieve_error)  # noqa: SLF001
    return connection


async def _abandon(connection: Any, opening: "asyncio.Future[Any]") -> None:
    opening.cancel()
    await close(connection)
    await asyncio.wait({opening}, timeout=CLOSE_SECONDS)


class _Encoder(ReQLEncoder):  # type: ignore[misc]
    """Encodes queries as the driver does, but faster. The driver makes one encoder for each query."""

    def encode(self, query: Any) -> str:
        try:
            return orjson.dumps(query, default=self.default).decode()
        except orjson.JSONEncodeError:  # a row that another program wrote may hold what orjson refuses
            return str(super().encode(query))


class _RawDecoder:
    """Decodes answers as plain JSON, faster than the driver does. The driver makes one decoder for each answer."""

    def __init__(self, _options: object = None) -> None:
        pass

    def decode(self, text: str) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:  # a row that another program wrote may hold what orjson refuses
            return json.loads(text)


async def close(connection: Any) -> None:
    """Close a connection in any state, within `CLOSE_SECONDS`.

    The driver leaves its stream open when a handshake is interrupted, or when its peer is gone. So this function uses
    the driver's private attributes to close the stream.
    """
    instance = connection._instance  # noqa: SLF001
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close(noreply_wait=False)
    writer = getattr(instance, "_streamwriter", None)
    if writer is not None:
        writer.transport.abort()
        await asyncio.sleep(0)  # the transport closes its socket in the loop's next turn
    reader = getattr(instance, "_reader_task", None)
    if reader is not None:
        reader.add_done_callback(_retrieve_error)  # it fails when it closes a lost connection itself


class Prepared:
    """A query with one parameter, a JSON value. It is built only once, as the driver takes milliseconds to build one.

    `make` takes the term of that value and returns the query. It is called when the query is first used.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._function: Any = None

    def __call__(self, value: Any) -> Any:
        """Return the query with this value as its parameter."""
        if self._function is None:
            make = self._make
            # The driver counts a function's parameters by its code object. A lambda has one, a partial has none.
            function = ast.Func(lambda value: make(value))  # noqa: PLW0108
            self._function = wire_of(function)
        given = [Term.TermType.JSON, [orjson.dumps(value).decode()]]
        return Wire([Term.TermType.FUNCALL, [self._function, given]])


def wire_of(term: Any) -> Any:
    """Return the form in which a term goes over the wire, as lists, dicts and plain values."""
    return json.loads(ReQLEncoder().encode(term))


class Wire(ast.RqlQuery):  # type: ignore[misc]
    """A query that is already in the form that goes over the wire."""

    def __init__(self, wire: list[Any]) -> None:
        super().__init__()
        self._wire = wire

    def build(self) -> list[Any]:
        """Return the form in which it goes over the wire."""
        return self._wire

    def compose(self, _args: Any, _optargs: Any) -> str:
        """Return the text that stands for the query in the driver's error messages."""
        return "prepared"


IsEnough: TypeAlias = Callable[[Any], bool]
"""Is called with each row of an answer in turn, and says whether no more are wanted after it."""


async def run(
    connection: Any, query: Any, *, seconds: float = QUERY_SECONDS, is_enough: IsEnough | None = None
) -> Any:
    """Run a query on a connection. Raises `Unavailable` or `StorageFull`; after a timeout the connection is closed.

    With `is_enough`, read a sequence row by row instead, and return whether it was enough before the end.
    """
    try:
        asked = query.run(connection, **_RAW)
        task = asyncio.ensure_future(asked if is_enough is None else _read_until(asked, is_enough))
        task.add_done_callback(_retrieve_error)
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
        raise Unready from None  # uvloop raises this on writing to a transport that has just been lost


async def _read_until(asked: Awaitable[Any], is_enough: IsEnough) -> bool:
    """Read an answer that the server sends in parts. Parts after the one that is enough are not sent."""
    answer = await asked
    if isinstance(answer, list):
        return any(is_enough(row) for row in answer)
    async for row in answer:
        if is_enough(row):
            await answer.close()
            return True
    return False


def _is_usable(connection: Any) -> bool:
    """Say whether a query can be written. The driver itself notices a lost transport only when it reads."""
    writer = getattr(connection._instance, "_streamwriter", None)  # noqa: SLF001
    return connection.is_open() and writer is not None and not writer.transport.is_closing()


def _translate(error: Exception) -> Unavailable:
    text = str(error)
    if any(word in text for word in _FULL):
        return StorageFull()
    return Unready()


def _retrieve_error(task: "asyncio.Future[Any]") -> None:
    """Retrieve the error of a task that may have no waiter left, as asyncio logs an error that nobody retrieves."""
    if not task.cancelled():
        task.exception()


class Pool:
    """`POOL_SIZE` connections, which are opened when needed and replaced when dead."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connections: list[Any] = [None] * POOL_SIZE
        self._opening = [asyncio.Lock() for _ in range(POOL_SIZE)]
        self._silent: set[int] = set()  # connections whose server did not answer, until a probe is answered
        self._next = 0
        self._closed = False
        self._probe: asyncio.Task[None] | None = None  # runs while a connection is silent

    async def run(self, query: Any) -> Any:
        """Run a query within `QUERY_SECONDS`, connecting included. Raises `Unavailable`, `StorageFull`."""
        return await self._run(query, None)

    async def read_until(self, query: Any, is_enough: IsEnough) -> bool:
        """Run a query that gives a sequence, call `is_enough` with each row, and stop when it returns True.

        Returns whether it did. Raises as `run` does.
        """
        return bool(await self._run(query, is_enough))

    async def _run(self, query: Any, is_enough: IsEnough | None) -> Any:
        slot = self._slot()
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(QUERY_SECONDS):  # many calls may wait for one connection to be opened
                connection = await self._connection(slot)
            left = asked_at + QUERY_SECONDS - time.monotonic()
            return await run(connection, query, seconds=max(left, 0.0), is_enough=is_enough)
        except (TimeoutError, Unreachable):
            self._mark_silent(slot)
            raise Unreachable(_UNREACHABLE) from None

    def _slot(self) -> int:
        """Return the number of the next connection that is not silent. Raises `Unavailable` if all are."""
        slots = [(self._next + n) % POOL_SIZE for n in range(1, POOL_SIZE + 1)]
        slot = next((slot for slot in slots if slot not in self._silent), None)
        if slot is None:
            raise Unreachable(_UNREACHABLE)
        self._next = slot
        return slot

    def _mark_silent(self, slot: int) -> None:
        self._silent.add(slot)
        if self._probe is None and not self._closed:
            self._probe = asyncio.create_task(self._until_reachable(), name="rethinkdb-probe")

    async def _until_reachable(self) -> None:
        """Send probes until the server answers one."""
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
        """Run a query that gives a sequence, and return all of it."""
        return list(await self.run(query.coerce_to("array")))

    async def write(self, query: Any) -> dict[str, Any]:
        """Run a write and return its counts. Raises `Unavailable` or `StorageFull` if the server counted an error."""
        counts: dict[str, Any] = await self.run(query)
        if counts.get("errors"):
            raise _translate(RuntimeError(counts.get("first_error", "")))
        return counts

    async def close(self) -> None:
        """Close every connection. Calls that are under way raise `Unavailable`."""
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait({self._probe})
        for slot, opening in enumerate(self._opening):
            async with opening:  # a connection that is being opened now must be closed too
                connection, self._connections[slot] = self._connections[slot], None
            if connection is not None:
                await close(connection)

    async def _connection(self, slot: int) -> Any:
        async with self._opening[slot]:
            if self._closed:
                raise Unavailable("the store is closed")
            if slot in self._silent:  # it became silent while this call waited for the lock
                raise Unreachable(_UNREACHABLE)
            if self._connections[slot] is None or not _is_usable(self._connections[slot]):
                if self._connections[slot] is not None:
                    await close(self._connections[slot])
                    self._connections[slot] = None
                self._connections[slot] = await connect(self.address)
        return self._connections[slot]


async def tail(connection: Any, query: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield a changefeed's rows, its states first. Raises `Unavailable` when it ends or says that it dropped rows."""
    cursor = await run(connection, query)
    try:
        async for row in cursor:
            if isinstance(row, dict) and "error" in row and len(row) == 1:
                raise Unavailable("the feed overflowed")
            yield row
    except (driver_errors.ReqlError, OSError) as error:
        raise Unavailable("the feed was lost") from error
    raise Unavailable("the feed ended")
