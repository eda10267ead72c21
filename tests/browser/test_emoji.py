"""Emoji are picked with the keyboard, and are loaded only then."""

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.windows import escape, line, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]


async def open_picker(page: Page) -> None:
    await page.get_by_role("button", name="Emoji").press("Enter")
    await expect(page.get_by_role("combobox", name="Search emoji")).to_be_focused()


async def place(found: Locator) -> dict[str, float]:
    return dict(
        await found.evaluate(
            "one => (({ left, top, bottom }) => ({ left, top, bottom }))(one.getBoundingClientRect())"
        )
    )


async def test_an_emoji_is_searched_and_picked_with_the_keyboard(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    writing = page.locator("textarea")
    await writing.fill("well  done")
    await writing.evaluate("area => area.setSelectionRange(5, 5)")
    await open_picker(page)
    assert len([url for url in asked if "catalogue" in url]) == 1, (
        "the table of emoji is loaded once, when it is needed"
    )
    await page.keyboard.type("green hea")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(writing).to_be_focused()
    await expect(writing).to_have_value("well 💚 done")
    await page.keyboard.press("Control+z")
    await expect(writing).to_have_value("well  done")
    await page.keyboard.press("Control+End")
    await open_picker(page)
    await page.keyboard.type("party_house")
    await expect(page.get_by_text("No emoji is called so.")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("tada")
    await page.keyboard.press("Enter")
    await writing.press("Enter")
    await expect(line(page, "well  done🎉")).to_have_count(1)
    await page.reload()
    await open_picker(page)
    options = page.get_by_role("option")
    await expect(options).to_have_text(["🎉", "💚"])
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("option", selected=True)).to_have_text("💚")
    await escape(page)
    await expect(page.get_by_role("button", name="Emoji")).to_be_focused()


async def test_the_arrows_move_by_what_is_on_the_screen(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    await open_picker(page)
    chosen = page.get_by_role("option", selected=True)
    await expect(chosen).to_have_accessible_name("grinning")
    first = await place(chosen)
    await page.keyboard.press("ArrowDown")
    await expect(chosen).not_to_have_accessible_name("grinning")
    assert await place(chosen) == first | {
        "top": first["bottom"],
        "bottom": 2 * first["bottom"] - first["top"],
    }
    await page.get_by_role("button", name="Flags").click()
    await expect(chosen).to_have_accessible_name("checkered flag")
    await page.get_by_role("option", name="finland").click()
    await expect(page.locator("textarea")).to_have_value("🇫🇮")
    await expect(page.locator("textarea")).to_be_focused()


async def test_emoji_that_cannot_be_loaded_are_loaded_when_asked_for_again(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")

    async def refuse(route: Route) -> None:
        await route.abort()

    await page.route("**/catalogue-*", refuse)
    await page.get_by_role("button", name="Emoji").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("alert")).to_contain_text("The emoji cannot be loaded.")
    await page.unroute("**/catalogue-*")
    await dialog.get_by_role("button", name="Try again").click()
    await expect(dialog.get_by_role("option", selected=True)).to_have_accessible_name("grinning")
