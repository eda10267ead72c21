"""A WebSocket peer that writes its own bytes, also those that no library would send."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.frames import Frame, Opcode

from tests.node import SECONDS, Node

TEXT, CONTINUATION, PING, PONG = 1, 0, 9, 10
MASK = b"\0\0\0\0"  # changes nothing, so that the text stands in the frame as it is


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Return the bytes of one frame, valid or not."""
    length = len(payload)
    if length < 126:
        short, size = length, b""
    elif length < 1 << 16:
        short, size = 126, struct.pack("!H", length)
    else:
        short, size = 127, struct.pack("!Q", length)
    head = bytes([fin << 7 | rsv << 4 | opcode, (masked << 7) | short])
    return head + size + (MASK if masked else b"") + payload


class Peer:
    """A socket after its handshake. The test writes its bytes."""

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


def handshake(host: str, token: str | None) -> bytes:
    """Return the request of a handshake."""
    proof = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"GET /ws/messages HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{proof}\r\n"
    ).encode()


@asynccontextmanager
async def peer(node: Node, token: str | None = None, *, receive_bytes: int = 0) -> AsyncIterator[Peer]:
    """Connect and shake hands, byte by byte."""
    host, port = node.url.removeprefix("http://").split(":")
    raw = socket.socket()
    if receive_bytes:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=raw, limit=256)
    writer.write(handshake(f"{host}:{port}", token))
    line = await reader.readline()
    assert b" 101 " in line, line
    while await reader.readline() != b"\r\n":
        pass
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


async def dial(node: Node) -> tuple[StreamReader, StreamWriter]:
    host, port = node.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))
