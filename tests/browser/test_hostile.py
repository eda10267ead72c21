"""A message costs its readers no time, whatever it holds."""

import json
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, CDPSession, expect

from tests.browser.windows import window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.settings(sends_burst=1_000)]

CHARACTERS: Final = 4_000
MOST_MILLISECONDS: Final = 50
DRAWN: Final = (
    "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
)
SHAPES: Final = json.loads(
    (Path(__file__).parents[2] / "frontend/tests/browser/hostile_bodies.json").read_text()
)


def body(shape: dict[str, str]) -> str:
    tail = shape.get("tail", "")
    room = CHARACTERS - len(shape["head"]) - len(tail)
    return shape["head"] + (shape["unit"] * room)[:room] + tail


async def test_no_message_costs_its_reader_time(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    mallory = await sqlite_node.sign_up("mallory")
    devtools = await page.context.new_cdp_session(page)
    # The time of the processor, so that other programs on the machine do not count.
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    costs = {}
    for number, shape in enumerate(SHAPES):
        before = await milliseconds(devtools)
        message = {"ref": f"r{number}", "body": body(shape)}
        answer = await mallory.http.post("/rooms/lobby/messages", json=message)
        assert answer.status_code == 201, shape["name"]
        await expect(page.locator(f"[data-seq='{answer.json()['seq']}']")).to_have_count(1)
        await page.evaluate(DRAWN)
        costs[shape["name"]] = await milliseconds(devtools) - before
    assert {name: cost for name, cost in costs.items() if cost > MOST_MILLISECONDS} == {}


async def milliseconds(devtools: CDPSession) -> float:
    """Return how long the page has worked since it was opened."""
    answer = await devtools.send("Performance.getMetrics")
    (seconds,) = [one["value"] for one in answer["metrics"] if one["name"] == "TaskDuration"]
    return float(seconds) * 1000
