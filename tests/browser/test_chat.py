"""Two people chat in two real browser windows."""

import shutil
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from api.main import BUILT_FRONTEND
from tests.server import PASSWORD, Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HAS_FRONTEND: Final = (BUILT_FRONTEND / "index.html").is_file()
FLAGS: Final = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
BODIES: Final = "[...document.querySelectorAll('[role=log] [data-seq]')].map(row => row.dataset.seq)"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    if not HAS_FRONTEND:
        pytest.skip("the SPA is not built: make spa")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield launched
        finally:
            await launched.close()


async def window(browser: Browser, node: Node, username: str, **options: Any) -> Page:
    """Open a window of its own, sign up, and open the lobby. Whatever the page complains of fails the test."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    await page.goto(f"{node.url}/#/signup")
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_text("Live", exact=True).first).to_be_visible()
    await page.goto(f"{node.url}/#/rooms/lobby")
    await expect(page.locator("textarea")).to_be_visible()
    return page


async def say(page: Page, text: str) -> None:
    await page.locator("textarea").fill(text)
    await page.locator("textarea").press("Enter")


def line(page: Page, text: str) -> Any:
    return page.get_by_role("log").get_by_text(text, exact=True)


async def test_two_windows_chat_and_show_what_was_written_as_text(
    browser: Browser, sqlite_node: Node
) -> None:
    alice = await window(browser, sqlite_node, "alice")
    bob = await window(browser, sqlite_node, "bob", viewport={"width": 390, "height": 844})
    script = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    await say(alice, "hello bob")
    await expect(line(bob, "hello bob")).to_have_count(1)
    await say(bob, script)
    await expect(line(alice, script)).to_have_count(1)


async def test_a_window_that_was_offline_ends_up_like_the_other_and_nothing_is_doubled(
    browser: Browser, sqlite_node: Node
) -> None:
    alice = await window(browser, sqlite_node, "alice")
    bob = await window(browser, sqlite_node, "bob")
    await say(alice, "before")
    await expect(line(bob, "before")).to_have_count(1)
    await bob.context.set_offline(True)
    await expect(bob.get_by_text("You are offline").first).to_be_visible()
    for number in range(5):
        await say(alice, f"to who is away {number}")
        await say(bob, f"from who is away {number}")
    await expect(line(alice, "to who is away 4")).to_have_count(1)
    await expect(line(alice, "from who is away 0")).to_have_count(0)
    await bob.context.set_offline(False)
    for number in range(5):
        for page in (alice, bob):
            await expect(line(page, f"to who is away {number}")).to_have_count(1)
            await expect(line(page, f"from who is away {number}")).to_have_count(1)
    last = await alice.evaluate(BODIES)
    assert len(last) == len(set(last))
    await expect(bob.locator(f"[role=log] [data-seq='{last[-1]}']")).to_have_count(1)
    shown_to_bob = await bob.evaluate(BODIES)
    assert shown_to_bob[-11:] == last[-11:]


async def test_a_reload_keeps_the_log_in_and_the_timeline(browser: Browser, sqlite_node: Node) -> None:
    alice = await window(browser, sqlite_node, "alice")
    await say(alice, "still here")
    await expect(line(alice, "still here")).to_have_count(1)
    await alice.reload()
    await expect(line(alice, "still here")).to_have_count(1)
