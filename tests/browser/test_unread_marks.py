"""The list of rooms shows what waits: unread messages, those that were marked so, and drafts."""

import asyncio

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.windows import Wire, line, tab, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]


def lobby(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Lobby")


async def test_messages_marked_as_unread_stay_so_until_one_comes_back_also_in_another_tab(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice")
    for number in range(3):
        await bob.http.post("/rooms/lobby/messages", json={"ref": str(number), "body": f"news {number}"})
    await expect(line(page, "news 2")).to_be_visible()
    other = await tab(page.context, sqlite_node, "alice")
    await other.goto(f"{sqlite_node.url}/#/browse")
    await page.bring_to_front()
    badge = lobby(page).locator(".badge")
    await expect(badge).to_have_count(0)
    await page.locator("article").filter(has_text="news 1").focus()
    await page.keyboard.press("u")
    await expect(badge).to_contain_text("2")
    await expect(page.locator("[data-unread] + article")).to_contain_text("news 1")
    await expect(lobby(other).locator(".badge")).to_contain_text("2")
    await bob.http.post("/rooms/lobby/messages", json={"ref": "more", "body": "more"})
    await expect(badge).to_contain_text("3")
    await page.reload()  # the server knows of it
    await expect(page.locator("[data-unread] + article")).to_contain_text("news 1")
    await expect(badge).to_have_count(0)  # who opens the room reads it


async def test_messages_marked_as_unread_stay_so_when_the_server_tells_late_what_was_read_before(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    wire = Wire()
    page = await window(browser, sqlite_node, "alice", wire)
    wire.late = "read"
    for number in range(3):
        async with page.expect_request("**/rooms/lobby/read"):
            await bob.http.post("/rooms/lobby/messages", json={"ref": str(number), "body": f"news {number}"})
    heard = asyncio.Event()

    async def answer_late(route: Route) -> None:
        answer = await route.fetch()
        await heard.wait()
        await route.fulfill(response=answer)

    await page.route("**/rooms/lobby/read", answer_late)
    async with page.expect_response("**/rooms/lobby/read"):
        await page.locator("article").filter(has_text="news 1").focus()
        await page.keyboard.press("u")
        await wire.let_through(4)
        heard.set()
    badge = lobby(page).locator(".badge")
    await expect(badge).to_contain_text("2")
    await bob.http.post("/rooms/lobby/messages", json={"ref": "more", "body": "more"})
    await expect(badge).to_contain_text("3")
    await page.reload()  # the server knows of it
    await expect(page.locator("[data-unread] + article")).to_contain_text("news 1")
    await page.unroute_all(behavior="ignoreErrors")  # the page ends while it reports


async def test_a_draft_is_marked_in_the_list_of_rooms_and_survives_a_reload_and_a_closed_tab(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    draft = lobby(page).get_by_text("Draft")
    await page.locator("textarea").fill("half a tho")
    await expect(draft).to_have_count(0)  # it is before one's eyes
    await page.get_by_role("link", name="Browse public rooms").click()
    await expect(draft).to_have_count(1)
    await page.reload()
    await expect(draft).to_have_count(1)
    await lobby(page).click()
    await expect(page.locator("textarea")).to_have_value("half a tho")
    other = await tab(page.context, sqlite_node, "alice")
    text = other.locator("textarea")
    await expect(text).to_have_value("half a tho")
    await text.fill("half a thought")
    await page.bring_to_front()
    await expect(page.locator("textarea")).to_have_value("half a thought")
    await page.close()
    await other.reload()
    await expect(text).to_have_value("half a thought")


async def test_a_room_is_marked_as_read_and_its_notifications_are_set_without_opening_it(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice")
    await page.goto(f"{sqlite_node.url}/#/browse")
    await bob.http.post("/rooms/lobby/messages", json={"ref": "1", "body": "news"})
    await expect(lobby(page).locator(".badge")).to_contain_text("1")
    menu = page.get_by_role("menu")
    await page.get_by_role("button", name="Place of Lobby").press("Enter")
    await menu.get_by_role("menuitem", name="Mark as read").click()
    await expect(lobby(page).locator(".badge")).to_have_count(0)
    await page.get_by_role("button", name="Place of Lobby").press("Enter")
    await expect(menu.get_by_role("menuitem", name="Mark as read")).to_have_count(0)
    await menu.get_by_role("menuitem", name="Notifications").click()
    await expect(page.get_by_role("dialog").get_by_role("radio", name="Every message")).to_be_visible()
