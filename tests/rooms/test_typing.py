"""Who is typing in a room, as the others there are told it. Who may tell it is in tests/rooms/test_policy.py."""

from collections import Counter

import pytest

from api.config import Settings
from api.limits.throttles import TYPING_SECONDS
from api.models.changes import Typed
from api.models.rooms import LOBBY_ID
from api.realtime.hub import Hub
from api.realtime.signals import TYPISTS, TYPISTS_SECONDS, Signals
from tests.limits.test_throttles import ManualClock, clock  # noqa: F401  a fixture
from tests.node import Node, running
from tests.realtime.test_hub import BOB, connect, sink_of, waiting
from tests.realtime.test_signals import FakeSignalStore, nothing_more, sockets
from tests.rooms.test_rooms import make_room

pytestmark = pytest.mark.anyio


async def test_the_others_who_are_subscribed_are_told_on_all_nodes(store_url: str) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as two:
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        opened = ((alice, one), (alice, two), (bob, one), (bob, two), (bob, two))
        async with sockets(*opened) as (by, mine, here, there, unsubscribed):
            for socket in (by, mine, here, there):
                assert (await socket.call(type="subscribe", room_id=LOBBY_ID))["type"] == "ack"
                await socket.until(type="live")
            assert (await by.call(type="typing", room_id=LOBBY_ID))["type"] == "ack"
            told = {"type": "typing", "room_id": LOBBY_ID, "user_id": alice.id, "username": "alice"}
            assert await here.receive() == await there.receive() == told
            for socket in (by, mine, unsubscribed):
                await nothing_more(socket)


@pytest.mark.usefixtures("clock")
async def test_a_user_tells_it_at_most_once_in_some_seconds(
    clock: ManualClock,  # noqa: F811
    sqlite_node: Node,
) -> None:
    alice = await sqlite_node.sign_up("alice")
    room_id = (await make_room(alice))["id"]
    async with alice.socket() as socket:
        assert (await socket.call(type="typing", room_id=LOBBY_ID))["type"] == "ack"
        refused = await socket.call(type="typing", room_id=room_id)
        assert (refused["code"], refused["retry_after_seconds"]) == ("rate_limited", 3)
        clock.now += TYPING_SECONDS
        assert (await socket.call(type="typing", room_id=room_id))["type"] == "ack"


def test_of_many_who_type_at_once_a_room_is_told_of_some() -> None:
    hub, now = Hub(connections_per_user=3), 100.0
    signals = Signals(hub, FakeSignalStore(), clock=lambda: now)
    bob = connect(hub, BOB)
    hub.subscribe(bob, "den")
    assert hub.go_live(bob, "den", 0)
    hub.subscribe(bob, "attic")
    assert hub.go_live(bob, "attic", 0)
    told = Counter[str]()

    def hear(room_id: str, number: int) -> None:
        signals.hear(Typed(room_id, f"user-{number}", f"name{number}"))
        told[room_id] += len(waiting(bob))
        sink_of(bob).written.clear()

    for number in range(1_000):
        hear("den", number)
    hear("attic", 1)
    assert told == {"den": TYPISTS, "attic": 1}
    now += TYPISTS_SECONDS
    hear("den", 1)
    assert told["den"] == TYPISTS + 1


def test_nobody_is_told_while_removals_from_the_room_may_be_missed() -> None:
    hub = Hub(connections_per_user=3)
    signals = Signals(hub, FakeSignalStore())
    bob = connect(hub, BOB)
    hub.subscribe(bob, "den")
    assert hub.go_live(bob, "den", 0)
    hub.is_fed = False
    signals.hear(Typed("den", "user-1", "name1"))
    assert waiting(bob) == []
