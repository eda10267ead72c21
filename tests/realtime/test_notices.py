"""Notices of rooms to which a connection is not subscribed: of all that it may know of, and of nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from api.config import Settings
from api.models.accounts import User
from api.models.changes import Grown, everybody_by
from api.realtime.hub import Hub
from api.realtime.notices import MAX_USERS, SPACING_SECONDS, Notices
from tests.node import Event, Node, Person, Socket, eventually, running
from tests.realtime.test_hub import ALICE, BOB, connect, sink_of, waiting
from tests.realtime.test_signals import nothing_more
from tests.rooms.test_rooms import make_room, say, seen_room

pytestmark = pytest.mark.anyio


# -- alone, with a clock that the test moves


class FakeMembers:
    """Says in which rooms users are. `during` is called while it is asked."""

    def __init__(self) -> None:
        self.rooms: dict[str, list[str]] = {}
        self.asked: list[int] = []
        self.during: Any = lambda: None

    async def rooms_of(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        self.asked.append(len(user_ids))
        answer = {user_id: list(self.rooms.get(user_id, ())) for user_id in user_ids}
        self.during()
        return answer


class FakeBlocks:
    """Says who has blocked a user."""

    def __init__(self) -> None:
        self.blockers: dict[str, frozenset[str]] = {}

    async def blockers_of(self, user_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        return {one: self.blockers[one] for one in user_ids if one in self.blockers}


class Scene:
    """A hub and its notices."""

    def __init__(self) -> None:
        self.now = 100.0
        self.members = FakeMembers()
        self.hub = Hub(connections_per_user=3)
        self.blocks = FakeBlocks()
        self.notices = Notices(self.members, self.blocks, self.hub, clock=lambda: self.now)  # type: ignore[arg-type]

    def grow(self, seq: int, *mentioned: str, room_id: str = "den", messages: int = 1) -> None:
        self.notices.wake(Grown(room_id, "e", seq, messages, frozenset(mentioned)))


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.members.rooms = {ALICE.id: ["den"], BOB.id: ["den", "attic"]}
    return made


def told(connection: Any) -> list[tuple[str, int, bool]]:
    events = [(one["room_id"], one["seq"], one["mention"]) for one in waiting(connection)]
    sink_of(connection).written.clear()
    return events


async def test_who_is_mentioned_is_told_so_and_a_subscription_needs_no_notice(scene: Scene) -> None:
    alice, bob, subscribed = connect(scene.hub), connect(scene.hub, BOB), connect(scene.hub, BOB, "another")
    await scene.notices.learn()
    scene.hub.subscribe(subscribed, "den")
    scene.grow(7, ALICE.id)
    assert (told(alice), told(bob), told(subscribed)) == ([("den", 7, True)], [("den", 7, False)], [])
    scene.now += SPACING_SECONDS
    scene.grow(8, everybody_by("carol"))
    await scene.notices.tell_all()
    assert (told(alice), told(bob)) == ([("den", 8, True)], [("den", 8, True)])


async def test_who_mentions_everybody_mentions_neither_those_who_have_blocked_them_nor_themselves(
    scene: Scene,
) -> None:
    alice, bob = connect(scene.hub), connect(scene.hub, BOB)
    await scene.notices.learn()
    scene.blocks.blockers = {"carol": frozenset({ALICE.id})}
    scene.grow(7, everybody_by("carol"))
    await scene.notices.tell_all()
    assert (told(alice), told(bob)) == ([("den", 7, False)], [("den", 7, True)])
    scene.now += SPACING_SECONDS
    scene.grow(8, everybody_by(BOB.id))
    await scene.notices.tell_all()
    assert (told(alice), told(bob)) == ([("den", 8, True)], [("den", 8, False)])


async def test_what_is_no_message_is_no_notice(scene: Scene) -> None:
    alice = connect(scene.hub)
    await scene.notices.learn()
    scene.grow(7, messages=0)
    scene.grow(7, room_id="elsewhere")
    assert told(alice) == []


async def test_of_a_room_a_connection_is_told_at_most_once_a_second_and_the_last_is_not_lost(
    scene: Scene,
) -> None:
    alice = connect(scene.hub)
    await scene.notices.learn()
    for seq in range(1, 50):
        scene.grow(seq, *([ALICE.id] if seq == 20 else []))
        scene.now += SPACING_SECONDS / 100
    assert told(alice) == [("den", 1, False)]
    scene.now += SPACING_SECONDS
    scene.notices.tell_due()
    assert told(alice) == [("den", 49, True)]
    scene.now += SPACING_SECONDS
    scene.notices.tell_due()
    assert told(alice) == []


async def test_what_grows_while_rooms_are_asked_for_is_told_when_they_are_known(scene: Scene) -> None:
    alice = connect(scene.hub)
    scene.grow(7)
    scene.grow(9, ALICE.id)
    scene.grow(3, room_id="attic")
    assert told(alice) == []
    scene.members.during = lambda: scene.grow(10)
    await scene.notices.learn()
    assert told(alice) == [("den", 10, True)]
    assert not scene.notices._unheard


async def test_who_is_removed_while_their_rooms_are_asked_for_is_told_nothing(scene: Scene) -> None:
    alice = connect(scene.hub)
    scene.grow(7)

    def remove() -> None:
        scene.hub.leave("den", ALICE.id)
        scene.grow(8)

    scene.members.during = remove
    await scene.notices.learn()
    scene.now += SPACING_SECONDS
    scene.notices.tell_due()
    assert told(alice) == []


async def test_after_the_feed_was_away_nobody_is_told_by_what_was_known_before(scene: Scene) -> None:
    alice, bob = connect(scene.hub), connect(scene.hub, BOB)
    await scene.notices.learn()
    scene.members.rooms[ALICE.id] = []  # removed while the feed was away
    scene.notices.compare()
    scene.grow(7)
    assert (told(alice), told(bob)) == ([], [])
    await scene.notices.learn()
    assert (told(alice), told(bob)) == ([], [("den", 7, False)])


async def test_the_rooms_of_many_users_are_asked_for_in_slices(scene: Scene) -> None:
    for number in range(2 * MAX_USERS + 1):
        connect(scene.hub, User(f"user-{number}", f"name{number}", "", created_at=1))
    await scene.notices.learn()
    await scene.notices.learn()
    assert scene.members.asked == [MAX_USERS, MAX_USERS, 1]


# -- real nodes


@asynccontextmanager
async def ready(*opened: tuple[Person, Node]) -> AsyncIterator[list[Socket]]:
    """Open sockets of these people, and wait until their rooms are known to the nodes."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(person.socket(node=node)) for person, node in opened]
        for node in {id(node): node for _, node in opened}.values():
            await eventually(lambda node=node: are_known(node))  # type: ignore[misc]
        yield sockets


async def are_known(node: Node) -> bool:
    text = (await node.client().get("/metrics")).text
    return "tailwire_known_memberships 0.0" not in text


async def notice(socket: Socket, room_id: str) -> Event:
    return await socket.until(type="notice", room_id=room_id)


async def test_a_room_without_a_subscription_is_told_of_on_both_nodes_and_asked_for(store_url: str) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as two:
        alice, bob, carol = [await one.sign_up(name) for name in ("alice", "bob", "carol")]
        room = await make_room(alice, "Den", "private")
        room_id = room["id"]
        assert (
            await alice.http.put(f"/rooms/{room_id}/members/{bob.id}", json={"role": "member"})
        ).is_success
        async with ready((bob, one), (bob, two), (carol, two), (bob, two)) as (here, there, his, live):
            await live.call(type="subscribe", room_id=room_id)
            seq = await say(alice, room_id, "hello @bob")
            wanted = {
                "type": "notice",
                "room_id": room_id,
                "epoch": room["epoch"],
                "seq": seq,
                "mention": True,
            }
            assert await notice(here, room_id) == await notice(there, room_id) == wanted
            assert (await live.until(type="message"))["seq"] == seq
            await nothing_more(live)
            await nothing_more(his)
            seen = await seen_room(bob, room_id)
            assert (seen["unread_count"], seen["mention_count"]) == (1, 1)


async def test_who_joins_is_told_from_then_on_and_who_is_removed_no_more(store_url: str) -> None:
    settings = Settings(store=store_url, sends_burst=100)
    async with running(settings) as one, running(settings) as two:
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        room_id = (await make_room(alice, "Den", "private"))["id"]
        place = f"/rooms/{room_id}/members/{bob.id}"
        async with ready((bob, one), (bob, two)) as sockets:
            assert (await alice.http.put(place, json={"role": "member"})).is_success
            for socket in sockets:
                await socket.until(type="membership", room_id=room_id)
            seq = await say(alice, room_id, "one")
            for socket in sockets:
                assert (await notice(socket, room_id))["seq"] == seq
            assert (await alice.http.delete(place)).is_success
            await say(alice, room_id, "two")
            await say(alice, "lobby", "the end")
            for socket in sockets:
                heard = []
                while (event := await socket.receive()) != {**event, "type": "notice", "room_id": "lobby"}:
                    heard.append(event)
                ended = next(n for n, event in enumerate(heard) if event.get("role", 0) is None)
                assert [event for event in heard[ended:] if event["type"] == "notice"] == []


@pytest.mark.settings(sends_burst=1_000)
async def test_a_removal_that_is_answered_ends_notices_on_its_node_at_once(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    after: set[tuple[str, int]] = set()
    async with ready((bob, sqlite_node)) as (socket,):
        for number in range(90):
            room_id = (await make_room(alice, f"Den {number}", "private"))["id"]
            place = f"/rooms/{room_id}/members/{bob.id}"
            assert (await alice.http.put(place, json={"role": "member"})).is_success
            told_of = await say(alice, room_id, f"one {number}")
            assert (await notice(socket, room_id))["seq"] == told_of
            assert (await alice.http.delete(place)).is_success
            after.add((room_id, await say(alice, room_id, f"two {number}")))
        await say(alice, "lobby", "the end")
        heard: list[Event] = []
        while not heard or heard[-1].get("room_id") != "lobby":
            heard.append(await socket.receive())
        assert not {(event["room_id"], event.get("seq", 0)) for event in heard} & after
