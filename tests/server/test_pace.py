"""A long body may take as long as it keeps its pace."""

import asyncio
from asyncio import StreamReader, StreamWriter
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.models.attachments import Attachment
from api.rooms.attachments import AttachmentService
from api.server import http as server_http
from api.server.http import BoundedHttp
from tests.node import Node, Person, eventually

pytestmark = pytest.mark.anyio

SIZE = 64 * 1024
PACE_SECONDS = 1.0
PACE_BYTES = 1_000


@pytest.fixture
async def alice(sqlite_node: Node, monkeypatch: pytest.MonkeyPatch) -> Person:
    person = await sqlite_node.sign_up("alice")
    monkeypatch.setattr(server_http, "PACE_SECONDS", PACE_SECONDS)
    monkeypatch.setattr(server_http, "PACE_BYTES", PACE_BYTES)
    monkeypatch.setattr(server_http, "BODY_SECONDS", PACE_SECONDS)
    return person


async def begun(person: Person, path: str) -> tuple[StreamReader, StreamWriter]:
    """Begin a request whose body has `SIZE` bytes, and send none of them."""
    at = urlsplit(person.node.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {person.access_token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {SIZE}\r\n\r\n"
    )
    writer.write(head.encode())
    return reader, writer


async def told(reader: StreamReader, writer: StreamWriter, each: int) -> bytes:
    """Send so many bytes in each tenth of the time that counts, and return the first line of the answer."""

    async def send() -> None:
        for _ in range(SIZE // each):
            writer.write(b"x" * each)
            await asyncio.sleep(PACE_SECONDS / 10)

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(10):
            return await reader.readline()
    finally:
        sending.cancel()
        writer.close()


async def test_a_file_that_comes_in_pace_takes_longer_than_other_bodies_may(alice: Person) -> None:
    began = asyncio.get_running_loop().time()
    assert b" 201 " in await told(*await begun(alice, "/rooms/lobby/files"), SIZE // 16)
    assert asyncio.get_running_loop().time() - began > PACE_SECONDS


async def test_a_file_that_comes_too_slowly_is_ended(alice: Person) -> None:
    assert b" 408 " in await told(*await begun(alice, "/rooms/lobby/files"), PACE_BYTES // 50)


async def test_who_may_not_upload_has_no_more_time_than_others(alice: Person) -> None:
    alice.access_token = "no-token"
    assert b" 401 " in await told(*await begun(alice, "/rooms/lobby/files"), SIZE // 16)


async def test_a_body_of_another_route_has_its_time_and_no_more(alice: Person) -> None:
    assert b" 408 " in await told(*await begun(alice, "/rooms/lobby/messages"), SIZE // 32)


async def test_no_clock_runs_for_who_has_gone_before_the_route_reads_the_body(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_come, may_go_on, lost, expired = asyncio.Event(), asyncio.Event(), asyncio.Event(), list[str]()
    begin, connection_lost = AttachmentService.begin, BoundedHttp.connection_lost

    async def begin_late(service: AttachmentService, *given: Any, **named: Any) -> Attachment:
        has_come.set()
        await may_go_on.wait()
        return await begin(service, *given, **named)

    def connection_lost_noted(protocol: BoundedHttp, error: Exception | None) -> None:
        connection_lost(protocol, error)
        lost.set()

    monkeypatch.setattr(AttachmentService, "begin", begin_late)
    monkeypatch.setattr(BoundedHttp, "connection_lost", connection_lost_noted)
    monkeypatch.setattr(BoundedHttp, "_check_pace", lambda _protocol: expired.append("too slow"))
    monkeypatch.setattr(server_http, "PACE_SECONDS", 0.0)
    _, writer = await begun(alice, "/rooms/lobby/files")
    await has_come.wait()
    writer.close()
    await lost.wait()
    may_go_on.set()

    async def is_answered() -> bool:
        text = (await alice.http.get("/metrics")).text
        return 'route="/rooms/{room_id}/files"' in text

    await eventually(is_answered)
    assert expired == []
