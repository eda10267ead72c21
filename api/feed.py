"""The task that follows the store's changes and passes them to the hub.

The feed may lose changes; the log never does. So whenever the feed is opened, and whenever a seq is missing, the
missing entries are read from the log. Client sockets stay open meanwhile.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Protocol, cast

import structlog

from api import failpoints
from api.clock import now_ms
from api.errors import Unavailable
from api.failpoints import Failpoint
from api.models.changes import (
    Change,
    Grown,
    NotifyChanged,
    PlaceChanged,
    PresenceMoved,
    ProfileChanged,
    Quiet,
    ReadMoved,
    ReceiptRaised,
    Restored,
    SessionEnded,
    Typed,
    WebhookPaused,
    WebhooksChanged,
)
from api.models.log import Entry, is_last
from api.realtime.hub import NO_POSITION, Hub
from api.realtime.presence import Presence
from api.realtime.revocation import Revocation
from api.realtime.signals import Signals
from api.store.base.store import Store

PAGE: Final = 100
MAX_FILLED: Final = 100_000
"""A longer gap than this many entries is an error: no room gets so many while a feed is interrupted."""
MAX_ASKED: Final = 500
"""The store is asked about the memberships of so many users at once."""
LATE_MS: Final = 1_000
"""Before an entry older than this is delivered, sessions and memberships are checked again."""

log = structlog.get_logger("api.feed")


@dataclass(slots=True)
class FeedState:
    """The state of the feed, for /readyz and /metrics. `heard_at` is in `time.monotonic()` seconds."""

    is_live: bool = False
    heard_at: float = 0.0
    lag_ms: int = 0
    reopen_count: int = 0
    catch_up_count: int = 0

    def silent_seconds(self) -> float:
        """Return the seconds since the feed last received anything; 0 before it was opened for the first time."""
        return time.monotonic() - self.heard_at if self.heard_at else 0.0


class GrowthListener(Protocol):
    """Who must miss no room that grows."""

    def wake(self, grown: Grown) -> None:
        """Take note of a room that has grown."""

    def compare(self) -> None:
        """Take note that rooms may have grown before now that nobody has told of. Those that grow later are told."""


class Feed:
    """Follows the store's changes. `run` is a task for `Tasks`.

    Without `listeners` the store is not asked to tell which rooms grow.
    """

    def __init__(  # noqa: PLR0913  its dependencies
        self,
        store: Store,
        hub: Hub,
        revocation: Revocation,
        signals: Signals,
        *,
        presence: Presence,
        listeners: Sequence[GrowthListener] = (),
        on_webhooks: Callable[[WebhooksChanged], None] = lambda _changed: None,
    ) -> None:
        self._store = store
        self._listeners = listeners
        self._hub = hub
        self._revocation = revocation
        self._unreadable: set[str] = set()  # ids of rooms that have been logged as unreadable
        self._unhandled: set[type[Change]] = set()
        self._handlers: dict[type[Change], Callable[[Any], None]] = {
            Quiet: lambda _quiet: None,
            SessionEnded: self._end_session,
            Restored: self._close_all,
            ReadMoved: signals.hear,
            NotifyChanged: signals.hear,
            PlaceChanged: signals.hear,
            ProfileChanged: signals.hear,
            ReceiptRaised: signals.hear,
            Typed: signals.hear,
            WebhookPaused: signals.hear,
            PresenceMoved: presence.hear,
            WebhooksChanged: on_webhooks,
            Grown: self._wake_listeners,
        }
        self.state = FeedState()

    async def run(self) -> None:
        """Follow the store's changes until the connection to it is lost. `Tasks` then runs this again.

        Raises `Unavailable`.
        """
        try:
            await self._tail()
        finally:
            self.state.is_live = self._hub.is_fed = False
            self.state.reopen_count += 1

    async def _tail(self) -> None:
        grown = bool(self._listeners)
        async with self._store.changes.open(self._hub.wants, grown=grown) as batches:
            for listener in self._listeners:
                listener.compare()
            if not self._store.changes.is_restored:  # else the log goes on otherwise than clients know it
                await self._catch_up()
            self.state.is_live = self._hub.is_fed = True
            self.state.heard_at = time.monotonic()
            log.info("feed_live", reopen_count=self.state.reopen_count)
            async for batch in batches:
                self.state.heard_at = time.monotonic()
                await self._apply(batch)

    async def _apply(self, batch: Sequence[Change]) -> None:
        """Pass a batch on. Consecutive entries are delivered together."""
        for is_entries, changes in groupby(batch, key=lambda change: isinstance(change, Entry)):
            if is_entries:
                await self._deliver(cast("list[Entry]", list(changes)))
                continue
            for change in changes:
                self._handle(change)

    def _handle(self, change: Change) -> None:
        """Pass on a change that is no entry. A change that nobody handles is logged once for each type."""
        handler = self._handlers.get(type(change))
        if handler is not None:
            handler(change)
        elif type(change) not in self._unhandled:
            self._unhandled.add(type(change))
            log.error("change_unhandled", type=type(change).__name__)

    def _wake_listeners(self, grown: Grown) -> None:
        for listener in self._listeners:
            listener.wake(grown)

    def _end_session(self, ended: SessionEnded) -> None:
        self._hub.end_session(ended.session_id)

    def _close_all(self, _restored: Restored) -> None:
        # Clients have seen entries that no longer exist. They reconnect, and get `reset` for their rooms.
        log.warning("store_restored")
        self._hub.close_all()
        for listener in self._listeners:
            listener.compare()

    async def _deliver(self, entries: Sequence[Entry]) -> None:
        """Broadcast entries, after those that are missing before them."""
        at = next((entry.at for entry in entries if entry.at is not None), None)
        if at is not None:
            self.state.lag_ms = max(0, now_ms() - at)
        if at is None or self.state.lag_ms > LATE_MS:
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
        for entry in entries:
            if is_last(entry):
                await self._end_room(entry)

    async def _end_room(self, last: Entry) -> None:
        """Tell the members who are connected here that their room was deleted. `last` is its last entry."""
        user_ids, members = self._hub.user_ids(), set[str]()
        for start in range(0, len(user_ids), MAX_ASKED):
            some = user_ids[start : start + MAX_ASKED]
            members |= await self._store.deletions.members_among(last.room_id, some)
        self._hub.end_room(last.room_id, last.user_id, members)

    async def _catch_up(self) -> None:
        """Check sessions and memberships again, then broadcast the entries that subscribed rooms lack.

        The feed is open already, so it reports everything that happens meanwhile.
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
        """Broadcast the entries of the log in (position, until].

        A room whose log cannot be read is skipped, so that the other rooms are served. A head that is more than
        `MAX_FILLED` entries away cannot be right, so the room's connections are closed: their clients reconnect, and
        get `reset`.
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
                return  # the log has become shorter meanwhile; the feed will report that
            self._broadcast(entries)
            position = entries[-1].seq
            await asyncio.sleep(0)  # lets sockets send this page before the next one

    def _broadcast(self, entries: Sequence[Entry]) -> None:
        failpoints.reached(Failpoint.BEFORE_BROADCAST)
        self._hub.broadcast(entries)
