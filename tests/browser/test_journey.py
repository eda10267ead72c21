"""A whole conversation by the keyboard alone: the focus is always somewhere, and can be seen there."""

from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from api.models.rooms import Role
from tests.browser.windows import line, stored, tab
from tests.changing import Changing
from tests.node import Node
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

SEEN: Final = """() => {
  const one = document.activeElement
  if (!one?.matches(':focus-visible') || one === document.body) return false
  const { top, bottom, left, right } = one.getBoundingClientRect()
  const isOnScreen = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth
  const marks = ({ outlineStyle, boxShadow }) => outlineStyle !== 'none' || boxShadow !== 'none'
  const isMarked = [one, one.closest('.composer-box')].some(it => it && marks(getComputedStyle(it)))
  return isOnScreen && (isMarked || one.localName === 'h2')
}"""
"""Whether what has the focus is on the screen and looks so. A dialog that asks for nothing begins at its heading."""
WATCH: Final = """
window.lost = []
document.addEventListener('focusout', ({ target }) => setTimeout(() => {
  if (document.activeElement === document.body) window.lost.push(target.outerHTML.slice(0, 200))
}, 500))
"""
"""Notes what had the focus when it was lost. It may be away for a moment, while another room is drawn."""


class Hands:
    """Somebody who has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def press(self, *keys: str) -> None:
        """Press keys one after another. After each, the focus must be seen somewhere."""
        for key in keys:
            await self.page.keyboard.press(key)
            await self.page.wait_for_function(SEEN)

    async def reach(self, wanted: Locator, key: str = "Tab") -> None:
        """Press a key until the focus has come to what is wanted."""
        for _ in range(30):
            if await wanted.evaluate("one => one === document.activeElement"):
                return
            await self.press(key)
        await expect(wanted).to_be_focused()

    async def write(self, text: str) -> None:
        await self.page.keyboard.type(text)
        await self.press("Enter")


def message(page: Page, text: str) -> Locator:
    """Return the row of a message in the room."""
    return page.locator(".place article[data-seq]").filter(has_text=text)


def by_seq(page: Page, seq: int) -> Locator:
    """Return the row of a message in the room."""
    return page.locator(f".place [data-seq='{seq}']")


async def test_a_conversation_by_the_keyboard_alone(browser: Browser, sqlite_node: Node) -> None:
    olga, alice = await sqlite_node.sign_up("olga"), await sqlite_node.sign_up("alice")
    room_id: str = (await make_room(olga, "Den", "private"))["id"]
    await give(olga, room_id, alice, Role.MODERATOR)
    den = Changing(olga, alice, alice, room_id)
    first = await den.say(olga, "tea?")
    for number in range(12):
        await den.say(olga, "tall\n" * 20 + str(number))
    asked = await den.say(olga, "milk?")
    page = await tab(await browser.new_context(), sqlite_node, "alice")
    hands = Hands(page)
    await hands.press("Control+k")
    await hands.write("den")
    await expect(page.get_by_role("textbox", name="Message Den")).to_be_focused()
    await page.evaluate(WATCH)
    await write_react_pin_and_reply(hands, asked)
    await den.ask(olga, "PUT", f"/messages/{first}/pin")
    await den.say(olga, f"see {sqlite_node.url}/#/rooms/{room_id}/messages/{first}")
    await stored(page, "see http")
    await jump(hands, first, asked)
    await answer_in_a_thread(hands, first)
    await delete_ones_own(hands)
    assert await page.evaluate("window.lost") == []


async def write_react_pin_and_reply(hands: Hands, asked: int) -> None:
    page, own = hands.page, message(hands.page, "the first")
    await hands.write("the frist")
    await stored(page, "the frist")
    await hands.press("ArrowUp")
    await expect(page.get_by_role("textbox", name="Edit the message")).to_be_focused()
    await hands.press("Control+a")
    await hands.write("the first")
    await expect(line(page, "the first")).to_have_count(1)
    await expect(page.get_by_role("textbox", name="Message Den")).to_be_focused()
    await hands.reach(page.get_by_role("log"), "Shift+Tab")
    await hands.press("ArrowUp")
    await expect(own).to_be_focused()
    await hands.press("+")
    await expect(page.get_by_role("menuitem").first).to_be_focused()
    await hands.press("Enter")
    await expect(own.locator(".reaction[data-emoji]")).to_have_count(1)
    await hands.press("p")
    await expect(own.get_by_text("Pinned")).to_be_visible()
    await hands.press("ArrowUp")
    await expect(by_seq(page, asked)).to_be_focused()
    await hands.press("r")
    await expect(page.get_by_role("textbox", name="Message Den")).to_be_focused()
    await hands.write("with milk")
    await stored(page, "with milk")


async def jump(hands: Hands, first: int, asked: int) -> None:
    """Jump to what was answered, to what is pinned, and by a link."""
    page, answer = hands.page, message(hands.page, "with milk")
    await hands.press("Shift+Tab", "End", "ArrowUp")
    await expect(answer).to_be_focused()
    await hands.reach(answer.get_by_role("button", name="In reply to"))
    await hands.press("Enter")
    await expect(by_seq(page, asked)).to_be_focused()
    await hands.reach(page.get_by_role("button", name="Pinned messages"), "Shift+Tab")
    await hands.press("Enter")
    await hands.reach(page.get_by_role("dialog").get_by_role("button", name="Show in the room").first)
    await hands.press("Enter")
    await expect(by_seq(page, first)).to_be_focused()
    await hands.press("End")
    await hands.reach(message(page, "see http").locator(".body").get_by_role("link"))
    await hands.press("Enter")
    await expect(by_seq(page, first)).to_be_focused()


async def answer_in_a_thread(hands: Hands, first: int) -> None:
    thread = hands.page.get_by_role("complementary", name="Thread")
    await hands.press("t")
    await expect(thread.locator("textarea")).to_be_focused()
    await hands.write("in the thread")
    await expect(thread.locator("article[data-seq]").filter(has_text="in the thread")).to_have_count(1)
    await hands.press("Escape")
    await expect(by_seq(hands.page, first)).to_be_focused()


async def delete_ones_own(hands: Hands) -> None:
    page, own = hands.page, message(hands.page, "the first")
    await hands.press("End")
    while not await own.evaluate("one => one === document.activeElement"):
        await hands.press("ArrowUp")
    await hands.press("Delete")
    await hands.reach(page.get_by_role("dialog").get_by_role("button", name="Delete"))
    await hands.press("Enter")
    await expect(page.locator(".place .tombstone")).to_have_count(1)
    await expect(page.locator(".place article").filter(has=page.locator(".tombstone"))).to_be_focused()
