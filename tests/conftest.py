"""The fixtures every test builds on: store, then server, then user. What was not tested is said loudly."""

import re
import shutil
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from api.accounts.security import Passwords
from api.config import Settings
from api.store import open_store
from api.store.base.store import Store
from tests.node import PASSWORD, Node, Person, quick_passwords, running
from tests.rethinkdb_server import RethinkDBServer, rethinkdb_server_or_none
from tests.stranger import Stranger

SECRET: Final = re.compile(rf"{PASSWORD}|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+|\b[\w-]{{22}}\.[\w-]{{43}}\b")
"""The password of everybody here, an access token, a refresh token (which is what a cookie holds)."""

HAS_RETHINKDB: Final = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def rethinkdb_server(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[RethinkDBServer | None]:
    """A real RethinkDB, one for the whole run: our own from the binary on PATH, or TAILWIRE_TEST_RETHINKDB."""
    with rethinkdb_server_or_none(tmp_path_factory.mktemp("rethinkdb")) as server:
        pytestconfig.stash[HAS_RETHINKDB] = server is not None
        yield server


STORES: Final = ("sqlite", "rethinkdb")


@pytest.fixture(params=["sqlite", pytest.param("rethinkdb", marks=pytest.mark.rethinkdb)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store that is ready to be opened, on each backend in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tailwire.db'}"
    server: RethinkDBServer | None = request.getfixturevalue("rethinkdb_server")
    if server is None:
        pytest.skip("no RethinkDB: neither a `rethinkdb` binary on PATH nor TAILWIRE_TEST_RETHINKDB")
    return server.empty_store()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = await open_store(store_url)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def stranger(store_url: str, request: pytest.FixtureRequest) -> Stranger:
    """Somebody who writes into that store, and is not of us."""
    is_sqlite = store_url.startswith("sqlite:")
    return Stranger(store_url, None if is_sqlite else request.getfixturevalue("rethinkdb_server"))


MANY = 200
"""Changes that a test makes at once, where how many there may be is not what it is about."""


@pytest.fixture
async def node(store_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """A running server on each backend in turn, with what the test's mark `settings` says."""
    async with running(settings_of(request, store_url, sends_burst=MANY), passwords_of(request)) as started:
        yield started


@pytest.fixture
async def sqlite_node(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """A running server on SQLite, for what no backend has a part in; otherwise like `node`."""
    settings = settings_of(request, f"sqlite:///{tmp_path / 'tailwire.db'}")
    async with running(settings, passwords_of(request)) as started:
        yield started


def settings_of(request: pytest.FixtureRequest, store_url: str, **more: Any) -> Settings:
    mark = request.node.get_closest_marker("settings")
    return Settings(store=store_url, **(more | (mark.kwargs if mark else {})))


def passwords_of(request: pytest.FixtureRequest) -> Callable[[], Passwords]:
    return Passwords if request.node.get_closest_marker("real_passwords") else quick_passwords


@pytest.fixture
async def alice(node: Node) -> Person:
    """A user of `node`."""
    return await node.sign_up("alice")


@pytest.fixture
async def bob(node: Node) -> Person:
    """Another user of `node`."""
    return await node.sign_up("bob")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Fail every test in which something was printed or logged that nobody may read."""
    report = yield
    if report.when == "teardown" and report.passed:
        found = [name for name, text in report.sections if SECRET.search(text)]
        if found:
            report.outcome, report.longrepr = (
                "failed",
                f"{item.nodeid}: a secret stands in {', '.join(found)}",
            )
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave a test out on each store that its mark `stores` does not name."""
    items[:] = [item for item in items if _store_of(item) in _stores_of(item)]


def _store_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("store_url", "sqlite")) if callspec else "sqlite"


def _stores_of(item: pytest.Item) -> tuple[str, ...]:
    mark = item.get_closest_marker("stores")
    return mark.args if mark else STORES


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let what runs on SQLite be known by that, for the summary."""
    callspec = getattr(item, "callspec", None)
    is_parameter = callspec is not None and callspec.params.get("store_url") == "sqlite"
    if is_parameter or "sqlite_node" in getattr(item, "fixturenames", ()):
        item.add_marker("sqlite")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which stores and which browser were tested: a test of their mark has passed, and not only by its name."""
    passed = [one.keywords for one in terminalreporter.stats.get("passed", []) if one.when == "call"]
    ran = {name: any(name in keywords for keywords in passed) for name in ("sqlite", "rethinkdb", "browser")}
    ran["rethinkdb"] &= config.stash.get(HAS_RETHINKDB, False)  # some of its tests need no server
    hint = " (put a `rethinkdb` binary on PATH, or set TAILWIRE_TEST_RETHINKDB)"
    terminalreporter.section("what was tested")
    for name, shown, missing in (
        ("sqlite", "SQLite   ", ""),
        ("rethinkdb", "RethinkDB", "" if shutil.which("rethinkdb") else hint),
        ("browser", "Chromium ", ""),
    ):
        terminalreporter.line(f"{shown}  {'tested' if ran[name] else f'NOT TESTED{missing}'}")
