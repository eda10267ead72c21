"""The sinks of a socket: the server's own, and the one for servers that offer none."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID
from api.protocol.frames import Frames, frame, joined
from api.realtime import sink as sink_module
from api.realtime.sink import EXTENSION, Sink, TextSink, open_sink
from tests.node import SECONDS, running

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]


class Peer:
    """The peer behind ASGI's `send`. It takes messages when the test lets it."""

    def __init__(self) -> None:
        self.taken: list[MutableMapping[str, Any]] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.is_gone = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.takes.wait()
        if self.is_gone:
            raise OSError("gone")
        self.taken.append(message)

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.taken if message["type"] == "websocket.send"]


def some(*texts: str) -> Frames:
    return joined([frame(text.encode()) for text in texts])


@asynccontextmanager
async def text_sink(peer: Peer) -> AsyncIterator[Sink]:
    async with asyncio.timeout(SECONDS):
        sink = open_sink({"extensions": {}}, peer.send)
        assert isinstance(sink, TextSink)
        yield sink
        await sink.end()


async def test_a_sink_that_the_server_offers_is_the_one_used() -> None:
    async with text_sink(Peer()) as offered:
        assert open_sink({"extensions": {EXTENSION: {"sink": offered}}}, Peer().send) is offered


async def test_texts_leave_in_order_and_the_close_after_them() -> None:
    peer = Peer()
    async with text_sink(peer) as sink:
        sink.write(some("1", "2"))
        sink.write(some("3"))
        assert sink.unwritten_bytes == 9
        await sink.drained()
        assert (sink.unwritten_bytes, sink.is_open) == (0, True)
        sink.close_with(4420, "slow")
        sink.close_with(1012, "restart")
        sink.write(some("4"))
        assert not sink.is_open
    assert peer.texts == ["1", "2", "3"]
    assert peer.taken[-1] == {"type": "websocket.close", "code": 4420, "reason": "slow"}


async def test_who_waits_for_space_goes_on_when_the_peer_takes_again() -> None:
    peer = Peer()
    peer.takes.clear()
    async with text_sink(peer) as sink:
        sink.write(some("1"))
        waiter = asyncio.create_task(sink.drained())
        peer.takes.set()
        await waiter
    assert peer.texts == ["1"]


@pytest.mark.parametrize("how", ["never takes", "is gone"])
async def test_a_peer_that_cannot_be_written_to_is_lost_and_whoever_waits_is_woken(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "WRITE_TIMEOUT_SECONDS", 0.01)
    peer = Peer()
    if how == "is gone":
        peer.is_gone = True
    else:
        peer.takes.clear()
    async with text_sink(peer) as sink:
        sink.write(some("1"))
        await sink.drained()
        assert not sink.is_open
    assert peer.taken == []


@pytest.mark.parametrize("compression", [False, True], ids=["server's sink", "send_text"])
async def test_both_ways_out_carry_the_whole_conversation(compression: bool, store_url: str) -> None:
    async with running(
        Settings(store=store_url, compression=compression, sends_per_second=1_000, sends_burst=1_000)
    ) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        async with alice.socket() as a, bob.socket(by_header=False) as b:
            assert bool(b.raw.protocol.extensions) is compression
            ack = await b.call(type="subscribe", room_id=LOBBY_ID)
            await a.call(type="subscribe", room_id=LOBBY_ID)
            for number in range(150):
                await a.send(type="send", room_id=LOBBY_ID, ref=f"r{number}", body=f"{number} " + "x" * 1_000)
            live = await b.entries(150)
            assert [event["seq"] for event in live] == list(range(ack["seq"] + 1, ack["seq"] + 151))
            assert await a.entries(150) == live
            since = {"epoch": ack["epoch"], "seq": ack["seq"]}
            await b.send(type="subscribe", room_id=LOBBY_ID, since=since)
            assert await b.entries(150) == live, "the replay is what was live"
            assert (await b.until(type="live"))["seq"] == live[-1]["seq"]
            assert (await alice.http.post("/auth/logout")).status_code == 204
            assert await a.closed() == 4501
            await b.raw.send(b"binary")
            assert await b.closed() == 1003
