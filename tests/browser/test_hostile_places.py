"""What people write, and how they and rooms are called, is text in every place that shows it, and runs nothing."""

from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from api.models.rooms import Role
from tests.browser.test_attacks import CORPUS, MARKUP, Watch
from tests.browser.test_notices import RECORD, notices
from tests.browser.windows import Wire, reconnect, tab
from tests.changing import Changing
from tests.node import Node
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=2_000)]

TEXTS: Final = (
    *CORPUS,
    *(
        place.replace("{0}", MARKUP["payloads"][number % len(MARKUP["payloads"])])
        for number, place in enumerate(MARKUP["places"])
    ),
)
NAMES: Final = [text for text in CORPUS if len(text) <= 40 and text.isprintable()][::7][:8]
"""Names of people and of rooms."""
TAGS: Final = (
    "a|article|aside|bdi|blockquote|button|circle|code|del|dialog|div|em|form|h1|h2|header|input|kbd|li|main|nav|ol|p"
    "|path|pre|rect|section|span|strong|svg|table|tbody|td|textarea|th|thead|time|tr|ul"
)
FOREIGN: Final = """tags => [...document.body.querySelectorAll('*')].flatMap(one => [
  ...(new RegExp(`^(${tags})$`).test(one.localName) ? [] : [`<${one.localName}>`]),
  ...one.getAttributeNames().filter(
    name => /^(on|src|xlink)|^(action|background|data|formaction|ping)$/.test(name)),
  ...(/url|expression/i.test(one.getAttribute('style') ?? '') ? [one.getAttribute('style')] : []),
  ...(one.localName !== 'a' || /^(https?:|mailto:)/.test(one.href) ? [] : [one.href]),
])"""
"""What the page never makes itself: other elements, attributes that run or load something, other addresses."""


class Reader:
    """A page that shows what is hostile."""

    def __init__(self, page: Page, node: Node) -> None:
        self.page = page
        self.dialog = page.get_by_role("dialog")
        self._watch = Watch(page, node)

    async def look(self, *shown: Locator) -> None:
        """Require that this is shown, that the page has no other elements than its own, and that it ran nothing."""
        for one in shown:
            await expect(one).to_be_visible()
        assert await self.page.evaluate(FOREIGN, TAGS) == []
        await self._watch.has_seen_nothing()

    async def look_at_dialog(self, shown: str, count: int = 1) -> None:
        """Look at a dialog that shows something so many times, and close it."""
        found = self.dialog.locator(shown)
        await expect(found).to_have_count(count)
        await self.look(found.last)
        await self.page.keyboard.press("Escape")
        await expect(self.dialog).to_have_count(0)


async def test_messages_are_text_in_every_place_that_shows_them(browser: Browser, sqlite_node: Node) -> None:
    eve, alice = await sqlite_node.sign_up("eve"), await sqlite_node.sign_up("alice")
    room_id: str = (await make_room(alice, "Den", "private"))["id"]
    await give(alice, room_id, eve, Role.MEMBER)
    den = Changing(alice, eve, alice, room_id)
    root = await den.say(eve, "root")
    wire = Wire()
    context = await browser.new_context(viewport={"width": 1300, "height": 900})
    await wire.lay(context)
    page = await tab(context, sqlite_node, "alice")
    reader = Reader(page, sqlite_node)
    await page.goto(f"{sqlite_node.url}/#/rooms/{room_id}/threads/{root}")
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.locator("article")).to_have_count(1)
    last = root
    for number, text in enumerate(TEXTS):
        # Each answers the one before, of the other author. So Eve's mention Alice, whatever they say.
        last = await den.say(alice if number % 2 == 0 else eve, text, reply_to=last)
        if number % 6 == 0:
            await den.ask(alice, "PUT", f"/messages/{last}/pin")
    await expect(thread.locator(f"[data-seq='{last}']")).to_be_visible()
    await reader.look(thread.locator(".quote-text").last, page.locator(".place .quote-text").last)
    await look_at_what_is_written(reader, thread)
    changed = await den.say(eve, "changed", reply_to=root)
    for text in TEXTS[::6]:
        await den.edit(eve, changed, text)
    await thread.locator(f"[data-seq='{changed}']").get_by_role("button", name="edited").click()
    await reader.look_at_dialog(".body", len(TEXTS[::6]) + 1)
    await page.get_by_role("button", name="Pinned messages").click()
    await reader.look_at_dialog(".body", len(TEXTS[::6]))
    await look_at_what_is_refused(reader, wire, den)
    await page.locator("a[href='#/mentions']").click()
    await page.get_by_role("button", name="Show older ones").click()
    await expect(page.locator(".mention-item")).to_have_count(len(TEXTS) // 2)
    await reader.look(page.locator(".mention-item").last)
    excerpt = page.locator(".room-item-last")
    for number, text in enumerate(TEXTS[::12]):
        await den.say(eve, f"number {number}: {text}")
        await reader.look(excerpt.filter(has_text=f"number {number}:"))


async def look_at_what_is_written(reader: Reader, thread: Locator) -> None:
    """Look at the composer of a thread and its preview, and at what one answers, deletes and forwards."""
    writing = thread.locator("textarea")
    await writing.press("Control+Alt+p")
    for text in TEXTS[::9]:
        await writing.fill(text)
        await reader.look(thread.get_by_role("region", name="Preview"))
    await writing.fill("")
    for article in (await thread.locator("article").all())[-3:]:
        await article.press("r")
        await reader.look(thread.locator(".composer-quote"))
        await article.press("Delete")
        await reader.look_at_dialog(".excerpt")
        await article.press("f")
        await reader.dialog.get_by_role("option").first.click()
        await reader.look_at_dialog(".forward-text")


async def look_at_what_is_refused(reader: Reader, wire: Wire, den: Changing) -> None:
    """Look at the text of an edit that met a delete."""
    page = reader.page
    seq = await den.say(den.watcher, "mine")
    message = page.locator(f".place [data-seq='{seq}']")
    await message.press("e")
    await wire.cut()
    await page.get_by_role("textbox", name="Edit the message").fill(CORPUS[0])
    await page.keyboard.press("Enter")
    await den.ask(den.owner, "DELETE", f"/messages/{seq}")
    wire.mend()
    await reconnect(page)
    await expect(page.locator(".dropped-text")).to_be_visible(timeout=20_000)
    await reader.look()


async def test_names_are_text_in_every_place_that_shows_them(browser: Browser, sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    eves = [await sqlite_node.sign_up(f"eve{number}") for number in range(len(NAMES))]
    for eve, name in zip(eves, NAMES, strict=True):
        assert (await eve.http.patch("/users/me", json={"display_name": name})).status_code == 200
    room_ids = [(await make_room(eves[0], name, topic=name))["id"] for name in NAMES[:2]]
    for person in (alice, *eves[1:]):
        for room_id in room_ids:
            await person.http.post(f"/rooms/{room_id}/join")
    den = Changing(eves[0], eves[1], alice, room_ids[0])
    context = await browser.new_context(
        permissions=["notifications"], viewport={"width": 1300, "height": 900}
    )
    await context.add_init_script(RECORD)
    page = await tab(context, sqlite_node, "alice")
    reader = Reader(page, sqlite_node)
    await den.say(eves[1], "hello")
    await expect(page.locator(".room-item-last").filter(has_text="hello")).to_be_visible()
    seq = await den.say(eves[1], f"@alice {CORPUS[0]}")
    assert await notices(page, 1) == [f"{NAMES[1]} in {NAMES[0]}: @alice {CORPUS[0]}"]
    await den.ask(eves[0], "PUT", f"/messages/{seq}/pin")
    for eve in eves:
        await den.ask(eve, "PUT", f"/messages/{seq}/reactions/👍")
    await page.goto(f"{sqlite_node.url}/#/rooms/{room_ids[0]}")
    message = page.locator(f"[data-seq='{seq}']")
    await reader.look(message.locator(".reaction", has_text=f"👍 {len(eves)}"))
    await page.get_by_role("button", name="Pinned messages").click()
    await reader.look_at_dialog(".pins-head")
    await choose_from(message, "Who reacted")
    await reader.look_at_dialog(".reactors li", len(eves))
    await choose_from(message, "Forward")
    await reader.dialog.get_by_role("option").first.click()
    await reader.look_at_dialog(".forward-text")
    await message.press("r")
    await reader.look(page.locator(".composer-reply"))
    writing = page.locator("textarea")
    await writing.press_sequentially("@eve")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    await expect(options).to_have_count(len(eves))
    await reader.look(options.last)
    await writing.fill(" ".join(f"@{eve.username}" for eve in eves))
    await writing.press("Escape")
    await writing.press("Enter")
    await expect(page.locator(".mention")).to_have_text(["@alice", *(f"@{name}" for name in NAMES)])
    await reader.look(page.locator(".quote strong"))
    await page.locator("a[href='#/mentions']").click()
    await reader.look(page.locator(".mention-head"))


async def choose_from(message: Locator, action: str) -> None:
    """Choose from the menu of a message."""
    await message.press("Enter")
    await message.page.get_by_role("menuitem", name=action).click()
