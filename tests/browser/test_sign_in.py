"""A sign-in lasts, is shared by a browser's tabs, ends in all of them, and cannot be read by scripts."""

import asyncio

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, expect

from api.http.cookies import PLAIN_NAME
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.windows import fill, line, live, say, tab, window
from tests.node import PASSWORD, Node, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

KEPT = "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])"


async def log_out(page: Page) -> None:
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("button", name="Log out").click()


@pytest.mark.every_engine
async def test_no_script_can_read_what_keeps_a_user_signed_in(browser: Browser, sqlite_node: Node) -> None:
    alice = await window(browser, sqlite_node, "alice")
    (cookie,) = await alice.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (
        PLAIN_NAME,
        True,
        False,
        "Strict",
    )
    kept: str = await alice.evaluate(KEPT)
    assert cookie["value"] not in kept
    assert "refresh" not in kept


@pytest.mark.every_engine
async def test_tabs_share_a_sign_in_over_reloads_until_one_of_them_logs_out(
    browser: Browser, sqlite_node: Node
) -> None:
    one = await window(browser, sqlite_node, "alice")
    others = [await tab(one.context, sqlite_node, "alice") for _ in range(2)]
    for _ in range(3):
        await asyncio.gather(*(page.reload() for page in (one, *others)))
        for page in (one, *others):
            await expect(live(page)).to_be_visible()
    await say(others[0], "from all of me")
    for page in (one, *others):
        await expect(line(page, "from all of me")).to_have_count(1)
    await log_out(others[0])
    for page in (one, *others):
        await expect(page.get_by_role("button", name="Log in")).to_be_visible()

    async def is_cleared() -> bool:
        return not await one.context.cookies()

    await eventually(is_cleared)
    await one.reload()
    await expect(one.get_by_role("button", name="Log in")).to_be_visible()


@pytest.mark.settings(hosts="chat.lan")
async def test_tabs_over_plain_http_which_has_no_locks_renew_one_after_the_other(
    playwright: Playwright, sqlite_node: Node
) -> None:
    """Otherwise one would present the old token after another has used the new one, as a thief does."""
    flags = [*FLAGS, "--host-resolver-rules=MAP chat.lan 127.0.0.1"]
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    lan = Node(sqlite_node.url.replace("127.0.0.1", "chat.lan"))
    one = await window(browser, lan, "alice")
    assert not await one.evaluate("isSecureContext")
    pages = [one, *[await tab(one.context, lan, "alice") for _ in range(3)]]
    for _ in range(5):
        await asyncio.gather(*(page.reload() for page in pages))
        for page in pages:
            await expect(live(page)).to_be_visible()
    await browser.close()


async def test_who_signs_in_next_is_who_every_tab_belongs_to(browser: Browser, sqlite_node: Node) -> None:
    await sqlite_node.sign_up("bob")
    one = await window(browser, sqlite_node, "alice")
    other = await tab(one.context, sqlite_node, "alice")
    await log_out(other)
    await expect(one.get_by_role("button", name="Log in")).to_be_visible()
    await fill(other, "bob", "Log in")
    for page in (one, other):
        await expect(live(page)).to_be_visible()
        await expect(page.get_by_text("bob", exact=True).first).to_be_visible()


async def test_the_page_runs_nothing_that_it_did_not_bring(browser: Browser, sqlite_node: Node) -> None:
    page = await (await browser.new_context()).new_page()
    await page.goto(sqlite_node.url)
    await page.evaluate(
        "const script = document.createElement('script');"
        "try { script.text = 'window.wasRun = true' } catch {}"
        "document.body.append(script)"
    )
    assert not await page.evaluate("window.wasRun")
    for attempt in (
        "document.body.innerHTML = '<img src=x>'",
        "trustedTypes.createPolicy('default', {createHTML: text => text})",
    ):
        assert await page.evaluate(
            f"(() => {{ try {{ {attempt}; return false }} catch {{ return true }} }})()"
        )
    assert await page.evaluate("fetch('http://127.0.0.1:1/').then(() => '', error => error.message)")
    frame = await (await browser.new_context()).new_page()
    await frame.set_content(f"<iframe src='{sqlite_node.url}'></iframe>")
    assert all(not child.url.startswith(sqlite_node.url) for child in frame.main_frame.child_frames)


async def test_a_page_whose_script_is_gone_offers_to_reload(browser: Browser, sqlite_node: Node) -> None:
    """As after an upgrade, when the old page was kept and its old script was not."""
    context = await browser.new_context()
    page = await context.new_page()
    await context.route("**/*.js", lambda route: route.fulfill(status=404))
    await page.goto(sqlite_node.url + "/#/browse")
    reload = page.get_by_role("link", name="reload it")
    await expect(reload).to_be_visible()
    await context.unroute("**/*.js")
    await reload.click()
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    await expect(reload).to_have_count(0)


async def test_the_authorize_button_of_the_docs_works_under_their_policy(
    browser: Browser, sqlite_node: Node
) -> None:
    await sqlite_node.sign_up("alice")
    page = await (await browser.new_context()).new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    page.on("console", note)
    await page.goto(f"{sqlite_node.url}/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    await dialog.get_by_label("username:").press_sequentially("alice")
    await dialog.get_by_label("password:").press_sequentially(PASSWORD)
    await dialog.locator("button.authorize").click()
    await expect(dialog.get_by_text("Logout", exact=True)).to_be_visible()
    await dialog.get_by_text("Close", exact=True).click()
    me = page.locator("#operations-users-users_me")
    for _ in range(100):  # the page draws only what is near to where one looks
        if await me.count():
            break
        await page.mouse.wheel(0, 200)
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    await me.click()
    await me.get_by_role("button", name="Try it out").click()
    await me.get_by_role("button", name="Execute").click()
    await expect(me.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    assert not complaints
