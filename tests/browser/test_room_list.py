"""The room list: favourites, own sections, hidden rooms and the filter, kept by the server."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.windows import tab, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

GROUPS = """
[...document.querySelectorAll('nav[aria-label=Rooms] section')].map(group =>
  [group.querySelector('h2').textContent,
   ...[...group.querySelectorAll('.room-item-name')].map(name => name.textContent)].join(' '))
"""


async def groups(page: Page, *wanted: str) -> None:
    """Wait until the list has these groups, each with its rooms."""
    await page.wait_for_function(f"wanted => JSON.stringify({GROUPS.strip()}) === wanted", arg=_json(wanted))


def _json(texts: tuple[str, ...]) -> str:
    return "[" + ",".join(f'"{text}"' for text in texts) + "]"


async def create(page: Page, name: str) -> None:
    """Make a room by its dialog."""
    await page.get_by_role("button", name="Create a room").click()
    await page.get_by_role("dialog").get_by_label("Name").fill(name)
    await page.get_by_role("dialog").get_by_role("button", name="Create room").click()
    await expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


async def test_rooms_are_put_into_places_by_the_keyboard_which_another_window_shows(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    other = await tab(page.context, sqlite_node, "alice")
    for name in ("Plans", "Garden"):
        await create(page, name)
    rooms = page.get_by_role("navigation", name="Rooms")
    menu, dialog = page.get_by_role("menu"), page.get_by_role("dialog")

    await page.bring_to_front()  # the other window was opened last
    await rooms.get_by_role("link", name="Plans").focus()
    await page.keyboard.press("Shift+F10")
    await expect(menu.get_by_role("menuitem", name="Add to favourites")).to_be_focused()
    await page.keyboard.press("Enter")
    await groups(page, "Favourites Plans", "Rooms Garden Lobby", "Direct messages")
    await expect(rooms.get_by_role("link", name="Plans")).to_be_focused()

    await rooms.get_by_role("button", name="Place of Garden").focus()
    await page.keyboard.press("Enter")
    await expect(menu.get_by_role("menuitem").first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label("Section")).to_be_focused()
    await page.keyboard.type("At home")
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await groups(page, "Favourites Plans", "At home Garden", "Rooms Lobby", "Direct messages")
    await expect(rooms.get_by_role("link", name="Garden")).to_be_focused()
    await groups(other, "Favourites Plans", "At home Garden", "Rooms Lobby", "Direct messages")

    await page.goto(f"{sqlite_node.url}/#/browse")
    await rooms.get_by_role("link", name="Lobby").click(button="right")
    await menu.get_by_role("menuitem", name="Hide from the list").click()
    await groups(page, "Favourites Plans", "At home Garden", "Rooms", "Direct messages")
    await page.reload()
    await groups(page, "Favourites Plans", "At home Garden", "Rooms", "Direct messages")
    await page.get_by_role("button", name="1 hidden room").click()
    await groups(page, "Favourites Plans", "At home Garden", "Rooms", "Direct messages", "Hidden Lobby")
    await rooms.get_by_role("button", name="Place of Lobby").click()
    await menu.get_by_role("menuitem", name="Show in the list").click()
    await groups(page, "Favourites Plans", "At home Garden", "Rooms Lobby", "Direct messages")

    await rooms.get_by_role("button", name="Rename the section At home").press("Enter")
    await dialog.get_by_label("Name").fill("House")
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await groups(page, "Favourites Plans", "House Garden", "Rooms Lobby", "Direct messages")
    fold = rooms.get_by_role("button", name="House", exact=True)
    await fold.press("Enter")
    await groups(page, "Favourites Plans", "House", "Rooms Lobby", "Direct messages")
    await expect(fold).to_be_focused()
    await page.reload()
    await groups(page, "Favourites Plans", "House", "Rooms Lobby", "Direct messages")

    await page.get_by_role("searchbox", name="Filter your rooms").fill("GARD")
    await groups(page, "House Garden")
    await page.get_by_role("searchbox", name="Filter your rooms").fill("nothing like that")
    await expect(page.get_by_text("None of your rooms is like that.")).to_be_visible()
