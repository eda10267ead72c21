"""What owners and moderators set of a room: its name, who writes, how fast; and that it rests, or is gone."""

from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.windows import about_the_room, escape, say, stored, window
from tests.node import Node, Person

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

WIDE: Final = {"width": 1400, "height": 800}


async def den_of(bob: Person, page: Page, role: str = "owner", visibility: str = "private") -> str:
    """Make a room called Den of Bob, and of the user of a page with a role. Open it there. Return its id."""
    room = (await bob.http.post("/rooms", json={"name": "Den", "visibility": visibility})).json()
    # From it the page knows how the room was before what is changed later.
    await bob.http.patch(f"/rooms/{room['id']}", json={"topic": "Rocks"})
    [olga] = (await bob.http.get("/users", params={"q": "olga"})).json()["items"]
    await bob.http.put(f"/rooms/{room['id']}/members/{olga['id']}", json={"role": role})
    await page.evaluate(f"location.hash = '#/rooms/{room['id']}'")
    await expect(page.get_by_role("heading", name="Den", level=1)).to_be_visible()
    return str(room["id"])


@pytest.mark.every_engine
async def test_what_an_owner_sets_is_seen_at_once_in_another_window(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    hers = await window(browser, sqlite_node, "olga", viewport=WIDE)
    his = await window(browser, sqlite_node, "carl", viewport=WIDE)
    den = await den_of(bob, hers)
    [carl] = (await bob.http.get("/users", params={"q": "carl"})).json()["items"]
    await bob.http.put(f"/rooms/{den}/members/{carl['id']}", json={"role": "member"})
    await his.get_by_role("link", name="Den").click()
    await about_the_room(hers, "Room settings")
    dialog = hers.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(" ")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("Give the room a name.")).to_be_visible()
    await dialog.get_by_label("Name").fill("Cave")
    await dialog.get_by_label("Topic").fill("Bats")
    await dialog.get_by_role("radio", name="Moderators").check()
    await dialog.get_by_label("Slow mode").select_option("30 seconds")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0)
    told = (
        "olga renamed the room to “Cave”, changed the topic to “Bats”, lets only moderators write"
        " and set slow mode to 30 seconds between two messages"
    )
    for page in (hers, his):
        await expect(page.get_by_role("heading", name="Cave", level=1)).to_be_visible()
        await expect(page.locator(".topic")).to_have_text("Bats")
        await expect(page.locator(".notice").last).to_have_text(told)
    await expect(hers.locator("textarea")).to_be_visible()
    await expect(hers.locator(".composer-slow")).to_have_count(0)
    await expect(his.get_by_text("Only moderators write.")).to_be_visible()
    await his.get_by_role("button", name="More about this room").click()
    await expect(his.get_by_role("menuitem", name="Leave this room")).to_be_visible()
    await expect(his.get_by_role("menuitem", name="Room settings")).to_have_count(0)
    await his.reload()
    await expect(his.locator(".notice").last).to_have_text(told)


async def test_a_private_room_is_made_public_by_its_name_only(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    den = await den_of(bob, page)
    dialog = page.get_by_role("dialog")
    await about_the_room(page, "Room settings")
    await dialog.get_by_label("Topic").fill("Tea")
    await dialog.get_by_role("radio", name="Public").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("heading", name="Make this room public?")).to_be_visible()
    await dialog.get_by_role("button", name="Back").click()
    await expect(dialog.get_by_label("Topic")).to_have_value("Tea")
    await dialog.get_by_role("button", name="Save").click()
    await dialog.get_by_label("Name of the room").fill("Cave")
    await dialog.get_by_role("button", name="Make it public").click()
    await expect(dialog.get_by_text("This is not the name of the room.")).to_be_visible()
    assert (await bob.http.get(f"/rooms/{den}")).json()["visibility"] == "private"
    await dialog.get_by_label("Name of the room").fill("den")
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".notice").last).to_have_text(
        "olga changed the topic to “Tea” and made the room public"
    )


async def test_a_moderator_sets_the_topic_and_slow_mode_and_nothing_else(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    await den_of(bob, page, "moderator")
    await about_the_room(page, "Room settings")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Slow mode")).to_be_visible()
    await expect(dialog.get_by_label("Topic")).to_be_focused()
    await expect(dialog.get_by_role("radio")).to_have_count(0)
    await expect(dialog.get_by_label("Name")).to_have_count(0)
    await expect(dialog.get_by_role("button", name="Archive…")).to_have_count(0)


async def test_slow_mode_counts_down_and_keeps_what_is_typed(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga")
    den = await den_of(bob, page, "member")
    await bob.http.patch(f"/rooms/{den}", json={"slow_seconds": 3})
    note = page.get_by_role("timer")
    await expect(note).to_have_text("Slow mode: 3 seconds between two messages.")
    await say(page, "one")
    await stored(page, "one")
    await expect(note).to_contain_text("you can write again in")
    await say(page, "two")
    await expect(page.locator("textarea")).to_have_value("two")
    await expect(page.locator("article").filter(has_text="two")).to_have_count(0)
    await expect(note).to_have_text("Slow mode: 3 seconds between two messages.")
    await page.locator("textarea").press("Enter")
    await stored(page, "two")
    await page.reload()  # the page does not know any more that one waits
    await expect(note).to_have_text("Slow mode: 3 seconds between two messages.")
    await say(page, "three")
    await stored(page, "three")
    await expect(page.locator("article").filter(has_text="three")).to_have_count(1)


async def test_an_archived_room_is_read_and_comes_back(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    den = await den_of(bob, page)
    await bob.http.post(f"/rooms/{den}/messages", json={"ref": "1", "body": "hello"})
    await page.locator("textarea").fill("half a tho")
    dialog = page.get_by_role("dialog")
    await about_the_room(page, "Room settings")
    await dialog.get_by_role("button", name="Archive…").click()
    await dialog.get_by_role("button", name="Archive it").click()
    await expect(page.get_by_text("This room is archived.")).to_be_visible()
    await expect(page.locator("textarea")).to_have_count(0)
    await expect(page.locator(".notice").last).to_have_text("olga archived the room")
    message = page.locator("article").filter(has_text="hello")
    await message.focus()
    await page.keyboard.press("Enter")
    menu = page.get_by_role("menu")
    await expect(menu.get_by_role("menuitem", name="Copy text")).to_be_visible()
    for name in ("Reply", "Pin"):
        await expect(menu.get_by_role("menuitem", name=name)).to_have_count(0)
    await escape(page)
    await about_the_room(page, "Room settings")
    await dialog.get_by_role("button", name="Bring it back").click()
    await expect(page.locator("textarea")).to_have_value("half a tho")
    await expect(page.locator(".notice").last).to_have_text("olga brought the room back from the archive")


async def test_a_room_is_deleted_by_its_name_and_everybody_is_told(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    hers = await window(browser, sqlite_node, "olga", viewport=WIDE)
    his = await window(browser, sqlite_node, "carl", viewport=WIDE)
    den = await den_of(bob, hers)
    [carl] = (await bob.http.get("/users", params={"q": "carl"})).json()["items"]
    await bob.http.put(f"/rooms/{den}/members/{carl['id']}", json={"role": "member"})
    await expect(his.get_by_role("link", name="Den")).to_be_visible()
    await about_the_room(hers, "Delete this room")
    dialog = hers.get_by_role("dialog")
    await dialog.get_by_role("button", name="Delete the room").click()
    await expect(dialog.get_by_text("This is not the name of the room.")).to_be_visible()
    await dialog.get_by_label("Name of the room").fill("Den")
    await dialog.get_by_role("button", name="Delete the room").click()
    told = "olga deleted Den, with all that was written in it."
    await expect(hers.get_by_role("main").get_by_text(told)).to_be_visible()
    await expect(his.locator(".banner").get_by_text(told)).to_be_visible()
    for page in (hers, his):
        await expect(page.get_by_role("link", name="Den")).to_have_count(0)
        await expect(page.get_by_role("dialog")).to_have_count(0)
