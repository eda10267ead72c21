"""A node with more memory than `TAILWIRE_MEMORY_MIB` allows."""

from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.config import Settings, SettingsError, read_settings
from api.limits import memory
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
            assert (await alice.http.get(f"/rooms/{LOBBY_ID}/messages")).status_code == 200
            statm.write_text("1 1 1 1 0 1 0")
            await eventually(lambda: memory_is(True))
            assert (await socket.call(**send, ref="1"))["type"] == "ack"
        assert (await node.client().post("/auth/login", json=log_in)).status_code == 200


async def test_a_node_without_a_limit_does_not_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STATM", tmp_path / "none")
    memory.Memory(None).measure()
    with pytest.raises(OSError, match="none"):
        memory.Memory(1).measure()


def test_no_limit_of_nothing_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILWIRE_MEMORY_MIB", "0")
    with pytest.raises(SettingsError, match="TAILWIRE_MEMORY_MIB"):
        read_settings()
