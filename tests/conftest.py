"""The fixtures of all tests: store, server and user. The summary names each store and browser that was not tested."""

import re
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from api.accounts.passwords import Passwords
from api.config import Settings
from api.store import open_store
from api.store.base.store import Store
from tests.node import PASSWORD, Node, Person, quick_passwords, running
from tests.rethinkdb_server import RethinkDBServer, rethinkdb_server_or_none
from tests.stranger import Stranger

SECRET: Final = re.compile(
    rf"{PASSWORD}|\btw[ht]_[\w-]{{43}}|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+|\b[\w-]{{22}}\.[\w-]{{43}}\b"
)
"""Matches the password of all test users, access tokens, and refresh tokens, which cookies hold too."""

HAS_RETHINKDB: Final = pytest.StashKey[bool]()


def pytest_configure() -> None:
    """Let SIGINT end what the tests start, also in a background job, for which a shell ignores it.

    A busy machine is no fault of a property, so no example has to come within a time.
    """
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def rethinkdb_server(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[RethinkDBServer | None]:
    """One real RethinkDB for the whole run, from the binary on PATH or from TAILWIRE_TEST_RETHINKDB; None without."""
    with rethinkdb_server_or_none(tmp_path_factory.mktemp("rethinkdb")) as server:
        pytestconfig.stash[HAS_RETHINKDB] = server is not None
        yield server


STORES: Final = ("sqlite", "rethinkdb")


@pytest.fixture(params=["sqlite", pytest.param("rethinkdb", marks=pytest.mark.rethinkdb)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, prepared store, on each backend in turn."""
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
async def other(store: Store, store_url: str) -> AsyncIterator[Store]:
    """A second store on the same database, as in another process."""
    opened = await open_store(store_url)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def stranger(store_url: str, request: pytest.FixtureRequest) -> Stranger:
    """A writer into that store behind the server's back."""
    is_sqlite = store_url.startswith("sqlite:")
    return Stranger(store_url, None if is_sqlite else request.getfixturevalue("rethinkdb_server"))


MANY = 200
"""The `sends_burst` of `node`, so that tests of other subjects do not meet the throttle."""


@pytest.fixture
async def node(store_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Node]:
    """A running server on each backend in turn, with the settings of the test's mark `settings`."""
    files = {"files": str(tmp_path / "tailwire.files"), "files_shared": True}
    settings = settings_of(request, store_url, sends_burst=MANY, **files)
    async with running(settings, passwords_of(request)) as started:
        yield started


@pytest.fixture
async def sqlite_node(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """Like `node`, on SQLite only: for tests in which the backend plays no part. Its throttles are the defaults."""
    settings = settings_of(request, f"sqlite:///{tmp_path / 'tailwire.db'}")
    async with running(settings, passwords_of(request)) as started:
        yield started


def settings_of(request: pytest.FixtureRequest, store_url: str, **more: Any) -> Settings:
    mark = request.node.get_closest_marker("settings")
    if not store_url.startswith("sqlite:"):  # else the index stands beside the database
        more["search_path"] = request.getfixturevalue("tmp_path") / "search.db"
    return Settings(store=store_url, **({"signup": "open"} | more | (mark.kwargs if mark else {})))


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
    """Fail every test that printed or logged a secret."""
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
    """Leave out the stores that a test's mark `stores` does not name."""
    items[:] = [item for item in items if _store_of(item) in _stores_of(item)]


def _store_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("store_url", "sqlite")) if callspec else "sqlite"


def _stores_of(item: pytest.Item) -> tuple[str, ...]:
    mark = item.get_closest_marker("stores")
    return mark.args if mark else STORES


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that run on SQLite, for the summary."""
    callspec = getattr(item, "callspec", None)
    is_parameter = callspec is not None and callspec.params.get("store_url") == "sqlite"
    if is_parameter or "sqlite_node" in getattr(item, "fixturenames", ()):
        item.add_marker("sqlite")


ENGINES: Final = frozenset({"firefox", "webkit"})
"""The marks of the tests that run in another browser than Chromium."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print which stores and which browsers were tested. One is tested when a test with its mark has passed."""
    passed = [one.keywords for one in terminalreporter.stats.get("passed", []) if one.when == "call"]
    ran = {name: any(name in keywords for keywords in passed) for name in ("sqlite", "rethinkdb", *ENGINES)}
    ran["chromium"] = any("browser" in keywords and ENGINES.isdisjoint(keywords) for keywords in passed)
    ran["rethinkdb"] &= config.stash.get(HAS_RETHINKDB, False)  # some of its tests pass without a server
    hint = " (put a `rethinkdb` binary on PATH, or set TAILWIRE_TEST_RETHINKDB)"
    terminalreporter.section("what was tested")
    for name, shown, missing in (
        ("sqlite", "SQLite   ", ""),
        ("rethinkdb", "RethinkDB", "" if shutil.which("rethinkdb") else hint),
        ("chromium", "Chromium ", ""),
        ("firefox", "Firefox  ", ""),
        ("webkit", "WebKit   ", ""),
    ):
        terminalreporter.line(f"{shown}  {'tested' if ran[name] else f'NOT TESTED{missing}'}")
