"""A long room: the page holds a part of it, shows all of it in order, and does not jump."""

from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, Request, expect

from api.models.log import Draft, Kind
from api.models.rooms import LOBBY_ID
from api.store import open_store
from tests.browser.windows import line, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

MESSAGES: Final = 1_000
COLLECTIONS: Final = 4
"""After one collection, Chromium may still hold elements that were taken out a moment ago."""
SCROLL: Final = """([goal, pixels]) => new Promise(done => {
  const list = document.querySelector('[role=log]')
  const seqs = []
  let most = 0
  const step = () => {
    list.scrollTop += pixels
    setTimeout(() => requestAnimationFrame(() => {
      const rows = [...list.querySelectorAll('[data-seq]')]
      const { top, bottom } = list.getBoundingClientRect()
      seqs.push(Number(rows.find(row => row.getBoundingClientRect().bottom > top).dataset.seq))
      most = Math.max(most, rows.length)
      const isThere = row => row.textContent.includes(goal)
        && row.getBoundingClientRect().top >= top && row.getBoundingClientRect().bottom <= bottom
      if (rows.some(isThere)) done([seqs, most])
      else step()
    }))
  }
  step()
})"""
"""Scrolls until a text is on the screen. Returns the seq at the upper edge after each step, and the most rows."""


async def fill(folder: Path) -> None:
    """Write many messages of different heights into the lobby of `sqlite_node`, whose store is in the folder."""
    store = await open_store(f"sqlite:///{folder / 'tailwire.db'}")
    try:
        for number in range(MESSAGES):
            body = f"number {number}." + "\nand more" * (number % 5)
            draft = Draft(
                Kind.MESSAGE, "bob", "bob", 60_000 * number, f"r{number}", {"body": body, "reply_to": None}
            )
            await store.log.append(LOBBY_ID, draft)
    finally:
        await store.close()


async def detached(page: Page) -> int:
    """Return how many elements the page holds in memory that are not in the document."""
    devtools = await page.context.new_cdp_session(page)
    element = await devtools.send("Runtime.evaluate", {"expression": "Element.prototype"})
    found = await devtools.send("Runtime.queryObjects", {"prototypeObjectId": element["result"]["objectId"]})
    # Prototypes are found, too.
    count = (
        "function () { return this.filter(it => it.constructor.prototype !== it && !it.isConnected).length }"
    )
    counted = await devtools.send(
        "Runtime.callFunctionOn",
        {"objectId": found["objects"]["objectId"], "functionDeclaration": count, "returnByValue": True},
    )
    await devtools.detach()
    return int(counted["result"]["value"])


async def scroll(page: Page, goal: str, pixels: int) -> tuple[list[int], int]:
    found: Any = await page.evaluate(SCROLL, [goal, pixels])
    return found[0], found[1]


async def test_a_long_room_is_scrolled_through_and_back_without_a_jump_and_little_of_it_is_held(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    await fill(tmp_path)
    bob = await sqlite_node.sign_up("bob")
    page = await window(browser, sqlite_node, "alice")
    await expect(page.locator("article").filter(has_text=f"number {MESSAGES - 1}.")).to_be_in_viewport()
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    before = await detached(page)
    back, most_back = await scroll(page, "number 3.", -500)
    await bob.http.post("/rooms/lobby/messages", json={"ref": "live", "body": "the newest"})
    forth, most_forth = await scroll(page, "the newest", 500)
    # 500 pixels have at most 20 rows, and what was on the screen stays where it was.
    assert [jump for jump in pairwise(back) if not 0 <= jump[0] - jump[1] <= 20] == []
    assert [jump for jump in pairwise(forth) if not 0 <= jump[1] - jump[0] <= 20] == []
    assert max(most_back, most_forth) <= 310
    assert any("after=" in url for url in asked)  # what was dropped is loaded again
    held = min([await detached(page) for _ in range(COLLECTIONS)])
    assert held - before < 1_000, "rows that were taken out of the document stay in memory"
    await bob.http.post("/rooms/lobby/messages", json={"ref": "live 2", "body": "and it follows"})
    await expect(line(page, "and it follows")).to_be_in_viewport()
