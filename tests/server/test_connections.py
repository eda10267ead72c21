"""Bounds on connections that send no request: browsers get in, whoever else is silent."""

import asyncio
import socket
from asyncio import StreamReader
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from ipaddress import ip_network
from pathlib import Path

import pytest

from api.config import Settings
from api.limits.strangers import Stranger, Strangers
from api.server import http as server_http
from api.server.http import WaitingConnections
from tests.node import SECONDS, Node, running
from tests.process import PROGRAM, serving

pytestmark = pytest.mark.anyio

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SLOW = b"POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n"


# -- who gives way to whom


def enter(strangers: Strangers, address: str, gone: list[str]) -> Stranger | None:
    return strangers.enter(address, lambda: gone.append(address))


def test_the_newest_takes_the_place_of_the_oldest_of_the_busiest_network() -> None:
    strangers, gone = Strangers(4, 3), list[str]()
    for address in ("198.51.100.1", "192.0.2.1", "192.0.2.2", "2001:db8::1"):
        enter(strangers, address, gone)
    assert not gone
    enter(strangers, "203.0.113.1", gone)
    assert gone == ["192.0.2.1"]
    assert len(strangers) == 4


def test_an_address_with_as_many_as_it_may_gives_way_to_itself() -> None:
    strangers, gone = Strangers(9, 2), list[str]()
    one = enter(strangers, "192.0.2.1", gone)
    for address in ("2001:db8::1", "192.0.2.1", "192.0.2.1", "2001:db8::2", "2001:db8::3"):
        enter(strangers, address, gone)
    assert gone == ["192.0.2.1", "2001:db8::1"]  # an IPv6 subscriber counts as one address
    strangers.leave(one)  # it is gone already
    assert len(strangers) == 4


def test_proxies_are_not_counted() -> None:
    strangers, gone = Strangers(1, 1, [ip_network("10.0.0.0/8")]), list[str]()
    for _ in range(5):
        assert enter(strangers, "10.1.2.3", gone) is None
    assert len(strangers) == 0
    assert not strangers.dismiss_one()


# -- at the front door


@pytest.fixture
async def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(server_http, "SILENT_PER_ADDRESS", 5)
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", signup="open")
    async with running(settings) as one:
        yield one


async def connected(node: Node, stack: AsyncExitStack, *sent: bytes) -> StreamReader:
    host, port = node.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    stack.callback(writer.close)
    writer.write(b"".join(sent))
    return reader


async def test_of_too_many_silent_connections_the_oldest_are_closed(node: Node) -> None:
    async with AsyncExitStack() as stack:
        silent = [await connected(node, stack) for _ in range(3)]
        silent.append(await connected(node, stack, SLOW))
        spoken = await connected(node, stack, REQUEST)
        assert b" 200 " in await spoken.readline()
        for _ in range(5):
            await connected(node, stack)
        for reader in silent:
            assert await is_gone(reader)
        late = await connected(node, stack, REQUEST)
        assert b" 200 " in await late.readline()
        assert not spoken.at_eof()  # it waits for its next request


async def test_connections_that_are_idle_give_way_when_descriptors_run_out(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        last = probe.fileno() + 12
    monkeypatch.setattr(server_http, "FREE_DESCRIPTORS", 0)
    made = WaitingConnections.make_space_for

    def short(waiting: WaitingConnections, transport: asyncio.Transport) -> None:
        waiting._last_descriptor = last
        made(waiting, transport)

    monkeypatch.setattr(WaitingConnections, "make_space_for", short)
    async with AsyncExitStack() as stack:
        idle = []
        for _ in range(20):
            reader = await connected(node, stack, REQUEST)
            assert b" 200 " in await reader.readline()
            idle.append(reader)
        assert await is_gone(idle[0])


async def is_gone(reader: StreamReader) -> bool:
    async with asyncio.timeout(SECONDS):
        with suppress(ConnectionResetError):
            await reader.read(-1)
    return True


async def test_a_flood_of_silent_connections_keeps_nobody_out_where_descriptors_are_few(
    tmp_path: Path,
) -> None:
    few = ("sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", *PROGRAM)
    with (tmp_path / "log").open("wb") as log:
        settings = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}
        async with serving(settings, tmp_path, program=few, log=log) as node, AsyncExitStack() as stack:
            flood = [await connected(node, stack) for _ in range(400)]
            alice = await node.sign_up("alice")
            async with alice.socket() as listener:
                assert (await listener.call(type="ping"))["type"] == "ack"
            assert await is_gone(flood[0])
    assert "descriptors_few" in (tmp_path / "log").read_text()


async def test_the_limit_of_descriptors_is_raised_as_far_as_the_kernel_allows(tmp_path: Path) -> None:
    few = ("sh", "-c", 'ulimit -S -n 128 && exec "$@"', "sh", *PROGRAM)
    settings = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}
    async with serving(settings, tmp_path, program=few) as node:
        assert node.process is not None
        limits = await asyncio.to_thread(Path(f"/proc/{node.process.pid}/limits").read_text)
    line = next(one for one in limits.splitlines() if one.startswith("Max open files"))
    soft, hard = line.split()[3:5]
    assert soft == hard
