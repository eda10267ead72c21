"""Rows J: the JSON in a frame. Each bad frame gets one error, and the socket goes on."""

import json
from typing import Any

import pytest

from api.models.rooms import LOBBY_ID
from api.realtime import handler
from tests.bad_inputs.answers import JSON, answers, is_error, is_problem
from tests.node import Node, Person

pytestmark = pytest.mark.anyio

SEND = {"type": "send", "room_id": LOBBY_ID, "ref": "r", "body": "hi"}
MESSAGES = f"/rooms/{LOBBY_ID}/messages"


@pytest.fixture
async def alice(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("alice")


async def refuse(person: Person, code: str, *frames: str | dict[str, Any]) -> None:
    """Require that each of these frames gets this one error, and that the socket is served after it."""
    for first in range(0, len(frames), handler.BAD_FRAMES - 1):
        async with person.socket() as socket:
            for frame in frames[first : first + handler.BAD_FRAMES - 1]:
                await socket.raw.send(frame if isinstance(frame, str) else json.dumps(frame))
                is_error(await socket.receive(), code)
                await answers(socket)


async def test_j1_what_is_no_json_is_refused(alice: Person) -> None:
    await refuse(
        alice,
        "bad_json",
        *("x", " ", "{} {}", '{"type":"ping",}', "{'type':'ping'}", '\ufeff{"type":"ping"}'),
        *(
            '{"type":"ping"/* */}',
            '{"type":"ping"}//',
            "{type:1}",
            '{"type":"p\ning"}',
            '{"type":"\\x"}',
            "\0",
        ),
    )


async def test_j1_twenty_bad_frames_end_the_socket(alice: Person) -> None:
    async with alice.socket() as socket:
        for _ in range(handler.BAD_FRAMES):
            await socket.raw.send("x")
            is_error(await socket.receive(), "bad_json")
        assert await socket.closed() == 4429
    async with alice.socket() as socket:
        await answers(socket)


async def test_j2_what_is_no_object_is_refused(alice: Person) -> None:
    await refuse(alice, "bad_envelope", "[]", '"x"', "7", "null", "true")


async def test_j3_a_command_that_does_not_exist_is_refused(alice: Person) -> None:
    names: list[Any] = [None, 7, "", "x" * 1_000, "sing", "__proto__", "constructor", "Ping", ["ping"], {}]
    await refuse(alice, "unknown_type", {}, *({"type": name} for name in names))


async def test_j4_a_field_that_does_not_belong_is_refused(alice: Person) -> None:
    forged = ("user_id", "author", "created_at", "at", "thread", "__proto__", "typ")
    await refuse(alice, "extra_forbidden", *(SEND | {name: 1} for name in (*forged, "seq")))
    nested = {"epoch": "e", "seq": 1, "more": 1}
    await refuse(alice, "extra_forbidden", {"type": "subscribe", "room_id": LOBBY_ID, "since": nested})


async def test_j5_a_number_that_readers_take_differently_is_refused(alice: Person) -> None:
    numbers = {
        **dict.fromkeys(("NaN", "Infinity", "-Infinity", "05", "+5", "5.", ".5"), "bad_json"),
        **dict.fromkeys(("1e400", "-0", "9007199254740993", str(2**64), "9" * 5_000), "bad_number"),
        **dict.fromkeys(("1.0", "1e2", '"1"', "true", "0", "-1"), "invalid"),
    }
    for number, code in numbers.items():
        await refuse(alice, code, f'{{"type":"read","room_id":"{LOBBY_ID}","seq":{number}}}')
        answer = await alice.http.put(
            f"/rooms/{LOBBY_ID}/read", content=f'{{"seq":{number}}}'.encode(), headers=JSON
        )
        is_problem(answer, 422 if code == "invalid" else 400, code)


async def test_j6_a_type_of_the_database_is_no_text(node: Node) -> None:
    time = {"$reql_type$": "TIME", "epoch_time": 1e15, "timezone": "+00:00"}
    bob = await node.sign_up("bob")
    async with bob.socket() as socket:
        await socket.call(type="subscribe", room_id=LOBBY_ID)
        await socket.until(type="live")
        await refuse(bob, "invalid", SEND | {"body": time}, SEND | {"room_id": time})
        await socket.send(**SEND | {"body": json.dumps(time)})  # as text it is harmless, and the feed goes on
        assert (await socket.until(type="message"))["body"] == json.dumps(time)


async def test_j7_a_key_that_no_field_can_have_is_refused(alice: Person) -> None:
    for key in ("$reql_type$", "$literal", "a.b", "", "\0", "a b", "x" * 1_000):
        bad: list[dict[str, Any]] = [
            SEND | {key: 1},
            SEND | {"body": {key: 1}},
            {"type": "subscribe", "room_id": LOBBY_ID, "since": {"epoch": "e", "seq": 1, key: 1}},
        ]
        await refuse(alice, "invalid", *bad)
        answer = await alice.http.post(MESSAGES, json={"ref": "r", "body": "hi", key: 1})
        is_problem(answer, 422, "invalid")
        assert "$" not in answer.text


async def test_j8_a_body_that_is_no_text_is_refused(alice: Person) -> None:
    for body in (["hi"], {"text": "hi"}, 7, 1.5, True, None):
        await refuse(alice, "invalid", SEND | {"body": body})
        is_problem(await alice.http.post(MESSAGES, json={"ref": "r", "body": body}), 422, "invalid")
    assert (await alice.http.post(MESSAGES, json={"ref": "r", "body": "hi"})).status_code == 201
