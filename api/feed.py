"""The lifespan task that tails the store's changefeed into the hub.

The feed is a hint, never the truth: on every (re)opening, and at every hole, what is missing is read from the
log. Client sockets stay open through all of it.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, cast

import structlog

from api import failpoints
from api.clock import now_ms
from api.errors import Unavailable
from api.failpoints import Failpoint
from api.models.changes import Change, Restored, SessionEnded
from api.models.log import Entry
from api.realtime.hub import NO_POSITION, Hub
from api.realtime.revocation import Revocation
from api.store.base.store import Store

PAGE: Final = 100
MAX_FILLED: Final = 100_000
"""Entries, far more than a room gets while a feed is away."""
LATE_MS: Final = 1_000
"""An entry older than this is delivered only after a look at who may still see it."""

log = structlog.get_logger("api.feed")


@dataclass(slots=True)
class FeedState:
    """What /readyz tells of the feed. Times are `time.monotonic()` seconds."""

    is_live: bool = False
    heard_at: float = 0.0
    lag_ms: int = 0
    reopen_count: int = 0
    catch_up_count: int = 0

    def silent_seconds(self) -> float:
        """Return how long ago the feed last gave a sign of life."""
        return time.monotonic() - self.heard_at


class Feed:
    """See the module. `run` is a task for `Tasks`."""

    def __init__(self, store: Store, hub: Hub, revocation: Revocation) -> None:
        self._store = store
        self._hub = hub
        self._revocation = revocation
        self._unreadable: set[str] = set()  # rooms, which were logged
        self.state = FeedState()

    async def run(self) -> None:
        """Tail the store until the tail is lost; it is then opened again. Raises `Unavailable`."""
        try:
            await self._tail()
        finally:
            self.state.is_live = False
            self.state.reopen_count += 1

    async def _tail(self) -> None:
        async with self._store.changes.open(self._hub.wants) as batches:
            await self._catch_up()
            self.state.is_live, self.state.heard_at = True, time.monotonic()
            log.info("feed_live", reopen_count=self.state.reopen_count)
            async for batch in batches:
                self.state.heard_at = time.monotonic()
                await self._apply(batch)

    async def _apply(self, batch: Sequence[Change]) -> None:
        """Pass a batch on; entries that follow each other go together."""
        for is_entries, changes in groupby(batch, key=lambda change: isinstance(change, Entry)):
            if is_entries:
                await self._deliver(cast("list[Entry]", list(changes)))
                continue
            for change in changes:
                if isinstance(change, SessionEnded):
                    self._hub.end_session(change.session_id)
                elif isinstance(change, Restored):
                    # What clients have seen is no more. They come back, and are told to load their rooms again.
                    log.warning("store_restored")
                    self._hub.close_all()

    async def _deliver(self, entries: Sequence[Entry]) -> None:
        """Broadcast entries, and before them what is missing in front of them."""
        if (at := entries[0].at) is not None:
            self.state.lag_ms = max(0, now_ms() - at)
        if self.state.lag_ms > LATE_MS:
            await self._revocation.check()
        ready, reached = list[Entry](), dict[str, int]()
        for entry in entries:
            room_id = entry.room_id
            position = reached.get(room_id, self._hub.position(room_id))
            if position != NO_POSITION and entry.seq > position + 1:
                self._broadcast(ready)
                ready = []
                await self._fill(room_id, position, entry.seq - 1)
            reached[room_id] = max(position, entry.seq)
            ready.append(entry)
        self._broadcast(ready)

    async def _catch_up(self) -> None:
        """Bring every subscribed room to its head, after a look at who may still see it.

        The tail is open already, so what happens meanwhile is in it.
        """
        await self._revocation.check()
        for room_id in self._hub.positions():
            self._hub.drop_replaying(room_id)
        positions = self._hub.positions()
        for head in (await self._store.log.heads(list(positions))).values():
            position = positions[head.room_id]
            if position != NO_POSITION and head.seq > position:
                await self._fill(head.room_id, position, head.seq)

    async def _fill(self, room_id: str, position: int, until: int) -> None:
        """Broadcast what the log holds in (position, until].

        A room whose log cannot be read at all is passed over: the others are served. Nobody has written all that a
        room lacks of which the head lies too far away; its subscribers come back, and are told to load it again.
        """
        self.state.catch_up_count += 1
        if until - position > MAX_FILLED:
            log.error("room_far_ahead", room_id=room_id, position=position, until=until)
            self._hub.close_room(room_id)
            return
        while position < until:
            limit = min(PAGE, until - position)
            try:
                entries = await self._store.log.entries(room_id, after=position, limit=limit)
            except Unavailable:
                raise
            except Exception:
                if room_id not in self._unreadable:
                    self._unreadable.add(room_id)
                    log.exception("room_skipped", room_id=room_id)
                return
            if not entries:
                return  # the head has been set back meanwhile, of which the feed will tell
            self._broadcast(entries)
            position = entries[-1].seq
            await asyncio.sleep(0)  # so that sockets take this page before they are given the next

    def _broadcast(self, entries: Sequence[Entry]) -> None:
        failpoints.reached(Failpoint.BEFORE_BROADCAST)
        self._hub.broadcast(entries)
