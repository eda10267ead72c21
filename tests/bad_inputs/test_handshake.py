"""Rows H: which handshakes are allowed. Each test ends with a socket that is served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from api.config import Settings
from api.realtime import handler
from api.server import http as server_http
from api.server.run import configuration
from tests.bad_inputs.answers import answers, is_problem
from tests.node import SECONDS, Node, Person, Socket, http_client, running
from tests.peer import Peer, dial

pytestmark = pytest.mark.anyio

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
HANDSHAKE = REQUEST.replace(b"healthz", b"ws/messages") + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n"


@pytest.fixture
async def alice(sqlite_node: Node, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Person]:
    """A user whose socket is served before and after the test; no traceback may be logged."""
    person = await sqlite_node.sign_up("alice")
    async with person.socket() as before:
        yield person
        await answers(before)
    async with person.socket() as after:
        await answers(after)
    assert not [record for record in caplog.records if record.exc_info]


async def denied(node: Node, path: str = "", **headers: str) -> Response:
    """Return the answer to a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(node.ws_url + path, additional_headers=headers)
    return refused.value.response


async def answer_to(node: Node, sent: bytes) -> bytes:
    """Return all that the server says to some bytes, until it closes."""
    reader, writer = await dial(node)
    writer.write(sent)
    try:
        async with asyncio.timeout(SECONDS):
            return await reader.read()
    finally:
        writer.close()


async def close_code_after(node: Node, *frames: str) -> int | None:
    async with connect(node.ws_url) as raw:
        for frame in frames:
            await raw.send(frame)
        return await Socket(raw).closed()


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.access_token}"}


async def test_h1_a_foreign_origin_is_refused(sqlite_node: Node, alice: Person) -> None:
    for origin in ("https://evil.test", "null", "http://[", "http://[::1", sqlite_node.url + ".evil.test"):
        answer = await denied(sqlite_node, **bearer(alice), Origin=origin)
        assert answer.status_code == 403
    async with connect(
        sqlite_node.ws_url, additional_headers=bearer(alice) | {"Origin": sqlite_node.url}
    ) as raw:
        assert (await Socket(raw).receive())["type"] == "ready"


async def test_h2_no_origin_still_needs_a_token(sqlite_node: Node, alice: Person) -> None:
    for token in ("Bearer x", "Bearer", "Basic YTpi", ""):
        assert (await denied(sqlite_node, Authorization=token)).status_code == 401


async def test_h3_a_plain_request_is_told_to_upgrade(sqlite_node: Node, alice: Person) -> None:
    answer = await sqlite_node.client().get("/ws/messages")
    is_problem(answer, 426, "upgrade_required")
    assert answer.headers["sec-websocket-version"] == "13"


async def test_h4_another_version_of_websocket_is_told_ours(sqlite_node: Node, alice: Person) -> None:
    for version in (b"8", b"14", b"13, 8", b"x"):
        got = await answer_to(
            sqlite_node, HANDSHAKE + KEY + b"Sec-WebSocket-Version: " + version + b"\r\n\r\n"
        )
        assert got.startswith(b"HTTP/1.1 426 ")
        assert b"sec-websocket-version: 13" in got.lower()


async def test_h5_a_bad_key_is_refused_and_not_repeated(sqlite_node: Node, alice: Person) -> None:
    for key in (b"", b"Sec-WebSocket-Key: hunter2\r\n", KEY + KEY, KEY.replace(b"==", b"")):
        got = await answer_to(sqlite_node, HANDSHAKE + VERSION + key + b"\r\n")
        assert got.startswith(b"HTTP/1.1 400 ")
        assert b"hunter2" not in got


async def test_h6_an_upgrade_by_another_method_or_an_old_http_is_refused(
    sqlite_node: Node, alice: Person
) -> None:
    whole = HANDSHAKE + VERSION + KEY + b"\r\n"
    for sent in (whole.replace(b"GET", b"POST"), whole.replace(b"HTTP/1.1", b"HTTP/1.0")):
        assert (await answer_to(sqlite_node, sent)).split()[1] in {b"400", b"405"}


@pytest.mark.settings(keep_alive_seconds=1)
async def test_an_idle_connection_is_kept_as_long_as_the_setting_says(
    sqlite_node: Node, alice: Person
) -> None:
    loop = asyncio.get_running_loop()
    reader, writer = await dial(sqlite_node)
    began = loop.time()
    writer.write(REQUEST + b"\r\n")
    await reader.readuntil(b"}")
    async with asyncio.timeout(SECONDS):
        assert await reader.read() == b""
    assert 0.9 < loop.time() - began < 5
    writer.close()


async def test_an_idle_connection_is_kept_longer_than_proxies_keep_theirs() -> None:
    assert Settings().keep_alive_seconds == 75  # nginx, AWS and HAProxy: 60 s
    assert configuration(None, compression=False, keep_alive_seconds=75).timeout_keep_alive == 75


async def test_h7_a_request_that_does_not_go_on_ends_the_connection(
    sqlite_node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server_http.HEAD_SECONDS <= 10
    monkeypatch.setattr(server_http, "HEAD_SECONDS", 0.1)
    for sent in (b"", b"GET", REQUEST, HANDSHAKE):
        reader, writer = await dial(sqlite_node)
        writer.write(sent)
        assert await Peer(reader, writer).is_gone()
        writer.close()
    assert b" 431 " in await answer_to(sqlite_node, REQUEST + b"X-Much: " + b"x" * 100_000)


async def test_h8_silence_instead_of_a_first_message_closes(
    sqlite_node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert handler.FIRST_MESSAGE_SECONDS == 5
    monkeypatch.setattr(handler, "FIRST_MESSAGE_SECONDS", 0.05)
    assert await close_code_after(sqlite_node) == 4408


async def test_h9_a_first_message_that_proves_nothing_closes(sqlite_node: Node, alice: Person) -> None:
    for first in (
        '{"type":"ping"}',
        "",
        "[]",
        '{"type":"authenticate","token":7}',
        '{"type":"authenticate"}',
    ):
        assert await close_code_after(sqlite_node, first) == 4401
    assert await close_code_after(sqlite_node, "x" * 5_000) == 1009


async def test_h10_a_token_renews_its_own_socket_and_no_other(sqlite_node: Node, alice: Person) -> None:
    bob = await sqlite_node.sign_up("bob")
    for by_header in (True, False):
        async with alice.socket(by_header=by_header) as socket:
            await socket.send(type="authenticate", token=alice.access_token)
            assert (await socket.receive())["type"] == "ready"
            await socket.send(type="authenticate", token=bob.access_token)
            assert await socket.closed() == 4401
    bad = '{"type":"authenticate","token":"a.b.c"}'
    assert await close_code_after(sqlite_node, *[bad] * 10) == 4401


async def test_h11_an_address_has_few_sockets_that_have_yet_to_authenticate(tmp_path: Path) -> None:
    await opened_from(
        tmp_path,
        {"unauthenticated_per_address": 2},
        first=("2001:db8::1", "2001:db8::2"),  # both in the /64 of one subscriber
        more={"2001:db8::3": 429, "2001:db8:1::3": None, "192.0.2.1": None},
    )


async def test_h11_the_newest_stranger_takes_the_place_of_the_oldest_of_the_busiest_network(
    tmp_path: Path,
) -> None:
    how: dict[str, Any] = {"trusted_proxies": (ip_network("127.0.0.1"),), "unauthenticated_connections": 4}
    store = f"sqlite:///{tmp_path / 'tailwire.db'}"
    async with (
        running(Settings(store=store, signup="open", **how)) as node,
        AsyncExitStack() as opened,
    ):
        alice = await node.sign_up("alice")
        sockets = {
            address: Socket(
                await opened.enter_async_context(
                    connect(node.ws_url, additional_headers={"X-Forwarded-For": address})
                )
            )
            for address in ("198.51.100.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "203.0.113.1")
        }
        assert await sockets["192.0.2.1"].closed() == 4408
        for address in ("198.51.100.1", "203.0.113.1", "192.0.2.3"):
            await sockets[address].send(type="authenticate", token=alice.access_token)
            assert (await sockets[address].receive())["type"] == "ready"


async def opened_from(
    tmp_path: Path, settings: dict[str, int], first: tuple[str, ...], more: dict[str, int | None]
) -> None:
    """Open sockets from the `first` addresses; `more` says the status for each further one, None where it opens.

    With a token a socket opens all the same.
    """
    how: dict[str, Any] = settings | {"trusted_proxies": (ip_network("127.0.0.1"),)}
    async with (
        running(Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", signup="open", **how)) as node,
        AsyncExitStack() as opened,
    ):
        alice = await node.sign_up("alice")
        for address in first:
            await opened.enter_async_context(
                connect(node.ws_url, additional_headers={"X-Forwarded-For": address})
            )
        for address, status in more.items():
            if status is None:
                async with connect(node.ws_url, additional_headers={"X-Forwarded-For": address}):
                    continue
            answer = await denied(node, **{"X-Forwarded-For": address})
            assert answer.status_code == status
            assert int(answer.headers["retry-after"]) >= 1
        async with alice.socket() as socket:
            await answers(socket)


async def test_h12_a_full_node_says_when_to_come_back(tmp_path: Path) -> None:
    async with running(Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", connections=1)) as node:
        alice = await node.sign_up("alice")
        async with alice.socket() as socket:
            answer = await denied(node, **bearer(alice))
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            await answers(socket)


async def test_h13_another_version_of_the_protocol_is_told_so(sqlite_node: Node, alice: Person) -> None:
    for version in ("99", "0", "2"):
        first = f'{{"type":"authenticate","token":"x","v":{version}}}'
        assert await close_code_after(sqlite_node, first) == 4503


async def test_h14_a_request_that_two_readers_would_cut_differently_is_refused(
    sqlite_node: Node, alice: Person
) -> None:
    post = b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for sent in (
        post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        post + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
        post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   " + hidden,
        post + b"Content-Length: +5\r\n\r\n{}   " + hidden,
        post + b"Transfer-Encoding: xchunked\r\n\r\n" + hidden,
        post + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
        post + b"X-Folded: one\r\n two\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        post.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}" + hidden,
    ):
        got = await answer_to(sqlite_node, sent)
        assert got.startswith(b"HTTP/1.1 400 "), (sent, got)
        assert got.count(b"HTTP/1.1 ") == 1, (sent, got)
    async with http_client(sqlite_node.url) as client:
        assert (await client.get("/healthz")).status_code == 200
