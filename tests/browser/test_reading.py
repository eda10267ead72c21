"""What is unread, on the screen: the line, the bar and the badges of several windows."""

import asyncio
import datetime as dt
import re
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from api.config import Settings
from api.models.rooms import LOBBY_ID
from api.store import backup_store, restore_store
from tests.browser.windows import line, live, say, stored, tab, window
from tests.node import Node, Person, eventually, running
from tests.rethinkdb_server import RethinkDBServer, free_port

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

LAST_SHOWN: Final = """() => {
    const edge = document.querySelector('[role=log]').getBoundingClientRect().bottom + 2
    const rows = [...document.querySelectorAll('[role=log] [data-seq]')]
    return Number(rows.filter(row => row.getBoundingClientRect().bottom <= edge).at(-1).dataset.seq)
}"""
"""The seq of the last message whose end is on the screen."""
SCROLL_ON: Final = """() => {
    document.querySelector('[role=log]').scrollTop += 300
    return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
}"""
"""Scrolls half a screen further down, and waits until it is drawn."""


BUSY: Final = "() => { const end = performance.now() + 1_500; while (performance.now() < end); }"
"""Keeps the page busy, so that what comes meanwhile is drawn at once."""


async def write(author: Person, count: int, word: str = "news", *, node: Node | None = None) -> None:
    """Write many messages into the lobby, over one socket."""
    async with author.socket(node=node) as socket:
        for number in range(1, count + 1):
            body = f"{word} {number}"
            await socket.send(type="send", room_id=LOBBY_ID, ref=f"{count} {body}", body=body)
        await socket.until(type="ack", ref=f"{count} {word} {count}")


async def look_away(page: Page) -> None:
    """Take the focus from the window. Playwright's pages think that they all have it."""
    await page.evaluate("Object.defineProperty(document, 'hasFocus', { value: () => false })")
    await page.evaluate("window.dispatchEvent(new Event('blur'))")


async def go_home(page: Page) -> None:
    await page.evaluate("location.hash = '#/'")


def badge(page: Page) -> Locator:
    return page.get_by_role("link", name="Lobby").locator(".badge")


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="New messages")


async def room_of(person: Person) -> dict[str, Any]:
    answer = await person.http.get(f"/rooms/{LOBBY_ID}")
    room: dict[str, Any] = answer.json()
    return room


async def reads(person: Person, page: Page) -> dict[str, Any]:
    """Wait until the server knows that all on the screen is read, and return the room."""

    async def has_read() -> bool:
        shown = await page.evaluate(LAST_SHOWN)
        return bool((await room_of(person))["read_seq"] == shown)

    await eventually(has_read)
    return await room_of(person)


@pytest.mark.every_engine
async def test_a_room_opens_at_the_first_unread_message_and_only_what_was_shown_is_read(
    browser: Browser, sqlite_node: Node
) -> None:
    alice = await sqlite_node.sign_up("alice")
    bob = await sqlite_node.sign_up("bob")
    await write(bob, 613)
    begin = (await room_of(alice))["first_unread_seq"] - 1
    page = await tab(await browser.new_context(), sqlite_node, "alice")
    await expect(bar(page)).to_contain_text(re.compile(r"613 new since \d"))
    await expect(page.locator("[data-unread]")).to_be_in_viewport()
    await expect(line(page, "news 1")).to_be_in_viewport()

    at_first = await reads(alice, page)
    assert begin < at_first["read_seq"] < begin + 100
    assert at_first["unread_count"] == 613 - (at_first["read_seq"] - begin)

    await bar(page).get_by_role("button", name="Jump to newest").click()
    await expect(line(page, "news 613")).to_be_in_viewport()
    await expect(bar(page)).to_contain_text("613 new since")
    await page.evaluate(SCROLL_ON)
    assert (await room_of(alice))["unread_count"] == at_first["unread_count"]

    await bar(page).get_by_role("button", name="Jump to the first").click()
    await expect(line(page, f"news {at_first['read_seq'] - begin + 1}")).to_be_in_viewport()
    for _ in range(4):
        await page.evaluate(SCROLL_ON)
    then = await reads(alice, page)
    assert then["unread_count"] == 613 - (then["read_seq"] - begin) < at_first["unread_count"]

    await bar(page).get_by_role("button", name="Mark as read").click()
    await expect(bar(page)).to_have_count(0)

    async def is_read() -> bool:
        return bool((await room_of(alice))["unread_count"] == 0)

    await eventually(is_read)


async def test_reading_on_from_the_first_unread_message_ends_at_the_newest_and_is_live_there(
    browser: Browser, sqlite_node: Node
) -> None:
    alice = await sqlite_node.sign_up("alice")
    bob = await sqlite_node.sign_up("bob")
    await write(bob, 150)
    page = await tab(await browser.new_context(), sqlite_node, "alice")
    await expect(bar(page)).to_contain_text("150 new")

    async def is_at_the_end() -> bool:
        await page.evaluate(SCROLL_ON)
        return not await bar(page).count()

    await eventually(is_at_the_end, 30)
    await write(bob, 2)
    await expect(line(page, "news 2").last).to_be_in_viewport()
    assert (await reads(alice, page))["unread_count"] == 0


@pytest.mark.parametrize("is_at_once", [True, False], ids=["at once", "one by one"])
async def test_a_window_that_nobody_looks_at_stops_at_the_line(
    browser: Browser, sqlite_node: Node, *, is_at_once: bool
) -> None:
    page = await window(browser, sqlite_node, "alice")
    await say(page, "first")
    await expect(line(page, "first")).to_have_count(1)
    await look_away(page)
    bob = await sqlite_node.sign_up("bob")
    await asyncio.gather(write(bob, 80), page.evaluate(BUSY if is_at_once else "0"))
    await expect(page.locator("[data-unread]")).to_be_in_viewport()
    await expect(line(page, "news 1")).to_be_in_viewport()
    await expect(line(page, "news 80")).not_to_be_in_viewport()
    await expect(live(page)).to_be_visible()


NO_CHANNEL: Final = "delete window.BroadcastChannel"


@pytest.mark.parametrize("is_same_browser", [True, False], ids=["two tabs", "two browsers"])
async def test_what_is_read_in_one_window_loses_its_badge_in_the_other_within_a_second(
    browser: Browser, sqlite_node: Node, *, is_same_browser: bool
) -> None:
    bob = await sqlite_node.sign_up("bob")
    context = await browser.new_context()
    await context.add_init_script("" if is_same_browser else NO_CHANNEL)
    await sqlite_node.sign_up("alice")
    one = await tab(context, sqlite_node, "alice")
    other_context = context if is_same_browser else await browser.new_context()
    other = await tab(other_context, sqlite_node, "alice")
    await loses_its_badge(one, other, bob)


@pytest.mark.rethinkdb
async def test_what_is_read_on_one_node_loses_its_badge_on_another_within_a_second(
    browser: Browser, rethinkdb_server: RethinkDBServer | None
) -> None:
    if rethinkdb_server is None:
        pytest.skip("no RethinkDB")
    settings = Settings(store=rethinkdb_server.empty_store(), sends_burst=1_000)
    async with running(settings) as node, running(settings) as second:
        bob = await node.sign_up("bob")
        await node.sign_up("alice")
        one = await tab(await browser.new_context(), node, "alice")
        other = await tab(await browser.new_context(), second, "alice")
        await loses_its_badge(one, other, bob)


async def loses_its_badge(one: Page, other: Page, author: Person) -> None:
    """Read in the window `one` what the author writes, and see it in the window `other`."""
    await go_home(one)
    await go_home(other)
    await write(author, 3)
    for page in (one, other):
        await expect(badge(page)).to_contain_text("3")
        await expect(page).to_have_title(re.compile(r"\(3\)"))
    await one.get_by_role("link", name="Lobby").click()
    await expect(badge(one)).to_have_count(0)
    await expect(badge(other)).to_have_count(0, timeout=1_000)
    await expect(other).to_have_title(re.compile("^Tailwire"))


async def test_a_restore_under_two_open_pages_reads_nothing_that_was_not_shown(
    browser: Browser, tmp_path: Path
) -> None:
    url, backup, port = f"sqlite:///{tmp_path / 'tailwire.db'}", tmp_path / "backup.db", free_port()
    settings = Settings(store=url, sends_burst=1_000)
    async with running(settings, port=port) as node:
        carol = await node.sign_up("carol")
        in_front = await window(browser, node, "alice")
        elsewhere = await window(browser, node, "bob")
        await go_home(elsewhere)
        await write(carol, 30, "kept")
        await expect(line(in_front, "kept 30")).to_be_in_viewport()
        await expect(badge(elsewhere)).to_contain_text("30")
        await asyncio.to_thread(backup_store, url, backup)
        await write(carol, 40, "lost")
        await expect(line(in_front, "lost 40")).to_be_in_viewport()
        await elsewhere.get_by_role("link", name="Lobby").click()
        await elsewhere.get_by_role("button", name="Mark as read").click()
        await expect(badge(elsewhere)).to_have_count(0)
        await go_home(elsewhere)
        await look_away(in_front)
    await asyncio.to_thread(restore_store, url, backup, force=True)
    async with running(settings, port=port) as node:
        await write(carol, 5, "after", node=node)
        # Seqs that were read in the old epoch name other messages now.
        await expect(badge(elsewhere)).to_contain_text("35")
        await expect(line(in_front, "after 5")).to_have_count(1)
        await expect(line(in_front, "lost 40")).to_have_count(0)
        await expect(bar(in_front)).to_contain_text(re.compile(r"\d+ new since"))
        await expect(in_front).to_have_title(re.compile(r"^\(\d+\) Lobby"))
        await elsewhere.get_by_role("link", name="Lobby").click()
        await expect(line(elsewhere, "kept 1")).to_be_in_viewport()
        await expect(bar(elsewhere)).to_contain_text("35 new")


async def test_today_becomes_yesterday_in_a_page_that_is_left_open(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    await say(page, "late in the evening")
    await expect(page.get_by_role("log").get_by_text("Today")).to_be_visible()
    await page.clock.install()
    await page.clock.set_system_time(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    # The page sleeps with the machine, and is looked at again on the next day.
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_role("log").get_by_text("Yesterday")).to_be_visible()
    await expect(page.get_by_role("log").get_by_text("Today")).to_have_count(0)


async def test_who_writes_before_the_messages_are_loaded_sees_what_was_written(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice")
    await page.goto(f"{sqlite_node.url}/#/browse")
    for number in range(12):
        await bob.http.post("/rooms/lobby/messages", json={"ref": str(number), "body": "tall\n" * 20})
    are_loaded = asyncio.Event()

    async def wait(route: Route) -> None:
        await are_loaded.wait()
        await route.continue_()

    await page.route("**/rooms/lobby/messages?*", wait)
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby")
    await page.reload()
    await say(page, "an early word")
    are_loaded.set()
    await stored(page, "an early word")
    await expect(page.locator("article").first).to_contain_text("tall")
    await expect(line(page, "an early word")).to_be_in_viewport()
