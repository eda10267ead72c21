"""`python -m bench.long_room`: how the page opens and scrolls a room of 100,000 messages, in Chromium.

Prints how long opening took, the longest task while scrolling back by 100 pages of history and forth again, and what
the page held in memory before, there and after. Tasks are told in CPU time of the page's main thread as well, which
other work of the machine does not change.
"""

import argparse
import asyncio
import json
import secrets
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from api.models.log import Draft, EntryData, Kind
from api.store import open_store
from api.store.base.store import Store
from bench.contenders import tailwire
from bench.contenders.tailwire import LOBBY

PAGE_ENTRIES: Final = 50
AT_ONCE: Final = 200
PEOPLE: Final = 20
APART_MILLISECONDS: Final = 30_000
BODIES: Final = (
    "A short one.",
    "Some words that fill the line. " * 3,
    "**Formatted**: `code`, *soft*, [link](https://a.example/x)\n- one\n- two",
    "Yes.",
    "Some words that fill the lines of a paragraph. " * 8,
    "See https://a.example/path and https://b.example/other?x=1",
    "Long\n" + "and so on\n" * 40,
)
EMOJIS: Final = ("👍", "🎉")
ANSWERS_EVERY: Final = 10
BACK: Final = 7
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--enable-precise-memory-info")
CATEGORIES: Final = ("toplevel", "devtools.timeline")
TASK: Final = "ThreadControllerImpl::RunTask"
COLLECTIONS: Final = 4
"""After one collection, Chromium still holds elements that were taken out of the document; after four it does not."""

OPENED: Final = """() => new Promise(done => {
  const begun = performance.now()
  location.hash = '#/rooms/lobby'
  const look = () => {
    const rows = document.querySelectorAll('[role=log] article[data-seq]')
    if (rows.length > 20) requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)))
    else requestAnimationFrame(look)
  }
  look()
})"""
"""Goes to the room, and returns after how many milliseconds its newest messages were drawn."""

LOADED: Final = """() => new Promise(done => {
  const look = () => {
    const rows = document.querySelectorAll('[role=log] article[data-seq]')
    if (rows.length > 20) requestAnimationFrame(() => setTimeout(() => done(performance.now())))
    else requestAnimationFrame(look)
  }
  look()
})"""
"""Returns after how many milliseconds the newest messages are drawn, from the beginning of the page."""

SCROLLED: Final = """([seq, pixels]) => new Promise(done => {
  const list = document.querySelector('[role=log]')
  const tasks = []
  const watch = new PerformanceObserver(found => tasks.push(...found.getEntries().map(one => one.duration)))
  watch.observe({ type: 'longtask' })
  let frames = 0
  const begun = performance.now()
  const step = () => {
    frames += 1
    list.scrollTop += pixels
    const rows = list.querySelectorAll('[data-seq]')
    const end = Number(rows[pixels < 0 ? 0 : rows.length - 1]?.dataset.seq)
    const there = pixels < 0 ? end <= seq : end >= seq && list.scrollHeight - list.scrollTop - list.clientHeight < 50
    if (!there) return requestAnimationFrame(step)
    setTimeout(() => {
      watch.disconnect()
      done({
        seconds: (performance.now() - begun) / 1000, frames, tasks_over_50_ms: tasks.length,
        longest_task_ms: Math.max(0, ...tasks), rows: rows.length,
      })
    }, 200)
  }
  requestAnimationFrame(step)
})"""
"""Scrolls by so many pixels a frame until the message `seq` is in the document, at the end or at the beginning."""


def drafts(count: int) -> Iterator[Draft]:
    """Yield the entries of a room with so many messages: answers, reactions, long and formatted texts."""
    begun = time.time_ns() // 1_000_000 - count * APART_MILLISECONDS
    seq, seqs = 0, [0]
    for number in range(count):
        seq += 1
        at = begun + number * APART_MILLISECONDS
        answers = number >= ANSWERS_EVERY and number % ANSWERS_EVERY == 0
        data: EntryData = {
            "body": f"{number}: {BODIES[number % len(BODIES)]}",
            "reply_to": seqs[-BACK] if answers else None,
        }
        seqs.append(seq)
        yield _draft(Kind.MESSAGE, number // 3, at, data)
        for emoji in EMOJIS if number % 4 == 0 else ():
            seq += 1
            yield _draft(Kind.REACTION, number + 1, at, {"target": seqs[-1], "emoji": emoji, "added": True})


def _draft(kind: Kind, person: int, at: int, data: EntryData) -> Draft:
    name = f"person{person % PEOPLE}"
    return Draft(kind=kind, user_id=name, username=name, at=at, ref=secrets.token_hex(8), data=data)


async def fill(store: Store, count: int) -> int:
    """Append the entries to the lobby; return the seq of the last message."""
    left, last = drafts(count), 0
    while batch := [*islice(left, AT_ONCE)]:
        for appended in await asyncio.gather(*(store.log.append(LOBBY, draft) for draft in batch)):
            if appended.entry.kind == Kind.MESSAGE:
                last = max(last, appended.entry.seq)
    return last


async def measure(browser: Browser, url: str, last: int, pages: int) -> dict[str, Any]:
    """See the module."""
    page = await browser.new_page()
    devtools = await page.context.new_cdp_session(page)
    figures: dict[str, Any] = {}
    await page.goto(f"{url}/#/signup")
    await page.get_by_label("Username").fill("reader")
    await page.get_by_label("Password", exact=True).fill(secrets.token_urlsafe(12))
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_text("Live", exact=True).first.wait_for(state="attached")
    await page.goto(f"{url}/#/")
    await page.reload()
    await page.get_by_text("Live", exact=True).first.wait_for(state="attached")
    figures["open_ms"] = await page.evaluate(OPENED)
    await page.reload(wait_until="commit")
    figures["load_ms"] = await page.evaluate(LOADED)
    figures["before"] = await _held(devtools)
    # There are other entries between the messages.
    first = max(1, last - pages * PAGE_ENTRIES * 3 // 2)
    figures["back"] = await _scrolled(browser, page, first, -400)
    figures["there"] = await _held(devtools)
    figures["forth"] = await _scrolled(browser, page, last, 400)
    figures["after"] = await _held(devtools)
    return figures


async def _scrolled(browser: Browser, page: Page, seq: int, pixels: int) -> dict[str, Any]:
    await browser.start_tracing(page=page, categories=[*CATEGORIES])
    figures: dict[str, Any] = await page.evaluate(SCROLLED, [seq, pixels])
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    mains = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    spent: dict[str, float] = defaultdict(float)
    longest = 0.0
    for one in events:
        if (one["pid"], one["tid"]) in mains and "tdur" in one:
            spent[one["name"]] += one["tdur"] / 1_000
            if one["name"] == TASK:
                longest = max(longest, one["tdur"] / 1_000)
    most = sorted(spent.items(), key=lambda item: -item[1])[:8]
    return {**figures, "longest_task_cpu_ms": longest, "cpu_ms": {name: round(ms) for name, ms in most}}


async def _held(devtools: CDPSession) -> dict[str, float]:
    await devtools.send("Performance.enable")
    for _ in range(COLLECTIONS):
        await devtools.send("HeapProfiler.collectGarbage")
        await asyncio.sleep(1)
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    found = {one["name"]: one["value"] for one in metrics}
    return {"heap_mib": round(found["JSHeapUsedSize"] / 2**20, 1), "nodes": found["Nodes"]}


async def main(messages: int, pages: int) -> None:
    """Fill a room, open it, and print the figures."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        url = f"sqlite:///{directory / 'room.db'}"
        store = await open_store(url)
        try:
            begun = time.monotonic()
            last = await fill(store, messages)
            print(f"{last} entries in {time.monotonic() - begun:.1f} s", flush=True)
        finally:
            await store.close()
        with tailwire.node(url, directory) as node:
            async with async_playwright() as playwright:
                chromium = shutil.which("chromium") or shutil.which("google-chrome")
                browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                figures = await measure(browser, f"http://127.0.0.1:{node.port}", last, pages)
                await browser.close()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.long_room", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--pages", type=int, default=100, help="pages of history to scroll back (100)")
    asked = parser.parse_args()
    asyncio.run(main(asked.messages, asked.pages))
