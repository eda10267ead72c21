"""Bans: what they end, what they refuse, and that they have one order with everything else, also on two nodes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID, Role
from api.rooms.policy import GOVERNS
from api.store import open_store
from tests.node import Event, Node, Person, running
from tests.rooms.test_direct import open_with
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import listed, make_room, say, seen_room

pytestmark = pytest.mark.anyio

MANY: Final = 10_000
"""No test meets a throttle."""
REASON: Final = "advertises"


@pytest.fixture
async def nodes(store_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes on one database."""
    settings = Settings(
        store=store_url, signup="open", sends_burst=MANY, sends_per_second=MANY, misses_per_minute=MANY
    )
    async with running(settings) as one, running(settings) as other:
        yield one, other


def at(node: Node, person: Person) -> Person:
    """Return a person who asks another node."""
    http = node.client(Authorization=f"Bearer {person.access_token}")
    return Person(node, person.username, person.id, person.access_token, person.refresh_token, http)


def shown_user(person: Person) -> Event:
    """Return a user as others see them who has said nothing about themselves."""
    names = {"username": person.username, "display_name": person.username}
    return {"id": person.id, **names, "status_text": "", "time_zone": None, "avatar": None, "is_bot": False}


async def ban(by: Person, room_id: str, user: Person, **body: Any) -> httpx.Response:
    return await by.http.put(f"/rooms/{room_id}/bans/{user.id}", json=body)


async def end_ban(by: Person, room_id: str, user: Person) -> httpx.Response:
    return await by.http.delete(f"/rooms/{room_id}/bans/{user.id}")


async def bans(by: Person, room_id: str) -> list[Event]:
    answer = await by.http.get(f"/rooms/{room_id}/bans")
    assert answer.status_code == 200, answer.text
    found: list[Event] = answer.json()["items"]
    return found


async def members_of(by: Person, room_id: str) -> set[str]:
    answer = await by.http.get(f"/rooms/{room_id}/members")
    return {one["user_id"] for one in answer.json()["items"]}


async def log_of(by: Person, room_id: str) -> list[Event]:
    answer = await by.http.get(f"/rooms/{room_id}/log", params={"limit": 500})
    found: list[Event] = answer.json()["items"]
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# -- what a ban does


@pytest.mark.parametrize(
    ("visibility", "refusal"), [("public", (403, "banned")), ("private", (404, "not_found"))]
)
async def test_a_ban_ends_the_membership_and_refuses_every_way_back(
    node: Node, alice: Person, bob: Person, visibility: str, refusal: tuple[int, str]
) -> None:
    room_id = (await make_room(alice, visibility=visibility))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    assert (await ban(alice, room_id, bob, reason=REASON)).status_code == 204
    assert await members_of(alice, room_id) == {alice.id}
    for _ in range(2):
        assert code(await bob.http.post(f"/rooms/{room_id}/join")) == refusal
        added = await alice.http.put(f"/rooms/{room_id}/members/{bob.id}", json={"role": "member"})
        assert code(added) == (409, "banned")
        assert (
            code(await bob.http.post(f"/rooms/{room_id}/messages", json={"ref": "r", "body": "b"})) == refusal
        )
        assert (await alice.http.delete(f"/rooms/{room_id}/members/{bob.id}")).status_code == 204
    assert room_id not in await listed(bob)
    assert (await end_ban(alice, room_id, bob)).status_code == 204
    assert await members_of(alice, room_id) == {alice.id}, "the end of a ban brings nobody back"
    if visibility == "public":
        assert (await bob.http.post(f"/rooms/{room_id}/join")).status_code == 200
    else:
        await give(alice, room_id, bob, Role.MEMBER)
    assert (await seen_room(bob, room_id))["role"] == "member"


@pytest.mark.parametrize(
    ("visibility", "refusal"), [("public", (403, "banned")), ("private", (422, "bad_invite"))]
)
async def test_an_invite_lets_nobody_in_who_is_banned_and_keeps_its_use(
    node: Node, alice: Person, bob: Person, visibility: str, refusal: tuple[int, str]
) -> None:
    room_id = (await make_room(alice, visibility=visibility))["id"]
    invite = (await alice.http.post(f"/rooms/{room_id}/invites", json={})).json()
    await ban(alice, room_id, bob)
    refused = await bob.http.post(f"/invites/{invite['code']}/accept")
    assert code(refused) == refusal
    if visibility == "private":
        unknown = await bob.http.post("/invites/unknown/accept")
        assert refused.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    (listed_invite,) = (await alice.http.get(f"/rooms/{room_id}/invites")).json()["items"]
    assert listed_invite["uses_left"] == 1
    await end_ban(alice, room_id, bob)
    assert (await bob.http.post(f"/invites/{invite['code']}/accept")).status_code == 200


@pytest.mark.stores("sqlite")
async def test_nobody_is_banned_from_a_direct_room(alice: Person, bob: Person) -> None:
    room_id = (await open_with(alice, bob))["id"]
    assert code(await ban(alice, room_id, bob)) == (403, "forbidden")
    assert code(await end_ban(alice, room_id, bob)) == (403, "forbidden")


async def test_who_is_no_member_is_banned_before_they_come(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    async with bob.socket() as socket:
        assert (await ban(alice, room_id, bob)).status_code == 204
        assert code(await bob.http.post(f"/rooms/{room_id}/join")) == (403, "banned")
        refused = await socket.call(type="subscribe", room_id=room_id)
        assert refused["code"] == "banned"
        assert (await end_ban(alice, room_id, bob)).status_code == 204
        assert (await bob.http.post(f"/rooms/{room_id}/join")).status_code == 200
        told = await socket.until(type="membership")
        assert (told["role"], told["reason"]) == ("member", "joined"), "nothing was told of the ban"


async def test_who_is_banned_from_a_private_room_in_which_they_never_were_does_not_learn_of_it(
    alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice, visibility="private"))["id"]
    assert (await ban(alice, room_id, bob)).status_code == 204
    assert (await end_ban(alice, room_id, bob)).status_code == 204
    assert room_id not in (await bob.http.get("/users/me/export")).text
    await give(alice, room_id, bob, Role.MEMBER)
    assert (await ban(alice, room_id, bob)).status_code == 204
    assert room_id in (await bob.http.get("/users/me/export")).text


async def test_who_was_made_a_reader_comes_back_as_one_after_a_ban(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.READER)
    await ban(alice, room_id, bob)
    await end_ban(alice, room_id, bob)
    assert (await bob.http.post(f"/rooms/{room_id}/join")).json()["role"] == "reader"


async def test_a_ban_and_its_end_are_entries_and_stand_in_the_list_of_bans(
    alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    assert await bans(alice, room_id) == []
    for reason in (REASON, None, REASON):  # again, which changes the reason only
        assert (await ban(alice, room_id, bob, **({"reason": reason} if reason else {}))).status_code == 204
        (found,) = await bans(alice, room_id)
        assert found["user"] == shown_user(bob)
        assert (found["by"], found["reason"]) == (alice.id, reason)
    (found,) = await bans(alice, room_id)
    *_, last = await log_of(alice, room_id)
    assert (last["type"], last["user_id"], last["role"], last["was"]) == ("member", bob.id, None, "member")
    assert (last["banned"], last["by"], last["at"]) == (True, alice.id, found["at"])
    assert REASON not in str(last)
    for _ in range(2):
        assert (await end_ban(alice, room_id, bob)).status_code == 204
    assert await bans(alice, room_id) == []
    *before, end = await log_of(alice, room_id)
    assert before[-1] == last
    assert (end["type"], end["user_id"], end["role"], end["by"]) == ("member", bob.id, None, alice.id)
    assert "banned" not in end
    assert (await ban(alice, room_id, bob)).status_code == 204
    (found,) = await bans(alice, room_id)
    assert found["reason"] is None, "a new ban has no old reason"


async def test_bans_are_listed_page_by_page_the_newest_first(node: Node, alice: Person) -> None:
    room_id = (await make_room(alice))["id"]
    people = [await node.sign_up(f"user-{number}") for number in range(5)]
    for person in people:
        await ban(alice, room_id, person)
    path, seen = f"/rooms/{room_id}/bans", list[str]()
    cursor: dict[str, str] = {}
    while True:
        page = (await alice.http.get(path, params={"limit": "2"} | cursor)).json()
        seen += [one["user"]["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [person.id for person in reversed(people)]
    other = (await make_room(alice))["id"]
    foreign = await alice.http.get(f"/rooms/{other}/bans", params=cursor)
    assert code(foreign) == (422, "bad_cursor")


# -- who bans whom


@pytest.mark.stores("sqlite")
async def test_a_ban_reaches_as_far_as_a_removal(node: Node, alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    guest = await node.sign_up("guest")
    for by in (Role.OWNER, Role.MODERATOR):
        await give(alice, room_id, bob, by)
        for role in (*Role, None):
            await give(alice, room_id, guest, role)
            answer = await ban(bob, room_id, guest)
            allowed = role in {*GOVERNS[by], None}
            assert answer.status_code == (204 if allowed else 403), (by, role)
            assert (guest.id in await members_of(alice, room_id)) is (not allowed)
            assert (await end_ban(bob, room_id, guest)).status_code == 204
    assert code(await ban(alice, room_id, alice)) == (403, "forbidden")
    assert code(await ban(alice, room_id, Person(node, "", "nobody", "", "", alice.http))) == (
        404,
        "not_found",
    )


@pytest.mark.stores("sqlite")
async def test_nobody_is_banned_from_the_lobby(alice: Person, bob: Person) -> None:
    assert code(await ban(alice, LOBBY_ID, bob)) == (403, "forbidden")
    assert code(await end_ban(alice, LOBBY_ID, bob)) == (403, "forbidden")


@pytest.mark.stores("sqlite")
async def test_a_ban_takes_no_body_and_refuses_a_bad_one(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    path = f"/rooms/{room_id}/bans/{bob.id}"
    assert (await alice.http.put(path)).status_code == 204
    bodies: tuple[Any, ...] = (
        {"reason": ""},
        {"reason": " "},
        {"reason": "x" * 1_001},
        {"reason": 1},
        {"why": "x"},
        [],
    )
    for body in bodies:
        answer = await alice.http.put(path, json=body)
        assert answer.status_code == 422, body
    for content in (b"{", b"[]", b"null"):
        answer = await alice.http.put(path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code in {400, 422}, content
    (found,) = await bans(alice, room_id)
    assert found["reason"] is None


@pytest.mark.stores("sqlite")
async def test_bans_and_removals_are_in_the_audit_log(
    node: Node, alice: Person, bob: Person, store_url: str
) -> None:
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    await alice.http.delete(f"/rooms/{room_id}/members/{bob.id}")
    await ban(alice, room_id, bob)
    await end_ban(alice, room_id, bob)
    store = await open_store(store_url)
    try:
        page = await store.audit.all(cursor=None, limit=3)
    finally:
        await store.close()
    assert [one.event for one in page.items] == ["unbanned", "banned", "removed"]
    assert {(one.actor_id, one.subject_id, one.room_id) for one in page.items} == {
        (alice.id, bob.id, room_id)
    }
    assert {one.address for one in page.items} == {"127.0.0.1"}


# -- sockets and two nodes


async def test_a_ban_ends_subscriptions_here_before_it_is_answered_and_soon_on_another_node(
    nodes: tuple[Node, Node],
) -> None:
    one, other = nodes
    owner, bob = await one.sign_up("olga"), await one.sign_up("bob")
    room_id = (await make_room(owner, "Den", "private"))["id"]
    await give(owner, room_id, bob, Role.MEMBER)
    async with bob.socket() as here, bob.socket(node=other) as there:
        for socket in (here, there):
            await socket.call(type="subscribe", room_id=room_id)
        assert (await ban(owner, room_id, bob)).status_code == 204
        await say(owner, room_id, "secret")
        for socket in (here, there):
            heard = []
            while (event := await socket.receive())["type"] != "membership":
                heard.append(event)
            assert (event["role"], event["reason"], event["by"]) == (None, "banned", owner.id)
            refused = await socket.call(type="subscribe", room_id=room_id)
            assert refused["code"] == "not_found"
            assert not [event for event in heard if event.get("body") == "secret"]
        for socket in (here, there):
            await socket.send(type="ping", ref="end")
            while (event := await socket.receive()).get("ref") != "end":
                assert event.get("body") != "secret"


ROUNDS: Final = 12
"""Each round races a ban on one node with everything that it forbids on both."""


async def test_a_ban_has_one_order_with_join_send_addition_and_subscription_on_all_nodes(
    nodes: tuple[Node, Node],
) -> None:
    one, other = nodes
    owner, bob, witness = [await one.sign_up(name) for name in ("olga", "bob", "witness")]
    owner_there, bob_there = at(other, owner), at(other, bob)
    for number in range(ROUNDS):
        room_id = (await make_room(owner))["id"]
        await give(owner, room_id, witness, Role.MEMBER)
        if number % 2:
            await give(owner, room_id, bob, Role.MEMBER)
        async with bob.socket() as here, bob.socket(node=other) as there:

            async def send(by: Person, ref: str, room_id: str = room_id) -> httpx.Response:
                return await by.http.post(
                    f"/rooms/{room_id}/messages", json={"ref": ref, "body": f"of bob {ref}"}
                )

            role = {"role": "member"}
            others: list[httpx.Response | Event] = await asyncio.gather(
                ban(owner_there if number % 3 else owner, room_id, bob),
                bob.http.post(f"/rooms/{room_id}/join"),
                bob_there.http.post(f"/rooms/{room_id}/join"),
                owner.http.put(f"/rooms/{room_id}/members/{bob.id}", json=role),
                owner_there.http.put(f"/rooms/{room_id}/members/{bob.id}", json=role),
                *(send(by, f"{number} {ref}") for by in (bob, bob_there) for ref in range(3)),
                here.call(type="subscribe", room_id=room_id),
                there.call(type="subscribe", room_id=room_id),
            )
            banned, *statuses = [one.status_code for one in others if isinstance(one, httpx.Response)]
            assert banned == 204
            assert set(statuses) <= {200, 201, 403, 404, 409}
            # What comes after the ban is refused on both nodes, and the log has nothing of bob's after it.
            for by in (bob, bob_there):
                assert code(await by.http.post(f"/rooms/{room_id}/join")) == (403, "banned")
            assert bob.id not in await members_of(witness, room_id)
            entries = await log_of(witness, room_id)
            (ended,) = [entry["seq"] for entry in entries if entry.get("banned")]
            later = [entry for entry in entries if entry["seq"] > ended and entry["user_id"] == bob.id]
            assert later == []
            assert await log_of(at(other, witness), room_id) == entries
            secret = f"secret {number}"
            await say(witness, room_id, secret)
            for socket in (here, there):
                assert (await socket.call(type="subscribe", room_id=room_id))["code"] == "banned"
                await socket.send(type="ping", ref="end")
                while (event := await socket.receive()).get("ref") != "end":
                    assert event.get("body") != secret
