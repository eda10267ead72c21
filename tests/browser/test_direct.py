"""Direct rooms and the quick switcher: people find each other, and talk in a room that only they have."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.windows import escape, line, say, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def write_to(page: Page, *usernames: str) -> None:
    """Open the direct room with these people, by the keyboard alone."""
    await page.bring_to_front()  # in Firefox a window behind another has no focus
    await page.get_by_role("button", name="Write to people").focus()
    await page.keyboard.press("Enter")
    field = page.get_by_role("combobox", name="Name of a person")
    await expect(field).to_be_focused()
    for username in usernames:
        await page.keyboard.type(username)
        await expect(page.get_by_role("option", name=f"@{username}")).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name=f"Remove {username}")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.every_engine
async def test_two_people_open_the_same_room_and_it_is_called_by_the_other_one(
    browser: Browser, sqlite_node: Node
) -> None:
    hers = await window(browser, sqlite_node, "alice")
    his = await window(browser, sqlite_node, "bob")
    await write_to(hers, "bob")
    await expect(hers.get_by_role("heading", name="bob", level=1)).to_be_visible()
    await say(hers, "are you there?")
    await write_to(his, "alice")
    await expect(line(his, "are you there?")).to_be_visible()
    assert urlsplit(his.url).fragment == urlsplit(hers.url).fragment
    await say(his, "yes")
    await expect(line(hers, "yes")).to_be_visible()
    await expect(hers.get_by_role("button", name="Leave this room")).to_have_count(0)


async def test_the_other_hears_of_it_by_its_first_message_and_both_see_who_is_online_types_and_has_read(
    browser: Browser, sqlite_node: Node
) -> None:
    hers = await window(browser, sqlite_node, "alice")
    his = await window(browser, sqlite_node, "bob")
    link = his.get_by_role("navigation", name="Rooms").get_by_role("link", name="alice")
    await write_to(hers, "bob")
    await expect(hers.get_by_role("heading", name="bob", level=1)).to_be_visible()
    await expect(link).to_have_count(0)
    await say(hers, "are you there?")
    await expect(link).to_contain_text("1 unread")
    await expect(his.get_by_text("added you")).to_have_count(0)
    await expect(link).to_contain_text("online")
    await expect(hers.locator(".seen-by")).to_have_text("")
    await link.click()
    await expect(hers.locator(".seen-by")).to_have_text("Seen by bob")
    await hers.get_by_role("button", name="Seen by bob").press("Enter")
    await expect(hers.get_by_role("dialog", name="Seen by").get_by_role("listitem")).to_have_text("Bbob")
    await escape(hers)
    await hers.locator("textarea").focus()
    await his.locator("textarea").press_sequentially("ye")
    await expect(hers.get_by_text("bob is typing…")).to_be_visible()


async def test_a_room_of_several_comes_back_after_it_was_hidden(browser: Browser, sqlite_node: Node) -> None:
    hers = await window(browser, sqlite_node, "alice")
    carol = await sqlite_node.sign_up("carol")
    await sqlite_node.sign_up("bob")
    await write_to(hers, "bob", "carol")
    await expect(hers.get_by_role("heading", name="bob, carol", level=1)).to_be_visible()
    await say(hers, "hello both")
    room_id = urlsplit(hers.url).fragment.split("/")[-1]
    await expect(line(hers, "hello both")).to_be_visible()
    await hers.goto(f"{sqlite_node.url}/#/rooms/lobby")
    link = hers.get_by_role("navigation", name="Rooms").get_by_role("link", name="bob, carol")
    await link.click(button="right")
    await hers.get_by_role("menuitem", name="Hide until the next message").click()
    await expect(link).to_have_count(0)
    await hers.reload()
    await expect(hers.get_by_role("button", name="1 hidden room")).to_be_visible()
    await expect(link).to_have_count(0)
    await carol.http.post(f"/rooms/{room_id}/messages", json={"ref": "c1", "body": "here I am"})
    await expect(link).to_contain_text("here I am")


async def test_the_switcher_finds_rooms_and_people_that_only_the_server_knows(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    bob = await sqlite_node.sign_up("bobby")
    await bob.http.post("/rooms", json={"name": "The Hobby Den", "visibility": "public"})
    dialog = page.get_by_role("dialog")
    await page.keyboard.press("Control+k")
    await expect(dialog.get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("hobb")
    await expect(dialog.get_by_role("option", name="The Hobby Den")).to_contain_text("not joined")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Join this room").click()
    await expect(page.get_by_role("textbox", name="Message The Hobby Den")).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(dialog.get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("@bob")
    await expect(dialog.get_by_role("option").first).to_have_text("Bbobby@bobby")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="bobby", level=1)).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(dialog.get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("lobb")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Lobby", level=1)).to_be_visible()
