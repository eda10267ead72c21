"""Direct rooms: the one room of exactly these people, whoever opens it, and what is told of it to whom."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID, Room, RoomKind, Visibility, direct_id, is_direct
from api.store.base.store import Store
from tests.jobs.test_erasure import erase
from tests.node import Event, Node, Person, eventually, http_client, running
from tests.process import result
from tests.rooms.test_policy import subscribed, two_nodes
from tests.rooms.test_rooms import listed, make_room, say, seen_room
from tests.store.make import account_of, make_user

pytestmark = pytest.mark.anyio


async def open_with(person: Person, *others: Person, status: int | None = None) -> Event:
    """Open the direct room of these people and return it."""
    if len(others) == 1:
        answer = await person.http.put(f"/direct/{others[0].id}")
    else:
        answer = await person.http.post("/direct", json={"user_ids": [one.id for one in others]})
    assert answer.status_code in ({200, 201} if status is None else {status}), answer.text
    room: Event = answer.json()
    return room


def user_of(person: Person) -> Event:
    names = {"username": person.username, "display_name": person.username}
    return {"id": person.id, **names, "avatar": None, "is_bot": False}


# -- opening


async def test_nobody_writes_directly_to_the_bot_of_a_hook_as_which_nobody_reads(
    alice: Person, bob: Person
) -> None:
    den = await make_room(alice, name="Den", visibility="private")
    hook = (await alice.http.post(f"/rooms/{den['id']}/hooks", json={"name": "Deploys"})).json()
    answer = await alice.http.put(f"/direct/{hook['user_id']}")
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    both = await alice.http.post("/direct", json={"user_ids": [bob.id, hook["user_id"]]})
    assert both.status_code == 403
    bot = (await bob.http.post("/bots", json={"username": "engine"})).json()
    assert (await alice.http.put(f"/direct/{bot['id']}")).status_code == 201


async def test_whoever_opens_it_gets_the_one_room_of_these_people(alice: Person, bob: Person) -> None:
    room = await open_with(alice, bob, status=201)
    assert room["id"] == direct_id([bob.id, alice.id])
    assert is_direct(room["id"])
    assert (room["kind"], room["visibility"], room["role"], room["member_count"]) == (
        "direct",
        "private",
        "member",
        2,
    )
    assert (room["name"], room["topic"]) == ("", "")
    assert room["users"] == sorted([user_of(alice), user_of(bob)], key=lambda user: user["id"])
    assert await open_with(alice, bob, status=200) == room
    theirs = await open_with(bob, alice, status=200)
    assert theirs | {"read_seq": room["read_seq"]} == room
    log = (await alice.http.get(f"/rooms/{room['id']}/log")).json()["items"]
    assert [(one["type"], one["user_id"], one["role"], one["by"]) for one in log] == [
        ("member", one, "member", one) for one in sorted([alice.id, bob.id])
    ]


async def test_two_to_ten_people_have_a_room_and_any_others_of_them_another(node: Node) -> None:
    people = [await node.sign_up(f"person{n}") for n in range(11)]
    me, *others = people
    rooms = {(await open_with(me, *others[:count]))["id"] for count in (1, 2, 3, 9)}
    assert len(rooms) == 4
    assert (await open_with(others[1], others[0], me, status=200))["id"] in rooms
    twice = [others[0].id, others[0].id, me.id]
    assert (await me.http.post("/direct", json={"user_ids": twice})).status_code == 200
    for refused in (others, [others[0]], []):
        answer = await me.http.post("/direct", json={"user_ids": [one.id for one in refused]})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_ids": None},
        {"user_ids": "ab"},
        {"user_ids": [1, 2]},
        {"user_ids": ["", "a"]},
        {"user_ids": ["a\0", "b"]},
        {"user_ids": ["a", "b"], "name": "us"},
    ],
)
async def test_what_names_no_people_is_refused(sqlite_node: Node, body: Event) -> None:
    alice = await sqlite_node.sign_up("alice")
    assert (await alice.http.post("/direct", json=body)).status_code == 422


async def test_oneself_alone_and_nobody_have_no_room(alice: Person) -> None:
    alone = [
        await alice.http.put(f"/direct/{alice.id}"),
        await alice.http.post("/direct", json={"user_ids": [alice.id, alice.id]}),
    ]
    assert [(one.status_code, one.json()["code"]) for one in alone] == [(422, "invalid")] * 2
    nobody = [await alice.http.put(f"/direct/{name}") for name in ("nobody", "x" * 500, "%00", "%ED%A0%80")]
    nobody.append(await alice.http.post("/direct", json={"user_ids": [alice.id, "nobody"]}))
    assert {(one.status_code, one.json()["code"]) for one in nobody} == {(404, "not_found")}
    assert await listed(alice) == [LOBBY_ID]


async def test_opened_on_two_nodes_at_once_it_is_one_room_with_each_of_its_people_once(
    store: Store, other: Store
) -> None:
    """100 rounds of both stores, each of which is that of a node."""
    users = [make_user(number) for number in range(101)]
    for user in users:
        await store.accounts.create(account_of(user))
    me = users[0]
    for round_number, one in enumerate(users[1:]):
        pair = sorted([me, one], key=lambda user: user.id)
        people = tuple(user.id for user in pair)
        wanted = [
            Room(direct_id(people), "", "", Visibility.PRIVATE, at, kind=RoomKind.DIRECT, people=people)
            for at in (1, 2)
        ]
        made = await asyncio.gather(
            *(
                opener.rooms.open_direct(room, pair, at)
                for opener, room, at in ((store, wanted[0], 1), (other, wanted[1], 2), (store, wanted[0], 1))
            )
        )
        assert sum(made) == 1, round_number
        views = [await each.rooms.view(wanted[0].id, one.id) for each in (store, other)]
        assert views[0] == views[1]
        assert views[0] is not None
        assert (views[0].seq, views[0].member_count, views[0].users) == (2, 2, tuple(pair))
        log = await other.log.entries(wanted[0].id, after=0, limit=9)
        assert sorted(entry.user_id for entry in log) == sorted(people)


async def test_who_was_kept_from_it_by_a_crash_is_in_it_when_it_is_opened_again(
    store: Store,
) -> None:
    alice, bob = make_user(1), make_user(2)
    for user in (alice, bob):
        await store.accounts.create(account_of(user))
    people = (alice.id, bob.id)
    room = Room(direct_id(people), "", "", Visibility.PRIVATE, 1, kind=RoomKind.DIRECT, people=people)
    assert await store.rooms.open_direct(room, [alice], 1)  # the rest was lost
    assert not await store.rooms.open_direct(room, [alice, bob], 2)
    view = await store.rooms.view(room.id, bob.id)
    assert view is not None
    assert (view.seq, view.member_count) == (2, 2)


# -- who hears of it


async def test_the_others_hear_of_it_with_its_first_message_on_any_node(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        async with bob.socket() as here, bob.socket(node=other) as there:
            for socket in (here, there):
                await subscribed(socket, LOBBY_ID)
            room_id = (await open_with(alice, bob))["id"]
            await say(alice, LOBBY_ID, "end")
            for socket in (here, there):
                while (event := await socket.receive()).get("body") != "end":
                    assert event["type"] != "membership"
                    assert event.get("room_id") != room_id
            assert room_id in await listed(alice)
            assert room_id not in await listed(bob)
            assert room_id not in (await bob.http.get("/users/me/export")).text
            await say(alice, room_id, "hello")
            async with http_client(other.url, headers=dict(bob.http.headers)) as elsewhere:
                found = (await elsewhere.get("/rooms", params={"ids": room_id})).json()["items"]
            assert [(one["id"], one["unread_count"]) for one in found] == [(room_id, 1)]
            assert room_id in await listed(bob)
            assert room_id in (await bob.http.get("/users/me/export")).text


async def test_who_leaves_it_sees_it_no_more_until_the_next_message(alice: Person, bob: Person) -> None:
    room = await open_with(alice, bob)
    room_id = room["id"]
    seq = await say(alice, room_id, "hello")
    async with bob.socket() as socket:
        for method, path in (
            ("POST", f"/rooms/{room_id}/leave"),
            ("DELETE", f"/rooms/{room_id}/members/{bob.id}"),
        ):
            assert (await bob.http.request(method, path)).status_code == 204
            assert (await seen_room(bob, room_id))["place"]["hidden"] is True
            told = await socket.until(type="place")
            assert (told["room_id"], told["hidden"]) == (room_id, True)
            await say(alice, room_id, f"again after {method}")
            assert (await seen_room(bob, room_id))["place"]["hidden"] is False
    # Nothing else has changed: he is still one of its people, and reads all of it.
    page = (await bob.http.get(f"/rooms/{room_id}/messages")).json()["items"]
    assert [one["seq"] for one in page] == [seq, seq + 1, seq + 2]
    await bob.http.post(f"/rooms/{room_id}/leave")
    await open_with(bob, alice, status=200)
    assert (await seen_room(bob, room_id))["place"]["hidden"] is False


async def test_it_is_found_by_nobody_else_and_answers_others_as_if_it_were_not_there(node: Node) -> None:
    alice, bob, eve = [await node.sign_up(name) for name in ("alice", "bob", "eve")]
    room_id = (await open_with(alice, bob))["id"]
    await say(alice, room_id, "secret")
    unknown = direct_id(["nobody", "else"])
    assert room_id not in await listed(eve, scope="public")
    assert (await eve.http.get("/rooms", params={"ids": room_id})).json()["items"] == []
    requests: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("POST", "/join", None),
        ("POST", "/leave", None),
        ("GET", "/members", None),
        ("GET", "/log", None),
        ("POST", "/messages", {"ref": "r", "body": "hi"}),
        ("PUT", f"/members/{eve.id}", {"role": "member"}),
        ("PUT", "/place", {}),
        ("POST", "/invites", {}),
        ("GET", "/invites", None),
    ]
    for method, path, body in requests:
        mine, nobodys = [
            await eve.http.request(
                method, f"/rooms/{one}{path}", json=body, headers={"x-request-id": "the-same"}
            )
            for one in (room_id, unknown)
        ]
        assert mine.status_code == 404, (method, path)
        assert mine.content == nobodys.content
        assert set(mine.headers) == set(nobodys.headers)
    async with eve.socket() as socket:
        for command in ({"type": "subscribe"}, {"type": "send", "body": "hi"}, {"type": "read", "seq": 1}):
            answers = [await socket.call(**command, room_id=one, ref="r") for one in (room_id, unknown)]
            assert answers[0]["code"] == "not_found"
            assert answers[0] == answers[1]


# -- what its people may do


async def test_its_people_never_change(node: Node) -> None:
    alice, bob, eve = [await node.sign_up(name) for name in ("alice", "bob", "eve")]
    path = f"/rooms/{(await open_with(alice, bob))['id']}"
    refused = [
        await alice.http.post(f"{path}/join"),
        await alice.http.put(f"{path}/members/{eve.id}", json={"role": "member"}),
        await alice.http.put(f"{path}/members/{bob.id}", json={"role": "reader"}),
        await alice.http.put(f"{path}/members/{alice.id}", json={"role": "owner"}),
        await alice.http.delete(f"{path}/members/{bob.id}"),
        await alice.http.post(f"{path}/invites", json={}),
    ]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(403, "forbidden")}
    members = (await alice.http.get(f"{path}/members")).json()["items"]
    assert {(one["user_id"], one["role"]) for one in members} == {(alice.id, "member"), (bob.id, "member")}


async def test_each_of_its_people_may_pin_and_mention_all(alice: Person, bob: Person) -> None:
    room_id = (await open_with(alice, bob))["id"]
    seq = await say(alice, room_id, "@room hello")
    assert (await bob.http.put(f"/rooms/{room_id}/messages/{seq}/pin")).json()["pinned"] is True
    assert (await seen_room(bob, room_id))["mention_count"] == 1


@pytest.mark.stores("sqlite")
async def test_nothing_new_is_written_to_a_disabled_account_but_all_is_still_read(
    node: Node, store_url: str, tmp_path: Path
) -> None:
    alice, bob, eve = [await node.sign_up(name) for name in ("alice", "bob", "eve")]
    room_id = (await open_with(alice, bob))["id"]
    group = (await open_with(alice, bob, eve))["id"]
    seq = await say(alice, room_id, "hello")
    done = await result({"TAILWIRE_STORE": store_url}, tmp_path, "user", "disable", "bob")
    assert done[0] == 0
    path = f"/rooms/{room_id}/messages"
    ann = await node.sign_up("ann")
    refused = [
        await alice.http.put(f"/direct/{bob.id}"),
        await alice.http.post("/direct", json={"user_ids": [bob.id, ann.id]}),  # it is not there yet
        await alice.http.post(path, json={"ref": "r", "body": "hello?"}),
        await alice.http.patch(f"{path}/{seq}", json={"body": "edited"}),
        await alice.http.put(f"{path}/{seq}/reactions/👍"),
    ]
    assert {one.status_code for one in refused} == {403}
    assert len({one.json()["code"] for one in refused}) == 1
    async with alice.socket() as socket:
        sent = await socket.call(type="send", room_id=room_id, ref="s", body="hello?")
        assert sent["code"] == refused[0].json()["code"]
    assert (await alice.http.get(path)).json()["items"][-1]["seq"] == seq
    assert (await alice.http.delete(f"{path}/{seq}")).status_code == 204
    # A room of more people goes on without him: it is opened, hidden and shown, read and written to.
    for person in (alice, eve):
        seq = await say(person, group, f"hello from {person.username}")
        assert (
            await person.http.patch(f"/rooms/{group}/messages/{seq}", json={"body": "hi"})
        ).status_code == 200
        async with person.socket() as socket:
            assert (await socket.call(type="typing", room_id=group))["type"] == "ack"
            sent = await socket.call(type="send", room_id=group, ref=f"of {person.id}", body="hello, you")
            assert sent["type"] == "ack"
    await alice.http.post(f"/rooms/{group}/leave")
    assert (await open_with(alice, bob, eve, status=200))["id"] == group
    assert (await seen_room(alice, group))["place"]["hidden"] is False


async def test_who_was_erased_leaves_no_name_behind(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    room = await open_with(alice, bob)
    await say(bob, room["id"], "hello")
    await erase(bob)

    async def is_gone() -> bool:
        return (await alice.http.get(f"/users/{bob.id}")).status_code == 404

    await eventually(is_gone)
    left = user_of(bob) | {"username": "erased", "display_name": "erased"}

    async def shows_no_name() -> bool:
        seen = await seen_room(alice, room["id"])
        return left in seen["users"] and seen["member_count"] == 1

    await eventually(shows_no_name)
    answer: httpx.Response = await alice.http.put(f"/direct/{bob.id}")
    assert answer.status_code == 404


async def test_who_makes_too_many_is_told_to_wait(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", rooms_per_minute=1, signup="open")
    async with running(settings) as node:
        alice, bob, eve = [await node.sign_up(name) for name in ("alice", "bob", "eve")]
        await open_with(alice, bob, status=201)
        await open_with(alice, bob, status=200)
        assert (await alice.http.put(f"/direct/{eve.id}")).status_code == 429


async def test_other_rooms_say_that_they_are_none(alice: Person, bob: Person) -> None:
    room = await make_room(alice)
    assert (room["kind"], room["users"], room["member_count"]) == ("room", [], 1)
    await bob.http.post(f"/rooms/{room['id']}/join")
    assert (await seen_room(alice, room["id"]))["member_count"] == 2
