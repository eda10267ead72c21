"""The hub and the backlog of a connection alone: no store, no network, no waiting."""

import json
from typing import Any

import pytest

from api.accounts.identity import Identity
from api.limits.memory import Memory
from api.models.accounts import User
from api.models.log import Entry, EntryData, Kind
from api.models.rooms import Member, Role
from api.protocol.close_codes import CloseCode
from api.protocol.frames import Frames, frame, joined
from api.realtime.connection import MAX_BACKLOG_BYTES, MAX_BACKLOG_EVENTS, Connection
from api.realtime.heartbeats import Heartbeats
from api.realtime.hub import NO_POSITION, Hub

ROOM = "room"
ALICE = User("user-alice", "alice", "Alice", created_at=1)
BOB = User("user-bob", "bob", "Bob", created_at=2)


@pytest.fixture
def hub() -> Hub:
    return Hub(connections_per_user=3)


class FakeSink:
    """Keeps everything that is written. The test reads it, and may clear it."""

    def __init__(self) -> None:
        self.direct: Any = None
        self.written: list[Frames] = []
        self.closed_with: list[int] = []

    @property
    def is_open(self) -> bool:
        return not self.closed_with

    @property
    def unwritten_bytes(self) -> int:
        return sum(len(one.wire) for one in self.written)

    @property
    def texts(self) -> list[bytes]:
        return [text for one in self.written for text in one.texts]

    def write(self, frames: Frames) -> None:
        self.written.append(frames)

    def close_with(self, code: int, _reason: str) -> None:
        self.closed_with.append(code)

    async def drained(self) -> None:
        raise AssertionError("nothing here waits")

    async def end(self) -> None:
        raise AssertionError("nobody here opened it")


def connect(hub: Hub, user: User = ALICE, session_id: str = "session") -> Connection:
    made = Connection(Identity(user, session_id, expires_at=1_000_000), FakeSink())
    hub.add(made)
    return made


def message(seq: int, room_id: str = ROOM) -> Entry:
    data: EntryData = {"body": str(seq), "reply_to": None}
    return Entry(room_id, seq, Kind.MESSAGE, BOB.id, BOB.username, seq, f"r{seq}", data)


def member(seq: int, user: User, role: str | None) -> Entry:
    was = None if role is not None else "member"
    data: EntryData = {"role": role, "by": user.id, "was": was}
    return Entry(ROOM, seq, Kind.MEMBER, user.id, user.username, seq, None, data)


def membership(connection: Connection, room_id: str = ROOM) -> Member:
    user = connection.identity.user
    return Member(room_id, user.id, user.username, user.display_name, Role.MEMBER, joined_at=1, read_seq=0)


def broadcast(hub: Hub, *seqs: int) -> None:
    for seq in seqs:
        hub.broadcast([message(seq)])


def sink_of(connection: Connection) -> FakeSink:
    assert isinstance(connection._sink, FakeSink)
    return connection._sink


def waiting(connection: Connection) -> list[dict[str, Any]]:
    """Return the events that wait to be written."""
    return [json.loads(text) for text in sink_of(connection).texts]


def seqs_of(connection: Connection) -> list[int]:
    """Return the seqs of the events that wait to be written."""
    return [event["seq"] for event in waiting(connection) if "seq" in event]


def code_of(connection: Connection) -> CloseCode | None:
    """Return a connection's close code. By a call, because mypy thinks that an attribute is what it was before."""
    return connection.close_code


# -- replaying, live, ahead


def test_the_first_to_join_sets_the_position_and_gets_what_comes_after(hub: Hub) -> None:
    alice = connect(hub)
    assert hub.position(ROOM) == NO_POSITION
    hub.subscribe(alice, ROOM)
    assert hub.is_replaying(alice, ROOM)
    assert hub.positions() == {ROOM: NO_POSITION}
    assert hub.go_live(alice, ROOM, 7)
    assert not hub.is_replaying(alice, ROOM)
    assert hub.position(ROOM) == 7
    broadcast(hub, 8, 9)
    assert seqs_of(alice) == [8, 9]


def test_one_who_joins_gets_nothing_before_it_is_live(hub: Hub) -> None:
    alice = connect(hub)
    hub.subscribe(alice, ROOM)
    broadcast(hub, 1, 2)
    assert seqs_of(alice) == []
    assert not hub.go_live(alice, ROOM, 1), "the room is at 2: read on"
    assert hub.is_replaying(alice, ROOM)
    assert hub.go_live(alice, ROOM, 2)
    broadcast(hub, 3)
    assert seqs_of(alice) == [3]


def test_one_who_read_ahead_of_the_feed_is_not_given_the_same_again(hub: Hub) -> None:
    early, late = connect(hub), connect(hub, BOB)
    for one, seq in ((early, 5), (late, 8)):
        hub.subscribe(one, ROOM)
        assert hub.go_live(one, ROOM, seq)
    assert hub.position(ROOM) == 5, "what was read from the log was not broadcast"
    broadcast(hub, 6, 7, 8, 9, 10)
    assert seqs_of(early) == [6, 7, 8, 9, 10]
    assert seqs_of(late) == [9, 10]


def test_one_ahead_of_a_feed_that_jumps_misses_nothing(hub: Hub) -> None:
    early, late = connect(hub), connect(hub, BOB)
    for one, seq in ((early, 5), (late, 7)):
        hub.subscribe(one, ROOM)
        hub.go_live(one, ROOM, seq)
    # The feed fills holes before the hub sees them. Even so nothing after a hole may be lost.
    broadcast(hub, 9, 10)
    assert seqs_of(late) == [9, 10]


@pytest.mark.parametrize("read_at", range(6))
@pytest.mark.parametrize("live_at", range(6))
def test_wherever_a_replay_ends_each_entry_comes_once_and_in_order(
    hub: Hub, read_at: int, live_at: int
) -> None:
    """The log holds 5 entries. A connection that has read `read_at` goes live when the feed has brought `live_at`."""
    settled, replaying = connect(hub), connect(hub, BOB)
    hub.subscribe(settled, ROOM)
    hub.go_live(settled, ROOM, 0)
    hub.subscribe(replaying, ROOM)
    broadcast(hub, *range(1, live_at + 1))
    given = read_at
    while not hub.go_live(replaying, ROOM, given):
        assert given < live_at, "never asked to read on without need"
        given += 1
    broadcast(hub, *range(live_at + 1, 6))
    assert [*range(1, given + 1), *seqs_of(replaying)] == [1, 2, 3, 4, 5]
    assert seqs_of(settled) == [1, 2, 3, 4, 5]


def test_an_entry_that_comes_twice_or_late_is_dropped(hub: Hub) -> None:
    alice = connect(hub)
    hub.subscribe(alice, ROOM)
    hub.go_live(alice, ROOM, 0)
    broadcast(hub, 1, 1, 2, 1, 3, 2, 3)
    hub.broadcast([message(seq) for seq in (2, 3, 4, 4, 3, 5)])
    assert seqs_of(alice) == [1, 2, 3, 4, 5]


def test_what_comes_together_leaves_a_connection_as_one_write_per_room(hub: Hub) -> None:
    alice, ahead = connect(hub), connect(hub, BOB)
    for room_id in (ROOM, "another"):
        hub.subscribe(alice, room_id)
        hub.go_live(alice, room_id, 0)
    hub.subscribe(ahead, ROOM)
    hub.go_live(ahead, ROOM, 2)
    hub.broadcast([message(1), message(1, "another"), message(2), message(3), message(2, "another")])
    written = [len(one.texts) for one in sink_of(alice).written]
    assert sorted(written) == [2, 3]
    assert [event["seq"] for event in waiting(alice) if event["room_id"] == ROOM] == [1, 2, 3]
    assert [event["seq"] for event in waiting(alice) if event["room_id"] == "another"] == [1, 2]
    assert seqs_of(ahead) == [3]


def test_whoever_leaves_in_the_middle_of_what_comes_together_gets_what_was_before(hub: Hub) -> None:
    alice, bob = connect(hub), connect(hub, BOB)
    for one in (alice, bob):
        hub.subscribe(one, ROOM)
        hub.go_live(one, ROOM, 0)
    hub.broadcast([message(1), member(2, ALICE, None), message(3)])
    assert seqs_of(alice) == [1]
    assert seqs_of(bob) == [1, 2, 3]


def test_subscribing_again_begins_anew(hub: Hub) -> None:
    alice = connect(hub)
    hub.subscribe(alice, ROOM)
    hub.go_live(alice, ROOM, 1)
    hub.subscribe(alice, ROOM)
    broadcast(hub, 2)
    assert seqs_of(alice) == []
    assert hub.go_live(alice, ROOM, 2)
    broadcast(hub, 3)
    assert seqs_of(alice) == [3]


def test_rooms_do_not_mix_and_an_empty_one_is_forgotten(hub: Hub) -> None:
    alice = connect(hub)
    hub.subscribe(alice, ROOM)
    hub.go_live(alice, ROOM, 0)
    hub.broadcast([message(1, "another")])
    assert seqs_of(alice) == []
    hub.unsubscribe(alice, ROOM)
    hub.unsubscribe(alice, ROOM)
    broadcast(hub, 1)
    assert seqs_of(alice) == []
    assert (hub.positions(), hub.position(ROOM)) == ({}, NO_POSITION)
    assert not hub.go_live(alice, ROOM, 1), "it is not replaying"


def test_when_the_feed_was_away_who_joins_begins_again_and_who_is_live_stays(hub: Hub) -> None:
    live, replaying = connect(hub), connect(hub, BOB)
    hub.subscribe(live, ROOM)
    hub.go_live(live, ROOM, 0)
    hub.subscribe(replaying, ROOM)
    hub.drop_replaying(ROOM)
    hub.drop_replaying("no-such-room")
    assert not hub.go_live(replaying, ROOM, 0)
    assert replaying.rooms == set()
    broadcast(hub, 1)
    assert (seqs_of(live), seqs_of(replaying)) == ([1], [])


# -- membership


@pytest.mark.parametrize("stage", ["replaying", "live", "ahead"])
def test_a_removed_member_is_told_and_gets_nothing_from_there_on(hub: Hub, stage: str) -> None:
    alice, other, bob = connect(hub), connect(hub), connect(hub, BOB)
    hub.subscribe(bob, ROOM)
    hub.go_live(bob, ROOM, 1)
    for one in (alice, other):
        hub.subscribe(one, ROOM)
    if stage != "replaying":
        for one in (alice, other):
            hub.go_live(one, ROOM, 1 if stage == "live" else 9)
    hub.broadcast([member(2, ALICE, None)])
    broadcast(hub, 3)
    told = {"type": "membership", "room_id": ROOM, "role": None, "reason": "left", "by": ALICE.id}
    for one in (alice, other):
        assert waiting(one) == [told]
        assert one.rooms == set()
        assert not hub.go_live(one, ROOM, 3)
    assert seqs_of(bob) == [2, 3]


def test_a_new_or_changed_member_is_told_everywhere_and_keeps_its_subscription(hub: Hub) -> None:
    subscribed, elsewhere, bob = connect(hub), connect(hub), connect(hub, BOB)
    hub.subscribe(subscribed, ROOM)
    hub.go_live(subscribed, ROOM, 1)
    hub.broadcast([member(2, ALICE, "moderator")])
    told = {"type": "membership", "room_id": ROOM, "role": "moderator", "reason": "joined", "by": ALICE.id}
    assert waiting(elsewhere) == [told]
    assert waiting(subscribed)[0] == told
    assert seqs_of(subscribed) == [2]
    assert waiting(bob) == []


def test_a_change_of_a_room_lets_everybody_look_again_by_what_they_may_send(hub: Hub) -> None:
    alice, bob = connect(hub), connect(hub, BOB)
    for connection in (alice, bob):
        connection.memberships = {ROOM: membership(connection), "another": membership(connection, "another")}
    data: EntryData = {"name": "Den", "topic": "", "visibility": "private"}
    hub.broadcast([Entry(ROOM, 1, Kind.ROOM, ALICE.id, ALICE.username, 1, None, data)])
    assert list(alice.memberships) == list(bob.memberships) == ["another"]


def test_the_last_of_a_room_may_be_removed_from_it(hub: Hub) -> None:
    alice = connect(hub)
    hub.subscribe(alice, ROOM)
    hub.go_live(alice, ROOM, 1)
    hub.broadcast([member(2, ALICE, None)])
    assert hub.positions() == {}


# -- connections


def test_the_oldest_connection_of_a_user_gives_way(hub: Hub) -> None:
    bob = connect(hub, BOB)
    first = connect(hub)
    hub.subscribe(first, ROOM)
    rest = [connect(hub) for _ in range(3)]
    assert first.close_code is CloseCode.REPLACED
    assert first.rooms == set()
    assert [one.close_code for one in (*rest, bob)] == [None] * 4
    assert hub.connection_count == 4
    hub.remove(first)
    hub.remove(rest[0])
    connect(hub)
    assert [one.close_code for one in rest] == [None] * 3, "one that is gone makes space"


def test_the_end_of_a_session_closes_its_connections_only(hub: Hub) -> None:
    ended = [connect(hub, session_id="phone") for _ in range(2)]
    kept = connect(hub, session_id="laptop")
    assert sorted(hub.session_ids()) == ["laptop", "phone"]
    hub.end_session("phone")
    hub.end_session("phone")
    assert [one.close_code for one in ended] == [CloseCode.SESSION_ENDED] * 2
    assert kept.close_code is None
    assert hub.session_ids() == ["laptop"]


def test_closing_all_leaves_nothing_behind(hub: Hub) -> None:
    everyone = [connect(hub), connect(hub), connect(hub, BOB, "other")]
    for one in everyone:
        hub.subscribe(one, ROOM)
    hub.close_all()
    assert {one.close_code for one in everyone} == {CloseCode.RESTART}
    assert (hub.connection_count, hub.session_ids(), hub.positions()) == (0, [], {})


# -- the backlog


def test_a_backlog_of_too_many_events_closes_as_slow_and_spares_the_others(hub: Hub) -> None:
    slow, quick = connect(hub), connect(hub, BOB)
    for one in (slow, quick):
        hub.subscribe(one, ROOM)
        hub.go_live(one, ROOM, 0)
    broadcast(hub, *range(1, MAX_BACKLOG_EVENTS + 1))
    assert code_of(slow) is None
    sink_of(quick).written.clear()
    broadcast(hub, MAX_BACKLOG_EVENTS + 1)
    assert code_of(slow) is CloseCode.SLOW
    assert sink_of(slow).closed_with == [CloseCode.SLOW]
    assert seqs_of(quick) == [MAX_BACKLOG_EVENTS + 1]
    broadcast(hub, MAX_BACKLOG_EVENTS + 2)
    assert MAX_BACKLOG_EVENTS + 2 not in seqs_of(slow), "nothing is written to one that is closed"


def test_a_backlog_of_too_many_bytes_closes_as_slow(hub: Hub) -> None:
    alice = connect(hub)
    half = frame(b"x" * (MAX_BACKLOG_BYTES // 2 - 16))
    space = [alice.has_space]
    for _ in range(2):
        alice.enqueue(half)
        space.append(alice.has_space)
    assert space == [True, False, False]
    assert code_of(alice) is None
    alice.enqueue(frame(b"x" * 16))
    assert code_of(alice) is CloseCode.SLOW


def test_what_went_straight_to_a_socket_counts_when_it_has_to_wait_there(hub: Hub) -> None:
    alice = connect(hub)
    sink, events = sink_of(alice), joined([frame(b"1"), frame(b"2")])

    def fill(_wire: bytes) -> None:
        sink.written.append(events)
        sink.direct = None

    sink.direct = fill
    alice.enqueue(events)
    for _ in range(MAX_BACKLOG_EVENTS - 2):
        alice.enqueue(frame(b"x"))
    assert code_of(alice) is None
    alice.enqueue(frame(b"x"))
    assert code_of(alice) is CloseCode.SLOW


def test_whoever_has_taken_everything_may_be_given_much_at_once(hub: Hub) -> None:
    alice = connect(hub)
    hub.subscribe(alice, ROOM)
    hub.go_live(alice, ROOM, 0)
    hub.broadcast([message(seq) for seq in range(1, 2 * MAX_BACKLOG_EVENTS)])
    assert code_of(alice) is None
    hub.broadcast([message(2 * MAX_BACKLOG_EVENTS)])
    assert code_of(alice) is CloseCode.SLOW


def test_what_may_be_lost_is_lost_first(hub: Hub) -> None:
    alice = connect(hub)
    alice.offer(frame(b"1"))
    alice.offer(frame(b"2"))
    alice.enqueue(frame(b"3"))
    assert sink_of(alice).texts == [b"1", b"3"]


def test_the_first_reason_to_close_counts(hub: Hub) -> None:
    alice = connect(hub)
    alice.close(CloseCode.SESSION_ENDED)
    alice.close(CloseCode.SLOW)
    assert code_of(alice) is CloseCode.SESSION_ENDED
    assert sink_of(alice).closed_with == [CloseCode.SESSION_ENDED]


# -- the heartbeats


def test_silence_is_filled_with_heartbeats(hub: Hub) -> None:
    silent, busy = connect(hub), connect(hub, BOB)
    heartbeats = Heartbeats(hub, Memory(None), heartbeat_seconds=3)
    for _ in range(2):
        heartbeats.tick(0)
    busy.enqueue(frame(b"{}"))
    heartbeats.tick(0)
    assert [event["type"] for event in waiting(silent)] == ["heartbeat"]
    assert waiting(busy) == [{}]
    sink_of(silent).written.clear()
    sink_of(busy).written.clear()
    for _ in range(2):
        heartbeats.tick(0)
    assert (waiting(silent), len(waiting(busy))) == ([], 1)


def test_the_end_of_a_token_is_told_once_and_then_kept(hub: Hub) -> None:
    alice = connect(hub)  # her token ends at 1,000 s
    heartbeats = Heartbeats(hub, Memory(None), heartbeat_seconds=300)
    for second in (939, 940, 941, 1_024):
        heartbeats.tick(second * 1_000)
    assert [event["type"] for event in waiting(alice)] == ["expiring"]
    assert code_of(alice) is None
    alice.identity = Identity(ALICE, "session", expires_at=2_000_000)
    for second in (1_025, 1_939, 1_941):
        heartbeats.tick(second * 1_000)
    assert [event["type"] for event in waiting(alice)] == ["expiring", "expiring"]
    heartbeats.tick(2_025_000)
    assert code_of(alice) is CloseCode.UNAUTHORIZED


def test_the_end_of_a_room_is_told_to_nobody_whose_subscription_may_still_be_refused(hub: Hub) -> None:
    hers, his = connect(hub, ALICE), connect(hub, BOB)
    for one in (hers, his):
        hub.subscribe(one, ROOM)
    hub.admit(hers, ROOM)
    assert hub.subscribers() == [(ROOM, ALICE.id)]
    hub.end_room(ROOM, ALICE.id, [])
    assert [event["type"] for event in waiting(hers)] == ["membership"]
    assert waiting(his) == []
    assert not hub.is_replaying(his, ROOM)  # so it begins again, and is refused then
    assert not hub.wants(ROOM)
