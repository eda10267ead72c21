"""Messages are edited and deleted by mouse, finger and keyboard, offline too, and all windows end alike."""

from contextlib import suppress
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.windows import Wire, escape, line, reconnect, say, stored, tab, window
from tests.node import Node, Person

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

PHONE: Final = {"width": 390, "height": 844}
WAITING: Final = "Waiting to be sent"
GONE: Final = "This message was deleted."


def message(page: Page, text: str) -> Locator:
    """Return the row of the message that has this text."""
    return page.get_by_role("log").locator("article").filter(has_text=text)


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Edit the message")


async def choose(page: Page, text: str, action: str) -> None:
    """Open the menu of a message by the mouse, and choose from it. What changes above it may move it from the mouse."""
    more = message(page, text).get_by_role("button", name="More")
    for _ in range(5):
        await message(page, text).hover()
        with suppress(AssertionError):
            await expect(more).to_be_visible(timeout=1_000)
            break
    await more.click()
    await page.get_by_role("menuitem", name=action).click()


async def delete(page: Page, text: str) -> None:
    await choose(page, text, "Delete")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(dialog).to_have_count(0)


async def room_of(owner: Person, *members: Person) -> str:
    """Make a room with these members, and return its id."""
    made = await owner.http.post("/rooms", json={"name": "Den", "visibility": "public"})
    room_id: str = made.json()["id"]
    for member in members:
        await member.http.post(f"/rooms/{room_id}/join")
    return room_id


@pytest.mark.every_engine
async def test_an_edit_and_a_delete_are_seen_in_another_window(browser: Browser, sqlite_node: Node) -> None:
    alice = await window(browser, sqlite_node, "alice")
    bob = await window(browser, sqlite_node, "bob")
    await say(alice, "the frist text")
    await expect(line(bob, "the frist text")).to_have_count(1)
    await choose(alice, "the frist text", "Edit")
    await expect(editor(alice)).to_have_value("the frist text")
    await editor(alice).fill("the first text")
    await alice.get_by_role("button", name="Save").click()
    for page in (alice, bob):
        await expect(line(page, "the first text")).to_have_count(1)
        await expect(line(page, "the frist text")).to_have_count(0)
    await bob.get_by_role("button", name="edited").click()
    await expect(bob.get_by_role("dialog").locator(".body")).to_have_text(
        ["the frist text", "the first text"]
    )
    await escape(bob)
    await choose(alice, "the first text", "Delete")
    await alice.get_by_role("dialog").get_by_role("button", name="Keep").click()
    await delete(alice, "the first text")
    for page in (alice, bob):
        await expect(page.get_by_text(GONE)).to_have_count(1)
        await expect(line(page, "the first text")).to_have_count(0)
    await bob.reload()
    await expect(bob.get_by_text(GONE)).to_have_count(1)


async def test_the_keyboard_alone_edits_and_deletes(browser: Browser, sqlite_node: Node) -> None:
    wire = Wire()
    alice = await window(browser, sqlite_node, "alice", wire)
    composer = alice.locator("textarea").last
    for text in ("one", "two"):
        await say(alice, text)
        await stored(alice, text)
    await composer.press("ArrowUp")
    await expect(editor(alice)).to_have_value("two")
    await alice.keyboard.type(" and more")
    await alice.keyboard.press("Escape")
    await expect(editor(alice)).to_have_count(0)
    await expect(composer).to_be_focused()
    await composer.press("ArrowUp")
    await expect(editor(alice)).to_have_value("two")  # what was cancelled is gone
    await alice.keyboard.press("Enter")  # nothing was changed
    await expect(editor(alice)).to_have_count(0)
    assert wire.changes == []
    await alice.keyboard.press("ArrowUp")
    await expect(editor(alice)).to_be_focused()
    await alice.keyboard.type("!")
    await alice.keyboard.press("Enter")
    await expect(line(alice, "two!")).to_have_count(1)
    await composer.press("Shift+Tab")
    for _ in range(2):
        await alice.keyboard.press("ArrowUp")
    await expect(message(alice, "one")).to_be_focused()
    await alice.keyboard.press("e")
    await editor(alice).fill(" ")
    await alice.keyboard.press("Enter")  # an empty text asks whether to delete
    await expect(alice.get_by_role("heading", name="Delete this message?")).to_be_visible()
    await escape(alice)
    await expect(editor(alice)).to_be_focused()
    await alice.keyboard.press("Escape")
    await expect(editor(alice)).to_have_count(0)
    await expect(message(alice, "one")).to_be_focused()
    await alice.keyboard.press("Enter")
    await expect(alice.get_by_role("menuitem").first).to_be_focused()
    await alice.keyboard.press("End")
    await expect(alice.get_by_role("menuitem", name="Delete")).to_be_focused()
    await escape(alice)
    await expect(message(alice, "one")).to_be_focused()
    await alice.keyboard.press("Delete")
    dialog = alice.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    for _ in range(3):
        await alice.keyboard.press("Tab")
    await expect(dialog.get_by_role("button", name="Delete")).to_be_focused()
    await alice.keyboard.press("Enter")
    await expect(alice.get_by_text(GONE)).to_have_count(1)
    assert [change["type"] for change in wire.changes] == ["edit", "delete"]
    assert all(change["epoch"] for change in wire.changes)


async def test_the_last_message_is_edited_in_sight_wherever_one_reads(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    for text in ("tall\n" * 20, "tall\n" * 20, "mine"):
        await say(page, text)
    await stored(page, "mine")
    await page.get_by_role("log").evaluate("one => { one.scrollTop = 0 }")
    await expect(message(page, "mine")).not_to_be_in_viewport()
    await page.locator("textarea").press("ArrowUp")
    await expect(editor(page)).to_be_focused()
    await expect(editor(page)).to_be_in_viewport()


@pytest.mark.every_engine
async def test_changes_made_without_a_connection_show_at_once_survive_a_reload_and_are_sent_once(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await window(browser, sqlite_node, "bob")
    wire = Wire()
    alice = await window(browser, sqlite_node, "alice", wire)
    another = await tab(alice.context, sqlite_node, "alice")
    for text in ("one", "two"):
        await say(alice, text)
        await stored(alice, text)
        await expect(line(bob, text)).to_have_count(1)
    await wire.cut()
    await choose(alice, "one", "Edit")
    await editor(alice).fill("uno")
    await alice.keyboard.press("Enter")
    await expect(line(alice, "uno")).to_have_count(1)
    await delete(alice, "two")
    await say(alice, "three")
    await expect(alice.get_by_text(GONE)).to_have_count(1)
    await alice.reload()
    await expect(line(alice, "uno")).to_have_count(1)
    await expect(alice.get_by_text(GONE)).to_have_count(1)
    await expect(alice.get_by_text(WAITING)).to_have_count(3)
    await expect(line(another, "one")).to_have_count(1)
    wire.mend()
    for page in (alice, another):
        await reconnect(page)
    for page in (bob, alice, another):
        await expect(line(page, "uno")).to_have_count(1, timeout=20_000)
        await expect(page.get_by_text(GONE)).to_have_count(1)
        await expect(line(page, "three")).to_have_count(1)
        await expect(page.get_by_text(WAITING)).to_have_count(0)
    assert [change["type"] for change in wire.changes] == ["edit", "delete"]


async def test_an_edit_that_meets_a_delete_is_undone_and_its_text_is_not_lost(
    browser: Browser, sqlite_node: Node
) -> None:
    owner = await sqlite_node.sign_up("olga")
    wire = Wire()
    alice = await window(browser, sqlite_node, "alice", wire)
    room_id = await room_of(owner)
    await alice.goto(f"{sqlite_node.url}/#/rooms/{room_id}")
    await alice.get_by_role("button", name="Join this room").click()
    await say(alice, "mine")
    await stored(alice, "mine")
    seq = await message(alice, "mine").get_attribute("data-seq")
    await wire.cut()
    await choose(alice, "mine", "Edit")
    await editor(alice).fill("a long thought")
    await alice.keyboard.press("Enter")
    await expect(line(alice, "a long thought")).to_have_count(1)
    assert (await owner.http.delete(f"/rooms/{room_id}/messages/{seq}")).status_code == 204
    wire.mend()
    await reconnect(alice)
    await expect(alice.get_by_text(GONE)).to_have_count(1, timeout=20_000)
    told = alice.get_by_role("alert").filter(has_text="Your edit was not saved.")
    await expect(told).to_contain_text("a long thought")
    await told.get_by_role("button", name="Dismiss").click()
    await expect(told).to_have_count(0)
    await alice.reload()
    await expect(alice.get_by_text(GONE)).to_have_count(1)
    await expect(alice.get_by_text(WAITING)).to_have_count(0)


async def test_a_moderator_is_offered_what_the_policy_allows(browser: Browser, sqlite_node: Node) -> None:
    owner = await sqlite_node.sign_up("olga")
    carol = await sqlite_node.sign_up("carol")
    page = await window(browser, sqlite_node, "alice")
    me = (await owner.http.get("/users", params={"q": "alice"})).json()["items"][0]["id"]
    room_id = await room_of(owner, carol)
    await owner.http.put(f"/rooms/{room_id}/members/{me}", json={"role": "moderator"})
    for person in (owner, carol):
        body = {"ref": "r", "body": f"by {person.username}"}
        await person.http.post(f"/rooms/{room_id}/messages", json=body)
    await page.goto(f"{sqlite_node.url}/#/rooms/{room_id}")
    offered = page.get_by_role("menuitem")
    for author, is_offered in (("olga", False), ("carol", True)):
        await message(page, f"by {author}").hover()
        await message(page, f"by {author}").get_by_role("button", name="More").click()
        await expect(offered.filter(has_text="Copy text")).to_be_visible()
        await expect(offered.filter(has_text="Edit")).to_have_count(0)
        await expect(offered.filter(has_text="Delete")).to_have_count(int(is_offered))
        await escape(page)
    await delete(page, "by carol")
    await expect(page.get_by_text(GONE)).to_have_count(1)
    await owner.http.put(f"/rooms/{room_id}/members/{me}", json={"role": "reader"})
    await expect(page.get_by_text("You can read here.")).to_be_visible()
    await message(page, "by olga").hover()
    await expect(message(page, "by olga").get_by_role("button", name="Reply")).to_have_count(0)


async def test_a_finger_that_rests_on_a_message_opens_its_menu(browser: Browser, sqlite_node: Node) -> None:
    phone: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    page = await window(browser, sqlite_node, "alice", **phone)
    await page.locator("textarea").fill("press me")
    await page.get_by_role("button", name="Send").tap()
    await stored(page, "press me")
    box = await line(page, "press me").get_by_text("press me").bounding_box()
    assert box
    devtools = await page.context.new_cdp_session(page)
    point = {"x": box["x"] + 10, "y": box["y"] + 5}
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    menu = page.get_by_role("menu")
    await expect(menu).to_be_visible()
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await expect(menu).to_be_visible()  # the end of the press chooses nothing
    await menu.get_by_role("menuitem", name="Edit").tap()
    await expect(editor(page)).to_have_value("press me")
    await editor(page).fill("pressed")
    await page.get_by_role("button", name="Save").tap()
    await expect(line(page, "pressed")).to_have_count(1)


async def test_what_is_on_the_screen_stays_there_when_a_message_above_it_changes(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    seqs = []
    for number in range(60):
        answer = await bob.http.post(
            "/rooms/lobby/messages", json={"ref": f"r{number}", "body": f"number {number}"}
        )
        seqs.append(answer.json()["seq"])
    page = await window(browser, sqlite_node, "alice")
    await expect(line(page, "number 59")).to_be_visible()
    # The one at the upper edge is cut by it.
    await page.evaluate(
        """() => {
            const list = document.querySelector('[role=log]'), row = [...list.querySelectorAll('article')].at(-30)
            list.scrollTop += row.getBoundingClientRect().bottom - list.getBoundingClientRect().top - 8
        }"""
    )
    await expect(line(page, "number 59")).not_to_be_in_viewport()
    before = await line(page, "number 35").bounding_box()
    assert before
    for number in (5, 28, 29, 30):
        await bob.http.patch(
            f"/rooms/lobby/messages/{seqs[number]}",
            json={"ref": f"e{number}", "body": "tall\n" * 5 + str(number)},
        )
    await bob.http.delete(f"/rooms/lobby/messages/{seqs[27]}")
    await expect(page.locator(".message").filter(has_text="edited")).to_have_count(4)
    await expect(page.get_by_text(GONE)).to_have_count(1)
    after = await line(page, "number 35").bounding_box()
    assert after
    assert abs(after["y"] - before["y"]) < 2


async def test_a_link_to_a_message_leads_to_it(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    for number in range(15):
        await bob.http.post(
            "/rooms/lobby/messages", json={"ref": f"r{number}", "body": f"number {number}\n" + "tall\n" * 20}
        )
    page = await window(browser, sqlite_node, "alice")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby/messages/3")
    await expect(page.locator("[data-seq='3']")).to_be_in_viewport()
    await page.locator("[data-seq='3']").focus()
    await page.keyboard.press("l")
    await expect(page.get_by_text("Link copied.")).to_be_visible()
    assert (
        await page.evaluate("navigator.clipboard.readText()") == f"{sqlite_node.url}/#/rooms/lobby/messages/3"
    )
