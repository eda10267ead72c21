"""F97 and F98: the node that looks at links in messages dies, or is paused, while sites keep it waiting."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from PIL import Image

from tests.faults.case import Round, Rounds, case
from tests.faults.desk import Desk, Place, desks, in_folder
from tests.faults.file_cases import ROOMY
from tests.faults.filing import PROGRAM
from tests.faults.machine import Api
from tests.faults.scene import Scene
from tests.files.hostile import written
from tests.links.site import Answer, Site, answer, meta, page, serving
from tests.node import eventually

LEASE: Final = 'tailwire_lease_held{lease="previews"}'
SETTINGS: Final = {"TAILWIRE_LINK_PREVIEWS": "true", "TAILWIRE_LINK_PREVIEW_ALLOW": "127.0.0.1/32"}
LINKS: Final = ((0,), (1,), (2, 3))
"""The links of each message of a round. One user or host is asked no more often than that at a time."""
SLOWEST_SECONDS: Final = 3.5
LED_SECONDS: Final = 16.0
SHOWN_SECONDS: Final = 30.0
GONE_SECONDS: Final = 45.0


@dataclass
class Linked:
    """The messages of a round, by seq with the links in them, and the site that these lead to."""

    desk: Desk
    site: Site
    place: Place
    room_id: str
    links: dict[int, list[str]]

    async def shown(self) -> dict[int, list[dict[str, Any]]]:
        """Return the previews of each message."""
        return {one["seq"]: one["previews"] for one in await self.desk.shown(self.room_id)}

    async def are_all_shown(self) -> bool:
        """Say whether each link has its preview."""
        shown = await self.shown()
        return all([one["url"] for one in shown[seq]] == links for seq, links in self.links.items())

    async def check(self, one: Round) -> None:
        """Note what is wrong with previews, their pictures, the log, and what was fetched."""
        for seq, previews in (await self.shown()).items():
            for preview in previews:
                number = int(preview["url"].rpartition("-")[2])
                one.require(preview["title"] == f"page {number}", f"{seq} shows {preview['title']}")
                picture = preview["picture"]
                one.require((picture is not None) == (number % 2 == 1), f"{preview['url']}: {picture}")
                if picture is not None:
                    opened = await self.desk.open(picture["file_id"])
                    one.require(opened is not None, f"the picture of {preview['url']} does not open")
        log = (await self.desk.request("GET", f"/rooms/{self.room_id}/log", params={"limit": 500})).json()
        told = [entry["target"] for entry in log["items"] if entry["type"] == "preview"]
        # A node that was paused may have had one link of a message alone, and the other node adds the other one.
        is_once = all(1 <= told.count(seq) <= len(links) for seq, links in self.links.items())
        one.require(is_once and {*told} == {*self.links}, f"the log tells of the previews of {told}")
        paths = [urlsplit(link).path for links in self.links.values() for link in links]
        counts = [self.site.asked.count(path) for path in paths]
        one.took("fetches of a page", sum(counts) / len(counts))
        one.require(max(counts) <= 2, f"pages were fetched {counts} times")

    async def clear(self, one: Round) -> None:
        """Delete the messages. Their pictures go, and those that no message has."""
        for seq in self.links:
            await self.desk.request("DELETE", f"/rooms/{self.room_id}/messages/{seq}")

        async def is_empty() -> bool:
            return not await self.place.kept()

        began = time.monotonic()
        with suppress(TimeoutError):
            await eventually(is_empty, seconds=GONE_SECONDS)
        one.took("gone", time.monotonic() - began)
        one.require(await is_empty(), f"left over: {sorted(await self.place.kept())[:5]}")


async def linked(one: Round, desk: Desk, site: Site, place: Place) -> Linked:
    """Send the messages of a round. Each page is slow, and every second one has a picture."""
    made = await desk.request("POST", "/rooms", json={"name": f"F97 {one.number}", "visibility": "public"})
    it = Linked(desk, site, place, str(made.json()["id"]), {})
    for numbers in LINKS:
        links = []
        for number in numbers:
            path = f"/{one.number}-{number}"
            head = meta(image="/picture.png") if number % 2 else ""
            site.answers[path] = late(
                page(title=f"page {number}", head=head), one.rng.uniform(0, SLOWEST_SECONDS)
            )
            links.append(site.url + path)
        body = {"ref": f"{one.number}-{numbers}", "body": " ".join(links)}
        sent = await desk.request("POST", f"/rooms/{it.room_id}/messages", json=body)
        it.links[int(sent.json()["seq"])] = links
    return it


def late(said: bytes, seconds: float) -> Answer:
    """Return an answer that comes after some time."""

    async def answers(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(said)
        await writer.drain()

    return answers


async def leader(nodes: Sequence[Api]) -> Api:
    """Wait until a node looks at links, and return it."""
    found: list[Api] = []

    async def is_led() -> bool:
        held = [await node.metric(LEASE) for node in nodes]
        found[:] = [node for node, one in zip(nodes, held, strict=True) if one]
        return len(found) == 1

    await eventually(is_led, seconds=LED_SECONDS)
    return found[0]


async def _play(scene: Scene, rounds: Rounds, *, is_paused: bool) -> None:
    async with (
        in_folder(scene.directory) as place,
        serving() as site,
        scene.nodes(2, program=PROGRAM, settings=place.settings | ROOMY | SETTINGS) as nodes,
    ):
        site.answers["/picture.png"] = answer(
            written("PNG", Image.linear_gradient("L").convert("RGB")), "image/png"
        )
        people, _ = await desks(nodes, 1, 98 if is_paused else 97)
        for one in rounds:
            leading = await leader(nodes)
            it = await linked(one, people[0], site, place)
            await site.until_asked(f"/{one.number}-0")
            await asyncio.sleep(one.rng.uniform(0, SLOWEST_SECONDS))
            began = time.monotonic()
            if is_paused:
                await _pause(one, leading, nodes)
            else:
                await _kill(one, leading, nodes)
            with suppress(TimeoutError):
                await eventually(it.are_all_shown, seconds=SHOWN_SECONDS)
            one.took("shown", time.monotonic() - began, at_most=SHOWN_SECONDS)
            one.require(await it.are_all_shown(), f"shown are {await it.shown()} of {it.links}")
            for node in nodes:
                if not await node.is_ready():
                    await node.start()
            await it.check(one)
            await it.clear(one)
            for node in nodes:
                one.require(node.tracebacks() == 0, f"a traceback in {node.log}")


async def _kill(one: Round, leading: Api, nodes: Sequence[Api]) -> None:
    """Kill the node that looks at links, so that the other goes on; or, in every second round, both."""
    killed = nodes if one.number % 2 == 0 else [leading]
    for node in killed:
        node.kill()
        await node.ended()
    if len(killed) > 1:
        for node in killed:
            await node.start()


async def _pause(one: Round, leading: Api, nodes: Sequence[Api]) -> None:
    """Pause the node that looks at links until the other does, and let it go on at once."""
    (other,) = (node for node in nodes if node is not leading)
    began = time.monotonic()
    leading.pause()

    async def has_taken_over() -> bool:
        return await other.metric(LEASE) == 1

    try:
        # A node that is paused while it writes keeps SQLite to itself: then there is nothing to take over.
        with suppress(TimeoutError):
            await eventually(has_taken_over, seconds=LED_SECONDS)
            one.took("taken over", time.monotonic() - began)
            await asyncio.sleep(one.rng.uniform(0, SLOWEST_SECONDS))
    finally:
        leading.resume()
    await eventually(leading.is_ready, seconds=LED_SECONDS)


@case(
    "F97",
    "the node that looks at links in messages is killed, or all are, while the sites keep it waiting",
    short=2,
    long=100,
    promise="each link gets its preview and picture, once in the log; a page is fetched <= 2 times; shown <= 30 s",
)
async def killed(scene: Scene, rounds: Rounds) -> None:
    await _play(scene, rounds, is_paused=False)


@case(
    "F98",
    "the node that looks at links in messages is paused meanwhile, until another does, and goes on",
    short=1,
    long=50,
    promise="as F97",
)
async def paused(scene: Scene, rounds: Rounds) -> None:
    await _play(scene, rounds, is_paused=True)
