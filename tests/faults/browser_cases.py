"""L12: the SPA in a real browser, with a room of 10,000 messages."""

import json
import time
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from api.models.rooms import LOBBY_ID
from tests.browser.conftest import CHROMIUM, FLAGS, HAS_FRONTEND
from tests.browser.windows import window
from tests.faults.case import EMBEDDED, Rounds, case
from tests.faults.filling import fill
from tests.faults.scene import Scene
from tests.node import Node

MEBIBYTE = 1024 * 1024
WHEEL_PIXELS = 1_500
"""How far one turn of the wheel scrolls: somebody in a hurry."""
CLIMB_SECONDS = 300.0
WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((task) => task.duration)))
  .observe({ type: 'longtask' });
"""
IS_AT_TOP = """new Promise((seen) => requestAnimationFrame(() => seen(
  document.querySelector('[role=log] .beginning') !== null
  && document.querySelector('[role=log]').scrollTop === 0)))"""


@case(
    "L12",
    "a room of 10,000 messages scrolled from bottom to top, twice, in Chromium",
    stores=EMBEDDED,
    long=3,
    promise="no task > 200 ms; heap <= + 5 % by the second time; the document stays small",
)
async def scrolled(scene: Scene, rounds: Rounds) -> None:
    if CHROMIUM is None or not HAS_FRONTEND:
        pytest.skip("no Chromium on this machine, or no build of the SPA")
    async with scene.node() as node:
        authors = [await node.sign_up(f"l12{number}") for number in range(3)]
    await fill(scene.url, LOBBY_ID, authors, 10_000)
    async with scene.node() as node, async_playwright() as playwright:
        for one in rounds:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            try:
                page = await window(browser, Node(node.url), f"reader{one.number}")
                await page.evaluate(WATCH)
                await browser.start_tracing(page=page, categories=["toplevel"])
                one.took("heap MiB at the bottom", await _heap_mib(page))
                one.took("climb", await _climb(page))
                first = await _heap_mib(page)
                one.took("heap MiB at the top", first)
                await page.locator("button.jump").click()
                await _climb(page)
                one.took("heap drift %", 100 * (await _heap_mib(page) / first - 1), at_most=5)
                rows = await page.locator("[role=log] [data-key]").count()
                one.took("rows in the document", rows, at_most=400)
                tasks: list[float] = await page.evaluate("longTasks")
                one.took("long tasks", len(tasks))
                one.took("longest ms", max(tasks, default=0.0), at_most=200)
                one.took("most CPU of a task ms", _most_cpu_ms(await browser.stop_tracing()))
                first_row = await page.locator("[role=log] article .body").first.text_content()
                one.require(str(first_row).startswith("0 "), f"the first message is {first_row!r}")
            finally:
                await browser.close()


async def _climb(page: Page) -> float:
    """Turn the wheel up to the beginning of the room; return how long that took."""
    began_at = time.monotonic()
    await page.get_by_role("log").hover()
    while not await page.evaluate(IS_AT_TOP):
        if time.monotonic() - began_at > CLIMB_SECONDS:
            raise TimeoutError("the beginning of the room did not come into view")
        await page.mouse.wheel(0, -WHEEL_PIXELS)
    return time.monotonic() - began_at


def _most_cpu_ms(trace: bytes) -> float:
    """Return the CPU time of the page's longest task. Its duration would include waiting on a busy machine."""
    events = json.loads(trace)["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return (
        max(float(event.get("tdur", 0)) for event in events if (event["pid"], event["tid"]) in mains) / 1_000
    )


async def _heap_mib(page: Page) -> float:
    """Return the size of the page's heap after garbage collection."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("HeapProfiler.collectGarbage")
    usage: dict[str, Any] = await devtools.send("Runtime.getHeapUsage")
    await devtools.detach()
    return float(usage["usedSize"]) / MEBIBYTE
