"""Rows F: which frames are allowed. A bad frame ends its own socket, and no other."""

import asyncio
import json
import os
import socket as sockets
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID
from api.protocol.fields import MAX_BODY_CHARACTERS
from api.server import websocket as transport
from tests.bad_inputs.answers import answers, is_error
from tests.node import SECONDS, Node, Person, running
from tests.peer import CONTINUATION, PING, TEXT, Peer, frame, peer

pytestmark = pytest.mark.anyio

MEBIBYTE = 1024 * 1024
COMMAND = b'{"type":"ping"}'


@pytest.fixture
async def alice(
    sqlite_node: Node, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Person]:
    """A user with another socket, which must still be served after the test; no traceback may be logged."""
    monkeypatch.setattr(transport, "LINGER_SECONDS", 0.5)
    person = await sqlite_node.sign_up("alice")
    async with person.socket() as other:
        yield person
        await answers(other)
    assert not [record for record in caplog.records if record.exc_info]


async def ends(node: Node, person: Person, code: int, *writings: bytes) -> None:
    """Require that each of these ends its socket with this code."""
    for written in writings:
        async with peer(node, person.access_token) as bad:
            bad.writer.write(written)
            assert await bad.close_code() == code, written[:100]
            assert await bad.is_gone()


async def test_f1_an_unmasked_frame_is_a_protocol_error(sqlite_node: Node, alice: Person) -> None:
    await ends(sqlite_node, alice, 1002, frame(TEXT, COMMAND, masked=False))


async def test_f2_reserved_bits_and_unknown_opcodes_are_protocol_errors(
    sqlite_node: Node, alice: Person
) -> None:
    unknown = [frame(opcode, COMMAND) for opcode in (*range(3, 8), *range(11, 16))]
    reserved = [frame(TEXT, COMMAND, rsv=bits) for bits in (1, 2, 4, 7)]
    await ends(sqlite_node, alice, 1002, *unknown, *reserved)


async def test_f3_fragments_that_do_not_follow_are_protocol_errors(sqlite_node: Node, alice: Person) -> None:
    begun = frame(TEXT, b"{", fin=False)
    await ends(sqlite_node, alice, 1002, frame(CONTINUATION, COMMAND), begun + frame(TEXT, b"}"))


async def test_f4_what_is_no_utf8_is_told_so(sqlite_node: Node, alice: Person) -> None:
    split = frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"\xff")
    cut = frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"")
    await ends(sqlite_node, alice, 1007, frame(TEXT, b"\xff"), frame(TEXT, b"\xed\xa0\x80"), split, cut)


async def test_f5_a_binary_frame_is_told_so(sqlite_node: Node, alice: Person) -> None:
    await ends(sqlite_node, alice, 1003, frame(2, COMMAND))


async def test_f6_an_empty_frame_is_no_json(sqlite_node: Node, alice: Person) -> None:
    async with alice.socket() as socket:
        await socket.raw.send("")
        is_error(await socket.receive(), "bad_json")
        await answers(socket)


async def test_f7_a_frame_that_is_too_big_is_told_so(sqlite_node: Node, alice: Person) -> None:
    whole = frame(TEXT, b"x" * 65_537)
    pieces = frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"y" * 32, fin=False) * 999
    nothings = frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 100
    await ends(sqlite_node, alice, 1009, whole, pieces, nothings, frame(TEXT, "é".encode() * 32_769))


@pytest.mark.parametrize("character", ["x", '"', "\x01", "\xe9", "\u4f60", "\U0001f600"], ids=ascii)
async def test_f7_the_longest_body_fits_however_it_is_escaped(
    sqlite_node: Node, alice: Person, character: str
) -> None:
    body = character * (MAX_BODY_CHARACTERS - 1) + "x"  # one visible character
    room = f"/rooms/{LOBBY_ID}/messages"
    async with alice.socket() as socket:
        await socket.send(type="authenticate", token=alice.access_token)
        assert (await socket.until(type="ready"))["limits"]["frame_bytes"] == 65_536
        for number, escapes in enumerate((True, False)):
            command = {"type": "send", "room_id": LOBBY_ID, "ref": f"s{number}", "body": body}
            await socket.raw.send(json.dumps(command, ensure_ascii=escapes))
            assert (await socket.until(ref=f"s{number}"))["type"] == "ack"
            sent = json.dumps({"ref": f"h{number}", "body": body}, ensure_ascii=escapes).encode()
            answer = await alice.http.post(room, content=sent, headers={"content-type": "application/json"})
            assert answer.status_code == 201
            assert answer.json()["body"] == body


async def test_f8_what_is_compressed_unasked_is_a_protocol_error(sqlite_node: Node, alice: Person) -> None:
    await ends(sqlite_node, alice, 1002, frame(TEXT, b"\x78\x9c" + b"\0" * 100, rsv=4))


async def test_f9_a_peer_that_floods_pings_and_reads_nothing_is_cut_off(
    sqlite_node: Node, alice: Person
) -> None:
    before = memory_bytes()
    async with peer(sqlite_node, alice.access_token, receive_bytes=4_096) as flooding:
        await flood(flooding, frame(PING, b"x" * 125) * 500)
    assert memory_bytes() - before < 8 * MEBIBYTE


async def test_f10_a_peer_that_never_reads_its_answers_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert transport.WRITE_SECONDS + transport.LINGER_SECONDS <= 15
    monkeypatch.setattr(transport, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(transport, "LINGER_SECONDS", 0.5)
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", commands_per_second=1e6)
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        async with alice.socket() as other, peer(node, alice.access_token, receive_bytes=4_096) as deaf:
            await flood(deaf, frame(TEXT, b'{"type":"ping","ref":"' + b"r" * 64 + b'"}') * 100, seconds=30)
            await answers(other)


async def test_f11_a_peer_that_floods_pings_is_told_to_wait(sqlite_node: Node, alice: Person) -> None:
    await ends(sqlite_node, alice, 4429, frame(PING, b"") * 10_000, frame(TEXT, COMMAND) * 10_000)
    async with peer(sqlite_node, alice.access_token) as modest:
        modest.writer.write(frame(PING, b"") * transport.PINGS_BURST + frame(TEXT, COMMAND))
        while b"pong" not in bytes((await modest.frame()).data):
            pass


async def test_f12_a_peer_that_goes_without_a_word_is_forgotten(sqlite_node: Node, alice: Person) -> None:
    async with peer(sqlite_node, alice.access_token) as reset:
        raw = reset.writer.get_extra_info("socket")
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    async with peer(sqlite_node, alice.access_token) as ended:
        ended.writer.write_eof()
        assert await ended.is_gone()
    async with peer(sqlite_node, alice.access_token) as talking:
        talking.writer.write(frame(8, struct.pack("!H", 1000)) + frame(TEXT, COMMAND) * 10)
        assert await talking.close_code() == 1000
        assert await talking.is_gone()


async def flood(flooding: Peer, writing: bytes, seconds: float = SECONDS) -> None:
    """Write the same again and again until the connection is cut off."""
    flooding.writer.transport.set_write_buffer_limits(high=65_536)
    async with asyncio.timeout(seconds):
        with suppress(ConnectionError):
            while True:
                flooding.writer.write(writing)
                await flooding.writer.drain()


def memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
