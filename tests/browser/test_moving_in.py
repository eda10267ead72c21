"""A team moves in: from the link that sets the server up to the end of a room, in two windows on two nodes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from api.accounts.setup import setup_token
from api.config import Settings
from api.store import open_store
from tests.browser.test_direct import write_to
from tests.browser.windows import about_the_room, escape, fill, line, live, say
from tests.node import Node, running

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

WIDE: Final = ViewportSize(width=1400, height=800)
PHONE: Final = ViewportSize(width=390, height=844)


@pytest.fixture
async def nodes(store_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes on one database, with nobody in it."""
    settings = Settings(store=store_url, signup="invite", name="The Server")
    async with running(settings) as one, running(settings) as other:
        yield one, other


async def test_two_people_move_in_and_out(browser: Browser, nodes: tuple[Node, Node], store_url: str) -> None:
    here, there = nodes
    hers = await (await browser.new_context(viewport=WIDE)).new_page()
    his = await (await browser.new_context(viewport=PHONE, has_touch=True)).new_page()
    await set_up(hers, here, store_url)
    await sign_up(his, there, await invited(hers))
    await talk_alone(hers, his)
    room = await make_a_room(hers, his, there)
    await be_banned_and_come_back(hers, his, room)
    await archive_and_delete(hers, his)


async def set_up(page: Page, node: Node, store_url: str) -> None:
    """Follow the link that the server prints at its first start."""
    store = await open_store(store_url)
    token = await setup_token(store)
    await store.close()
    await page.goto(f"{node.url}/#/setup/{token}")
    await fill(page, "olga", "Create account")
    await expect(live(page)).to_be_visible()


async def invited(page: Page) -> str:
    """Make an invite to the server. Return the fragment of its link."""
    await page.get_by_role("link", name="Invite people to this server").click()
    await page.get_by_role("button", name="Make a link").click()
    return urlsplit(await page.get_by_label("Give this link away").input_value()).fragment


async def sign_up(page: Page, node: Node, fragment: str) -> None:
    """Follow the link of an invite, at another node, into the lobby."""
    await page.goto(f"{node.url}/#{fragment}")
    await expect(page.get_by_role("heading", name="Join The Server")).to_be_visible()
    await fill(page, "carl", "Create account")
    await expect(page.get_by_role("textbox", name="Message Lobby")).to_be_visible()


async def talk_alone(hers: Page, his: Page) -> None:
    """Open one direct room from both sides at once; see that the other is there, types and has read."""
    await hers.goto(hers.url.split("#", maxsplit=1)[0] + "#/rooms/lobby")
    await his.get_by_role("link", name="Rooms").first.click()
    await asyncio.gather(write_to(hers, "carl"), write_to(his, "olga"))
    await expect(hers.get_by_role("heading", name="carl", level=1)).to_be_visible()
    await expect(his.get_by_role("heading", name="olga", level=1)).to_be_visible()
    assert urlsplit(hers.url).fragment == urlsplit(his.url).fragment
    await his.locator("textarea").fill("are you there?")
    await his.get_by_role("button", name="Send").click()  # on a phone the Enter key begins a line
    await expect(line(hers, "are you there?")).to_be_visible()
    await expect(his.locator(".seen-by")).to_have_text("Seen by olga")
    await hers.locator("textarea").press_sequentially("ye")
    await expect(his.get_by_text("olga is typing…")).to_be_visible()
    await say(hers, "yes")
    await expect(line(his, "yes")).to_be_visible()
    await expect(
        hers.get_by_role("navigation", name="Rooms").get_by_role("link", name="online carl")
    ).to_be_visible()


async def make_a_room(hers: Page, his: Page, there: Node) -> str:
    """Make a public room, which the other joins. Return its id."""
    await hers.get_by_role("button", name="Create a room").first.click()
    dialog = hers.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Den")
    await dialog.get_by_label("Public").check()
    await dialog.get_by_role("button", name="Create room").click()
    await expect(hers.get_by_role("heading", name="Den", level=1)).to_be_visible()
    room_id = urlsplit(hers.url).fragment.split("/")[-1]
    await his.goto(f"{there.url}/#/rooms/{room_id}")
    await his.get_by_role("button", name="Join this room").click()
    await expect(his.get_by_role("textbox", name="Message Den")).to_be_visible()
    return room_id


async def be_banned_and_come_back(hers: Page, his: Page, room_id: str) -> None:
    """Ban somebody, try every way back, and end the ban."""
    dialog = hers.get_by_role("dialog")
    await about_the_room(hers, "Invite people")
    await dialog.get_by_role("button", name="Make a link").click()
    link = urlsplit(await dialog.get_by_label("Give this link away").input_value()).fragment
    await escape(hers)
    await hers.get_by_role("button", name="Manage carl").click()
    await dialog.get_by_role("button", name="Ban…").click()
    await dialog.get_by_role("button", name="Ban from room").click()
    await expect(his.get_by_role("main").get_by_text("olga banned you from Den.")).to_be_visible()
    await his.get_by_role("button", name="Join this room").click()
    await expect(his.get_by_text("You are banned from this room.")).to_be_visible()
    await his.goto(f"{his.url.split('#', maxsplit=1)[0]}#{link}")
    await his.get_by_role("button", name="Join this room").click()
    await expect(his.get_by_text("You are banned from this room.")).to_be_visible()
    await hers.get_by_role("button", name="Add someone").click()
    await dialog.get_by_label("Username").fill("carl")
    await dialog.get_by_role("button", name="Add to room").click()
    await expect(dialog.get_by_text("They are banned from this room.")).to_be_visible()
    await escape(hers)
    await about_the_room(hers, "Banned people")
    await dialog.get_by_role("button", name="Let carl come back").click()
    await expect(dialog.get_by_text("carl may come back.")).to_be_visible()
    await escape(hers)
    await his.get_by_role("button", name="Join this room").click()
    await expect(his.get_by_role("textbox", name="Message Den")).to_be_visible()
    assert urlsplit(his.url).fragment == f"/rooms/{room_id}"


async def archive_and_delete(hers: Page, his: Page) -> None:
    """Archive the room, and delete it. Both are told."""
    dialog = hers.get_by_role("dialog")
    await about_the_room(hers, "Room settings")
    await dialog.get_by_role("button", name="Archive…").click()
    await dialog.get_by_role("button", name="Archive it").click()
    for page in (hers, his):
        await expect(page.get_by_text("This room is archived.")).to_be_visible()
    await about_the_room(hers, "Delete this room")
    await dialog.get_by_label("Name of the room").fill("Den")
    await dialog.get_by_role("button", name="Delete the room").click()
    for page in (hers, his):
        told = "olga deleted Den, with all that was written in it."
        await expect(page.get_by_role("main").get_by_text(told)).to_be_visible()
