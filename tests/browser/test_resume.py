"""A page that was away while everything changed shows the same as one that stayed, and as one that is opened then."""

from contextlib import suppress
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from api.models.rooms import Role
from tests.browser.windows import Wire, escape, reconnect, tab
from tests.changing import Changing
from tests.node import Node, Person, eventually
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

SCREEN: Final = """() => {
  const plain = (element) => {
    const copy = element.cloneNode(true)
    // Below the line of new messages, which only a fresh page has, a message tells its author again.
    copy.classList.remove('leads')
    for (const one of copy.querySelectorAll('.message-gutter, .message-head')) one.remove()
    for (const one of [copy, ...copy.querySelectorAll('*')]) {
      one.removeAttribute('tabindex')
      one.removeAttribute('id')
    }
    return copy.outerHTML
  }
  const all = (selector) => [...document.querySelectorAll(selector)].map(plain)
  return {
    timeline: all('.place [role=log] article'),
    thread: all('.thread [role=log] article'),
    rooms: all('nav a'),
    title: document.title,
  }
}"""
"""What a page shows of messages, with their state, and of rooms with what is unread in them."""
REPLIES: Final = ".thread [role=log] article"
PINS: Final = "[...document.querySelectorAll('dialog .pins > li')].map(one => one.textContent)"


async def screen(page: Page) -> Any:
    """Return what a page shows, the pinned messages too."""
    await page.get_by_role("button", name="Pinned messages").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".pins > li").first).to_be_visible()
    pins = await page.evaluate(PINS)
    await escape(page)
    return {**await page.evaluate(SCREEN), "pins": pins}


async def room_of(owner: Person, name: str, *members: Person) -> str:
    """Make a room with these members and return its id."""
    room_id: str = (await make_room(owner, name, "private"))["id"]
    for member in members:
        await give(owner, room_id, member, Role.MEMBER)
    return room_id


async def test_a_page_that_was_away_shows_the_same_as_one_that_stayed_and_as_a_fresh_one(
    browser: Browser, sqlite_node: Node
) -> None:
    olga, mark, alice = [await sqlite_node.sign_up(name) for name in ("olga", "mark", "alice")]
    den, attic = [
        Changing(olga, mark, alice, await room_of(olga, name, mark, alice)) for name in ("Den", "Attic")
    ]
    begun = [await room.begin() for room in (den, attic)]
    for room, seqs in zip((den, attic), begun, strict=True):
        await room.ask(alice, "PUT", "/read", {"seq": seqs["early answer"]})
    wire = Wire()
    context = await browser.new_context()
    await wire.lay(context)
    away = await tab(context, sqlite_node, "alice")
    stays = await tab(await browser.new_context(), sqlite_node, "alice")
    place = f"{sqlite_node.url}/#/rooms/{den.room_id}/threads/{begun[0]['root']}"
    for page in (away, stays):
        await page.goto(place)
        await expect(page.locator(REPLIES)).to_have_count(2)
    await wire.cut()
    await context.set_offline(True)
    for room, seqs in zip((den, attic), begun, strict=True):
        await room.change(seqs)
    await expect(stays.locator(REPLIES)).to_have_count(4)
    await expect(away.locator(REPLIES)).to_have_count(2)
    wire.mend()
    await context.set_offline(False)
    await reconnect(away)
    fresh = await tab(await browser.new_context(), sqlite_node, "alice")
    await fresh.goto(place)
    await expect(fresh.locator(REPLIES)).to_have_count(4)
    await expect(fresh.locator(".place .tombstone")).to_have_count(4)
    await expect(fresh.locator(".place .edited")).to_have_count(4)
    reacted = fresh.locator(".place article").filter(has_text="reacted").locator(".reaction[data-emoji]")
    await expect(reacted).to_have_text(["👍 1", "🎉 2"])
    # What is unread in the room that is open is read on all of them.
    await expect(fresh.locator(".room-item .badge")).to_have_text(["@3 mentions of you, ", "6 unread"])
    wanted = await screen(fresh)
    for page in (stays, away):
        await shows(page, wanted)


async def shows(page: Page, wanted: Any) -> None:
    """Wait until a page shows this."""

    async def does() -> bool:
        return bool(await screen(page) == wanted)

    with suppress(TimeoutError):
        await eventually(does)
    assert await screen(page) == wanted
