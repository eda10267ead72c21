"""The store of a case, in its own directory, and the nodes on it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.machine import Api, api
from tests.faults.proxy import Proxy, proxied
from tests.rethinkdb_server import ADMIN_PASSWORD, RethinkDBServer, free_port

OPEN: Final = {
    "TAILWIRE_CONNECTIONS_PER_USER": "1000",
    "TAILWIRE_SENDS_PER_SECOND": "100000",
    "TAILWIRE_SENDS_BURST": "100000",
    "TAILWIRE_COMMANDS_PER_SECOND": "100000",
    "TAILWIRE_SIGNUPS_PER_ADDRESS": "100000",
    "TAILWIRE_LOG_FORMAT": "json",
}
"""Settings that let a few users have many sockets and send without limits."""


@dataclass
class Scene:
    """See the module. `database` is None on SQLite."""

    store: str
    directory: Path
    url: str
    database: RethinkDBServer | None

    @classmethod
    @asynccontextmanager
    async def open(cls, store: str, directory: Path) -> AsyncIterator["Scene"]:
        """Prepare an empty store. On RethinkDB this starts a server for it."""
        if store == "sqlite":
            yield cls(store, directory, f"sqlite:///{directory / 'tailwire.db'}", None)
            return
        async with database(directory / "rethinkdb") as server:
            yield cls(store, directory, await asyncio.to_thread(server.empty_store), server)

    @property
    def server(self) -> RethinkDBServer:
        """The database of a case on RethinkDB."""
        assert self.database is not None
        return self.database

    @asynccontextmanager
    async def nodes(
        self, count: int, *, url: str | None = None, are_apart: bool = False, **how: Any
    ) -> AsyncIterator[Sequence[Api]]:
        """Run some nodes on the store. With `are_apart` each has its search index, as on a machine of its own."""
        settings = OPEN | {"TAILWIRE_STORE": url or self.url} | how.pop("settings", {})
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(
                    api(self.directory, settings | (self.index_of(number) if are_apart else {}), **how)
                )
                for number in range(count)
            ]

    def index_of(self, number: int) -> dict[str, str]:
        """Return the setting by which a node that is apart has its search index."""
        return {"TAILWIRE_SEARCH_PATH": str(self.directory / f"apart-{number}.search.db")}

    @asynccontextmanager
    async def node(self, **how: Any) -> AsyncIterator[Api]:
        """Run one node on the store."""
        async with self.nodes(1, **how) as (one,):
            yield one

    @asynccontextmanager
    async def bad_network(self) -> AsyncIterator[tuple[Proxy, str]]:
        """Put a proxy in front of the database; return the proxy, and the store's URL through it."""
        port = int(self.server.admin_url.rsplit(":", 1)[1])
        async with proxied(port) as proxy:
            yield proxy, self.url.replace(f":{port}/", f":{proxy.port}/")


@asynccontextmanager
async def database(directory: Path) -> AsyncIterator[RethinkDBServer]:
    """Run a RethinkDB that the case may kill and pause."""
    if shutil.which("rethinkdb") is None:
        pytest.skip("no `rethinkdb` binary on PATH")
    directory.mkdir(parents=True, exist_ok=True)
    server = RethinkDBServer(f"rethinkdb://admin:{ADMIN_PASSWORD}@127.0.0.1:{free_port()}", directory)
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(server.close)
