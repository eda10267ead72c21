"""Waiting for the next messages of a room, by the tool `wait` of /mcp, on two nodes too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID, Role
from api.store import backup_store, restore_store
from tests.accounts.programs import made_token, program
from tests.bad_inputs.answers import is_problem
from tests.node import Event, Node, Person, eventually, running
from tests.rooms.test_consumers import logged_in, on, polls
from tests.rooms.test_message_changes import two_nodes
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say
from tests.routers.calling import post, refused, use

pytestmark = pytest.mark.anyio

WAIT: Final = 8
"""Seconds that a poll waits in these tests: far longer than anything takes to be told, and shorter than a test may."""


@asynccontextmanager
async def waiting(
    person: Person, room_id: str = LOBBY_ID, **arguments: Any
) -> AsyncIterator[asyncio.Task[Event]]:
    """Begin to wait, and go on once it waits."""
    asked = {"room_id": room_id, "seconds": WAIT} | arguments
    before = await polls(person.node)
    task = asyncio.create_task(_wait(person, asked))
    try:
        await eventually(lambda: _is_waiting(person.node, before))
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _wait(person: Person, asked: Event) -> Event:
    """Wait, and return what came as the bodies of the answer, the code of the refusal, or the status of the request."""
    answer = await post(person, "tools/call", name="wait", arguments=asked)
    if answer.status_code != 200:
        return {"status": answer.status_code, "answer": answer}
    result = answer.json()["result"]
    return {"status": 200, "is_error": result["isError"], "text": result["content"][0]["text"]}


async def _is_waiting(node: Node, than: int) -> bool:
    return await polls(node) > than


async def test_what_is_there_already_is_told_at_once(node: Node) -> None:
    alice = await node.sign_up("alice")
    seqs = [await say(alice, LOBBY_ID, f"message {number}") for number in range(3)]
    told = await use(alice, "wait", room_id=LOBBY_ID, after=seqs[0], limit=1)
    assert ([one["seq"] for one in told["items"]], told["has_more"]) == ([seqs[1]], True)
    none = await use(alice, "wait", room_id=LOBBY_ID, after=seqs[2], seconds=0)
    assert none["items"] == []


async def test_a_message_on_another_node_ends_the_waiting(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        den = str((await make_room(bob, "Den", "private"))["id"])
        await give(bob, den, alice, Role.READER)
        await say(bob, den, "before")
        async with waiting(alice, den) as here, waiting(on(alice, other), den) as there:
            await say(bob, LOBBY_ID, "in another room")
            await say(bob, den, "hello")
            for task in (here, there):
                told = await task
                assert '"body":"hello"' in told["text"]
                assert '"body":"before"' not in told["text"]


async def test_what_is_no_message_does_not_end_the_waiting(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    seq = await say(alice, LOBBY_ID, "hello")
    async with waiting(alice, after=seq) as task:
        assert (await bob.http.put(f"/rooms/{LOBBY_ID}/messages/{seq}/reactions/👍")).is_success
        await node.sign_up("carol")  # who joins the lobby
        await say(bob, LOBBY_ID, "well")
        told = await task
        assert '"body":"well"' in told["text"]
        assert '"body":"hello"' not in told["text"]


async def test_the_waiting_ends_with_its_time_and_without_a_message(node: Node) -> None:
    alice = await node.sign_up("alice")
    seq = await say(alice, LOBBY_ID, "hello")
    loop = asyncio.get_running_loop()
    began = loop.time()
    told = await use(alice, "wait", room_id=LOBBY_ID, after=seq, seconds=1)
    assert told["items"] == []
    assert 0.9 < loop.time() - began < WAIT
    assert await polls(node) == 0


async def test_a_token_that_is_ended_ends_what_waits_with_it(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        token = await made_token(alice, ["read"])
        here = program(one, alice, token)
        async with waiting(here) as near, waiting(on(here, other)) as far, waiting(alice) as own:
            assert (await alice.http.delete(f"/auth/tokens/{token['token_id']}")).status_code == 204
            for task in (near, far):
                told = await task
                is_problem(told["answer"], 401, "unauthorized")
            assert not own.done()
        is_problem(await post(here, "tools/list"), 401, "unauthorized")


async def test_who_is_removed_while_they_wait_is_told_nothing_more(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        den = str((await make_room(alice, "Den", "private"))["id"])
        await give(alice, den, bob, Role.MEMBER)
        async with waiting(bob, den) as task:
            await give(alice, den, bob, None)
            await say(alice, den, "secret")
            told = await task
            assert told["is_error"] is True
            assert '"code":"not_found"' in told["text"]
            assert "secret" not in told["text"]


@pytest.mark.settings(polls_per_user=2)
async def test_those_that_wait_are_counted_with_the_polls_of_consumers(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    assert (await alice.http.put("/consumers/bot", json={"start": "now"})).is_success
    async with waiting(alice), waiting(alice) as ends, waiting(bob):
        problem = await refused(alice, "wait", room_id=LOBBY_ID)
        assert (problem["code"], problem["retry_after_seconds"]) == ("rate_limited", 1)
        is_problem(await alice.http.get("/consumers/bot/entries?wait=1"), 429, "rate_limited")
        assert await polls(node) == 3
        await say(bob, LOBBY_ID, "hello")
        assert '"body":"hello"' in (await ends)["text"]

    async def is_over() -> bool:
        return await polls(node) == 0

    await eventually(is_over)


async def test_a_server_that_ends_answers_those_that_wait(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", signup="open")
    loop = asyncio.get_running_loop()
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        clients, node.clients = node.clients, []  # they stay open while the server ends
        task = asyncio.create_task(_wait(alice, {"room_id": LOBBY_ID, "seconds": 30}))
        await eventually(lambda: _is_waiting(node, 0))
        began = loop.time()
    assert '"items":[]' in (await task)["text"]
    assert loop.time() - began < 3
    for client in clients:
        await client.aclose()


async def test_whoever_gives_the_epoch_is_told_of_a_restore(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path / 'tailwire.db'}", tmp_path / "copy.db"
    settings = Settings(store=url, signup="open")
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        backup_store(url, copy)
        seq = await say(alice, LOBBY_ID, "lost")
        epoch = (await use(alice, "read_room", room_id=LOBBY_ID))["epoch"]
    restore_store(url, copy, force=True)
    async with running(settings) as node:
        again = await logged_in(node, alice)
        problem = await refused(again, "wait", room_id=LOBBY_ID, after=seq, epoch=epoch)
        assert (problem["code"], problem["status"]) == ("reset", 409)
