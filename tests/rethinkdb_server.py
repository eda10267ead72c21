"""A real RethinkDB for the tests: started from the binary on PATH, or the one that TAILWIRE_TEST_RETHINKDB names."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from api.errors import Unavailable, Unready
from api.store.cluster.schema import init
from api.store.rethinkdb import Address, Pool, r

T = TypeVar("T")

ADMIN_PASSWORD: Final = "admin-of-the-tests"
APP_PASSWORD: Final = "app-of-the-tests"
START_SECONDS: Final = 30.0
DATABASE: Final = "tailwire_test"

EVERY_TABLE: Final = r.db(DATABASE).table_list()
SHAPE: Final = r.expr(
    [
        r.db("rethinkdb").table("table_config").filter({"db": DATABASE}).order_by("name").coerce_to("array"),
        r.db("rethinkdb").table("permissions").order_by("id").coerce_to("array"),
    ]
)
"""A query for the tables with their indexes, and the permissions. Writing rows changes none of it."""


def in_own_loop(work: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine to its end, also where an event loop runs already."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work()))  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001  raised again below
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]  # type: ignore[no-any-return]


class _Loop:
    """An event loop in a thread, which outlives the loops of the tests."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class RethinkDBServer:
    """One server. `process` is None where the tests did not start it and may not kill it."""

    def __init__(self, admin_url: str, directory: Path | None = None) -> None:
        self.admin_url = admin_url
        self._directory = directory
        self._loop = _Loop()
        self._pool: Pool | None = None  # used in `_loop` only
        self._emptying: Any = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def admin(self) -> Address:
        """The address of the tests' database, for an administrator."""
        admin = Address.parse(self.admin_url, needs_database=False)
        return Address(admin.host, admin.port, admin.user, admin.password, DATABASE)

    @property
    def store_url(self) -> str:
        """The URL of the tests' database, for the app's user."""
        admin = Address.parse(self.admin_url, needs_database=False)
        return f"rethinkdb://tailwire_test:{APP_PASSWORD}@{admin.host}:{admin.port}/{DATABASE}"

    def start(self) -> None:
        """Start our own server on the same directory and ports as before, and wait until it answers."""
        assert self._directory is not None
        port = Address.parse(self.admin_url, needs_database=False).port
        self.process = subprocess.Popen(  # noqa: S603  our own words only
            [
                *("rethinkdb", "--directory", str(self._directory / "data"), "--bind", "127.0.0.1"),
                *("--driver-port", str(port), "--cluster-port", str(free_port())),
                *("--no-http-admin", "--no-update-check", "--cache-size", "128"),
                *("--initial-password", ADMIN_PASSWORD, "--log-file", str(self._directory / "log")),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until the server answers a query and its tables are there."""
        until = time.monotonic() + START_SECONDS

        async def probe() -> None:
            pool = Pool(Address.parse(self.admin_url, needs_database=False))
            try:
                while True:
                    try:
                        await pool.run(r.db_list())
                    except Unavailable:
                        if time.monotonic() > until:
                            raise
                        await asyncio.sleep(0.05)
                    else:
                        return
            finally:
                await pool.close()

        in_own_loop(probe)

    def kill(self) -> None:
        """Kill our own server, like a power cut."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def pause(self) -> None:
        """Stop our own server (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue our own server."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End our own server."""
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
                return
            self.kill()

    def _signal(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def empty_store(self) -> str:
        """Return the URL of a store that is prepared and empty."""
        self._loop.run(self._empty())
        return self.store_url

    async def _empty(self) -> None:
        """Put back the rows of the prepared database. Prepare it anew if its tables or rights have changed."""
        if self._pool is None:
            self._pool = Pool(self.admin)
        if self._emptying is not None and await self._is_emptied(self._pool, self._emptying):
            return
        await init(self.admin_url, self.store_url, lambda _line: None)
        await self._pool.run(EVERY_TABLE.for_each(lambda name: r.table(name).delete()))
        await init(self.admin_url, self.store_url, lambda _line: None)
        self._emptying = await _emptying(self._pool)

    async def _is_emptied(self, pool: Pool, emptying: Any) -> bool:
        """Ask again and again, as a server that was started again is not ready for all its tables at once."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    return bool(await pool.run(emptying))
                except Unready:
                    await asyncio.sleep(0.05)

    def close(self) -> None:
        """End the server, and the pool and the loop that `empty_store` keeps."""
        if self._pool is not None:
            self._loop.run(self._pool.close())
        self._loop.close()
        self.stop()


async def _emptying(pool: Pool) -> Any:
    """Return a query that restores the rows of now. It answers false when tables or rights differ from now."""
    shape = await pool.run(SHAPE)
    tables = await pool.run(EVERY_TABLE)
    rows = {table: await pool.read(r.table(table)) for table in tables}
    writes = [r.table(table).delete() for table in tables]
    writes += [r.table(table).insert(kept) for table, kept in rows.items() if kept]
    return r.branch(SHAPE.eq(r.expr(shape)), r.expr(writes)["errors"].sum().eq(0), False)


async def as_admin(server: RethinkDBServer, query: Any) -> Any:
    """Run a query on the tests' database as an administrator."""
    pool = Pool(server.admin)
    try:
        return await pool.run(query)
    finally:
        await pool.close()


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def rethinkdb_server_or_none(directory: Path) -> Iterator[RethinkDBServer | None]:
    """Yield a server for the whole run; None where there is neither a binary nor an address."""
    if shutil.which("rethinkdb") is None:
        url = os.environ.get("TAILWIRE_TEST_RETHINKDB")
        if not url:
            yield None
            return
        with contextlib.closing(RethinkDBServer(url)) as named:
            yield named
        return
    url = f"rethinkdb://admin:{ADMIN_PASSWORD}@127.0.0.1:{free_port()}"
    with contextlib.closing(RethinkDBServer(url, directory)) as server:
        server.start()
        yield server
