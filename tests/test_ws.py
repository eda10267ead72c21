"""The socket's front door: handshakes, frames and envelopes; rows H, F and J of the bad inputs."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.models import LOBBY_ID
from api.protocol import MAX_FRAME_BYTES
from api.routers import ws
from tests.server import Node, Socket

pytestmark = pytest.mark.anyio

SEND = {"type": "send", "room_id": LOBBY_ID, "ref": "r", "body": "hi"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param("", "bad_json", id="F6-empty"),
        pytest.param("{} {}", "bad_json", id="J1-two"),
        pytest.param('{"type":"ping",}', "bad_json", id="J1-trailing-comma"),
        pytest.param("{'type':'ping'}", "bad_json", id="J1-single-quotes"),
        pytest.param('\ufeff{"type":"ping"}', "bad_json", id="J1-bom"),
        pytest.param("[]", "bad_envelope", id="J2-array"),
        pytest.param("null", "bad_envelope", id="J2-null"),
        pytest.param("{}", "unknown_type", id="J3-missing"),
        pytest.param('{"type":7}', "unknown_type", id="J3-int"),
        pytest.param('{"type":"__proto__"}', "unknown_type", id="J3-proto"),
        pytest.param(json.dumps(SEND | {"user_id": "x"}), "extra_forbidden", id="J4-user_id"),
        pytest.param(json.dumps(SEND | {"seq": 1}), "extra_forbidden", id="J4-seq"),
        pytest.param('{"type":"ping","x":NaN}', "bad_json", id="J5-nan"),
        pytest.param('{"type":"ping","x":1e400}', "bad_number", id="J5-1e400"),
        pytest.param('{"type":"ping","x":9007199254740993}', "bad_number", id="J5-2^53+1"),
        pytest.param(
            json.dumps(SEND | {"body": {"$reql_type$": "TIME", "epoch_time": 1}}), "invalid", id="J6-reql"
        ),
        pytest.param(json.dumps(SEND | {"body": ["hi"]}), "invalid", id="J8-list"),
        pytest.param(json.dumps(SEND | {"body": None}), "invalid", id="J8-null"),
        pytest.param(json.dumps(SEND | {"body": " \u200b\n"}), "empty", id="M1-invisible"),
        pytest.param(json.dumps(SEND | {"body": "💥" * 4_001}, ensure_ascii=False), "invalid", id="M-4001"),
        pytest.param(json.dumps(SEND | {"ref": "r" * 65}), "bad_ref", id="M3-65"),
        pytest.param(json.dumps({k: v for k, v in SEND.items() if k != "ref"}), "bad_ref", id="M3-missing"),
        pytest.param(json.dumps(SEND | {"room_id": "no-such-room"}), "not_found", id="M4-unknown"),
        pytest.param(json.dumps(SEND | {"room_id": "../x"}), "invalid", id="M4-path"),
    ],
)
async def test_a_bad_frame_gets_one_error_and_the_socket_goes_on(
    sqlite_node: Node, frame: str, code: str
) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        await socket.raw.send(frame)
        error = await socket.receive()
        assert (error["type"], error["code"]) == ("error", code)
        assert (await socket.call(**SEND))["type"] == "ack"


async def test_the_longest_body_is_counted_in_code_points(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        await socket.raw.send(json.dumps(SEND | {"body": "💥" * 4_000}, ensure_ascii=False))
        assert (await socket.receive())["type"] == "ack"


async def test_twenty_bad_frames_end_the_socket(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        for _ in range(ws.BAD_FRAMES):
            await socket.raw.send("x")
            assert (await socket.receive())["code"] == "bad_json"
        assert await socket.closed() == 4429


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(b"{}", 1003, id="F5-binary"),
        pytest.param("x" * (MAX_FRAME_BYTES + 1), 1009, id="F7-too-big"),
    ],
)
async def test_a_frame_that_is_no_text_of_ours_closes(
    sqlite_node: Node, frame: str | bytes, code: int
) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        await socket.raw.send(frame)
        assert await socket.closed() == code


@pytest.mark.parametrize(
    ("first", "code"),
    [
        pytest.param('{"type":"ping"}', 4401, id="H9-not-authenticate"),
        pytest.param('{"type":"authenticate"}', 4401, id="T1-no-token"),
        pytest.param('{"type":"authenticate","token":"a.b.c"}', 4401, id="T-garbage"),
        pytest.param('{"type":"authenticate","token":"x","v":99}', 4503, id="H13-version"),
        pytest.param("x" * 5_000, 1009, id="T10-big-first-frame"),
    ],
)
async def test_a_first_message_that_proves_nothing_closes(sqlite_node: Node, first: str, code: int) -> None:
    async with connect(sqlite_node.ws_url) as raw:
        await raw.send(first)
        assert await Socket(raw).closed() == code


async def test_silence_instead_of_a_first_message_closes(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws, "FIRST_MESSAGE_SECONDS", 0.05)
    async with connect(sqlite_node.ws_url) as raw:
        assert await Socket(raw).closed() == 4408


async def test_the_handshake_refuses_a_foreign_origin_and_a_token_in_the_query(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    token = {"Authorization": f"Bearer {alice.access_token}"}
    for origin, path, status in (
        ("https://evil.test", "", 403),
        ("null", "", 403),
        ("http://[", "", 403),
        ("http://[::1", "", 403),
        (sqlite_node.url, f"?token={alice.access_token}", 401),
        (sqlite_node.url, f"?access_token={alice.access_token}", 401),
    ):
        headers = token | {"Origin": origin}
        with pytest.raises(InvalidStatus) as refused:
            await connect(sqlite_node.ws_url + path, additional_headers=headers)
        assert refused.value.response.status_code == status
    async with connect(sqlite_node.ws_url, additional_headers=token | {"Origin": sqlite_node.url}) as raw:
        assert (await Socket(raw).receive())["type"] == "ready"


async def test_a_plain_request_is_told_to_upgrade(sqlite_node: Node) -> None:
    answer = await sqlite_node.client().get("/ws/messages")
    assert (answer.status_code, answer.headers["sec-websocket-version"]) == (426, "13")


async def test_a_token_renews_its_own_socket_and_no_other(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    async with alice.socket() as socket:
        await socket.send(type="authenticate", token=alice.access_token)
        assert (await socket.receive())["type"] == "ready"
        await socket.send(type="authenticate", token=bob.access_token)
        assert await socket.closed() == 4401


async def test_logging_out_ends_the_old_token_for_new_sockets(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    assert (await alice.http.post("/auth/logout")).status_code == 204
    assert (await alice.http.get("/users/me")).status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            sqlite_node.ws_url, additional_headers={"Authorization": f"Bearer {alice.access_token}"}
        )
    assert refused.value.response.status_code == 401
