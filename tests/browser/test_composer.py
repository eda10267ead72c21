"""The composer formats what is selected, shows what will come, and can be used with the keyboard alone."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.windows import window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]


async def test_keys_format_what_is_selected_and_can_be_undone(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    writing = page.locator("textarea")
    await writing.fill("see the docs")
    await writing.evaluate("area => area.setSelectionRange(8, 12)")
    for keys, text in (
        ("Control+b", "see the **docs**"),
        ("Control+i", "see the **_docs_**"),
        ("Control+i", "see the **docs**"),
        ("Control+Shift+X", "see the **~~docs~~**"),
        ("Control+e", "see the **~~`docs`~~**"),
    ):
        await writing.press(keys)
        await expect(writing).to_have_value(text)
    await writing.press("Control+z")
    await expect(writing).to_have_value("see the **~~docs~~**")
    await writing.press("Control+Shift+9")
    await expect(writing).to_have_value("> see the **~~docs~~**")
    await writing.press("Enter")
    message = page.get_by_role("log").locator("blockquote")
    await expect(message.locator("strong del")).to_have_text("docs")
    await message.hover()
    await page.get_by_role("log").press("ArrowUp")
    await page.locator("article:focus").press("e")
    editor = page.get_by_role("textbox", name="Edit the message")
    await expect(editor).to_be_focused()
    await editor.press("Control+a")
    await editor.press("Control+e")
    await expect(editor).to_have_value("`> see the **~~docs~~**`")


async def test_buttons_format_and_the_preview_shows_what_will_come(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    writing = page.locator("textarea")
    opener = page.get_by_role("button", name="Formatting")
    await opener.press("Enter")
    await expect(opener).to_have_attribute("aria-expanded", "true")
    bar = page.get_by_role("group", name="Formatting")
    await writing.fill("one")
    await writing.press("Control+a")
    await bar.get_by_role("button", name="Bold").click()
    await expect(writing).to_be_focused()
    await expect(writing).to_have_value("**one**")
    await bar.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("region", name="Preview")
    await expect(preview.locator("strong")).to_have_text("one")
    await writing.press("End")
    await writing.press_sequentially(" <b>two</b> [x](javascript:alert`1`)")
    await expect(preview.locator(".body")).to_have_text("one <b>two</b> [x](javascript:alert1)")
    await expect(preview.locator("a, b")).to_have_count(0)
    await writing.press("Control+Alt+p")
    await expect(preview).to_have_count(0)


async def test_the_list_of_keys_has_a_button_and_names_those_of_the_composer(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    await page.get_by_role("button", name="Keys").click()
    keys = page.get_by_role("dialog").locator(".keys div")
    for what in ("Bold", "Italic", "Strike out", "Code", "Link", "Quote", "List", "Preview", "Send"):
        await expect(keys.filter(has_text=what).first).to_be_visible()
    await expect(keys.filter(has_text="Bold")).to_have_text("BoldCtrl+B")


async def test_on_a_phone_the_field_is_as_wide_as_the_screen_and_its_buttons_stand_below(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice", viewport={"width": 390, "height": 844}, has_touch=True)
    writing, send = page.locator("textarea"), page.get_by_role("button", name="Send")
    await expect(page.get_by_role("button", name="Attach files")).to_be_visible()
    field, button = await writing.bounding_box(), await send.bounding_box()
    assert field is not None
    assert button is not None
    assert field["width"] > 340
    assert button["y"] >= field["y"] + field["height"]
    height = field["height"]
    await page.goto(f"{sqlite_node.url}/#/")
    await page.get_by_role("button", name="Create a room").click()
    await (
        page.get_by_role("dialog")
        .get_by_label("Name")
        .fill("A room whose name is too long for one line of it")
    )
    await page.get_by_role("dialog").get_by_role("button", name="Create room").click()
    await expect(page.get_by_role("textbox", name="Message A room whose")).to_be_visible()
    field = await writing.bounding_box()
    assert field is not None
    assert field["height"] == height
