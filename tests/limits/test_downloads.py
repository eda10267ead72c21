"""How many long files are read at a time, and how slowly: whoever has an address needs no account."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from api.server import http as server_http
from tests.node import Node, eventually
from tests.rooms.test_attachments import upload, url_of

pytestmark = pytest.mark.anyio

LONG = bytes(8 * 1024 * 1024)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.downloads.MOST", 3)
    monkeypatch.setattr("api.limits.downloads.MOST_PER_ADDRESS", 2)


@pytest.fixture
async def paths(sqlite_node: Node) -> tuple[str, str]:
    """The addresses of a long file, and of a short one."""
    alice = await sqlite_node.sign_up("alice")
    long, short = [(await upload(alice, data))["file_id"] for data in (LONG, b"short")]
    return await url_of(alice, long), await url_of(alice, short)


async def begun(node: Node, path: str, address: str = "203.0.113.7") -> tuple[StreamReader, StreamWriter]:
    """Ask for a file from an address, and read the head of the answer and no more."""
    at = urlsplit(node.url)
    taking_little = socket.socket()
    taking_little.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    taking_little.connect((at.hostname, at.port))
    reader, writer = await asyncio.open_connection(sock=taking_little)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {address}\r\n\r\n"
    writer.write(head.encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def all_of(reader: StreamReader) -> int:
    """Read what comes of a file, and return how many bytes that were."""
    count = 0
    with suppress(ConnectionResetError):
        while count < len(LONG) and (some := await reader.read(len(LONG))):
            count += len(some)
    return count


async def status_of(node: Node, path: str, address: str = "203.0.113.7") -> int:
    async with (
        node.client() as client,
        client.stream("GET", path, headers={"X-Forwarded-For": address}) as answer,
    ):
        return answer.status_code


@pytest.mark.settings(trusted_proxies=["127.0.0.0/8"])
async def test_so_many_long_files_are_read_from_an_address_and_any_number_of_short_ones(
    sqlite_node: Node, paths: tuple[str, str]
) -> None:
    long, short = paths
    running = [await begun(sqlite_node, long) for _ in range(2)]
    told = (await sqlite_node.client().get("/metrics")).text
    assert "\ntailwire_downloads 2.0\n" in told
    refused = await sqlite_node.client().get(long, headers={"X-Forwarded-For": "203.0.113.7"})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert "retry-after" in refused.headers
    assert await status_of(sqlite_node, short) == 200
    assert await status_of(sqlite_node, long, "198.51.100.1") == 200
    running[0][1].close()

    async def has_a_place() -> bool:
        return await status_of(sqlite_node, long) == 200

    await eventually(has_a_place)
    running[1][1].close()


@pytest.mark.settings(trusted_proxies=["127.0.0.0/8"])
async def test_who_comes_from_elsewhere_takes_the_place_of_the_oldest_of_those_who_have_most(
    sqlite_node: Node, paths: tuple[str, str]
) -> None:
    ours = [await begun(sqlite_node, paths[0]) for _ in range(2)]
    others = [await begun(sqlite_node, paths[0], f"198.51.100.{number}") for number in (1, 200)]
    read = await asyncio.gather(*(all_of(reader) for reader, _ in (*ours, *others)))
    assert read[0] < len(LONG)  # the answer broke off, and the rest may be asked for
    assert read[1:] == [len(LONG)] * 3
    for _, writer in (*ours, *others):
        writer.close()


@pytest.mark.settings(trusted_proxies=["127.0.0.0/8"])
async def test_who_takes_nothing_of_a_file_loses_the_place(
    sqlite_node: Node, paths: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_http, "WRITE_SECONDS", 0.1)
    idle = [await begun(sqlite_node, paths[0]) for _ in range(2)]

    async def has_a_place() -> bool:
        return await status_of(sqlite_node, paths[0]) == 200

    await eventually(has_a_place)
    for _, writer in idle:
        writer.close()
