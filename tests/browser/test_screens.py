"""axe finds nothing on the screens that few people see, or seldom: refusals, closed doors, news and trouble."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Route, expect

from api.accounts.setup import setup_token
from api.store import open_store
from tests.browser.test_accessibility import AXE, DESKTOP, PHONE, Auditor
from tests.browser.windows import Wire, about_the_room, escape, fill, reconnect
from tests.node import Node, Person

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

FILL_UP: Final = """() => {
    Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }
}"""


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone dark", "desktop light"]
)
async def test_axe_finds_nothing_on_screens_that_are_seen_seldom(
    browser: Browser, sqlite_node: Node, tmp_path: Path, viewport: Any, scheme: Any
) -> None:
    is_touched = viewport != DESKTOP
    context = await browser.new_context(
        viewport=viewport, color_scheme=scheme, has_touch=is_touched, is_mobile=is_touched
    )
    wire = Wire()
    await wire.lay(context)
    page = await context.new_page()
    auditor = Auditor(page, is_touched=is_touched)
    await look_at_newcomers(auditor, sqlite_node)
    store = await open_store(f"sqlite:///{tmp_path / 'tailwire.db'}")
    setup_link = f"{sqlite_node.url}/#/setup/{await setup_token(store)}"
    await store.close()
    await page.goto(setup_link)
    await fill(page, "chief", "Create account")
    await expect(page.locator("textarea")).to_be_visible()
    bob = await sqlite_node.sign_up("bob")
    await sqlite_node.sign_up("carl")
    await look_at_invitations(auditor)
    await look_at_members(auditor, bob)
    await look_at_news(auditor, bob)
    await look_at_the_search(auditor)
    await look_at_trouble(auditor, wire)
    assert auditor.found == {}


async def look_at_newcomers(auditor: Auditor, node: Node) -> None:
    """Look at the setup page, the page of an invite, and at servers that do not let everybody in."""
    page = auditor.page
    for place, heading in (("setup/old", "Set up this server"), ("invite/old", "This link leads nowhere")):
        await page.goto(f"{node.url}/#/{place}")
        await page.evaluate(AXE.read_text())
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        await auditor.look(place)
        if place == "setup/old":
            await fill(page, "chief", "Create account")
            await expect(page.get_by_role("alert").first).not_to_be_empty()
            await auditor.look(f"{place} refused")
    for mode in ("invite", "closed"):
        await page.route("**/server", of_mode(mode))
        await page.goto(f"{node.url}/#/signup")
        await page.reload()
        await page.evaluate(AXE.read_text())
        await expect(page.locator("h1")).to_contain_text("invitation" if mode == "invite" else "no new")
        await auditor.look(f"sign-up {mode}")
        await page.unroute("**/server")
    await page.reload()
    await page.evaluate(AXE.read_text())


def of_mode(mode: str) -> Callable[[Route], Awaitable[None]]:
    """Make the server say that it lets newcomers in by another mode than its own."""

    async def answer(route: Route) -> None:
        served = await route.fetch()
        await route.fulfill(response=served, json=await served.json() | {"signup": mode})

    return answer


def of_problem(status: int, code: str) -> Callable[[Route], Awaitable[None]]:
    """Answer by a problem."""

    async def answer(route: Route) -> None:
        problem = {"status": status, "code": code, "done": 0.5, "retry_after_seconds": 60}
        await route.fulfill(status=status, json=problem)

    return answer


async def look_at_invitations(auditor: Auditor) -> None:
    page = auditor.page
    await auditor.visit("#/admin/invitations")
    region = page.get_by_role("region", name="Invitations")
    await expect(region.get_by_text("There are none.")).to_be_visible()
    await auditor.look("no invitations")
    for times in range(2):
        await region.get_by_role("radio", name="Administrator").check()
        await region.get_by_role("button", name="Make a link").click()
        await expect(region.get_by_text("1 of 1 left")).to_have_count(times + 1)
        await region.get_by_role("button", name="Copy the link").click()
        await expect(region.get_by_role("status").first).not_to_be_empty()
        await auditor.look("invitation made")
        await region.get_by_role("button", name="Make another").click()
    await region.get_by_role("button", name="End the invitation").first.click()
    await expect(region.get_by_text("The invitation is ended.")).to_be_visible()
    await auditor.look("invitation ended")
    await auditor.visit("#/")


async def look_at_members(auditor: Auditor, bob: Person) -> None:
    """Look at the members of a room and what its owner can do with them, and at leaving it."""
    page = auditor.page
    dialog = page.get_by_role("dialog")
    await page.get_by_role("button", name="Create a room").first.click()
    await dialog.get_by_label("Name").fill("Attic")
    await dialog.get_by_role("button", name="Create room").click()
    await expect(page.get_by_role("heading", name="Attic", level=1)).to_be_visible()
    await auditor.look("new room")
    await about_the_room(page, "Leave this room")
    await expect(dialog.get_by_text("A room keeps an owner.")).to_be_visible()
    await auditor.look("leave, last owner")
    await escape(page)
    panel = page.get_by_role("complementary", name="Members")
    if not await panel.is_visible():
        await page.get_by_role("button", name="Members", exact=True).click()
    await panel.get_by_role("button", name="Add someone").click()
    await expect(dialog.get_by_role("heading", name="Add someone")).to_be_visible()
    await auditor.look("add someone")
    await dialog.get_by_label("Username").fill(bob.username)
    await dialog.get_by_role("radio", name="Owner").check()
    await dialog.get_by_role("button", name="Add to room").click()
    await expect(panel.get_by_text("@bob")).to_be_visible()
    await auditor.look("two members")
    await panel.get_by_role("button", name="Manage bob").click()
    await expect(dialog.get_by_role("heading", name="bob")).to_be_visible()
    await auditor.look("manage member")
    await dialog.get_by_role("button", name="Remove…").click()
    await expect(dialog.get_by_role("heading", name="Remove bob?")).to_be_visible()
    await auditor.look("remove member")
    await escape(page)
    await look_at_a_card(auditor)
    await expect(panel).to_be_visible()
    await page.evaluate("location.hash = location.hash.replace('/members', '')")
    await expect(page.get_by_role("heading", name="Attic", level=1)).to_be_visible()
    await look_at_the_room_menu(auditor)
    await about_the_room(page, "Leave this room")
    await expect(dialog.get_by_role("heading", name="Leave Attic?")).to_be_visible()
    await auditor.look("leave")
    await escape(page)


async def look_at_a_card(auditor: Auditor) -> None:
    """Look at what is known of a member, and at all that an owner can do with them."""
    page, dialog = auditor.page, auditor.page.get_by_role("dialog")
    panel = page.get_by_role("complementary", name="Members")
    await panel.get_by_role("link", name="bob").click()
    await expect(dialog.get_by_role("button", name="Mention in this room")).to_be_visible()
    await auditor.look("card")
    for action in ("Change their role", "Ban from this room", "Delete what they wrote", "Block"):
        await dialog.get_by_role("button", name=action, exact=True).click()
        await expect(dialog.get_by_role("button", name="Mention in this room")).to_have_count(0)
        await auditor.look(action)
        await dialog.get_by_role("button", name="Back").first.click()
        await expect(dialog.get_by_role("button", name="Mention in this room")).to_be_visible()
    await escape(page)


async def look_at_the_room_menu(auditor: Auditor) -> None:
    """Look at what an owner does with a room."""
    page, dialog = auditor.page, auditor.page.get_by_role("dialog")
    await page.get_by_role("button", name="More about this room").click()
    await expect(page.get_by_role("menuitem", name="Room settings")).to_be_visible()
    await auditor.look("menu of the room")
    await escape(page)
    await look_at_bans(auditor)
    for what, heading in (
        ("Room settings", "Room settings"),
        ("Delete this room", "Delete this room?"),
    ):
        await about_the_room(page, what)
        await expect(dialog.get_by_role("heading", name=heading)).to_be_visible()
        await expect(dialog.get_by_text("Loading")).to_have_count(0)
        await auditor.look(what)
        await escape(page)


async def look_at_bans(auditor: Auditor) -> None:
    """Look at who is banned from a room, and at the form that bans anybody by their username."""
    page, dialog = auditor.page, auditor.page.get_by_role("dialog")
    await about_the_room(page, "Banned people")
    await expect(dialog.get_by_text("Nobody is banned from this room.")).to_be_visible()
    await auditor.look("nobody is banned")
    await dialog.get_by_role("button", name="Ban someone").click()
    await dialog.get_by_role("button", name="Ban from room").click()
    await expect(dialog.get_by_text("Enter a username.")).to_be_visible()
    await auditor.look("ban someone")
    await dialog.get_by_label("Username").fill("carl")
    await dialog.get_by_label("Reason").fill("سبب طويل " * 20)
    await dialog.get_by_role("button", name="Ban from room").click()
    await expect(dialog.get_by_role("listitem")).to_contain_text("@carl")
    await auditor.look("banned people")
    await escape(page)


async def look_at_the_search(auditor: Auditor) -> None:
    """Look at how a query is written, and at what is said while nothing can be found."""
    page = auditor.page
    await auditor.visit("#/search")
    await expect(page.get_by_text("Both words, in any order")).to_be_visible()
    await auditor.look("search")
    for status, code, told in (
        (503, "indexing", "made ready for the search"),
        (429, "rate_limited", "very often"),
        (422, "invalid", "not a query"),
        (500, "internal", "Try again"),
    ):
        await page.route(f"**/search?q={code}*", of_problem(status, code))
        await auditor.visit(f"#/search?q={code}")
        await expect(page.get_by_role("main").get_by_text(told)).to_be_visible()
        await auditor.look(f"search, {code}")


async def look_at_news(auditor: Auditor, bob: Person) -> None:
    """Look at what is said of rooms to which one was added and from which one was removed."""
    page = auditor.page
    me = (await bob.http.get("/users", params={"q": "chief"})).json()["items"][0]["id"]
    rooms = []
    for name in ("Den", "Cellar"):
        made = await bob.http.post("/rooms", json={"name": name, "visibility": "private"})
        rooms.append(made.json()["id"])
        await bob.http.put(f"/rooms/{rooms[-1]}/members/{me}", json={"role": "reader"})
    await expect(page.get_by_text("bob added you to Cellar.")).to_be_visible()
    await auditor.look("added")
    await page.evaluate(f"location.hash = '#/rooms/{rooms[0]}'")
    await expect(page.get_by_text("You can read here.")).to_be_visible()
    await auditor.look("reader")
    for room in rooms:
        await bob.http.delete(f"/rooms/{room}/members/{me}")
    await expect(page.get_by_role("main").get_by_text("bob removed you from Den.")).to_be_visible()
    await expect(page.get_by_text("bob removed you from Cellar.")).to_be_visible()
    await auditor.look("removed")
    await page.get_by_role("button", name="Dismiss").click()
    if page.viewport_size == PHONE:
        await page.get_by_role("link", name="Your rooms").click()
    else:
        await auditor.visit("#/")
    await expect(page.get_by_text("removed you")).to_have_count(0)


async def look_at_trouble(auditor: Auditor, wire: Wire) -> None:
    """Look at what is said when the network, the storage, the server or the page itself is no good."""
    page = auditor.page
    await auditor.visit("#/rooms/lobby")
    await page.evaluate(FILL_UP)
    await page.locator("textarea").fill("a draft")
    await expect(page.get_by_text("no space left")).to_be_visible()
    await auditor.look("storage full")
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline")).to_be_visible()
    await page.locator("textarea").fill("written offline")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Waiting to be sent")).to_be_visible()
    await auditor.look("offline")
    await page.context.set_offline(False)
    await wire.cut()
    await expect(page.get_by_text("The server is restarting.")).to_be_visible()
    await auditor.look("reconnecting")

    async def newer(route: Route) -> None:
        served = await route.fetch()
        await route.fulfill(response=served, body=(await served.text()).replace("index-", "index-newer-"))

    await page.route(page.url.partition("#")[0], newer)
    wire.mend()
    await reconnect(page)
    await expect(page.get_by_text("This page is older than the server.")).to_be_visible(timeout=30_000)
    await auditor.look("outdated")
    await page.unroute_all()
    await page.route("**/auth/refresh", lambda route: route.abort())
    await page.reload()
    await page.evaluate(AXE.read_text())
    await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    await auditor.look("no server")
    await page.route("**/*.js", lambda route: route.abort())
    await page.reload()
    await page.evaluate(AXE.read_text())
    await auditor.look("no script")
