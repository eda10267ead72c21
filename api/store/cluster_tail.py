"""The changefeeds of a RethinkDB cluster as one tail of changes.

Three feeds on a connection of their own: heads that have grown; ended sessions; and our own beat, a row that we
write and must see come back. A paused or half-open server is silence and no error, so a beat that stays out is
taken for a lost feed.

A changefeed shows a write before it is on disk, and a crash may take it back: another entry then gets its seq
(seen, when servers were killed under load). So a feed only says which heads to look at. The entries themselves
are read from these heads, by a majority: what such a read returns is durable, since RethinkDB syncs after it.
Rooms that nobody here listens to are not read, unless somebody's membership in them has changed: such a read costs
the database far more than the feed does, and every node would ask for it.

A head that is replaced by another than its own grown self ends the tail; the next opening finds out why.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import structlog

from api.errors import Unavailable
from api.models import Change, Entry, Quiet, Restored, SessionEnded
from api.store.base import QUIET_SECONDS, Wants
from api.store.cluster_life import Life
from api.store.cluster_queries import grown_query
from api.store.cluster_rows import Reader, entry_of, is_key
from api.store.rethinkdb import Pool, close, connect, r, run, tail

MAX_BATCH: Final = 500
READY_SECONDS: Final = 5.0
PAGE: Final = 500
MAX_TOLD: Final = 10_000
"""Rooms of which it is remembered how far they were told; forgetting costs entries that are told again."""
MAX_OPENINGS: Final = 3
"""Until the database is the one that the opening before has left; more are needed while a copy is put in place."""
ABANDONED_SECONDS: Final = 300.0
"""A beat of this age is of a node that did not say goodbye."""
GOODBYE_SECONDS: Final = 1.0

ReadLog: TypeAlias = Callable[[str, int, int], Awaitable[list[Entry]]]
"""Returns the entries of a room after a seq, at most so many."""

_REPLACED: Final = "the database is no longer the one that was told of"

log = structlog.get_logger("api.store")


class _Head(NamedTuple):
    """What the feed shows of a head. `moved`: the newest change of a membership; None where that is not known."""

    room_id: str
    epoch: str
    seq: int
    flushed: int
    moved: int | None


class _Written(NamedTuple):
    """A head as it is now, and the entry `after` which it has grown, if it has."""

    head: _Head
    after: int

    def must_be_read(self, wants: Wants) -> bool:
        """Say whether somebody here is to hear of what is new."""
        room_id, _, seq, _, moved = self.head
        return seq > self.after and (moved is None or moved > self.after or wants(room_id))


class _Replaced(NamedTuple):
    """A head that is gone, or is another one; here is how it was."""

    head: _Head


_News: TypeAlias = _Written | _Replaced | SessionEnded | Quiet | Unavailable


class Tail:
    """Open feeds; made by `open_tail`."""

    def __init__(
        self, pool: Pool, connection: Any, life: Life, reader: Reader, *, read_log: ReadLog, wants: Wants
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._node = secrets.token_urlsafe(16)
        self._life = life
        self._reader = reader
        self._read_log = read_log
        self._wants = wants
        self._told: dict[str, tuple[str, int]] = {}  # by room: in which epoch, and up to which seq
        self._news: asyncio.Queue[_News] = asyncio.Queue(maxsize=10_000)
        self._ready = {name: asyncio.Event() for name in ("heads", "sessions", "beats")}
        self._lost: Unavailable | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start every feed and wait until all are ready. Raises `Unavailable`."""
        feeds = {"heads": heads_feed(r.table("heads")), "sessions": _sessions(), "beats": _beats(self._node)}
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
        """End every feed, and leave what is known to the next tail."""
        self._hand_over()
        with contextlib.suppress(Unavailable):
            await run(self._connection, _goodbye(self._node), seconds=GOODBYE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close(self._connection)

    async def batches(self) -> AsyncIterator[list[Change]]:
        """Yield what the feeds bring, as it comes. Raises `Unavailable` when they are lost or silent."""
        if self._life.is_restored:
            yield [Restored()]
            self._life.is_restored = (
                False  # not before: should this tail be lost first, the next one must say it
            )
        while True:
            try:
                async with asyncio.timeout(2 * QUIET_SECONDS):
                    news = [await self._news.get()]
            except TimeoutError:
                raise Unavailable("the feed has been silent for too long") from None
            while len(news) < MAX_BATCH and not self._news.empty():
                news.append(self._news.get_nowait())
            lost = next((one for one in news if isinstance(one, Unavailable)), None)
            if lost is not None:
                raise lost
            for replaced in news:
                if isinstance(replaced, _Replaced):
                    self._tell(replaced.head.room_id, replaced.head.epoch, replaced.head.seq)
                    raise Unavailable(_REPLACED)
            ended = [one for one in news if isinstance(one, SessionEnded)]
            entries = await self._entries([one for one in news if isinstance(one, _Written)])
            yield [*ended, *entries] or [Quiet()]

    async def _entries(self, written: Sequence[_Written]) -> list[Entry]:
        """Read what somebody here is to hear of. Raises `Unavailable`."""
        after: dict[str, int] = {}
        known: dict[str, tuple[str, int]] = {}  # what is known now, the heads that are read next must hold
        for one in written:
            room_id, epoch, *_ = one.head
            if one.must_be_read(self._wants) and room_id not in after:
                known[room_id] = self._told.get(room_id) or (epoch, self._life.told(room_id, epoch))
                after[room_id] = max(one.after, self._told_in(room_id, epoch))
        for (room_id, epoch, _, flushed, _), _ in written:
            if room_id not in after and flushed:
                # Nobody was told, but that much is durable, and a database that has less of it was set back.
                self._tell(room_id, epoch, max(flushed, self._told_in(room_id, epoch)))
        if not after:
            return []
        entries: list[Entry] = []
        for head in await self._pool.run(grown_query(after)):
            told_epoch, told = known[head["id"]]
            if head["epoch"] != told_epoch or head["seq"] < told:
                raise Unavailable(_REPLACED)
            entries += await self._after(head, after[head["id"]])
        return entries

    def _told_in(self, room_id: str, epoch: str) -> int:
        told_epoch, told = self._told.get(room_id, (epoch, 0))
        return told if told_epoch == epoch else 0

    def _tell(self, room_id: str, epoch: str, seq: int) -> None:
        """Note that a room need not be told any more up to an entry, which is durable."""
        if len(self._told) >= MAX_TOLD:
            self._hand_over()
        self._told[room_id] = epoch, seq

    async def _after(self, head: dict[str, Any], after: int) -> list[Entry]:
        """Return a head's entries after `after`; those that its tail no longer carries come from the log."""
        room_id = head["id"]
        self._tell(room_id, head["epoch"], head["seq"])
        entries: list[Entry] = []
        while after < head["trimmed"] and (
            page := await self._read_log(room_id, after, min(PAGE, head["trimmed"] - after))
        ):
            entries += page
            after = page[-1].seq
        return [*entries, *self._reader.read(head["tail"], entry_of)]

    def _hand_over(self) -> None:
        for room_id, (epoch, seq) in self._told.items():
            self._life.remember(room_id, epoch, seq)
        self._told.clear()

    async def _until_lost(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do one task's work; when it fails, of whatever, the tail is lost."""
        try:
            await work()
        except Unavailable as error:
            lost = error
        except Exception:
            log.exception("feed_failed", feed=name)
            lost = Unavailable("the feed failed")
        else:
            return
        self._lost = lost
        await self._news.put(lost)

    async def _follow(self, name: str, feed: Any) -> None:
        try:
            async for row in tail(self._connection, feed):
                if "state" not in row:
                    for one in self._reader.read([row], _NEWS[name]):
                        if one is not None:
                            await self._news.put(one)
                elif row["state"] == "ready":
                    self._ready[name].set()
        finally:
            self._ready[name].set()  # `open` looks at what came

    async def _beat(self) -> None:
        with contextlib.suppress(Unavailable):
            await self._pool.run(_abandoned())
        while True:
            beat = {"id": self._node, "at": r.now().to_epoch_time()}
            with contextlib.suppress(Unavailable):  # a beat that stays out is what the other end listens for
                await self._pool.run(r.table("beats").insert(beat, conflict="replace", durability="soft"))
            await asyncio.sleep(QUIET_SECONDS * 0.8)


@contextlib.asynccontextmanager
async def open_tail(
    pool: Pool, life: Life, reader: Reader, read_log: ReadLog, wants: Wants
) -> AsyncIterator[AsyncIterator[list[Change]]]:
    """Open a tail; see `Store.changes`."""
    for _ in range(MAX_OPENINGS):
        opened = Tail(pool, await connect(pool.address), life, reader, read_log=read_log, wants=wants)
        try:
            await opened.open()
            if await life.goes_on():
                yield opened.batches()
                return
            # New epochs have begun, of which the feeds that are open would tell: others are opened.
        finally:
            await opened.close()
    raise Unavailable(_REPLACED)


def heads_feed(heads: Any) -> Any:
    """Return the feed of these heads, without what they carry.

    What it shows is looked at here, not there: each node has a feed, and the database computes for all of them. A
    field that is not there is left out, and no error, which would end the feed for all rooms.
    """
    shown = ("id", "epoch", "seq", "flushed", "moved")

    def row(change: Any) -> Any:
        old, new = (change[side].pluck(*shown).default(None) for side in ("old_val", "new_val"))
        id_ = change["new_val"].default(change["old_val"])["id"]
        return r.branch(_is_state(change), change, {"id": id_, "old": old, "new": new})

    return heads.changes(include_states=True, squash=False).map(row)


def _sessions() -> Any:
    """Return the feed of sessions that have just ended."""
    return (
        r.table("sessions")
        .changes(include_states=True, squash=False)
        .filter(lambda change: _is_state(change) | change["new_val"].eq(None))
        .map(lambda change: r.branch(_is_state(change), change, change["old_val"].pluck("id", "user_id")))
    )


def _is_state(change: Any) -> Any:
    return change.has_fields("state") | change.has_fields("error")


def _beats(node: str) -> Any:
    """Return the feed of a node's own beats."""
    return r.table("beats").get(node).changes(include_states=True, squash=False)


def _abandoned() -> Any:
    """Return the write that removes the beats of nodes that are no more."""
    is_old = r.row["at"].default(0) < r.now().to_epoch_time() - ABANDONED_SECONDS
    return r.table("beats").filter(is_old).delete(durability="soft")


def _goodbye(node: str) -> Any:
    """Return the write that removes a node's own beat."""
    return r.table("beats").get(node).delete(durability="soft")


def _head_news(row: dict[str, Any]) -> _News | None:
    """Return what a change of a head means. Raises `KeyError`, `TypeError` for one that is not as we write them."""
    try:
        was = _head(row["old"])
    except (KeyError, TypeError):
        was = None
    if row["new"] is None:
        return None if was is None else _Replaced(was)
    head = _head(row["new"])
    if was is not None and (head.epoch != was.epoch or head.seq < was.seq):
        return _Replaced(was)
    if was is not None:
        return _Written(head, was.seq)
    return _Written(head, 0 if row["old"] is None else head.seq)


def _head(row: dict[str, Any]) -> _Head:
    """Read what the feed shows of a head. Raises `KeyError`, `TypeError`."""
    room_id, epoch, seq, flushed, moved = (
        *(row[name] for name in ("id", "epoch", "seq", "flushed")),
        row.get("moved"),
    )
    if not (isinstance(room_id, str) and isinstance(epoch, str) and type(seq) is type(flushed) is int):
        raise TypeError
    if not is_key(room_id) or "$" in room_id or seq < 0 or not 0 <= flushed <= seq:
        raise TypeError
    return _Head(room_id, epoch, seq, flushed, moved if type(moved) is int else None)


def _session_news(row: dict[str, Any]) -> _News:
    return SessionEnded(str(row["id"]), str(row["user_id"]))


def _beat_news(_row: dict[str, Any]) -> _News:
    return Quiet()


_NEWS: Final[dict[str, Callable[[dict[str, Any]], _News | None]]] = {
    "heads": _head_news,
    "sessions": _session_news,
    "beats": _beat_news,
}
"""By feed: what reads a row of it."""
