"""F90 to F93: uploads break off anywhere and go on, and nodes are killed while files come, are sent, and go."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests.faults.case import Round, Rounds, case
from tests.faults.desk import Desk, Place, desks, in_folder, in_s3
from tests.faults.filed import ANY, Filed, Opened, Said, SentFile, wrong_files
from tests.faults.filing import PROGRAM, UNSENT
from tests.faults.scene import Scene
from tests.files.hostile import photograph, written
from tests.node import eventually

ROOMY: Final = {
    "TAILWIRE_UNSENT_FILE_HOURS": "1",  # an hour lasts for seconds here
    "TAILWIRE_ROOMS_PER_MINUTE": "100000",
    "TAILWIRE_MISSES_PER_MINUTE": "100000",
    "TAILWIRE_ALL_FILES_MIB": "100000",
    "TAILWIRE_USER_FILES_MIB": "100000",
}
PATIENT: Final = ROOMY | {UNSENT: "60"}
"""A busy machine may take longer for a large file than unsent files wait in other cases."""
MIB: Final = 1024 * 1024
LONG_ROUNDS: Final = 50
"""With so many rounds the files are large."""
LARGE_BYTES: Final = 50 * MIB
SMALL_BYTES: Final = 2 * MIB
MOST_CUTS: Final = 6
PEOPLE: Final = 3
REST_SECONDS: Final = 45.0
"""So long after the last node is up again everything must have come to rest: a lease ends, and the sweep comes."""


# -- uploads that break off


async def cut_off(scene: Scene, rounds: Rounds, place: Place, seed: int) -> None:
    size = LARGE_BYTES if rounds.count >= LONG_ROUNDS else SMALL_BYTES
    async with scene.nodes(2, program=PROGRAM, settings=place.settings | PATIENT) as nodes:
        (desk,), room_id = await desks(nodes, 1, seed)
        for one in rounds:
            data = one.rng.randbytes(size)
            cuts = [one.rng.randrange(1, size) for _ in range(one.rng.randint(1, MOST_CUTS))]
            began = time.monotonic()
            file_id = await desk.upload(room_id, data, cuts)
            one.took("uploaded", time.monotonic() - began)
            one.took("cuts", len(cuts))
            if file_id is None:
                one.require(False, "an upload was not to be ended")
                continue
            sent = await desk.send(room_id, f"r{one.number}", [file_id])
            if sent is None:
                one.require(False, "a whole file was not to be sent")
                continue
            opened = await desk.open(file_id)
            digest = hashlib.sha256(data).hexdigest()
            one.require(opened == Opened(digest, size), f"{file_id} is not what was uploaded: {opened}")
            await desk.request("DELETE", f"/rooms/{room_id}/messages/{sent['seq']}")
            one.require(await desk.open(file_id) is None, f"{file_id} opens after its delete")
            one.took("gone", await _until_nothing_is_left(place, one), at_most=REST_SECONDS)
            for node in nodes:
                one.require(node.tracebacks() == 0, f"a traceback in {node.log}")
        await nodes[0].command("files", "check")


async def _until_nothing_is_left(place: Place, one: Round) -> float:
    began = time.monotonic()

    async def is_empty() -> bool:
        return not await place.kept()

    try:
        await eventually(is_empty, seconds=REST_SECONDS)
    except TimeoutError:
        one.require(False, f"left over: {sorted(await place.kept())[:5]}")
    return time.monotonic() - began


@case(
    "F90",
    "uploads of 50 MiB (short form: 2) into a folder are cut at random, and go on at either of two nodes",
    short=2,
    long=200,
    promise="the bytes are those that were sent; nothing is left over when the message is deleted",
)
async def cut_in_folder(scene: Scene, rounds: Rounds) -> None:
    async with in_folder(scene.directory) as place:
        await cut_off(scene, rounds, place, 90)


@case(
    "F91",
    "as F90, into S3",
    short=1,
    long=200,
    promise="as F90",
)
async def cut_in_s3(scene: Scene, rounds: Rounds) -> None:
    async with in_s3(scene.directory) as place:
        await cut_off(scene, rounds, place, 91)


# -- nodes that are killed


@dataclass
class Office:
    """People who upload, send, delete, give up and leave lying, and what came of it."""

    desks: Sequence[Desk]
    room_id: str
    filed: Filed = field(default_factory=Filed)
    opened_count: int = 0
    wrong: list[str] = field(default_factory=list)
    authors: dict[str, str] = field(default_factory=dict)  # by the place of a message: who may delete it

    async def work(self, desk: Desk, word: str, until: float) -> None:
        """Do one thing after the other."""
        count = 0
        while time.monotonic() < until:
            count += 1
            what = desk.rng.random()
            if what < 0.7 or not self.authors:
                await self._send(desk, f"{word}-{count}", gives_up=what < 0.15)
            elif what < 0.85:
                await self._delete(desk)
            else:
                await self._look(desk)

    async def _send(self, desk: Desk, ref: str, *, gives_up: bool) -> None:
        ids = []
        for _ in range(desk.rng.randint(1, 2)):
            is_picture = desk.rng.random() < 0.2
            size = desk.rng.randint(1, 64)
            data = (
                written("PNG", photograph((size, size)))
                if is_picture
                else desk.rng.randbytes(desk.rng.choice((1, 1_000, 100_000, MIB)))
            )
            cuts = [desk.rng.randrange(1, len(data))] if len(data) > 1 and desk.rng.random() < 0.3 else []
            file_id = await desk.upload(self.room_id, data, cuts)
            if file_id is None:
                return  # it was given up by the sweep meanwhile, as it was not sent in time
            self.filed.uploaded[file_id] = ANY if is_picture else hashlib.sha256(data).hexdigest()
            ids.append(file_id)
        if gives_up:
            if desk.rng.random() < 0.5:
                await desk.request("DELETE", f"/files/{ids[0]}")
            return  # what is left lying is swept
        sent = await desk.send(self.room_id, ref, ids)
        if sent is not None:
            place = str(sent["seq"])
            self.filed.acked[place] = tuple(ids)
            self.authors[place] = desk.account.user_id

    async def _delete(self, desk: Desk) -> None:
        mine = [place for place, author in self.authors.items() if author == desk.account.user_id]
        if not mine:
            return
        place = desk.rng.choice(mine)
        del self.authors[place]
        ids = self.filed.acked[place]
        await desk.request("DELETE", f"/rooms/{self.room_id}/messages/{place}")
        self.filed.deleted.add(place)
        if await desk.open(ids[0]) is not None:
            self.wrong.append(f"{ids[0]} opens after its delete")

    async def _look(self, desk: Desk) -> None:
        """Open a file of a message, which must be there unless that is deleted meanwhile."""
        place = desk.rng.choice([*self.authors])
        file_id = desk.rng.choice(self.filed.acked[place])
        opened = await desk.open(file_id)
        self.opened_count += 1
        digest = self.filed.uploaded[file_id]
        if opened is None and place in self.authors:
            self.wrong.append(f"{place} names {file_id}, which is not there")
        elif opened is not None and digest not in {ANY, opened.digest}:
            self.wrong.append(f"{file_id} has other bytes than were uploaded")

    async def rest(self, place: Place) -> float:
        """Wait until nothing is kept but what messages name, and note what is there. Returns how long that took."""
        began = time.monotonic()

        async def has_come_to_rest() -> bool:
            await self._look_at_all(place)
            return not [*wrong_files(self.filed)]

        with suppress(TimeoutError):
            await eventually(has_come_to_rest, seconds=REST_SECONDS)
        self.wrong += wrong_files(self.filed)
        return time.monotonic() - began

    async def _look_at_all(self, place: Place) -> None:
        desk = self.desks[0]
        shown = await desk.shown(self.room_id)
        self.filed.shown = [
            Said(
                str(one["seq"]),
                tuple(SentFile(file["file_id"], file["size"]) for file in one["files"]),
                one["deleted"],
            )
            for one in shown
        ]
        named = [file.file_id for one in self.filed.shown if not one.is_deleted for file in one.files]
        found = await asyncio.gather(*(desk.open(file_id) for file_id in named))
        self.filed.opened = {
            file_id: one for file_id, one in zip(named, found, strict=True) if one is not None
        }
        self.filed.kept = await place.kept()

    async def clear(self) -> None:
        """Delete all messages, so that a round looks at its own."""
        for desk in self.desks:
            while True:
                path = f"/rooms/{self.room_id}/members/{desk.account.user_id}/messages"
                answer = (await desk.request("DELETE", path)).json()
                if not answer["has_more"]:
                    break
        self.filed.deleted |= self.filed.acked.keys()
        self.authors.clear()


async def killed(scene: Scene, rounds: Rounds, place: Place, seed: int) -> None:
    async with scene.nodes(2, program=PROGRAM, settings=place.settings | ROOMY) as nodes:
        people, _ = await desks(nodes, PEOPLE, seed)
        for one in rounds:
            room = {"name": f"F{seed} {one.number}", "visibility": "public"}
            made = await people[0].request("POST", "/rooms", json=room)
            for desk in people[1:]:
                await desk.request("POST", f"/rooms/{made.json()['id']}/join")
            office = Office(people, str(made.json()["id"]))
            until = time.monotonic() + one.rng.uniform(1.0, 3.0)
            working = [
                asyncio.create_task(office.work(desk, f"{desk.account.username}-{one.number}", until))
                for desk in people
            ]
            down = one.rng.choice(nodes)
            await asyncio.sleep(one.rng.uniform(0.1, 2.0))
            down.kill()
            await down.ended()
            await asyncio.sleep(one.rng.uniform(0, 0.5))
            await down.start()
            await asyncio.gather(*working)
            one.took("at rest", await office.rest(place), at_most=REST_SECONDS)
            one.took("messages", len(office.filed.shown))
            one.took("files", len(office.filed.uploaded))
            one.took("opened", office.opened_count)
            await office.clear()
            one.took("cleared", await office.rest(place), at_most=REST_SECONDS)
            for wrong in office.wrong[:20]:
                one.require(False, wrong)
            for node in nodes:
                one.require(node.tracebacks() == 0, f"a traceback in {node.log}")
        await nodes[0].command("files", "check")


@case(
    "F92",
    "one of two nodes is killed while files come into a folder, are sent, deleted, given up and swept",
    short=1,
    long=100,
    promise="no message names a file that is not there, or has other bytes; what no message has is gone <= 45 s",
)
async def killed_in_folder(scene: Scene, rounds: Rounds) -> None:
    async with in_folder(scene.directory) as place:
        await killed(scene, rounds, place, 92)


@case(
    "F93",
    "as F92, into S3",
    short=1,
    long=100,
    promise="as F92",
)
async def killed_in_s3(scene: Scene, rounds: Rounds) -> None:
    async with in_s3(scene.directory) as place:
        await killed(scene, rounds, place, 93)
