"""The keyboard alone gets everywhere, and "back" goes where a person expects it to."""

import re
from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.windows import escape, fill, line, live, say, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

PHONE: Final = {"width": 390, "height": 844}


def room(page: Page, name: str) -> Locator:
    """Return the heading of an open room."""
    return page.get_by_role("heading", name=name, level=1)


async def test_messages_are_one_stop_of_tab_and_the_arrows_move_between_them(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    for number in range(5):
        await say(page, f"see https://a.example/{number}")
        await expect(line(page, f"https://a.example/{number}")).to_have_count(1)
    messages = page.locator("article")
    await page.locator("textarea").press("Shift+Tab")
    await expect(page.get_by_role("log")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(messages.nth(4)).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("ArrowUp")
    await expect(messages.nth(2)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(messages.nth(2).get_by_role("link")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(messages.nth(2).get_by_role("button", name="React")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(messages.nth(2).get_by_role("button", name="Reply:")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(messages.nth(2).get_by_role("button", name="Reply in thread:")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(messages.nth(2).get_by_role("button", name="More")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("textarea")).to_be_focused()


async def test_keys_lead_from_room_to_room_and_say_what_they_do(browser: Browser, sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice")
    for name in ("Tea", "Garden"):
        answer = await alice.http.post("/rooms", json={"name": name, "visibility": "public"})
        await page.goto(f"{sqlite_node.url}/#/rooms/{answer.json()['id']}")
        await page.get_by_role("button", name="Join this room").click()
        await expect(room(page, name)).to_be_visible()
    await page.locator("textarea").press("Control+k")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("te")
    await page.keyboard.press("Enter")
    await expect(room(page, "Tea")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.press("ArrowDown")
    await expect(dialog.get_by_role("option", selected=True)).to_have_count(1)
    await escape(page)
    names = await page.locator(".room-item-name").all_text_contents()
    here = names.index("Tea")
    step, there = ("ArrowUp", here - 1) if here else ("ArrowDown", 1)
    await page.keyboard.press(f"Alt+{step}")
    await expect(room(page, names[there])).to_be_visible()
    await page.locator("textarea").press("?")
    await expect(page.locator("textarea")).to_have_value("?")
    await page.get_by_role("log").press("?")
    await expect(dialog.get_by_role("heading", name="Keys")).to_be_visible()


async def test_a_newcomer_is_led_to_the_lobby(browser: Browser, sqlite_node: Node) -> None:
    page = await browser.new_page()
    await page.goto(f"{sqlite_node.url}/#/signup")
    await fill(page, "alice\u200e", "Create account")  # as it was copied from elsewhere
    await expect(room(page, "Lobby")).to_be_visible()
    await expect(live(page)).to_be_visible()


async def test_on_a_phone_back_returns_from_the_members_to_the_room(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice", viewport=PHONE)
    members = page.get_by_role("complementary", name="Members")
    opener = page.get_by_role("button", name="Members", exact=True)
    await opener.click()
    await expect(members).to_be_visible()
    await page.go_back()
    await expect(members).to_have_count(0)
    await expect(room(page, "Lobby")).to_be_visible()
    await opener.click()
    await members.get_by_role("button", name="Close members").click()
    await expect(members).to_have_count(0)
    await expect(page).to_have_url(re.compile("#/rooms/lobby$"))
    await expect(opener).to_be_focused()


async def test_browse_finds_rooms_that_were_not_loaded(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    for number in range(5):  # as many as one user may make at once
        await bob.http.post("/rooms", json={"name": f"Room {number}", "visibility": "public"})
    page = await window(browser, sqlite_node, "alice")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{sqlite_node.url}/#/browse")
    found = page.locator(".browse-item h2")
    await expect(found).to_have_count(6)
    await page.get_by_role("searchbox", name="Find public rooms by name").fill("OOM 3")
    await expect(found).to_have_text(["Room 3"])
    assert any("q=OOM+3" in url for url in asked)
    await page.get_by_role("searchbox", name="Find public rooms by name").fill("nothing like it")
    await expect(page.get_by_text("No public room is called anything like that.")).to_be_visible()


async def test_a_name_that_is_too_long_says_by_how_much_at_each_letter(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    await page.get_by_role("button", name="Create a room").first.click()
    dialog = page.get_by_role("dialog")
    name = dialog.get_by_label("Name")
    await expect(name).to_be_focused()
    await name.fill("x" * 180)
    await expect(dialog.get_by_text("This is 100 characters too long.")).to_be_visible()
    await name.press("Backspace")
    await expect(dialog.get_by_text("This is 99 characters too long.")).to_be_visible()
    await dialog.get_by_role("button", name="Create room").click()
    await expect(name).to_be_focused()
    await expect(dialog.get_by_text("This is 99 characters too long.")).to_be_visible()
    await name.fill("Tea\u202ed")
    await expect(dialog.get_by_text("too long")).to_have_count(0)
    await dialog.get_by_role("button", name="Create room").click()
    await expect(dialog.get_by_text("This must not hold control characters")).to_be_visible()
