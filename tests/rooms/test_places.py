"""Where members keep rooms in their lists: among the favourites, in sections, or hidden."""

import json

import pytest

from api.models.rooms import LOBBY_ID
from tests.node import Event, Node, Person, http_client
from tests.rooms.test_policy import two_nodes
from tests.rooms.test_rooms import listed, make_room, say, seen_room

pytestmark = pytest.mark.anyio

NOWHERE = {"favourite": False, "section": None, "hidden": False}


async def test_a_place_is_kept_for_its_member_alone_and_outlasts_the_membership(
    alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    assert (await seen_room(bob, room_id))["place"] == NOWHERE
    wanted = {"favourite": True, "section": "Work", "hidden": True}
    assert (await bob.http.put(f"/rooms/{room_id}/place", json=wanted)).status_code == 204
    assert (await seen_room(bob, room_id))["place"] == wanted
    assert room_id in await listed(bob)
    assert (await seen_room(alice, room_id))["place"] == NOWHERE
    await say(alice, room_id, "hello")
    assert (await seen_room(bob, room_id))["place"] == wanted  # only a direct room is shown again
    await bob.http.post(f"/rooms/{room_id}/leave")
    assert (await seen_room(bob, room_id))["place"] is None
    await bob.http.post(f"/rooms/{room_id}/join")
    assert (await seen_room(bob, room_id))["place"] == wanted
    assert (await bob.http.put(f"/rooms/{room_id}/place", json={"section": " Tea "})).status_code == 204
    assert (await seen_room(bob, room_id))["place"] == NOWHERE | {"section": "Tea"}


async def test_a_place_is_told_to_the_users_own_connections_and_to_nobody_else(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        async with alice.socket() as here, alice.socket(node=other) as there, bob.socket() as his:
            body = {"favourite": True, "section": None, "hidden": False}
            async with http_client(other.url, headers=dict(alice.http.headers)) as elsewhere:
                assert (await elsewhere.put(f"/rooms/{LOBBY_ID}/place", json=body)).status_code == 204
            for socket in (here, there):
                told = await socket.receive()
                assert told == {"type": "place", "room_id": LOBBY_ID, "user_id": alice.id} | body
            await his.send(type="ping")
            assert (await his.receive())["type"] == "pong"


@pytest.mark.parametrize(
    "body",
    [
        {"favourite": None},
        {"favourite": 1},
        {"hidden": "no"},
        {"section": ""},
        {"section": "x" * 41},
        {"section": "a\nb"},
        {"section": 1},
        {"favorite": True},
    ],
)
async def test_a_place_that_cannot_be_is_refused(sqlite_node: Node, body: Event) -> None:
    alice = await sqlite_node.sign_up("alice")
    assert (await alice.http.put(f"/rooms/{LOBBY_ID}/place", json=body)).status_code == 422
    assert (await seen_room(alice, LOBBY_ID))["place"] == NOWHERE


async def test_an_export_says_where_rooms_are_kept_and_with_whom_one_has_direct_rooms(
    alice: Person, bob: Person
) -> None:
    wanted = {"favourite": True, "section": "Tea", "hidden": False}
    await alice.http.put(f"/rooms/{LOBBY_ID}/place", json=wanted)
    room_id = (await alice.http.put(f"/direct/{bob.id}")).json()["id"]
    lines = [json.loads(line) for line in (await alice.http.get("/users/me/export")).text.splitlines()]
    found = {line["room_id"]: line for line in lines if line["type"] == "membership"}
    assert found[LOBBY_ID]["place"] == wanted
    assert (found[room_id]["kind"], found[room_id]["people"]) == ("direct", sorted([alice.id, bob.id]))
