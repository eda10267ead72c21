"""Bans, reports, blocks, and deleting all that somebody wrote, in the page."""

from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from api.accounts.setup import setup_token
from api.store import open_store
from tests.browser.windows import about_the_room, card_of, escape, line, stored, window
from tests.node import PASSWORD, Node, Person

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

WIDE: Final = {"width": 1400, "height": 800}


async def den_with(page: Page, bob: Person) -> str:
    """Make a room called Den in a page, and add Bob to it, who writes something. Return its id."""
    await page.get_by_role("button", name="Create a room").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Den")
    await dialog.get_by_label("Public").check()
    await dialog.get_by_role("button", name="Create room").click()
    await expect(page.get_by_role("heading", name="Den", level=1)).to_be_visible()
    await page.get_by_role("button", name="Add someone").click()
    await dialog.get_by_label("Username").fill("bob")
    await dialog.get_by_role("button", name="Add to room").click()
    await expect(dialog).to_have_count(0)
    rooms = (await bob.http.get("/rooms")).json()["items"]
    den = next(str(room["id"]) for room in rooms if room["name"] == "Den")
    await bob.http.post(f"/rooms/{den}/messages", json={"ref": "1", "body": "rude"})
    await stored(page, "rude")
    return den


async def set_up(node: Node, folder: Path) -> httpx.AsyncClient:
    """Make the account of the first administrator. Return their client."""
    store = await open_store(f"sqlite:///{folder / 'tailwire.db'}")
    account = {"token": await setup_token(store), "username": "chief", "password": PASSWORD}
    await store.close()
    made = await node.client().post("/auth/setup", json=account)
    return node.client(Authorization=f"Bearer {made.json()['access_token']}")


async def test_whoever_is_banned_is_told_and_stands_in_the_list_of_bans_until_the_end_of_it(
    browser: Browser, sqlite_node: Node
) -> None:
    """Every way back that is refused meanwhile is in test_moving_in.py."""
    bob, zoe = await sqlite_node.sign_up("bob"), await sqlite_node.sign_up("zoe")
    hers = await window(browser, sqlite_node, "olga", viewport=WIDE)
    his = await window(browser, sqlite_node, "carl", viewport=WIDE)
    den = await den_with(hers, bob)
    await his.evaluate(f"location.hash = '#/rooms/{den}'")
    await his.get_by_role("button", name="Join this room").click()
    await expect(his.locator("textarea")).to_be_visible()
    await hers.get_by_role("button", name="Manage carl").click()
    dialog = hers.get_by_role("dialog")
    await dialog.get_by_role("button", name="Ban…").click()
    await expect(dialog.get_by_role("heading", name="Ban carl?")).to_be_visible()
    await dialog.get_by_label("Reason").fill("Shouts")
    await dialog.get_by_role("button", name="Ban from room").click()
    await expect(hers.locator(".notice").last).to_have_text("carl was banned")
    await expect(his.get_by_role("main").get_by_text("olga banned you from Den.")).to_be_visible()
    await about_the_room(hers, "Banned people")
    await expect(dialog.get_by_text("Shouts")).to_be_visible()
    await dialog.get_by_role("button", name="Ban someone").click()
    for name, told in (
        ("nobody-here", "Nobody here has this username."),
        ("olga", "You are not allowed to do this."),
    ):
        await dialog.get_by_label("Username").fill(name)
        await dialog.get_by_role("button", name="Ban from room").click()
        await expect(dialog.get_by_text(told)).to_be_visible()
    await dialog.get_by_label("Username").fill("@Zoe")  # who was never here
    await dialog.get_by_label("Reason").fill("Known from elsewhere")
    await dialog.get_by_role("button", name="Ban from room").click()
    await expect(dialog.get_by_text("zoe is banned.")).to_be_visible()
    await expect(dialog.get_by_text("Known from elsewhere")).to_be_visible()
    assert (await zoe.http.post(f"/rooms/{den}/join")).json()["code"] == "banned"
    await dialog.get_by_role("button", name="Let zoe come back").click()
    await expect(dialog.get_by_text("zoe may come back.")).to_be_visible()
    await dialog.get_by_role("button", name="Let carl come back").click()
    await expect(dialog.get_by_text("carl may come back.")).to_be_visible()
    await expect(dialog.get_by_text("Nobody is banned from this room.")).to_be_visible()
    await escape(hers)
    await expect(hers.locator(".notice").last).to_have_text("carl may come back")
    await his.get_by_role("button", name="Join this room").click()
    await expect(his.locator("textarea")).to_be_visible()


async def test_a_message_is_reported_and_the_administrators_are_told(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    administrator = await set_up(sqlite_node, tmp_path)
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga")
    sent = await bob.http.post("/rooms/lobby/messages", json={"ref": "1", "body": "rude"})
    await stored(page, "rude")
    await page.locator("article").filter(has_text="rude").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitem", name="Report").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("rude")).to_be_visible()
    await dialog.get_by_role("button", name="Report").click()
    await expect(dialog.get_by_text("Say what is wrong with it.")).to_be_visible()
    await dialog.get_by_label("What is wrong with it?").fill("It is rude.")
    await dialog.get_by_role("button", name="Report").click()
    await expect(page.get_by_text("Reported.")).to_be_visible()
    [report] = (await administrator.get("/admin/reports")).json()["items"]
    assert report["seq"] == sent.json()["seq"]
    assert report["reason"] == "It is rude."


async def test_all_that_somebody_wrote_lately_is_deleted(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    den = await den_with(page, bob)
    await bob.http.post(f"/rooms/{den}/messages", json={"ref": "2", "body": "worse"})
    await stored(page, "worse")
    dialog = await card_of(page, "bob")
    await dialog.get_by_role("button", name="Delete what they wrote").click()
    await expect(dialog.get_by_label("What they wrote")).to_have_value("hour")
    await dialog.get_by_role("button", name="Delete for everybody").click()
    await expect(dialog.get_by_text("2 messages deleted.")).to_be_visible()
    await dialog.get_by_role("button", name="Close").last.click()
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".tombstone")).to_have_count(2)
    await expect(line(page, "rude")).to_have_count(0)


async def test_what_somebody_writes_whom_one_blocked_is_hidden_until_one_looks_or_unblocks(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "olga", viewport=WIDE)
    await bob.http.post("/rooms/lobby/messages", json={"ref": "1", "body": "rude"})
    await stored(page, "rude")
    dialog = await card_of(page, "bob")
    await dialog.get_by_role("button", name="Block", exact=True).click()
    await dialog.get_by_role("button", name="Block", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(line(page, "rude")).to_have_count(0)
    await page.get_by_role("button", name="Show it").click()
    await expect(line(page, "rude")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Show it")).to_be_visible()
    await expect(page.get_by_role("link", name="Lobby").get_by_text("rude")).to_have_count(0)
    await page.get_by_role("button", name="Account").click()
    await dialog.get_by_role("button", name="Blocked people").click()
    await dialog.get_by_role("button", name="Unblock bob").click()
    await expect(dialog.get_by_text("You have blocked nobody.")).to_be_visible()
    await escape(page)
    await expect(line(page, "rude")).to_be_visible()
