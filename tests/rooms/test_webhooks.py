"""Webhooks post what is written to a room, in order and never less, and their owners see what became of it."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from api.models.webhooks import Beginning
from api.store.base.store import Store
from tests.node import Node, Person, eventually
from tests.receiver import Receiver, answer, receiving
from tests.rooms.test_rooms import make_room, say
from tests.store.make import make_webhook as webhook_of

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
    found = await person.http.get(f"/rooms/{room_id}/webhooks")
    assert found.status_code == 200, found.text
    items: list[Json] = found.json()["items"]
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
            assert body["data"] == entry | {"epoch": epoch}
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 7


async def test_only_the_wanted_kinds_are_posted(node: Node, alice: Person, receiver: Receiver) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    await make_webhook(alice, room_id, receiver.url, kinds=["edit", "odd"])
    seq = await say(alice, room_id, "hello")
    await alice.http.patch(f"/rooms/{room_id}/messages/{seq}", json={"ref": "e", "body": "edited"})
    await receiver.until(1)
    assert [body["type"] for body in bodies(receiver)] == ["room.edit"]


async def test_a_secret_is_shown_once_and_both_sign_while_it_changes(
    node: Node, alice: Person, bob: Person, receiver: Receiver
) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    made = await make_webhook(alice, room_id, receiver.url + "?key=private")
    path = f"/rooms/{room_id}/webhooks/{made['webhook_id']}"
    renewed = (await alice.http.post(path + "/secret")).json()
    assert made["secret"].startswith("whsec_")
    assert renewed["secret"] not in {made["secret"], None}
    (mine,), (theirs,) = await listed(alice, room_id), await listed(bob, room_id)
    assert mine == {name: value for name, value in made.items() if name != "secret"}
    assert theirs == mine | {"url": None}
    assert mine["host"] == f"127.0.0.1:{receiver.port}"
    await say(alice, room_id, "hello")
    (request,) = await receiver.until(1)
    for secret in (made["secret"], renewed["secret"]):
        assert Verifier(secret).verify(request.body, request.headers)


async def test_a_webhook_is_paused_changed_goes_on_and_ends(
    node: Node, alice: Person, receiver: Receiver
) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    made = await make_webhook(alice, room_id, receiver.url, paused=True, kinds=["message", "message"])
    assert (made["state"], made["paused_by"], made["kinds"]) == ("paused", "owner", ["message"])
    path = f"/rooms/{room_id}/webhooks/{made['webhook_id']}"
    sent = [await say(alice, room_id, "one")]
    assert (await alice.http.patch(path, json={})).json() == (await listed(alice, room_id))[0]
    changed = (await alice.http.patch(path, json={"paused": False, "kinds": None})).json()
    assert (changed["state"], changed["kinds"]) == ("active", None)
    sent.append(await say(alice, room_id, "two"))
    await receiver.until(2)
    assert seqs(receiver) == sent
    assert (await alice.http.delete(path)).status_code == 204
    assert (await alice.http.delete(path)).status_code == 404
    await say(alice, room_id, "three")
    assert await listed(alice, room_id) == []
    assert seqs(receiver) == sent


async def test_deliveries_are_listed_and_sent_once_more(
    node: Node, alice: Person, receiver: Receiver
) -> None:
    receiver.answers = lambda request: answer(301 if len(receiver.requests) == 0 else 200, "Location: /x")
    room_id = (await make_room(alice, "Den"))["id"]
    made = await make_webhook(alice, room_id, receiver.url)
    path = f"/rooms/{room_id}/webhooks/{made['webhook_id']}"
    seq = await say(alice, room_id, "hello")
    await receiver.until(1)

    async def is_waiting() -> bool:
        return bool((await listed(alice, room_id))[0]["state"] == "waiting")

    await eventually(is_waiting)
    (shown,) = await listed(alice, room_id)
    assert (shown["attempts"], shown["last_status"]) == (1, 301)
    assert shown["waiting_since"] < shown["next_attempt_at"]
    await alice.http.patch(path, json={"paused": False})  # tries at once
    await receiver.until(2)
    assert receiver.requests[0].headers["webhook-id"] == receiver.requests[1].headers["webhook-id"]

    async def is_listed() -> bool:
        return len((await alice.http.get(path + "/deliveries")).json()["items"]) == 2

    await eventually(is_listed)
    newest, oldest = (await alice.http.get(path + "/deliveries")).json()["items"]
    assert (newest["outcome"], newest["status"], oldest["outcome"], oldest["status"]) == (
        "delivered",
        200,
        "down",
        301,
    )
    assert {newest["delivery_id"], oldest["delivery_id"]} == {receiver.requests[0].headers["webhook-id"]}
    assert (await alice.http.get(path + "/deliveries", params={"dead": "true"})).json()["items"] == []
    epoch = newest["epoch"]
    replayed = await alice.http.post(path + "/replay", json={"from_seq": seq, "epoch": epoch})
    assert (replayed.status_code, replayed.json()) == (
        202,
        {"epoch": epoch, "from_seq": seq, "to_seq": seq},
    )
    await receiver.until(3)
    assert seqs(receiver) == [seq] * 3


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"url": None}, {"url": 5}, {"url": ""}, {"url": "in.example"}, {"url": "ftp://in.example/"}),
        *({"url": "http://in.example\r\nX: y/"}, {"url": "https://user:pw@in.example/"}),
        *({"url": "https://10.0.0.1/"}, {"url": "https://[::1]/"}, {"url": "https://169.254.169.254/latest"}),
        *({"url": "https://in.example/", "kinds": []}, {"url": "https://in.example/", "kinds": ["Message"]}),
        *({"url": "https://in.example/", "kinds": "message"}, {"url": "https://in.example/", "paused": "no"}),
        *({"url": "https://in.example/", "secret": "whsec_x"}, {"url": "https://in.example/" + "a" * 3_000}),
    ],
)
async def test_a_webhook_that_leads_nowhere_allowed_is_refused(sqlite_node: Node, body: Json) -> None:
    ann = await sqlite_node.sign_up("ann")
    room_id = (await make_room(ann, "Den"))["id"]
    refused = await ann.http.post(f"/rooms/{room_id}/webhooks", json=body)
    assert refused.status_code == 422, refused.text
    assert "in.example" not in refused.text
    assert "10.0.0.1" not in refused.text
    assert await listed(ann, room_id) == []


async def test_bad_requests_about_webhooks_change_nothing(sqlite_node: Node) -> None:
    ann = await sqlite_node.sign_up("ann")
    room_id, other_id = [(await make_room(ann, name))["id"] for name in ("Den", "Cave")]
    made = [await make_webhook(ann, room_id, "https://in.invalid/", paused=True) for _ in range(3)]
    over = await ann.http.post(f"/rooms/{room_id}/webhooks", json={"url": "https://in.invalid/"})
    assert (over.status_code, over.json()["code"]) == (422, "limit")
    elsewhere = f"/rooms/{other_id}/webhooks/{made[0]['webhook_id']}"
    path = f"/rooms/{room_id}/webhooks/{made[0]['webhook_id']}"
    before = await listed(ann, room_id)
    for method, place, body, status in (
        ("PATCH", elsewhere, {"paused": False}, 404),
        ("DELETE", elsewhere, None, 404),
        ("POST", elsewhere + "/secret", None, 404),
        ("GET", elsewhere + "/deliveries", None, 404),
        ("POST", elsewhere + "/replay", {"from_seq": 1}, 404),
        ("PATCH", path, {"url": "https://127.0.0.1:0/"}, 422),
        ("PATCH", path, {"url": "http://8.8.8.8/"}, 422),
        ("PATCH", path, {"odd": 1}, 422),
        ("POST", path + "/replay", {"from_seq": 0}, 422),
        ("POST", path + "/replay", {"from_seq": 2, "to_seq": 1}, 422),
        ("POST", path + "/replay", {"from_seq": 10**9}, 422),
        ("POST", path + "/replay", {"from_seq": 1, "epoch": "another"}, 409),
        ("GET", path + "/deliveries?cursor=x", None, 422),
        ("GET", path + "/deliveries?dead=maybe", None, 422),
    ):
        answered = await ann.http.request(method, place, json=body)
        assert answered.status_code == status, (method, place, answered.text)
    assert await listed(ann, room_id) == before


async def test_who_made_a_webhook_is_told_when_it_is_paused_while_they_own_the_room(
    node: Node, alice: Person, bob: Person, receiver: Receiver
) -> None:
    receiver.answers = lambda _request: answer(410)
    room_id = (await make_room(alice, "Den"))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    made = await make_webhook(alice, room_id, receiver.url)
    path = f"/rooms/{room_id}/webhooks/{made['webhook_id']}"
    async with alice.socket() as hers, bob.socket() as his:
        await say(alice, room_id, "hello")
        assert await hers.until(type="webhook_paused") == {
            "type": "webhook_paused",
            "room_id": room_id,
            "webhook_id": made["webhook_id"],
            "paused_by": "gone",
        }
        members = f"/rooms/{room_id}/members"
        assert (await alice.http.put(f"{members}/{bob.id}", json={"role": "owner"})).status_code == 200
        assert (await bob.http.put(f"{members}/{alice.id}", json={"role": "member"})).status_code == 200
        await bob.http.patch(path, json={"paused": False})
        await receiver.until(2)

        async def is_paused() -> bool:
            return bool((await listed(bob, room_id))[0]["state"] == "paused")

        await eventually(is_paused)
        for one in (hers, his):
            await one.send(type="ping")
            while (event := await one.receive())["type"] != "pong":
                assert event["type"] != "webhook_paused"


async def test_who_was_away_finds_which_of_their_webhooks_the_server_has_paused(
    node: Node, alice: Person, bob: Person, receiver: Receiver
) -> None:
    async def paused(person: Person) -> list[str]:
        found = await person.http.get("/users/me/webhooks/paused")
        assert found.status_code == 200, found.text
        return [one["webhook_id"] for one in found.json()["items"]]

    async def is_told() -> bool:
        return await paused(alice) == [made["webhook_id"]]

    receiver.answers = lambda _request: answer(410)
    room_id = (await make_room(alice, "Den"))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    await make_webhook(alice, room_id, receiver.url + "by-hand", paused=True)
    made = await make_webhook(alice, room_id, receiver.url)
    assert await paused(alice) == []
    await say(alice, room_id, "hello")
    await eventually(is_told)
    members = f"/rooms/{room_id}/members"
    assert (await alice.http.put(f"{members}/{bob.id}", json={"role": "owner"})).status_code == 200
    assert await paused(bob) == []  # she made it
    assert (await bob.http.put(f"{members}/{alice.id}", json={"role": "member"})).status_code == 200
    assert await paused(alice) == []  # she could do nothing about it
    assert (await bob.http.put(f"{members}/{alice.id}", json={"role": "owner"})).status_code == 200
    assert await is_told()
    receiver.answers = lambda _request: answer(204)
    path = f"/rooms/{room_id}/webhooks/{made['webhook_id']}"
    assert (await alice.http.patch(path, json={"paused": False})).status_code == 200
    assert await paused(alice) == []


async def test_what_becomes_of_deliveries_is_counted(node: Node, alice: Person, receiver: Receiver) -> None:
    receiver.answers = lambda _request: answer(410)
    room_id = (await make_room(alice, "Den"))["id"]
    await make_webhook(alice, room_id, receiver.url)
    await say(alice, room_id, "hello")

    async def is_gone() -> bool:
        return bool((await listed(alice, room_id))[0]["paused_by"] == "gone")

    await eventually(is_gone)
    metrics = (await node.client().get("/metrics")).text
    assert 'tailwire_webhook_deliveries_total{outcome="gone"} 1.0' in metrics
    assert "tailwire_webhooks_waiting 0.0" in metrics


IDLE: Final = 1_000
STORE_CALLS: Final = re.compile(r'tailwire_store_seconds_count\{operation="([a-z_.]+)"\} (\d+)')
OF_WEBHOOKS: Final = ("webhooks.", "positions.", "deliveries.", "log.entries")
"""What posting to webhooks reads and writes, and sending does not."""


async def calls(node: Node) -> Counter[str]:
    """Return how often each operation of the store was called that posting to webhooks needs."""
    text = (await node.client().get("/metrics")).text
    found = {name: int(count) for name, count in STORE_CALLS.findall(text)}
    return Counter({name: count for name, count in found.items() if name.startswith(OF_WEBHOOKS)})


async def cost_of_messages(node: Node, person: Person, receiver: Receiver) -> tuple[Counter[str], list[str]]:
    """Return what messages in a room without webhooks cost the store, and which tasks of webhooks there are then."""
    busy, plain = [str((await make_room(person, name))["id"]) for name in ("Busy", "Plain")]
    made = await make_webhook(person, busy, receiver.url)
    receiver.requests.clear()
    await say(person, busy, f"in {busy}")
    await receiver.until(1)

    async def is_settled() -> bool:
        noted = await person.http.get(f"/rooms/{busy}/webhooks/{made['webhook_id']}/deliveries")
        return bool(noted.json()["items"])

    await eventually(is_settled)  # nothing is under way, and all that was posted is stored
    before = await calls(node)
    for number in range(30):
        await say(person, plain, f"{number} in {plain}")
    tasks = sorted(one.get_name() for one in asyncio.all_tasks() if one.get_name().startswith("webhook"))
    return await calls(node) - before, tasks


@pytest.mark.stores("sqlite")  # making so many takes RethinkDB longer than a test may
@pytest.mark.settings(webhook_allow="127.0.0.0/8", webhooks_per_room=IDLE, sends_burst=200)
async def test_idle_webhooks_cost_nothing(
    node: Node, store: Store, alice: Person, receiver: Receiver
) -> None:
    """Messages elsewhere call the store for no webhook, and no task waits for one, with 1,000 of them as without."""
    without = await cost_of_messages(node, alice, receiver)
    assert without[0] == Counter()
    room = str((await make_room(alice, "Idle"))["id"])
    head = (await store.log.heads([room]))[room]
    fields = {"url": receiver.url, "start": Beginning(head.epoch, head.seq)}
    for number in range(1, IDLE, 111):
        made = [webhook_of(room, number + one, **fields) for one in range(111)]
        await asyncio.gather(*map(store.webhooks.create, made))
    await make_webhook(alice, room, receiver.url)
    receiver.requests.clear()
    await say(alice, room, "all of them are known")
    await receiver.until(IDLE, seconds=60)
    assert await cost_of_messages(node, alice, receiver) == without
