"""Invites to a room: made and ended in a dialog, looked at without an account, and followed into the room."""

import re
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from api.accounts.setup import setup_token
from api.store import open_store
from tests.browser.test_members import make_den
from tests.browser.windows import fill, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

PHONE: Final = ViewportSize(width=390, height=844)


async def invite(page: Page, uses: str = "5") -> str:
    """Make an invite to the den, and return the fragment of its link."""
    dialog = page.get_by_role("dialog")
    if not await dialog.is_visible():
        await page.get_by_role("button", name="Place of Den").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Invite people").click()
    await dialog.get_by_text(uses, exact=True).click()
    await dialog.get_by_role("radio", name=re.compile("^Reader")).check()
    await dialog.get_by_role("button", name="Make a link").click()
    link = await dialog.get_by_label("Give this link away").input_value()
    await expect(dialog.get_by_role("img", name="The link as a picture")).to_be_visible()
    return urlsplit(link).fragment


@pytest.mark.stores("sqlite")
@pytest.mark.settings(signup="invite", name="The Server")
async def test_a_link_leads_a_newcomer_and_somebody_with_an_account_into_the_room(
    browser: Browser, node: Node, store_url: str
) -> None:
    store = await open_store(store_url)
    token = await setup_token(store)
    await store.close()
    hers = await (await browser.new_context(viewport={"width": 1400, "height": 800})).new_page()
    await hers.goto(f"{node.url}/#/setup/{token}")
    await fill(hers, "olga", "Create account")
    await make_den(hers)
    fragment = await invite(hers)

    newcomer = await (await browser.new_context(viewport=PHONE)).new_page()
    await newcomer.goto(f"{node.url}/#{fragment}")
    await expect(newcomer.get_by_role("heading", name="Join Den")).to_be_visible()
    await expect(newcomer.get_by_text("olga @olga invites you. 1 member.")).to_be_visible()
    await fill(newcomer, "carol", "Create account")
    await expect(newcomer.get_by_role("heading", name="Den", level=1)).to_be_visible()
    await expect(newcomer.get_by_text("You can read here.")).to_be_visible()

    again = await (await browser.new_context(viewport=PHONE)).new_page()
    await again.goto(f"{node.url}/#{fragment}")
    await again.get_by_role("button", name="Log in").click()
    await expect(again.get_by_role("heading", name="Log in to join Den")).to_be_visible()
    await fill(again, "carol", "Log in")
    await expect(again.get_by_text("You can read here.")).to_be_visible()
    assert "invite" not in again.url

    dialog = hers.get_by_role("dialog")
    await dialog.get_by_role("button", name="Make another").click()
    await dialog.get_by_role("button", name="End the invitation").click()
    await expect(dialog.get_by_text("There are none.")).to_be_visible()
    late = await (await browser.new_context(viewport=PHONE)).new_page()
    await late.goto(f"{node.url}/#{fragment}")
    await expect(late.get_by_role("heading", name="This link leads nowhere")).to_be_visible()


async def test_who_is_logged_in_joins_by_a_button(browser: Browser, sqlite_node: Node) -> None:
    hers = await window(browser, sqlite_node, "olga", viewport={"width": 1400, "height": 800})
    await make_den(hers)
    fragment = await invite(hers, "1")
    his = await window(browser, sqlite_node, "bob", viewport=PHONE)
    await his.goto(f"{sqlite_node.url}/#{fragment}")
    await expect(his.get_by_role("heading", name="Den", level=1)).to_be_visible()
    await his.get_by_role("button", name="Join this room").click()
    await expect(his.get_by_text("You can read here.")).to_be_visible()
