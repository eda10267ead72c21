"""Joins the changefeeds of a RethinkDB cluster into one tail of changes.

A tail has four feeds, on a connection of their own: heads that have grown, sessions that have ended, signals of other
nodes, and its own beat, a row that it writes and must see come back. A paused or half-open server is silent, without an
error, so a missing beat counts as a lost feed.

A changefeed shows a write before it is on disk, and a crash may take that write back. Then another entry gets its seq;
this was seen when servers were killed under load. So a feed only says which heads to read. The entries are read from
these heads, by a majority. Everything that such a read returns is durable, since RethinkDB syncs after it. Entries that
this node has appended itself are known to be durable as soon as the append is answered, and are not read.

A room that nobody here listens to is not read, unless a membership in it has changed. Such a read costs the database
far more than the feed does, and every node would send it.

A tail ends when a head is replaced by one that has not grown from it. The next opening finds out why.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import structlog

from api.errors import Unavailable
from api.models.changes import Change, Quiet, Restored, SessionEnded, Signal
from api.models.log import UNREADABLE, Entry
from api.store.base.changes import Wants
from api.store.cluster.epochs import ClusterEpochs
from api.store.cluster.feeds import (
    NEWS,
    Heard,
    News,
    Replaced,
    Written,
    abandoned_query,
    beat_query,
    beats_feed,
    forget_query,
    growth,
    heads_feed,
    remove_beat_query,
    sessions_feed,
    signals_feed,
)
from api.store.cluster.heads import KnownHeads
from api.store.cluster.queries import grown_query
from api.store.cluster.rows import Reader
from api.store.cluster.unflushed import Unflushed
from api.store.rethinkdb import Pool, close, connect, r, run, tail
from api.store.signals import SignalReader

MAX_NEWS: Final = 500
"""At most this many rows of the feeds make one batch."""
READY_SECONDS: Final = 5.0
PAGE: Final = 500
"""At most this many entries of a log are read at once."""
MAX_GROWN: Final = 10_000
"""At most this many new entries of a room are yielded at once, the newest ones. If a head has more, another program has
raised its seq."""
MAX_TOLD: Final = 10_000
"""For this many rooms a tail remembers how far they were told. After forgetting, some entries are told again."""
MAX_OPENINGS: Final = 3
"""A tail is opened at most this often until the database is as the opening before has left it. More openings are needed
while a copy is put in place."""
MAX_BEFORE_SIGNALS: Final = 1_000
"""When this much news waits already, signals that come then are dropped."""
REMOVE_BEAT_SECONDS: Final = 1.0
"""A tail that closes waits at most this long for its beat to be removed."""

ReadLog: TypeAlias = Callable[[str, int, int], Awaitable[list[Entry]]]
"""Returns the entries of a room after a seq, at most a given number."""

_REPLACED: Final = "the database is no longer the one that was told of"

log = structlog.get_logger("api.store")


class ClusterTail:
    """The open feeds of one tail. `open_tail` makes it."""

    def __init__(
        self,
        pool: Pool,
        connection: Any,
        epochs: ClusterEpochs,
        reader: Reader,
        unflushed: Unflushed,
        *,
        heads: KnownHeads,
        signals_of: str,
        read_log: ReadLog,
        flush_left: Callable[[], Awaitable[None]],
        wants: Wants,
        grown: bool,
        quiet_seconds: float,
    ) -> None:
        """`signals_of` is the node whose signals this tail leaves out."""
        self._pool = pool
        self._connection = connection
        self._node = secrets.token_urlsafe(16)
        self._epochs = epochs
        self._reader = reader
        self._unflushed = unflushed
        self._heads = heads
        self._signals_of = signals_of
        self._signals = SignalReader()
        self._read_log = read_log
        self._flush_left = flush_left
        self._wants = wants
        self._grown = grown
        self._quiet_seconds = quiet_seconds
        self._told: dict[str, tuple[str, int]] = {}  # by room: the epoch and the last seq that was told
        self._news: asyncio.Queue[News] = asyncio.Queue(maxsize=10_000)
        self._ready = {name: asyncio.Event() for name in NEWS}
        self._lost: Unavailable | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start every feed and wait until all are ready. Raises `Unavailable`."""
        feeds = {
            "heads": heads_feed(r.table("heads"), grown=self._grown),
            "sessions": sessions_feed(),
            "beats": beats_feed(self._node),
            "signals": signals_feed(),
        }
        works: dict[str, Callable[[], Awaitable[None]]] = {"beat": self._beat}
        works |= {name: partial(self._follow, name, feed) for name, feed in feeds.items()}
        self._tasks = [
            asyncio.create_task(self._until_lost(name, work), name=f"feed-{name}")
            for name, work in works.items()
        ]
        try:
            async with asyncio.timeout(READY_SECONDS):
                for ready in self._ready.values():
                    await ready.wait()
        except TimeoutError:
            raise Unavailable("the feed did not open in time") from None
        if self._lost is not None:
            raise self._lost

    async def close(self) -> None:
        """End every feed, and keep for the next tail what is known."""
        self._hand_over()
        self._heads.forget_all()  # until the next tail nobody tells that a head was replaced
        with contextlib.suppress(Unavailable):
            await run(self._connection, remove_beat_query(self._node), seconds=REMOVE_BEAT_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close(self._connection)

    async def batches(self) -> AsyncIterator[list[Change]]:
        """Yield changes as the feeds bring them. Raises `Unavailable` when a feed is lost or silent."""
        try:
            async for batch in self._batches():
                yield batch
        except Unavailable:
            self._epochs.is_compared = False
            raise

    async def _batches(self) -> AsyncIterator[list[Change]]:
        if self._epochs.is_restored:
            yield [Restored()]
            self._epochs.is_restored = False  # only now: else a lost tail would never have yielded it
        while True:
            try:
                async with asyncio.timeout(2 * self._quiet_seconds):
                    news = [await self._news.get()]
            except TimeoutError:
                raise Unavailable("the feed has been silent for too long") from None
            while len(news) < MAX_NEWS and not self._news.empty():
                news.append(self._news.get_nowait())
            lost = next((one for one in news if isinstance(one, Unavailable)), None)
            if lost is not None:
                raise lost
            self._require_no_replaced(news)
            if ended := [one for one in news if isinstance(one, SessionEnded)]:
                yield list(ended)  # before the entries, as an ended session must not wait for a read
            written = [one for one in news if isinstance(one, Written)]
            entries = await self._entries(written)
            others = [*(growth(written) if self._grown else ()), *self._heard(news)]
            if entries or others or not ended:
                yield [*entries, *others] or [Quiet()]

    def _require_no_replaced(self, news: Sequence[News]) -> None:
        """Raise `Unavailable` if a head was replaced, of which the next opening finds out why."""
        for one in news:
            if isinstance(one, Replaced):
                room_id, epoch, seq = one.head[:3]
                self._tell(room_id, epoch, seq)
                if one.set_back:
                    self._epochs.saw_set_back(room_id, epoch)
                raise Unavailable(_REPLACED)

    def _heard(self, news: Sequence[News]) -> list[Signal]:
        """Return the signals of other nodes."""
        heard = [one for one in news if isinstance(one, Heard) and one.node != self._signals_of]
        return [signal for one in heard for signal in self._signals.read(one.signals)]

    async def _entries(self, written: Sequence[Written]) -> list[Entry]:
        """Return the new entries that anybody here must be told of. Raises `Unavailable`."""
        new: dict[str, Written] = {}  # by room: its newest head, and the last seq that is not new
        for one in written:
            if not one.must_be_heard(self._wants):
                continue
            room_id = one.head.room_id
            first = new.get(room_id)
            told = max(one.after, self._told_in(room_id, one.head.epoch)) if first is None else first.after
            new[room_id] = one._replace(after=told)
        for head, *_ in written:
            if head.room_id not in new:
                self._heads.passed(head.room_id, head.epoch, head.seq)
            if head.room_id not in new and head.flushed:
                # Nobody was told of these, but flushed entries are durable, and a database with fewer was set back.
                told = self._told_in(head.room_id, head.epoch)
                self._tell(head.room_id, head.epoch, max(head.flushed, told))
        await self._unflushed.answered(one.head.attempt for one in new.values())
        entries: list[Entry] = []
        unknown: list[Written] = []
        for one in new.values():
            rows = self._known(one)
            if rows is None:
                unknown.append(one)
            else:
                self._tell(one.head.room_id, one.head.epoch, max(one.head.seq, one.after))
                entries += self._reader.whole(one.head.room_id, rows, one.after, one.head.seq)
        return [*entries, *await self._read(unknown)]

    def _known(self, written: Written) -> list[dict[str, Any]] | None:
        """Return the new rows of a room if this node knows without a read that they are durable; else None."""
        head, after = written.head, written.after
        told = self._told.get(head.room_id)
        is_less = told is None and head.seq < self._epochs.told(head.room_id, head.epoch)
        if is_less or (told is not None and told[0] != head.epoch):
            return None  # the room may have been set back, which the read will show
        if head.seq <= after:
            return []  # an earlier read has already gone further than the feed
        return self._unflushed.messages(head.room_id, head.epoch, head.attempt, after, head.seq)

    async def _read(self, written: Sequence[Written]) -> list[Entry]:
        """Read the new entries of these rooms. Raises `Unavailable`."""
        if not written:
            return []
        after = {one.head.room_id: one.after for one in written}
        # The heads that are read next must hold at least what is known now.
        known = {
            head.room_id: self._told.get(head.room_id)
            or (head.epoch, self._epochs.told(head.room_id, head.epoch))
            for head, *_ in written
        }
        entries: list[Entry] = []
        for head in await self._pool.run(grown_query(after)):
            told_epoch, told = known[head["id"]]
            if head["epoch"] != told_epoch:
                raise Unavailable(_REPLACED)
            if head["seq"] < told:
                self._epochs.saw_set_back(head["id"], told_epoch)
                raise Unavailable(_REPLACED)
            self._heads.shown(head, head["tail"])
            entries += await self._after(head, after[head["id"]])
        return entries

    def _told_in(self, room_id: str, epoch: str) -> int:
        told_epoch, told = self._told.get(room_id, (epoch, 0))
        return told if told_epoch == epoch else 0

    def _tell(self, room_id: str, epoch: str, seq: int) -> None:
        """Note that the entries of a room up to `seq` are durable, and need not be told again."""
        if len(self._told) >= MAX_TOLD:
            self._hand_over()
        self._told[room_id] = epoch, seq

    async def _after(self, head: dict[str, Any], after: int) -> list[Entry]:
        """Return exactly one entry for each seq from `after` to a head's own.

        If the tail no longer has all of them, or has one that cannot be read, they are read from the log.
        """
        room_id, seq = head["id"], head["seq"]
        self._tell(room_id, head["epoch"], seq)
        after = max(after, seq - MAX_GROWN)
        if after >= head["trimmed"]:
            carried = self._reader.whole(room_id, head["tail"], after, seq)
            if all(entry.kind != UNREADABLE for entry in carried):
                return carried
        entries: list[Entry] = []
        while after < seq and (page := await self._read_log(room_id, after, min(PAGE, seq - after))):
            entries += page
            after = page[-1].seq
        return entries

    def _hand_over(self) -> None:
        for room_id, (epoch, seq) in self._told.items():
            self._epochs.remember(room_id, epoch, seq)
        self._told.clear()

    async def _until_lost(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do one task's work. When it fails for any reason, the tail is lost."""
        try:
            await work()
        except Unavailable as error:
            lost = error
        except Exception:
            log.exception("feed_failed", feed=name)
            lost = Unavailable("the feed failed")
        else:
            return
        self._epochs.is_compared = False
        self._lost = lost
        await self._news.put(lost)

    async def _follow(self, name: str, feed: Any) -> None:
        try:
            async for row in tail(self._connection, feed):
                if "state" not in row:
                    for one in self._reader.read([row], NEWS[name]):
                        is_lost = isinstance(one, Heard) and self._news.qsize() >= MAX_BEFORE_SIGNALS
                        if one is not None and not is_lost:
                            await self._news.put(one)
                elif row["state"] == "ready":
                    self._ready[name].set()
        finally:
            self._ready[name].set()  # so that `open` stops waiting; it raises the error

    async def _beat(self) -> None:
        """Write this node's beat again and again, and flush what nodes have left whose beats have stopped."""
        with contextlib.suppress(Unavailable):
            await self._pool.run(abandoned_query())
        while True:
            with contextlib.suppress(Unavailable):  # the feed of beats notices one that is missing
                stopped = await self._pool.run(beat_query(self._node))
                if stopped:
                    log.info("flushing_what_dead_nodes_left", nodes=len(stopped))
                    await self._flush_left()
                    await self._pool.run(forget_query(stopped))
            await asyncio.sleep(self._quiet_seconds * 0.8)


@contextlib.asynccontextmanager
async def open_tail(
    pool: Pool,
    epochs: ClusterEpochs,
    reader: Reader,
    unflushed: Unflushed,
    *,
    heads: KnownHeads,
    signals_of: str,
    read_log: ReadLog,
    flush_left: Callable[[], Awaitable[None]],
    wants: Wants,
    grown: bool,
    quiet_seconds: float,
) -> AsyncIterator[AsyncIterator[list[Change]]]:
    """Open a tail; see `ChangeStore.open`."""
    for _ in range(MAX_OPENINGS):
        connection = await connect(pool.address)
        opened = ClusterTail(
            pool,
            connection,
            epochs,
            reader,
            unflushed,
            heads=heads,
            signals_of=signals_of,
            read_log=read_log,
            flush_left=flush_left,
            wants=wants,
            grown=grown,
            quiet_seconds=quiet_seconds,
        )
        try:
            await opened.open()
            if await epochs.goes_on():
                yield opened.batches()
                return
            # New epochs have begun. The open feeds show their writes as replaced heads, so new feeds are opened.
        finally:
            await opened.close()
    raise Unavailable(_REPLACED)
