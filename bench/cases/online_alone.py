"""Measures presence and notices in one node, without sockets and a database: `python -P online_alone.py USERS`.

Two fifths of these users are in one large room, and there is a small room of 25 for each 25 users. Everybody in the
large room watches 200 of it. Prints what it costs when half of them go, when all others reconnect, and when messages
come to a room without a subscription. The system call of a write is not in it: 7 to 10 µs for all that a connection is
told at once.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from api.accounts.identity import Identity
from api.models.accounts import User
from api.models.changes import Grown, Signal
from api.models.presence import NodeUsers
from api.realtime.connection import Connection
from api.realtime.hub import Hub
from api.realtime.notices import Notices
from api.realtime.presence import GRACE_SECONDS, Presence

LARGE: Final = "large"
WATCHED: Final = 200
SMALL: Final = 25
AGES: Final = 10**15
"""No identity ends before."""


class _CountingSink:
    """A socket that takes everything, and counts it."""

    is_open = True
    unwritten_bytes = 0

    def __init__(self) -> None:
        self.bytes = 0

    @property
    def direct(self) -> Callable[[bytes], object]:
        return self.write

    def write(self, data: bytes) -> None:
        self.bytes += len(data)


class _Rows:
    """The rows of nodes, of which this is the only one."""

    node_id = "one"

    def __init__(self) -> None:
        self.put_count = 0
        self.row_bytes = 0

    async def put(self, user_ids: Sequence[str]) -> None:
        self.put_count += 1
        self.row_bytes = len(json.dumps(user_ids))

    async def beat(self) -> None: ...

    async def others(self, _known: dict[str, int]) -> list[NodeUsers]:
        return []


class _Signals:
    """Signals to other nodes, of which there are none."""

    def send(self, signal: Signal) -> None: ...


class Town:
    """People online, and their rooms."""

    def __init__(self, count: int) -> None:
        rng = random.Random(19)
        self.now = 1_000.0
        self.users = [User(f"user-{n:05}-abcdefghijk", f"name{n}", "", created_at=1) for n in range(count)]
        self.large = rng.sample(self.users, count * 2 // 5)
        self.rooms: dict[str, list[str]] = {user.id: [LARGE] for user in self.large}
        for number in range(count // SMALL):
            for user in rng.sample(self.users, SMALL):
                self.rooms.setdefault(user.id, []).append(f"room-{number}")
        self.hub = Hub(connections_per_user=3)
        self.rows = _Rows()
        clock = lambda: self.now  # noqa: E731
        parts: tuple[Any, Any] = (self.rows, _Signals())
        self.presence = Presence(*parts, self.hub, clock=clock)
        store: Any = self
        self.notices = Notices(store, store, self.hub, clock=clock)
        self.sinks: list[_CountingSink] = []
        self.connections: dict[str, Connection] = {}

    async def rooms_of(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the rooms of users, as the store does."""
        return {user_id: self.rooms.get(user_id, []) for user_id in user_ids}

    async def blockers_of(self, _user_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return that nobody is blocked."""
        return {}

    def connect(self, user: User) -> None:
        """Let a user connect."""
        self.sinks.append(_CountingSink())
        sink: Any = self.sinks[-1]
        connection = Connection(Identity(user, f"session-{user.id}", expires_at=AGES), sink)
        self.connections[user.id] = connection
        self.hub.add(connection)

    def sent_bytes(self) -> int:
        """Return how many bytes all sockets have taken."""
        return sum(sink.bytes for sink in self.sinks)


async def measured(count: int) -> dict[str, float]:
    """Return the figures."""
    town, figures = Town(count), dict[str, float]()
    presence, notices, now = town.presence, town.notices, time.process_time
    for user in town.users:
        town.connect(user)
    await notices.learn()
    await presence.step()

    rng, ids = random.Random(20), [user.id for user in town.large]
    before, began = town.sent_bytes(), now()
    for user_id in ids:
        presence.watch(town.connections[user_id], rng.sample(ids, min(WATCHED, len(ids))))
    figures["watch_us"] = 1e6 * (now() - began) / len(ids)
    figures["watch_bytes"] = (town.sent_bytes() - before) / len(ids)

    gone = town.large[: len(town.large) // 2]
    before, events, changes = town.sent_bytes(), presence.offer_count, presence.change_count
    for user in gone:
        town.hub.remove(town.connections[user.id])
    town.now += GRACE_SECONDS + 1
    began = now()
    await presence.step()
    took, changes = now() - began, presence.change_count - changes
    figures["change_us"] = 1e6 * took / changes
    figures["change_events"] = (presence.offer_count - events) / changes
    figures["event_us"] = 1e6 * took / (presence.offer_count - events)
    figures["event_bytes"] = (town.sent_bytes() - before) / (presence.offer_count - events)
    figures["row_bytes"] = town.rows.row_bytes

    back, puts = [user for user in town.users if user not in set(gone)], town.rows.put_count
    events, began = presence.offer_count, now()
    for user in back:
        town.hub.remove(town.connections[user.id])
        town.connect(user)
    for _ in range(60):
        town.now += 1
        await presence.step()
    figures["storm_us"] = 1e6 * (now() - began) / len(back)
    figures["storm_events"] = presence.offer_count - events
    figures["storm_rows"] = town.rows.put_count - puts

    await notices.learn()
    offers, began, told = notices.offer_count, now(), 50
    for number in range(told):
        town.now += 2
        notices.wake(Grown(LARGE, "epoch", number + 1, 1, frozenset()))
    figures["notice_us"] = 1e6 * (now() - began) / (notices.offer_count - offers)
    began, grown = now(), 1_000
    for number in range(grown):
        notices.wake(Grown(LARGE, "epoch", told + number + 1, 1, frozenset()))
    town.now += 2
    notices.tell_due()
    figures["busy_message_us"] = 1e6 * (now() - began) / grown
    return figures


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(int(sys.argv[1])))), flush=True)
