"""Files in the page: they are chosen, sent through a break and a reload, shown, looked through, listed and deleted."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image
from playwright.async_api import Browser, FilePayload, Page, expect

from api.files.pictures import Pictures
from tests.browser.played_files import MOST_BYTES, PlayedFiles
from tests.browser.test_accessibility import AXE, DESKTOP, PHONE, Auditor
from tests.browser.windows import _enter_lobby, _open, fill
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

WINDOWS: Final[dict[str, dict[str, Any]]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True, "color_scheme": "dark"},
}
IS_HELD: Final = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
HEIGHTS: Final = (
    "[...document.querySelectorAll('[role=log] article')].map(row => row.getBoundingClientRect().height)"
)


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    made = Pictures()
    yield made
    await made.close()


def picture(name: str, width: int, height: int, form: str = "PNG") -> FilePayload:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, form)
    return {"name": name, "mimeType": f"image/{form.lower()}", "buffer": out.getvalue()}


def plain(name: str, size: int) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": b"x" * size}


async def choose(page: Page, *files: FilePayload) -> None:
    field = page.locator("input[type=file][multiple]")
    await field.wait_for(state="attached")
    await field.set_input_files(files)


async def send(page: Page, text: str = "") -> None:
    await page.locator("textarea").fill(text)
    await page.get_by_role("button", name="Send").click()


@pytest.mark.parametrize("kind", WINDOWS)
async def test_files_are_sent_through_a_break_and_a_reload_and_shown_and_deleted(
    kind: str, browser: Browser, sqlite_node: Node, pictures: Pictures, tmp_path: Path
) -> None:
    context = await browser.new_context(**WINDOWS[kind])
    played = PlayedFiles(pictures, tmp_path)
    await played.lay(context)
    page = await _open(context, f"{sqlite_node.url}/#/signup")
    await fill(page, "alice", "Create account")
    await _enter_lobby(page, sqlite_node)
    await page.evaluate(AXE.read_text())
    auditor = Auditor(page, is_touched=kind == "phone")
    tray = page.get_by_role("region", name="Files to send")

    # Too large, and taken away again.
    await choose(page, plain("huge.bin", MOST_BYTES + 1), plain("wrong.txt", 10))
    await expect(tray.get_by_role("alert")).to_contain_text("“huge.bin” is too large")
    await tray.get_by_role("button", name="OK").click()
    await tray.get_by_role("button", name="Remove wrong.txt").click()
    await expect(tray).to_have_count(0)

    # The connection breaks in the middle of a file, and the page is loaded anew.
    played.breaks_after = 600_000
    await choose(page, picture("sea.png", 800, 600), plain("long.txt", 3_000_000))
    await tray.get_by_label("Describe sea.png").fill("The sea")
    await expect(tray.get_by_text("are there")).to_be_visible()
    await auditor.look("tray")
    await page.locator("textarea").fill("From the coast")
    await page.reload()
    await expect(page.locator("textarea")).to_have_value("From the coast")
    await expect(tray.get_by_text("long.txt")).to_be_visible()
    await page.get_by_role("button", name="Send").click()
    await expect(tray.get_by_text("Sent when its files are there")).to_be_visible()
    await expect(page.locator("textarea")).to_have_value("")
    played.mend()
    row = page.locator("article[data-seq]").filter(has_text="From the coast")
    await expect(row.get_by_role("link", name="long.txt")).to_be_visible()
    await expect(row.get_by_alt_text("The sea")).to_be_visible()
    await expect(tray).to_have_count(0)
    [long] = [file for file in played.files.values() if file["name"] == "long.txt"]
    assert long["bytes"] == b"x" * 3_000_000

    await choose(page, *(picture(f"{number}.png", 400 + number, 300) for number in range(3)))
    await send(page)
    await expect(page.locator(".pictures img")).to_have_count(3)
    await page.evaluate(AXE.read_text())
    await auditor.look("room")
    await look_through(page, auditor)
    await list_all(page, auditor)
    await delete(page)
    assert auditor.found == {}


async def look_through(page: Page, auditor: Auditor) -> None:
    opener = page.get_by_role("button", name="Open The sea")
    await opener.click()
    viewer = page.get_by_role("dialog", name="sea.png")
    await expect(viewer.get_by_alt_text("The sea")).to_be_visible()
    await auditor.look("viewer")
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("dialog", name="0.png")).to_contain_text("2 of 4")
    await page.keyboard.press("+")
    await expect(page.locator(".viewer-frame.enlarged")).to_be_visible()
    await page.keyboard.press("0")
    await expect(page.locator(".viewer-frame.enlarged")).to_have_count(0)
    await page.get_by_role("button", name="Previous picture").click()
    await expect(viewer.get_by_role("link", name="Save")).to_have_attribute("download", "sea.png")
    for _ in range(8):
        await page.keyboard.press("Tab")
        assert await page.evaluate(IS_HELD)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def list_all(page: Page, auditor: Auditor) -> None:
    await page.get_by_role("button", name="More about this room").click()
    await page.get_by_role("menuitem", name="Files").click()
    files = page.get_by_role("dialog", name="Files")
    await expect(files.get_by_role("listitem")).to_have_count(5)
    await auditor.look("list")
    await page.keyboard.press("Escape")


async def delete(page: Page) -> None:
    """What is deleted is gone at once, also from the viewer."""
    row = page.locator("article[data-seq]").filter(has_text="From the coast")
    await row.focus()
    await page.keyboard.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_alt_text("The sea")).to_have_count(0)
    await expect(page.get_by_role("link", name="long.txt")).to_have_count(0)


async def test_a_row_has_its_final_height_before_its_pictures_have_come(
    browser: Browser, sqlite_node: Node, pictures: Pictures, tmp_path: Path
) -> None:
    context = await browser.new_context(**WINDOWS["desktop"])
    played = PlayedFiles(pictures, tmp_path)
    await played.lay(context)
    page = await _open(context, f"{sqlite_node.url}/#/signup")
    await fill(page, "alice", "Create account")
    await _enter_lobby(page, sqlite_node)
    for files in ([picture("a.png", 900, 500)], [picture(f"{n}.png", 300, 300) for n in range(2)]):
        await choose(page, *files)
        await send(page)
    await expect(page.locator("article .picture img")).to_have_count(3)
    after = await page.evaluate(HEIGHTS)
    await played.cut()
    await page.reload()  # the addresses of files cannot be asked for now
    played.mend_socket()
    await expect(page.locator("article .picture .blur")).to_have_count(3)
    assert await page.evaluate(HEIGHTS) == after
