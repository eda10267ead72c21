"""A node whose feed or store is late shows nothing to users who may no longer see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from api.config import Settings
from api.models.accounts import Session
from api.models.changes import Change
from api.models.log import Entry, Head
from api.models.rooms import LOBBY_ID, Member
from api.store import open_store
from api.store.base.changes import Wants
from api.store.base.members import Place
from api.store.base.store import Store
from tests.node import Event, Node, Person, Socket, eventually, http_client, running
from tests.rooms.test_rooms import say

pytestmark = pytest.mark.anyio


class Valve:
    """Holds back a store's feed and, after `answers` questions, its answers about sessions.

    It calls `meanwhile` before it answers the `meanwhile_at`-th question about a room.
    """

    def __init__(self, store: Store) -> None:
        self._changes, self._sessions = store.changes.open, store.sessions.get_many
        self._heads, self._memberships = store.log.heads, store.members.get_many
        self._entries = store.log.entries
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.meanwhile_at = 0
        self.opened = asyncio.Event()
        self.opened.set()
        self.answers: int | None = None
        self.answering = asyncio.Event()

    @asynccontextmanager
    async def changes(self, wants: Wants, *, grown: bool) -> AsyncIterator[AsyncIterator[list[Change]]]:
        async with self._changes(wants, grown=grown) as batches:
            yield self._held(batches)

    async def sessions(self, session_ids: Sequence[str]) -> dict[str, Session]:
        if self.answers is not None:
            self.answers -= 1
            if self.answers < 0:
                await self.answering.wait()
        return await self._sessions(session_ids)

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        await self._asked()
        return await self._heads(room_ids)

    async def memberships(self, places: Sequence[Place]) -> dict[Place, Member]:
        await self._asked()
        return await self._memberships(places)

    async def entries(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        await self._asked()
        return await self._entries(room_id, after=after, limit=limit)

    async def _asked(self) -> None:
        if self.meanwhile is not None:
            self.meanwhile_at -= 1
            if not self.meanwhile_at:
                await self.meanwhile()

    async def _held(self, batches: AsyncIterator[list[Change]]) -> AsyncIterator[list[Change]]:
        async for batch in batches:
            await self.opened.wait()
            yield batch


@pytest.fixture
async def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Node, Node, Valve]]:
    """Two nodes on one store; the feed of the second is behind a valve."""
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}")
    async with running(settings) as one:
        valves: list[Valve] = []

        async def open_held(url: str) -> Store:
            store = await open_store(url)
            valves.append(valve := Valve(store))
            monkeypatch.setattr(store.changes, "open", valve.changes)
            monkeypatch.setattr(store.sessions, "get_many", valve.sessions)
            monkeypatch.setattr(store.log, "heads", valve.heads)
            monkeypatch.setattr(store.log, "entries", valve.entries)
            monkeypatch.setattr(store.members, "get_many", valve.memberships)
            return store

        monkeypatch.setattr("api.main.open_store", open_held)
        async with running(settings) as other:
            yield one, other, valves[0]


async def subscribed(socket: Socket, room_id: str) -> None:
    await socket.send(type="subscribe", room_id=room_id)
    await socket.until(type="live", room_id=room_id)


async def make_room(owner: Person) -> str:
    answer = await owner.http.post("/rooms", json={"name": "Tea", "visibility": "public"})
    return str(answer.json()["id"])


async def rest(socket: Socket, last: str) -> list[Event]:
    """Return the events up to the message `last`."""
    events = []
    while True:
        events.append(await socket.receive())
        if events[-1].get("body") == last:
            return events


async def test_ready_comes_first_though_the_feed_tells_of_the_user_while_they_connect(
    nodes: tuple[Node, Node, Valve],
) -> None:
    one, other, valve = nodes
    alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
    room_id = await make_room(alice)
    async with alice.socket(node=other) as hers:
        await subscribed(hers, room_id)
        # The first question, by his token, is answered. The second, when the hub knows of him, waits.
        valve.answers = 1

        async def first_of_his() -> Event:
            header = {"Authorization": f"Bearer {bob.access_token}"}
            async with connect(other.ws_url, additional_headers=header) as raw:
                return await Socket(raw).receive()

        his = asyncio.create_task(first_of_his())
        metrics = other.client()

        async def is_in() -> bool:
            return "tailwire_connections 2.0" in (await metrics.get("/metrics")).text

        await eventually(is_in)
        assert (await bob.http.post(f"/rooms/{room_id}/join")).status_code == 200
        await hers.until(type="member", user_id=bob.id)
        valve.answering.set()
        assert (await his)["type"] == "ready"


async def test_a_session_that_ended_is_closed_though_the_feed_says_nothing(
    nodes: tuple[Node, Node, Valve],
) -> None:
    one, other, valve = nodes
    alice = await one.sign_up("alice")
    async with alice.socket(node=other) as socket:
        await subscribed(socket, LOBBY_ID)
        valve.opened.clear()
        assert (await alice.http.post("/auth/logout")).status_code == 204
        assert await socket.closed() == 4501
    valve.opened.set()


async def test_who_left_a_room_gets_nothing_of_it_from_a_feed_that_is_late(
    nodes: tuple[Node, Node, Valve], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, valve = nodes
    monkeypatch.setattr("api.feed.LATE_MS", -1)  # every entry counts as late
    monkeypatch.setattr("api.realtime.revocation.FRESH_SECONDS", 0)  # no earlier look is fresh enough
    alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
    room_id = await make_room(alice)
    assert (await bob.http.post(f"/rooms/{room_id}/join")).status_code == 200
    async with alice.socket(node=other) as hers, bob.socket(node=other) as his:
        for socket in (hers, his):
            await subscribed(socket, room_id)
            await subscribed(socket, LOBBY_ID)
        valve.opened.clear()
        message = {"ref": "1", "body": "before he left"}
        assert (await alice.http.post(f"/rooms/{room_id}/messages", json=message)).status_code == 201
        assert (await bob.http.post(f"/rooms/{room_id}/leave")).status_code == 204
        last = {"ref": "2", "body": "last"}
        assert (await alice.http.post(f"/rooms/{LOBBY_ID}/messages", json=last)).status_code == 201
        valve.opened.set()
        seen_by_her, seen_by_him = await rest(hers, "last"), await rest(his, "last")
    assert "before he left" in [event.get("body") for event in seen_by_her]
    assert not [event for event in seen_by_him if event.get("room_id") == room_id and "seq" in event]
    assert {"type": "membership", "room_id": room_id, "role": None} | {
        "reason": "removed",
        "by": None,
    } in seen_by_him


@pytest.mark.parametrize("question", [1, 2, 3])
async def test_who_is_removed_while_they_subscribe_hears_nothing_that_is_said_after_it(
    nodes: tuple[Node, Node, Valve], question: int
) -> None:
    one, other, valve = nodes
    alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
    room_id = await make_room(alice)
    assert (await bob.http.post(f"/rooms/{room_id}/join")).status_code == 200
    epoch = (await alice.http.get(f"/rooms/{room_id}/log")).json()["epoch"]
    has_left = asyncio.Event()
    async with alice.socket(node=other) as hers, bob.socket(node=other) as his:
        await subscribed(hers, LOBBY_ID)

        async def meanwhile() -> None:
            assert (await bob.http.post(f"/rooms/{room_id}/leave")).status_code == 204
            await say(alice, room_id, "after he left")
            has_left.set()

        valve.opened.clear()
        valve.meanwhile, valve.meanwhile_at = meanwhile, question
        await his.call(type="subscribe", room_id=room_id, since={"epoch": epoch, "seq": 1})
        await asyncio.wait_for(has_left.wait(), 10)  # the third question is asked after the ack
        await say(alice, room_id, "and later")
        await say(alice, LOBBY_ID, "the end")
        valve.opened.set()
        await hers.until(body="the end")
        await his.send(type="ping", ref="the end")
        heard = []
        while (event := await his.receive()).get("ref") != "the end":
            heard.append(event.get("body"))
        assert "after he left" not in heard
        assert "and later" not in heard


async def test_who_leaves_during_a_replay_is_given_no_more_of_it(nodes: tuple[Node, Node, Valve]) -> None:
    one, other, valve = nodes
    alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
    room_id = await make_room(alice)
    assert (await bob.http.post(f"/rooms/{room_id}/join")).status_code == 200
    epoch = (await alice.http.get(f"/rooms/{room_id}/log")).json()["epoch"]
    await say(alice, room_id, "before he left")
    has_left = asyncio.Event()
    async with bob.socket(node=other) as his, http_client(other.url, headers=dict(bob.http.headers)) as here:

        async def meanwhile() -> None:
            assert (await here.post(f"/rooms/{room_id}/leave")).status_code == 204
            has_left.set()

        valve.meanwhile, valve.meanwhile_at = meanwhile, 3  # the page of the replay
        await his.send(type="subscribe", ref="1", room_id=room_id, since={"epoch": epoch, "seq": 1})
        await asyncio.wait_for(has_left.wait(), 10)
        await his.send(type="ping", ref="the end")
        heard = []
        while (event := await his.receive()).get("ref") != "the end":
            heard.append(event)
        assert not [event for event in heard if event.get("body") or event["type"] == "live"]


async def test_leaving_ends_the_subscription_before_it_is_answered(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    room_id = await make_room(alice)
    await bob.http.post(f"/rooms/{room_id}/join")
    async with bob.socket() as socket:
        await subscribed(socket, room_id)
        metrics = sqlite_node.client()

        async def has_none() -> bool:
            return "tailwire_subscriptions 0.0" in (await metrics.get("/metrics")).text

        assert not await has_none()
        assert (await bob.http.post(f"/rooms/{room_id}/leave")).status_code == 204
        assert await has_none()
