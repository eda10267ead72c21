"""Reactions and pins by mouse, finger and keyboard, offline too, and all windows end alike."""

from typing import Any, Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.test_changes import PHONE, choose, message, room_of
from tests.browser.windows import Wire, escape, line, reconnect, say, stored, tab, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

THUMB: Final = "👍"


def chip(page: Page, text: str, emoji: str) -> Locator:
    """Return the reactions with an emoji to the message that has this text."""
    return message(page, text).locator(f".reaction[data-emoji='{emoji}']")


@pytest.mark.every_engine
async def test_a_reaction_is_seen_in_another_window_with_who_gave_it(
    browser: Browser, sqlite_node: Node
) -> None:
    alice = await window(browser, sqlite_node, "alice")
    bob = await window(browser, sqlite_node, "bob")
    await say(alice, "lunch?")
    await stored(bob, "lunch?")
    await message(bob, "lunch?").hover()
    await message(bob, "lunch?").get_by_role("button", name="React").click()
    await bob.get_by_role("menuitem", name=f"React with {THUMB}").click()
    for page in (alice, bob):
        await expect(chip(page, "lunch?", THUMB)).to_have_text(f"{THUMB} 1")
    await expect(chip(alice, "lunch?", THUMB)).to_have_attribute("title", f"bob reacted with {THUMB}")
    await expect(chip(bob, "lunch?", THUMB)).to_have_attribute("aria-pressed", "true")
    await chip(alice, "lunch?", THUMB).click()
    for page in (alice, bob):
        await expect(chip(page, "lunch?", THUMB)).to_have_text(f"{THUMB} 2")
    await choose(alice, "lunch?", "Who reacted")
    await expect(alice.get_by_role("dialog").get_by_role("listitem")).to_have_text(["bob", "alice"])
    await escape(alice)
    await chip(bob, "lunch?", THUMB).click()
    for page in (alice, bob):
        await expect(chip(page, "lunch?", THUMB)).to_have_text(f"{THUMB} 1")
    await alice.reload()
    await expect(chip(alice, "lunch?", THUMB)).to_have_attribute("aria-pressed", "true")


async def test_any_emoji_can_be_picked_by_the_keyboard(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    await say(page, "lunch?")
    await stored(page, "lunch?")
    await page.locator("textarea").press("Shift+Tab")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("+")
    await expect(page.get_by_role("menuitem").first).to_be_focused()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Pick an emoji")
    await expect(dialog.locator("input")).to_be_focused()
    await page.keyboard.type("pizza")
    await expect(
        dialog.get_by_role("button", name="pizza").or_(dialog.get_by_text("🍕")).first
    ).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(chip(page, "lunch?", "🍕")).to_have_text("🍕 1")
    await expect(message(page, "lunch?")).to_be_focused()


@pytest.mark.every_engine
async def test_reactions_and_pins_without_a_connection_are_kept_and_carried_out_in_their_order(
    browser: Browser, sqlite_node: Node
) -> None:
    owner = await sqlite_node.sign_up("olga")
    wire = Wire()
    alice = await window(browser, sqlite_node, "alice", wire)
    me = (await owner.http.get("/users", params={"q": "alice"})).json()["items"][0]["id"]
    room_id = await room_of(owner)
    await owner.http.put(f"/rooms/{room_id}/members/{me}", json={"role": "moderator"})
    await owner.http.post(f"/rooms/{room_id}/messages", json={"ref": "r", "body": "the plan"})
    await alice.goto(f"{sqlite_node.url}/#/rooms/{room_id}")
    another = await tab(alice.context, sqlite_node, "alice")
    await another.goto(f"{sqlite_node.url}/#/rooms/{room_id}")
    for page in (alice, another):
        await stored(page, "the plan")
    await wire.cut()
    await message(alice, "the plan").focus()
    for emoji in (THUMB, "🎉"):
        await alice.keyboard.press("+")
        await alice.get_by_role("menuitem", name=f"React with {emoji}").click()
        await expect(chip(alice, "the plan", emoji)).to_have_text(f"{emoji} 1")
    await chip(alice, "the plan", THUMB).click()
    await expect(chip(alice, "the plan", THUMB)).to_have_count(0)
    await choose(alice, "the plan", "Pin")
    await alice.reload()
    await expect(chip(alice, "the plan", "🎉")).to_have_text("🎉 1")
    await expect(message(alice, "the plan").get_by_text("Pinned")).to_be_visible()
    await expect(chip(another, "the plan", "🎉")).to_have_count(0)
    wire.mend()
    for page in (alice, another):
        await reconnect(page)
    for page in (another, alice):
        await expect(message(page, "the plan").get_by_text("Pinned")).to_be_visible(timeout=20_000)
        await expect(chip(page, "the plan", "🎉")).to_have_text("🎉 1")
        await expect(chip(page, "the plan", THUMB)).to_have_count(0)
    told = (await owner.http.get(f"/rooms/{room_id}/log", params={"after": 0})).json()["items"]
    kinds = [entry["type"] for entry in told if entry["user_id"] == me and "target" in entry]
    assert kinds == ["reaction", "reaction", "reaction", "pin"]
    assert len({change["ref"] for change in wire.changes}) == len(kinds)


async def test_pinned_messages_are_listed_and_lead_to_their_place(
    browser: Browser, sqlite_node: Node
) -> None:
    owner = await sqlite_node.sign_up("olga")
    page = await window(browser, sqlite_node, "alice")
    me = (await owner.http.get("/users", params={"q": "alice"})).json()["items"][0]["id"]
    room_id = await room_of(owner)
    await owner.http.put(f"/rooms/{room_id}/members/{me}", json={"role": "member"})
    body = "first\n" + "tall\n" * 20
    first = await owner.http.post(f"/rooms/{room_id}/messages", json={"ref": "r", "body": body})
    for number in range(15):
        await owner.http.post(f"/rooms/{room_id}/messages", json={"ref": str(number), "body": "tall\n" * 20})
    await owner.http.put(f"/rooms/{room_id}/messages/{first.json()['seq']}/pin")
    await page.goto(f"{sqlite_node.url}/#/rooms/{room_id}")
    await page.get_by_role("button", name="Mark as read").or_(page.locator("textarea")).first.focus()
    await page.get_by_role("button", name="Pinned messages").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".body")).to_contain_text(["first"])
    await expect(dialog.get_by_role("button", name="Unpin")).to_have_count(0)  # that is for moderators
    await dialog.get_by_role("button", name="Show in the room").click()
    await expect(dialog).to_have_count(0)
    await expect(message(page, "first")).to_be_in_viewport()
    await message(page, "first").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Copy text")).to_be_visible()
    await expect(page.get_by_role("menuitem", name="Pin")).to_have_count(0)
    await escape(page)
    await owner.http.put(f"/rooms/{room_id}/members/{me}", json={"role": "moderator"})
    await page.get_by_role("button", name="Pinned messages").click()
    await dialog.get_by_role("button", name="Unpin").click()
    await expect(dialog.get_by_text("Nothing is pinned here.")).to_be_visible()
    await escape(page)
    await expect(message(page, "first").get_by_text("Pinned")).to_have_count(0)
    assert (await owner.http.get(f"/rooms/{room_id}/pins")).json()["items"] == []


async def test_a_finger_that_rests_on_a_reaction_shows_who_gave_it(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    posted = await bob.http.post("/rooms/lobby/messages", json={"ref": "r", "body": "lunch?"})
    await bob.http.put(f"/rooms/lobby/messages/{posted.json()['seq']}/reactions/{THUMB}")
    phone: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    page = await window(browser, sqlite_node, "alice", **phone)
    await expect(page.locator(".seen-by")).to_be_attached()  # it moves the messages when it comes
    box = await chip(page, "lunch?", THUMB).bounding_box()
    assert box
    devtools = await page.context.new_cdp_session(page)
    point = {"x": box["x"] + 20, "y": box["y"] + 20}
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    dialog = page.get_by_role("dialog", name="Who reacted")
    await expect(dialog.get_by_role("listitem")).to_have_text(["bob"])
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await dialog.get_by_role("button", name="Close").tap()
    await expect(chip(page, "lunch?", THUMB)).to_have_text(f"{THUMB} 1")  # the press gave none
    await chip(page, "lunch?", THUMB).tap()
    await expect(chip(page, "lunch?", THUMB)).to_have_text(f"{THUMB} 2")


async def test_a_refused_reaction_is_taken_back_and_said(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    posted = await bob.http.post("/rooms/lobby/messages", json={"ref": "r", "body": "lunch?"})
    path = f"/rooms/lobby/messages/{posted.json()['seq']}"
    for code in range(20):
        assert (await bob.http.put(f"{path}/reactions/{chr(0x1F400 + code)}")).status_code == 200
    page = await window(browser, sqlite_node, "alice")
    await expect(message(page, "lunch?").locator(".reaction[data-emoji]")).to_have_count(20)
    await message(page, "lunch?").focus()
    await page.keyboard.press("+")
    await page.get_by_role("menuitem", name=f"React with {THUMB}").click()
    told = page.get_by_role("alert").filter(has_text="Your reaction was not added.")
    await expect(told).to_be_visible()
    await expect(message(page, "lunch?").locator(".reaction[data-emoji]")).to_have_count(20)
    await told.get_by_role("button", name="Dismiss").click()
    await expect(line(page, "lunch?")).to_be_visible()
