"""Sending and delivering, end to end: real servers, real sockets, each store."""

import asyncio
import itertools
import json
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from api.config import Settings
from api.errors import MembershipChanged
from api.models.log import Appended, Draft, Entry
from api.models.rooms import LOBBY_ID, Member
from api.store.cluster.log import ClusterLog
from api.store.reads import BatchedReads
from api.store.sqlite.log import SqliteLog
from tests.node import Event, Node, Person, Socket, is_entry, running
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio


async def subscribe(socket: Socket, room_id: str = LOBBY_ID, **since: object) -> int:
    """Subscribe to a room and wait for live; return the seq it is live from."""
    await socket.send(type="subscribe", room_id=room_id, ref="subscribe", **since)
    live = await socket.until(type="live", room_id=room_id)
    return int(live["seq"])


async def test_two_users_by_header_and_by_first_message_get_every_entry_in_one_order(
    alice: Person, bob: Person
) -> None:
    async with alice.socket() as a, bob.socket(by_header=False) as b:
        await subscribe(a)
        await subscribe(b)
        for number, (sender, other) in zip(range(10), itertools.cycle([(a, b), (b, a)])):
            await sender.send(type="send", room_id=LOBBY_ID, ref=f"r{number}", body=f"message {number}")
            assert other is not sender
        seen_by_a, seen_by_b = await asyncio.gather(a.entries(10), b.entries(10))
    assert seen_by_a == seen_by_b
    seqs = [event["seq"] for event in seen_by_a]
    assert seqs == list(range(seqs[0], seqs[0] + 10))
    assert {event["body"] for event in seen_by_a} == {f"message {number}" for number in range(10)}


@pytest.mark.stores("rethinkdb")
async def test_nothing_of_the_next_life_of_a_database_comes_before_a_reset(
    alice: Person, node: Node, stranger: Stranger
) -> None:
    async with alice.socket() as socket:
        seq = await subscribe(socket)
        rows = [{"kind": "message", "data": {"body": f"of the next life {n}"}} for n in range(500)]
        await stranger.set_back(LOBBY_ID, *rows)
        events: list[Event] = []
        with suppress(ConnectionClosed):
            async for frame in socket.raw:
                events.append(json.loads(frame))  # noqa: PERF401 - they are kept when the socket is closed
        assert (socket.raw.close_code, [one["type"] for one in events if is_entry(one)]) == (1012, [])
    since = {"epoch": "of before", "seq": seq}
    await node.wait_ready()
    async with alice.socket() as socket:
        await socket.send(type="subscribe", room_id=LOBBY_ID, since=since)
        assert (await socket.until(type="reset"))["seq"] == seq + len(rows)


async def test_a_client_resumes_from_its_position_after_a_restart_of_the_server(store_url: str) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as first:
        alice = await first.sign_up("alice")
        async with alice.socket() as socket:
            ack = await socket.call(type="subscribe", room_id=LOBBY_ID)
            sent = [await socket.call(type="send", room_id=LOBBY_ID, body=f"m{n}") for n in range(5)]
    async with running(settings) as second, alice.socket(node=second) as socket:
        since = {"epoch": ack["epoch"], "seq": ack["seq"]}
        await socket.send(type="subscribe", room_id=LOBBY_ID, since=since)
        replayed = await socket.entries(5)
        assert [event["seq"] for event in replayed] == [event["seq"] for event in sent]
        assert [event["body"] for event in replayed] == [f"m{n}" for n in range(5)]
        assert (await socket.until(type="live"))["seq"] == sent[-1]["seq"]


async def test_what_is_sent_on_one_node_arrives_on_the_other(store_url: str) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as other:
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        async with alice.socket() as a, bob.socket() as b:
            await subscribe(a)
            await subscribe(b)
            ack = await a.call(type="send", room_id=LOBBY_ID, body="hello from afar")
            event = await b.until(type="message")
    assert (event["seq"], event["body"], event["username"]) == (ack["seq"], "hello from afar", "alice")


APPEND = """
import asyncio, sys
from api.models.log import Draft, Kind
from api.models.rooms import LOBBY_ID
from api.store import open_store

async def append(url, user_id):
    store = await open_store(url)
    data = {"body": "from outside", "reply_to": None}
    appended = await store.log.append(LOBBY_ID, Draft(Kind.MESSAGE, user_id, "alice", 1, "outside", data))
    await store.close()
    print(appended.entry.seq)

asyncio.run(append(*sys.argv[1:]))
"""


async def test_an_entry_appended_by_a_third_process_reaches_connected_clients(
    store_url: str, alice: Person
) -> None:
    async with alice.socket() as socket:
        await subscribe(socket)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", APPEND, store_url, alice.id, stdout=asyncio.subprocess.PIPE
        )
        event = await socket.until(type="message")
        said, _ = await process.communicate()
    assert (event["seq"], event["body"]) == (int(said), "from outside")


async def test_a_retry_on_another_socket_gets_the_same_ack_and_doubles_nothing(
    alice: Person, bob: Person
) -> None:
    command = {"type": "send", "room_id": LOBBY_ID, "ref": "same", "body": "once"}
    async with bob.socket() as watcher:
        await subscribe(watcher)
        acks = []
        for _ in range(3):
            async with alice.socket() as socket:
                acks.append(await socket.call(**command))
        async with alice.socket() as socket:
            conflict = await socket.call(**command | {"body": "twice"})
            await socket.call(type="send", room_id=LOBBY_ID, body="after")
        bodies = [event["body"] for event in await watcher.entries(2)]
    assert acks[0] == acks[1] == acks[2]
    assert conflict["code"] == "ref_conflict"
    assert bodies == ["once", "after"]


async def test_a_subscriber_that_joins_amid_traffic_misses_nothing(store_url: str) -> None:
    async with running(Settings(store=store_url, sends_burst=100)) as node:
        await talk_and_join(await node.sign_up("alice"), await node.sign_up("bob"))


async def talk_and_join(alice: Person, bob: Person) -> None:
    async def talk(socket: Socket) -> None:
        for number in range(100):
            await socket.send(type="send", room_id=LOBBY_ID, ref=f"t{number}", body=str(number))
        for _ in range(100):
            await socket.until(type="ack")

    async with alice.socket() as talker:
        start = await subscribe(talker)
        epoch = (await alice.http.get(f"/rooms/{LOBBY_ID}")).json()["epoch"]
        talking = asyncio.create_task(talk(talker))
        for _ in range(5):
            async with bob.socket() as socket:
                since = {"epoch": epoch, "seq": start}
                await socket.send(type="subscribe", room_id=LOBBY_ID, since=since)
                seqs = [event["seq"] for event in await socket.entries(100)]
                assert seqs == list(range(start + 1, start + 101))
        await talking


async def test_a_position_of_another_epoch_or_past_the_head_is_answered_by_reset(alice: Person) -> None:
    async with alice.socket() as socket:
        ack = await socket.call(type="subscribe", room_id=LOBBY_ID)
        await socket.until(type="live")
        for since in ({"epoch": "another", "seq": 0}, {"epoch": ack["epoch"], "seq": ack["seq"] + 1}):
            await socket.send(type="subscribe", room_id=LOBBY_ID, since=since)
            reset = await socket.until(type="reset")
            assert (reset["epoch"], reset["seq"]) == (ack["epoch"], ack["seq"])
        sent = await socket.call(type="send", room_id=LOBBY_ID, body="live again")
        assert sent["seq"] == ack["seq"] + 1


async def test_join_and_leave_reach_the_room_and_end_the_subscription_of_who_left(
    alice: Person, bob: Person
) -> None:
    room = (await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"})).json()
    async with alice.socket() as a, bob.socket() as b:
        await subscribe(a, room["id"])
        assert (await b.call(type="subscribe", room_id=room["id"]))["code"] == "not_found"
        await bob.http.post(f"/rooms/{room['id']}/join")
        joined = await a.until(type="member")
        assert (joined["user_id"], joined["role"]) == (bob.id, "member")
        assert (await b.until(type="membership"))["role"] == "member"
        await subscribe(b, room["id"])
        assert (await bob.http.post(f"/rooms/{room['id']}/leave")).status_code == 204
        left = await a.until(type="member")
        assert (left["user_id"], left["role"]) == (bob.id, None)
        assert (await b.until(type="membership"))["role"] is None
        await a.call(type="send", room_id=room["id"], body="not for bob")
        assert (await b.call(type="send", room_id=room["id"], body="x"))["code"] == "not_found"
        await b.send(type="ping")
        assert (await b.receive())["type"] == "pong"


async def test_logging_out_closes_the_sessions_sockets_on_every_node(store_url: str) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as other:
        alice = await one.sign_up("alice")
        async with alice.socket() as here, alice.socket(node=other) as there:
            assert (await alice.http.post("/auth/logout")).status_code == 204
            assert await here.closed() == 4501
            assert await there.closed() == 4501
        assert (await alice.http.get("/users/me")).status_code == 401


async def test_a_silent_socket_gets_heartbeats(store_url: str) -> None:
    async with running(Settings(store=store_url, heartbeat_seconds=1)) as node:
        alice: Person = await node.sign_up("alice")
        async with alice.socket() as socket:
            assert (await socket.receive())["type"] == "heartbeat"


async def test_the_oldest_of_too_many_sockets_of_a_user_is_replaced(store_url: str) -> None:
    async with running(Settings(store=store_url, connections_per_user=1)) as node:
        alice: Person = await node.sign_up("alice")
        async with alice.socket() as older, alice.socket() as newer:
            assert await older.closed() == 4502
            await newer.send(type="ping")
            assert (await newer.receive())["type"] == "pong"


async def test_a_newcomer_has_nothing_unread_until_something_is_said(node: Node, alice: Person) -> None:
    async def unread(person: Person) -> int:
        return int((await person.http.get(f"/rooms/{LOBBY_ID}")).json()["unread_count"])

    await alice.http.post(f"/rooms/{LOBBY_ID}/messages", json={"ref": "r1", "body": "before"})
    bob = await node.sign_up("bob")
    assert await unread(bob) == 0
    await alice.http.post(f"/rooms/{LOBBY_ID}/messages", json={"ref": "r2", "body": "after"})
    assert await unread(bob) == 1


async def test_who_is_further_behind_than_a_replay_goes_is_told_to_reset(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.models.log.MAX_REPLAY", 3)
    async with alice.socket() as socket:
        ack = await socket.call(type="subscribe", room_id=LOBBY_ID)
        sent = [await socket.call(type="send", room_id=LOBBY_ID, body=f"m{n}") for n in range(4)]
    async with alice.socket() as socket:
        behind = {"epoch": ack["epoch"], "seq": ack["seq"]}
        await socket.send(type="subscribe", room_id=LOBBY_ID, since=behind)
        assert (await socket.until(type="reset"))["seq"] == sent[-1]["seq"]
    async with alice.socket() as socket:
        await socket.send(type="subscribe", room_id=LOBBY_ID, since=behind | {"seq": ack["seq"] + 1})
        assert [event["seq"] for event in await socket.entries(3)] == [one["seq"] for one in sent[1:]]
        assert (await socket.until(type="live"))["seq"] == sent[-1]["seq"]


async def test_who_comes_back_is_given_an_entry_for_each_seq_however_short_the_stores_pages_are(
    alice: Person, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unreadable entries stand at the end of a page, at the end of the log, and in between."""
    monkeypatch.setattr("api.realtime.replay.PAGE", 3)
    for log in (SqliteLog, ClusterLog):

        async def entries_of(
            self: Any, room_id: str, *, after: int, limit: int, whole: Any = log.entries
        ) -> list[Entry]:
            found: list[Entry] = await whole(self, room_id, after=after, limit=limit)
            return found[:2]  # pages of long entries are short

        monkeypatch.setattr(log, "entries", entries_of)
    async with alice.socket() as socket:
        ack = await socket.call(type="subscribe", room_id=LOBBY_ID)
    for number in range(8):
        answer = await alice.http.post(
            f"/rooms/{LOBBY_ID}/messages", json={"ref": f"r{number}", "body": "hi"}
        )
        assert answer.status_code == 201
        if number % 3 == 1:
            await stranger.write(LOBBY_ID, {"kind": "message"}, None)
    await stranger.write(LOBBY_ID, None)
    async with alice.socket() as socket:
        since = {"epoch": ack["epoch"], "seq": ack["seq"]}
        await socket.send(type="subscribe", room_id=LOBBY_ID, since=since)
        entries = await socket.entries(8 + 2 * 3 + 1)
        assert [one["seq"] for one in entries] == list(range(ack["seq"] + 1, ack["seq"] + 16))
        lost = {2, 3, 7, 8, 12, 13, 14}
        assert {number for number, one in enumerate(entries) if one["type"] == "unreadable"} == lost
        assert (await socket.until(type="live"))["seq"] == entries[-1]["seq"]


async def test_a_membership_that_was_looked_at_anew_is_looked_at_once(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store refuses an old look at a membership. The new look must serve all later messages of the socket."""
    looks: list[Member] = []
    for log in (SqliteLog, ClusterLog):

        async def append(
            self: Any, room_id: str, draft: Draft, *, author: Member, whole: Any = log.append, **more: Any
        ) -> Appended:
            if author not in looks:
                looks.append(author)
            if author is looks[0]:
                raise MembershipChanged
            return await whole(self, room_id, draft, author=author)  # type: ignore[no-any-return]

        monkeypatch.setattr(log, "append", append)
    asked = 0
    load = BatchedReads.member

    async def member(self: BatchedReads, room_id: str, user_id: str) -> Member | None:
        nonlocal asked
        asked += 1
        found = await load(self, room_id, user_id)
        return found and replace(found, as_of=asked)

    monkeypatch.setattr(BatchedReads, "member", member)
    async with alice.socket() as socket:
        for number in range(5):
            sent = await socket.call(type="send", room_id=LOBBY_ID, ref=f"r{number}", body="hello")
            assert sent["type"] == "ack"
    assert asked == 2
