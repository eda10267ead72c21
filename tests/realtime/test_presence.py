"""Who is online, as those who watch them are told it: on all nodes, at once, and without flapping."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from httpx import AsyncClient

from api.config import Settings
from api.errors import Unavailable
from api.limits.throttles import WATCHES_PER_MINUTE
from api.models.accounts import User
from api.models.presence import NodeUsers
from api.protocol.fields import MAX_WATCHED
from api.realtime import presence as module
from api.realtime.connection import Connection
from api.realtime.hub import Hub
from api.realtime.presence import BEAT_SECONDS, GRACE_SECONDS, Presence
from api.store.base.presence import LIFE_MS, PresenceStore
from tests.node import Node, Person, Socket, eventually, running
from tests.process import serving
from tests.realtime.test_hub import ALICE, BOB, connect, sink_of, waiting
from tests.realtime.test_signals import FakeSignalStore

pytestmark = pytest.mark.anyio

CAROL = User("user-carol", "carol", "Carol", created_at=3)


# -- one node alone, with a clock that the test moves


class World:
    """The rows of all nodes, and the time."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.rows: dict[str, tuple[int, frozenset[str], float]] = {}
        self.is_away = False
        self.put_count = 0


class FakePresenceStore(PresenceStore):
    """A row in the `World`."""

    def __init__(self, world: World, node_id: str) -> None:
        self._world = world
        self._node_id = node_id
        self._users: frozenset[str] = frozenset()
        self._number = 0

    @property
    def node_id(self) -> str:
        return self._node_id

    async def put(self, user_ids: Collection[str]) -> None:
        self._users, self._number = frozenset(user_ids), self._number + 1
        self._world.put_count += 1
        await self.beat()

    async def beat(self) -> None:
        if self._world.is_away:
            raise Unavailable
        self._world.rows[self._node_id] = (self._number, self._users, self._world.now)

    async def others(self, known: Mapping[str, int]) -> list[NodeUsers]:
        if self._world.is_away:
            raise Unavailable
        ages = {
            node_id: int((self._world.now - at) * 1000) for node_id, (_, _, at) in self._world.rows.items()
        }
        return [
            NodeUsers(node_id, number, ages[node_id], None if known.get(node_id) == number else users)
            for node_id, (number, users, _) in self._world.rows.items()
            if node_id != self._node_id and ages[node_id] <= LIFE_MS
        ]


class OneNode:
    """A hub with its presence. `step` lets it do what is due."""

    def __init__(self, world: World, node_id: str) -> None:
        self.hub = Hub(connections_per_user=3)
        self.presence = Presence(
            FakePresenceStore(world, node_id), FakeSignalStore(), self.hub, clock=lambda: world.now
        )


class Cluster:
    """Some nodes. Time passes in steps of a second, in which each living node does what is due."""

    def __init__(self, *node_ids: str) -> None:
        self.world = World()
        self.nodes = {node_id: OneNode(self.world, node_id) for node_id in node_ids}

    async def pass_by(self, seconds: float, *, without: str = "") -> None:
        for _ in range(round(seconds)):
            self.world.now += 1
            for node_id, node in self.nodes.items():
                if node_id != without:
                    await node.presence.step()


def told(connection: Connection) -> list[tuple[str, bool]]:
    """Return what a connection was told since the last call."""
    events = [(event["user_id"], event["online"]) for event in waiting(connection)]
    sink_of(connection).written.clear()
    return events


@pytest.fixture
def two() -> Cluster:
    return Cluster("one", "two")


async def test_who_watches_is_told_how_it_is_and_how_it_changes_on_every_node(two: Cluster) -> None:
    one, other = two.nodes["one"], two.nodes["two"]
    here, there = connect(one.hub, BOB), connect(other.hub, CAROL)
    for node, watching in ((one, here), (other, there)):
        node.presence.watch(watching, [ALICE.id])
        assert told(watching) == [(ALICE.id, False)]
    socket = connect(one.hub, ALICE)
    assert told(here) == [(ALICE.id, True)]
    await two.pass_by(BEAT_SECONDS + 1)  # no signal has told the other node that there is something to read
    assert told(there) == [(ALICE.id, True)]
    assert other.presence.is_online(ALICE.id)
    one.hub.remove(socket)
    await two.pass_by(GRACE_SECONDS - 1)
    assert told(here) == told(there) == []
    await two.pass_by(BEAT_SECONDS + 2)
    assert told(here) == told(there) == [(ALICE.id, False)]
    assert not other.presence.is_online(ALICE.id)


async def test_nobody_is_told_of_others_than_whom_they_watch_last(two: Cluster) -> None:
    one = two.nodes["one"]
    watching = connect(one.hub, BOB)
    one.presence.watch(watching, [ALICE.id, CAROL.id])
    one.presence.watch(watching, [CAROL.id])
    told(watching)
    connect(one.hub, ALICE)
    connect(one.hub, CAROL)
    assert told(watching) == [(CAROL.id, True)]
    one.presence.watch(watching, [])
    assert told(watching) == []
    assert one.presence.watch_count == 0


async def test_who_comes_back_within_the_grace_never_went(two: Cluster) -> None:
    one, other = two.nodes["one"], two.nodes["two"]
    watching = connect(one.hub, BOB)
    socket = connect(one.hub, ALICE)
    one.presence.watch(watching, [ALICE.id])
    await two.pass_by(6)
    told(watching)
    for hub in (one.hub, other.hub, other.hub, one.hub) * 3:
        socket_before, socket = socket, connect(hub, ALICE)
        for node in (one, other):
            node.hub.remove(socket_before)
        await two.pass_by(GRACE_SECONDS / 2)
    assert told(watching) == []


async def test_the_users_of_a_dead_node_go_within_the_grace_and_those_who_came_elsewhere_stay(
    two: Cluster,
) -> None:
    one, other = two.nodes["one"], two.nodes["two"]
    watching = connect(one.hub, BOB)
    for user in (ALICE, CAROL):
        connect(other.hub, user)
    one.presence.watch(watching, [ALICE.id, CAROL.id])
    told(watching)
    await two.pass_by(10)
    assert sorted(told(watching)) == [(ALICE.id, True), (CAROL.id, True)]
    connect(one.hub, CAROL)  # the node dies now, and she comes to this one
    await two.pass_by(LIFE_MS / 1000 - BEAT_SECONDS, without="two")
    assert told(watching) == []
    await two.pass_by(GRACE_SECONDS - LIFE_MS / 1000 + BEAT_SECONDS, without="two")
    assert told(watching) == [(ALICE.id, False)]
    await two.pass_by(60, without="two")
    assert told(watching) == []
    assert one.presence.online_count == 2


async def test_2000_who_reconnect_at_once_change_nothing() -> None:
    cluster = Cluster("one", "two", "three")
    one, other, third = cluster.nodes.values()
    users = [User(f"user-{n}", f"name{n}", "", created_at=1) for n in range(2_000)]
    sockets = [connect(other.hub, user) for user in users]
    watching = connect(one.hub, BOB)
    one.presence.watch(watching, [user.id for user in users[:MAX_WATCHED]])
    told(watching)
    await cluster.pass_by(6)
    told(watching)
    puts, changes = cluster.world.put_count, one.presence.change_count
    for number, (socket, user) in enumerate(zip(sockets, users, strict=True)):
        other.hub.remove(socket)
        if number % 500 == 1:
            await third.presence.step()
        connect((other, third)[number % 2].hub, user)
    await cluster.pass_by(3 * GRACE_SECONDS)
    assert told(watching) == []
    assert one.presence.change_count == changes
    assert one.presence.online_count == 2_001
    assert cluster.world.put_count - puts <= 6  # for a thousand who came and a thousand who went


async def test_while_the_store_is_away_nobody_goes_and_then_the_others_get_time_to_beat(two: Cluster) -> None:
    one, other = two.nodes["one"], two.nodes["two"]
    watching = connect(one.hub, BOB)
    connect(other.hub, ALICE)
    one.presence.watch(watching, [ALICE.id])
    told(watching)
    await two.pass_by(10)
    assert told(watching) == [(ALICE.id, True)]
    two.world.is_away = True
    await two.pass_by(120)
    two.world.is_away = False
    await one.presence.step()  # the other has not beaten yet
    await two.pass_by(60)
    assert told(watching) == []
    await two.pass_by(GRACE_SECONDS + 2 * BEAT_SECONDS, without="two")
    assert told(watching) == [(ALICE.id, False)]


async def test_a_node_stores_its_users_at_most_once_a_second(two: Cluster) -> None:
    one = two.nodes["one"]
    await two.pass_by(2)
    before = two.world.put_count
    for number in range(300):
        connect(one.hub, User(f"user-{number}", f"name{number}", "", created_at=1))
        two.world.now += 0.01
        await one.presence.step()
    assert two.world.put_count - before <= 4


async def test_a_connection_that_is_behind_is_told_later_and_only_how_it_is_then(two: Cluster) -> None:
    one = two.nodes["one"]
    busy = connect(one.hub, BOB)
    busy.ack("1")
    one.presence.watch(busy, [ALICE.id, CAROL.id])
    connect(one.hub, ALICE)
    assert [event["type"] for event in waiting(busy)] == ["ack"]
    sink_of(busy).written.clear()
    await two.pass_by(1)
    assert told(busy) == [(ALICE.id, True), (CAROL.id, False)]
    await two.pass_by(1)
    assert told(busy) == []


async def test_a_connection_that_has_closed_leaves_nothing(two: Cluster) -> None:
    one = two.nodes["one"]
    gone = connect(one.hub, BOB)
    one.presence.watch(gone, [ALICE.id])
    one.hub.remove(gone)
    one.presence.watch(gone, [ALICE.id])
    assert one.presence.watch_count == 0
    await two.pass_by(GRACE_SECONDS + 1)
    assert one.presence.online_count == 0
    kept = (one.presence._watched, one.presence._owed, one.presence._gone_at, one.presence._here)
    assert not any(kept)


# -- real nodes


async def presence_of(socket: Socket, person: Person) -> bool:
    return bool((await socket.until(type="presence", user_id=person.id))["online"])


async def are_online(http: AsyncClient, people: list[Person]) -> bool:
    """Say whether lists of users and of members, and the users themselves, tell that these are online."""
    found = []
    for person in people:
        (user,) = (await http.get("/users", params={"q": person.username})).json()["items"]
        found += [user, (await http.get(f"/users/{person.id}")).json()]
    found += (await http.get("/rooms/lobby/members")).json()["items"]
    return all(one["online"] for one in found)


async def test_two_nodes_tell_at_once_who_comes_and_both_know_it_when_asked(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 3.0)
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.2)
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as two:
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        async with bob.socket(node=two) as watching:
            await watching.send(type="watch", user_ids=[alice.id, "nobody"], ref="w")
            assert [await watching.receive() for _ in range(3)] == [
                {"type": "presence", "user_id": alice.id, "online": False},
                {"type": "presence", "user_id": "nobody", "online": False},
                {"type": "ack", "ref": "w"},
            ]
            async with alice.socket(node=one):
                async with asyncio.timeout(2):
                    assert await presence_of(watching, alice)
                for node in (one, two):
                    http = node.client(Authorization=f"Bearer {bob.access_token}")
                    await eventually(partial(are_online, http, [alice, bob]), 2)
            assert not await presence_of(watching, alice)
            assert not (await bob.http.get(f"/users/{alice.id}")).json()["online"]


async def test_a_node_that_is_killed_takes_its_users_with_it(tmp_path: Path) -> None:
    setup = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}
    async with serving(setup, tmp_path) as one, serving(setup, tmp_path) as two:
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        async with bob.socket(node=one) as watching, AsyncExitStack() as stack:
            await stack.enter_async_context(alice.socket(node=two))
            await watching.send(type="watch", user_ids=[alice.id])
            while not await presence_of(watching, alice):
                pass
            assert two.process is not None
            two.process.kill()
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(GRACE_SECONDS + 5):
                while True:
                    event = await watching.raw.recv()
                    if '"presence"' in str(event):
                        break
            assert '"online":false' in str(event)
            assert asyncio.get_running_loop().time() - began > GRACE_SECONDS - BEAT_SECONDS - 1


# -- bad input


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({}, "invalid"),
        ({"user_ids": "alice"}, "invalid"),
        ({"user_ids": [7]}, "invalid"),
        ({"user_ids": ["a b"]}, "invalid"),
        ({"user_ids": [f"user-{n}" for n in range(MAX_WATCHED + 1)]}, "invalid"),
        ({"user_ids": [], "room_id": "lobby"}, "extra_forbidden"),
    ],
)
async def test_a_watch_that_makes_no_sense_is_refused_and_changes_nothing(
    sqlite_node: Node, command: dict[str, object], code: str
) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        await socket.call(type="watch", user_ids=[alice.id])
        assert (await socket.call(type="watch", **command))["code"] == code
        metrics = (await sqlite_node.client().get("/metrics")).text
        assert "tailwire_watches 1.0" in metrics


async def test_whom_one_watches_is_not_changed_too_often(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        answers = Counter[str]()
        for _ in range(WATCHES_PER_MINUTE + 1):
            answers[(await socket.call(type="watch", user_ids=[])).get("code", "ack")] += 1
        assert answers == {"ack": WATCHES_PER_MINUTE, "rate_limited": 1}


async def test_metrics_say_who_is_online_and_who_is_told(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    async with alice.socket() as socket:
        await socket.call(type="watch", user_ids=[alice.id, bob.id])
        async with bob.socket():
            while not await presence_of(socket, bob):
                pass

            async def is_known() -> bool:
                text = (await sqlite_node.client().get("/metrics")).text
                return "tailwire_known_memberships 2.0" in text

            await eventually(is_known)
            text = (await sqlite_node.client().get("/metrics")).text
            for line in (
                "tailwire_online_users 2.0",
                "tailwire_watches 2.0",
                'tailwire_offers_total{event="presence"} 3.0',
                "tailwire_presence_changes_total 2.0",
            ):
                assert line in text
