"""Bots and tokens, as a person makes, uses and ends them on the page, by the keyboard."""

from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.test_accessibility import AXE, Auditor
from tests.browser.windows import escape, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

SECRET: Final = "Give this to the program"


async def programs(page: Page) -> Locator:
    """Open the page about bots and tokens, by the keyboard."""
    await page.get_by_role("button", name="Account").first.press("Enter")
    await page.get_by_role("button", name="Bots and tokens").press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading", name="Bots and tokens", level=2)).to_be_focused()
    return dialog


async def secret(dialog: Locator) -> str:
    """Return the token that was just made, which is chosen so that it can be copied, and go on."""
    field = dialog.get_by_label(SECRET)
    await expect(field).to_be_focused()
    token = await field.input_value()
    assert token.startswith("twt_")
    await dialog.get_by_role("button", name="Done").press("Enter")
    return token


async def make_bot_with_token(page: Page, dialog: Locator, auditor: Auditor) -> str:
    """Make a bot with a token, on the page about bots and tokens, and return the token."""
    await expect(dialog.get_by_text("You have no bot.")).to_be_visible()
    await auditor.look("bots and tokens")
    await dialog.get_by_role("button", name="Make a bot").press("Enter")
    await expect(dialog.get_by_label("Username")).to_be_focused()
    await auditor.look("make a bot")
    await page.keyboard.type("ada")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("taken")).to_be_visible()
    await dialog.get_by_label("Username").fill("engine")
    await dialog.get_by_label("Display name").fill("Analytical Engine")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading", name="The bot engine")).to_be_visible()
    await dialog.get_by_role("button", name="Make a token").press("Enter")
    await expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    await auditor.look("make a token")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("Enter a name.")).to_be_visible()
    await page.keyboard.type("Nightly build")
    for scope in ("Write", "Manage"):
        await dialog.get_by_role("checkbox", name=scope).press("Space")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label(SECRET)).to_be_focused()
    await auditor.look("a new token")
    token = await secret(dialog)
    tokens = dialog.get_by_role("list", name="Tokens")
    await expect(tokens.get_by_text("Nightly build")).to_be_visible()
    await expect(tokens.get_by_text("Never used")).to_be_visible()
    return token


async def end(dialog: Locator, name: str) -> None:
    """Press a button that asks first, and press it again once it asks."""
    await dialog.get_by_role("button", name=name, exact=True).press("Enter")
    await dialog.get_by_role("button", name=f"Really end? {name}", exact=True).press("Enter")


async def test_a_bot_is_made_writes_by_its_token_and_goes(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "ada")
    await page.evaluate(AXE.read_text())
    auditor = Auditor(page, is_touched=False)
    dialog = await programs(page)
    token = await make_bot_with_token(page, dialog, auditor)
    machine = sqlite_node.client(Authorization=f"Bearer {token}")
    assert (await machine.post("/rooms/lobby/join")).status_code == 200
    await machine.post("/rooms/lobby/messages", json={"ref": "1", "body": "built"})
    assert (await machine.put("/consumers/echo")).status_code == 201
    await dialog.get_by_label("Display name").fill("Difference Engine")
    await dialog.get_by_role("button", name="Save name").press("Enter")
    await expect(dialog.get_by_text("The name is saved.")).to_be_visible()
    await auditor.look("a bot")
    await escape(page)
    written = page.get_by_role("article").filter(has_text="built")
    await expect(written.get_by_text("Bot", exact=True)).to_be_visible()
    await expect(page.locator(".member").filter(has_text="@engine")).to_contain_text("Bot")
    await written.get_by_role("link", name="Difference Engine").press("Enter")
    await expect(dialog.get_by_text("Bot", exact=True)).to_be_visible()
    await auditor.look("the card of a bot")
    await escape(page)

    dialog = await programs(page)
    await dialog.get_by_role("button", name="Difference Engine").press("Enter")
    await expect(dialog.get_by_role("list", name="Tokens").get_by_text("Last used")).to_be_visible()
    reads = dialog.get_by_role("list", name="Its consumers")
    await expect(reads.get_by_text("entries behind. Has never read")).to_be_visible()
    await auditor.look("a bot with a consumer")
    await end(dialog, "End the consumer echo")
    await expect(dialog.get_by_text("The consumer echo is ended.")).to_be_visible()
    assert (await machine.get("/consumers/echo")).status_code == 404
    await end(dialog, "End the token Nightly build")
    await expect(dialog.get_by_text("The token Nightly build is ended.")).to_be_visible()
    assert (await machine.get("/users/me")).status_code == 401
    await dialog.get_by_role("button", name="Delete this bot").press("Enter")
    await expect(dialog.get_by_text("This cannot be undone.")).to_be_visible()
    await auditor.look("delete a bot")
    await dialog.get_by_role("button", name="Delete the bot").press("Enter")
    await expect(dialog.get_by_text("engine is deleted.")).to_be_visible()
    await expect(dialog.get_by_text("You have no bot.")).to_be_visible()
    assert auditor.found == {}


async def test_a_token_of_ones_own_is_for_the_rooms_that_are_chosen(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "ada")
    dialog = await programs(page)
    await dialog.get_by_role("button", name="Make a token").press("Enter")
    await expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    await page.keyboard.type("Reader of the lobby")
    await dialog.get_by_role("radio", name="Only in some rooms").check()
    await dialog.get_by_label("For how long").select_option("Until it is ended")
    await dialog.get_by_role("button", name="Make the token").press("Enter")
    await expect(dialog.get_by_role("combobox", name="Name of the room")).to_be_focused()
    await page.keyboard.type("lob")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("button", name="Remove Lobby")).to_be_visible()
    await dialog.get_by_role("button", name="Make the token").press("Enter")
    token = await secret(dialog)
    shown = dialog.get_by_role("list", name="Tokens")
    await expect(shown.get_by_text("Only in Lobby")).to_be_visible()
    await expect(shown.get_by_text("for ever")).to_be_visible()
    machine = sqlite_node.client(Authorization=f"Bearer {token}")
    assert [one["id"] for one in (await machine.get("/rooms")).json()["items"]] == ["lobby"]
    assert (await machine.post("/rooms/lobby/messages", json={"ref": "1", "body": "no"})).status_code == 403
