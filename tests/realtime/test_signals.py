"""What users are told of what may be lost: where they have read on elsewhere, and how others are called now."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from api.config import Settings
from api.feed import Feed
from api.limits.throttles import PROFILES_PER_MINUTE
from api.models.changes import ProfileChanged, ReadMoved, Typed
from api.models.rooms import LOBBY_ID
from api.realtime.connection import MAX_BACKLOG_EVENTS, Connection
from api.realtime.hub import Hub
from api.realtime.presence import Presence
from api.realtime.revocation import Revocation
from api.realtime.signals import Signals
from api.store.base.signals import SignalStore
from api.store.base.store import Store
from tests.node import Node, Person, Socket, running
from tests.process import serving
from tests.realtime.test_hub import ALICE, BOB, connect, waiting
from tests.rooms.test_rooms import make_room, say, seen_room

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def sockets(*opened: tuple[Person, Node]) -> AsyncIterator[list[Socket]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(person.socket(node=node)) for person, node in opened]


async def nothing_more(socket: Socket) -> None:
    """Require that nothing was told before a pong."""
    await socket.send(type="ping")
    assert (await socket.receive())["type"] == "pong"


# -- read


async def test_who_reads_in_one_place_is_told_in_all_others_and_nobody_else_is(store_url: str) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as two:
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        seq = await say(bob, LOBBY_ID, "hello")
        epoch = (await seen_room(alice, LOBBY_ID))["epoch"]
        told = {"type": "read", "room_id": LOBBY_ID, "user_id": alice.id, "username": "alice", "epoch": epoch}
        async with sockets((alice, one), (alice, one), (alice, two), (bob, two)) as (by, here, there, his):
            await by.send(type="read", room_id=LOBBY_ID, seq=seq, epoch=epoch, ref="1")
            assert (await by.receive())["type"] == "ack"
            assert await here.receive() == told | {"read_seq": seq}
            async with asyncio.timeout(1):
                assert await there.receive() == told | {"read_seq": seq}
            await nothing_more(by)
            # Over HTTP, and back, every connection is told; a mark that moves nothing tells nobody.
            for mark in ({"seq": seq}, {"seq": seq - 1, "back": True}):
                assert (await alice.http.put(f"/rooms/{LOBBY_ID}/read", json=mark)).status_code == 204
            for socket in (by, here, there):
                assert await socket.receive() == told | {"read_seq": seq - 1}
                await nothing_more(socket)
            await nothing_more(his)


async def test_processes_that_share_a_file_tell_each_other_what_was_read(tmp_path: Path) -> None:
    setup = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}
    async with serving(setup, tmp_path) as one, serving(setup, tmp_path) as two:
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        seq = await say(bob, LOBBY_ID, "hello")
        async with alice.socket(node=two) as there:
            assert (await alice.http.put(f"/rooms/{LOBBY_ID}/read", json={"seq": seq})).status_code == 204
            assert (await there.until(type="read"))["read_seq"] == seq


async def test_a_mark_of_another_epoch_is_told_to_nobody(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    seq = await say(bob, LOBBY_ID, "hello")
    async with sockets((alice, sqlite_node), (alice, sqlite_node)) as (by, other):
        assert (await by.call(type="read", room_id=LOBBY_ID, seq=seq, epoch="another"))["code"] == "reset"
        await nothing_more(other)


# -- profiles


async def test_everybody_who_is_connected_is_told_of_another_name(store_url: str) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as two:
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        async with sockets((alice, one), (bob, one), (bob, two)) as opened:
            told = {"type": "user", "user_id": alice.id, "username": "alice", "avatar": None}
            for change, shown in (
                ({"display_name": "Alice B."}, {"status_text": "", "time_zone": None}),
                ({"status_text": " at lunch ", "time_zone": "Asia/Calcutta"}, {"status_text": "at lunch"}),
                ({"time_zone": None}, {"status_text": "at lunch", "time_zone": None}),
                ({"status_text": ""}, {"status_text": "", "time_zone": None}),
            ):
                assert (await alice.http.patch("/users/me", json=change)).status_code == 200
                wanted = told | {"display_name": "Alice B.", "time_zone": "Asia/Calcutta"} | shown
                for socket in opened:
                    assert await socket.receive() == wanted
            seen = (await bob.http.get(f"/users/{alice.id}")).json()
            assert (seen["status_text"], seen["time_zone"]) == ("", None)


async def test_a_name_is_not_changed_more_often_than_others_can_be_told(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")

    async def rename(name: str) -> int:
        return (await alice.http.patch("/users/me", json={"display_name": name})).status_code

    assert [await rename(f"Alice {n}") for n in range(PROFILES_PER_MINUTE)] == [200] * PROFILES_PER_MINUTE
    assert await rename("Alice again") == 429
    assert (await alice.http.get("/users/me")).json()["display_name"] == f"Alice {PROFILES_PER_MINUTE - 1}"


async def test_who_joins_is_told_of_with_the_name_under_which_they_are_shown(
    alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice))["id"]
    await bob.http.patch("/users/me", json={"display_name": "Bob the Builder"})
    async with alice.socket() as socket:
        await socket.call(type="subscribe", room_id=room_id)
        await bob.http.post(f"/rooms/{room_id}/join")
        joined = await socket.until(type="member")
        assert (joined["username"], joined["display_name"]) == ("bob", "Bob the Builder")
        assert "was" not in joined
        await bob.http.post(f"/rooms/{room_id}/leave")
        left = await socket.until(type="member")
        assert (left["role"], left["was"], left["display_name"]) == (None, "member", "Bob the Builder")


# -- memberships


async def test_one_is_told_what_has_happened_to_a_membership_and_by_whom(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    place = f"/rooms/{room_id}/members/{bob.id}"
    async with bob.socket() as socket:

        async def told() -> tuple[str | None, str, str]:
            event = await socket.until(type="membership", room_id=room_id)
            assert event.keys() == {"type", "room_id", "role", "reason", "by"}
            return event["role"], event["reason"], event["by"]

        await bob.http.post(f"/rooms/{room_id}/join")
        assert await told() == ("member", "joined", bob.id)
        await alice.http.put(place, json={"role": "moderator"})
        assert await told() == ("moderator", "role", alice.id)
        await alice.http.delete(place)
        assert await told() == (None, "removed", alice.id)
        await alice.http.put(place, json={"role": "member"})
        assert await told() == ("member", "added", alice.id)
        await bob.http.post(f"/rooms/{room_id}/leave")
        assert await told() == (None, "left", bob.id)


# -- what may be lost


class FakeSignalStore(SignalStore):
    """Sends nothing."""

    sent_count = dropped_count = 0

    def send(self, signal: object) -> None:
        pass


@pytest.fixture
def hub() -> Hub:
    return Hub(connections_per_user=3)


def test_a_connection_that_has_not_taken_everything_goes_without_and_is_not_closed(hub: Hub) -> None:
    signals = Signals(hub, FakeSignalStore())
    idle, busy = connect(hub), connect(hub)
    busy.ack("1")
    for number in range(2 * MAX_BACKLOG_EVENTS):
        signals.hear(ReadMoved("den", ALICE.id, "alice", "e", number + 1))
    assert [event["type"] for event in waiting(busy)] == ["ack"]
    assert [event["type"] for event in waiting(idle)] == ["read"]  # nothing takes what is written here
    assert busy.is_open


def test_a_signal_reaches_whom_it_concerns(hub: Hub) -> None:
    signals = Signals(hub, FakeSignalStore())
    mine, also_mine, his = connect(hub), connect(hub), connect(hub, BOB)
    signals.tell(ReadMoved("den", ALICE.id, "alice", "e", 1), mine)
    assert [len(waiting(one)) for one in (mine, also_mine, his)] == [0, 1, 0]
    signals.tell(ProfileChanged(BOB.id, "bob", "Bobby", "", ""))
    assert [len(waiting(one)) for one in (mine, also_mine, his)] == [1, 1, 1]
    assert signals.counts() == {"sent": 0, "dropped": 0, "offered": 4}


def test_who_types_is_told_to_nobody_whose_subscription_may_still_be_refused(hub: Hub) -> None:
    signals = Signals(hub, FakeSignalStore())
    his = connect(hub, BOB)
    hub.subscribe(his, "den")
    signals.hear(Typed("den", ALICE.id, "alice"))
    assert waiting(his) == []
    assert hub.go_live(his, "den", 0)
    signals.hear(Typed("den", ALICE.id, "alice"))
    assert [event["type"] for event in waiting(his)] == ["typing"]


class Unheard(ReadMoved):
    """A change that the feed has no handler for."""


async def test_a_change_that_nobody_handles_is_logged_once_and_ends_nothing(store: Store, hub: Hub) -> None:
    mine: Connection = connect(hub)
    signals = Signals(hub, store.signals)
    presence = Presence(store.presence, store.signals, hub)
    feed = Feed(store, hub, Revocation(store, hub), signals, presence=presence)
    with capture_logs() as logs:
        for _ in range(2):
            await feed._apply(
                [Unheard("den", ALICE.id, "a", "e", 1), ReadMoved("den", ALICE.id, "a", "e", 1)]
            )
    assert [log["type"] for log in logs if log["event"] == "change_unhandled"] == ["Unheard"]
    assert [event["type"] for event in waiting(mine)] == ["read"]
