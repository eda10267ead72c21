"""Threads: replies below a message, over HTTP and the socket, on each store and on two nodes."""

import asyncio
from typing import Any, Final

import pytest

from api.models.rooms import LOBBY_ID
from tests.bad_inputs.answers import is_error, is_problem
from tests.node import Event, Person
from tests.rooms.test_message_changes import LOG, MESSAGES, read, two_nodes
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio

ROUNDS: Final = 20


async def reply(person: Person, reply_to: int, body: str, *, room_id: str = LOBBY_ID) -> dict[str, Any]:
    """Answer a message over HTTP, and return the answer as it is stored."""
    command = {"ref": f"ref {body}", "body": body, "reply_to": reply_to}
    answer = await person.http.post(f"/rooms/{room_id}/messages", json=command)
    assert answer.status_code == 201, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


async def replies(person: Person, root: int) -> tuple[int, str | None]:
    """Return the number of the replies below a message, and the time of the newest."""
    message = await read(person, f"{MESSAGES}/{root}")
    return message["reply_count"], message["last_reply_at"]


async def test_replies_stand_in_the_thread_of_the_first_message_answered(alice: Person, bob: Person) -> None:
    root = await say(alice, LOBBY_ID, "tea?")
    assert await replies(bob, root) == (0, None)
    first = await reply(bob, root, "yes")
    await say(alice, LOBBY_ID, "another thing")
    async with alice.socket() as socket:
        ack = await socket.call(
            type="send", room_id=LOBBY_ID, ref="s", body="green?", reply_to=first["seq"], epoch=None
        )
    second = await read(alice, f"{MESSAGES}/{ack['seq']}")
    assert [(one["reply_to"], one["thread"]) for one in (first, second)] == [
        (root, root),
        (first["seq"], root),
    ]
    log = (await read(bob, LOG, after=root - 1))["items"]
    assert [entry.get("thread") for entry in log] == [None, root, None, root]
    assert "thread" not in log[0]
    # The root is the same wherever it is shown, and a reply is a message of the room as well.
    message = await read(bob, f"{MESSAGES}/{root}")
    assert (message["reply_count"], message["last_reply_at"]) == (2, second["at"])
    assert (first["reply_count"], first["last_reply_at"]) == (0, None)
    await alice.http.put(f"{MESSAGES}/{root}/reactions/👍")
    message = await read(bob, f"{MESSAGES}/{root}")
    for shown in (
        (await read(bob, MESSAGES))["items"],
        (await read(bob, MESSAGES, around=root, entries="true"))["items"],
        (await read(bob, MESSAGES, after=root - 1, limit=1))["items"],
    ):
        items = {item["seq"]: item for item in shown if item.get("type", "message") == "message"}
        assert {name: items[root][name] for name in message} == message


async def test_a_thread_is_read_in_pages_without_the_rest_of_the_room(alice: Person, bob: Person) -> None:
    root = await say(alice, LOBBY_ID, "tea?")
    other = await say(alice, LOBBY_ID, "coffee?")
    sent: list[dict[str, Any]] = []
    for number in range(5):
        sent.append(await reply(bob, sent[-1]["seq"] if sent else root, f"answer {number}"))
        await reply(bob, other, f"elsewhere {number}")
    path = f"{MESSAGES}/{root}/thread"
    epoch = (await read(alice, MESSAGES))["epoch"]
    await bob.http.patch(f"{MESSAGES}/{sent[1]['seq']}", json={"body": "edited"})
    sent[1] = await read(alice, f"{MESSAGES}/{sent[1]['seq']}")
    assert await read(alice, path) == {"items": sent, "epoch": epoch, "has_more": False}
    page = await read(alice, path, limit=2)
    assert (page["items"], page["has_more"]) == (sent[:2], True)
    page = await read(alice, path, after=sent[1]["seq"], limit=3)
    assert (page["items"], page["has_more"]) == (sent[2:], False)
    assert (await read(alice, path, after=sent[-1]["seq"]))["items"] == []
    empty = {"items": [], "epoch": epoch, "has_more": False}
    assert await read(alice, f"{MESSAGES}/{sent[0]['seq']}/thread") == empty  # a reply is no root
    assert await read(alice, f"{MESSAGES}/{await say(bob, LOBBY_ID, 'alone')}/thread") == empty


async def test_deleted_replies_do_not_count_and_a_deleted_root_keeps_its_replies(
    alice: Person, bob: Person
) -> None:
    root = await say(alice, LOBBY_ID, "tea?")
    sent = [await reply(bob, root, f"answer {number}") for number in range(3)]
    seqs = [one["seq"] for one in sent]
    counts = []
    for seq in (seqs[2], seqs[0], seqs[1]):
        await bob.http.delete(f"{MESSAGES}/{seq}")
        await bob.http.delete(f"{MESSAGES}/{seq}")
        counts.append(await replies(alice, root))
    assert counts == [(2, sent[1]["at"]), (1, sent[1]["at"]), (0, None)]
    log = (await read(alice, LOG, after=seqs[-1]))["items"]
    assert [(entry["target"], entry["thread"]) for entry in log] == [
        (seqs[2], root),
        (seqs[0], root),
        (seqs[1], root),
    ]
    thread = await read(alice, f"{MESSAGES}/{root}/thread")
    assert [(one["seq"], one["deleted"], one["body"]) for one in thread["items"]] == [
        (seq, True, "") for seq in seqs
    ]
    last = await reply(bob, root, "one more")
    await alice.http.delete(f"{MESSAGES}/{root}")
    assert "thread" not in (await read(alice, LOG))["items"][-1]
    newest = await reply(alice, last["seq"], "an answer below a deleted root")
    message = await read(alice, f"{MESSAGES}/{root}")
    assert (message["deleted"], message["reply_count"], message["last_reply_at"]) == (True, 2, newest["at"])
    assert newest["thread"] == root


async def test_a_deleted_message_is_answered_no_more_but_a_retry_gets_its_ack(
    alice: Person, bob: Person
) -> None:
    root = await say(alice, LOBBY_ID, "tea?")
    answer = {"type": "send", "room_id": LOBBY_ID, "reply_to": root}
    async with bob.socket() as socket:
        ack = await socket.call(**answer, ref="before", body="yes")
        await alice.http.delete(f"{MESSAGES}/{root}")
        head = (await read(bob, LOG))["seq"]
        is_error(await socket.call(**answer, ref="after", body="no"), "deleted")
        assert await socket.call(**answer, ref="before", body="yes") == ack
        is_error(await socket.call(**answer, ref="before", body="no"), "ref_conflict")
        other = {"ref": "before", "body": "yes", "reply_to": ack["seq"]}
        is_problem(await bob.http.post(MESSAGES, json=other), 409, "ref_conflict")
    body = {"ref": "after", "body": "no", "reply_to": root}
    is_problem(await bob.http.post(MESSAGES, json=body), 409, "deleted")
    again = await bob.http.post(MESSAGES, json=body | {"ref": "before", "body": "yes"})
    assert (again.status_code, again.json()["seq"]) == (200, ack["seq"])
    assert (await read(bob, LOG))["seq"] == head


async def test_what_is_no_message_cannot_be_answered(alice: Person) -> None:
    room = await make_room(alice, "Den")
    path = f"/rooms/{room['id']}"
    seq = await say(alice, room["id"], "hello")
    await alice.http.patch(f"{path}/messages/{seq}", json={"body": "edited"})
    there = [await say(alice, LOBBY_ID, f"in the lobby {number}") for number in range(5)][-1]
    assert there > seq + 1
    epoch = (await read(alice, f"{path}/log"))["epoch"]
    answer = {"body": "yes"}
    async with alice.socket() as socket:
        for code, status, more in (
            ("not_found", 404, {"reply_to": 1}),  # a member entry
            ("not_found", 404, {"reply_to": seq + 1}),  # an edit
            ("not_found", 404, {"reply_to": there}),
            ("not_found", 404, {"reply_to": 2**53 - 1, "epoch": epoch}),
            ("reset", 409, {"reply_to": seq, "epoch": "another"}),
            ("reset", 409, {"reply_to": 1, "epoch": "another"}),
            ("reset", 409, {"epoch": "another"}),
            ("invalid", 422, {"reply_to": seq, "epoch": ""}),
            ("invalid", 422, {"reply_to": 0}),
        ):
            for number in range(2):
                ref = f"x{number}"
                is_error(await socket.call(type="send", room_id=room["id"], ref=ref, **answer, **more), code)
                refused = await alice.http.post(f"{path}/messages", json={"ref": ref, **answer, **more})
                is_problem(refused, status, code)
        assert (await read(alice, f"{path}/log"))["seq"] == seq + 1
        sent = [
            await socket.call(type="send", room_id=room["id"], body="yes", epoch=epoch, **more)
            for more in ({"reply_to": seq}, {})
        ]
        assert [ack["seq"] for ack in sent] == [seq + 2, seq + 3]
    for query in ({"after": -1}, {"limit": 0}, {"limit": 101}, {"after": "x"}):
        is_problem(await alice.http.get(f"{path}/messages/{seq}/thread", params=query), 422, "invalid")
    for missing in (1, seq + 1, seq + 4, 2**53 - 1):
        is_problem(await alice.http.get(f"{path}/messages/{missing}/thread"), 404, "not_found")


# -- two nodes


class Reader:
    """A client that keeps the number of replies below each message, by nothing but the entries of the log."""

    def __init__(self) -> None:
        self.count: dict[int, int] = {}

    def apply(self, event: Event) -> None:
        if event["type"] == "message":
            self.count[event["seq"]] = 0
        if event.get("thread") in self.count:
            self.count[event["thread"]] += 1 if event["type"] == "message" else -1


@pytest.mark.parametrize("is_away", [False, True])
async def test_who_was_away_counts_replies_as_who_stayed_and_as_the_server(
    store_url: str, is_away: bool
) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        async with alice.socket() as socket, bob.socket() as listener:
            root = await socket.call(type="send", room_id=LOBBY_ID, body="tea?")
            since = {"epoch": root["epoch"], "seq": root["seq"] - 1}
            if not is_away:
                await listener.send(type="subscribe", room_id=LOBBY_ID, since=since)
                await listener.until(type="live")
            seqs = [root["seq"]]
            for number in range(4):
                ack = await socket.call(
                    type="send", room_id=LOBBY_ID, body=str(number), reply_to=seqs[-1 - number % 2]
                )
                seqs.append(ack["seq"])
            await socket.call(type="delete", room_id=LOBBY_ID, seq=seqs[2])
            await socket.call(type="delete", room_id=LOBBY_ID, seq=seqs[4])
            if is_away:
                await listener.send(type="subscribe", room_id=LOBBY_ID, since=since)
            reader = Reader()
            for event in await listener.entries(6 if not is_away else 7):
                reader.apply(event)
            if not is_away:
                reader.count |= {seqs[0]: 2}
        for person in (alice, bob):
            shown = (await read(person, MESSAGES))["items"]
            assert {item["seq"]: item["reply_count"] for item in shown} == reader.count
        assert reader.count[root["seq"]] == 2


async def test_an_answer_that_meets_a_delete_has_one_outcome_on_all_nodes(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        async with alice.socket() as here, alice.socket(node=other) as there:
            for turn in range(ROUNDS):
                seq = (await here.call(type="send", room_id=LOBBY_ID, body=f"tea? {turn}"))["seq"]
                first = (await here.call(type="send", room_id=LOBBY_ID, body="first", reply_to=seq))["seq"]
                answer, deleted = await asyncio.gather(
                    here.call(type="send", room_id=LOBBY_ID, body="yes", reply_to=seq),
                    there.call(type="delete", room_id=LOBBY_ID, seq=seq),
                )
                assert deleted["type"] == "ack"
                assert answer["type"] == "ack" or answer["code"] == "deleted"
                log = (await read(alice, LOG, after=first))["items"]
                expected = ["message", "delete"] if answer["type"] == "ack" else ["delete"]
                assert [entry["type"] for entry in log] == expected
                for node in (one, other):
                    http = node.client(Authorization=f"Bearer {alice.access_token}")
                    root = (await http.get(f"{MESSAGES}/{seq}")).json()
                    thread = (await http.get(f"{MESSAGES}/{seq}/thread")).json()["items"]
                    assert (root["deleted"], root["reply_count"]) == (True, len(expected))
                    assert [item["thread"] for item in thread] == [seq] * len(expected)
                    assert root["last_reply_at"] == thread[-1]["at"]


async def test_replies_and_deletes_of_replies_on_two_nodes_are_counted_right(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        async with alice.socket() as here, alice.socket(node=other) as there:
            root = (await here.call(type="send", room_id=LOBBY_ID, body="tea?"))["seq"]
            answer = {"type": "send", "room_id": LOBBY_ID, "reply_to": root}
            for turn in range(ROUNDS):
                sent = [await here.call(**answer, body=f"{turn} {number}") for number in range(2)]
                await asyncio.gather(
                    here.call(**answer, body=f"{turn} here"),
                    there.call(type="delete", room_id=LOBBY_ID, seq=sent[1]["seq"]),
                )
            last = await here.call(**answer, body="the last")
            await asyncio.gather(
                *(
                    socket.call(type="delete", room_id=LOBBY_ID, seq=last["seq"], ref=ref)
                    for socket, ref in ((here, "d1"), (there, "d2"))
                )
            )
        thread: list[dict[str, Any]] = []
        while True:
            after = thread[-1]["seq"] if thread else 0
            page = await read(alice, f"{MESSAGES}/{root}/thread", after=after, limit=7)
            thread += page["items"]
            if not page["has_more"]:
                break
        assert len(thread) == 3 * ROUNDS + 1
        left = [item for item in thread if not item["deleted"]]
        assert await replies(alice, root) == (2 * ROUNDS, left[-1]["at"])
