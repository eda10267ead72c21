"""The browsers in which the tests open their windows."""

import shutil
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Browser, Playwright, async_playwright

from api.main import BUILT_FRONTEND
from tests.rethinkdb_server import free_port

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HAS_FRONTEND: Final = (BUILT_FRONTEND / "index.html").is_file()
FLAGS: Final = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    if not HAS_FRONTEND:
        pytest.skip("the SPA is not built: make spa")
    async with async_playwright() as started:
        yield started


@pytest.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield launched
    await launched.close()


@pytest.fixture
async def plain_browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser that hides and freezes the tabs of its default context, as a user's does.

    Playwright tells every page that it opens that it is in front, and Chromium freezes no such page.
    """
    port = free_port()
    flags = [*FLAGS, f"--remote-debugging-port={port}"]
    launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
    await launched.close()
