"""Pictures of users and rooms in the page: chosen, shown wherever somebody is named, and taken away."""

import io
from typing import Any, Final

import pytest
from PIL import Image
from playwright.async_api import Browser, FilePayload, Locator, expect

from tests.browser.test_accessibility import AXE, DESKTOP, PHONE, Auditor
from tests.browser.windows import _enter_lobby, _open, about_the_room, fill, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

WINDOWS: Final[dict[str, dict[str, Any]]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True, "color_scheme": "dark"},
}


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(out, "PNG")
    return out.getvalue()


def chosen(colour: str) -> FilePayload:
    return {"name": f"{colour}.png", "mimeType": "image/png", "buffer": picture(colour)}


async def is_seen(where: Locator) -> None:
    """Require that a picture has come, and not only its place."""
    image = where.locator("img").first
    await expect(image).to_be_visible()
    await expect(image).to_have_js_property("naturalWidth", 96)


@pytest.mark.parametrize("kind", WINDOWS)
async def test_a_picture_is_chosen_shown_changed_and_removed(
    kind: str, browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    await bob.http.put("/users/me/avatar", content=picture("teal"))
    await bob.http.post("/rooms/lobby/messages", json={"ref": "1", "body": "hello"})
    page = await _open(await browser.new_context(**WINDOWS[kind]), f"{sqlite_node.url}/#/signup")
    await fill(page, "alice", "Create account")
    await _enter_lobby(page, sqlite_node)
    await page.evaluate(AXE.read_text())
    auditor = Auditor(page, is_touched=kind == "phone")
    row = page.locator("article").filter(has_text="hello")
    await is_seen(row)

    # Another one comes while the page is open, and then none.
    before = await row.locator(".avatar img").get_attribute("src")
    await bob.http.put("/users/me/avatar", content=picture("navy"))
    await expect(row.locator(".avatar img")).not_to_have_attribute("src", before or "")
    await is_seen(row)
    await bob.http.delete("/users/me/avatar")
    await expect(row.locator(".avatar img")).to_have_count(0)
    await expect(row.locator(".avatar")).to_have_text("B")

    # One's own.
    if kind == "phone":
        await page.goto(f"{sqlite_node.url}/#/")
    await page.get_by_role("button", name="Account").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Choose a picture")).to_be_visible()
    await dialog.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    await expect(dialog.get_by_role("alert").first).to_contain_text("picture")
    await dialog.locator("input[type=file]").set_input_files(chosen("crimson"))
    await is_seen(dialog.locator(".account-who"))
    await auditor.look("the account with a picture")
    await dialog.get_by_role("button", name="Remove it").click()
    await expect(dialog.get_by_role("button", name="Choose a picture")).to_be_focused()
    await expect(dialog.locator("img")).to_have_count(0)
    assert auditor.found == {}


async def test_a_room_shows_its_picture_to_its_members(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice", **WINDOWS["desktop"])
    await page.get_by_role("button", name="Create a room").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Den")
    await dialog.get_by_role("button", name="Create room").click()
    await expect(page.get_by_role("heading", name="Den")).to_be_visible()
    await about_the_room(page, "Room settings")
    await dialog.locator("input[type=file]").set_input_files(chosen("olive"))
    await is_seen(dialog.locator(".account-who"))
    await page.keyboard.press("Escape")
    await is_seen(page.locator(".room-line").filter(has_text="Den"))
    await expect(page.get_by_text("changed the picture")).to_be_visible()
