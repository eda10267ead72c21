"""F23 and F31: the same refs, and what changes one message, are raced on two nodes."""

import asyncio
import random
import time
from contextlib import nullcontext
from typing import Final

from tests.faults.case import Round, Rounds, case
from tests.faults.client import Client
from tests.faults.commands import Command
from tests.faults.erasing import READ_SECONDS, require_erased, stranger
from tests.faults.history import Fields, What
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic, traffic

WHOLE_SECONDS: Final = 10.0
LOOK_ROUNDS: Final = 10
"""In the first of each ten rounds the store is read for what was deleted."""
RACES: Final = (
    ("edit", "delete"),
    ("react", "delete"),
    ("unreact", "react"),
    ("unreact", "delete"),
    ("pin", "delete"),
    ("unpin", "pin"),
    ("reply", "delete"),
    ("delete", "delete"),
)
EMOJI: Final = "👍"


@case(
    "F23",
    "three senders on each of two nodes, one room, the same refs raced on both",
    short=20,
    long=200,
    promise="I2, I3: 0 violations",
)
async def refs_raced(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2) as nodes,
        traffic(
            nodes,
            random.Random(23),
            clients=6,
            people=3,
            rooms=1,
            url=lambda n: nodes[n // 3].ws_url,
            mixed=True,
        ) as people,
    ):
        for one in rounds:
            async with one.watching(people):
                for _ in range(10):
                    for pair in range(3):
                        twins = [people.clients[pair], people.clients[pair + 3]]
                        one.rng.shuffle(twins)
                        await _race_twins(one, people, *twins)
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                for client in people.clients:
                    client.submit_again(people.rooms[0])


async def _race_twins(one: Round, people: Traffic, first: Client, second: Client) -> None:
    """Let two clients of one user send the same under one ref."""
    assert people.mix is not None
    command = people.mix.command(first, people.rooms[0], people.mix.kind())
    first.submit(command)
    if one.rng.random() < 0.5:
        await asyncio.sleep(one.rng.uniform(0, 0.004))
    second.submit(command)


@case(
    "F31",
    "edits, reactions, pins, replies and deletes of one message raced on two nodes",
    short=5,
    long=200,
    promise="one outcome, the same on all nodes and clients; deleted words gone <= 10 s, also beside a reader for 5 s",
)
async def changes_raced(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2) as nodes,
        traffic(
            nodes,
            random.Random(31),
            clients=8,
            people=4,
            rooms=1,
            url=lambda n: nodes[n // 4].ws_url,
            mixed=True,
        ) as people,
    ):
        for one in rounds:
            looks = one.number % LOOK_ROUNDS == 1
            async with one.watching(people), stranger(scene).reading() if looks else nullcontext():
                await _race_all(one, people)
                raced_at = time.monotonic()
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                if looks:
                    await asyncio.sleep(READ_SECONDS)
            codes = {record.code for record in people.history if record.what is What.FAIL}
            one.require(codes <= {"deleted"}, f"changes were refused with {codes}")
            if looks:
                await require_erased(one, scene, people, since=raced_at)


async def _race_all(one: Round, people: Traffic) -> None:
    """Write a message for each race, by a member who is no owner, and race all of them at once."""
    room_id = people.rooms[0]
    owner, author, reader = people.clients[:3]
    for seq in owner.timelines[room_id].pins():  # so that there is always space for another pin
        owner.submit(_command(owner, room_id, "unpin", seq))
    written = [author.send(room_id) for _ in RACES]
    await people.whole()
    seqs = {message["ref"]: message["seq"] for message in author.timelines[room_id].messages()}
    targets = [seqs[command.key] for command in written]
    for race, target in zip(RACES, targets, strict=True):
        if "unreact" in race:
            reader.submit(_command(reader, room_id, "react", target))
        if "unpin" in race:
            owner.submit(_command(owner, room_id, "pin", target))
    await people.whole()
    await asyncio.gather(
        *(_race(one, people, race, target) for race, target in zip(RACES, targets, strict=True))
    )


async def _race(one: Round, people: Traffic, race: tuple[str, str], target: int) -> None:
    """Let two people, or one with two clients, do both at two nodes at about the same moment."""
    room_id = people.rooms[0]
    sides = [0, 4]
    one.rng.shuffle(sides)
    submits = []
    for what, side in zip(race, sides, strict=True):
        client = people.clients[_who(one, what) + side]
        submits.append((client, _command(client, room_id, what, target, by_http=one.rng.random() < 0.3)))
    one.rng.shuffle(submits)
    (first, command), (second, other) = submits
    first.submit(command)
    await asyncio.sleep(one.rng.choice((0, one.rng.uniform(0, 0.01))))
    second.submit(other)


def _who(one: Round, what: str) -> int:
    """Return the number of the person who does something: 0 is the owner, 1 the author, 2 a member."""
    match what:
        case "edit":
            return 1
        case "pin" | "unpin":
            return 0
        case "delete":
            return one.rng.choice((0, 1))
        case _:
            return 2


def _command(client: Client, room_id: str, what: str, target: int, *, by_http: bool = False) -> Command:
    if what == "reply":
        return client.message(room_id, reply_to=target, by_http=by_http)
    kinds = {"react": "reaction", "unreact": "reaction", "unpin": "pin"}
    fields: Fields = {"target": target}
    if what in {"react", "unreact"}:
        fields |= {"emoji": EMOJI, "added": what == "react"}
    if what in {"pin", "unpin"}:
        fields["pinned"] = what == "pin"
    return client.change(room_id, kinds.get(what, what), fields, by_http=by_http)
