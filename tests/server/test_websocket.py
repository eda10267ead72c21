"""The bounds of a socket: a peer that breaks a rule is closed with the right code, and nothing is kept for it."""

import asyncio
import gc
import json
import socket
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.frames import Opcode

from api.protocol.commands import Command
from api.realtime.commands import Commands
from api.realtime.connection import Connection
from api.server import http as server_http
from api.server import websocket as transport
from tests.node import SECONDS, Node, Person, eventually
from tests.peer import CONTINUATION, PONG, TEXT, Peer, dial, frame, handshake, peer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def alice(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("alice")


async def test_a_text_in_a_few_fragments_is_one_message(sqlite_node: Node, alice: Person) -> None:
    async with peer(sqlite_node, alice.access_token) as good:
        assert b"ready" in bytes((await good.frame()).data)
        whole = '{"type":"ping","ref":"é"}'.encode()
        middle = whole.index("é".encode()) + 1  # between the two bytes of a character
        good.writer.write(
            frame(TEXT, whole[:5], fin=False)
            + frame(CONTINUATION, whole[5:middle], fin=False)
            + frame(CONTINUATION, whole[middle:])
        )
        assert b"pong" in bytes((await good.frame()).data)


async def test_a_message_that_stays_open_for_too_long_is_ended(
    sqlite_node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MESSAGE_SECONDS", 0.3)
    async with peer(sqlite_node, alice.access_token) as slow, peer(sqlite_node, alice.access_token) as good:
        for one in (slow, good):
            assert b"ready" in bytes((await one.frame()).data)
        good.writer.write(frame(TEXT, b'{"type":', fin=False) + frame(CONTINUATION, b'"ping"}'))
        slow.writer.write(frame(TEXT, b"{", fin=False))

        async def more() -> None:
            while True:  # each fragment comes in good time, and the whole does not
                slow.writer.write(frame(CONTINUATION, b" ", fin=False))
                await asyncio.sleep(0.05)

        sending = asyncio.create_task(more())
        assert await slow.close_code() == 1002
        sending.cancel()
        assert b"pong" in bytes((await good.frame()).data)
        good.writer.write(frame(TEXT, b'{"type":"ping"}'))  # its clock was stopped by its last fragment
        assert b"pong" in bytes((await good.frame()).data)


@pytest.mark.parametrize(
    "before", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["alone", "behind another"]
)
async def test_a_handshake_is_refused_behind_a_request_that_is_not_answered_yet(
    sqlite_node: Node, alice: Person, before: bytes
) -> None:
    host, port = sqlite_node.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(before + handshake(f"{host}:{port}", alice.access_token))
    try:
        async with asyncio.timeout(SECONDS):
            assert (b" 101 " in await reader.readline()) is not bool(before)
            if before:
                assert b"101 Switching" not in await reader.read()
    finally:
        writer.transport.abort()


async def test_a_connection_that_was_reset_is_not_kept_until_its_keep_alive_ends(sqlite_node: Node) -> None:
    def kept() -> int:
        return sum(isinstance(one, server_http.BoundedHttp) for one in gc.get_objects())

    before = kept()
    for _ in range(5):
        reader, writer = await dial(sqlite_node)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"}")
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
        writer.transport.abort()

    async def are_let_go() -> bool:
        gc.collect()
        return kept() <= before

    await eventually(are_let_go)


async def test_a_peer_that_does_not_close_when_it_is_closed_is_let_go(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LINGER_SECONDS", 0.1)
    before = open_sockets()
    async with peer(sqlite_node, receive_bytes=4_096) as silent:
        silent.writer.write(frame(TEXT, b'{"type":"ping"}'))
        assert await silent.close_code() == 4401

        async def is_let_go() -> bool:
            return open_sockets() <= before + 1  # the peer's end is open in this process too

        await eventually(is_let_go)


async def test_a_peer_is_not_closed_for_a_pong_that_we_do_not_read(
    sqlite_node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_back = asyncio.Event()
    run = Commands.run

    async def run_when_back(commands: Commands, connection: Connection, command: Command) -> None:
        await is_back.wait()  # commands wait like this while the store is away
        await run(commands, connection, command)

    monkeypatch.setattr(Commands, "run", run_when_back)
    monkeypatch.setattr(transport.BoundedWebSocket, "schedule_ping", ping_at_once)
    async with peer(sqlite_node, alice.access_token) as patient:
        assert b"ready" in bytes((await patient.frame()).data)
        patient.writer.write(
            frame(TEXT, b'{"type":"ping","ref":"1"}') + frame(TEXT, b'{"type":"ping","ref":"2"}')
        )
        for _ in range(5):
            got = await patient.frame()
            assert got.opcode is Opcode.PING
            patient.writer.write(frame(PONG, bytes(got.data)))
        is_back.set()
        refs: set[str | None] = set()
        while refs != {"1", "2"}:
            got = await patient.frame()
            if got.opcode is Opcode.PING:
                patient.writer.write(frame(PONG, bytes(got.data)))
            else:
                refs.add(json.loads(bytes(got.data)).get("ref"))
                refs.discard(None)


def ping_at_once(socket: transport.BoundedWebSocket) -> None:
    socket.ping_timeout = 0.05
    socket.ping_timer = socket.loop.call_later(0.05, socket.send_keepalive_ping)


REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
HANDSHAKE = REQUEST.replace(b"healthz", b"ws/messages") + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"0\r\n" + b"X-More: 1\r\n" * 60_000, id="trailers"),
        pytest.param(b"1;" + b"x" * 600_000, id="chunk-extension"),
        pytest.param(b"1;xxxxxxxx\r\n \r\n" * 40_000, id="many-chunk-extensions"),
    ],
)
async def test_what_is_no_body_is_bounded_after_the_head_too(sqlite_node: Node, rest: bytes) -> None:
    reader, writer = await dial(sqlite_node)
    writer.write(b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n" + rest)
    assert await Peer(reader, writer).is_gone()
    writer.close()
    assert (await sqlite_node.client().get("/healthz")).status_code == 200


async def test_a_body_in_small_chunks_is_taken(sqlite_node: Node) -> None:
    reader, writer = await dial(sqlite_node)
    writer.write(
        b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    )
    body = b'{"username":"nobody","password":"' + b"x" * 1_000 + b'"}'
    chunks = b"".join(b"8\r\n%b\r\n" % body[n : n + 8] for n in range(0, len(body) - 8, 8))
    last = body[-(len(body) % 8 or 8) :]
    writer.write(
        b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last)
    )
    async with asyncio.timeout(SECONDS):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_an_empty_line_after_an_answer_does_not_hold_the_connection(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_http, "HEAD_SECONDS", 0.1)
    reader, writer = await dial(sqlite_node)
    writer.write(REQUEST + b"\r\n")
    assert b" 200 " in await reader.readline()
    while await reader.readline() != b"\r\n":
        pass
    writer.write(b"\r\n")
    assert await Peer(reader, writer).is_gone()
    writer.close()


def open_sockets() -> int:
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of the listing itself
            count += str(descriptor.readlink()).startswith("socket:")
    return count
