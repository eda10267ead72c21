"""The bounds of a socket: what breaks the rules is closed by the right code, and nothing is kept for it."""

import asyncio
import json
import os
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode

from api import transport
from api.commands import Commands
from api.connection import Connection
from api.protocol import Command
from tests.server import SECONDS, Node, Person, eventually

pytestmark = pytest.mark.anyio

MASK = b"\0\0\0\0"  # a key that changes nothing, so that frames can be written as they are meant
MEBIBYTE = 1024 * 1024


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Write a frame as no library would."""
    length = len(payload)
    head = bytes([fin << 7 | rsv << 4 | opcode, (masked << 7) | (min(126, length))])
    size = struct.pack("!H", length) if length >= 126 else b""
    return head + size + (MASK if masked else b"") + payload


class Peer:
    """A socket after its handshake, whose bytes are ours."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self) -> Frame:
        """Return the next frame of the server."""
        async with asyncio.timeout(SECONDS):
            first, length = await self.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            return Frame(Opcode(first & 15), await self.reader.readexactly(length))

    async def close_code(self) -> int:
        """Return the code of the server's close frame."""
        while (got := await self.frame()).opcode is not Opcode.CLOSE:
            pass
        return int.from_bytes(bytes(got.data)[:2])

    async def is_gone(self) -> bool:
        """Wait for the end of the connection."""
        try:
            async with asyncio.timeout(SECONDS):
                while await self.reader.read(65_536):
                    pass
        except ConnectionError:
            pass
        return True


@asynccontextmanager
async def peer(node: Node, token: str | None = None, *, receive_bytes: int = 0) -> AsyncIterator[Peer]:
    """Shake hands by hand."""
    host, port = node.url.removeprefix("http://").split(":")
    raw = socket.socket()
    if receive_bytes:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=raw, limit=256)
    proof = f"Authorization: Bearer {token}\r\n" if token else ""
    writer.write(
        f"GET /ws/messages HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{proof}\r\n".encode()
    )
    line = await reader.readline()
    assert b" 101 " in line, line
    while await reader.readline() != b"\r\n":
        pass
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


@pytest.fixture
async def alice(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("alice")


TEXT, CONTINUATION, PING, PONG = 1, 0, 9, 10


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(frame(TEXT, b"{}", masked=False), 1002, id="F1-unmasked"),
        pytest.param(frame(TEXT, b"{}", rsv=2), 1002, id="F2-reserved-bit"),
        pytest.param(frame(3, b"{}"), 1002, id="F2-unknown-opcode-3"),
        pytest.param(frame(11, b"{}"), 1002, id="F2-unknown-opcode-11"),
        pytest.param(frame(CONTINUATION, b"{}"), 1002, id="F3-continuation-of-nothing"),
        pytest.param(frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002, id="F3-text-inside-a-text"),
        pytest.param(frame(TEXT, b"\xff"), 1007, id="F4-no-utf8"),
        pytest.param(
            frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"\xff"), 1007, id="F4-split-no-utf8"
        ),
        pytest.param(
            frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"y" * 32, fin=False) * 999,
            1009,
            id="F7-too-many-fragments",
        ),
        pytest.param(
            frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 100, 1009, id="empty-ones"
        ),
        pytest.param(frame(TEXT, b"x" * 16_385), 1009, id="F7-too-long"),
        pytest.param(frame(TEXT, b"\x78\x9c", rsv=4), 1002, id="F8-compressed-unasked"),
    ],
)
async def test_a_frame_that_breaks_the_rules_ends_its_own_socket_only(
    sqlite_node: Node, alice: Person, sent: bytes, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with alice.socket() as other, peer(sqlite_node, alice.access_token) as bad:
        bad.writer.write(sent)
        assert await bad.close_code() == code
        assert await bad.is_gone()
        assert (await other.call(type="ping"))["type"] == "ack"
    assert not [record for record in caplog.records if record.exc_info]


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


async def flood(flooding: Peer) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            flooding.writer.write(frame(PING, b"x" * 125) * 500)
            await flooding.writer.drain()


async def test_a_peer_that_floods_pings_and_reads_nothing_is_cut_off(sqlite_node: Node) -> None:
    before = memory_bytes()
    async with peer(sqlite_node, receive_bytes=4_096) as flooding:
        flooding.writer.transport.set_write_buffer_limits(high=65_536)
        with pytest.raises(ConnectionError):
            await flood(flooding)
    assert memory_bytes() - before < 16 * MEBIBYTE


async def test_a_peer_that_does_not_close_when_it_is_closed_is_let_go(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LINGER_SECONDS", 0.1)
    before = open_sockets()
    async with peer(sqlite_node, receive_bytes=4_096) as silent:
        silent.writer.write(frame(TEXT, b'{"type":"ping"}'))
        assert await silent.close_code() == 4401

        async def is_let_go() -> bool:
            return open_sockets() <= before + 1  # the peer's own end is in this process too

        await eventually(is_let_go)


async def test_a_peer_is_not_closed_for_a_pong_that_we_do_not_read(
    sqlite_node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_back = asyncio.Event()
    run = Commands.run

    async def run_when_back(commands: Commands, connection: Connection, command: Command) -> None:
        await is_back.wait()  # as a command does while the store is away
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


REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
HANDSHAKE = REQUEST.replace(b"healthz", b"ws/messages") + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(HANDSHAKE + KEY + b"Sec-WebSocket-Version: 8\r\n\r\n", 426, id="H4-version"),
        pytest.param(HANDSHAKE + b"Sec-WebSocket-Version: 13\r\n\r\n", 400, id="H5-no-key"),
        pytest.param(
            HANDSHAKE + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: hunter2\r\n\r\n",
            400,
            id="H5-bad-key",
        ),
        pytest.param(
            (HANDSHAKE + KEY).replace(b"HTTP/1.1", b"HTTP/1.0") + b"Sec-WebSocket-Version: 13\r\n\r\n",
            400,
            id="H6-http-1.0",
        ),
        pytest.param(
            (HANDSHAKE + KEY).replace(b"GET", b"POST") + b"Sec-WebSocket-Version: 13\r\n\r\n",
            400,
            id="H6-post",
        ),
        pytest.param(REQUEST + b"X-Much: " + b"x" * 100_000, 431, id="endless-header"),
    ],
)
async def test_a_head_that_is_none_of_ours_is_answered_and_repeated_nowhere(
    sqlite_node: Node, sent: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await dial(sqlite_node)
    writer.write(sent)
    async with asyncio.timeout(SECONDS):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"hunter2" not in answer
    assert (b"sec-websocket-version: 13" in answer.lower()) == (status == 426)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="H7-no-byte"),
        pytest.param(REQUEST, id="H7-half-a-head"),
        pytest.param(
            b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n{",
            id="A6-half-a-body",
        ),
    ],
)
async def test_a_request_that_does_not_go_on_is_let_go(
    sqlite_node: Node, sent: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transport, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(transport, "BODY_SECONDS", 0.1)
    reader, writer = await dial(sqlite_node)
    writer.write(sent)
    assert await Peer(reader, writer).is_gone()
    writer.close()
    assert (await sqlite_node.client().get("/healthz")).status_code == 200
    assert not [record for record in caplog.records if record.exc_info]


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
    writer.write(b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n" + rest)
    assert await Peer(reader, writer).is_gone()
    writer.close()
    assert (await sqlite_node.client().get("/healthz")).status_code == 200


async def test_a_body_in_small_chunks_is_taken(sqlite_node: Node) -> None:
    reader, writer = await dial(sqlite_node)
    writer.write(
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
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
    monkeypatch.setattr(transport, "HEAD_SECONDS", 0.1)
    reader, writer = await dial(sqlite_node)
    writer.write(REQUEST + b"\r\n")
    assert b" 200 " in await reader.readline()
    while await reader.readline() != b"\r\n":
        pass
    writer.write(b"\r\n")
    assert await Peer(reader, writer).is_gone()
    writer.close()


async def dial(node: Node) -> tuple[StreamReader, StreamWriter]:
    host, port = node.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


def memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_sockets() -> int:
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            count += str(descriptor.readlink()).startswith("socket:")
    return count
