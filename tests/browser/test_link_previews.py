"""Previews of links in the page: in their final size at once, in both directions of writing, and hidden for all."""

from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.test_accessibility import AXE, DESKTOP, PHONE, Auditor
from tests.browser.windows import escape, window
from tests.files.hostile import written
from tests.links.site import Site, answer, meta, page, serving
from tests.node import Node

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.settings(link_previews=True, link_preview_allow="127.0.0.1/32", sends_burst=1_000),
]

WINDOWS: Final[dict[str, dict[str, Any]]] = {
    "desktop light": {"viewport": DESKTOP, "color_scheme": "light"},
    "desktop dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone light": {"viewport": PHONE, "color_scheme": "light", "has_touch": True, "is_mobile": True},
    "phone dark": {"viewport": PHONE, "color_scheme": "dark", "has_touch": True, "is_mobile": True},
}
SECONDS: Final = 30_000
HEIGHTS: Final = "[...document.querySelectorAll('.preview')].map(one => one.getBoundingClientRect().height)"
HOSTS: Final = "performance.getEntriesByType('resource').map(one => new URL(one.name).host)"


def told(site: Site) -> None:
    """Let a site have a page with a picture, one in Arabic, and one that says a lot."""
    cat = Image.linear_gradient("L").resize((1_200, 630)).convert("RGB")
    site.answers["/cat.png"] = answer(written("PNG", cat), "image/png")
    site.answers["/cat"] = page(
        head=meta(
            title="The cat that sat on the mat",
            description="A long sleep in the afternoon sun, and what came of it in the end.",
            site_name="The Daily Cat",
            image="/cat.png",
        )
    )
    site.answers["/ar"] = page(
        head=meta(
            title="القطة التي جلست على السجادة",
            description="نوم طويل في شمس الظهيرة.",
            site_name="صحيفة",
            image="/cat.png",
        )
    )
    site.answers["/long"] = page(
        head=meta(title="W" * 500, description="<b>x</b> " * 200, site_name="a" * 300)
    )


def row(page: Page, text: str) -> Locator:
    return page.locator("article[data-seq]").filter(has_text=text)


async def send(page: Page, text: str) -> None:
    await page.locator("textarea").fill(text)
    await page.get_by_role("button", name="Send").click()


@pytest.mark.parametrize("kind", WINDOWS)
async def test_a_link_is_shown_with_what_is_behind_it_until_its_author_hides_that(
    kind: str, browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    async with serving() as site:
        told(site)
        page = await window(browser, sqlite_node, "alice", **WINDOWS[kind])
        other = await window(browser, sqlite_node, "bob")
        await page.evaluate(AXE.read_text())
        auditor = Auditor(page, is_touched="phone" in kind)
        for name in ("cat", "ar", "long"):
            await send(page, f"see {site.url}/{name}")
        cat = row(page, f"{site.url}/cat").locator(".preview")
        link = cat.get_by_role("link", name="The cat that sat on the mat")
        await expect(link).to_be_visible(timeout=SECONDS)
        await expect(link).to_have_attribute("href", f"{site.url}/cat")
        await expect(page.locator(".preview")).to_have_count(3, timeout=SECONDS)
        heights = await page.evaluate(HEIGHTS)
        await expect(page.locator(".preview-picture img:not(.arriving)")).to_have_count(2, timeout=SECONDS)
        assert await page.evaluate(HEIGHTS) == heights
        await expect(row(page, "/long").locator(".preview p")).to_contain_text("<b>x</b>")
        assert not any(str(site.port) in host for host in await page.evaluate(HOSTS))
        await auditor.look("previews")
        await page.screenshot(path=tmp_path / f"{kind}.png")
        await expect(row(other, "/cat").get_by_role("button", name="Hide the preview")).to_have_count(0)
        await row(page, "/cat").get_by_role("button", name="Hide the preview").click()
        for one in (page, other):
            await expect(row(one, "/cat").locator(".preview")).to_have_count(0)
            await expect(row(one, "/ar").locator(".preview")).to_have_count(1)
        assert auditor.found == {}


async def test_previews_are_hidden_by_the_keyboard_too(browser: Browser, sqlite_node: Node) -> None:
    async with serving() as site:
        told(site)
        page = await window(browser, sqlite_node, "alice")
        await send(page, f"see {site.url}/cat")
        message = row(page, "/cat")
        await expect(message.locator(".preview")).to_have_count(1, timeout=SECONDS)
        await message.get_by_role("button", name="More").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Hide previews").focus()
        await page.keyboard.press("Enter")
        await expect(message.locator(".preview")).to_have_count(0)
        await message.get_by_role("button", name="More").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem").first).to_be_visible()
        await expect(page.get_by_role("menuitem", name="Hide previews")).to_have_count(0)
        await escape(page)
