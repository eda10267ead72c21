"""A sign-in outlives the browser's storage, and the page works where the browser keeps nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, Request, expect

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.windows import fill, line, live, say, tab, window
from tests.node import PASSWORD, Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

CLEAR = """async () => {
    localStorage.clear();
    sessionStorage.clear();
    for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
}"""

FILL = """() => {
    for (let size = 2 ** 22; size >= 1; size /= 2)
        try { for (let n = 0; ; n++) localStorage.setItem(`filler ${size} ${n}`, 'x'.repeat(size)); } catch {}
}"""

IS_FULL = "() => { try { localStorage.setItem('one more', 'x'); return false } catch { return true } }"

IS_BLOCKED = "() => { try { return !localStorage } catch { return true } }"

FULL = "Your browser has no space left for this page."
BLOCKED = "Your browser keeps no data for this page."


def refreshes(page: Page) -> list[str]:
    """Return a list to which each refresh of this page is added."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/auth/refresh"):
            seen.append(request.method)

    page.on("request", note)
    return seen


async def sessions_of_alice(node: Node) -> int:
    """Return how many sessions alice has, without the one that asks."""
    http = node.client()
    answer = await http.post("/auth/login", json={"username": "alice", "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    count = len((await http.get("/auth/sessions", headers=bearer)).json()["items"])
    await http.post("/auth/logout", headers=bearer)
    return count - 1


async def test_a_browser_that_clears_its_storage_and_keeps_the_cookie_stays_signed_in(
    browser: Browser, sqlite_node: Node
) -> None:
    alice = await window(browser, sqlite_node, "alice")
    await alice.evaluate(CLEAR)
    await alice.reload()
    await expect(live(alice)).to_be_visible()
    other = await tab(alice.context, sqlite_node, "alice")
    await say(other, "still here")
    await expect(line(alice, "still here")).to_have_count(1)
    assert await sessions_of_alice(sqlite_node) == 1


async def test_the_cookie_is_tried_once_by_a_new_visitor_and_never_after_a_log_out(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await (await browser.new_context()).new_page()
    tried = refreshes(page)
    log_in = page.get_by_role("button", name="Log in")
    for _ in range(2):
        await page.goto(sqlite_node.url)
        await expect(log_in).to_be_visible()
        await expect(page.get_by_role("status")).to_have_count(0)  # nothing has expired
    assert len(tried) == 1
    await page.goto(sqlite_node.url + "/#/signup")
    await fill(page, "alice", "Create account")
    await expect(live(page)).to_be_visible()
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("button", name="Log out").click()
    await expect(log_in).to_be_visible()
    tried.clear()
    await page.reload()
    await expect(log_in).to_be_visible()
    assert tried == []


async def test_where_the_storage_is_full_one_can_log_in_and_is_told(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await (await browser.new_context()).new_page()
    await page.goto(sqlite_node.url + "/#/signup")
    await expect(page.get_by_role("button", name="Create account")).to_be_visible()
    await page.evaluate(CLEAR)
    await page.evaluate(FILL)
    assert await page.evaluate(IS_FULL)
    await fill(page, "alice", "Create account")
    await expect(live(page)).to_be_visible()
    await expect(page.get_by_text(FULL)).to_be_visible()
    assert await sessions_of_alice(sqlite_node) == 1
    await page.goto(sqlite_node.url + "/#/rooms/lobby")
    await say(page, "without space")
    await expect(line(page, "without space")).to_have_count(1)
    await page.reload()
    await expect(live(page)).to_be_visible()
    assert await sessions_of_alice(sqlite_node) == 1


@pytest.fixture
async def without_site_data(playwright: Playwright, tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """A browser whose user blocks all site data: cookies, storage and databases."""
    (tmp_path / "Default").mkdir()
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(blocked))
    context = await playwright.chromium.launch_persistent_context(
        tmp_path, executable_path=CHROMIUM, args=FLAGS
    )
    yield context
    await context.close()


async def test_where_site_data_is_blocked_the_page_works_until_it_is_closed_and_says_so(
    without_site_data: BrowserContext, sqlite_node: Node
) -> None:
    page = await without_site_data.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    await page.goto(sqlite_node.url + "/#/signup")
    assert await page.evaluate(IS_BLOCKED)
    await expect(page.get_by_text(BLOCKED)).to_be_visible()
    await fill(page, "alice", "Create account")
    await expect(live(page)).to_be_visible()
    await expect(page.get_by_text(BLOCKED)).to_be_visible()
    await page.goto(sqlite_node.url + "/#/rooms/lobby")
    await say(page, "without a trace")
    await expect(line(page, "without a trace")).to_have_count(1)
    await page.reload()
    await fill(page, "alice", "Log in")
    await expect(line(page, "without a trace")).to_have_count(1)
    assert await without_site_data.cookies() == []
    assert await sessions_of_alice(sqlite_node) == 2
