"""Files in the page: they are chosen, sent through breaks and a reload, shown, looked through, listed and deleted."""

import io
import re
from typing import Any, Final

import pytest
from PIL import Image
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from tests.browser.test_accessibility import AXE, DESKTOP, PHONE, Auditor
from tests.browser.test_journey import Hands
from tests.browser.windows import about_the_room, escape, stored, window
from tests.faults.proxy import Proxy, proxied
from tests.node import Node, Person, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000, file_mib=5)]

WINDOWS: Final[dict[str, dict[str, Any]]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True, "color_scheme": "dark"},
}
LONG: Final = bytes(range(256)) * 12_000
"""Some 3 MB."""
PICTURES_MILLISECONDS: Final = 30_000
"""The server looks at pictures after everything else that the machine does."""
IS_HELD: Final = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
HEIGHTS: Final = (
    "[...document.querySelectorAll('[role=log] article')].map(row => row.getBoundingClientRect().height)"
)
NO_SPACE: Final = """
const put = IDBObjectStore.prototype.put
IDBObjectStore.prototype.put = function (...given) {
  if (this.name === 'bytes') throw new DOMException('full', 'QuotaExceededError')
  return put.apply(this, given)
}
"""
"""A browser that has no space for the bytes of files."""


def picture(name: str, width: int, height: int, form: str = "PNG") -> FilePayload:
    """Return a picture to be chosen."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, form)
    return {"name": name, "mimeType": f"image/{form.lower()}", "buffer": out.getvalue()}


HEIC: Final = b"\0\0\0\x18ftypheic" + bytes(64)


def binary(name: str, content: bytes) -> FilePayload:
    """Return a file to be chosen that is no picture."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def tray(page: Page) -> Locator:
    """Return what shows the files that are to be sent."""
    return page.get_by_role("region", name="Files to send")


def row(page: Page, text: str) -> Locator:
    """Return a message that is stored."""
    return page.locator("article[data-seq]").filter(has_text=text)


async def choose(page: Page, *files: FilePayload) -> None:
    field = page.locator("input[type=file][multiple]:not([disabled])")
    await field.wait_for(state="attached")
    await field.set_input_files(files)


async def send(page: Page, text: str = "") -> None:
    await page.locator("textarea").fill(text)
    await page.get_by_role("button", name="Send").click()


async def files_of(person: Person, room_id: str = "lobby") -> list[dict[str, Any]]:
    """List the files of a room over HTTP."""
    items: list[dict[str, Any]] = (await person.http.get(f"/rooms/{room_id}/files")).json()["items"]
    return items


async def address_of(person: Person, file_id: str) -> str:
    """Return the path at which a file can be read."""
    asked = await person.http.post("/files/urls", json={"file_ids": [file_id], "thumb": False})
    url: str = asked.json()["items"][0]["url"]
    return url[url.index("/files/") :]


@pytest.mark.parametrize("kind", WINDOWS)
async def test_files_are_sent_through_breaks_and_a_reload_and_go_from_all_windows_when_they_are_deleted(
    kind: str, browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    async with proxied(int(sqlite_node.url.rpartition(":")[2])) as cable:
        page = await window(browser, Node(f"http://127.0.0.1:{cable.port}"), "alice", **WINDOWS[kind])
        other = await window(browser, sqlite_node, "carol")
        await page.evaluate(AXE.read_text())
        auditor = Auditor(page, is_touched=kind == "phone")
        await refuse_what_is_too_large(page)
        await send_through_breaks(page, cable, auditor)
        for one in (page, other):
            await expect(row(one, "From the coast").get_by_role("link", name="long.bin")).to_be_visible()
            await expect(row(one, "From the coast").get_by_alt_text("The sea")).to_be_visible()
        [long] = [one for one in await files_of(bob) if one["name"] == "long.bin"]
        address = await address_of(bob, long["file_id"])
        assert (await bob.http.get(address)).content == LONG
        await choose(page, *(picture(f"{number}.png", 400 + number, 300) for number in range(3)))
        await send(page)
        await expect(page.locator(".pictures img")).to_have_count(3, timeout=PICTURES_MILLISECONDS)
        await auditor.look("room")
        await look_through(page, auditor)
        await list_all(page, auditor)
        await delete(page, other)
        assert (await bob.http.get(address)).status_code == 404
        await eventually(lambda: are_gone(bob, "long.bin", "sea.png"))
        assert auditor.found == {}


async def are_gone(person: Person, *names: str) -> bool:
    return not {one["name"] for one in await files_of(person)} & set(names)


async def refuse_what_is_too_large(page: Page) -> None:
    """Choose a file that is too large, and one that is taken away again."""
    await choose(page, binary("huge.bin", bytes(6_000_000)), binary("wrong.bin", bytes(10)))
    await expect(tray(page).get_by_role("alert")).to_contain_text("“huge.bin” is too large")
    await tray(page).get_by_role("button", name="OK").click()
    await tray(page).get_by_role("button", name="Remove wrong.bin").click()
    await expect(tray(page)).to_have_count(0)


async def send_through_breaks(page: Page, cable: Proxy, auditor: Auditor) -> None:
    """Break the connection in the middle of a file, load the page anew, break it again, and send the message then."""
    cable.most_sent = 600_000
    cable.cut()
    await choose(page, picture("sea.png", 2_400, 160), binary("long.bin", LONG))
    await tray(page).get_by_label("Describe sea.png").fill("The sea")
    await expect(tray(page).get_by_text(re.compile(r"^Waiting, 3\.1 MB$"))).to_be_visible()
    cable.heal()
    await expect(tray(page).get_by_text(re.compile(r"^[1-9]\d* kB of 3\.1 MB$"))).to_be_visible(
        timeout=20_000
    )
    await auditor.look("tray")
    cable.cut()
    await page.locator("textarea").fill("From the coast")
    await expect(tray(page).get_by_text("are there")).to_be_visible()
    cable.heal()
    await page.reload()
    await expect(page.locator("textarea")).to_have_value("From the coast")
    await expect(tray(page).get_by_text(re.compile(r"^[1-9]\d* kB of 3\.1 MB$"))).to_be_visible()
    await expect(tray(page).get_by_label("Describe sea.png")).to_have_value("The sea")
    await page.context.set_offline(True)
    cable.cut()
    await page.get_by_role("button", name="Send").click()
    await expect(tray(page).get_by_text("Sent when its files are there")).to_be_visible()
    await expect(page.locator("textarea")).to_have_value("")
    await page.evaluate(AXE.read_text())
    await auditor.look("waiting without a connection")
    cable.most_sent = None
    cable.heal()
    await page.context.set_offline(False)
    await stored(page, "From the coast")
    await expect(tray(page)).to_have_count(0)


async def look_through(page: Page, auditor: Auditor) -> None:
    """Look at the pictures of the room by the keyboard alone."""
    viewer, message = page.get_by_role("dialog", name="sea.png"), row(page, "From the coast")
    await message.focus()
    await Hands(page).reach(message.get_by_role("button", name="Open The sea"))
    await page.keyboard.press("Enter")
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
    await escape(page)
    await expect(message.get_by_role("button", name="Open The sea")).to_be_focused()


async def list_all(page: Page, auditor: Auditor) -> None:
    await about_the_room(page, "Files")
    files = page.get_by_role("dialog", name="Files")
    await expect(files.get_by_role("listitem")).to_have_count(5)
    await auditor.look("list")
    await escape(page)


async def delete(page: Page, other: Page) -> None:
    """Delete a message by the keyboard alone, while somebody looks at its picture."""
    await about_the_room(other, "Files")
    files = other.get_by_role("dialog", name="Files")
    await expect(files.get_by_role("listitem")).to_have_count(5)
    await files.get_by_role("button", name="Open The sea").click()
    await expect(other.get_by_role("dialog", name="sea.png")).to_be_visible()
    await row(page, "From the coast").focus()
    await page.keyboard.press("Delete")
    await Hands(page).reach(page.get_by_role("dialog").get_by_role("button", name="Delete"))
    await page.keyboard.press("Enter")
    await expect(other.get_by_role("dialog", name="sea.png")).to_have_count(0)
    await expect(files.get_by_role("listitem")).to_have_count(3)
    for one in (page, other):
        await expect(one.get_by_alt_text("The sea")).to_have_count(0)
        await expect(one.get_by_role("link", name="long.bin")).to_have_count(0)


@pytest.mark.settings(file_mib=5, user_files_mib=1)
async def test_who_has_no_space_left_is_told_and_makes_space(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    await choose(page, binary("first.bin", bytes(700_000)))
    await expect(tray(page).get_by_text(re.compile("^700 kB$"))).to_be_visible()
    await choose(page, binary("second.bin", bytes(700_000)))
    await expect(tray(page).get_by_role("alert")).to_contain_text("space")
    await page.locator("textarea").fill("only this")
    await tray(page).get_by_role("button", name="Remove first.bin").click()
    await expect(tray(page).get_by_role("listitem")).to_have_count(1)
    await tray(page).get_by_role("button", name="Retry second.bin").click()
    await page.get_by_role("button", name="Send").click()
    await expect(row(page, "only this").get_by_role("link", name="second.bin")).to_be_visible()


async def test_what_is_refused_for_what_is_in_it_is_not_tried_again(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    await choose(page, {"name": "photo.heic", "mimeType": "image/heic", "buffer": HEIC})
    await expect(tray(page).get_by_role("alert")).to_contain_text("HEIC")
    await expect(tray(page).get_by_role("button", name="Retry")).to_have_count(0)
    await tray(page).get_by_role("button", name="Remove photo.heic").click()
    await expect(tray(page)).to_have_count(0)


async def test_a_message_does_not_go_without_a_file_that_was_lost_with_the_page(
    browser: Browser, sqlite_node: Node
) -> None:
    async with proxied(int(sqlite_node.url.rpartition(":")[2])) as cable:
        page = await window(browser, Node(f"http://127.0.0.1:{cable.port}"), "alice")
        await page.context.add_init_script(NO_SPACE)
        await page.reload()
        await expect(page.get_by_role("button", name="Attach files")).to_be_visible()
        cable.most_sent = 600_000
        cable.cut()
        await choose(page, binary("long.bin", LONG))
        await expect(tray(page).get_by_role("alert")).to_contain_text("while this page is open")
        await send(page, "see attached")
        cable.heal()
        await page.reload()
        await expect(tray(page).get_by_text("Sent when its files are there")).to_be_visible()
        await expect(tray(page).get_by_role("alert")).to_contain_text("lost with the page")
        await expect(tray(page).get_by_role("button", name="Retry")).to_have_count(0)
        await expect(page.locator("article")).to_have_count(0)
        await tray(page).get_by_role("button", name="Remove long.bin").click()
        await stored(page, "see attached")
        await expect(tray(page)).to_have_count(0)


async def test_a_row_has_its_final_height_before_its_pictures_have_come(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice", **WINDOWS["desktop"])
    for files in ([picture("a.png", 900, 500)], [picture(f"{n}.png", 300, 300) for n in range(2)]):
        await choose(page, *files)
        await send(page)
    await expect(page.locator("article .picture img")).to_have_count(3, timeout=PICTURES_MILLISECONDS)
    after = await page.evaluate(HEIGHTS)
    await page.route("**/files/urls", lambda route: route.abort())
    await page.reload()
    await expect(page.locator("article .picture .blur")).to_have_count(3)
    assert await page.evaluate(HEIGHTS) == after
