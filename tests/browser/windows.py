"""Opens windows and tabs of people who chat, and reads what they show."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    WebSocketRoute,
    expect,
)

from tests.node import PASSWORD, Node

BODIES: Final = "[...document.querySelectorAll('[role=log] [data-seq]')].map(row => row.dataset.seq)"
TEXTS: Final = "[...document.querySelectorAll('[role=log] article .body')].map(body => body.textContent)"


class Wire:
    """The WebSockets of one context. It notes what is sent to be stored, and can cut the connections."""

    def __init__(self) -> None:
        self.is_cut = False
        self.sent: list[tuple[str, str]] = []  # (ref, body)
        self.changes: list[dict[str, Any]] = []  # the commands that change messages
        self.late = ""  # events of this type wait until they are let through
        self._waiting: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._open: list[WebSocketRoute] = []

    async def lay(self, context: BrowserContext) -> None:
        await context.route_web_socket("**/ws/messages", self._opened)

    async def cut(self) -> None:
        self.is_cut = True
        for socket in self._open:
            await socket.close(code=1012)
        self._open.clear()

    def mend(self) -> None:
        self.is_cut = False

    async def let_through(self, count: int) -> None:
        """Wait until so many late events have come, and let all through, in their order."""
        for deliver in [await self._waiting.get() for _ in range(count)]:
            deliver()
        self.late = ""
        while not self._waiting.empty():
            self._waiting.get_nowait()()

    async def _opened(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            await socket.close(code=1012)
            return
        self._open.append(socket)
        server = socket.connect_to_server()
        socket.on_message(self._tap(server.send))
        server.on_message(self._delayed(socket.send))

    def _tap(self, forward: Callable[[str | bytes], None]) -> Callable[[str | bytes], None]:
        def tapped(frame: str | bytes) -> None:
            command = json.loads(frame)
            if command["type"] == "send":
                self.sent.append((command["ref"], command["body"]))
            elif "seq" in command and "ref" in command:
                self.changes.append(command)
            forward(frame)

        return tapped

    def _delayed(self, forward: Callable[[str | bytes], None]) -> Callable[[str | bytes], None]:
        def delayed(frame: str | bytes) -> None:
            if self.late and json.loads(frame)["type"] == self.late:
                self._waiting.put_nowait(lambda: forward(frame))
            else:
                forward(frame)

        return delayed


async def window(
    browser: Browser, node: Node, username: str, wire: Wire | None = None, **options: Any
) -> Page:
    """Open a new window, sign up, and open the lobby."""
    context = await browser.new_context(**options)
    if wire:
        await wire.lay(context)
    page = await _open(context, f"{node.url}/#/signup")
    await fill(page, username, "Create account")
    return await _enter_lobby(page, node)


async def tab(context: BrowserContext, node: Node, username: str) -> Page:
    """Open one more tab in `context`, log in unless the cookie did, and open the lobby."""
    page = await _open(context, f"{node.url}/#/")
    form = page.get_by_role("button", name="Log in")
    await expect(form.or_(live(page))).to_be_visible()
    if await form.is_visible():
        await fill(page, username, "Log in")
    return await _enter_lobby(page, node)


async def _open(context: BrowserContext, url: str) -> Page:
    """Open a page. An error of its scripts, or a breach of its policy, fails the test."""
    page = await context.new_page()
    page.on("pageerror", _refuse_errors)
    page.on("console", _refuse_violations)
    await page.goto(url)
    return page


def _refuse_errors(error: Error) -> None:
    # Firefox calls it an error of the page when the server has ended before the page.
    if "establish a connection to the server" not in error.message:
        pytest.fail(f"the page failed: {error}")


def _refuse_violations(message: ConsoleMessage) -> None:
    if message.type == "error" and ("Content Security Policy" in message.text or "Trusted" in message.text):
        pytest.fail(f"the page broke its policy: {message.text}")


async def fill(page: Page, username: str, button: str, password: str = PASSWORD) -> None:
    """Fill in the form whose button is named `button`, and press it. Wait for this form: another may still be there."""
    await expect(page.get_by_role("button", name=button)).to_be_visible()
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name=button).click()


async def _enter_lobby(page: Page, node: Node) -> Page:
    await expect(live(page)).to_be_attached()  # a phone shows it beside the list of rooms only
    await page.goto(f"{node.url}/#/rooms/lobby")
    await expect(page.locator("textarea")).to_be_visible()
    return page


def live(page: Page) -> Locator:
    return page.get_by_text("Live", exact=True).first


async def reconnect(page: Page) -> None:
    """Connect without waiting for the next attempt. Not by a click of Playwright's: the page may be faster."""
    await page.evaluate(
        "for (const one of document.querySelectorAll('button')) if (one.textContent === 'Try now') one.click()"
    )


async def say(page: Page, text: str) -> None:
    await page.locator("textarea").fill(text)
    await page.locator("textarea").press("Enter")


def line(page: Page, text: str) -> Any:
    return page.get_by_role("log").get_by_text(text, exact=True)


async def stored(page: Page, text: str) -> None:
    """Wait until the page shows a message that the server has stored. One just sent may not even be drawn yet."""
    await expect(page.locator("article[data-seq]").filter(has_text=text)).to_have_count(1)


async def about_the_room(page: Page, what: str) -> None:
    """Choose something in the menu of the room that is open."""
    await page.get_by_role("button", name="More about this room").click()
    await page.get_by_role("menuitem", name=what).click()


async def card_of(page: Page, username: str) -> Locator:
    """Open the card about somebody by their name at a message. Return it."""
    await page.locator("article").get_by_role("link", name=username, exact=True).first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading", name=username)).to_be_visible()
    return dialog


async def escape(page: Page) -> None:
    """Press Escape, and wait until no dialog and no menu is open. Until then the page behind takes no key."""
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open], [role=menu]")).to_have_count(0)
