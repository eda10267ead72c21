"""A message written without a connection is sent once, whatever happens to its tab."""

import pytest
from playwright.async_api import Browser, CDPSession, Error, Page, expect

from tests.browser.windows import BODIES, TEXTS, Wire, line, say, tab, window
from tests.node import Node, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

TAKEOVER_MILLISECONDS = 20_000
"""Another tab takes over within two checks, five seconds apart; the rest is slack."""


async def log_from(page: Page, text: str) -> tuple[list[int], list[str]]:
    """Return the seqs and the texts that a window shows, from this message on."""
    seqs: list[str] = await page.evaluate(BODIES)
    texts: list[str] = await page.evaluate(TEXTS)
    start = texts.index(text)
    return [int(seq) for seq in seqs[start - len(texts) :]], texts[start:]


async def assert_alike(*pages: Page, texts: list[str]) -> None:
    """Require that all windows show these messages in the same order, none twice and none unsent."""
    logs = []
    for page in pages:
        for text in texts:
            await expect(line(page, text)).to_have_count(1)
        await expect(page.locator(".message.pending, .message.failed")).to_have_count(0)
        logs.append(await log_from(page, texts[0]))
    seqs, shown = logs[0]
    assert seqs == sorted(set(seqs))
    assert sorted(shown) == sorted(texts)
    assert all(log == logs[0] for log in logs)


async def test_what_a_closed_tab_could_not_send_another_tab_of_the_user_sends_once(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await window(browser, sqlite_node, "bob")
    wire = Wire()
    alice = await window(browser, sqlite_node, "alice", wire)
    doomed = await tab(alice.context, sqlite_node, "alice")
    another = await tab(alice.context, sqlite_node, "alice")
    await say(alice, "before")
    for page in (alice, bob, doomed, another):
        await expect(line(page, "before")).to_have_count(1)
    await wire.cut()
    unsent = [f"from a tab that closes {number}" for number in range(3)]
    for text in unsent:
        await say(doomed, text)
    await expect(doomed.get_by_text("Waiting to be sent")).to_have_count(3)
    await doomed.close()
    wire.mend()
    await expect(line(bob, unsent[-1])).to_have_count(1, timeout=TAKEOVER_MILLISECONDS)
    await assert_alike(alice, another, bob, texts=["before", *unsent])
    assert [body for _, body in wire.sent] == ["before", *unsent]


@pytest.mark.every_engine
async def test_a_reload_without_a_connection_keeps_what_is_unsent_and_its_order(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await window(browser, sqlite_node, "bob")
    wire = Wire()
    alice = await window(browser, sqlite_node, "alice", wire)
    await say(alice, "before")
    await expect(line(bob, "before")).to_have_count(1)
    await wire.cut()
    unsent = [f"before the reload {number}" for number in range(4)]
    for text in unsent:
        await say(alice, text)
    await alice.reload()  # at once after the last one is entered
    await expect(alice.get_by_text("Waiting to be sent")).to_have_count(4)
    await say(alice, "after the reload")
    wire.mend()
    await assert_alike(alice, bob, texts=["before", *unsent, "after the reload"])
    assert [body for _, body in wire.sent] == ["before", *unsent, "after the reload"]


async def test_a_reload_that_finds_no_network_loses_nothing_either(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await window(browser, sqlite_node, "bob")
    alice = await window(browser, sqlite_node, "alice")
    await say(alice, "before")
    await expect(line(bob, "before")).to_have_count(1)
    await alice.context.set_offline(True)
    unsent = [f"into the void {number}" for number in range(3)]
    for text in unsent:
        await say(alice, text)
    await expect(alice.get_by_text("Waiting to be sent")).to_have_count(3)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        await alice.reload()
    await alice.context.set_offline(False)
    await alice.reload()
    await assert_alike(alice, bob, texts=["before", *unsent])


async def test_an_hour_without_a_network_changes_nothing_about_what_was_written(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await window(browser, sqlite_node, "bob")
    alice = await window(browser, sqlite_node, "alice")
    await alice.clock.install()
    await alice.reload()
    await say(alice, "before")
    await expect(line(bob, "before")).to_have_count(1)
    await alice.context.set_offline(True)
    await expect(alice.get_by_text("You are offline").first).to_be_visible()
    unsent = [f"an hour early {number}" for number in range(3)]
    for text in unsent:
        await say(alice, text)
    await alice.clock.fast_forward("01:00:00")
    await say(bob, "within the hour")
    await expect(alice.get_by_text("Waiting to be sent")).to_have_count(3)
    await alice.context.set_offline(False)
    await assert_alike(alice, bob, texts=["before", "within the hour", *unsent])


async def test_two_tabs_of_a_user_that_both_wrote_offline_end_up_alike(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await window(browser, sqlite_node, "bob")
    one = await window(browser, sqlite_node, "alice")
    other = await tab(one.context, sqlite_node, "alice")
    await say(one, "before")
    for page in (bob, other):
        await expect(line(page, "before")).to_have_count(1)
    await one.context.set_offline(True)
    for page in (one, other):
        await expect(page.get_by_text("You are offline").first).to_be_visible()
    for number in range(4):
        await say(one, f"from one {number}")
        await say(other, f"from the other {number}")
        await say(bob, f"from bob {number}")
    for page in (one, other):
        await expect(page.get_by_text("Waiting to be sent")).to_have_count(4)
    await one.context.set_offline(False)
    groups = [[f"from {who} {number}" for number in range(4)] for who in ("one", "the other", "bob")]
    await assert_alike(one, other, bob, texts=["before", *(text for group in groups for text in group)])
    _, shown = await log_from(one, "before")
    for group in groups:
        assert [text for text in shown if text in group] == group


class Freezer:
    """Freezes one tab, as a browser does to save energy: nothing in it runs."""

    def __init__(self, devtools: CDPSession, page: Page) -> None:
        self._devtools = devtools
        self._page = page

    @classmethod
    async def around(cls, page: Page) -> "Freezer":
        await page.evaluate("document.addEventListener('freeze', () => { window.wasFrozen = true })")
        return cls(await page.context.new_cdp_session(page), page)

    async def freeze(self) -> None:
        """Freeze the tab. Skips the test where Playwright keeps the tab in front: Chromium freezes no such tab."""
        front = await self._page.context.new_page()
        await front.bring_to_front()
        await self._devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        try:
            await eventually(lambda: self._page.evaluate("window.wasFrozen"), seconds=2)
        except TimeoutError:
            pytest.skip("Playwright kept the tab in front, and Chromium did not freeze it")

    async def thaw(self) -> None:
        await self._devtools.send("Page.setWebLifecycleState", {"state": "active"})

    async def cut_network(self, is_cut: bool) -> None:
        """Cut or restore the network of this tab alone."""
        await self._devtools.send("Network.enable")
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await self._devtools.send("Network.emulateNetworkConditions", {"offline": is_cut, **conditions})


@pytest.mark.parametrize("is_offline", [False, True], ids=["connected", "offline"])
async def test_a_tab_that_was_frozen_catches_up_and_sends_what_it_still_had(
    plain_browser: Browser, sqlite_node: Node, is_offline: bool
) -> None:
    await sqlite_node.sign_up("alice")
    bob = await window(plain_browser, sqlite_node, "bob")
    context = plain_browser.contexts[0]
    alice = await tab(context, sqlite_node, "alice")
    await say(alice, "before")
    await expect(line(bob, "before")).to_have_count(1)
    freezer = await Freezer.around(alice)
    if is_offline:
        await freezer.cut_network(True)
        await expect(alice.get_by_text("You are offline").first).to_be_visible()
    await say(alice, "just before the frost")
    await freezer.freeze()
    if is_offline:
        await freezer.cut_network(False)
    another = await tab(context, sqlite_node, "alice")
    meanwhile = [f"meanwhile {number}" for number in range(4)]
    for text in meanwhile:
        await say(bob, text)
        await say(another, f"{text} from another tab")
        await expect(line(bob, f"{text} from another tab")).to_have_count(1)
    await expect(line(alice, meanwhile[-1])).to_have_count(0)
    if is_offline:
        await expect(line(bob, "just before the frost")).to_have_count(0)
    await freezer.thaw()
    texts = [text for number in meanwhile for text in (number, f"{number} from another tab")]
    await assert_alike(bob, alice, another, texts=["before", *texts, "just before the frost"])
