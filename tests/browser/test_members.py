"""An owner adds somebody, changes their role and removes them; both windows show each step."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.windows import about_the_room, escape, say, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def make_den(page: Page) -> None:
    await page.get_by_role("button", name="Create a room").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Den")
    await dialog.get_by_label("Private").check()
    await dialog.get_by_role("button", name="Create room").click()
    await expect(page.get_by_role("heading", name="Den", level=1)).to_be_visible()


async def add(page: Page, username: str) -> None:
    await page.get_by_role("button", name="Add someone").click()
    await page.get_by_role("dialog").get_by_label("Username").fill(username)
    await page.get_by_role("dialog").get_by_role("button", name="Add to room").click()


async def manage(page: Page, name: str, role: str) -> None:
    await page.get_by_role("button", name=f"Manage {name}").click()
    await page.get_by_role("dialog").get_by_role("radio", name=re.compile(f"^{role}")).check()
    await page.get_by_role("dialog").get_by_role("button", name="Save role").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.every_engine
async def test_members_are_added_changed_and_removed_in_the_panel(
    browser: Browser, sqlite_node: Node
) -> None:
    wide = {"width": 1400, "height": 800}
    hers = await window(browser, sqlite_node, "olga", viewport=wide)
    his = await window(browser, sqlite_node, "bob", viewport=wide)
    await make_den(hers)
    await add(hers, "nobody-here")
    await expect(hers.get_by_text("Nobody here has this username.")).to_be_visible()
    await hers.get_by_role("dialog").get_by_role("button", name="Invite them by a link").click()
    await expect(hers.get_by_role("dialog").get_by_role("button", name="Make a link")).to_be_visible()
    await escape(hers)
    await hers.bring_to_front()  # in Firefox a window behind another has no focus
    await hers.get_by_role("log").get_by_role("button", name="Add people").click()
    await expect(hers.get_by_role("dialog").get_by_label("Username")).to_be_focused()
    await hers.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await hers.get_by_role("button", name="Add someone").click()
    await hers.get_by_role("dialog").get_by_label("Username").fill("@bo")
    await expect(hers.locator("datalist option")).to_have_attribute("value", "bob")
    await hers.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await add(hers, "@bob")
    panel = hers.get_by_role("complementary", name="Members")
    await expect(panel.get_by_text("@bob")).to_be_visible()

    await expect(his.get_by_text("olga added you to Den.")).to_be_visible()
    await expect(his.get_by_role("link", name="Den").get_by_text("New")).to_be_visible()
    await his.get_by_role("link", name="Den").click()
    await expect(his.get_by_text("olga added you to Den.")).to_have_count(0)
    await manage(hers, "bob", "Reader")
    await expect(his.get_by_text("You can read here.")).to_be_visible()
    await manage(hers, "bob", "Moderator")
    await expect(his.locator("textarea")).to_be_visible()
    await expect(his.get_by_text("is now a moderator")).to_be_visible()
    await expect(his.get_by_role("button", name="Add someone")).to_be_visible()
    await expect(his.get_by_role("button", name="Manage olga")).to_have_count(0)
    await say(his, "hello")
    lines = await his.locator("[role=log] .notice").all_inner_texts()
    assert [text.split(maxsplit=1)[1] for text in lines[-4:]] == [
        "made this room",
        "was added",
        "may now read along",
        "is now a moderator",
    ]
    await his.reload()
    await expect(his.locator("[role=log] .notice")).to_have_text(lines)

    await hers.get_by_role("button", name="Manage bob").click()
    await hers.get_by_role("button", name="Remove…").click()
    await expect(hers.get_by_role("heading", name="Remove bob?")).to_be_visible()
    await hers.get_by_role("button", name="Remove from room").click()
    await expect(panel.get_by_text("@bob")).to_have_count(0)
    await expect(hers.get_by_text("was removed")).to_be_visible()
    await expect(his.get_by_role("link", name="Den")).to_have_count(0)
    await expect(his.get_by_role("log")).to_have_count(0)
    await expect(his.get_by_role("main").get_by_text("olga removed you from Den.")).to_be_visible()
    await expect(his.get_by_text("There is no such room")).to_have_count(0)


async def test_the_last_owner_is_told_why_they_cannot_leave(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "olga", viewport={"width": 1400, "height": 800})
    await make_den(page)
    await about_the_room(page, "Leave this room")
    await expect(page.get_by_text("A room keeps an owner.")).to_be_visible()
    await expect(page.get_by_role("button", name="Leave room", exact=True)).to_be_disabled()
