"""A page in WebKitGTK: what is tried in each engine, because Safari and its relatives are none of the others."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.test_reading import write
from tests.browser.webkit import WebKit
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.webkit]

FIRST_SEQ = "return Number(document.querySelector('[role=log] [data-seq]')?.dataset.seq)"
SHOWN = """
const view = document.querySelector('[role=log]').getBoundingClientRect()
return [...document.querySelectorAll('[data-unread], [role=log] [data-seq] .body')]
  .filter(one => one.getBoundingClientRect().top >= view.top && one.getBoundingClientRect().bottom <= view.bottom)
  .map(one => one.textContent).slice(0, 2)
"""
"""The first of what is on the screen: the unread line, and the bodies of messages."""


async def test_a_page_sends_hears_others_and_keeps_both_over_a_reload(
    webkit: WebKit, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    await webkit.sign_up(sqlite_node, "alice")
    await webkit.fill("textarea", "from the page" + Keys.ENTER)
    await webkit.see("from the page")
    await bob.http.post("/rooms/lobby/messages", json={"ref": "1", "body": "from elsewhere"})
    await webkit.see("from elsewhere")
    await webkit.reload()
    await webkit.see("from the page")
    await webkit.see("from elsewhere")


@pytest.mark.settings(sends_per_second=1_000, sends_burst=1_000, commands_per_second=1_000)
async def test_the_wheel_reaches_the_beginning_of_a_room_of_600(webkit: WebKit, sqlite_node: Node) -> None:
    bob = await sqlite_node.sign_up("bob")
    for number in range(600):
        sent = {"ref": str(number), "body": f"message {number}"}
        assert (await bob.http.post("/rooms/lobby/messages", json=sent)).status_code == 201
    await webkit.sign_up(sqlite_node, "alice")
    for _ in range(60):
        await webkit.wheel_up("[role=log]", 1_500)
        if "message 0\n" in await webkit.read("return document.querySelector('[role=log]').innerText"):
            return
    pytest.fail(f"60 turns of the wheel ended at seq {await webkit.read(FIRST_SEQ)}")


async def test_escape_closes_the_members_of_a_room_on_a_phone(webkit: WebKit, sqlite_node: Node) -> None:
    await webkit.resize(400, 850)
    await webkit.sign_up(sqlite_node, "alice")
    await webkit.click("button[aria-label*=ember]")
    await webkit.find(".members")
    await webkit.press(Keys.ESCAPE)
    await webkit.gone(".members")


@pytest.mark.settings(sends_per_second=1_000, sends_burst=1_000)
async def test_a_room_opens_at_the_first_of_300_unread_messages(webkit: WebKit, sqlite_node: Node) -> None:
    await webkit.sign_up(sqlite_node, "alice")
    await webkit.click(".brand")
    bob = await sqlite_node.sign_up("bob")
    await write(bob, 300)
    await webkit.see("news 300")  # in the list of rooms
    await webkit.click(".room-item")
    await webkit.see("300 new since")
    assert await webkit.read(SHOWN) == ["New messages", "news 1"]
