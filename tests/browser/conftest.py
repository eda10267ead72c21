"""The browsers in which the tests open their windows: Chromium, Firefox and WebKit, as Debian builds them."""

import shutil
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Browser, Playwright, async_playwright, expect

from api.main import BUILT_FRONTEND
from tests.browser.webkit import WebKit, screen
from tests.rethinkdb_server import free_port

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HAS_FRONTEND: Final = (BUILT_FRONTEND / "index.html").is_file()
FIREFOX: Final = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
WEBKIT_DRIVER: Final = shutil.which("WebKitWebDriver")
XVFB: Final = shutil.which("Xvfb")
FLAGS: Final = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PATIENCE_MILLISECONDS: Final = 20_000
"""So long a test waits for what it expects of a page. On a busy machine a page may take ten seconds to open."""


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    if not HAS_FRONTEND:
        pytest.skip("the SPA is not built: make spa")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    async with async_playwright() as started:
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run in Firefox only what is marked `every_engine`: the rest is no matter of the engine, or Playwright's alone."""
    items[:] = [one for one in items if one.get_closest_marker("every_engine") or not _is_on_firefox(one)]


def _is_on_firefox(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("browser") == "firefox"


@pytest.fixture(params=["chromium", pytest.param("firefox", marks=pytest.mark.firefox)])
async def browser(playwright: Playwright, request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """A browser of each engine that Playwright drives, in turn."""
    launched = await (_chromium if request.param == "chromium" else _firefox)(playwright)
    yield launched
    await launched.close()


async def _chromium(playwright: Playwright) -> Browser:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


async def _firefox(playwright: Playwright) -> Browser:
    """Launch Debian's Firefox. The channel makes Playwright speak WebDriver BiDi, as Firefox does unpatched."""
    if FIREFOX is None:
        pytest.skip("no Firefox on this machine")
    return await playwright.firefox.launch(executable_path=FIREFOX, channel="moz-firefox")


@pytest.fixture
async def plain_browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser that hides and freezes the tabs of its default context, as a user's does.

    Playwright tells every page that it opens that it is in front, and Chromium freezes no such page.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    port = free_port()
    flags = [*FLAGS, f"--remote-debugging-port={port}"]
    launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
    await launched.close()


@pytest.fixture
async def webkit() -> AsyncIterator[WebKit]:
    """WebKitGTK, which Playwright cannot drive. Its windows are opened by WebDriver."""
    if not HAS_FRONTEND:
        pytest.skip("the SPA is not built: make spa")
    if WEBKIT_DRIVER is None or XVFB is None:
        pytest.skip("no WebKitGTK (webkit2gtk-driver) and Xvfb on this machine")
    with screen(XVFB) as display:
        started = await WebKit.start(WEBKIT_DRIVER, display)
        try:
            yield started
        finally:
            await started.close()
