"""Drives WebKitGTK, the engine of Safari as Debian builds it, over WebDriver."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio.to_thread
from selenium.webdriver import ActionChains, WebKitGTK, WebKitGTKOptions
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.service import Service

from tests.node import PASSWORD, SECONDS, Node

T = TypeVar("T")


@contextmanager
def screen(xvfb: str) -> Iterator[str]:
    """Run a screen without hardware, and give its name for DISPLAY."""
    command = [xvfb, "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            yield f":{process.stdout.readline().strip()}"
        finally:
            process.terminate()


class WebKit:
    """One window of WebKitGTK. Its calls wait in a thread, so that the server of the test goes on meanwhile."""

    def __init__(self, driver: WebKitGTK) -> None:
        self._driver = driver

    @classmethod
    async def start(cls, driver: str, display: str) -> "WebKit":
        # The sandbox of WebKitGTK needs user namespaces, which containers have not.
        variables = {"DISPLAY": display, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        service = Service(driver, env=os.environ | variables)
        return cls(await anyio.to_thread.run_sync(lambda: WebKitGTK(WebKitGTKOptions(), service)))

    async def close(self) -> None:
        await self._do(self._driver.quit)

    async def sign_up(self, node: Node, username: str) -> None:
        """Make an account. The lobby opens by itself."""
        await self.open(f"{node.url}/#/signup")
        await self.fill("input[autocomplete=username]", username)
        await self.fill("input[type=password]", PASSWORD + Keys.ENTER)
        await self.find("textarea")

    async def open(self, url: str) -> None:
        await self._do(lambda: self._driver.get(url))

    async def reload(self) -> None:
        await self._do(self._driver.refresh)

    async def resize(self, width: int, height: int) -> None:
        await self._do(lambda: self._driver.set_window_size(width, height))

    async def fill(self, selector: str, text: str) -> None:
        """Type into a field."""
        field = await self.find(selector)
        await self._do(lambda: field.send_keys(text))

    async def click(self, selector: str) -> None:
        button = await self.find(selector)
        await self._do(button.click)

    async def press(self, key: str) -> None:
        await self._do(lambda: ActionChains(self._driver).send_keys(key).perform())

    async def wheel_up(self, selector: str, pixels: int) -> None:
        """Turn the wheel over an element, away from the reader."""
        element = await self.find(selector)
        await self._do(lambda: self._turn(element, pixels))

    async def find(self, selector: str) -> WebElement:
        """Return the first element that a CSS selector matches, once there is one."""
        found: WebElement = await self._until(lambda driver: driver.find_elements(By.CSS_SELECTOR, selector))
        return found

    async def see(self, text: str) -> None:
        """Wait until the page shows a text."""
        await self._until(
            lambda _: text in self._driver.execute_script("return document.body?.innerText ?? ''")
        )

    async def read(self, script: str) -> Any:
        """Return what a script returns in the page."""
        return await self._do(lambda: self._driver.execute_script(script))

    async def gone(self, selector: str) -> None:
        """Wait until no element that a CSS selector matches is shown."""
        script = "return [...document.querySelectorAll(arguments[0])].every(one => !one.checkVisibility())"
        await self._until(lambda driver: driver.execute_script(script, selector))

    def _turn(self, element: WebElement, pixels: int) -> None:
        middle = ScrollOrigin.from_element(element)
        ActionChains(self._driver).scroll_from_origin(middle, 0, -pixels).perform()
        # WebKit's driver compares with the state of the wheel that it was told last, and leaves out what is alike.
        ActionChains(self._driver).reset_actions()
        self._driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    async def _until(self, condition: Callable[[WebKitGTK], Any]) -> Any:
        waiting = WebDriverWait(self._driver, SECONDS, poll_frequency=0.05)
        found = await self._do(lambda: waiting.until(condition))
        return found[0] if isinstance(found, list) else found

    async def _do(self, call: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(call)
