"""Forms and the composer send what their fields hold, however fast they are filled."""

import asyncio
import json
from typing import Final

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.windows import TEXTS, line, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

LOG_INS: Final = 20
MESSAGES: Final = 20
SLOWDOWN: Final = 20
"""How many times slower than this machine the page runs while somebody types."""

FILL_AND_SUBMIT: Final = """
async ([username, password, tells]) => {
  const form = document.querySelector('form');
  for (const [name, value] of [['username', username], ['password', password]]) {
    form.elements[name].value = value;
    if (tells) form.elements[name].dispatchEvent(new Event('input', { bubbles: true }));
  }
  form.requestSubmit();
  const drawn = () => new Promise(requestAnimationFrame);
  await drawn();
  await drawn();
}
"""
"""Ends when the page was drawn again, so that the button is disabled while the form is being sent."""


async def test_each_log_in_sends_what_was_filled_in_within_the_same_tick(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await browser.new_page()
    sent: list[tuple[str, str]] = []

    async def refuse(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        sent.append((body["username"], body["password"]))
        await route.fulfill(status=401, json={"status": 401, "code": "invalid_credentials"})

    await page.route("**/auth/login", refuse)
    await page.goto(f"{sqlite_node.url}/#/")
    button = page.get_by_role("button", name="Log in")
    await expect(button).to_be_visible()
    filled = [(f"user{number}", f"secret number {number}") for number in range(LOG_INS)]
    for number, (username, password) in enumerate(filled):
        async with page.expect_response("**/auth/login"):
            await page.evaluate(FILL_AND_SUBMIT, [username, password, number % 2 == 0])
        await expect(button).to_be_enabled()
    assert sent == filled


async def test_nothing_is_lost_or_merged_of_what_is_typed_on_a_slow_page(
    browser: Browser, sqlite_node: Node
) -> None:
    page = await window(browser, sqlite_node, "alice")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    await page.locator("textarea").focus()
    texts = [f"message {number}" for number in range(MESSAGES)]
    keys = [key for text in texts for key in (*text, "\r")]
    # Nobody waits for the page between two keys.
    await asyncio.gather(
        *(devtools.send("Input.dispatchKeyEvent", {"type": "keyDown", **key_event(key)}) for key in keys)
    )
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    await expect(line(page, texts[-1])).to_have_count(1)
    assert await page.evaluate(TEXTS) == texts
    assert await page.locator("textarea").input_value() == ""


def key_event(key: str) -> dict[str, str]:
    return {"key": "Enter" if key == "\r" else key, "text": key}
