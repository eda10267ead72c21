"""A real server that is killed, cut off, restored: every event once and in order, every message stored once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from api.config import Settings
from api.store import backup_store, restore_store
from conftest import MakeClient
from cutting_proxy import cutting
from tailwire_client import (
    Client,
    Closed,
    Entry,
    FileDrafts,
    FilePair,
    FilePositions,
    Live,
    MemoryPositions,
    MessageEntry,
    Pair,
    Reset,
    Restored,
    Session,
    SessionEnded,
)
from tests.node import Node, running
from tests.process import serving
from tests.rethinkdb_server import free_port

pytestmark = pytest.mark.anyio

SECONDS = 30.0


class Ear:
    """Listens to the lobby until it has heard a last message."""

    def __init__(self, client: Client, last: str, positions: MemoryPositions | None = None) -> None:
        self.entries: list[Entry] = []
        self.resets: list[Reset] = []
        self.live = asyncio.Event()
        self.positions = positions or MemoryPositions()
        self._client = client
        self._last = last

    async def listen(self) -> None:
        async with self._client.events("lobby", positions=self.positions) as stream:
            async for event in stream:
                if isinstance(event, Live):
                    self.live.set()
                elif isinstance(event, Reset):
                    self.resets.append(event)
                elif isinstance(event, Entry):
                    self.entries.append(event)
                    if isinstance(event, MessageEntry) and event.body == self._last:
                        return

    def bodies(self) -> list[str]:
        return [one.body for one in self.entries if isinstance(one, MessageEntry)]

    def check(self) -> None:
        """Fail where an entry is missing, comes twice, or out of order."""
        seqs = [one.seq for one in self.entries]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


async def until(condition: Callable[[], object]) -> None:
    """Wait until this holds, as long as the test lasts."""
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.005)


async def speak(client: Client, bodies: Sequence[str], acks: list[int]) -> None:
    """Send messages, one after the other."""
    for body in bodies:
        sent = await client.send("lobby", body)
        acks.append(sent.seq)


BODIES: Final = [*(f"body {number}" for number in range(40)), "the end"]


@pytest.mark.timeout(90)
async def test_a_server_that_is_killed_loses_and_doubles_nothing(
    tmp_path: Path, make_client: MakeClient
) -> None:
    port = free_port()
    settings = {
        "TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}",
        "TAILWIRE_PORT": str(port),
        "TAILWIRE_SIGNUP": "open",
        "TAILWIRE_SENDS_BURST": "500",
    }
    acks: list[int] = []
    async with asyncio.timeout(80), asyncio.TaskGroup() as tasks:
        async with serving(settings, tmp_path) as node:
            ada, bob = [await make_client(node.url, name) for name in ("ada", "bob")]
            # What ada sends goes over her socket while that is open, and over HTTP while it is not.
            ears = [Ear(one, "the end") for one in (ada, bob)]
            for ear in ears:
                tasks.create_task(ear.listen())
                await ear.live.wait()
            tasks.create_task(speak(ada, BODIES, acks))
            await until(lambda: len(acks) >= 20)
            assert node.process is not None
            node.process.kill()
        async with serving(settings, tmp_path):
            await until(lambda: all(ear.bodies() == BODIES for ear in ears))
    for ear in ears:
        ear.check()
        assert [one.seq for one in ear.entries if isinstance(one, MessageEntry)] == acks


@pytest.mark.parametrize("seed", range(3))
async def test_a_network_that_cuts_anywhere_loses_and_doubles_nothing(
    seed: int, server: Node, make_client: MakeClient
) -> None:
    """The cuts are in handshakes, in the middle of frames, and between what is stored and its ack."""
    port = int(server.url.rpartition(":")[2])
    acks: list[int] = []
    async with asyncio.timeout(SECONDS), cutting(port, seed=seed, most_bytes=3000) as proxy:
        pairs = [(await server.sign_up(name)) for name in ("ada", "bob")]
        ada, bob = [
            await make_client(
                proxy.url, credentials=Session(pair=Pair(one.access_token, one.refresh_token, 900))
            )
            for one in pairs
        ]
        ears = [Ear(one, "the end") for one in (ada, bob)]
        async with asyncio.TaskGroup() as tasks:
            for ear in ears:
                tasks.create_task(ear.listen())
                await ear.live.wait()
            tasks.create_task(speak(ada, BODIES, acks))
        assert proxy.cut > 5
        proxy.cuts = False
        history = [one.body async for one in ada.messages.history("lobby")]
    for ear in ears:
        ear.check()
        assert ear.bodies() == BODIES
    assert history[::-1] == BODIES


async def test_a_server_that_was_restored_is_told_as_a_reset(tmp_path: Path, make_client: MakeClient) -> None:
    url = f"sqlite:///{tmp_path / 'tailwire.db'}"
    settings = Settings(store=url, signup="open", sends_burst=200)
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        async with running(settings) as node:
            port = int(node.url.rpartition(":")[2])
            ada = await make_client(node.url, "ada")
            ear = Ear(ada, "the end")
            tasks.create_task(ear.listen())
            await ear.live.wait()
            kept = await ada.send("lobby", "kept")
            await asyncio.to_thread(backup_store, url, tmp_path / "backup.db")
            lost = await ada.send("lobby", "lost")
            await until(lambda: ear.bodies() == ["kept", "lost"])
        await asyncio.to_thread(restore_store, url, tmp_path / "backup.db", force=True)
        async with running(settings, port=port):
            await until(lambda: ear.resets)
            with pytest.raises(Restored):
                await ada.messages.react("lobby", lost.seq, "👍", epoch=lost.epoch)
            with pytest.raises(Restored):
                await ada.send("lobby", "an answer", reply_to=lost.seq, epoch=lost.epoch)
            await ada.send("lobby", "the end")
            await until(lambda: ear.bodies() == ["kept", "lost", "the end"])
    (reset,) = ear.resets
    assert (reset.seq, reset.epoch != kept.epoch) == (kept.seq, True)
    assert (ear.entries[-1].epoch, ear.entries[-1].seq) == (reset.epoch, kept.seq + 1)


async def test_a_token_that_was_ended_is_a_final_error_everywhere(
    server: Node, ada: Client, make_client: MakeClient
) -> None:
    bot = await ada.bots.create("robot")
    room = await ada.rooms.create("Robots", "private")
    await ada.members.set(room.id, bot.id)
    token = await ada.tokens.create("test", ["read", "write"], bot=bot.id)
    robot = await make_client(server.url, credentials=token.token)
    async with asyncio.timeout(SECONDS), robot.events(room.id) as stream:
        while not isinstance(await anext(stream), Live):
            pass
        await ada.tokens.end(token.token_id, bot=bot.id)
        with pytest.raises(SessionEnded) as caught:
            await anext(stream)
        assert caught.value.close_code == 4501
        with pytest.raises(SessionEnded):
            await robot.send(room.id, "Anybody?")
        with pytest.raises(SessionEnded):
            await robot.account.me()


@pytest.mark.settings(sends_burst=1, sends_per_second=4)
async def test_a_limit_is_waited_out_and_the_order_stays(server: Node, ada: Client) -> None:
    began = time.monotonic()
    async with asyncio.timeout(SECONDS):
        sent = await asyncio.gather(*(ada.send("lobby", f"body {number}") for number in range(5)))
    assert time.monotonic() - began > 0.9  # four were too early
    assert [one.seq for one in sent] == list(range(sent[0].seq, sent[0].seq + 5))
    assert [one.body async for one in ada.messages.history("lobby")] == [
        f"body {number}" for number in (4, 3, 2, 1, 0)
    ]


async def test_a_program_that_starts_again_goes_on_where_it_was(
    tmp_path: Path, make_client: MakeClient
) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", signup="open", sends_burst=200)
    heard: list[str] = []

    async with asyncio.timeout(SECONDS):
        async with running(settings) as node:
            port = int(node.url.rpartition(":")[2])
            person = await node.sign_up("ada")
            pair = Pair(person.access_token, person.refresh_token, 900)
            kept = FilePair(tmp_path / "pair.json")
            await kept.keep(pair)
            first = await make_client(
                node.url, credentials=Session(kept=kept), drafts=FileDrafts(tmp_path / "drafts.json")
            )
            async with first.events("lobby", positions=FilePositions(tmp_path / "positions.json")) as stream:
                async for event in stream:
                    if isinstance(event, Live):
                        await first.send("lobby", "one")
                    if isinstance(event, MessageEntry):
                        heard.append(event.body)
                        if event.body == "one":
                            await first.send("lobby", "two")
                        else:
                            break
        waiting = asyncio.create_task(first.send("lobby", "three"))
        await until(lambda: first.waiting)
        await first.aclose()
        with pytest.raises(Closed):
            await waiting
        async with running(settings, port=port) as node:
            second = await make_client(
                node.url, credentials=Session(kept=kept), drafts=FileDrafts(tmp_path / "drafts.json")
            )
            async with second.events("lobby", positions=FilePositions(tmp_path / "positions.json")) as stream:
                async for event in stream:
                    if isinstance(event, MessageEntry):
                        heard.append(event.body)
                        if event.body == "three":
                            break
    # The loop was left at "two" before it had asked for the next, so "two" comes again.
    assert heard == ["one", "two", "two", "three"]
