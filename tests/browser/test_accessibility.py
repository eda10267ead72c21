"""axe finds nothing on any screen, and the keyboard alone gets everywhere."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.windows import line, say, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

AXE: Final = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
PHONE: Final = {"width": 390, "height": 844}
TABLET: Final = {"width": 820, "height": 1180}
DESKTOP: Final = {"width": 1280, "height": 800}
RUN_AXE: Final = """
async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map(
  ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
"""
SMALL: Final = """
() => [...document.querySelectorAll('button, input, textarea, nav a, .button')]
  .filter(control => control.checkVisibility() && !control.closest('.body'))
  .map(control => (control.type === 'radio' ? control.closest('label') : control))
  .map(control => [control, control.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) < 43.5)
  .map(([control, { width, height }]) => `${control.className} ${control.textContent} ${width} x ${height}`)
"""
"""What is smaller than a finger, with half a pixel for rounding."""


async def look(page: Page, screen: str, found: dict[str, Any]) -> None:
    """Run axe on what the page shows, and require one `main` with one `h1`."""
    await page.evaluate("document.getAnimations().forEach(one => one.finish())")
    violations = await page.evaluate(RUN_AXE)
    visible = await page.evaluate(
        "[...document.querySelectorAll('main, [role=main]')].filter(one => one.checkVisibility())"
        ".map(one => one.querySelectorAll('h1').length)"
    )
    if violations or visible != [1]:
        found[screen] = (violations, visible)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, TABLET, DESKTOP], ids=["phone", "tablet", "desktop"])
async def test_axe_finds_nothing_on_any_screen(
    browser: Browser, sqlite_node: Node, scheme: Any, viewport: Any
) -> None:
    found: dict[str, Any] = {}
    is_touched = viewport != DESKTOP
    context = {"viewport": viewport, "color_scheme": scheme, "has_touch": is_touched, "is_mobile": is_touched}
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice", **context)
    await page.evaluate(AXE.read_text())
    await say(page, "see https://a.example/docs, it is long")
    await bob.http.post("/rooms/lobby/messages", json={"ref": "r", "body": "مرحبا بالعالم", "reply_to": None})
    await expect(line(page, "مرحبا بالعالم")).to_have_count(1)
    await look(page, "room", found)
    if is_touched:
        assert await page.evaluate(SMALL) == []
    if viewport != DESKTOP:
        await page.get_by_role("button", name="Members", exact=True).click()
    await expect(page.get_by_role("complementary", name="Members")).to_be_visible()
    await look(page, "members", found)
    for hash_, screen in (("#/", "home"), ("#/browse", "browse"), ("#/rooms/none", "no room")):
        await page.evaluate(f"location.hash = '{hash_}'")
        await expect(page.locator("h1:visible")).to_have_count(1)
        await look(page, screen, found)
    await page.evaluate("location.hash = '#/'")
    dialog = page.get_by_role("dialog")
    for button in ("Create a room", "Account"):
        await page.get_by_role("button", name=button).first.click()
        await expect(dialog.locator("input:focus")).to_have_count(1)
        await look(page, button, found)
        if button == "Account":
            for place in (
                "Change password",
                "Where you are logged in",
                "Export my data",
                "Delete my account",
            ):
                await dialog.get_by_role("button", name=place).click()
                await expect(dialog.get_by_role("heading", name=place)).to_be_visible()
                await look(page, place, found)
                if is_touched:
                    assert await page.evaluate(SMALL) == []
                await dialog.get_by_role("button", name="Back").click()
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    for keys in ("Control+k", "?"):
        await page.keyboard.press(keys)
        await expect(dialog).to_be_visible()
        await look(page, keys, found)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name="Account").first.click()
    await dialog.get_by_role("button", name="Log out").click()
    for screen in ("Log in", "Create an account"):
        await page.evaluate(f"location.hash = '{'#/signup' if screen != 'Log in' else '#/'}'")
        await expect(page.get_by_role("heading", name=screen)).to_be_visible()
        await page.evaluate("document.querySelector('form').requestSubmit()")
        await expect(page.locator("[aria-invalid]").first).to_be_visible()
        await look(page, screen, found)
    assert found == {}
