"""A real server for each test, and clients of it that end with it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from api.config import Settings
from tailwire_client import Client, Credentials, Pace, Session, sign_up
from tests.node import NOBODY, PASSWORD, Node, running

QUICK = Pace(first_seconds=0.01, most_seconds=0.05)
"""Waits so short that no test is slow."""

MakeClient = Callable[..., Awaitable[Client]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """A running server on SQLite, with the settings of the test's mark `settings`."""
    mark = request.node.get_closest_marker("settings")
    more = {"sends_burst": 200} | (mark.kwargs if mark else {})
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", signup="open", **more)
    async with running(settings) as node:
        yield node


@pytest.fixture
async def make_client() -> AsyncIterator[MakeClient]:
    """A function that opens a client of an address: of an account that it makes, or with these credentials."""
    async with AsyncExitStack() as open_clients:

        async def make(
            url: str, name: str = "ada", *, credentials: str | Credentials | None = None, **options: Any
        ) -> Client:
            if credentials is None:
                pair = await sign_up(url, name, PASSWORD, tls=NOBODY, trust_env=False)
                credentials = Session(pair=pair, pace=QUICK)
            client = Client(url, credentials, tls=NOBODY, trust_env=False, pace=QUICK, **options)
            return await open_clients.enter_async_context(client)

        yield make


@pytest.fixture
async def ada(server: Node, make_client: MakeClient) -> Client:
    """A client of a user of `server`."""
    return await make_client(server.url, "ada")


@pytest.fixture
async def bob(server: Node, make_client: MakeClient) -> Client:
    """A client of another user of `server`."""
    return await make_client(server.url, "bob")
