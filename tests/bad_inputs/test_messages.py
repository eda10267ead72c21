"""Rows M: the fields of a message, by socket and over HTTP. Each test ends with a message that is stored."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.models.rooms import LOBBY_ID
from tests.bad_inputs.answers import is_error, is_problem
from tests.node import Node, Person, Socket

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

MESSAGES = f"/rooms/{LOBBY_ID}/messages"
GOOD = {"ref": "good", "body": "hi"}


@pytest.fixture
async def alice(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("alice")


@pytest.fixture
async def socket(alice: Person) -> AsyncIterator[Socket]:
    """A socket; after the test a message is stored by it, and must be the first of the room."""
    async with alice.socket() as opened:
        yield opened
        ack = await opened.call(type="send", room_id=LOBBY_ID, **GOOD)
        assert ack["type"] == "ack"
        items = (await alice.http.get(MESSAGES)).json()["items"]
        assert [one["seq"] for one in items] == [ack["seq"]]


async def refuse(person: Person, socket: Socket, code: str, **message: Any) -> None:
    """Require that a message is refused by socket and over HTTP."""
    await socket.send(type="send", room_id=LOBBY_ID, **message)
    is_error(await socket.receive(), code)
    is_problem(await person.http.post(MESSAGES, json=message), 422, code)


async def test_m1_a_body_that_shows_nothing_is_empty(alice: Person, socket: Socket) -> None:
    for body in ("", " ", "\n\t\r", "\u00a0\u3000", "\u200b\u200d\ufeff", "\u202e\u2066", "\u2800", "\u3164"):
        await refuse(alice, socket, "empty", ref="r", body=body)


async def test_m1_a_body_is_counted_in_code_points(alice: Person) -> None:
    async with alice.socket() as socket:
        for length, kind in ((4_000, "ack"), (4_001, "error")):
            command = {"type": "send", "room_id": LOBBY_ID, "ref": str(length), "body": "💥" * length}
            await socket.raw.send(json.dumps(command, ensure_ascii=False))
            assert (await socket.until(ref=str(length)))["type"] == kind
        assert (await socket.call(type="send", room_id=LOBBY_ID, **GOOD))["type"] == "ack"


async def test_m3_a_ref_that_is_none_is_refused(alice: Person, socket: Socket) -> None:
    await refuse(alice, socket, "bad_ref", body="hi")
    for ref in ("", "r" * 65, "a\nb", "a\0", 7, None, ["r"]):
        await refuse(alice, socket, "bad_ref", ref=ref, body="hi")


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_m3_a_ref_with_another_body_is_a_conflict_and_the_first_is_kept(node: Node) -> None:
    bob = await node.sign_up("bob")
    async with bob.socket() as socket:
        first = await socket.call(type="send", room_id=LOBBY_ID, ref="r", body="one")
        assert first["type"] == "ack"
        again = await socket.call(type="send", room_id=LOBBY_ID, ref="r", body="one")
        other = await socket.call(type="send", room_id=LOBBY_ID, ref="r", body="two")
        is_error(other, "ref_conflict")
        is_problem(await bob.http.post(MESSAGES, json={"ref": "r", "body": "two"}), 409, "ref_conflict")
        assert again == first
        assert [one["body"] for one in (await bob.http.get(MESSAGES)).json()["items"]] == ["one"]
        assert (await socket.call(type="send", room_id=LOBBY_ID, **GOOD))["type"] == "ack"


async def test_m4_what_is_no_room_is_refused(node: Node) -> None:
    bob = await node.sign_up("bob")
    async with bob.socket() as socket:
        for room_id in ("no-such-room", "_", bob.id, "x" * 64):
            for command in ({"type": "send", **GOOD}, {"type": "subscribe"}, {"type": "read", "seq": 1}):
                is_error(await socket.call(**{"ref": "x"} | command, room_id=room_id), "not_found")
            is_problem(await bob.http.post(f"/rooms/{room_id}/messages", json=GOOD), 404, "not_found")
        for bad in (7, None, "", "x" * 10_000, "*", "%", "../x", "a/b", "lobby\n", "löbby", ["lobby"]):
            await socket.send(type="send", room_id=bad, **GOOD)
            is_error(await socket.receive(), "invalid")
        for path in ("x" * 10_000, "*", "%25", "..%2Fx", "lobby%00", "lobby%0A", "l%C3%B6bby"):
            is_problem(await bob.http.post(f"/rooms/{path}/messages", json=GOOD), 404, "not_found")
        assert (await socket.call(type="send", room_id=LOBBY_ID, **GOOD))["type"] == "ack"
