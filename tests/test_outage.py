"""What clients see while RethinkDB is away, and how soon all is well when it is back."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID
from api.store.rethinkdb import Address, r
from tests.node import Node, eventually, running
from tests.process import READY, START_SECONDS, result, started
from tests.rethinkdb_server import RethinkDBServer, as_admin

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

BACK_SECONDS = 5.0
"""The promise: everything works again this soon after the database is back."""


@pytest.fixture
def own_server(rethinkdb_server: RethinkDBServer | None) -> RethinkDBServer:
    if rethinkdb_server is None or rethinkdb_server.process is None:
        pytest.skip("no `rethinkdb` binary on PATH to kill and to pause")
    return rethinkdb_server


async def status(node: Node, path: str) -> int:
    return (await node.client().get(path)).status_code


async def test_both_nodes_serve_again_after_the_database_was_killed_and_no_socket_is_closed(
    own_server: RethinkDBServer,
) -> None:
    settings = Settings(store=await asyncio.to_thread(own_server.empty_store))
    async with running(settings) as one, running(settings) as other:
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        async with alice.socket() as a, bob.socket() as b:
            for socket in (a, b):
                await socket.send(type="subscribe", room_id=LOBBY_ID)
                await socket.until(type="live")
            before = await a.call(type="send", room_id=LOBBY_ID, ref="before", body="before")
            own_server.kill()
            try:
                refused = await a.call(type="send", room_id=LOBBY_ID, ref="during", body="during")
                assert (refused["type"], refused["code"]) == ("error", "unavailable")
                assert await status(one, "/readyz") == 503
                assert await status(one, "/healthz") == 200
            finally:
                await asyncio.to_thread(own_server.start)
            back = time.monotonic()
            await one.wait_ready()
            await other.wait_ready()
            # A client sends again under the same ref after `unavailable`.
            while (answer := await a.call(type="send", room_id=LOBBY_ID, ref="during", body="during"))[
                "type"
            ] == "error":
                assert answer["code"] == "unavailable"
                assert time.monotonic() - back < BACK_SECONDS
            assert time.monotonic() - back < BACK_SECONDS
            assert answer["seq"] == before["seq"] + 1
            bodies = [event["body"] for event in await b.entries(2)]
            assert bodies == ["before", "during"]


async def test_a_database_that_falls_silent_is_noticed_and_what_it_missed_comes_after(
    own_server: RethinkDBServer,
) -> None:
    settings = Settings(store=await asyncio.to_thread(own_server.empty_store))
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        async with alice.socket() as socket:
            await socket.send(type="subscribe", room_id=LOBBY_ID)
            await socket.until(type="live")
            own_server.pause()
            try:
                paused = time.monotonic()

                async def is_noticed() -> bool:
                    return await status(node, "/readyz") == 503

                await eventually(is_noticed, seconds=12)
                assert time.monotonic() - paused <= 12
                refused = await socket.call(type="send", room_id=LOBBY_ID, ref="r", body="later")
                assert refused["code"] == "unavailable"
            finally:
                own_server.resume()
            await node.wait_ready()
            back = time.monotonic()
            while (await socket.call(type="send", room_id=LOBBY_ID, ref="r", body="later"))[
                "type"
            ] == "error":
                assert time.monotonic() - back < BACK_SECONDS


async def test_one_rooms_bad_row_does_not_keep_the_others_from_catching_up(
    own_server: RethinkDBServer,
) -> None:
    settings = Settings(store=await asyncio.to_thread(own_server.empty_store))
    async with running(settings) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        room = (await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"})).json()
        async with alice.socket() as a, bob.socket() as b:
            await a.send(type="subscribe", room_id=room["id"])
            await b.send(type="subscribe", room_id=LOBBY_ID)
            for socket in (a, b):
                await socket.until(type="live")
            await a.call(type="send", room_id=LOBBY_ID, ref="before", body="before")
            bad = {"seq": room["seq"] + 1, "tail": [{"seq": room["seq"] + 1, "kind": "message"}]}
            await as_admin(own_server, r.table("heads").get(room["id"]).update(bad))
            own_server.kill()
            await asyncio.to_thread(own_server.start)
            await node.wait_ready()
            while (await a.call(type="send", room_id=LOBBY_ID, ref="after", body="after"))["type"] == "error":
                pass
            assert [event["body"] for event in await b.entries(2)] == ["before", "after"]


async def test_who_listens_on_any_node_is_told_to_reset_when_a_copy_is_put_in_place_under_them(
    own_server: RethinkDBServer,
) -> None:
    settings = Settings(store=await asyncio.to_thread(own_server.empty_store))
    async with running(settings) as one, running(settings) as other:
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        head = await as_admin(own_server, r.table("heads").get(LOBBY_ID))
        positions = []
        async with alice.socket() as a, bob.socket() as b:
            for socket in (a, b):
                await socket.send(type="subscribe", room_id=LOBBY_ID)
                positions.append(await socket.until(type="live"))
            sent = await a.call(type="send", room_id=LOBBY_ID, ref="lost", body="lost")
            await b.until(type="message")
            await as_admin(own_server, r.table("heads").insert(head, conflict="replace"))
            assert [await socket.closed() for socket in (a, b)] == [1012, 1012]
        await one.wait_ready()
        await other.wait_ready()
        resets = []
        for person in (alice, bob):
            async with person.socket() as socket:
                since = {"epoch": positions[0]["epoch"], "seq": sent["seq"]}
                await socket.send(type="subscribe", room_id=LOBBY_ID, since=since)
                resets.append(await socket.until(type="reset"))
        assert {reset["seq"] for reset in resets} == {sent["seq"] - 1}
        assert len({reset["epoch"] for reset in resets} | {positions[0]["epoch"]}) == 2


async def test_a_server_that_starts_before_its_database_waits_for_it(
    own_server: RethinkDBServer, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(own_server.empty_store)
    log = tmp_path / "log"
    own_server.kill()
    try:
        with log.open("wb") as file:
            settings = {"TAILWIRE_STORE": url, "TAILWIRE_PORT": "0"}
            async with started(settings, tmp_path, "serve", log=file) as process:
                await eventually(lambda: _has(log, "waiting_for_the_store"), START_SECONDS)
                await asyncio.to_thread(own_server.start)
                assert process.stdout is not None
                async with asyncio.timeout(START_SECONDS):
                    line = (await process.stdout.readline()).decode()
                    assert READY.fullmatch(line), log.read_text()
    finally:
        if own_server.process is None or own_server.process.poll() is not None:
            await asyncio.to_thread(own_server.start)
    assert log.read_text().count("waiting_for_the_store") == 1


async def _has(log: Path, text: str) -> bool:
    return text in await asyncio.to_thread(log.read_text)


async def test_a_server_whose_database_was_never_prepared_names_the_command_that_does(
    own_server: RethinkDBServer, tmp_path: Path
) -> None:
    there = Address.parse(own_server.store_url)
    place = f"{there.host}:{there.port}"
    admin = Address.parse(own_server.admin_url, needs_database=False)
    for url in (
        f"rethinkdb://nobody:hunter2@{place}/{there.database}",
        f"rethinkdb://admin:{admin.password}@{place}/never_prepared",
    ):
        began = time.monotonic()
        code, out, err = await result({"TAILWIRE_STORE": url, "TAILWIRE_PORT": "0"}, tmp_path, "serve")
        assert (code, out) == (1, "")
        assert re.fullmatch(r"tailwire: .*`tailwire init`.*\n", err), err
        assert "hunter2" not in err
        assert time.monotonic() - began < 20  # it does not wait for what does not change by itself
