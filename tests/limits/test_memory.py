"""A node with more memory than `TAILWIRE_MEMORY_MIB` allows."""

import os
import platform
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.config import Settings, SettingsError, read_settings
from api.errors import Unavailable
from api.limits import memory
from api.limits.answers import Answers
from api.limits.wiring import MEBIBYTE
from api.models.rooms import LOBBY_ID
from api.realtime import heartbeats
from tests.node import PASSWORD, Socket, eventually, running

pytestmark = pytest.mark.anyio


async def test_a_node_that_is_short_of_memory_keeps_what_it_has_and_takes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statm = tmp_path / "statm"
    statm.write_text("1 1 1 1 0 1 0")
    monkeypatch.setattr(memory, "STATM", statm)
    monkeypatch.setattr(heartbeats, "TICK_SECONDS", 0.01)
    send = {"type": "send", "room_id": LOBBY_ID, "body": "hello"}
    async with running(Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", memory_mib=64)) as node:
        alice = await node.sign_up("alice")

        async def memory_is(enough: bool) -> bool:
            answer = await node.client().get("/readyz")
            said: bool = answer.json()["memory"]
            assert answer.status_code == (200 if said else 503)
            return said is enough

        async with alice.socket() as socket, connect(node.ws_url) as unproven:
            statm.write_text("1 1000000 1 1 0 1 0")
            await eventually(lambda: memory_is(False))
            refused = await socket.call(**send, ref="1")
            assert (refused["code"], refused["retry_after_seconds"]) == ("unavailable", 5)
            await Socket(unproven).send(type="authenticate", token=alice.access_token)
            assert await Socket(unproven).closed() == 1013
            with pytest.raises(InvalidStatus) as handshake:
                await connect(node.ws_url).__aenter__()
            assert handshake.value.response.status_code == 503
            log_in = {"username": "alice", "password": PASSWORD}
            answer = await node.client().post("/auth/login", json=log_in)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            read = await alice.http.get(f"/rooms/{LOBBY_ID}/messages")
            assert (read.status_code, read.headers["retry-after"]) == (503, "5")
            assert "memory" in read.json()["detail"]
            assert "store" not in read.text
            since = {"epoch": "any", "seq": 1}
            replay = await socket.call(type="subscribe", room_id=LOBBY_ID, since=since)
            assert (replay["code"], replay["retry_after_seconds"]) == ("unavailable", 5)
            statm.write_text("1 1 1 1 0 1 0")
            await eventually(lambda: memory_is(True))
            assert (await socket.call(**send, ref="1"))["type"] == "ack"
            assert (await alice.http.get(f"/rooms/{LOBBY_ID}/messages")).status_code == 200
        assert (await node.client().post("/auth/login", json=log_in)).status_code == 200


async def test_who_has_answers_under_way_is_refused_a_little_before_all_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statm = tmp_path / "statm"
    monkeypatch.setattr(memory, "STATM", statm)
    measured = memory.Memory(100 * MEBIBYTE)
    answers = Answers(measured)
    pages = MEBIBYTE // os.sysconf("SC_PAGE_SIZE")
    async with answers.under_way("eve"):
        statm.write_text(f"1 {95 * pages} 1 1 0 1 0")
        measured.measure()
        answers.require_memory("bob")
        with pytest.raises(Unavailable):
            answers.require_memory("eve")
        statm.write_text(f"1 {105 * pages} 1 1 0 1 0")
        measured.measure()
        with pytest.raises(Unavailable):
            answers.require_memory("bob")
        statm.write_text(f"1 {50 * pages} 1 1 0 1 0")
        measured.measure()
        answers.require_memory("eve")


async def test_a_node_without_a_limit_does_not_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STATM", tmp_path / "none")
    memory.Memory(None).measure()
    with pytest.raises(OSError, match="none"):
        memory.Memory(1).measure()


def test_no_limit_of_nothing_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILWIRE_MEMORY_MIB", "0")
    with pytest.raises(SettingsError, match="TAILWIRE_MEMORY_MIB"):
        read_settings()


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc is asked to return what is free in its heap"
)
def test_what_was_freed_between_objects_in_use_does_not_keep_a_node_short_of_memory() -> None:
    answers = [b"x" * 100_000 for _ in range(400)]
    resident = int(memory.STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    measured = memory.Memory(resident - 10 * MEBIBYTE)
    measured.measure()
    assert measured.is_short
    del answers[::2]
    for _ in range(memory.COLLECT_EVERY):
        measured.measure()
    assert not measured.is_short
