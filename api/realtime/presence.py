"""Knows who is connected to any node, and tells those who watch a user when that user comes or goes.

Each node stores its users in one row (`store.presence`), and reads the rows of the others when a signal says that one
has changed, and now and then in case a signal was lost. A user whose last socket has closed stays in the row for a
while, so that nobody seems to leave who only reconnects. A node that has died is noticed because its row is no longer
renewed; its users count until the same time has passed since its last sign of life.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from api.errors import Unavailable
from api.models.changes import PresenceMoved
from api.models.presence import NodeUsers
from api.protocol.events import encode
from api.protocol.frames import joined
from api.protocol.signal_events import presence_event
from api.realtime.connection import Connection
from api.realtime.hub import Hub
from api.store.base.presence import PresenceStore
from api.store.base.signals import SignalStore

GRACE_SECONDS: Final = 20.0
"""A user is offline when the last of their sockets has been closed for so long."""
PUT_SECONDS: Final = 1.0
"""The users of a node are stored at most once in this time."""
BEAT_SECONDS: Final = 4.0
"""A node says this often that it lives, and reads what others have stored."""
READ_SECONDS: Final = 0.1
"""The rows of other nodes are read at most once in this time."""
TICK_SECONDS: Final = 1.0
"""The time between two looks at what is due, when nothing happens."""


@dataclass(slots=True)
class _Node:
    """The users of another node. They count until `until`, unless the node gives a sign of life before."""

    number: int
    user_ids: frozenset[str]
    until: float


class _Watched:
    """A user who is watched, and by whom. Connections hold it, so that the id is in memory only once."""

    __slots__ = ("user_id", "watchers")

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.watchers: set[Connection] = set()


class Presence:
    """Knows who is online. `run` is a task for `Tasks`."""

    def __init__(
        self,
        store: PresenceStore,
        signals: SignalStore,
        hub: Hub,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._signals = signals
        self._hub = hub
        self._clock = clock
        self._here: dict[str, None] = {}  # the users of this node, those who have just gone too
        self._gone_at: dict[str, float] = {}  # when their last socket was closed; whoever went first is first
        self._nodes: dict[str, _Node] = {}
        self._counts: dict[str, int] = {}  # by user: on how many nodes they are
        self._before: dict[str, bool] = {}  # by user: whether they were online before what is being done now
        self._watched: dict[str, _Watched] = {}
        self._watches: dict[Connection, tuple[_Watched, ...]] = {}
        self._owed: dict[Connection, dict[str, None]] = {}  # the users of whom a connection must be told
        self._wake = asyncio.Event()
        self._must_put = True
        self._must_read = True
        self._was_lost = False
        self._put_at = self._beat_at = self._read_at = float("-inf")
        self.offer_count = 0
        self.change_count = 0
        hub.listeners.append(self)

    def is_online(self, user_id: str) -> bool:
        """Return whether a user is connected to any node, or was until a moment ago."""
        return user_id in self._counts

    @property
    def online_count(self) -> int:
        """The number of users who are online."""
        return len(self._counts)

    @property
    def watch_count(self) -> int:
        """The number of pairs of a connection and a user whom it watches."""
        return sum(map(len, self._watches.values()))

    def watch(self, connection: Connection, user_ids: Collection[str]) -> None:
        """Tell a connection of these users, now and when they come or go, and of no others any more."""
        self._unwatch(connection)
        if connection not in self._hub.connections_of(connection.identity.user.id):
            return  # it was closed meanwhile
        watches = tuple(
            self._watched.setdefault(user_id, _Watched(user_id)) for user_id in dict.fromkeys(user_ids)
        )
        for one in watches:
            one.watchers.add(connection)
        if watches:
            self._watches[connection] = watches
            self._owed[connection] = dict.fromkeys(one.user_id for one in watches)
            self._pay(connection)

    # -- called by the hub and the feed

    def added(self, connection: Connection) -> None:
        """Take note of a new connection."""
        user_id = connection.identity.user.id
        self._gone_at.pop(user_id, None)
        if user_id not in self._here:
            self._here[user_id] = None
            self._count([user_id], 1)
            self._must_put = True
            self._wake.set()
            self._tell_changed()

    def removed(self, connection: Connection) -> None:
        """Take note that a connection is gone."""
        self._unwatch(connection)
        user_id = connection.identity.user.id
        if not self._hub.connections_of(user_id):
            self._gone_at[user_id] = self._clock()

    def hear(self, _moved: PresenceMoved) -> None:
        """Take note that another node has stored its users."""
        self._must_read = True
        self._wake.set()

    # -- the task

    async def run(self) -> None:
        """Store who is here, read who is elsewhere, and tell what has changed, for ever."""
        while True:
            put_in = self._put_at + PUT_SECONDS - self._clock() if self._must_put else TICK_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(put_in):
                    await self._wake.wait()
            self._wake.clear()
            await self.step()
            await asyncio.sleep(READ_SECONDS)

    async def step(self) -> None:
        """Do what is due."""
        self._let_go()
        for connection in list(self._owed):
            self._pay(connection)
        try:
            await self._write()
            await self._read()
        except Unavailable:  # it is tried again after a while
            self._was_lost = True

    def _let_go(self) -> None:
        """Let those go whose last socket was closed long enough ago."""
        until = self._clock() - GRACE_SECONDS
        gone = list[str]()
        while self._gone_at and next(iter(self._gone_at.values())) <= until:
            gone.append(next(iter(self._gone_at)))
            del self._gone_at[gone[-1]]
        for user_id in gone:
            del self._here[user_id]
        if gone:
            self._must_put = True
            self._count(gone, -1)
            self._tell_changed()

    async def _write(self) -> None:
        now = self._clock()
        if self._must_put and now - self._put_at >= PUT_SECONDS:
            self._put_at = self._beat_at = now
            self._must_put = False
            try:
                await self._store.put(list(self._here))
            except BaseException:
                self._must_put = True
                raise
            self._signals.send(PresenceMoved(self._store.node_id))
        elif now - self._beat_at >= BEAT_SECONDS:
            self._beat_at = now
            await self._store.beat()

    async def _read(self) -> None:
        now = self._clock()
        is_late = any(node.until <= now for node in self._nodes.values())
        if not (self._must_read or is_late or now - self._read_at >= BEAT_SECONDS):
            return
        self._must_read, self._read_at = False, now
        try:
            rows = await self._store.others({node_id: node.number for node_id, node in self._nodes.items()})
        except BaseException:
            self._must_read = True
            raise
        self._take(rows, now)

    def _take(self, rows: Iterable[NodeUsers], now: float) -> None:
        """Take the rows of the other nodes, as they were asked for at `now`."""
        if self._was_lost:  # no node could say that it lives, so all that are known get the time to do so
            for node in self._nodes.values():
                node.until = max(node.until, now + GRACE_SECONDS)
            self._was_lost = False
        for row in rows:
            until = now - row.age_ms / 1000 + GRACE_SECONDS
            known = self._nodes.get(row.node_id)
            if known is None:
                known = self._nodes[row.node_id] = _Node(0, frozenset(), until)
                self._must_put = True  # so that the new node is told at once who is here
            known.until = max(known.until, until)
            if row.user_ids is not None:
                self._count(row.user_ids - known.user_ids, 1)
                self._count(known.user_ids - row.user_ids, -1)
                known.number, known.user_ids = row.number, row.user_ids
        for node_id in [node_id for node_id, node in self._nodes.items() if node.until <= now]:
            self._count(self._nodes.pop(node_id).user_ids, -1)
        self._tell_changed()

    # -- who is online, and who is told

    def _count(self, user_ids: Iterable[str], by: int) -> None:
        for user_id in user_ids:
            count = self._counts.get(user_id, 0)
            self._before.setdefault(user_id, count > 0)
            if count + by > 0:
                self._counts[user_id] = count + by
            else:
                self._counts.pop(user_id, None)

    def _tell_changed(self) -> None:
        """Tell those who watch users who are online now and were not before, or the other way round."""
        before, self._before = self._before, {}
        told: dict[Connection, None] = {}
        for user_id, was_online in before.items():
            if was_online == self.is_online(user_id):
                continue
            self.change_count += 1
            if (watched := self._watched.get(user_id)) is not None:
                for connection in watched.watchers:
                    self._owed.setdefault(connection, {})[user_id] = None
                    told[connection] = None
        for connection in told:
            self._pay(connection)

    def _pay(self, connection: Connection) -> None:
        """Tell a connection of the users of whom it must be told. One that is behind is told at a later tick."""
        user_ids = self._owed[connection]
        frames = joined(
            [encode(presence_event(user_id, online=self.is_online(user_id))) for user_id in user_ids]
        )
        if connection.offer(frames):
            del self._owed[connection]
            self.offer_count += len(user_ids)

    def _unwatch(self, connection: Connection) -> None:
        self._owed.pop(connection, None)
        for one in self._watches.pop(connection, ()):
            one.watchers.discard(connection)
            if not one.watchers:
                del self._watched[one.user_id]
