"""Entries of all kinds arrive one by one on every road: socket, replay and /log, on each store."""

from typing import Any

import pytest

from api.models.rooms import LOBBY_ID
from tests.node import Person, is_entry
from tests.stranger import POISON_TIME, Stranger

pytestmark = pytest.mark.anyio

POLL: dict[str, Any] = {
    "kind": "poll",
    "data": {"target": 1, "options": [{"name": "tea", "votes": [1, 2.5, None]}]},
}
UNREADABLE: list[dict[str, Any] | None] = [
    None,
    {"kind": "Poll"},
    {"kind": "ready", "data": {"heartbeat_seconds": 1}},
    {"kind": "unreadable"},
    {"kind": "poll", "data": "no object"},
    {"kind": "poll", "data": {"long": "x" * 64 * 1024}},
    {"kind": "poll", "at": -1},
    {"kind": "poll", "at": 10**15},
    {"kind": "poll", "at": POISON_TIME},
    {"kind": "message", "data": {"body": POISON_TIME, "reply_to": None}},
]


async def send(person: Person, body: str) -> None:
    answer = await person.http.post(f"/rooms/{LOBBY_ID}/messages", json={"ref": body, "body": body})
    assert answer.status_code == 201, answer.text


async def test_what_newer_versions_write_and_what_nobody_can_read_arrive_in_their_places_on_every_road(
    alice: Person, stranger: Stranger
) -> None:
    forged = {"type": "ready", "seq": 1, "room_id": "x", "at": "now", "user_id": "mallory", "ref": "r"}
    async with alice.socket() as socket:
        ack = await socket.call(type="subscribe", room_id=LOBBY_ID)
        await send(alice, "before")
        await stranger.write(LOBBY_ID, POLL, *UNREADABLE, {"kind": "poll", "data": forged})
        await send(alice, "after")
        live = await socket.entries(len(UNREADABLE) + 4)
        since = {"epoch": ack["epoch"], "seq": ack["seq"]}
        await socket.call(type="subscribe", room_id=LOBBY_ID, since=since)
        assert await socket.entries(len(live)) == live
        assert (await socket.receive()) == {"type": "live", "room_id": LOBBY_ID} | since | {
            "seq": live[-1]["seq"]
        }
    before, poll, *unreadable, forgery, after = live
    assert [one["seq"] for one in live] == list(range(ack["seq"] + 1, ack["seq"] + len(live) + 1))
    assert (before["body"], after["body"]) == ("before", "after")
    assert poll == {
        "type": "poll",
        "room_id": LOBBY_ID,
        "seq": before["seq"] + 1,
        "at": "1970-01-01T00:00:01.000Z",
        "user_id": "stranger",
        "username": "stranger",
        **POLL["data"],
    }
    assert forgery == {name: poll[name] for name in poll if name not in POLL["data"]} | {
        "seq": forgery["seq"]
    }
    for number, one in enumerate(unreadable, poll["seq"] + 1):
        assert one == {"type": "unreadable", "room_id": LOBBY_ID, "seq": number, "at": None}
    page = (await alice.http.get(f"/rooms/{LOBBY_ID}/log", params={"after": ack["seq"]})).json()
    assert (page["items"], page["seq"]) == (live, after["seq"])
    history = (await alice.http.get(f"/rooms/{LOBBY_ID}/messages")).json()
    assert [one["body"] for one in history["items"]] == ["before", "after"]


async def test_a_log_is_read_to_its_end_which_is_where_the_last_seq_is_the_heads(
    alice: Person, stranger: Stranger
) -> None:
    await stranger.write(LOBBY_ID, None, POLL, None)
    await send(alice, "last")
    items: list[dict[str, Any]] = []
    head = 1
    while len(items) < head:
        page = (
            await alice.http.get(f"/rooms/{LOBBY_ID}/log", params={"after": len(items), "limit": 2})
        ).json()
        items += page["items"]
        head = page["seq"]
        assert items[-1]["seq"] == len(items) <= head
    assert all(map(is_entry, items))
    beyond = (await alice.http.get(f"/rooms/{LOBBY_ID}/log", params={"after": head})).json()
    assert (beyond["items"], beyond["seq"]) == ([], head)


async def test_a_role_that_is_not_known_ends_no_feed(alice: Person, stranger: Stranger) -> None:
    async with alice.socket() as socket:
        await socket.call(type="subscribe", room_id=LOBBY_ID)
        data = {"role": "librarian", "by": "stranger"}
        await stranger.write(LOBBY_ID, {"kind": "member", "user_id": alice.id, "data": data})
        assert (await socket.until(type="membership"))["role"] == "librarian"
        await send(alice, "after")
        assert [one["type"] for one in await socket.entries(2)] == ["member", "message"]
