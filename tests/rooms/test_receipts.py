"""How far the members of a room have read, as the others there are told it."""

import pytest

from api.config import Settings
from api.models.changes import ReceiptRaised
from api.realtime import signals
from api.realtime.hub import Hub
from api.realtime.signals import RECEIPT_SECONDS, Signals
from api.rooms import receipts
from tests.node import Node, Person, running
from tests.realtime.test_hub import BOB, connect, sink_of, waiting
from tests.realtime.test_signals import FakeSignalStore, nothing_more, sockets
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio


async def shown(person: Person, room_id: str) -> dict[str, int | None]:
    """Return how far the members have read, as a list of them tells it."""
    members = (await person.http.get(f"/rooms/{room_id}/members")).json()["items"]
    return {member["username"]: member["read_seq"] for member in members}


async def read(person: Person, room_id: str, seq: int, *, back: bool = False) -> None:
    answer = await person.http.put(f"/rooms/{room_id}/read", json={"seq": seq, "back": back})
    assert answer.status_code == 204


async def test_the_others_in_a_room_are_told_on_all_nodes_and_see_it_in_the_list(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "RECEIPT_SECONDS", 0.0)
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as two:
        alice, bob, carol = [await one.sign_up(name) for name in ("alice", "bob", "carol")]
        room = await make_room(alice)
        room_id = room["id"]
        for person in (bob, carol):
            assert (await person.http.post(f"/rooms/{room_id}/join")).is_success
        seq = await say(alice, room_id, "hello")
        opened = ((bob, one), (alice, one), (carol, two), (carol, two))
        async with sockets(*opened) as (mine, here, there, unsubscribed):
            for socket in (mine, here, there):
                await socket.call(type="subscribe", room_id=room_id)
                await socket.until(type="live")
            await read(bob, room_id, seq)
            told = {
                "type": "read",
                "room_id": room_id,
                "user_id": bob.id,
                "username": "bob",
                "epoch": room["epoch"],
                "read_seq": seq,
            }
            for socket in (mine, here, there):
                assert await socket.receive() == told
                await nothing_more(socket)
            await nothing_more(unsubscribed)
            # A receipt does not fall: only bob's own connections are told that he went back.
            await read(bob, room_id, seq - 1, back=True)
            assert await mine.receive() == told | {"read_seq": seq - 1}
            await read(bob, room_id, seq)
            assert await mine.receive() == told
            for socket in (mine, here, there):
                await nothing_more(socket)
        assert await shown(alice, room_id) == {"alice": 1, "bob": seq, "carol": seq - 1}
        await read(bob, room_id, 2, back=True)
        assert (await shown(alice, room_id))["bob"] == seq


async def test_in_large_rooms_nobody_is_told(sqlite_node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "MOST_MEMBERS", 2)
    alice, bob, carol = [await sqlite_node.sign_up(name) for name in ("alice", "bob", "carol")]
    room_id = (await make_room(alice))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    seq = await say(alice, room_id, "hello")
    async with sockets((alice, sqlite_node)) as (socket,):
        await socket.call(type="subscribe", room_id=room_id)
        await socket.until(type="live")
        await read(bob, room_id, seq)
        assert (await socket.receive())["read_seq"] == seq
        assert await shown(bob, room_id) == {"alice": 1, "bob": seq}
        await carol.http.post(f"/rooms/{room_id}/join")
        assert (await socket.receive())["type"] == "member"
        await read(bob, room_id, seq + 1)
        await read(carol, room_id, seq, back=True)
        await nothing_more(socket)
        assert set((await shown(bob, room_id)).values()) == {None}


@pytest.mark.settings(receipts=False)
async def test_where_they_are_off_nobody_is_told_and_the_server_says_so(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    room_id = (await make_room(alice))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    seq = await say(alice, room_id, "hello")
    async with sockets((alice, sqlite_node), (bob, sqlite_node)) as (socket, mine):
        await socket.call(type="subscribe", room_id=room_id)
        await socket.until(type="live")
        await read(bob, room_id, seq)
        assert (await mine.receive())["read_seq"] == seq
        await nothing_more(socket)
    assert set((await shown(alice, room_id)).values()) == {None}
    features = (await sqlite_node.client().get("/server")).json()["features"]
    assert "receipts" not in features
    assert "typing" in features


def test_a_member_is_told_of_at_most_once_in_some_seconds_and_the_last_is_not_lost() -> None:
    hub, now = Hub(connections_per_user=3), 100.0
    telling = Signals(hub, FakeSignalStore(), clock=lambda: now)
    bob = connect(hub, BOB)
    hub.subscribe(bob, "den")
    assert hub.go_live(bob, "den", 0)
    told: list[int] = []

    def look() -> list[int]:
        told.extend(event["read_seq"] for event in waiting(bob))
        sink_of(bob).written.clear()
        return told

    for seq in (3, 4, 6, 5):
        telling.tell(ReceiptRaised("den", "user-alice", "alice", "e", seq))
        look()
        now += RECEIPT_SECONDS / 5
    assert told == [3]
    telling.tell_due()
    assert look() == [3]
    now += RECEIPT_SECONDS / 5
    telling.tell_due()
    assert look() == [3, 6]
