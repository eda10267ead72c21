"""Cards of people, what they tell of themselves there, and finding members."""

from typing import Final

import pytest
from playwright.async_api import Browser, expect

from tests.browser.windows import card_of, escape, say, stored, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

WIDE: Final = {"width": 1400, "height": 800}


@pytest.mark.every_engine
async def test_a_card_opens_with_a_name_by_mouse_and_keyboard_and_goes_with_back(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    await bob.http.patch("/users/me", json={"status_text": "On a boat", "time_zone": "Asia/Tokyo"})
    await bob.http.post("/rooms/lobby/messages", json={"ref": "1", "body": "hello @olga"})
    await stored(page, "hello")
    dialog = await card_of(page, "bob")
    await expect(dialog.get_by_text("On a boat")).to_be_visible()
    await expect(dialog.get_by_text("where they are")).to_be_visible()
    await page.go_back()
    await expect(dialog).to_have_count(0)
    row = page.locator("article").filter(has_text="hello")
    await row.focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading", name="bob")).to_be_visible()
    await dialog.get_by_role("button", name="Mention in this room").click()
    await expect(dialog).to_have_count(0)
    await expect(page.locator("textarea")).to_have_value("@bob ")
    await expect(page.locator("textarea")).to_be_focused()
    await row.focus()
    await page.keyboard.press("i")
    await expect(dialog.get_by_role("heading", name="bob")).to_be_visible()
    await escape(page)
    await row.get_by_role("link", name="@olga").click()
    await expect(dialog.get_by_text("This is you")).to_be_visible()


async def test_what_one_tells_of_oneself_is_on_the_card(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga", viewport=WIDE, timezone_id="Asia/Tokyo")
    dialog = page.get_by_role("dialog")
    await page.get_by_role("button", name="Account").click()
    await dialog.get_by_role("button", name="Status and local time").click()
    await dialog.get_by_label("Status").fill("x" * 101)
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("This is 1 character too long.")).to_be_visible()
    await dialog.get_by_label("Status").fill("On a boat")
    await dialog.get_by_label("Local time").select_option("Asia/Tokyo")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("What others see of you is saved.")).to_be_visible()
    await escape(page)
    [olga] = (await bob.http.get("/users", params={"q": "olga"})).json()["items"]
    assert (olga["status_text"], olga["time_zone"]) == ("On a boat", "Asia/Tokyo")
    await page.get_by_role("complementary", name="Members").get_by_role("link", name="olga").click()
    await expect(dialog.get_by_text("On a boat")).to_be_visible()
    await expect(dialog.get_by_text("where they are")).to_be_visible()


async def test_members_are_found_by_a_part_of_their_names(browser: Browser, sqlite_node: Node) -> None:
    people = [await sqlite_node.sign_up(name) for name in ("bob", "bobby", "carl")]
    await people[2].http.patch("/users/me", json={"display_name": "Karl Bobson"})
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    panel = page.get_by_role("complementary", name="Members")
    await expect(panel.locator(".members-count")).to_have_text("4")
    await panel.get_by_role("searchbox").fill("BOB")
    await expect(panel.get_by_role("listitem")).to_have_count(3)
    await expect(panel.get_by_text("@olga")).to_have_count(0)
    await panel.get_by_role("searchbox").fill("nobody")
    await expect(panel.get_by_text("Nobody here is called so.")).to_be_visible()
    await panel.get_by_role("searchbox").fill("")
    await expect(panel.get_by_role("listitem")).to_have_count(4)


async def test_lists_of_rooms_name_who_wrote_last_as_others_see_them_also_in_rooms_that_were_not_opened(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    await bob.http.patch("/users/me", json={"display_name": "Bob the Builder"})
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    [olga] = (await bob.http.get("/users", params={"q": "olga"})).json()["items"]
    den = (await bob.http.post("/rooms", json={"name": "Den", "visibility": "private"})).json()["id"]
    await bob.http.put(f"/rooms/{den}/members/{olga['id']}", json={"role": "member"})
    await bob.http.post("/rooms/lobby/leave")
    await bob.http.post(f"/rooms/{den}/messages", json={"ref": "1", "body": "hello"})
    await page.reload()
    rooms = page.get_by_role("navigation", name="Rooms")
    await expect(rooms.get_by_role("link", name="Den")).to_contain_text("Bob the Builder: hello")
    await rooms.get_by_role("link", name="Den").click()
    await say(page, "good morning")
    await expect(rooms.get_by_role("link", name="Den")).to_contain_text("You: good morning")
