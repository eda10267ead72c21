"""A RethinkDB server, nodes on it, and direct access to their tables."""

from collections.abc import AsyncIterator, Iterator

import pytest

from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Address, Pool
from tests.rethinkdb_server import RethinkDBServer
from tests.store.cluster.nodes import opened, wait_for_tables
from tests.stranger import Stranger


@pytest.fixture
def server(rethinkdb_server: RethinkDBServer | None) -> RethinkDBServer:
    if rethinkdb_server is None:
        pytest.skip("no RethinkDB: neither a `rethinkdb` binary on PATH nor TAILWIRE_TEST_RETHINKDB")
    return rethinkdb_server


@pytest.fixture
def own_server(server: RethinkDBServer) -> Iterator[RethinkDBServer]:
    """A server that the test may kill and pause. It is running again afterwards."""
    if server.process is None:
        pytest.skip("the server of TAILWIRE_TEST_RETHINKDB is not ours to kill")
    yield server
    if server.process.poll() is None:
        server.resume()
    else:
        server.start()
    wait_for_tables(server)


@pytest.fixture
def cluster_url(server: RethinkDBServer) -> str:
    return server.empty_store()


@pytest.fixture
async def store(cluster_url: str) -> AsyncIterator[ClusterStore]:
    async with opened(cluster_url) as one:
        yield one


@pytest.fixture
async def restless(cluster_url: str) -> AsyncIterator[ClusterStore]:
    """A node whose tails say `Quiet` after 1 s, for tests that wait for that."""
    async with opened(cluster_url, quiet_seconds=1.0) as one:
        yield one


@pytest.fixture
async def other(cluster_url: str) -> AsyncIterator[ClusterStore]:
    """A second node."""
    async with opened(cluster_url) as one:
        yield one


@pytest.fixture
async def behind(server: RethinkDBServer, cluster_url: str) -> AsyncIterator[Pool]:
    """Direct access to the tables, as the admin."""
    admin = Address.parse(server.admin_url, needs_database=False)
    database = Address.parse(cluster_url).database
    pool = Pool(Address(admin.host, admin.port, admin.user, admin.password, database))
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def strange(server: RethinkDBServer, cluster_url: str) -> Stranger:
    """A writer of entries that this version does not know."""
    return Stranger(cluster_url, server)
