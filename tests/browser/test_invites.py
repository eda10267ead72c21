"""Newcomers and the first administrator: the setup link, invitations, and servers that take nobody."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from api.accounts.setup import setup_token
from api.store import open_store
from tests.browser.windows import fill, live
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.stores("sqlite")]


@pytest.mark.settings(signup="invite", name="The Den")
async def test_the_first_administrator_invites_somebody_who_comes_into_the_lobby(
    browser: Browser, node: Node, store_url: str
) -> None:
    store = await open_store(store_url)
    token = await setup_token(store)
    await store.close()
    admin = await (await browser.new_context()).new_page()
    await admin.goto(f"{node.url}/#/setup/{token}")
    await fill(admin, "chief", "Create account")
    await expect(live(admin)).to_be_visible()
    assert urlsplit(admin.url).fragment == "/rooms/lobby"

    await admin.get_by_role("button", name="Account").click()
    await admin.get_by_role("link", name="Administration").click()
    await admin.get_by_role("link", name="Invitations").click()
    await admin.get_by_text("5", exact=True).click()
    await admin.get_by_role("button", name="Make a link").click()
    link = urlsplit(await admin.get_by_label("Give this link away").input_value())
    await expect(admin.get_by_text("5 of 5 left")).to_be_visible()

    newcomer = await (await browser.new_context()).new_page()
    await newcomer.goto(node.url)
    await expect(newcomer.get_by_text("Open the link of your invitation")).to_be_visible()
    await newcomer.goto(f"{node.url}/#{link.fragment}")
    await expect(newcomer.get_by_role("heading", name="Join The Den")).to_be_visible()
    await fill(newcomer, "alice", "Create account")
    await expect(live(newcomer)).to_be_visible()
    assert urlsplit(newcomer.url).fragment == "/rooms/lobby"
    await newcomer.get_by_role("button", name="Account").click()
    await expect(newcomer.get_by_role("button", name="Change password")).to_be_visible()
    await expect(newcomer.get_by_role("link", name="Administration")).to_have_count(0)

    await admin.get_by_role("button", name="End the invitation").click()
    await expect(admin.get_by_text("5 of 5 left")).to_have_count(0)
    late = await (await browser.new_context()).new_page()
    await late.goto(f"{node.url}/#{link.fragment}")
    await expect(late.get_by_text("not valid, or not any more")).to_be_visible()
    await late.goto(f"{node.url}/#/setup/{token}")
    await expect(late.get_by_role("heading", name="Set up")).to_be_visible()
    await fill(late, "bob", "Create account")
    await expect(late.get_by_role("alert")).to_contain_text("set up already")
    await newcomer.goto(f"{node.url}/#{link.fragment}")
    await expect(newcomer.get_by_text("not valid, or not any more")).to_be_visible()


@pytest.mark.settings(signup="closed")
async def test_a_page_offers_no_sign_up_where_nobody_may(browser: Browser, sqlite_node: Node) -> None:
    page = await (await browser.new_context()).new_page()
    await page.goto(sqlite_node.url)
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    await expect(page.get_by_role("link", name="Create an account")).to_have_count(0)
    for place in ("signup", "invite/some-code"):
        await page.goto(f"{sqlite_node.url}/#/{place}")
        await expect(page.get_by_role("heading", name="takes no new accounts")).to_be_visible()
        await expect(page.get_by_role("button", name="Create account")).to_have_count(0)
