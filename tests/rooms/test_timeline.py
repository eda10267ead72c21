"""The history with the entries between the messages, over HTTP: what was told live is there after a reload."""

from typing import Any

import pytest

from api.models.rooms import LOBBY_ID
from tests.node import Node, Person
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio


async def test_lines_of_members_are_there_after_a_reload_as_they_were_live(
    alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice))["id"]
    async with alice.socket() as socket:
        ack = await socket.call(type="subscribe", room_id=room_id)
        await say(alice, room_id, "before")
        await bob.http.post(f"/rooms/{room_id}/join")
        await say(bob, room_id, "after")
        await alice.http.put(f"/rooms/{room_id}/members/{bob.id}", json={"role": "reader"})
        await alice.http.delete(f"/rooms/{room_id}/members/{bob.id}")
        live = await socket.entries(5)

    async def history(**query: Any) -> dict[str, Any]:
        answer = await alice.http.get(f"/rooms/{room_id}/messages", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    whole = await history(entries="true", after=ack["seq"])
    assert [one["seq"] for one in whole["items"]] == [one["seq"] for one in live]
    for shown, told in zip(whole["items"], live, strict=True):
        if told["type"] == "message":
            assert shown | told == shown
            assert shown["reactions"] == []
        else:
            assert shown == told
    page = await history(entries="true", before=live[3]["seq"], limit=2)
    assert [one["type"] for one in page["items"]] == ["member", "message"]
    assert (page["has_more"], page["epoch"]) == (True, ack["epoch"])
    # Without being asked for, they are left out, and messages are as they were.
    for query in ({}, {"entries": "false"}):
        plain = await history(**query)
        assert [one["body"] for one in plain["items"]] == ["before", "after"]
        assert "type" not in plain["items"][0]


@pytest.mark.parametrize("value", ["", "1", "True", "yes", "null", "true "])
async def test_a_flag_that_is_neither_true_nor_false_is_refused(sqlite_node: Node, value: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.get(f"/rooms/{LOBBY_ID}/messages", params={"entries": value})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_only_members_are_given_the_entries_of_a_room(alice: Person, bob: Person) -> None:
    for visibility in ("public", "private"):
        room_id = (await make_room(alice, visibility=visibility))["id"]
        answer = await bob.http.get(f"/rooms/{room_id}/messages", params={"entries": "true"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
