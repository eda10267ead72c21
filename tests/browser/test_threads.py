"""Threads beside a room, replies in both, and messages that are forwarded to another room."""

from typing import Any, Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.windows import Wire, line, reconnect, window
from tests.node import Node, Person

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

PHONE: Final = {"width": 390, "height": 844}


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Thread")


def replies(page: Page) -> Locator:
    """The texts in the thread, its root first."""
    return panel(page).get_by_role("log").locator("article .body")


def field(page: Page) -> Locator:
    return panel(page).get_by_role("textbox", name="Reply in the thread")


async def send(author: Person, body: str, reply_to: int | None = None, room: str = "lobby") -> int:
    answer = await author.http.post(
        f"/rooms/{room}/messages", json={"ref": body.split("\n", 1)[0], "body": body, "reply_to": reply_to}
    )
    assert answer.status_code == 201, answer.text
    seq: int = answer.json()["seq"]
    return seq


async def open_by_key(page: Page, seq: int) -> None:
    await page.locator(f"[data-seq='{seq}']").first.focus()
    await page.keyboard.press("t")
    await expect(panel(page)).to_be_visible()


@pytest.mark.every_engine
async def test_a_thread_is_read_and_answered_by_the_keyboard_alone_and_is_live(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    root = await send(bob, "shall we?")
    page = await window(browser, sqlite_node, "alice")
    other = await window(browser, sqlite_node, "carol")
    await expect(line(page, "shall we?")).to_have_count(1)
    await page.bring_to_front()  # in Firefox another window has no focus
    await open_by_key(page, root)
    await expect(field(page)).to_be_focused()
    await page.keyboard.type("yes")
    await page.keyboard.press("Enter")
    await expect(replies(page)).to_have_text(["shall we?", "yes"])
    for one in (page, other):
        await expect(one.get_by_role("button", name="1 reply")).to_have_count(1)
    await other.get_by_role("button", name="1 reply").click()
    await expect(replies(other)).to_have_text(["shall we?", "yes"])
    await send(bob, "good", root)
    for one in (page, other):
        await expect(replies(one)).to_have_text(["shall we?", "yes", "good"])
        await expect(one.get_by_role("button", name="2 replies")).to_have_count(1)
    await page.bring_to_front()
    await page.keyboard.press("Escape")
    await expect(panel(page)).to_have_count(0)
    await expect(page.locator(f"[data-seq='{root}']")).to_be_focused()
    await expect(page).to_have_url(f"{sqlite_node.url}/#/rooms/lobby")


async def test_a_thread_is_right_after_a_resume_and_keeps_its_draft(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    root = await send(bob, "root")
    await send(bob, "first", root)
    gone = await send(bob, "second", root)
    wire = Wire()
    page = await window(browser, sqlite_node, "alice", wire)
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby/threads/{root}")
    await expect(replies(page)).to_have_text(["root", "first", "second"])
    await wire.cut()
    await field(page).fill("mine")
    await field(page).press("Enter")
    await expect(replies(page)).to_have_text(["root", "first", "second", "mine"])
    await field(page).fill("half a tho")
    await bob.http.delete(f"/rooms/lobby/messages/{gone}")
    await send(bob, "third", root)
    wire.mend()
    await reconnect(page)
    await expect(replies(page)).to_have_text(["root", "first", "third", "mine"], timeout=20_000)
    await expect(page.get_by_role("button", name="3 replies")).to_have_count(1)
    await expect(panel(page).get_by_text("This message was deleted.")).to_have_count(1)
    await page.reload()
    await expect(replies(page)).to_have_text(["root", "first", "third", "mine"])
    await expect(field(page)).to_have_value("half a tho")
    await expect(page.get_by_role("textbox", name="Message Lobby")).to_have_value("")


async def test_a_link_to_a_reply_shows_it_in_the_room_and_in_its_thread(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    root = await send(bob, "root")
    seqs = [await send(bob, f"reply {number}\n" + "tall\n" * 12, root) for number in range(70)]
    page = await window(browser, sqlite_node, "alice")
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby/messages/{seqs[3]}")
    await expect(page.locator(f".place [data-seq='{seqs[3]}']")).to_be_in_viewport()
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby/threads/{root}/{seqs[60]}")
    await expect(panel(page).locator(f"[data-seq='{seqs[60]}']")).to_be_in_viewport()
    await expect(panel(page).locator(f"[data-seq='{seqs[60]}']")).to_contain_text("reply 60")


async def test_an_answer_to_a_deleted_message_keeps_its_text(browser: Browser, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    root = await send(bob, "root")
    wire = Wire()
    page = await window(browser, sqlite_node, "alice", wire)
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby/threads/{root}")
    await expect(replies(page)).to_have_text(["root"])
    await wire.cut()
    await field(page).fill("a long thought")
    await field(page).press("Enter")
    await expect(replies(page)).to_have_text(["root", "a long thought"])
    await bob.http.delete(f"/rooms/lobby/messages/{root}")
    wire.mend()
    await reconnect(page)
    await expect(panel(page).get_by_text("Not sent.")).to_be_visible(timeout=20_000)
    await expect(replies(page)).to_have_text(["a long thought"])
    await expect(panel(page).get_by_text("This message was deleted.")).to_be_visible()


async def test_a_phone_shows_the_thread_alone_and_back_leads_to_the_room(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    root = await send(bob, "root")
    await send(bob, "a reply", root)
    phone: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    page = await window(browser, sqlite_node, "alice", **phone)
    await page.get_by_role("button", name="1 reply").tap()
    await expect(replies(page)).to_have_text(["root", "a reply"])
    box = await panel(page).bounding_box()
    assert box
    assert box["width"] == PHONE["width"]
    await send(bob, "elsewhere")
    await send(bob, "one more", root)
    await expect(replies(page)).to_have_text(["root", "a reply", "one more"])
    await expect(page).to_have_title("(2) Lobby · Tailwire")  # nothing of the room is seen behind the thread
    await page.go_back()
    await expect(panel(page)).to_have_count(0)
    await expect(line(page, "elsewhere")).to_be_visible()


async def test_a_message_is_forwarded_to_another_room_as_a_quote_with_a_link(
    browser: Browser, sqlite_node: Node
) -> None:
    olga = await sqlite_node.sign_up("olga")
    page = await window(browser, sqlite_node, "alice")
    me = (await olga.http.get("/users", params={"q": "alice"})).json()["items"][0]["id"]
    rooms = {}
    for name, visibility, role in (("Den", "private", "member"), ("News", "public", "reader")):
        made = await olga.http.post("/rooms", json={"name": name, "visibility": visibility})
        rooms[name] = made.json()["id"]
        await olga.http.put(f"/rooms/{rooms[name]}/members/{me}", json={"role": role})
    seq = await send(olga, "**look** here", room=rooms["Den"])
    await page.goto(f"{sqlite_node.url}/#/rooms/{rooms['Den']}")
    await page.locator(f"[data-seq='{seq}']").focus()
    await page.keyboard.press("f")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("option")).to_have_text(["Lobby"])  # a reader writes nothing in News
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("Den is private.")
    await dialog.get_by_role("button", name="Forward", exact=True).press("Enter")
    await expect(page.get_by_text("Forwarded to Lobby.")).to_be_visible()
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby")
    quote = page.get_by_role("log").locator("article").last
    await expect(quote.locator("blockquote strong")).to_have_text("look")
    link = f"{sqlite_node.url}/#/rooms/{rooms['Den']}/messages/{seq}"
    await expect(quote.locator(".body").get_by_role("link")).to_have_attribute("href", link)
