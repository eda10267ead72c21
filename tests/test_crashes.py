"""A server dies at each failpoint. Every acked message is stored once, and a retry changes nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from api.failpoints import Failpoint
from api.models.rooms import LOBBY_ID
from tests.faults import machine
from tests.node import Event, Node, Person, Socket
from tests.process import START_SECONDS, serving

pytestmark = pytest.mark.anyio

ONLY_ON_A_CLUSTER = {Failpoint.BEFORE_FLUSH, Failpoint.AFTER_FLUSH}


@asynccontextmanager
async def crashing(settings: dict[str, str], tmp_path: Path, point: Failpoint) -> AsyncIterator[Node]:
    """Run a server that dies when it passes `point` while the file `crash` exists."""
    program = machine.at_failpoint("die", point, tmp_path / "crash")
    async with serving(settings | {"PYTHONPATH": str(machine.ROOT)}, tmp_path, program=program) as node:
        yield node


async def send_all(socket: Socket, refs: list[str]) -> dict[str, Event]:
    """Send a message for each ref without waiting; return the answers that came before the crash."""
    answers: dict[str, Event] = {}
    try:
        for ref in refs:
            await socket.send(type="send", room_id=LOBBY_ID, ref=ref, body=f"body of {ref}")
        while len(answers) < len(refs):
            event = await socket.receive()
            if event["type"] in {"ack", "error"} and event["ref"] in refs:
                answers[event["ref"]] = event
    except ConnectionClosed:
        pass
    return answers


async def whole_log(person: Person, node: Node) -> list[Event]:
    client = node.client(Authorization=f"Bearer {person.access_token}")
    found = await client.get(f"/rooms/{LOBBY_ID}/log", params={"limit": 500})
    assert found.status_code == 200, found.text
    entries: list[Event] = found.json()["items"]
    return entries


@pytest.mark.parametrize("point", Failpoint)
async def test_what_was_acked_is_there_once_after_a_crash(
    point: Failpoint, store_url: str, tmp_path: Path
) -> None:
    if point in ONLY_ON_A_CLUSTER and store_url.startswith("sqlite"):
        pytest.skip("SQLite has no such moment")
    settings = {"TAILWIRE_STORE": store_url, "TAILWIRE_PORT": "0"}
    refs = {name: [f"{name}{number}" for number in range(20)] for name in ("alice", "bob")}
    async with crashing(settings, tmp_path, point) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        async with alice.socket() as hers, bob.socket() as his:
            start = await hers.call(type="subscribe", room_id=LOBBY_ID)
            before = await send_all(hers, refs["alice"][:5])
            (tmp_path / "crash").touch()
            acked, acked_to_bob = await asyncio.gather(
                send_all(hers, refs["alice"][5:]), send_all(his, refs["bob"])
            )
        assert node.process is not None
        async with asyncio.timeout(START_SECONDS):
            assert await node.process.wait() == -signal.SIGKILL
    (tmp_path / "crash").unlink()

    async with (
        serving(settings, tmp_path) as node,
        alice.socket(node=node) as hers,
        bob.socket(node=node) as his,
    ):
        since = {"epoch": start["epoch"], "seq": start["seq"]}
        again, again_to_bob = await asyncio.gather(send_all(hers, refs["alice"]), send_all(his, refs["bob"]))
        log = await whole_log(alice, node)
        await hers.send(type="subscribe", room_id=LOBBY_ID, since=since)
        replayed = await hers.entries(len(log) - start["seq"])

    assert [entry["seq"] for entry in log] == list(range(1, len(log) + 1))
    messages = {entry["ref"]: entry for entry in log if entry["type"] == "message"}
    assert len(messages) == len([entry for entry in log if entry["type"] == "message"]) == 40
    for ref, ack in (before | acked | acked_to_bob).items():
        assert ack["type"] == "ack", ack
        assert messages[ref]["seq"] == ack["seq"], "what was acked has kept its place"
    for ref, ack in (again | again_to_bob).items():
        assert (messages[ref]["seq"], messages[ref]["body"]) == (ack["seq"], f"body of {ref}")
    assert replayed == log[start["seq"] :], "who was away gets exactly what they missed"


async def test_a_membership_that_a_crash_cut_off_is_whole_after_it(store_url: str, tmp_path: Path) -> None:
    settings = {"TAILWIRE_STORE": store_url, "TAILWIRE_PORT": "0"}
    async with crashing(settings, tmp_path, Failpoint.AFTER_APPEND) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        room = (await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"})).json()
        (tmp_path / "crash").touch()
        with pytest.raises(httpx.TransportError):
            await bob.http.post(f"/rooms/{room['id']}/join")
    (tmp_path / "crash").unlink()
    async with serving(settings, tmp_path) as node:
        client = node.client(Authorization=f"Bearer {bob.access_token}")
        assert (await client.post(f"/rooms/{room['id']}/join")).status_code == 200
        log = (await client.get(f"/rooms/{room['id']}/log")).json()["items"]
        told = [(entry["username"], entry["role"]) for entry in log if entry["type"] == "member"]
        assert told == [("alice", "owner"), ("bob", "member")]
        members = (await client.get(f"/rooms/{room['id']}/members")).json()["items"]
        assert [one["username"] for one in members] == ["alice", "bob"]
