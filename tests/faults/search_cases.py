"""F80 and F81: the search index and its writer are killed, lost and spoiled; what is forgotten leaves every file."""

import asyncio
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw
import httpx

from api.models.rooms import LOBBY_ID
from tests.faults.case import Round, Rounds, case
from tests.faults.erasing import stranger
from tests.faults.machine import Api
from tests.faults.people import People, people
from tests.faults.scene import Scene
from tests.faults.secrecy import Deed, Door, Of, Secrecy, Secret, Sight
from tests.faults.web import LOST
from tests.node import PASSWORD, Event, Person, eventually

SETTINGS: Final = {
    "TAILWIRE_SIGNUP": "open",
    "TAILWIRE_ROOMS_PER_MINUTE": "100000",
    "TAILWIRE_SEARCHES_PER_MINUTE": "100000",
    "TAILWIRE_MISSES_PER_MINUTE": "100000",
}
HANDS: Final = 4
HEALED_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 60.0
FORGOTTEN_SECONDS: Final = 10.0
HELD_SECONDS: Final = 5.0
"""How long somebody reads index and store, as a copy does."""
SPOILED: Final = ("one", "one", "both", "deleted", "taken away", "cut", "bits", "bits")
"""What befalls: a node is killed, or both are; then the file is deleted, cut or changed, or deleted under a node."""


class Talk:
    """Messages of one room that are sent, edited, deleted and searched for at random, also while nodes are down."""

    def __init__(self, users: People, secrecy: Secrecy, rng: random.Random, room_id: str) -> None:
        self.owner, self.member, self.outsider = users.persons
        self.users = users
        self.secrecy = secrecy
        self.rng = rng
        self.secret = Secret()
        self.secret.members[self.owner.id].ins.append(Deed(0, 0))
        self.secret.members[self.member.id].ins.append(Deed(0, 0))
        secrecy.name(self.secret, room_id)
        self._words: dict[str, Door] = {}
        self.path = f"/rooms/{room_id}"
        self.is_over = False

    async def ask(
        self, person: Person, method: str, path: str, body: Event | None = None, side: int | None = None
    ) -> httpx.Response | None:
        """Ask one of the nodes, and look at what it answers; None where it does not answer."""
        begun, side = time.monotonic(), self.rng.randrange(2) if side is None else side
        try:
            answer = await self.users.ask(side, person, method, path, body)
        except LOST:
            return None
        road, is_search = f"{method} {path}", path.startswith("/search")
        self.secrecy.look(Sight(person.id, road, begun, time.monotonic(), answer.text, is_search=is_search))
        return answer

    def word(self, stands: Door) -> str:
        """Return a word for a message of this room."""
        word = f"zq{self.rng.randrange(16**12):012x}qz"
        self._words[word] = stands
        return self.secrecy.mark(word, self.secret, Of.BODY, self.member.id, stands)

    def gone(self) -> list[str]:
        """Return the words that were edited or deleted, as an answer said."""
        return [word for word, stands in self._words.items() if stands.outs]

    async def go_on(self) -> None:
        """Do one thing after another with messages that nobody else changes."""
        mine: dict[int, Door] = {}
        while not self.is_over:
            chance = self.rng.random()
            if chance < 0.5 or not mine:
                await self._say(mine)
            elif chance < 0.65:
                await self._edit(mine, self.rng.choice(list(mine)))
            elif chance < 0.8:
                await self._delete(mine, self.rng.choice(list(mine)))
            else:
                await self.search()

    async def search(self) -> None:
        """Let everybody search at any node. What comes is looked at as everything is."""
        person = self.rng.choice(self.users.persons)
        await self.ask(person, "GET", "/search?q=zq*")

    async def _say(self, mine: dict[int, Door]) -> None:
        deed = Deed(time.monotonic())
        stands = Door([deed])
        body = {"ref": uuid.uuid4().hex, "body": f"all {self.word(stands)}"}
        answer = await self.ask(self.member, "POST", f"{self.path}/messages", body)
        if answer is not None and answer.is_success:
            deed.answered = time.monotonic()
            mine[answer.json()["seq"]] = stands
        else:
            await asyncio.sleep(0.02)

    async def _edit(self, mine: dict[int, Door], seq: int) -> None:
        deed = Deed(time.monotonic())
        stands = Door([deed])
        body = {"ref": uuid.uuid4().hex, "body": f"all {self.word(stands)}"}
        answer = await self.ask(self.member, "PATCH", f"{self.path}/messages/{seq}", body)
        if answer is not None and answer.is_success:
            deed.answered = time.monotonic()
            mine[seq].outs.append(deed)
            mine[seq] = stands
        else:
            del mine[seq]  # nobody knows what it says now

    async def _delete(self, mine: dict[int, Door], seq: int) -> None:
        deed, stands = Deed(time.monotonic()), mine.pop(seq)
        answer = await self.ask(self.member, "DELETE", f"{self.path}/messages/{seq}")
        if answer is not None and answer.is_success:
            deed.answered = time.monotonic()
            stands.outs.append(deed)

    # -- in the end

    async def is_found(self, side: int) -> bool:
        """Say whether a search at a node finds exactly the messages that the room has."""
        stands = await self._all(side, f"{self.path}/messages?limit=100", "before")
        found = await self._all(side, f"/search?q=all&room_id={self.secret.id}", "cursor")
        if stands is None or found is None:
            return False
        return {one["seq"]: one["body"] for one in stands if not one["deleted"]} == {
            one["seq"]: one["body"] for one in found
        }

    async def _all(self, side: int, path: str, more: str) -> list[Event] | None:
        """Return all pages of a list; None where one is refused."""
        items: list[Event] = []
        following = path
        while True:
            answer = await self.ask(self.member, "GET", following, side=side)
            if answer is None or not answer.is_success:
                return None
            page = answer.json()
            items += page["items"]
            after = page.get("next_cursor")
            if more == "before" and page.get("has_more"):
                after = min(one["seq"] for one in page["items"])
            if not after:
                return items
            following = f"{path}&{more}={after}"


@case(
    "F80",
    "nodes killed while they index; the search index deleted, cut, bits flipped",
    short=2,
    long=100,
    promise="nothing found that was edited or deleted, or by outsiders; all found again <= 10 s after the restart",
)
async def spoiled(scene: Scene, rounds: Rounds) -> None:
    are_apart = scene.database is not None
    async with (
        scene.nodes(2, settings=SETTINGS, are_apart=are_apart) as nodes,
        people(nodes, 3) as users,
    ):
        secrecy, before = Secrecy(), list[Talk]()
        for one in rounds:
            secrecy.forget()
            room_id = await users.room(users.persons[0])
            await users.add(users.persons[0], room_id, users.persons[1])
            talk = Talk(users, secrecy, one.rng, room_id)
            async with _talking(talk):
                await asyncio.sleep(one.rng.uniform(0.1, 2.0))
                what = one.rng.choice(SPOILED)
                began_at = await _spoil(one, scene, nodes, what)
            await _require_healed(one, [talk, *one.rng.sample(before, min(1, len(before)))], what, began_at)
            await _require_gone(one, scene, talk)
            before.append(talk)
            for violation in list(secrecy.leaks())[:20]:
                one.require(False, f"{what}: leaked: {violation}")
            for node in nodes:
                one.require(node.tracebacks() == 0, f"a traceback in {node.log}")
            one.took("texts", secrecy.count)
            one.took("found by search", secrecy.searched_count, at_least=1)


@asynccontextmanager
async def _talking(talk: Talk) -> AsyncIterator[None]:
    hands = [asyncio.create_task(talk.go_on()) for _ in range(HANDS)]
    try:
        yield
    finally:
        talk.is_over = True
        await asyncio.gather(*hands)


async def _spoil(one: Round, scene: Scene, nodes: Sequence[Api], what: str) -> float:
    """Let something befall nodes and indexes, and start what was killed again. Return when it was ready."""
    dead = [one.rng.choice(nodes)] if what in {"one", "taken away"} else list(nodes)
    for node in dead:
        node.kill()
    for node in dead:
        await node.ended()
    files = [
        path for path in sorted(scene.directory.rglob("*.search.db*")) if not path.name.endswith("-lock")
    ]
    if what in {"deleted", "taken away"}:
        for path in files:
            path.unlink(missing_ok=True)
    elif what in {"cut", "bits"}:
        for path in files:
            if not path.name.endswith("-shm"):
                _damage(one.rng, path, what)
    await asyncio.gather(*(node.start() for node in dead))
    return time.monotonic()


def _damage(rng: random.Random, path: Path, what: str) -> None:
    size = path.stat().st_size
    if not size:
        return
    if what == "cut":
        os.truncate(path, rng.randrange(size))
        return
    with path.open("r+b") as file:
        for _ in range(rng.choice((1, 8, 64))):
            at = rng.randrange(size)
            file.seek(at)
            (byte,) = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ 1 << rng.randrange(8)]))


async def _require_healed(one: Round, talks: Sequence[Talk], what: str, began_at: float) -> None:
    async def is_healed() -> bool:
        return all([await talk.is_found(side) for talk in talks for side in (0, 1)])

    try:
        await eventually(is_healed, PATIENCE_SECONDS)
    except TimeoutError:
        one.require(False, f"{what}: not all is found after {PATIENCE_SECONDS} s")
    for talk in talks:
        for person in talk.users.persons:
            for side in (0, 1):
                await talk.ask(person, "GET", "/search?q=zq*", side=side)
    one.took("healed", time.monotonic() - began_at, at_most=HEALED_SECONDS)


async def _require_gone(one: Round, scene: Scene, talk: Talk) -> None:
    """Require that what was edited and deleted leaves the files of the indexes soon, whatever befell them."""
    since = time.monotonic()

    async def is_gone() -> bool:
        return not _indexed(scene, talk.gone())

    try:
        await eventually(is_gone, PATIENCE_SECONDS)
    except TimeoutError:
        one.require(False, f"not-erased: {_indexed(scene, talk.gone())}")
    one.took("words gone", time.monotonic() - since, at_most=FORGOTTEN_SECONDS)


@dataclass(frozen=True)
class Word:
    """A word in a message, and what makes index and store forget it. An edit leaves it among the edits in the store."""

    text: str
    forget: Callable[[], Awaitable[httpx.Response]]
    stays_in_store: bool = False


@case(
    "F81",
    "words that are deleted, edited, erased with their author, or go with their room, also beside readers for 5 s",
    short=1,
    long=30,
    promise="none in any file of index and SQLite store, nor in RethinkDB's tables, <= 10 s after",
)
async def forgotten(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2, settings=SETTINGS, are_apart=scene.database is not None) as nodes,
        people(nodes, 2) as users,
    ):
        for one in rounds:
            words = [word async for word in _words(one, users)]
            is_held = bool(one.number % 2)
            async with _held(scene) if is_held else nullcontext():
                answers = await asyncio.gather(*(word.forget() for word in words))
                since = time.monotonic()
                if is_held:
                    await asyncio.sleep(HELD_SECONDS)  # this is what is tried
            one.require(all(answer.is_success for answer in answers), f"refused: {answers}")
            await _require_forgotten(one, scene, words, since)
            for node in nodes:
                one.require(node.tracebacks() == 0, f"a traceback in {node.log}")


async def _words(one: Round, users: People) -> AsyncIterator[Word]:
    """Let words be said, in the lobby and in rooms of their own, and yield them once they are found at both nodes."""
    owner, reader = users.persons
    leaver = await users.nodes[0].sign_up(f"gone{one.rng.randrange(16**8):08x}")
    room_id = await users.room(owner)
    await users.add(owner, room_id, reader)

    async def said(author: Person, place: str) -> tuple[str, str]:
        word = f"zq{one.rng.randrange(16**12):012x}qz"
        body = {"ref": uuid.uuid4().hex, "body": f"the {word} is said"}
        answer = await users.ask(one.rng.randrange(2), author, "POST", f"/rooms/{place}/messages", body)
        return word, f"/rooms/{place}/messages/{answer.raise_for_status().json()['seq']}"

    def asked(person: Person, method: str, path: str, body: Event | None = None) -> Callable[[], Any]:
        return lambda: users.ask(one.rng.randrange(2), person, method, path, body)

    deleted, path = await said(owner, LOBBY_ID)
    made = [Word(deleted, asked(owner, "DELETE", path))]
    edited, path = await said(owner, LOBBY_ID)
    new = {"ref": uuid.uuid4().hex, "body": "something else"}
    made.append(Word(edited, asked(owner, "PATCH", path, new), stays_in_store=True))
    of_room, _ = await said(owner, room_id)
    made.append(Word(of_room, asked(owner, "DELETE", f"/rooms/{room_id}")))
    erased, _ = await said(leaver, LOBBY_ID)
    made.append(Word(erased, asked(leaver, "DELETE", "/users/me", {"password": PASSWORD})))
    for word in made:
        for side in (0, 1):
            await _until_found(users, reader, word.text, side)
        yield word


async def _until_found(users: People, person: Person, word: str, side: int) -> None:
    async def is_found() -> bool:
        answer = await users.ask(side, person, "GET", f"/search?q={word}")
        return answer.is_success and len(answer.json()["items"]) == 1

    await eventually(is_found, PATIENCE_SECONDS)


@asynccontextmanager
async def _held(scene: Scene) -> AsyncIterator[None]:
    """Hold a snapshot of the indexes and of a SQLite store, as a copy does."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stranger(scene).reading())
        for path in scene.directory.rglob("*.search.db"):
            connection = stack.enter_context(closing(apsw.Connection(str(path))))
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM words").fetchall()
        yield


async def _require_forgotten(one: Round, scene: Scene, words: Sequence[Word], since: float) -> None:
    async def left() -> set[str]:
        of_store = await stranger(scene).held([word.text for word in words if not word.stays_in_store])
        return of_store | _indexed(scene, [word.text for word in words])

    async def is_forgotten() -> bool:
        return not await left()

    try:
        await eventually(is_forgotten, PATIENCE_SECONDS)
    except TimeoutError:
        one.require(False, f"not-erased: {await left()}")
    one.took("forgotten", time.monotonic() - since, at_most=FORGOTTEN_SECONDS)


def _indexed(scene: Scene, words: Sequence[str]) -> set[str]:
    """Return those of the words that are in any file of the indexes."""
    kept = b"".join(path.read_bytes() for path in scene.directory.rglob("*.search.db*"))
    return {word for word in words if word.encode() in kept}
