"""Names and emoji are completed while one writes, with the keyboard alone, and what mentions one is marked."""

from typing import Any, Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.windows import live, say, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

HOSTILE: Final = "<img src=x onerror=alert(1)>"
ACTIVE: Final = (
    """area => document.getElementById(area.getAttribute('aria-activedescendant'))?.textContent ?? null"""
)


async def active(field: Locator) -> Any:
    """Return the text of the option that a screen reader is told of; None where the list is closed."""
    return await field.evaluate(ACTIVE)


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option")


async def test_names_and_emoji_are_completed_with_the_keyboard_alone(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    await bob.http.patch("/users/me", json={"display_name": HOSTILE})
    await sqlite_node.sign_up("bobby")
    page = await window(browser, sqlite_node, "alice")
    writing = page.locator("textarea")
    await expect(page.locator(".member")).to_have_count(3)
    await writing.press_sequentially("hi @b")
    await expect(options(page)).to_have_text(["Bbobby@bobby", f"B{HOSTILE}@bob"])  # who came last is first
    assert await active(writing) == "Bbobby@bobby"
    await writing.press("ArrowDown")
    await expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    assert await active(writing) == f"B{HOSTILE}@bob"
    await writing.press("Enter")
    await expect(writing).to_have_value("hi @bob ")
    await expect(options(page)).to_have_count(0)
    await writing.press_sequentially("@bobb")
    await expect(options(page)).to_have_count(1)
    await writing.press("Escape")
    await expect(options(page)).to_have_count(0)
    assert await active(writing) is None
    await writing.press_sequentially("y :tad")
    await expect(options(page).first).to_contain_text(":tada:")
    await writing.press("Tab")
    await expect(writing).to_have_value("hi @bob @bobby 🎉")
    await expect(writing).to_be_focused()
    await writing.press("Control+z")
    await expect(writing).to_have_value("hi @bob @bobby :tad")
    await writing.press("Escape")
    await writing.press("Tab")  # nothing is trapped
    await expect(writing).not_to_be_focused()
    await writing.press("Enter")
    message = page.get_by_role("log").locator("article")
    await expect(message.locator(".mention")).to_have_text([f"@{HOSTILE}", "@bobby"])
    await expect(page.locator("img")).to_have_count(0)
    await message.focus()
    await page.keyboard.press("e")
    editor = page.get_by_role("textbox", name="Edit the message")
    await editor.fill("@bobb")
    await expect(options(page)).to_have_count(1)
    await editor.press("Enter")
    await expect(editor).to_have_value("@bobby ")
    await editor.press("Enter")
    await expect(message.locator(".mention")).to_have_text(["@bobby"])


async def test_a_word_of_an_input_method_takes_nothing_and_a_finger_does(
    browser: Browser, sqlite_node: Node
) -> None:
    await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice", has_touch=True)
    writing = page.locator("textarea")
    await writing.press_sequentially("@b")
    await expect(options(page)).to_have_count(1)
    await writing.evaluate(
        "area => area.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    await expect(writing).to_have_value("@b")
    await options(page).tap()
    await expect(writing).to_have_value("@bob ")
    await expect(writing).to_be_focused()


async def test_what_mentions_one_is_counted_listed_and_marked_and_an_edit_takes_it_back(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice")
    await page.get_by_role("link", name="Browse public rooms").click()
    room = page.locator(".room-item")
    sent = []
    for number, body in enumerate(("plain", "hi @Alice, see", "@alice! and @room")):
        answer = await bob.http.post("/rooms/lobby/messages", json={"ref": str(number), "body": body})
        sent.append(answer.json()["seq"])
    await expect(room.locator(".badge.mentions")).to_contain_text("@2")
    await expect(room.locator(".badge.quiet")).to_contain_text("3")
    await bob.http.patch(f"/rooms/lobby/messages/{sent[1]}", json={"ref": "e", "body": "hi all, see"})
    await expect(room.locator(".badge.mentions")).to_contain_text("@1")
    await page.reload()  # the server counts the same
    await expect(room.locator(".badge.mentions")).to_contain_text("@1")
    await page.locator("a[href='#/mentions']").click()
    item = page.locator(".mention-item")
    await expect(item).to_have_count(1)
    await expect(item.locator(".mention.mine")).to_have_text(["@alice", "@room"])
    await item.get_by_role("link", name="Show in the room").click()
    marked = page.locator("article.to-me")
    await expect(marked).to_have_count(1)
    await expect(marked).to_have_attribute("data-seq", str(sent[2]))
    await expect(room.locator(".badge")).to_have_count(0)
    await say(page, "@alice is me")
    await expect(page.locator("article").filter(has_text="is me").locator(".mention.mine")).to_have_count(0)
    await expect(live(page)).to_be_visible()
