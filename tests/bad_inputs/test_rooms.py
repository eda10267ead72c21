"""Rows R: rooms and permissions, over HTTP and the socket. Each test ends with a good request that is served.

tests/rooms/test_policy.py tries the whole table of roles and operations. The limits R5 and R16 are in
tests/limits/test_throttles.py. Other rows are of features that do not exist yet: test_rows.py lists them.
"""

from typing import Any, Final, NamedTuple

import httpx
import pytest
from websockets.asyncio.client import connect

from api.models.rooms import LOBBY_ID
from tests.bad_inputs.answers import is_problem
from tests.node import Node, Person, Socket
from tests.rooms.test_rooms import make_room, say

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

READS: Final = ("", "/members", "/messages", "/messages/5", "/log")
COMMANDS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "subscribe"},
    {"type": "subscribe", "since": {"epoch": "guessed", "seq": 0}},
    {"type": "send", "body": "let me in"},
    {"type": "read", "seq": 1},
)


class Den(NamedTuple):
    """A private room and its members; bob is not one of them."""

    node: Node
    id: str
    owner: Person
    member: Person
    reader: Person
    bob: Person

    async def give(self, person: Person, role: str, *, by: Person) -> httpx.Response:
        return await by.http.put(f"/rooms/{self.id}/members/{person.id}", json={"role": role})


@pytest.fixture
async def den(node: Node) -> Den:
    names = ("olga", "mia", "rita", "bob")
    owner, member, reader, bob = [await node.sign_up(name) for name in names]
    made = Den(node, (await make_room(owner, "Secret den", "private"))["id"], owner, member, reader, bob)
    assert (await made.give(member, "member", by=owner)).status_code == 200
    assert (await made.give(reader, "reader", by=owner)).status_code == 200
    await say(owner, made.id, "hidden words")
    return made


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and code of a problem. Fails when its text tells something of the room."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Secret den" not in answer.text
    assert "hidden words" not in answer.text
    return answer.status_code, answer.json()["code"]


async def is_served(person: Person) -> None:
    assert (await person.http.get(f"/rooms/{LOBBY_ID}/messages")).status_code == 200


async def test_r1_a_non_member_reads_nothing_and_cannot_tell_a_room_from_none(den: Den) -> None:
    for path in READS:
        hidden = await den.bob.http.get(f"/rooms/{den.id}{path}")
        unknown = await den.bob.http.get(f"/rooms/{'A' * len(den.id)}{path}")
        assert refusal(hidden) == refusal(unknown) == (404, "not_found")
        assert hidden.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
        assert (await den.member.http.get(f"/rooms/{den.id}{path}")).status_code == 200
    await is_served(den.bob)


async def test_r2_without_a_token_everything_is_refused(den: Den) -> None:
    http = den.node.client()
    for room_id in (den.id, LOBBY_ID):
        for path in READS:
            answer = await http.get(f"/rooms/{room_id}{path}")
            assert refusal(answer) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        message = {"ref": "r", "body": "hello"}
        assert (await http.post(f"/rooms/{room_id}/messages", json=message)).status_code == 401
        member = f"/rooms/{room_id}/members/{den.bob.id}"
        assert (await http.put(member, json={"role": "owner"})).status_code == 401
        assert (await http.delete(member)).status_code == 401
    for command in COMMANDS:
        async with connect(den.node.ws_url) as raw:
            socket = Socket(raw)
            await socket.send(**command, ref="r", room_id=LOBBY_ID)
            assert await socket.closed() == 4401
    await is_served(den.bob)


async def test_r3_a_non_member_does_not_send(den: Den) -> None:
    message = {"ref": "r", "body": "let me in"}
    assert refusal(await den.bob.http.post(f"/rooms/{den.id}/messages", json=message)) == (404, "not_found")
    async with den.bob.socket() as socket:
        answer = await socket.call(type="send", room_id=den.id, body="let me in")
        assert (answer["type"], answer["code"]) == ("error", "not_found")
        assert (await socket.call(type="send", room_id=LOBBY_ID, body="hello"))["type"] == "ack"
    page = (await den.owner.http.get(f"/rooms/{den.id}/messages")).json()
    assert [one["body"] for one in page["items"]] == ["hidden words"]


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_r4_a_non_member_hears_nothing_whatever_they_ask_for(den: Den) -> None:
    async with den.bob.socket() as socket:
        for command in COMMANDS:
            hidden = await socket.call(**command, room_id=den.id)
            unknown = await socket.call(**command, room_id="A" * len(den.id))
            assert hidden["code"] == "not_found"
            assert hidden | {"ref": ""} == unknown | {"ref": ""}
        assert (await socket.call(type="subscribe", room_id=LOBBY_ID))["type"] == "ack"
        await say(den.owner, den.id, "not for him")
        await say(den.owner, LOBBY_ID, "for all")
        while (event := await socket.receive()).get("body") != "for all":
            assert event.get("room_id") in {LOBBY_ID, None}


async def test_r9_a_reader_does_not_send(den: Den) -> None:
    message = {"ref": "r", "body": "may I"}
    answer = await den.reader.http.post(f"/rooms/{den.id}/messages", json=message)
    assert refusal(answer) == (403, "forbidden")
    async with den.reader.socket() as socket:
        refused = await socket.call(type="send", room_id=den.id, body="may I")
        assert (refused["type"], refused["code"]) == ("error", "forbidden")
        assert (await socket.call(type="subscribe", room_id=den.id))["type"] == "ack"
        await say(den.member, den.id, "hello")
        assert (await socket.until(type="message"))["body"] == "hello"


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_r10_nobody_makes_themselves_more_and_the_last_owner_stays(den: Den) -> None:
    for person in (den.member, den.reader):
        for role in ("owner", "moderator", "member"):
            assert refusal(await den.give(person, role, by=person)) == (403, "forbidden")
    assert refusal(await den.give(den.bob, "owner", by=den.bob)) == (404, "not_found")
    assert (await den.give(den.member, "moderator", by=den.owner)).status_code == 200
    assert refusal(await den.give(den.member, "owner", by=den.member)) == (403, "forbidden")
    assert refusal(await den.give(den.owner, "reader", by=den.member)) == (403, "forbidden")
    assert refusal(await den.owner.http.post(f"/rooms/{den.id}/leave")) == (403, "forbidden")
    assert refusal(await den.give(den.owner, "member", by=den.owner)) == (403, "forbidden")
    assert (await den.give(den.member, "owner", by=den.owner)).status_code == 200
    assert (await den.owner.http.post(f"/rooms/{den.id}/leave")).status_code == 204
    await is_served(den.owner)


async def test_r13_a_refusal_about_a_private_room_tells_nothing_of_it(den: Den) -> None:
    """Not to an ex-member either, who knows its id. `refusal` checks the texts."""
    member = f"/rooms/{den.id}/members/{den.member.id}"
    assert (await den.owner.http.delete(member)).status_code == 204
    for method, path, body in (
        *(("GET", path, None) for path in READS),
        ("POST", "/join", None),
        ("POST", "/leave", None),
        ("PUT", "/read", {"seq": 1}),
        ("POST", "/messages", {"ref": "r", "body": "hi", "reply_to": 5}),
        ("PUT", f"/members/{den.reader.id}", {"role": "reader"}),
        ("DELETE", f"/members/{den.reader.id}", None),
    ):
        answers = [
            await person.http.request(method, f"/rooms/{room_id}{path}", json=body)
            for person in (den.member, den.bob)
            for room_id in (den.id, "no-such-room")
        ]
        assert {refusal(answer) for answer in answers} == {(404, "not_found")}
        assert len({str(answer.json() | {"request_id": ""}) for answer in answers}) == 1
    scopes = [
        (await den.member.http.get("/rooms", params={"scope": scope})).text for scope in ("mine", "public")
    ]
    assert not [text for text in scopes if den.id in text]
    await is_served(den.member)


async def test_r18_nobody_lists_everybody_by_searching(den: Den) -> None:
    users = "/users"
    for query in ("", "a", "x" * 129):
        is_problem(await den.bob.http.get(users, params={"q": query}), 422, "invalid")
    is_problem(await den.bob.http.get(users), 422, "invalid")
    is_problem(await den.bob.http.get(users, params={"q": "ol", "limit": 21}), 422, "invalid")
    is_problem(await den.bob.http.get(users, params={"q": "ol", "cursor": "guessed"}), 422, "bad_cursor")
    asked = 1  # the search with a guessed cursor was counted
    for query in ("a*", "**", "%%", "__", "o_", "*"):
        answer = await den.bob.http.get(users, params={"q": query})
        asked += len(query) > 1
        assert answer.json().get("items", []) == []
    for _ in range(30 - asked):
        (found,) = (await den.bob.http.get(users, params={"q": "ol"})).json()["items"]
        shown = {"id", "username", "display_name", "status_text", "time_zone", "online", "is_bot", "avatar"}
        assert set(found) == shown  # and nothing that only the user knows
    is_problem(await den.bob.http.get(users, params={"q": "ol"}), 429, "rate_limited")
    assert (await den.owner.http.get(users, params={"q": "bo"})).json()["items"][0]["id"] == den.bob.id
    await is_served(den.bob)


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_r19_nothing_is_heard_of_people_one_shares_no_room_with(den: Den) -> None:
    """Members hear nothing either until they subscribe."""
    async with den.bob.socket() as his, den.owner.socket() as hers:
        assert (await hers.call(type="subscribe", room_id=den.id))["type"] == "ack"
        assert (await hers.call(type="read", room_id=den.id, seq=1))["type"] == "ack"
        await den.give(den.reader, "member", by=den.owner)
        await hers.until(type="member", user_id=den.reader.id)
        await his.send(type="ping", ref="end")
        assert (await his.receive())["type"] == "pong"
        assert (await his.receive())["ref"] == "end"
