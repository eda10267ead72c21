"""The page opens soon: what is seldom needed is not a part of its first load."""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, expect

from api.main import BUILT_FRONTEND
from tests.browser.conftest import HAS_FRONTEND
from tests.browser.windows import escape, window
from tests.node import Node

MOST_BYTES: Final = 65_000
"""The most bytes of script, compressed by gzip, that are loaded before anything is shown."""
SCRIPT: Final = re.compile(r'<(?:script|link)[^>]*(?:src|href)="\./([^"]+\.js)"')
IMPORT: Final = re.compile(r'(?:from|import)\s*"\./([^"]+\.js)"')
BESIDES: Final = ("forms", "shell")
"""The script that the page needs besides where nobody is logged in, and where somebody is."""
LATER: Final = ("later-", "invited-", "qr-", "catalogue-", "formatter-", "highlight-")


def first_load() -> set[Path]:
    """Return the scripts that the page names, and those that they import at once."""
    names = SCRIPT.findall((BUILT_FRONTEND / "index.html").read_text())
    found: set[Path] = set()
    waiting = [BUILT_FRONTEND / name for name in names]
    while waiting:
        script = waiting.pop()
        if script not in found:
            found.add(script)
            waiting += [script.parent / name for name in IMPORT.findall(script.read_text())]
    return found


@pytest.mark.skipif(not HAS_FRONTEND, reason="the SPA is not built: make spa")
def test_the_first_load_is_small_and_markup_and_emoji_come_later() -> None:
    scripts = first_load()
    assert scripts
    sizes = {script.name: script.with_name(f"{script.name}.gz").stat().st_size for script in scripts}
    for name in BESIDES:
        [besides] = (BUILT_FRONTEND / "assets").glob(f"{name}-*.js")
        assert set(IMPORT.findall(besides.read_text())) <= {script.name for script in scripts}
        size = besides.with_name(f"{besides.name}.gz").stat().st_size
        assert sum(sizes.values()) + size <= MOST_BYTES, (name, size, sizes)
    others = {script.name for script in (BUILT_FRONTEND / "assets").glob("*.js")} - set(sizes)
    assert [name for name in LATER if not any(other.startswith(name) for other in others)] == []


@pytest.mark.anyio
@pytest.mark.browser
async def test_what_is_loaded_later_opens_without_a_connection(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    await page.wait_for_function(
        "performance.getEntriesByType('resource').some(one => /later-/.test(one.name))"
    )
    await page.wait_for_load_state("networkidle")
    await page.context.set_offline(True)
    dialog = page.get_by_role("dialog")
    for button, field in (
        ("Create a room", "Name"),
        ("Account", "Display name"),
    ):
        await page.get_by_role("button", name=button).first.click()
        await expect(dialog.get_by_label(field)).to_be_focused()
        await escape(page)
    await page.keyboard.press("Control+k")
    await expect(dialog.get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("lob")
    await expect(dialog.get_by_role("combobox")).to_have_value("lob")
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await page.locator("textarea").press_sequentially("@a")
    await expect(page.locator("textarea")).to_have_value("@a")
    await page.locator("textarea").press("Control+a")
    await page.locator("textarea").press("Control+b")
    await expect(page.locator("textarea")).to_have_value("**@a**")
