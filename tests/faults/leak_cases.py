"""F36: people come and go in rooms at random, while everybody looks, and searches, for what they may not see."""

import asyncio
import itertools
import json
import statistics
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from tests.faults.case import Round, Rounds, case
from tests.faults.ear import Ear, Heard, listening
from tests.faults.people import People, people
from tests.faults.scene import Scene
from tests.faults.secrecy import Deed, Door, Of, Secrecy, Secret, Sight, told_apart
from tests.node import PASSWORD, Event, Person

ROUND_SECONDS: Final = 10.0
REGULARS: Final = 6
STRANGERS: Final = 2
"""They are never let into a private room."""
ROOMS: Final = 12
"""The most rooms that are not deleted at a time."""
KNOWN_MARKS: Final = 200
"""So many of the newest words are searched for."""
ERASED: Final = 2
"""So many accounts are erased in a round."""
ERASE_SHARE: Final = 0.02
ERASED_SECONDS: Final = 30.0
HANDS: Final = 6
"""So much is done at once."""
PAIRS: Final = 200
"""So many pairs of answers to each request are timed when all is quiet."""
APART: Final = 0.15
"""Chance alone tells 200 pairs apart by more than 0.14 once in 10,000 times."""
VARYING: Final = {"date", "x-request-id", "content-length", "ratelimit", "ratelimit-policy"}
"""Headers that differ from answer to answer."""
SETTINGS: Final = {
    "TAILWIRE_SIGNUP": "open",
    "TAILWIRE_ROOMS_PER_MINUTE": "100000",
    "TAILWIRE_MISSES_PER_MINUTE": "100000",
    "TAILWIRE_SEARCHES_PER_MINUTE": "100000",
    "TAILWIRE_SUBSCRIPTIONS": "1000",
}


@dataclass(eq=False)
class Said:
    """A message, and whether each of the texts that it had stands in it."""

    author: Person
    texts: list[Door]


@dataclass(eq=False)
class Place:
    """A room of the run. Who is in it is known as far as the answers tell; `secret` knows it exactly."""

    secret: Secret
    people: list[Person]
    owner: Person | None
    """None of a direct room."""
    said: dict[int, "Said"] = field(default_factory=dict)
    """The messages whose seqs are known."""
    codes: list[str] = field(default_factory=list)
    """Of invites that have ended."""
    is_deleted: bool = False

    @property
    def path(self) -> str:
        """The path of the room."""
        return f"/rooms/{self.secret.id}"


class Run:
    """The people, their rooms, and what was seen."""

    def __init__(self, users: People, ears: dict[str, list[Ear]], secrecy: Secrecy, rng: Random) -> None:
        self.users = users
        self.ears = ears
        self.secrecy = secrecy
        self.rng = rng
        self.places: list[Place] = []
        self.direct: dict[frozenset[str], Place] = {}
        self.marks: deque[str] = deque(maxlen=KNOWN_MARKS)
        self.erased_count = 0
        self.step_count = 0
        self.differing: list[str] = []
        self.regulars = users.persons[:REGULARS]

    def begin(self, rng: Random) -> None:
        """Begin another round. Rooms and people stay."""
        self.rng = rng
        self.step_count = 0
        self.erased_count = 0
        self.differing.clear()
        self.secrecy.forget()
        self.places = [place for place in self.places if not place.is_deleted]

    # -- asking

    async def ask(
        self, person: Person, method: str, path: str, body: Event | None = None, *, side: int | None = None
    ) -> httpx.Response:
        """Ask one of the nodes, and look at what it answers."""
        side = self.rng.randrange(2) if side is None else side
        begun = time.monotonic()
        answer = await self.users.ask(side, person, method, path, body)
        text = f"{answer.text} {answer.headers}"
        if (is_search := path.startswith("/search")) and answer.is_success:
            text = json.dumps(answer.json()["items"])  # the rest says again what was asked for
        self.secrecy.look(
            Sight(
                person.id,
                f"{method} {path}",
                begun,
                time.monotonic(),
                text,
                is_own=path == "/users/me/export",
                is_search=is_search,
            )
        )
        return answer

    async def let_in(self, door: Door, person: Person, method: str, path: str, body: Event | None) -> bool:
        """Ask for something that lets somebody in."""
        deed = Deed(time.monotonic(), side=self.rng.randrange(2))
        door.ins.append(deed)
        answer = await self.ask(person, method, path, body, side=deed.side)
        deed.answered = time.monotonic()
        deed.is_refused = 400 <= answer.status_code < 500
        return answer.is_success

    async def put_out(
        self, doors: list[Door], person: Person, method: str, path: str, body: Event | None
    ) -> Deed | None:
        """Ask for something that puts people out. Return it, or None where it was refused."""
        deed = Deed(time.monotonic(), side=self.rng.randrange(2))
        answer = await self.ask(person, method, path, body, side=deed.side)
        deed.answered = time.monotonic()
        if not answer.is_success:
            return None
        for door in doors:
            door.outs.append(deed)
        return deed

    def mark(self, secret: Secret, of: Of, author: str = "", stands: Door | None = None) -> str:
        """Return a word that is told in one room only."""
        word = f"zq{self.rng.randrange(16**12):012x}qz"
        self.marks.append(word)
        return self.secrecy.mark(word, secret, of, author, stands)

    def ref(self) -> str:
        return f"{self.rng.randrange(16**16):x}"

    def is_outside(self, place: Place, person: Person) -> bool:
        """Say whether somebody may see nothing at all of a room now."""
        now = time.monotonic()
        secret = place.secret
        return not (secret.members[person.id].may_be_open(now, now) or secret.public.may_be_open(now, now))

    # -- steps: what people do

    async def make(self) -> None:
        """Make a room."""
        if sum(not one.is_deleted and one.owner is not None for one in self.places) >= ROOMS:
            return
        owner, secret = self.rng.choice(self.regulars), Secret()
        visibility = self.rng.choice(("private", "private", "public"))
        deed = Deed(time.monotonic())
        secret.members[owner.id].ins.append(deed)
        if visibility == "public":
            secret.public.ins.append(deed)
        body = {"name": self.mark(secret, Of.NAME), "topic": self.mark(secret, Of.NAME)}
        made = await self.ask(owner, "POST", "/rooms", body | {"visibility": visibility})
        deed.answered = time.monotonic()
        self.secrecy.name(secret, made.raise_for_status().json()["id"])
        self.places.append(Place(secret, [owner], owner))

    async def open_direct(self) -> None:
        """Open a direct room, and write into it."""
        group = self.rng.sample(self.regulars, self.rng.choice((2, 2, 3)))
        key = frozenset(person.id for person in group)
        if key not in self.direct:
            secret = Secret()
            for person in group:
                secret.members[person.id].ins.append(Deed(time.monotonic()))
            self.direct[key] = Place(secret, group, None)
        place, others = self.direct[key], [person.id for person in group[1:]]
        if len(others) == 1:
            opened = await self.ask(group[0], "PUT", f"/direct/{others[0]}")
        else:
            opened = await self.ask(group[0], "POST", "/direct", {"user_ids": others})
        if opened.is_success and not place.secret.id:
            self.secrecy.name(place.secret, opened.json()["id"])
            self.places.append(place)

    async def add(self, place: Place) -> None:
        person = self.rng.choice(self.regulars)
        if place.owner is not None:
            role = {"role": self.rng.choice(("member", "member", "moderator", "reader"))}
            path = f"{place.path}/members/{person.id}"
            if person is not place.owner and await self.let_in(
                place.secret.members[person.id], place.owner, "PUT", path, role
            ):
                place.people.append(person)

    async def join(self, place: Place) -> None:
        now = time.monotonic()
        if place.secret.public.may_be_open(now, now):  # strangers come into public rooms, too
            person = self.rng.choice(self.users.persons)
            door = place.secret.members[person.id]
            if await self.let_in(door, person, "POST", f"{place.path}/join", None):
                place.people.append(person)

    async def invite(self, place: Place) -> None:
        if place.owner is None:
            return
        person = self.rng.choice(self.regulars)
        made = await self.ask(place.owner, "POST", f"{place.path}/invites", {})
        if not made.is_success:
            return
        code = made.json()["code"]
        if self.rng.random() < 0.7:
            door = place.secret.members[person.id]
            if await self.let_in(door, person, "POST", f"/invites/{code}/accept", None):
                place.people.append(person)
        if (await self.ask(place.owner, "DELETE", f"{place.path}/invites/{code}")).is_success:
            place.codes.append(code)

    async def leave(self, place: Place) -> None:
        person = self.rng.choice(place.people)
        if place.owner is not None and person is not place.owner:
            door = place.secret.members[person.id]
            if await self.put_out([door], person, "POST", f"{place.path}/leave", None):
                place.people = [one for one in place.people if one is not person]

    async def remove(self, place: Place) -> None:
        person = self.rng.choice(place.people)
        if place.owner is not None and person is not place.owner:
            path = f"{place.path}/members/{person.id}"
            if await self.put_out([place.secret.members[person.id]], place.owner, "DELETE", path, None):
                place.people = [one for one in place.people if one is not person]

    async def ban(self, place: Place) -> None:
        person = self.rng.choice(self.users.persons)
        if place.owner is not None and person is not place.owner:
            path = f"{place.path}/bans/{person.id}"
            if await self.put_out([place.secret.members[person.id]], place.owner, "PUT", path, {}):
                place.people = [one for one in place.people if one is not person]
            if self.rng.random() < 0.7:
                await self.ask(place.owner, "DELETE", path)

    async def rename(self, place: Place) -> None:
        if place.owner is not None:
            what = self.rng.choice(("name", "topic"))
            body = {what: self.mark(place.secret, Of.NAME)}
            await self.ask(place.owner, "PATCH", place.path, body)

    async def archive(self, place: Place) -> None:
        if place.owner is not None:
            await self.ask(place.owner, "PATCH", place.path, {"archived": True})
            await self.ask(place.owner, "PATCH", place.path, {"archived": False})

    async def publish(self, place: Place) -> None:
        if place.owner is not None:
            now, path = time.monotonic(), place.path
            if place.secret.public.may_be_open(now, now):
                doors = [place.secret.public]
                await self.put_out(doors, place.owner, "PATCH", path, {"visibility": "private"})
            elif self.rng.random() < 0.3:
                body = {"visibility": "public"}
                await self.let_in(place.secret.public, place.owner, "PATCH", path, body)

    async def delete_room(self, place: Place) -> None:
        if place.owner is not None and self.rng.random() < 0.3:
            # The doors are those of the end: meanwhile somebody may have tried to come in.
            secret = place.secret
            deed = await self.put_out([], place.owner, "DELETE", place.path, None)
            if deed is not None:
                for door in (secret.public, *secret.members.values()):
                    door.outs.append(deed)
                place.is_deleted = True

    async def say(self, place: Place, person: Person | None = None) -> None:
        person = person or self.rng.choice(place.people)
        addressed = self.rng.choice([f"@{one.username}" for one in self.users.persons] + ["@room", ""])
        deed = Deed(time.monotonic())
        stands = Door([deed])
        word = self.mark(place.secret, Of.BODY, person.id, stands)
        body: Event = {"ref": self.ref(), "body": f"{word} {addressed}"}
        if self.rng.random() < 0.3:
            body["reply_to"] = self.rng.randrange(1, 20)
        if person.id not in self.ears or self.rng.random() < 0.5:
            told = (await self.ask(person, "POST", f"{place.path}/messages", body)).json()
        else:
            told = await self.call(person, type="send", room_id=place.secret.id, **body)
        deed.answered = time.monotonic()
        if "seq" in told:
            place.said[told["seq"]] = Said(person, [stands])

    async def change(self, place: Place) -> None:
        """Change a message: mostly one of which it is known who may."""
        person, seq = self.rng.choice(place.people), self.rng.randrange(1, 20)
        said = None
        if place.said and self.rng.random() < 0.7:
            seq = self.rng.choice(list(place.said))
            said = place.said[seq]
            person = said.author
        path, deed = f"{place.path}/messages/{seq}", Deed(time.monotonic())
        match self.rng.choice(("edit", "edit", "delete", "react", "pin")):
            case "edit":
                stands = Door([deed])
                edit = {"body": self.mark(place.secret, Of.BODY, person.id, stands), "ref": self.ref()}
                is_done = (await self.ask(person, "PATCH", path, edit)).is_success
                deed.answered = time.monotonic()
                if said is not None and is_done:
                    _replace(said, deed, stands)
            case "delete":
                is_done = (await self.ask(person, "DELETE", path)).is_success
                deed.answered = time.monotonic()
                if said is not None and is_done:
                    _replace(said, deed)
            case "react":
                await self.ask(person, "PUT", f"{path}/reactions/👍")
            case _:
                await self.ask(person, "PUT", f"{path}/pin")

    async def erase(self, place: Place) -> None:
        """Let somebody come, say something, and erase their account. What they said is gone once the store says so."""
        if place.owner is None:
            return
        self.erased_count += 1
        person = await self.users.nodes[0].sign_up(f"gone{self.rng.randrange(16**8):08x}")
        path = f"{place.path}/members/{person.id}"
        door = place.secret.members[person.id]
        if not await self.let_in(door, place.owner, "PUT", path, {"role": "member"}):
            return
        await self.say(place, person)
        seqs = [seq for seq, said in place.said.items() if said.author is person]
        deed = Deed(time.monotonic())
        answer = await self.ask(person, "DELETE", "/users/me", {"password": PASSWORD})
        if not answer.is_success or not seqs:
            return
        for seq in seqs:
            said = place.said.pop(seq)
            until = time.monotonic() + ERASED_SECONDS
            while time.monotonic() < until:
                shown = await self.ask(place.owner, "GET", f"{place.path}/messages/{seq}")
                if not shown.is_success:
                    break
                if shown.json()["deleted"]:
                    deed.answered = time.monotonic()
                    _replace(said, deed)
                    break
                await asyncio.sleep(0.1)

    async def signal(self, place: Place) -> None:
        person = self.rng.choice(place.people)
        for command in self.rng.sample(COMMANDS, 3):
            await self.call(person, room_id=place.secret.id, **command)

    async def block(self) -> None:
        person, other = self.rng.sample(self.regulars, 2)
        path = f"/users/me/blocks/{other.id}"
        await self.ask(person, "PUT", path)
        await self.ask(person, "GET", "/users/me/blocks")
        await self.ask(person, "DELETE", path)

    async def call(self, person: Person, **command: Any) -> Event:
        ear = self.rng.choice(self.ears[person.id])
        return await ear.call(ref=command.pop("ref", self.ref()), **command)

    # -- steps: what people look for

    async def search_messages(self) -> None:
        """Search for messages everywhere, and in one room: by what all have, and by a word that one has, or had."""
        person = self.rng.choice(self.users.persons)
        words = ["zq*", *self.rng.sample(self.marks, min(2, len(self.marks)))]
        for word in words:
            for side in (0, 1):
                answer = await self.ask(person, "GET", f"/search?q={word}", side=side)
                if answer.status_code not in {200, 503}:
                    self.differing.append(f"a search: {answer.status_code} {answer.text}")
        if not self.places:
            return
        place, begun = self.rng.choice(self.places), time.monotonic()
        nowhere, side = self.nowhere(place), self.rng.randrange(2)
        answers = [
            await self.ask(person, "GET", f"/search?q=zq*&room_id={room_id}", side=side)
            for room_id in (place.secret.id, nowhere)
        ]
        if self._was_outside(place, person, begun) and shown(answers[0]) != shown(answers[1]):
            self.differing.append(
                f"a search: {shown(answers[0])} for a room that is there, for none {shown(answers[1])}"
            )

    async def search(self) -> None:
        """Look where rooms are found: the answers may have nothing of what is private."""
        person = self.rng.choice(self.users.persons)
        ids = [place.secret.id for place in self.rng.sample(self.places, min(20, len(self.places)))]
        word = self.rng.choice(("zq", "qz", "a", f"{self.rng.randrange(16):x}"))
        for path in (
            f"/rooms?scope=public&q={word}",
            "/rooms?scope=public&limit=100",
            "/rooms?limit=100",
            f"/rooms?ids={','.join(ids)}",
            "/mentions?limit=100",
            f"/users?q={person.username[:2]}",
            "/users/me/export",
        ):
            await self.ask(person, "GET", path)
        for place in self.places[-3:]:
            for code in place.codes[-1:]:
                told = await self.ask(person, "GET", f"/invites/{code}")
                if told.status_code not in {422, 429}:
                    self.differing.append(f"GET of an invite that has ended: {told.status_code}")

    async def probe(self, place: Place) -> None:
        """Try something that only members may do. To who is no member it is as with a room that is not there."""
        person = self.rng.choice(self.users.persons)
        method, path, body = self.rng.choice(ROADS)(self, person)
        if not self.is_outside(place, person):
            if method == "GET":
                await self.ask(person, method, place.path + path)
            return
        begun, side, answers = time.monotonic(), self.rng.randrange(2), dict[bool, httpx.Response]()
        nowhere = self.nowhere(place)
        for is_there in self.rng.sample((True, False), 2):
            room_path = place.path if is_there else f"/rooms/{nowhere}"
            answers[is_there] = await self.ask(person, method, room_path + path, body, side=side)
        if not self._was_outside(place, person, begun):
            return
        told = [shown(answers[is_there]) for is_there in (True, False)]
        if told[0] != told[1]:
            self.differing.append(f"{method} {path}: {told[0]} for one that is there, {told[1]} for none")

    async def probe_by_command(self, place: Place) -> None:
        """Try a command that only members may give."""
        person = self.rng.choice(self.users.persons)
        if not self.is_outside(place, person):
            return
        begun, answers, nowhere = time.monotonic(), dict[bool, Event](), self.nowhere(place)
        ear, command = self.rng.choice(self.ears[person.id]), self.rng.choice(COMMANDS)
        for is_there in self.rng.sample((True, False), 2):
            room_id = place.secret.id if is_there else nowhere
            answers[is_there] = await ear.call(room_id=room_id, ref=self.ref(), **command)
        if not self._was_outside(place, person, begun):
            return
        told = [{**answers[is_there], "ref": None} for is_there in (True, False)]
        if told[0] != told[1]:
            self.differing.append(f"{command}: {told[0]} for one that is there, {told[1]} for none")

    def nowhere(self, place: Place) -> str:
        """Return the id of a room that is not there, which looks like that of a place."""
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
        room_id = "".join(self.rng.choices(letters, k=len(place.secret.id)))
        return f"d{room_id[1:]}" if place.owner is None else room_id

    def _was_outside(self, place: Place, person: Person, begun: float) -> bool:
        now, secret = time.monotonic(), place.secret
        return not (
            secret.members[person.id].may_be_open(begun, now) or secret.public.may_be_open(begun, now)
        )

    # -- all of it

    async def go_on(self, until: float) -> None:
        """Do one thing after another."""
        alone = (self.make, self.open_direct, self.block, self.search, *(self.search_messages,) * 3)
        placed = (
            *(self.add, self.add, self.join, self.join, self.invite, self.leave, self.remove, self.ban),
            *(self.rename, self.archive, self.publish, self.delete_room, self.say, self.say, self.change),
            *(self.signal, self.probe, self.probe, self.probe, self.probe_by_command, self.change),
        )
        while time.monotonic() < until:
            step: Callable[..., Coroutine[Any, Any, None]] = self.rng.choice((*alone, *placed))
            place = self.rng.choice(self.places) if self.places else None
            if self.erased_count < ERASED and place is not None and self.rng.random() < ERASE_SHARE:
                step = self.erase
            if step in alone:
                await step()
            elif place is not None and (not place.is_deleted or step in {self.probe, self.probe_by_command}):
                await step(place)
            self.step_count += 1


def _replace(said: Said, deed: Deed, stands: Door | None = None) -> None:
    """Note that a message was given another text, or deleted."""
    for text in said.texts:
        text.outs.append(deed)
    if stands is not None:
        said.texts.append(stands)


def shown(answer: httpx.Response) -> tuple[int, str, list[tuple[str, str]]]:
    """Return what an answer says, without what differs from answer to answer."""
    body = answer.json() if answer.content else {}
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in VARYING)
    return answer.status_code, json.dumps({**body, "request_id": None}, sort_keys=True), headers


Road = Callable[[Run, Person], tuple[str, str, Event | None]]
_ROADS: Final[tuple[tuple[str, str, Event | None], ...]] = (
    ("GET", "", None),
    ("GET", "/members", None),
    ("GET", "/members?q=p", None),
    ("GET", "/messages", None),
    ("GET", "/messages?entries=true", None),
    ("GET", "/messages?around=3", None),
    ("GET", "/messages/3", None),
    ("GET", "/messages/3/edits", None),
    ("GET", "/messages/3/thread", None),
    ("GET", "/messages/3/reactions/👍", None),
    ("GET", "/pins", None),
    ("GET", "/log", None),
    ("GET", "/invites", None),
    ("GET", "/bans", None),
    ("PATCH", "", {"topic": "x"}),
    ("PATCH", "", {"archived": True}),
    ("DELETE", "", None),
    ("POST", "/join", None),
    ("POST", "/leave", None),
    ("PUT", "/place", {"favourite": True}),
    ("PUT", "/read", {"seq": 1}),
    ("PUT", "/notifications", {"level": "all"}),
    ("POST", "/invites", {}),
    ("DELETE", "/invites/no-such-code", None),
    ("PUT", "/members/{me}", {"role": "owner"}),
    ("DELETE", "/members/{me}", None),
    ("PUT", "/bans/{me}", {}),
    ("DELETE", "/bans/{me}", None),
    ("DELETE", "/members/{me}/messages", None),
    ("POST", "/messages", {"ref": "r", "body": "x"}),
    ("POST", "/messages", {"ref": "r", "body": "x", "reply_to": 3}),
    ("PATCH", "/messages/3", {"ref": "e", "body": "x"}),
    ("DELETE", "/messages/3", None),
    ("PUT", "/messages/3/pin", None),
    ("PUT", "/messages/3/reactions/👍", None),
    ("POST", "/messages/3/report", {"reason": "x"}),
)
COMMANDS: Final[tuple[Event, ...]] = (
    {"type": "subscribe"},
    {"type": "subscribe", "since": {"epoch": "x", "seq": 1}},
    {"type": "send", "body": "x"},
    {"type": "edit", "seq": 3, "body": "x"},
    {"type": "delete", "seq": 3},
    {"type": "react", "seq": 3, "emoji": "👍"},
    {"type": "pin", "seq": 3},
    {"type": "read", "seq": 1},
    {"type": "typing"},
)


def _road(method: str, path: str, body: Event | None) -> Road:
    return lambda run, person: (
        method,
        path.format(me=person.id),
        {**body, "ref": run.ref()} if body and "ref" in body else body,
    )


ROADS: Final = [_road(*one) for one in _ROADS]


@case(
    "F36",
    "people join, leave, are removed and banned, rooms change, messages are edited and deleted, accounts erased,"
    " at random on two nodes, and everybody looks and searches everywhere",
    short=1,
    long=60,
    promise="nothing of a room reaches who is not in it; what is not theirs is told like what is not there",
)
async def looked_for_leaks(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2, settings=SETTINGS, are_apart=scene.database is not None) as nodes,
        people(nodes, REGULARS + STRANGERS) as users,
        _all_ears(users, secrecy := Secrecy()) as ears,
    ):
        run = Run(users, ears, secrecy, Random(36))
        for one in rounds:
            run.begin(one.rng)
            until = time.monotonic() + ROUND_SECONDS
            await asyncio.gather(*(run.go_on(until) for _ in range(HANDS)))
            for node in nodes:
                one.require(node.tracebacks() == 0, f"a traceback in {node.log}")
            _judge(one, run)
            if one.number == rounds.count > 1:
                await _time(one, run)


def _judge(one: Round, run: Run) -> None:
    one.took("steps", run.step_count)
    one.took("texts", run.secrecy.count)
    one.took("secrets seen", run.secrecy.found_count, at_least=1)
    one.took("found by search", run.secrecy.searched_count, at_least=1)
    one.took("accounts erased", run.erased_count)
    for violation in [*itertools.islice(run.secrecy.leaks(), 20), *run.differing[:20]]:
        one.require(False, violation)


async def _time(one: Round, run: Run) -> None:
    """Compare how long a stranger waits for each answer about a private room, and about one that is not there."""
    *_, stranger = run.users.persons
    place = next(place for place in run.places if run.is_outside(place, stranger) and place.owner is not None)
    nowhere = f"/rooms/{run.nowhere(place)}"
    for road in ROADS:
        pairs = []
        method, path, body = road(run, stranger)
        for number in range(PAIRS):
            took = {}
            for is_there in run.rng.sample((True, False), 2):
                began_at = time.monotonic()
                await run.users.ask(
                    number % 2, stranger, method, (place.path if is_there else nowhere) + path, body
                )
                took[is_there] = time.monotonic() - began_at
            pairs.append((took[True], took[False]))
        apart = told_apart(pairs)
        one.took("told apart by time", apart, at_most=APART)
        if apart > APART:
            medians = [1_000 * statistics.median(kind) for kind in zip(*pairs, strict=True)]
            print(
                f"    {method} {path}: {apart:.3f}, {medians[0]:.2f} ms and {medians[1]:.2f} ms", flush=True
            )


@asynccontextmanager
async def _all_ears(users: People, secrecy: Secrecy) -> AsyncIterator[dict[str, list[Ear]]]:
    """Let everybody listen at both nodes."""
    async with AsyncExitStack() as stack:
        yield {
            person.id: [
                await stack.enter_async_context(listening(person, node, _hears(secrecy, person, side)))
                for side, node in enumerate(users.nodes)
            ]
            for person in users.persons
        }


def _hears(secrecy: Secrecy, person: Person, side: int) -> Heard:
    def heard(event: Event) -> None:
        now = time.monotonic()
        is_end = event["type"] == "membership" and event["role"] is None
        text = json.dumps(event)
        secrecy.look(Sight(person.id, f"{event['type']} event", now, now, text, side, is_end))

    return heard
