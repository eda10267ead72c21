"""Users change their own account, and their other windows follow."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.windows import escape, fill, live, say, tab, window
from tests.node import PASSWORD, Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

NEW_PASSWORD = "an entirely different phrase"
ENDED = "This session was ended"


async def account(page: Page, place: str) -> Locator:
    """Open one part of the account dialog and return the dialog."""
    await page.get_by_role("button", name="Account").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=place).click()
    await expect(dialog.get_by_role("heading", name=place)).to_be_visible()
    return dialog


async def elsewhere(browser: Browser, node: Node, username: str) -> Page:
    """Log in with another browser, which has its own session."""
    return await tab(await browser.new_context(), node, username)


async def test_a_new_password_logs_out_everywhere_else_and_the_tabs_beside_stay(
    browser: Browser, sqlite_node: Node
) -> None:
    here = await window(browser, sqlite_node, "alice")
    beside = await tab(here.context, sqlite_node, "alice")
    there = await elsewhere(browser, sqlite_node, "alice")
    dialog = await account(here, "Change password")
    current = dialog.get_by_label("Current password")
    await current.fill("guess at it")
    await dialog.get_by_label("New password", exact=True).fill("short")
    change = dialog.get_by_role("button", name="Change password")
    await change.click()
    await expect(dialog.get_by_text("Use at least 8 characters.")).to_be_visible()
    await expect(dialog.get_by_text("This is not the same as above.")).to_be_visible()
    await dialog.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    await dialog.get_by_label("New password again").fill(NEW_PASSWORD)
    await change.click()
    await expect(dialog.get_by_text("This is not your password.")).to_be_visible()
    await expect(current).to_be_focused()
    await current.fill(PASSWORD)
    await change.click()
    await expect(dialog.get_by_text("Your password is changed.")).to_be_visible()
    await expect(there.get_by_text(ENDED)).to_be_visible()
    await fill(there, "alice", "Log in", NEW_PASSWORD)
    for page in (here, beside, there):
        await expect(live(page)).to_be_visible()


async def test_a_session_is_ended_from_another_one_and_then_all_the_others(
    browser: Browser, sqlite_node: Node
) -> None:
    here = await window(browser, sqlite_node, "alice")
    others = [await elsewhere(browser, sqlite_node, "alice") for _ in range(3)]
    dialog = await account(here, "Where you are logged in")
    items = dialog.get_by_role("listitem")
    await expect(items).to_have_count(4)
    await expect(items.first).to_contain_text(re.compile(r"Chrome on Linux.*this one.*In use now"))
    end = dialog.get_by_role("button", name=re.compile("^Log out Headless Chrome"))
    await expect(end).to_have_count(3)
    await end.first.click()
    await expect(items).to_have_count(3)
    await expect(others[-1].get_by_text(ENDED)).to_be_visible()
    await expect(live(others[0])).to_be_visible()
    await dialog.get_by_role("button", name="Log out everywhere else").click()
    await expect(items).to_have_count(1)
    for page in others:
        await expect(page.get_by_text(ENDED)).to_be_visible()
    await escape(here)
    await expect(live(here)).to_be_visible()


async def test_the_export_is_saved_as_a_file_with_all_that_was_said(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "alice")
    await say(page, "keep this")
    await expect(page.get_by_role("log").get_by_text("keep this")).to_be_visible()
    dialog = await account(page, "Export my data")
    async with page.expect_download() as download:
        await dialog.get_by_role("button", name="Export", exact=True).click()
    file = await download.value
    assert file.suggested_filename == "tailwire-export.jsonl"
    await file.save_as(tmp_path / "export.jsonl")
    records = [json.loads(line) for line in (tmp_path / "export.jsonl").read_text().splitlines()]
    assert (records[0]["type"], records[0]["username"]) == ("account", "alice")
    assert [one["body"] for one in records if one["type"] == "message"] == ["keep this"]
    assert records[-1] == {"type": "end"}
    await expect(dialog.get_by_text("is saved")).to_be_visible()


async def test_who_deletes_their_account_is_asked_twice_and_is_out_everywhere(
    browser: Browser, sqlite_node: Node
) -> None:
    here = await window(browser, sqlite_node, "alice")
    beside = await tab(here.context, sqlite_node, "alice")
    there = await elsewhere(browser, sqlite_node, "alice")
    dialog = await account(here, "Delete my account")
    erase = dialog.get_by_role("button", name="Delete my account")
    await dialog.get_by_label("Password").fill("guess at it")
    await erase.click()
    await expect(dialog.get_by_text("Type alice to go on.")).to_be_visible()
    await dialog.get_by_label("Your username").fill("alice")
    await erase.click()
    await expect(dialog.get_by_text("This is not your password.")).to_be_visible()
    await expect(live(beside)).to_be_visible()
    await dialog.get_by_label("Password").fill(PASSWORD)
    await erase.click()
    await expect(here.get_by_text("Your account is deleted.")).to_be_visible()
    for page in (here, beside, there):
        await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    await fill(here, "alice", "Log in")
    await expect(here.get_by_text("The username or the password is not right.")).to_be_visible()
    assert not await here.context.cookies()


async def test_the_keyboard_alone_gets_through_the_account_and_back(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    opener = page.get_by_role("button", name=re.compile("Account$"))  # not "Delete my account"
    await opener.press("Enter")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Change password").press("Enter")
    await expect(dialog.get_by_label("Current password")).to_be_focused()
    for _ in range(12):  # more presses than there are fields: the page behind stays out of reach
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    await dialog.get_by_role("button", name="Back").press("Enter")
    await expect(dialog.get_by_label("Display name")).to_be_focused()
    await escape(page)
    await expect(opener).to_be_focused()
