"""Notices of the system: of what mentions one, once in all tabs, and only where one has asked for them."""

from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.windows import escape, tab, window
from tests.node import Node, Person

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

RECORD: Final = """
window.shown = []; window.asked = 0
const Real = window.Notification
window.Notification = class extends EventTarget {
  static get permission() { return window.granted ?? Real.permission }
  static async requestPermission() { window.asked += 1; window.granted = 'granted'; return 'granted' }
  constructor(title, { body }) {
    super()
    window.shown.push(this)
    localStorage.shown = JSON.stringify([...JSON.parse(localStorage.shown ?? '[]'), `${title}: ${body}`])
  }
  close() {}
}
"""
"""Keeps the notices that the tabs of a browser make: without a head it shows none."""


async def recorded(page: Page) -> None:
    await page.context.add_init_script(RECORD)
    await page.reload()


async def mention(bob: Person, ref: str, text: str = "hi", room_id: str = "lobby") -> None:
    await bob.http.post(f"/rooms/{room_id}/messages", json={"ref": ref, "body": f"@alice {text}"})


async def with_alice(bob: Person) -> str:
    """Make another room, called News, of Bob and Alice. Return its id."""
    room = (await bob.http.post("/rooms", json={"name": "News", "visibility": "private"})).json()
    [alice] = (await bob.http.get("/users", params={"q": "alice"})).json()["items"]
    await bob.http.put(f"/rooms/{room['id']}/members/{alice['id']}", json={"role": "member"})
    return str(room["id"])


async def notices(page: Page, count: int) -> Any:
    """Return the notices of all tabs as soon as there are so many."""
    await page.wait_for_function("count => JSON.parse(localStorage.shown ?? '[]').length >= count", arg=count)
    return await page.evaluate("JSON.parse(localStorage.shown)")


async def test_of_two_tabs_one_shows_a_notice_and_it_leads_to_the_message(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice", permissions=["notifications"])
    news = await with_alice(bob)
    await recorded(page)
    other = await tab(page.context, sqlite_node, "alice")
    for one in (page, other):
        await one.get_by_role("link", name="Browse public rooms").click()
        await expect(one.get_by_role("heading", name="Public rooms")).to_be_visible()
    await mention(bob, "1", "<b>look</b>")
    first = "bob in Lobby: @alice <b>look</b>"
    assert await notices(page, 1) == [first]
    teller = page if await page.evaluate("window.shown.length") else other
    await teller.bring_to_front()
    await teller.evaluate("window.shown[0].onclick()")
    await expect(teller.locator("article.to-me")).to_have_count(1)
    await mention(bob, "2")  # the room is looked at now
    await expect(teller.locator("article.to-me")).to_have_count(2)
    await mention(bob, "3", room_id=news)
    assert await notices(page, 2) == [first, "bob in News: @alice hi"]


async def test_one_is_asked_after_the_first_mention_and_never_before(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice")
    await page.context.add_init_script("window.granted = 'default'")
    await recorded(page)
    await page.get_by_role("link", name="Browse public rooms").click()
    await bob.http.post("/rooms/lobby/messages", json={"ref": "0", "body": "plain"})
    await expect(page.locator(".room-item .badge")).to_be_visible()
    wanted = page.get_by_role("button", name="Notify me")
    await expect(wanted).to_have_count(0)
    await mention(bob, "1")
    await expect(wanted).to_be_visible()
    assert await page.evaluate("window.asked") == 0
    await wanted.click()
    await expect(wanted).to_have_count(0)
    assert await page.evaluate("window.asked") == 1
    await mention(bob, "2")
    assert await notices(page, 1) == ["bob in Lobby: @alice hi"]
    await expect(page).to_have_title("(3) Tailwire")
    icon = page.locator("link[rel=icon]")
    await expect(icon).to_have_attribute("type", "image/png")
    await page.get_by_role("link", name="Lobby").first.click()
    await expect(icon).to_have_attribute("type", "image/svg+xml")


async def test_a_muted_room_is_dimmed_here_and_in_another_window_and_tells_nothing(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice", permissions=["notifications"])
    news = await with_alice(bob)
    await recorded(page)
    other = await tab(await browser.new_context(), sqlite_node, "alice")
    await other.get_by_role("link", name="Browse public rooms").click()
    await page.get_by_role("button", name="Notifications", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="1 hour").click()
    await expect(page.get_by_role("dialog").get_by_role("button", name="Unmute")).to_be_visible()
    await escape(page)
    await page.get_by_role("link", name="Browse public rooms").click()
    await mention(bob, "1")
    for one in (page, other):
        await expect(one.locator(".room-item.muted .unread-dot")).to_be_visible()
        await expect(one.locator(".room-item.muted .badge")).to_have_count(0)
        await expect(one).to_have_title("Tailwire")
    await mention(bob, "2", room_id=news)
    assert await notices(page, 1) == ["bob in News: @alice hi"]
