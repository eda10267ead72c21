"""F32 to F35: what opens and closes rooms is raced on two nodes."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Sequence
from typing import Final

import httpx

from tests.faults.case import Round, Rounds, case
from tests.faults.ear import Ear
from tests.faults.people import People, Witnessed, people, raced
from tests.faults.scene import Scene
from tests.faults.secrecy import OUT_SECONDS
from tests.node import Event, Person

NO_LIMITS: Final = {
    "TAILWIRE_SIGNUP": "open",
    "TAILWIRE_ROOMS_PER_MINUTE": "100000",
    "TAILWIRE_MISSES_PER_MINUTE": "100000",
}
PEOPLE: Final = 10
SOME: Final = 30
"""So many of the requests about a deleted room are tried in each round."""
SPANS: Final = (0.005, 0.05, 0.3)
"""What is raced with a ban begins within such a time, so that the ban comes early or late among it."""


# -- one direct room


@case(
    "F32",
    "one direct room opened by each of its people on two nodes at once",
    long=100,
    promise="one room, with these people and no others; each is in its log once; the same on both nodes",
)
async def direct_rooms_raced(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2, settings=NO_LIMITS) as nodes, people(nodes, PEOPLE) as users:
        groups = [group for size in (2, 3, 4) for group in itertools.combinations(users.persons, size)]
        random.Random(32).shuffle(groups)
        for one, group in zip(rounds, groups, strict=False):
            began_at = time.monotonic()
            opened = await raced(
                one.rng,
                [_open(users, side, person, group) for person in group for side in (0, 1) for _ in range(2)],
            )
            one.took("opened", time.monotonic() - began_at)
            one.require({status for status, _ in opened} <= {200, 201}, f"answers were {opened}")
            ids = {room_id for _, room_id in opened}
            one.require(len(ids) == 1, f"{len(ids)} rooms were opened")
            (room_id,) = ids
            one.took("made", sum(status == 201 for status, _ in opened), at_most=1, at_least=1)
            wanted = {person.id for person in group}
            logs = await users.logs(room_id, group[0])
            one.require(logs[0] == logs[1], "the nodes have different logs")
            named = [entry["user_id"] for entry in logs[0] if entry["type"] == "member"]
            one.require(sorted(named) == sorted(wanted), f"the log names {named}")
            one.require(await users.members(room_id, group[-1]) == [wanted, wanted], "other members")
            stranger = next(person for person in users.persons if person not in group)
            seen = [(await users.ask(side, stranger, "GET", f"/rooms/{room_id}")) for side in (0, 1)]
            one.require([answer.status_code for answer in seen] == [404, 404], "a stranger sees the room")


async def _open(users: People, side: int, person: Person, group: Sequence[Person]) -> tuple[int, str | None]:
    others = [other.id for other in group if other is not person]
    if len(others) == 1:
        answer = await users.ask(side, person, "PUT", f"/direct/{others[0]}")
    else:
        answer = await users.ask(side, person, "POST", "/direct", {"user_ids": others})
    return answer.status_code, answer.json().get("id")


# -- one use of an invite


@case(
    "F33",
    "an invite with one use accepted by ten people at once on two nodes, each of them twice",
    long=100,
    promise="one gets in, and their retry uses nothing; the others are told what an unknown code tells",
)
async def invites_raced(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2, settings=NO_LIMITS) as nodes, people(nodes, PEOPLE + 1) as users:
        owner, *comers = users.persons
        for one in rounds:
            room_id = await users.room(owner)
            made = await users.ask(one.number % 2, owner, "POST", f"/rooms/{room_id}/invites", {})
            path = f"/invites/{made.raise_for_status().json()['code']}/accept"
            began_at = time.monotonic()
            asked = [(person, side) for person in comers for side in (0, 1)]
            answers = await raced(one.rng, [users.ask(side, person, "POST", path) for person, side in asked])
            one.took("accepted", time.monotonic() - began_at)
            let_in = {
                person.id
                for (person, _), answer in zip(asked, answers, strict=True)
                if answer.status_code == 200
            }
            one.require(len(let_in) == 1, f"{len(let_in)} got in")
            one.require(await users.members(room_id, owner) == [{owner.id, *let_in}] * 2, "members differ")
            again = [(await users.ask(side, person, "POST", path)) for person, side in asked]
            for (person, side), answer in zip(asked, again, strict=True):
                told = (answer.status_code, answer.json().get("code"))
                wanted = (200, None) if person.id in let_in else (422, "bad_invite")
                one.require(told == wanted, f"{person.username} was told {told} by node {side} afterwards")
            left = await users.ask(1, owner, "GET", f"/rooms/{room_id}/invites")
            one.require([item["uses_left"] for item in left.json()["items"]] == [0], "a use is left")
            logs = await users.logs(room_id, owner)
            one.require(logs[0] == logs[1], "the nodes have different logs")
            came = [entry["user_id"] for entry in logs[0] if entry["type"] == "member"]
            one.require(came == [owner.id, *let_in], f"the log names {came}")


# -- a ban, and the end of a room


@case(
    "F34",
    "a ban against sends, joins, subscriptions, an invite and additions at once on two nodes",
    short=3,
    long=100,
    promise="one order: nothing of theirs after the ban, every way back refused; I6: silent <= 5 s after the answer",
)
async def bans_raced(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2, settings=NO_LIMITS) as nodes, people(nodes, 3) as users:
        owner, bob, witness = users.persons
        for one in rounds:
            visibility = one.rng.choice(("public", "private"))
            room_id = await users.room(owner, visibility)
            await users.add(owner, room_id, witness)
            if was_in := one.rng.random() < 0.7:
                await users.add(owner, room_id, bob)
            invite = await users.ask(0, owner, "POST", f"/rooms/{room_id}/invites", {})
            code = invite.raise_for_status().json()["code"]
            witnessed = Witnessed(room_id)
            async with witnessed.listening(users, bob) as ears:
                if was_in and one.rng.random() < 0.5:
                    for ear in ears:
                        await ear.call(type="subscribe", room_id=room_id)
                await _race_a_ban(one, users, witnessed, ears, code)
                await _every_way_back_is_refused(one, users, room_id, ears, code)
                if was_in:
                    one.took("told", await witnessed.all_told(bob), at_most=OUT_SECONDS)
                for number in range(3):
                    body = {"ref": f"secret {number} {room_id}", "body": "a secret"}
                    said = await users.ask(number % 2, witness, "POST", f"/rooms/{room_id}/messages", body)
                    one.require(said.status_code == 201, "others cannot write after a ban")
                await _fed(users, ears)
            one.require(not (leaks := witnessed.leaks()), f"{leaks[:3]}")


async def _race_a_ban(
    one: Round, users: People, witnessed: Witnessed, ears: Sequence[Ear], code: str
) -> None:
    owner, bob, witness = users.persons
    room_id, side = witnessed.room_id, one.rng.randrange(2)
    path, banned = f"/rooms/{room_id}", f"/rooms/{room_id}/bans/{bob.id}"

    async def ban() -> httpx.Response:
        answer = await users.ask(side, owner, "PUT", banned)
        witnessed.is_out(bob, side=side)
        return answer

    def send(ref: str, where: int) -> Awaitable[httpx.Response]:
        body = {"ref": ref, "body": f"of bob {ref}"}
        return users.ask(where, bob, "POST", f"{path}/messages", body)

    refs = [f"{way}{number} {room_id}" for way in ("h", "s") for number in range(4)]
    acts = [
        ban(),
        *(send(ref, number % 2) for number, ref in enumerate(refs[:4])),
        *(
            ears[number % 2].call(type="send", room_id=room_id, ref=ref, body=f"of bob {ref}")
            for number, ref in enumerate(refs[4:])
        ),
        *(users.ask(where, bob, "POST", f"{path}/join") for where in (0, 1)),
        *(users.ask(where, bob, "POST", f"/invites/{code}/accept") for where in (0, 1)),
        *(users.ask(where, owner, "PUT", f"{path}/members/{bob.id}", {"role": "member"}) for where in (0, 1)),
        *(ear.call(type="subscribe", room_id=room_id) for ear in ears),
    ]
    answer, *others = await raced(one.rng, acts, one.rng.choice(SPANS))
    one.require(answer.status_code == 204, f"the ban was answered with {answer.status_code}")
    acked = [
        ref
        for ref, told in zip(refs, others[:8], strict=True)
        if (told.status_code < 300 if isinstance(told, httpx.Response) else told["type"] == "ack")
    ]
    statuses = {told.status_code for told in others if isinstance(told, httpx.Response)}
    one.require(statuses <= {200, 201, 403, 404, 409, 422}, f"answers were {statuses}")
    logs = await users.logs(room_id, witness)
    one.require(logs[0] == logs[1], "the nodes have different logs")
    (end,) = [entry["seq"] for entry in logs[0] if entry.get("banned")]
    after = [entry for entry in logs[0] if entry["seq"] > end and entry["user_id"] == bob.id]
    one.require(after == [], f"after the ban there is {after}")
    sent = [entry["ref"] for entry in logs[0] if entry["user_id"] == bob.id and entry["type"] == "message"]
    one.require(sorted(sent) == sorted(acked), f"acked were {acked}, stored are {sent}")
    one.took("sent before", len(sent))


async def _every_way_back_is_refused(
    one: Round, users: People, room_id: str, ears: Sequence[Ear], code: str
) -> None:
    owner, bob, witness = users.persons
    path = f"/rooms/{room_id}"
    seen = (await users.ask(0, witness, "GET", path)).raise_for_status().json()
    wanted = (403, "banned") if seen["visibility"] == "public" else (404, "not_found")
    for side, ear in enumerate(ears):
        body = {"ref": f"back {side} {room_id}", "body": "back"}
        tried = {
            "join": await users.ask(side, bob, "POST", f"{path}/join"),
            "send": await users.ask(side, bob, "POST", f"{path}/messages", body),
            "read": await users.ask(side, bob, "GET", f"{path}/log"),
        }
        for name, answer in tried.items():
            told = (answer.status_code, answer.json().get("code"))
            one.require(told == wanted, f"{name} was answered with {told} by node {side}")
        added = await users.ask(side, owner, "PUT", f"{path}/members/{bob.id}", {"role": "member"})
        one.require(added.status_code == 409, f"they were added by node {side}: {added.status_code}")
        accepted = await users.ask(side, bob, "POST", f"/invites/{code}/accept")
        told = (accepted.status_code, accepted.json().get("code"))
        one.require(told in {(403, "banned"), (422, "bad_invite")}, f"an invite was answered with {told}")
        for command in (
            {"type": "subscribe"},
            {"type": "send", "body": "back"},
            {"type": "typing"},
            {"type": "read", "seq": 1},
        ):
            refused = await ear.call(room_id=room_id, **command)
            one.require(refused.get("code") == wanted[1], f"{command['type']} was answered with {refused}")
    one.require(bob.id not in set().union(*await users.members(room_id, witness)), "they are a member")


async def _fed(users: People, ears: Sequence[Ear]) -> None:
    """Wait until the feeds of both nodes have told what was written before now, and the sockets have heard it."""
    bob = users.persons[1]
    for ear in ears:
        await ear.call(type="subscribe", room_id="lobby")
    (await users.ask(0, bob, "POST", "/rooms/lobby/messages", {"ref": f"{time.monotonic()}", "body": "x"}))
    await asyncio.sleep(0.2)
    for ear in ears:
        await ear.drained()


@case(
    "F35",
    "a room deleted on one node while its members write and listen on both",
    short=2,
    long=100,
    promise="no write is acked after it; 404 on every road; I6: told `deleted`, and silent <= 5 s after the answer",
)
async def deletions_raced(scene: Scene, rounds: Rounds) -> None:
    async with scene.nodes(2, settings=NO_LIMITS) as nodes, people(nodes, 4) as users:
        owner, bob, carol, _ = users.persons
        for one in rounds:
            room_id = await users.room(owner, one.rng.choice(("public", "private")))
            for person in (bob, carol):
                await users.add(owner, room_id, person)
            invite = await users.ask(0, owner, "POST", f"/rooms/{room_id}/invites", {})
            code = invite.raise_for_status().json()["code"]
            witnessed = Witnessed(room_id)
            async with (
                witnessed.listening(users, bob) as bobs,
                witnessed.listening(users, carol) as carols,
            ):
                for ear in bobs:  # carol's sockets are of this node, and not subscribed
                    await ear.call(type="subscribe", room_id=room_id)
                late = await _race_a_deletion(one, users, witnessed, bobs)
                one.require(not late, f"{late} were acked after the deletion")
                await _nothing_is_there(one, users, room_id, [*bobs, *carols], code)
                told = [await witnessed.all_told(person) for person in (bob, carol)]
                one.took("told", max(told), at_most=OUT_SECONDS)
                reasons = {(name, event["reason"]) for name, event in witnessed.told.items()}
                one.require({reason for _, reason in reasons} == {"deleted"}, f"people were told {reasons}")
                await _fed(users, [*bobs, *carols])
            one.require(not (leaks := witnessed.leaks()), f"{leaks[:3]}")


async def _race_a_deletion(one: Round, users: People, witnessed: Witnessed, ears: Sequence[Ear]) -> list[str]:
    """Delete the room while two people write. Return what was sent after the answer, and not refused."""
    owner, bob, carol, _ = users.persons
    room_id, side = witnessed.room_id, one.rng.randrange(2)
    deleted_at: list[float] = []
    late: list[str] = []

    async def write(person: Person, where: int) -> None:
        for number in itertools.count():
            ref, sent_at = f"{person.username} {where} {number} {room_id}", time.monotonic()
            body = {"ref": ref, "body": ref}
            answer = await users.ask(where, person, "POST", f"/rooms/{room_id}/messages", body)
            if deleted_at and sent_at > deleted_at[0]:
                if answer.status_code != 404:
                    late.append(f"{ref}: {answer.status_code}")
                return

    async def delete() -> None:
        await asyncio.sleep(one.rng.uniform(0.01, 0.1))
        answer = await users.ask(side, owner, "DELETE", f"/rooms/{room_id}")
        deleted_at.append(time.monotonic())
        one.require(answer.status_code == 204, f"the deletion was answered with {answer.status_code}")
        for person in (bob, carol):
            witnessed.is_out(person, side=side)

    await asyncio.gather(delete(), *(write(person, where) for person in (bob, carol) for where in (0, 1)))
    return late


async def _nothing_is_there(one: Round, users: People, room_id: str, ears: Sequence[Ear], code: str) -> None:
    path = f"/rooms/{room_id}"
    roads: list[tuple[str, str, Event | None]] = [
        ("GET", path, None),
        ("PATCH", path, {"topic": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/join", None),
        ("POST", f"{path}/leave", None),
        ("GET", f"{path}/members", None),
        ("GET", f"{path}/messages", None),
        ("GET", f"{path}/messages/1", None),
        ("GET", f"{path}/log", None),
        ("GET", f"{path}/pins", None),
        ("GET", f"{path}/invites", None),
        ("POST", f"{path}/invites", {}),
        ("GET", f"{path}/bans", None),
        ("PUT", f"{path}/bans/{users.persons[1].id}", None),
        ("PUT", f"{path}/place", {}),
        ("PUT", f"{path}/read", {"seq": 1}),
        ("PUT", f"{path}/notifications", {"level": "all"}),
        ("PUT", f"{path}/members/{users.persons[1].id}", {"role": "member"}),
    ]
    asked = [(side, person, *road) for side in (0, 1) for person in users.persons for road in roads]
    asked = one.rng.sample(asked, SOME)
    answers = await asyncio.gather(*(users.ask(*request) for request in asked))
    for (side, person, method, road, _), answer in zip(asked, answers, strict=True):
        told = f"node {side} answered {person.username} {answer.status_code} to {method} {road}"
        one.require(answer.status_code == 404, told)
    for side in (0, 1):
        person = one.rng.choice(users.persons)
        accepted = await users.ask(side, person, "POST", f"/invites/{code}/accept")
        one.require(accepted.status_code == 422, f"an invite was answered with {accepted.status_code}")
        mine = await users.ask(side, person, "GET", f"/rooms?ids={room_id}")
        one.require(mine.json()["items"] == [], "the room is listed")
    for ear in ears:
        for command in ({"type": "subscribe"}, {"type": "typing"}, {"type": "read", "seq": 1}):
            refused = await ear.call(room_id=room_id, **command)
            one.require(refused.get("code") == "not_found", f"{command['type']} was answered with {refused}")
