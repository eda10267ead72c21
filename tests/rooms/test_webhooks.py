"""Webhooks post what is written to a room, in order and never less, and their owners see what became of it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.node import Node, Person
from tests.receiver import Receiver, receiving
from tests.rooms.test_rooms import make_room, say

pytestmark = [pytest.mark.anyio, pytest.mark.settings(webhook_allow="127.0.0.0/8", webhooks_per_room=3)]

Json = dict[str, Any]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


def bodies(receiver: Receiver) -> list[Json]:
    return [json.loads(request.body) for request in receiver.requests]


def seqs(receiver: Receiver) -> list[int]:
    return [body["data"]["seq"] for body in bodies(receiver)]


async def make_webhook(owner: Person, room_id: str, url: str, **fields: Any) -> Json:
    made = await owner.http.post(f"/rooms/{room_id}/webhooks", json={"url": url, **fields})
    assert made.status_code == 201, made.text
    body: Json = made.json()
    return body


async def listed(person: Person, room_id: str) -> list[Json]:
    answer = await person.http.get(f"/rooms/{room_id}/webhooks")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def test_what_is_written_from_now_on_is_posted_in_order_and_signed(
    node: Node, alice: Person, receiver: Receiver
) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    before = await say(alice, room_id, "before")
    made = await make_webhook(alice, room_id, receiver.url)
    sent = [await say(alice, room_id, f"message {number}") for number in range(5)]
    edited = await alice.http.patch(
        f"/rooms/{room_id}/messages/{sent[0]}", json={"ref": "e", "body": "edited"}
    )
    assert edited.status_code == 200
    deleted = await alice.http.delete(f"/rooms/{room_id}/messages/{sent[1]}")
    assert deleted.status_code in {200, 204}
    await receiver.until(7)
    assert seqs(receiver) == list(range(before + 1, before + 8))
    epoch = (await alice.http.get(f"/rooms/{room_id}")).json()["epoch"]
    log = {
        one["seq"]: one
        for one in (await alice.http.get(f"/rooms/{room_id}/log", params={"after": before})).json()["items"]
    }
    for request, body in zip(receiver.requests, bodies(receiver), strict=True):
        verified = Verifier(made["secret"]).verify(request.body, request.headers)
        assert verified == body
        entry = log[body["data"]["seq"]]
        assert body["type"] == f"room.{entry['type']}"
        if entry["seq"] != sent[1]:  # the log does not say any more what was deleted
            assert (
                body["data"] == entry | {"epoch": epoch, "body": body["data"].get("body")}
                or "body" not in entry
            )
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 7


async def test_only_the_wanted_kinds_are_posted(node: Node, alice: Person, receiver: Receiver) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    await make_webhook(alice, room_id, receiver.url, kinds=["edit", "odd"])
    seq = await say(alice, room_id, "hello")
    await alice.http.patch(f"/rooms/{room_id}/messages/{seq}", json={"ref": "e", "body": "edited"})
    await receiver.until(1)
    assert [body["type"] for body in bodies(receiver)] == ["room.edit"]
