"""Two people chat in two real browser windows."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.windows import BODIES, line, say, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.mark.every_engine
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


@pytest.mark.every_engine
async def test_a_reload_keeps_the_log_in_and_the_timeline(browser: Browser, sqlite_node: Node) -> None:
    alice = await window(browser, sqlite_node, "alice")
    await say(alice, "still here")
    await expect(line(alice, "still here")).to_have_count(1)
    await alice.reload()
    await expect(line(alice, "still here")).to_have_count(1)


async def test_the_buttons_of_a_message_cover_nothing_of_the_message_above_before_they_are_seen(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    for text in ("one", "two"):
        await bob.http.post("/rooms/lobby/messages", json={"ref": text, "body": text})
    page = await window(browser, sqlite_node, "alice")
    above, below = (page.locator("article").filter(has_text=text) for text in ("one", "two"))
    buttons = below.locator(".message-actions")
    await below.hover()
    await expect(buttons).to_have_css("opacity", "1")
    await page.locator("textarea").hover()
    await expect(buttons).to_have_css("opacity", "0")
    box = await above.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] - 50, box["y"] + box["height"] - 4)
    await expect(above.locator(".message-actions")).to_have_css("opacity", "1")
    await expect(buttons).to_have_css("opacity", "0")
    await below.hover()
    await buttons.get_by_role("button", name="Reply in thread").click()
    await expect(page.get_by_role("textbox", name="Reply in the thread")).to_be_focused()
