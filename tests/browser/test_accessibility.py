"""axe finds nothing on any screen, and the keyboard alone gets everywhere."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from api.store import open_store
from tests.browser.windows import line, window
from tests.node import Node, Person

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

AXE: Final = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
PHONE: Final = {"width": 390, "height": 844}
TABLET: Final = {"width": 820, "height": 1180}
DESKTOP: Final = {"width": 1280, "height": 800}
RUN_AXE: Final = """
async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map(
  ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
"""
END_ANIMATIONS: Final = """() => document.getAnimations().forEach(
  one => one.effect.getComputedTiming().endTime === Infinity ? one.cancel() : one.finish())"""
SMALL: Final = """
() => [...document.querySelectorAll('button, input, textarea, nav a, .button')]
  .filter(control => control.checkVisibility() && !control.closest('.body'))
  .map(control => (['radio', 'checkbox'].includes(control.type) ? control.closest('label') : control))
  .map(control => [control, control.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) < 43.5)
  .map(([control, { width, height }]) => `${control.className} ${control.textContent} ${width} x ${height}`)
"""
"""What is smaller than a finger, with half a pixel for rounding."""
WIDE: Final = """
() => [...document.querySelectorAll('body :not(.visually-hidden, .visually-hidden *, .skip-link, svg *)')]
  .filter(one => one.checkVisibility())
  .filter(one => {
    const { left, right, width } = one.getBoundingClientRect()
    return width > 1 && (right > innerWidth + 1 || left < -1)
  })
  .filter(one => {
    for (let place = one.parentElement; place !== document.body; place = place.parentElement)
      if (getComputedStyle(place).overflowX !== 'visible' && place.getBoundingClientRect().right <= innerWidth + 1)
        return false
    return true
  })
  .map(one => one.className || one.localName)
"""
"""What reaches beyond the window, unless it is cut or scrolled by something that does not."""
HEADINGS: Final = """
[...document.querySelectorAll('main, [role=main]')].filter(one => one.checkVisibility())
  .map(one => one.querySelectorAll('h1').length)
"""
PLACES: Final = (
    "Status and local time",
    "Notifications",
    "Blocked people",
    "Change password",
    "Where you are logged in",
    "Bots and tokens",
    "Export my data",
    "Delete my account",
)
"""The pages of the dialog about one's account."""
ADMINISTRATION: Final = {
    "accounts": ".admin-item",
    "invitations": ".segments",
    "rooms": ".admin-item",
    "reports": ".admin-filters",
    "audit": ".admin-event",
    "status": ".chart",
    "settings": ".admin-settings",
}
"""The pages of the administrators' screen, and what each shows once it is loaded."""
STRANGERS: Final = {
    "#/": "Log in",
    "#/signup": "Create an account",
    "#/setup/token": "Set up this server",
}
"""The headings of the pages of who is not logged in."""


LONG_NAME: Final = "שם ארוך מאוד של אדם אחד " * 2 + "اسم طويل"
"""The name of somebody: from right to left, and nearly as long as one may be."""
LONG_ROOM: Final = "Den of all those who love names that are longer than any list of rooms is wide"
FORMATTED: Final = (
    "**bold** *slanted* ~~gone~~ `code` [link](https://a.example/docs) :tada:\n> quoted `code`",
    "1. one\n   - two\n2. **ثلاثة**",
    "```python\ndef f(x):  # a comment\n    return 'text' + 42\n```",
    "```diff\n-old\n+new\n```",
    "|" + "a rather wide column|" * 12 + "\n|" + "-:|" * 12 + "\n|" + "cell|" * 12,
    "😀🎉",
)


class Auditor:
    """Looks at screens of a page, and notes what is wrong with them."""

    def __init__(self, page: Page, *, is_touched: bool) -> None:
        self.page = page
        self.found: dict[str, Any] = {}
        self._is_touched = is_touched
        self.invite = ""  # the hash of an invite to a room, once there is one

    async def look(self, screen: str) -> None:
        """Run axe on what the page shows. Require one `main` with one `h1`, and targets as large as a finger.

        Nothing may reach beyond the window.
        """
        await self.page.evaluate(END_ANIMATIONS)
        violations = await self.page.evaluate(RUN_AXE)
        headings = await self.page.evaluate(HEADINGS)
        small = await self.page.evaluate(SMALL) if self._is_touched else []
        wide = await self.page.evaluate(WIDE)
        if violations or small or wide or headings != [1]:
            self.found[screen] = (violations, small, wide, headings)

    async def visit(self, hash_: str) -> None:
        await self.page.evaluate(f"location.hash = '{hash_}'")


async def look_at_the_room(auditor: Auditor, bob: Person) -> None:
    page = auditor.page
    await page.locator("textarea").fill("see https://a.example/docs, it is long")
    await page.get_by_role("button", name="Send").click()  # under a finger Enter breaks the line
    await bob.http.post("/rooms/lobby/messages", json={"ref": "r", "body": "مرحبا بالعالم", "reply_to": None})
    await expect(line(page, "مرحبا بالعالم")).to_have_count(1)
    await auditor.look("room")
    for number, body in enumerate(FORMATTED):
        await bob.http.post("/rooms/lobby/messages", json={"ref": f"f{number}", "body": body})
    await expect(page.locator(".code-keyword")).to_have_count(2)
    await page.get_by_role("button", name="Formatting").click()
    await page.get_by_role("button", name="Preview").click()
    await auditor.look("formatted messages, and formatting")
    await page.locator("textarea").fill("- *one*\n> two")
    await expect(page.get_by_role("region", name="Preview").locator("li")).to_have_count(1)
    await auditor.look("preview")
    await page.locator("textarea").fill("")
    await page.get_by_role("button", name="Preview").click()
    await page.get_by_role("button", name="Formatting").click()
    await page.get_by_role("button", name="Emoji").click()
    await expect(page.get_by_role("option", selected=True)).to_be_visible()
    await auditor.look("emoji")
    await page.keyboard.press("Escape")
    members = page.get_by_role("complementary", name="Members")
    if not await members.is_visible():
        await page.get_by_role("button", name="Members", exact=True).click()
    await expect(members).to_be_visible()
    await auditor.look("members")
    await auditor.visit("#/")
    for number in range(40):
        await bob.http.post("/rooms/lobby/messages", json={"ref": str(number), "body": f"news {number}"})
    await page.get_by_role("link", name="Lobby").click()
    await expect(page.get_by_role("region", name="New messages")).to_be_visible()
    await auditor.look("unread messages")


async def look_at_mentions(auditor: Auditor, bob: Person) -> None:
    """Look at names that are offered, at mentions, and at how one hears of them."""
    page, dialog = auditor.page, auditor.page.get_by_role("dialog")
    await auditor.visit("#/rooms/lobby")
    await page.locator("textarea").press_sequentially("hi @b")
    await expect(page.get_by_role("option", name="bob")).to_be_visible()
    await auditor.look("names that are offered")
    await page.keyboard.press("Escape")
    await page.locator("textarea").fill("")
    await bob.http.post("/rooms/lobby/messages", json={"ref": "m1", "body": "Hello @alice, and @room"})
    await expect(page.locator(".mention.mine")).to_have_count(2)
    await page.get_by_role("button", name="Notifications", exact=True).click()
    await expect(dialog.get_by_role("radio")).to_have_count(3)
    await auditor.look("notifications of a room")
    await dialog.get_by_role("button", name="8 hours").click()
    await expect(dialog.get_by_role("button", name="Unmute")).to_be_visible()
    await auditor.look("muted room")
    await dialog.get_by_role("button", name="Unmute").click()
    await expect(dialog.get_by_role("button", name="8 hours")).to_be_visible()
    await page.keyboard.press("Escape")
    await auditor.visit("#/mentions")
    await bob.http.post("/rooms/lobby/messages", json={"ref": "m2", "body": "@alice once more"})
    await expect(page.locator(".mention-item")).to_have_count(2)
    await auditor.look("mentions")


async def look_at_a_message(auditor: Auditor) -> None:
    """Look at all that can be done with a message, and at what became of it."""
    page, dialog, menu = auditor.page, auditor.page.get_by_role("dialog"), auditor.page.get_by_role("menu")
    own = page.locator("article[data-seq]").filter(has_text="it is long")
    await expect(own).to_have_count(1)
    await own.focus()
    await page.keyboard.press("Enter")
    await expect(menu).to_be_visible()
    await auditor.look("menu of a message")
    await menu.get_by_role("menuitem", name="React with 👍").click()
    await expect(own.locator(".reaction")).to_have_count(2)
    await own.focus()
    await page.keyboard.press("e")
    editor = page.get_by_role("textbox", name="Edit the message")
    await editor.fill("x" * 5_000)
    await expect(page.get_by_text("1000 characters too long")).to_be_visible()
    await auditor.look("editor")
    await editor.fill("it is long" + "\n" * 30 + "and edited")
    await page.get_by_role("button", name="Save").click()
    await expect(own.get_by_role("button", name="Show all of it")).to_be_visible()
    await auditor.look("edited and reacted to")
    for key, name in (("edited", "Edits"), ("Pinned messages", "Pinned messages")):
        await page.get_by_role("button", name=key).click()
        await expect(dialog.get_by_role("heading", name=name)).to_be_visible()
        await expect(dialog.get_by_text("Loading")).to_have_count(0)
        await auditor.look(name)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    await own.focus()
    await page.keyboard.press("Delete")
    await expect(dialog.get_by_role("heading", name="Delete this message?")).to_be_visible()
    await auditor.look("delete a message")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("This message was deleted.")).to_be_visible()
    await auditor.look("deleted message")


async def look_at_a_thread(auditor: Auditor, bob: Person) -> None:
    """Look at a thread whose root is deleted, and at a message that is forwarded."""
    page, dialog = auditor.page, auditor.page.get_by_role("dialog")
    seqs: list[int] = []
    for number, body in enumerate(("a root", "a reply", "**an** answer")):
        message = {"ref": f"t{number}", "body": body, "reply_to": seqs[-1] if seqs else None}
        seqs.append((await bob.http.post("/rooms/lobby/messages", json=message)).json()["seq"])
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    await auditor.look("replies")
    await page.get_by_role("button", name="2 replies").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.locator("article")).to_have_count(3)
    await auditor.look("thread")
    await bob.http.delete(f"/rooms/lobby/messages/{seqs[0]}")
    await expect(thread.locator(".tombstone")).to_be_visible()
    await auditor.look("thread of a deleted message")
    await thread.locator("article").last.focus()
    await page.keyboard.press("f")
    await expect(dialog.get_by_text("no other room")).to_be_visible()
    await auditor.look("nowhere to forward to")
    await page.keyboard.press("Escape")
    await bob.http.post("/rooms", json={"name": LONG_ROOM, "visibility": "public"})
    await auditor.visit("#/browse")
    await page.get_by_role("button", name="Join").click()
    await expect(page.get_by_role("textbox", name=f"Message {LONG_ROOM}")).to_be_visible()
    await auditor.visit(f"#/rooms/lobby/messages/{seqs[1]}")
    await page.locator(f"[data-seq='{seqs[1]}']").focus()
    await page.keyboard.press("f")
    await expect(dialog.get_by_role("option")).to_have_count(1)
    await auditor.look("forward to a room")
    await dialog.get_by_role("option").click()
    await expect(dialog.get_by_role("region", name="What is sent")).to_be_visible()
    await auditor.look("forward a message")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def look_at_rooms_and_people(auditor: Auditor, bob: Person) -> None:
    """Look at direct rooms, the places of rooms, and the switcher."""
    page, dialog, menu = auditor.page, auditor.page.get_by_role("dialog"), auditor.page.get_by_role("menu")
    await bob.node.sign_up("carol")
    den = (
        await bob.http.post("/rooms", json={"name": "مشروع " + "Long" * 15, "visibility": "public"})
    ).json()
    await auditor.visit(f"#/rooms/{den['id']}")
    await page.get_by_role("button", name="Join this room").click()
    await expect(page.locator("textarea")).to_be_visible()
    await auditor.visit("#/")
    await page.get_by_role("button", name="Write to people").click()
    for username in ("bob", "carol"):
        await dialog.get_by_role("combobox").fill(username)
        await dialog.get_by_role("option").click()
    await dialog.get_by_role("combobox").fill("no")
    await auditor.look("write to people")
    await dialog.get_by_role("button", name="Write", exact=True).click()
    await expect(page.get_by_role("heading", name=re.compile(", carol$"), level=1)).to_be_visible()
    await auditor.look("direct room")
    await auditor.visit("#/")
    favourites = page.get_by_role("heading", name="Favourites")
    for item, comes in (("Add to favourites", favourites), ("Move to a section", dialog)):
        await page.get_by_role("button", name="Place of مشروع").click()
        await expect(menu.get_by_role("menuitem").first).to_be_focused()
        await auditor.look("place of a room")
        await menu.get_by_role("menuitem", name=item).click()
        await expect(comes).to_be_visible()
    await auditor.look("section of a room")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name=re.compile("^Place of .*, carol$")).click()
    await menu.get_by_role("menuitem", name="Hide until").click()
    await page.get_by_role("button", name="1 hidden room").click()
    await expect(page.get_by_role("heading", name="Favourites")).to_be_visible()
    await auditor.look("groups of rooms")
    await page.keyboard.press("Control+k")
    await dialog.get_by_role("combobox").fill("bo")
    await expect(dialog.get_by_role("option")).not_to_have_count(0)
    await auditor.look("switcher")
    await page.keyboard.press("Escape")


async def look_at_invites(auditor: Auditor) -> None:
    """Look at invites to a room, which are made, and followed by who is logged in."""
    page, dialog, menu = auditor.page, auditor.page.get_by_role("dialog"), auditor.page.get_by_role("menu")
    await page.get_by_role("button", name="Create a room").click()
    await dialog.get_by_label("Name").fill("Garden")
    await dialog.get_by_role("button", name="Create room").click()
    await expect(page.get_by_role("heading", name="Garden", level=1)).to_be_visible()
    await auditor.visit("#/")
    await page.get_by_role("button", name="Place of Garden").click()
    await menu.get_by_role("menuitem", name="Invite people").click()
    await expect(dialog.get_by_text("There are none.")).to_be_visible()
    await auditor.look("invite people")
    await dialog.get_by_role("button", name="Make a link").click()
    link = await dialog.get_by_label("Give this link away").input_value()
    await expect(dialog.get_by_role("img")).to_be_visible()
    await auditor.look("link of an invitation")
    await page.keyboard.press("Escape")
    auditor.invite = f"#{link.split('#')[1]}"
    await auditor.visit(auditor.invite)
    await expect(page.get_by_role("button", name="Join this room")).to_be_visible()
    await auditor.look("invitation")


async def look_at_the_dialogs(auditor: Auditor) -> None:
    page, dialog = auditor.page, auditor.page.get_by_role("dialog")
    for button in ("Create a room", "Account"):
        await page.get_by_role("button", name=button).first.click()
        await expect(dialog.locator("input:focus")).to_have_count(1)
        await auditor.look(button)
        if button == "Account":
            for place in PLACES:
                await dialog.get_by_role("button", name=place).click()
                await expect(dialog.get_by_role("heading", name=place, exact=True)).to_be_visible()
                await auditor.look(place)
                await dialog.get_by_role("button", name="Back").click()
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    for keys in ("Control+k", "?"):
        await page.keyboard.press(keys)
        await expect(dialog).to_be_visible()
        await auditor.look(keys)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


async def look_at_the_administration(auditor: Auditor) -> None:
    """Look at each page of the administrators' screen, and at its dialogs."""
    page, dialog = auditor.page, auditor.page.get_by_role("dialog")
    for name, shown in ADMINISTRATION.items():
        await auditor.visit(f"#/admin/{name}")
        await expect(page.locator(shown).first).to_be_visible()
        await auditor.look(f"administration: {name}")
    await auditor.visit("#/admin/accounts")
    await page.get_by_role("button", name="Make an account").click()
    await expect(dialog.get_by_label("Username")).to_be_focused()
    await auditor.look("make an account")
    await page.keyboard.press("Escape")
    await page.locator(".admin-item").filter(has_text="@bob").click()
    for place in ("Set a new password", "Where they are logged in", "Delete the account"):
        await expect(dialog.get_by_role("button", name="Disable")).to_be_visible()
        await auditor.look("account")
        await dialog.get_by_role("button", name=place).click()
        await expect(dialog.get_by_text("Loading")).to_have_count(0)
        await auditor.look(place)
        await dialog.get_by_role("button", name="Back").click()
    await page.keyboard.press("Escape")


async def look_at_what_strangers_see(auditor: Auditor) -> None:
    page = auditor.page
    await page.get_by_role("button", name="Account").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    await auditor.visit("#/invite/code")
    await expect(page.get_by_role("heading", name="This link leads nowhere")).to_be_visible()
    await auditor.look("invitation that is not valid")
    for hash_, heading in {**STRANGERS, auditor.invite: "Join Garden"}.items():
        await auditor.visit(hash_)
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        await page.evaluate("document.querySelector('form').requestSubmit()")
        await expect(page.locator("[aria-invalid]").first).to_be_visible()
        await auditor.look(heading)


async def make_administrator(folder: Path, other: Person, username: str) -> None:
    """Promote a user of `sqlite_node`, whose store is in the folder. `other` looks up the id."""
    found = (await other.http.get("/users", params={"q": username})).json()["items"]
    store = await open_store(f"sqlite:///{folder / 'tailwire.db'}")
    await store.accounts.set_flags(found[0]["id"], admin=True)
    await store.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, TABLET, DESKTOP], ids=["phone", "tablet", "desktop"])
async def test_axe_finds_nothing_on_any_screen(
    browser: Browser, sqlite_node: Node, tmp_path: Path, scheme: Any, viewport: Any
) -> None:
    is_touched = viewport != DESKTOP
    context = {"viewport": viewport, "color_scheme": scheme, "has_touch": is_touched, "is_mobile": is_touched}
    bob = await sqlite_node.sign_up("bob")
    assert (await bob.http.patch("/users/me", json={"display_name": LONG_NAME})).status_code == 200
    page = await window(browser, sqlite_node, "alice", **context)
    await make_administrator(tmp_path, bob, "alice")
    await page.evaluate(AXE.read_text())
    auditor = Auditor(page, is_touched=is_touched)
    await look_at_the_room(auditor, bob)
    await look_at_a_message(auditor)
    await look_at_a_thread(auditor, bob)
    await look_at_mentions(auditor, bob)
    await look_at_rooms_and_people(auditor, bob)
    await look_at_invites(auditor)
    for hash_ in ("#/", "#/browse", "#/rooms/none"):
        await auditor.visit(hash_)
        await expect(page.locator("h1:visible")).to_have_count(1)
        await auditor.look(hash_)
    await look_at_the_administration(auditor)
    await auditor.visit("#/")
    await look_at_the_dialogs(auditor)
    await look_at_what_strangers_see(auditor)
    assert auditor.found == {}
