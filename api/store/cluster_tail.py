"""The changefeeds of a RethinkDB cluster as one tail of changes.

Three feeds on a connection of their own: heads that have grown; ended sessions; and our own beat, a row that we
write and must see come back. A paused or half-open server is silence and no error, so a beat that stays out is
taken for a lost feed.

A changefeed shows a write before it is on disk, and a crash may take it back: another entry then gets its seq
(seen, when servers were killed under load). So a feed only says which heads to look at. The entries themselves
are read from these heads, by a majority: what such a read returns is durable, since RethinkDB syncs after it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import structlog

from api.errors import Unavailable
from api.models import Change, Entry, Quiet, Restored, SessionEnded
from api.store.base import QUIET_SECONDS
from api.store.cluster_queries import grown_query, heads_query, renewal_query
from api.store.cluster_rows import entry_of
from api.store.rethinkdb import Pool, close, connect, r, tail

MAX_BATCH: Final = 500
READY_SECONDS: Final = 5.0
PAGE: Final = 500
MAX_TOLD: Final = 10_000
"""Rooms of which it is remembered how far they were told; forgetting costs entries that are told again."""

ReadLog: TypeAlias = Callable[[str, int, int], Awaitable[list[Entry]]]
"""Returns the entries of a room after a seq, at most so many."""

log = structlog.get_logger("api.store")


class _Grown(NamedTuple):
    """A head that has grown, past the entry `after`."""

    room_id: str
    epoch: str
    after: int


_News: TypeAlias = _Grown | SessionEnded | Quiet | Unavailable

Told: TypeAlias = dict[str, tuple[str, int]]
"""By room: in which epoch, and up to which seq, its log has been told."""


class Tail:
    """Open feeds; made by `open_tail`."""

    def __init__(
        self,
        pool: Pool,
        connection: Any,
        node: str,
        known: Told,
        *,
        read_log: ReadLog,
        on_restored: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._node = node
        self._read_log = read_log
        self._known = known  # by all tails of the store, those that are over too
        self._told: Told = {}
        self._on_restored = on_restored
        self._is_restored = False
        self._news: asyncio.Queue[_News] = asyncio.Queue(maxsize=10_000)
        self._ready = {name: asyncio.Event() for name in ("heads", "sessions", "beats")}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start every feed and wait until all are ready. Raises `Unavailable`."""
        feeds = {"heads": _heads(), "sessions": _sessions(), "beats": r.table("beats").get(self._node)}
        feeds["beats"] = feeds["beats"].changes(include_states=True, squash=False)
        self._tasks = [
            asyncio.create_task(self._follow(name, feed), name=f"feed-{name}") for name, feed in feeds.items()
        ]
        self._tasks.append(asyncio.create_task(self._beat(), name="feed-beat"))
        try:
            async with asyncio.timeout(READY_SECONDS):
                for ready in self._ready.values():
                    await ready.wait()
        except TimeoutError:
            raise Unavailable("the feed did not open in time") from None
        if not self._news.empty() and isinstance(lost := self._news.get_nowait(), Unavailable):
            raise lost
        self._is_restored = await self._look_for_a_set_back()

    async def close(self) -> None:
        """End every feed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close(self._connection)

    async def batches(self) -> AsyncIterator[list[Change]]:
        """Yield what the feeds bring, as it comes. Raises `Unavailable` when they are lost or silent."""
        if self._is_restored:
            yield [Restored()]
            self._known.clear()  # not before: should this tail be lost first, the next one must say it again
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
            ended = [one for one in news if isinstance(one, SessionEnded)]
            entries = await self._entries([one for one in news if isinstance(one, _Grown)])
            yield [*ended, *entries] or [Quiet()]

    async def _look_for_a_set_back(self) -> bool:
        """Say whether the database is an earlier one than we have told of; then let every room begin a new epoch.

        What was told is durable, so that no crash sets it back: only a restored copy or an emptied database does.
        """
        known = dict(self._known)
        heads = (
            {head["id"]: head for head in await self._pool.read(heads_query(list(known)))} if known else {}
        )
        now = {room_id: (head["epoch"], head["seq"]) for room_id, head in heads.items()}
        if any(
            epoch == known[room_id][0] and seq < known[room_id][1] for room_id, (epoch, seq) in now.items()
        ):
            log.warning("store_set_back")
            await self._pool.write(renewal_query())
        elif all(epoch == known[room_id][0] for room_id, (epoch, _) in now.items()):
            return False
        self._on_restored()
        return True

    async def _entries(self, grown: Sequence[_Grown]) -> list[Entry]:
        """Read what is new in these heads. Raises `Unavailable`."""
        after: dict[str, int] = {}
        for room_id, epoch, seq in grown:
            told_epoch, told = self._told.get(room_id, ("", 0))
            after.setdefault(room_id, told if told_epoch == epoch else seq)
        if not after:
            return []
        entries: list[Entry] = []
        for head in await self._pool.run(grown_query(after)):
            entries += await self._after(head, after[head["id"]])
        return entries

    async def _after(self, head: dict[str, Any], after: int) -> list[Entry]:
        """Return a head's entries after `after`; those that its tail no longer carries come from the log."""
        room_id = head["id"]
        for told in (self._told, self._known):
            if len(told) >= MAX_TOLD:
                told.clear()
            told[room_id] = head["epoch"], head["seq"]
        entries: list[Entry] = []
        while after < head["trimmed"] and (
            page := await self._read_log(room_id, after, min(PAGE, head["trimmed"] - after))
        ):
            entries += page
            after = page[-1].seq
        return [*entries, *_readable(head["tail"])]

    async def _follow(self, name: str, feed: Any) -> None:
        try:
            async for row in tail(self._connection, feed):
                if "state" in row:
                    if row["state"] == "ready":
                        self._ready[name].set()
                    continue
                for one in _news(name, row):
                    await self._news.put(one)
        except Unavailable as lost:
            await self._news.put(lost)
        finally:
            self._ready[name].set()  # `open` looks at what came

    async def _beat(self) -> None:
        while True:
            beat = {"id": self._node, "at": r.now().to_epoch_time()}
            with contextlib.suppress(Unavailable):  # a beat that stays out is what the other end listens for
                await self._pool.run(r.table("beats").insert(beat, conflict="replace", durability="soft"))
            await asyncio.sleep(QUIET_SECONDS * 0.8)


@contextlib.asynccontextmanager
async def open_tail(
    pool: Pool, node: str, known: Told, read_log: ReadLog, on_restored: Callable[[], None]
) -> AsyncIterator[AsyncIterator[list[Change]]]:
    """Open a tail; see `Store.changes`."""
    opened = Tail(pool, await connect(pool.address), node, known, read_log=read_log, on_restored=on_restored)
    try:
        await opened.open()
        yield opened.batches()
    finally:
        await opened.close()


def _heads() -> Any:
    """Return the feed of heads that have grown.

    One that is not as we write them gives null, not an error, which would end the feed for all rooms.
    """

    def grown(change: Any) -> Any:
        old, new = change["old_val"]["seq"].default(0), change["new_val"]["seq"].default(None)
        return r.branch(
            change["new_val"].eq(None),
            False,
            (new.type_of() != "NUMBER") | (old.type_of() != "NUMBER"),
            None,
            new > old,
            {
                "room_id": change["new_val"]["id"],
                "epoch": change["new_val"]["epoch"].default(None),
                "after": old,
            },
            False,
        )

    return (
        r.table("heads")
        .changes(include_states=True, squash=False)
        .map(
            lambda change: r.branch(
                change.has_fields("state") | change.has_fields("error"), change, {"grown": grown(change)}
            )
        )
        .filter(lambda change: change["grown"].default(None).ne(False))
    )


def _sessions() -> Any:
    """Return the feed of sessions that have just ended."""
    return (
        r.table("sessions")
        .changes(include_states=True, squash=False)
        .filter(
            lambda change: (
                change.has_fields("state") | change.has_fields("error") | change["new_val"].eq(None)
            )
        )
    )


def _news(name: str, row: dict[str, Any]) -> list[_News]:
    """Read one row of a feed; what makes no sense is logged and skipped."""
    try:
        if name == "beats":
            return [Quiet()]
        if name == "sessions":
            return [SessionEnded(str(row["old_val"]["id"]), str(row["old_val"]["user_id"]))]
        grown = row["grown"]
        return [_Grown(str(grown["room_id"]), str(grown["epoch"]), int(grown["after"]))]
    except (KeyError, TypeError, ValueError):
        log.warning("poison_row_skipped", feed=name)
        return []


def _readable(rows: list[dict[str, Any]]) -> list[Entry]:
    entries = []
    for row in rows:
        try:
            entries.append(entry_of(row))
        except (KeyError, TypeError, ValueError):
            log.warning("poison_row_skipped", feed="heads")
    return entries
