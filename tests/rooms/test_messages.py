"""Messages over HTTP, on each store: sending once, history in both directions, and the raw log."""

import asyncio
from typing import Any

import pytest

from api.models.rooms import LOBBY_ID
from api.protocol.fields import MAX_BODY_CHARACTERS
from api.protocol.strict_json import MAX_SAFE_INTEGER
from tests.node import Event, Node, Person

pytestmark = pytest.mark.anyio

MESSAGES = f"/rooms/{LOBBY_ID}/messages"
LOG = f"/rooms/{LOBBY_ID}/log"
GOOD = {"ref": "r1", "body": "hello"}


async def say(author: Person, count: int) -> list[int]:
    """Send messages "0", "1", ... to the lobby and return their seqs."""
    seqs = []
    for number in range(count):
        answer = await author.http.post(MESSAGES, json={"ref": f"m{number}", "body": str(number)})
        assert answer.status_code == 201, answer.text
        seqs.append(int(answer.json()["seq"]))
    return seqs


async def get(person: Person, path: str, **query: Any) -> Event:
    answer = await person.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: Event = answer.json()
    return found


# -- sending


async def test_a_message_is_stored_once_however_often_it_is_sent(alice: Person) -> None:
    first = await alice.http.post(MESSAGES, json=GOOD)
    again = await alice.http.post(MESSAGES, json=GOOD)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    message = first.json()
    assert message | {"seq": None, "at": None} == {
        "room_id": LOBBY_ID,
        "seq": None,
        "at": None,
        "user_id": alice.id,
        "username": "alice",
        "ref": "r1",
        "body": "hello",
        "reply_to": None,
        "thread": None,
        "edited_at": None,
        "deleted": False,
        "pinned": False,
        "reactions": [],
        "reply_count": 0,
        "last_reply_at": None,
        "mentions": [],
        "mentions_all": False,
        "files": [],
        "previews": [],
        "shown_as": None,
        "is_bot": False,
    }
    assert await get(alice, f"{MESSAGES}/{message['seq']}") == message
    assert (await get(alice, MESSAGES))["items"] == [message]


async def test_the_same_message_sent_many_times_at_once_is_one(alice: Person) -> None:
    answers = await asyncio.gather(*(alice.http.post(MESSAGES, json=GOOD) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["seq"] for answer in answers}) == 1


async def test_a_ref_names_one_thing_of_one_author(alice: Person, bob: Person) -> None:
    stored = (await alice.http.post(MESSAGES, json=GOOD)).json()
    room_id = (await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"})).json()["id"]
    for path, changes in (
        (MESSAGES, {"body": "something else"}),
        (MESSAGES, {"reply_to": stored["seq"]}),
        (f"/rooms/{room_id}/messages", {}),
    ):
        conflict = await alice.http.post(path, json=GOOD | changes)
        assert (conflict.status_code, conflict.json()["code"]) == (409, "ref_conflict")
    assert (await alice.http.post(MESSAGES, json=GOOD)).json() == stored
    assert (await bob.http.post(MESSAGES, json=GOOD)).status_code == 201


async def test_a_reply_says_what_it_answers(alice: Person, bob: Person) -> None:
    asked = (await alice.http.post(MESSAGES, json=GOOD)).json()
    answer = await bob.http.post(MESSAGES, json=GOOD | {"reply_to": asked["seq"]})
    assert answer.json()["reply_to"] == asked["seq"]


async def test_a_body_comes_back_exactly_as_sent(alice: Person) -> None:
    bodies = [
        "  two spaces, then a line\n",
        "<script>alert(1)</script>",
        "e\u0301 is not \u00e9",
        "👩‍👩‍👧‍👦",
        "مرحبا \u202eabc\u202c",
        '{"$reql_type$":"TIME","epoch_time":1,"timezone":"+00:00"}',
        "'; DROP TABLE entries; --",
        "💥" * MAX_BODY_CHARACTERS,
    ]
    for number, body in enumerate(bodies):
        answer = await alice.http.post(MESSAGES, json={"ref": f"b{number}", "body": body})
        assert (answer.status_code, answer.json()["body"]) == (201, body)
    assert [one["body"] for one in (await get(alice, MESSAGES))["items"]] == bodies


@pytest.mark.parametrize(
    "body",
    ["", " ", "\n\t\r", "\u00a0\u3000", "\u200b\u200d\ufeff", "\u202e\u2066", "\u2800", "\u3164", "\x07"],
)
async def test_a_body_that_shows_nothing_is_refused(sqlite_node: Node, body: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.post(MESSAGES, json=GOOD | {"body": body})
    assert (answer.status_code, answer.json()["code"]) == (422, "empty")
    assert (await get(alice, MESSAGES))["items"] == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"body": "x" * (MAX_BODY_CHARACTERS + 1)}, id="body-long"),
        pytest.param({"body": "nul \0"}, id="body-nul"),
        pytest.param({"body": None}, id="body-null"),
        pytest.param({"body": 7}, id="body-int"),
        pytest.param({"ref": ""}, id="ref-empty"),
        pytest.param({"ref": "r" * 65}, id="ref-long"),
        pytest.param({"ref": "a\nb"}, id="ref-control"),
        pytest.param({"ref": None}, id="ref-null"),
        pytest.param({"reply_to": 0}, id="reply-zero"),
        pytest.param({"reply_to": "1"}, id="reply-text"),
        pytest.param({"reply_to": True}, id="reply-bool"),
        pytest.param({"user_id": "somebody"}, id="forged-author"),
        pytest.param({"seq": 1}, id="forged-seq"),
    ],
)
async def test_a_message_out_of_bounds_is_not_stored(sqlite_node: Node, changes: Event) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.post(MESSAGES, json=GOOD | changes)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await get(alice, MESSAGES))["items"] == []


@pytest.mark.parametrize("seq", ["0", "-1", "999999", str(2**53), str(2**70)])
async def test_a_seq_without_a_message_is_not_found(alice: Person, seq: str) -> None:
    answer = await alice.http.get(f"{MESSAGES}/{seq}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_an_entry_that_is_no_message_is_not_found(alice: Person) -> None:
    joined = (await get(alice, LOG))["items"][0]
    assert joined["type"] == "member"
    assert (await alice.http.get(f"{MESSAGES}/{joined['seq']}")).status_code == 404


# -- history


async def test_history_is_walked_back_to_the_first_and_forth_to_the_last(alice: Person) -> None:
    seqs = await say(alice, 7)

    async def page(**query: int) -> tuple[list[int], bool]:
        found = await get(alice, MESSAGES, limit=3, **query)
        return [one["seq"] for one in found["items"]], found["has_more"]

    assert await page() == (seqs[4:], True)
    assert await page(before=seqs[4]) == (seqs[1:4], True)
    assert await page(before=seqs[1]) == (seqs[:1], False)
    assert await page(before=seqs[0]) == ([], False)
    assert await page(after=0) == (seqs[:3], True)
    assert await page(after=seqs[2]) == (seqs[3:6], True)
    assert await page(after=seqs[3]) == (seqs[4:], False)
    assert await page(after=seqs[6]) == ([], False)
    assert await page(before=MAX_SAFE_INTEGER) == (seqs[4:], True)
    assert await page(after=MAX_SAFE_INTEGER) == ([], False)
    assert await page(before=0) == ([], False)


async def test_a_page_around_a_seq_holds_what_stands_before_and_after_it(alice: Person, bob: Person) -> None:
    seqs = await say(alice, 7)

    async def page(around: int, limit: int = 4) -> tuple[list[int], bool, bool]:
        found = await get(bob, MESSAGES, around=around, limit=limit)
        assert found.keys() == {"items", "epoch", "has_more_before", "has_more_after"}
        return [one["seq"] for one in found["items"]], found["has_more_before"], found["has_more_after"]

    assert await page(seqs[3]) == (seqs[2:6], True, True)
    assert await page(seqs[3], limit=1) == (seqs[3:4], True, True)
    assert await page(seqs[6], limit=1) == (seqs[6:], True, False)
    assert await page(seqs[0]) == (seqs[:3], False, True)
    assert await page(seqs[6]) == (seqs[5:], True, False)
    assert await page(seqs[3], limit=100) == (seqs, False, False)
    assert await page(MAX_SAFE_INTEGER) == (seqs[5:], True, False)
    assert await page(0) == (seqs[:2], False, True)
    items = (await get(bob, MESSAGES, around=seqs[3], limit=4))["items"]
    assert items == (await get(bob, MESSAGES))["items"][2:6]
    first = seqs[0] - 1  # the seq at which somebody joined
    around = await get(bob, MESSAGES, around=first, limit=4, entries="true")
    shown = (await get(bob, MESSAGES, after=0, entries="true"))["items"]
    place = next(number for number, one in enumerate(shown) if one["seq"] == first)
    assert around["items"] == shown[max(place - 1, 0) : place + 3]
    assert (around["has_more_before"], around["has_more_after"]) == (place > 1, True)
    for other in ("before", "after"):
        answer = await bob.http.get(MESSAGES, params={"around": seqs[3], other: 1})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_history_goes_back_or_forth_but_not_both(alice: Person) -> None:
    answer = await alice.http.get(MESSAGES, params={"before": 5, "after": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["loc"] == ["query", "after"]


@pytest.mark.parametrize(
    "path",
    [
        f"{MESSAGES}?{query}"
        for query in (
            "limit=0",
            "limit=101",
            "before=-1",
            "after=x",
            "around=-1",
            f"after={MAX_SAFE_INTEGER + 1}",
        )
    ]
    + [f"{LOG}?{query}" for query in ("limit=0", "limit=501", "after=-1", "after=1.5", f"after={2**70}")],
)
async def test_a_query_out_of_bounds_is_refused(sqlite_node: Node, path: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


# -- the log


async def test_the_log_is_every_entry_in_steps_of_one(alice: Person) -> None:
    last = (await say(alice, 5))[-1]
    whole = await get(alice, LOG)
    assert [entry["seq"] for entry in whole["items"]] == list(range(1, last + 1))
    assert whole["seq"] == last
    assert [entry["body"] for entry in whole["items"][-5:]] == ["0", "1", "2", "3", "4"]
    assert whole["epoch"] == (await get(alice, f"/rooms/{LOBBY_ID}"))["epoch"]
    for after, limit in ((0, 2), (2, 3), (last - 1, 500), (last, 500), (last + 100, 1)):
        part = await get(alice, LOG, after=after, limit=limit, epoch=whole["epoch"])
        assert part["items"] == whole["items"][after : after + limit]
        assert (part["seq"], part["epoch"]) == (last, whole["epoch"])


async def test_the_log_says_what_the_socket_said(alice: Person) -> None:
    async with alice.socket() as socket:
        ack = await socket.call(type="subscribe", room_id=LOBBY_ID)
        await alice.http.post(MESSAGES, json=GOOD)
        (heard,) = await socket.entries(1)
    assert (await get(alice, LOG, after=ack["seq"]))["items"] == [heard]


async def test_the_log_of_another_epoch_is_answered_by_reset(alice: Person) -> None:
    for epoch in ("another", "", "💥"):
        answer = await alice.http.get(LOG, params={"epoch": epoch})
        assert (answer.status_code, answer.json()["code"]) == (409, "reset")
    assert (await alice.http.get(LOG, params={"epoch": "e" * 65})).status_code == 422


async def test_an_answer_to_no_message_is_refused(alice: Person) -> None:
    refused = await alice.http.post(MESSAGES, json={"ref": "a", "body": "yes", "reply_to": 999})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    first = await alice.http.post(MESSAGES, json={"ref": "b", "body": "tea?"})
    answer = {"ref": "a", "body": "yes", "reply_to": first.json()["seq"]}
    assert (await alice.http.post(MESSAGES, json=answer)).status_code == 201
    assert (await alice.http.post(MESSAGES, json=answer)).status_code == 200
