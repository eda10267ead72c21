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

    async def cost(shape: dict[str, str], ref: str) -> float:
        """Return the milliseconds that the page works for one message, which is deleted then.

        What is left on the page would make the next one dearer.
        """
        before = await milliseconds(devtools)
        answer = await mallory.http.post("/rooms/lobby/messages", json={"ref": ref, "body": body(shape)})
        assert answer.status_code == 201, shape["name"]
        seq = answer.json()["seq"]
        row = page.locator(f"[data-seq='{seq}']")
        await expect(row).to_have_count(1)
        await page.evaluate(DRAWN)
        taken = await milliseconds(devtools) - before
        assert (await mallory.http.delete(f"/rooms/lobby/messages/{seq}")).status_code == 204
        await expect(row.locator(".body")).to_have_count(0)
        await page.evaluate(DRAWN)
        return taken

    costs = {}
    for number, shape in enumerate(SHAPES):
        taken = await cost(shape, f"r{number}")
        if taken > MOST_MILLISECONDS:  # as well if the browser frees memory meanwhile, so it is asked again
            taken = await cost(shape, f"again {number}")
        costs[shape["name"]] = taken
    assert {name: taken for name, taken in costs.items() if taken > MOST_MILLISECONDS} == {}


async def milliseconds(devtools: CDPSession) -> float:
    """Return how long the page has worked since it was opened."""
    answer = await devtools.send("Performance.getMetrics")
    (seconds,) = [one["value"] for one in answer["metrics"] if one["name"] == "TaskDuration"]
    return float(seconds) * 1000
