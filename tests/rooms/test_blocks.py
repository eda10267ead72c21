"""Blocks between users: no mentions and additions by whom one has blocked, and nobody is told."""

import httpx
import pytest

from api.models.rooms import Role
from api.realtime import signals
from api.rooms import blocks
from tests.node import Event, Node, Person
from tests.realtime.test_signals import nothing_more, sockets
from tests.rooms.test_bans import shown_user
from tests.rooms.test_direct import open_with
from tests.rooms.test_mentions import counts, mentions
from tests.rooms.test_policy import give, two_nodes
from tests.rooms.test_receipts import read, shown
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio


async def block(by: Person, user: Person) -> httpx.Response:
    return await by.http.put(f"/users/me/blocks/{user.id}")


async def unblock(by: Person, user: Person) -> httpx.Response:
    return await by.http.delete(f"/users/me/blocks/{user.id}")


async def blocked_by(person: Person) -> list[str]:
    answer = await person.http.get("/users/me/blocks")
    assert answer.status_code == 200
    return [one["id"] for one in answer.json()["items"]]


async def write(author: Person, room_id: str, body: str, reply_to: int | None = None) -> Event:
    said = {"ref": body, "body": body, "reply_to": reply_to}
    answer = await author.http.post(f"/rooms/{room_id}/messages", json=said)
    assert answer.status_code in {200, 201}, answer.text
    message: Event = answer.json()
    return message


async def test_a_block_is_listed_for_who_made_it_until_it_ends(
    node: Node, alice: Person, bob: Person
) -> None:
    carol = await node.sign_up("carol")
    for _ in range(2):
        assert (await block(alice, bob)).status_code == 204
    assert (await block(alice, carol)).status_code == 204
    answer = await alice.http.get("/users/me/blocks", params={"limit": 1})
    first = answer.json()
    assert first["items"] == [shown_user(carol)]
    rest = await alice.http.get("/users/me/blocks", params={"cursor": first["next_cursor"]})
    assert [one["id"] for one in rest.json()["items"]] == [bob.id]
    assert await blocked_by(bob) == []
    for _ in range(2):
        assert (await unblock(alice, bob)).status_code == 204
    assert await blocked_by(alice) == [carol.id]


async def test_who_is_blocked_mentions_the_other_no_more_and_is_not_told(
    node: Node, alice: Person, bob: Person
) -> None:
    carol = await node.sign_up("carol")
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    await give(alice, room_id, carol, Role.MEMBER)
    of_alice = await write(alice, room_id, "hello")
    before = await write(bob, room_id, "@alice and @carol", of_alice["seq"])
    assert before["mentions"] == [alice.id, carol.id]
    await block(alice, bob)
    later = await write(bob, room_id, "again @alice and @carol")
    assert later["mentions"] == [carol.id]
    answer = await write(bob, room_id, "an answer", of_alice["seq"])
    assert answer["mentions"] == []
    assert await write(bob, room_id, "an answer", of_alice["seq"]) == answer, "a retry has its ack"
    edited = await bob.http.patch(
        f"/rooms/{room_id}/messages/{answer['seq']}", json={"body": "@alice @carol"}
    )
    assert edited.json()["mentions"] == [carol.id]
    assert (await write(alice, room_id, "@bob"))["mentions"] == [bob.id], "who has blocked another still may"
    await unblock(alice, bob)
    assert (await write(bob, room_id, "sorry @alice"))["mentions"] == [alice.id]


@pytest.mark.parametrize("is_long_ago", [False, True])
async def test_nothing_that_a_blocked_user_has_written_mentions_the_other_as_long_as_the_block_stands(
    node: Node, alice: Person, bob: Person, is_long_ago: bool
) -> None:
    carol = await node.sign_up("carol")
    room_id = (await make_room(alice))["id"]
    for person in (bob, carol):
        await give(alice, room_id, person, Role.MEMBER)
    by_name = await write(bob, room_id, "@alice")
    of_all = await write(bob, room_id, "@room")
    edited = await write(bob, room_id, "hello")
    await bob.http.patch(f"/rooms/{room_id}/messages/{edited['seq']}", json={"body": "hello @room"})
    of_carol = await write(carol, room_id, "@room")
    for number in range(40 if is_long_ago else 0):  # so that on RethinkDB they are in no tail any more
        await write(carol, room_id, f"{number}")
    theirs = [(room_id, one["seq"]) for one in (edited, of_all, by_name)]

    async def mentioned(person: Person) -> tuple[int, list[tuple[str, int]]]:
        return (await counts(person, room_id))[1], await mentions(person)

    everything = (4, [(room_id, of_carol["seq"]), *theirs])
    assert await mentioned(alice) == everything
    await block(alice, bob)
    assert await mentioned(alice) == (1, [(room_id, of_carol["seq"])])
    assert await mentioned(carol) == (2, theirs[:2])
    await unblock(alice, bob)
    assert await mentioned(alice) == everything


async def test_who_is_blocked_does_not_add_the_other_to_a_room(alice: Person, bob: Person) -> None:
    room_id = (await make_room(bob))["id"]
    path = f"/rooms/{room_id}/members/{alice.id}"
    await block(alice, bob)
    refused = await bob.http.put(path, json={"role": "member"})
    assert (refused.status_code, refused.json()["code"]) == (403, "blocked")
    assert (await alice.http.post(f"/rooms/{room_id}/join")).status_code == 200
    assert (await bob.http.put(path, json={"role": "reader"})).status_code == 200, "she is there already"
    own = (await make_room(alice))["id"]
    assert (
        await alice.http.put(f"/rooms/{own}/members/{bob.id}", json={"role": "member"})
    ).status_code == 200


async def test_a_block_closes_the_direct_room_of_two_either_way_and_not_one_of_more(
    node: Node, alice: Person, bob: Person
) -> None:
    carol = await node.sign_up("carol")
    room_id = (await open_with(alice, bob))["id"]
    group = (await open_with(alice, bob, carol))["id"]
    await write(alice, room_id, "before")
    await block(alice, bob)
    for one, other in ((alice, bob), (bob, alice)):
        refused = [
            await one.http.put(f"/direct/{other.id}"),
            await one.http.post(f"/rooms/{room_id}/messages", json={"ref": "r", "body": "b"}),
        ]
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "blocked")}
        assert (await one.http.get(f"/rooms/{room_id}/messages")).json()["items"][-1]["body"] == "before"
        await write(one, group, f"of {one.username}")
    await unblock(alice, bob)
    await write(bob, room_id, "after")


@pytest.mark.stores("sqlite")
async def test_nobody_blocks_themselves_or_nobody_or_too_many(
    node: Node, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await block(alice, alice)).status_code == 422
    for unknown in ("nobody", "x" * 200, "%00"):
        assert (await alice.http.put(f"/users/me/blocks/{unknown}")).status_code == 404
        assert (await alice.http.delete(f"/users/me/blocks/{unknown}")).status_code == 204
    monkeypatch.setattr(blocks, "MAX_BLOCKS", 1)
    assert (await block(alice, bob)).status_code == 204
    refused = await block(alice, await node.sign_up("carol"))
    assert (refused.status_code, refused.json()["code"]) == (422, "limit")
    assert (await node.client().get("/users/me/blocks")).status_code == 401


@pytest.mark.parametrize("is_hers", [True, False])
async def test_two_people_of_whom_one_has_blocked_the_other_are_not_told_what_the_other_types_and_reads(
    store_url: str, monkeypatch: pytest.MonkeyPatch, *, is_hers: bool
) -> None:
    monkeypatch.setattr(signals, "RECEIPT_SECONDS", 0.0)
    async with two_nodes(store_url) as (one, other):
        alice, bob, carol = [await one.sign_up(name) for name in ("alice", "bob", "carol")]
        by, user = (alice, bob) if is_hers else (bob, alice)
        pair, group = [(await open_with(alice, *others))["id"] for others in ((bob,), (bob, carol))]
        for room_id in (pair, group):
            await say(alice, room_id, f"hello {room_id}")
            await say(alice, room_id, f"again {room_id}")
        async with sockets((bob, one), (alice, one), (alice, other)) as (his, here, there):
            for socket in (here, there):
                for room_id in (pair, group):
                    await socket.call(type="subscribe", room_id=room_id)
                    await socket.until(type="live")
            await read(bob, pair, 3)
            assert (await shown(alice, pair))["bob"] == 3
            for socket in (here, there):
                assert (await socket.until(type="read"))["read_seq"] == 3
            await block(by, user)
            assert (await his.call(type="typing", room_id=pair))["code"] == "blocked"
            await read(bob, pair, 4)
            assert set((await shown(alice, pair)).values()) == {None}
            await nothing_more(here)
            # In a room of more people all of it passes, and the page hides what it does not want.
            assert (await his.call(type="typing", room_id=group))["type"] == "ack"
            await read(bob, group, 5)
            for socket in (here, there):
                told = [await socket.receive(), await socket.receive()]
                assert {(one["type"], one["room_id"]) for one in told} == {("typing", group), ("read", group)}
            await unblock(by, user)
            assert (await shown(alice, pair))["bob"] == 4
            seq = await say(alice, pair, "again")
            await read(bob, pair, seq)
            for socket in (here, there):
                assert (await socket.until(type="read"))["room_id"] == pair
