"""/healthz, /readyz, /metrics and /docs."""

import re
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.config import Settings
from api.http import probes
from api.models.rooms import LOBBY_ID
from tests.node import PASSWORD, Node, running

pytestmark = pytest.mark.anyio


async def test_a_running_node_is_alive_and_ready(sqlite_node: Node) -> None:
    client = sqlite_node.client()
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz", headers={"x-request-id": "mine-1"})
    assert (ready.status_code, ready.json()["feed"]["live"]) == (200, True)
    assert ready.headers["x-request-id"] == "mine-1"


async def test_a_node_whose_database_another_process_keeps_locked_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "CHECK_TIMEOUT_SECONDS", 0.2)
    path = tmp_path / "tailwire.db"
    async with running(Settings(store=f"sqlite:///{path}")) as node:
        client = node.client()
        with closing(apsw.Connection(str(path))) as other:
            other.execute("BEGIN IMMEDIATE")
            locked = await client.get("/readyz")
            assert (locked.status_code, locked.json()["store"]) == (503, False)
            other.execute("ROLLBACK")
        await node.wait_ready()
        before = path.with_name(path.name + "-wal").read_bytes()
        assert (await client.get("/readyz")).status_code == 200
        assert path.with_name(path.name + "-wal").read_bytes() == before  # asking writes nothing


async def test_the_contract_names_its_security_scheme_and_the_docs_are_local(sqlite_node: Node) -> None:
    client = sqlite_node.client()
    contract = (await client.get("/openapi.json")).json()
    assert "OAuth2PasswordBearer" in contract["components"]["securitySchemes"]
    page = (await client.get("/docs")).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert assets
    assert not [asset for asset in assets if asset.startswith(("http:", "https:", "//"))]
    for asset in assets:
        assert (await client.get("/" + asset.lstrip("/"))).status_code == 200


async def test_the_metrics_count_what_happens(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        await socket.send(type="subscribe", room_id=LOBBY_ID)
        await socket.until(type="live")
        await socket.send(type="send", room_id=LOBBY_ID, ref="1", body="secret words")
        await socket.until(type="message")
        answer = await sqlite_node.client().get("/metrics")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain")
    for line in ("connections 1.0", "subscriptions 1.0", "feed_live 1.0", "feed_reopens_total 0.0"):
        assert f"tailwire_{line}" in lines
    assert float(next(line for line in lines if line.startswith("tailwire_deliveries_total")).split()[1]) >= 1
    assert 'tailwire_store_reads_total{kind="heads"} 1.0' in lines
    for line in (
        'entries_total{kind="message"} 1.0',
        "sockets 1.0",
        'http_requests_total{method="POST",route="/auth/signup",status="201"} 1.0',
        'http_request_seconds_count{route="/auth/signup"} 1.0',
        'store_seconds_count{operation="log.append"} 1.0',
        'task_up{task="feed"} 1.0',
        "memory_short 0.0",
        "answer_bytes 0.0",
        "clock_skew_seconds 0.0",
    ):
        assert f"tailwire_{line}" in lines
    assert next(float(line.split()[1]) for line in lines if line.startswith("tailwire_database_bytes")) > 1e5
    assert "secret words" not in answer.text
    assert "alice" not in answer.text


async def test_the_metrics_count_refusals_and_ends_by_their_codes(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    client = sqlite_node.client()
    await client.post("/auth/signup", json={"username": "alice", "password": PASSWORD})
    for name in ("made-up", "by-a-client"):
        await client.get(f"/rooms/{name}")
        await client.get(f"/{name}")
    await client.request("BREW", "/users/me")
    await client.head("/healthz")
    async with alice.socket() as socket:
        await socket.call(type="send", room_id="nowhere", body="Hello!")
        await socket.call(type="send", room_id=LOBBY_ID, ref="1", body="x")
        await socket.call(type="send", room_id=LOBBY_ID, ref="1", body="x")  # a retry is no second message
        await socket.call(type="dance")
        await alice.http.post("/auth/logout")
        assert await socket.closed() == 4501
    async with alice.node.client() as closing:
        await closing.get("/healthz")
    with pytest.raises(InvalidStatus):
        await connect(sqlite_node.ws_url, additional_headers={"Authorization": "Bearer no"})
    lines = (await client.get("/metrics")).text.splitlines()
    for line in (
        'entries_total{kind="message"} 1.0',
        'refusals_total{code="username_taken",over="http"} 1.0',
        'refusals_total{code="not_found",over="socket"} 1.0',
        'refusals_total{code="unknown_type",over="socket"} 1.0',
        'refusals_total{code="unauthorized",over="handshake"} 1.0',
        'socket_closes_total{code="4501"} 1.0',
        'http_requests_total{method="GET",route="/rooms/{room_id}",status="401"} 2.0',
        'http_requests_total{method="GET",route="none",status="404"} 2.0',
        'http_requests_total{method="HEAD",route="/healthz",status="200"} 1.0',
    ):
        assert f"tailwire_{line}" in lines
    assert "made-up" not in "".join(lines)


async def test_the_metrics_want_their_token_when_there_is_one(tmp_path: Path) -> None:
    settings = Settings(
        store=f"sqlite:///{tmp_path / 'tailwire.db'}", metrics_token=SecretStr("a token for metrics")
    )
    async with running(settings) as node:
        refused = await node.client().get("/metrics")
        wrong = await node.client(Authorization="Bearer y").get("/metrics")
        right = await node.client(Authorization="Bearer a token for metrics").get("/metrics")
    assert (refused.status_code, wrong.status_code, right.status_code) == (404, 404, 200)
