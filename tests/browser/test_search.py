"""Messages are found by the keyboard alone, and what is found leads to its place and follows what becomes of it."""

import re
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from api.models.rooms import Role
from tests.browser.test_integrations import PHONE
from tests.browser.test_journey import WATCH, Hands, by_seq
from tests.browser.windows import about_the_room, tab, window
from tests.changing import Changing
from tests.node import Node, Person, eventually
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

SEARCH: Final = re.compile(r"/search\?q=")
FEW: Final = 24
"""More than one page of results."""


def field(page: Page) -> Locator:
    """Return the field in which the query is written."""
    return page.get_by_role("combobox", name="Search messages")


def found(page: Page) -> Locator:
    """Return the links to what was found."""
    return page.get_by_role("list", name="What was found").get_by_role("link", name=" in ")


async def search(page: Page, query: str) -> None:
    await field(page).fill(query)
    await field(page).press("Enter")


async def is_indexed(person: Person, query: str, count: int) -> None:
    """Wait until a search finds so many messages."""

    async def finds() -> bool:
        answer = await person.http.get("/search", params={"q": query})
        return answer.status_code == 200 and len(answer.json()["items"]) == count

    await eventually(finds)


async def den_of(node: Node) -> tuple[Changing, str]:
    """Make a room of two people. Return what they do there, and its id."""
    olga, alice = await node.sign_up("olga"), await node.sign_up("alice")
    room_id: str = (await make_room(olga, "Den", "private"))["id"]
    await give(olga, room_id, alice, Role.MEMBER)
    return Changing(olga, alice, alice, room_id), room_id


async def test_messages_are_found_by_the_keyboard_alone(browser: Browser, sqlite_node: Node) -> None:
    den, room_id = await den_of(sqlite_node)
    kettle = await den.say(den.owner, "the **kettle** is hot")
    await den.say(den.owner, "milk in the kettle, please")
    for number in range(12):
        await den.say(den.member, "tall\n" * 20 + str(number))
    await is_indexed(den.member, "kettle", 2)
    page = await tab(await browser.new_context(), sqlite_node, "alice")
    hands = Hands(page)
    await hands.press("Control+k")
    await hands.page.keyboard.type("kettle")
    await expect(page.get_by_role("option", name="in all messages")).to_have_attribute(
        "aria-selected", "true"
    )
    await hands.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="2 messages")).to_be_visible()
    await expect(field(page)).to_be_focused()
    await expect(page.locator("mark")).to_have_text(["kettle", "kettle"])
    await page.evaluate(WATCH)
    await hands.press("ArrowDown", "ArrowDown")
    await expect(found(page).nth(1)).to_be_focused()
    await hands.press("Enter")
    await expect(by_seq(page, kettle)).to_be_focused()
    await page.go_back()
    await expect(found(page).nth(1)).to_be_focused()
    await hands.press("Escape")
    await expect(field(page)).to_be_focused()
    await page.keyboard.type(" from:olg")
    await expect(page.get_by_role("option", name="olga")).to_be_visible()
    await hands.press("Enter")
    await expect(field(page)).to_have_value("kettle from:olga ")
    await hands.reach(page.get_by_role("button", name="Remove the filter: From olga"))
    await hands.press("Enter")
    await expect(field(page)).to_have_value("kettle")
    await expect(field(page)).to_be_focused()
    await page.goto(f"{sqlite_node.url}/#/rooms/{room_id}")
    await expect(page.get_by_role("textbox", name="Message Den")).to_be_focused()
    await hands.press("Control+Shift+f")
    await expect(page.get_by_role("button", name="In Den")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("option")).to_have_text(["kettle", "kettle from:olga"])
    await hands.press("ArrowDown", "Enter")
    await expect(found(page)).to_have_count(2)
    await hands.press("Escape")
    await expect(page.get_by_role("heading", name="Den", level=1)).to_be_visible()


async def test_older_messages_come_as_one_scrolls_and_what_is_found_follows_its_message(
    browser: Browser, sqlite_node: Node
) -> None:
    den, room_id = await den_of(sqlite_node)
    seqs = [await den.say(den.owner, f"apple {number}") for number in range(FEW)]
    await den.owner.http.patch("/users/me", json={"display_name": "Olga Doe"})
    await is_indexed(den.member, "apple", 20)
    page = await tab(await browser.new_context(), sqlite_node, "alice")
    await page.goto(f"{sqlite_node.url}/#/search?q=apple")
    await expect(found(page)).to_have_count(20)
    await expect(page.locator(".found-item strong").first).to_have_text("Olga Doe")
    await page.locator(".found-item").last.scroll_into_view_if_needed()
    await expect(found(page)).to_have_count(FEW)
    await expect(page.get_by_role("status").filter(has_text=re.compile(f"^{FEW} messages$"))).to_be_visible()
    await found(page).first.focus()
    await den.edit(den.owner, seqs[-1], "a pear, no apple")
    await expect(page.locator(".found-item").first.locator(".body")).to_have_text("a pear, no apple")
    await den.ask(den.owner, "DELETE", f"/messages/{seqs[-1]}")
    await expect(page.locator(".found-item").first).to_contain_text("This message was deleted.")
    await expect(found(page).first).to_be_focused()
    answer = await den.member.http.post(f"/rooms/{room_id}/leave")
    assert answer.status_code < 300
    await expect(found(page)).to_have_count(0)


async def test_filters_write_the_query_and_the_address_keeps_it(browser: Browser, sqlite_node: Node) -> None:
    den, room_id = await den_of(sqlite_node)
    await den.say(den.owner, "a plum at https://a.example/")
    await den.say(den.owner, "a plum")
    await say_in_the_lobby(den.owner, "a plum elsewhere")
    await is_indexed(den.member, "plum", 3)
    page = await tab(await browser.new_context(), sqlite_node, "alice")
    await page.goto(f"{sqlite_node.url}/#/rooms/{room_id}")
    await about_the_room(page, "Search in this room")
    await search(page, "plum")
    await expect(found(page)).to_have_count(2)
    await page.get_by_role("button", name="Everywhere").click()
    await expect(found(page)).to_have_count(3)
    await page.get_by_role("button", name="With a link").click()
    await expect(field(page)).to_have_value("plum has:link")
    await expect(found(page)).to_have_count(1)
    await page.get_by_role("button", name="Before…").click()
    await page.get_by_label("Before this day").fill("2001-01-01")
    await expect(field(page)).to_have_value("plum has:link before:2001-01-01")
    await expect(page.get_by_text("Nothing was found.")).to_be_visible()
    await page.reload()
    await expect(field(page)).to_have_value("plum has:link before:2001-01-01")
    await page.get_by_role("button", name="Remove the filter: Before").click()
    await expect(found(page)).to_have_count(1)
    await page.get_by_role("button", name="In…").click()
    await page.get_by_role("option", name="Lobby").click()
    await expect(field(page)).to_have_value("plum has:link in:Lobby ")
    await expect(page.get_by_text("Nothing was found.")).to_be_visible()


async def say_in_the_lobby(person: Person, text: str) -> None:
    answer = await person.http.post("/rooms/lobby/messages", json={"ref": text, "body": text})
    assert answer.status_code < 300


async def test_the_page_says_what_is_in_the_way_of_a_search_and_goes_on_by_itself(
    browser: Browser, sqlite_node: Node
) -> None:
    den, _ = await den_of(sqlite_node)
    await den.say(den.owner, "a quince")
    await is_indexed(den.member, "quince", 1)
    page = await tab(await browser.new_context(viewport=PHONE), sqlite_node, "alice")
    indexing = {"status": 503, "code": "indexing", "done": 0.5, "retry_after_seconds": 1}
    limited = {"status": 429, "code": "rate_limited", "retry_after_seconds": 1}
    problems: list[dict[str, Any]] = [indexing, limited]

    async def answer(route: Route) -> None:
        if problems:
            await route.fulfill(status=problems[0]["status"], json=problems.pop(0))
        else:
            await route.continue_()

    await page.route(SEARCH, answer)
    await page.goto(f"{sqlite_node.url}/#/search?q=quince")
    await expect(page.get_by_role("progressbar", name="Messages that are ready")).to_be_visible()
    await expect(page.get_by_text("You have searched very often.")).to_be_visible()
    await expect(found(page)).to_have_count(1)
    await search(page, " ".join("abcdefghij"))
    await expect(page.get_by_role("alert")).to_contain_text("at most 8 words and phrases")
    await page.context.set_offline(True)
    await search(page, "quince hot")
    await expect(page.get_by_text("There is no connection to the server.")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.get_by_text("Nothing was found.")).to_be_visible()


async def test_searches_are_forgotten_at_log_out(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    await page.get_by_role("link", name="Search messages").click()
    await search(page, "secret plans")
    await expect(page.get_by_text("Nothing was found.")).to_be_visible()
    kept = "JSON.stringify(localStorage)"
    assert "secret plans" in await page.evaluate(kept)
    await page.get_by_role("button", name="Account").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert "secret plans" not in await page.evaluate(kept)


@pytest.mark.settings(search=False)
async def test_nothing_leads_to_the_search_where_a_server_has_none(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    await expect(page.get_by_role("searchbox", name="Filter your rooms")).to_be_visible()
    await expect(page.get_by_role("link", name="Search messages")).to_have_count(0)
    await page.keyboard.press("Control+Shift+f")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("nobody at all")
    await expect(page.get_by_text("Nothing here is called so.")).to_be_visible()
    await expect(page).to_have_url(re.compile("#/rooms/lobby$"))
