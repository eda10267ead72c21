"""`python -m bench.many_rooms`: how the page of somebody who is in 1,000 rooms keeps its badges right, in Chromium.

Prints after how long the list was there, how many sockets the page has, how many badges were right how long after
somebody was mentioned in a tenth of the rooms, and how long it took to switch to rooms without a subscription.
"""

import argparse
import asyncio
import json
import secrets
import shutil
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.async_api import Page, async_playwright

from api.models.accounts import User
from api.models.log import Draft, Kind
from api.models.rooms import Role, Room, Visibility
from api.rooms import policy
from api.store import open_store
from bench.contenders import tailwire
from bench.contenders.tailwire import Node

FLAGS: Final = ("--no-sandbox", "--disable-gpu")
AT_ONCE: Final = 50
PASSWORD: Final = secrets.token_urlsafe(12)
EVERY: Final = 10
"""Messages come to every tenth room."""
SWITCHES: Final = 20
RIGHT_SECONDS: Final = 10.0

LISTED: Final = """count => new Promise(done => {
  const look = () => {
    if (document.querySelectorAll('.room-item').length >= count) requestAnimationFrame(() => setTimeout(done))
    else requestAnimationFrame(look)
  }
  look()
})"""
"""Returns when so many rooms are drawn."""

RIGHT: Final = """ids => ids.filter(id => {
  const one = document.querySelector(`.room-item[href$="${id}"]`)
  return one !== null && one.textContent.includes('mentions of you')
}).length"""
"""Returns how many of these rooms show the mention."""

SWITCHED: Final = """id => new Promise(done => {
  const begun = performance.now()
  location.hash = `#/rooms/${id}`
  const look = () => {
    const text = [...document.querySelectorAll('[role=log] article[data-seq]')].map(one => one.textContent).join()
    if (text.includes(`first of ${id}`)) requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)))
    else requestAnimationFrame(look)
  }
  look()
})"""
"""Goes to a room, and returns after how many milliseconds its messages were drawn."""


async def fill(url: str, reader: User, writer: User, count: int) -> list[str]:
    """Make private rooms of two people, with a message each. Return their ids."""
    store = await open_store(url)
    made: list[str] = []

    async def make(number: int) -> None:
        at = time.time_ns() // 1_000_000
        room = Room(secrets.token_urlsafe(16), f"Room {number:04}", "", Visibility.PRIVATE, at)
        await store.rooms.create(room, writer)
        rule = policy.setting_role(Role.MEMBER)
        await store.members.change(room.id, reader, by=writer.id, at=at, rule=rule)
        author = await store.members.get(room.id, writer.id)
        draft = Draft(
            kind=Kind.MESSAGE,
            user_id=writer.id,
            username=writer.username,
            at=at,
            ref=secrets.token_hex(8),
            data={"body": f"first of {room.id}", "reply_to": None},
        )
        await store.log.append(room.id, draft, author=author)
        made.append(room.id)

    try:
        for begin in range(0, count, AT_ONCE):
            await asyncio.gather(*map(make, range(begin, min(count, begin + AT_ONCE))))
    finally:
        await store.close()
    return made


async def measure(page: Page, node: Node, token: str, ids: Sequence[str]) -> dict[str, Any]:
    """See the module."""
    sockets: list[str] = []
    asked: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.on("request", lambda request: asked.append(request.url) if "/rooms?" in request.url else None)
    await page.goto(f"http://127.0.0.1:{node.port}")
    await page.get_by_label("Username").fill("reader")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in").last.click()
    begun = time.monotonic()
    await page.evaluate(LISTED, len(ids))
    figures: dict[str, Any] = {"listed_seconds": time.monotonic() - begun, "listed_requests": len(asked)}
    await page.wait_for_timeout(5_000)
    grown, before = ids[::EVERY], len(asked)
    for room_id in grown:
        body = {"ref": secrets.token_hex(8), "body": "@reader see"}
        await asyncio.to_thread(node.ask, "POST", f"/rooms/{room_id}/messages", token, body)
    told_at = time.monotonic()
    while (right := await page.evaluate(RIGHT, grown)) < len(grown):
        if time.monotonic() > told_at + RIGHT_SECONDS:
            break
        await page.wait_for_timeout(50)
    figures |= {
        "mentions": len(grown),
        "badges_right": right,
        "right_after_seconds": time.monotonic() - told_at,
    }
    figures["requests_for_them"] = len(asked) - before
    switches = [await page.evaluate(SWITCHED, room_id) for room_id in ids[5 :: len(ids) // SWITCHES]]
    figures["switch_ms"] = {"median": statistics.median(switches), "worst": max(switches)}
    return {**figures, "sockets": len(sockets)}


async def main(count: int) -> None:
    """Make the rooms, open the page, and print the figures."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        url = f"sqlite:///{directory / 'rooms.db'}"
        with tailwire.node(url, directory) as node:
            people = [
                node.ask("POST", "/auth/signup", body={"username": username, "password": PASSWORD})
                for username in ("reader", "writer")
            ]
            reader, writer = (
                User(one["user"]["id"], one["user"]["username"], "", created_at=1) for one in people
            )
            ids = await fill(url, reader, writer, count)
            async with async_playwright() as playwright:
                chromium = shutil.which("chromium") or shutil.which("google-chrome")
                browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                page = await browser.new_page(viewport={"width": 1280, "height": 800})
                figures = await measure(page, node, people[1]["access_token"], ids)
                await browser.close()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.many_rooms", description=__doc__)
    parser.add_argument("--rooms", type=int, default=1_000)
    asyncio.run(main(parser.parse_args().rooms))
