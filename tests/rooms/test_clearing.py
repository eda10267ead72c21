"""All messages of one user in a span of time are deleted at once."""

import secrets
from typing import Any

import httpx
import pytest

from api.models.rooms import Role
from api.protocol.fields import timestamp
from api.rooms import message_changes
from api.rooms.policy import GOVERNORS, GOVERNS
from api.store import open_store
from tests.node import Event, Node, Person
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio


async def clear(by: Person, room_id: str, user: Person, **query: Any) -> httpx.Response:
    return await by.http.delete(f"/rooms/{room_id}/members/{user.id}/messages", params=query)


async def history(person: Person, room_id: str) -> list[Event]:
    answer = await person.http.get(f"/rooms/{room_id}/messages", params={"limit": 100})
    items: list[Event] = answer.json()["items"]
    return items


async def left(person: Person, room_id: str) -> list[str]:
    return [one["body"] for one in await history(person, room_id) if not one["deleted"]]


async def test_the_messages_of_one_user_are_erased_and_those_of_others_stay(
    alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    seq = 0
    for number in range(3):
        await say(alice, room_id, f"alice {number}")
        seq = await say(bob, room_id, f"bob {number}")
    await bob.http.patch(f"/rooms/{room_id}/messages/{seq}", json={"body": "bob, edited"})
    async with alice.socket() as socket:
        await socket.call(type="subscribe", room_id=room_id)
        answer = await clear(alice, room_id, bob)
        assert (answer.status_code, answer.json()) == (200, {"deleted": 3, "has_more": False})
        entries = await socket.entries(3)
    assert {(entry["type"], entry["user_id"]) for entry in entries} == {("delete", alice.id)}
    assert await left(alice, room_id) == [f"alice {number}" for number in range(3)]
    log = (await alice.http.get(f"/rooms/{room_id}/log")).text
    assert "bob 0" not in log
    assert "bob, edited" not in log
    assert (await clear(alice, room_id, bob)).json() == {"deleted": 0, "has_more": False}


async def test_only_what_was_written_since_then_is_deleted(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    await say(bob, room_id, "bob before")
    (first,) = await history(alice, room_id)
    while (await history(alice, room_id))[-1]["at"] == first["at"]:  # until one has another time
        await say(bob, room_id, secrets.token_hex(4))
    found = await history(alice, room_id)
    since = found[-1]["at"]
    early = [one["body"] for one in found if one["at"] < since]
    assert (await clear(alice, room_id, bob, since=since)).json()["deleted"] == len(found) - len(early)
    assert await left(alice, room_id) == early
    assert (await clear(alice, room_id, bob, since=timestamp(2**42))).json()["deleted"] == 0


async def test_one_call_deletes_the_newest_and_says_that_there_are_more(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_changes, "MOST_CLEARED", 3)
    monkeypatch.setattr(message_changes, "CLEARED_AT_ONCE", 2)
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    for number in range(7):
        await say(bob, room_id, f"bob {number}")
    assert (await clear(alice, room_id, bob)).json() == {"deleted": 3, "has_more": True}
    assert len(await left(alice, room_id)) == 4
    assert (await clear(alice, room_id, bob)).json() == {"deleted": 3, "has_more": True}
    monkeypatch.setattr(message_changes, "CLEARING_SECONDS", 0.0)
    assert (await clear(alice, room_id, bob)).json() == {"deleted": 0, "has_more": True}
    monkeypatch.undo()
    assert (await clear(alice, room_id, bob)).json() == {"deleted": 1, "has_more": False}


@pytest.mark.stores("sqlite")
async def test_it_reaches_as_far_as_deleting_one_message(node: Node, alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    guest = await node.sign_up("guest")
    for by in Role:
        for role in (*Role, None):
            await give(alice, room_id, guest, Role.MEMBER)
            await say(guest, room_id, f"guest {by} {role}")
            await give(alice, room_id, guest, role)
            await give(alice, room_id, bob, by)
            answer = await clear(bob, room_id, guest)
            allowed = by in GOVERNORS and role in {*GOVERNS[by], None}
            assert answer.status_code == (200 if allowed else 403), (by, role, answer.text)
            assert not allowed or answer.json()["deleted"] > 0
    await give(alice, room_id, guest, Role.READER)
    assert (await clear(guest, room_id, guest)).json()["deleted"] > 0, "one's own messages, also as a reader"
    await alice.http.put(f"/rooms/{room_id}/bans/{bob.id}")
    assert (await clear(alice, room_id, bob)).json() == {"deleted": 0, "has_more": False}


@pytest.mark.stores("sqlite")
async def test_it_is_in_the_audit_log(node: Node, alice: Person, bob: Person, store_url: str) -> None:
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    await say(bob, room_id, "bob")
    await clear(alice, room_id, bob)
    store = await open_store(store_url)
    try:
        (event,) = (await store.audit.all(cursor=None, limit=1)).items
    finally:
        await store.close()
    assert (event.event, event.actor_id, event.subject_id) == ("cleared", alice.id, bob.id)
    assert (event.room_id, event.address) == (room_id, "127.0.0.1")


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("since", ["", "yesterday", "0", "2026-11-29", "2026-13-01T00:00:00Z"])
async def test_a_time_that_is_none_is_refused(alice: Person, since: str) -> None:
    room_id = (await make_room(alice))["id"]
    await say(alice, room_id, "alice")
    answer = await clear(alice, room_id, alice, since=since)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert await left(alice, room_id) == ["alice"]
