"""The changefeeds of a RethinkDB cluster as one tail of changes.

Three feeds on a connection of their own: new entries of all heads, projected on the server; ended sessions;
and our own beat, a row that we write and must see come back. A paused or half-open server is silence and no
error, so a beat that stays out is taken for a lost feed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import structlog

from api.errors import Unavailable
from api.models import Change, Quiet, SessionEnded
from api.store.base import QUIET_SECONDS
from api.store.cluster_rows import entry_of
from api.store.rethinkdb import Pool, close, connect, r, tail

MAX_BATCH: Final = 500
READY_SECONDS: Final = 5.0

log = structlog.get_logger("api.store")


class Tail:
    """Open feeds; made by `open_tail`."""

    def __init__(self, pool: Pool, connection: Any, node: str) -> None:
        self._pool = pool
        self._connection = connection
        self._node = node
        self._changes: asyncio.Queue[Change | Unavailable] = asyncio.Queue(maxsize=10_000)
        self._ready = {name: asyncio.Event() for name in ("entries", "sessions", "beats")}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start every feed and wait until all are ready. Raises `Unavailable`."""
        feeds = {"entries": _entries(), "sessions": _sessions(), "beats": r.table("beats").get(self._node)}
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
        if not self._changes.empty() and isinstance(lost := self._changes.get_nowait(), Unavailable):
            raise lost

    async def close(self) -> None:
        """End every feed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close(self._connection)

    async def batches(self) -> AsyncIterator[list[Change]]:
        """Yield what the feeds bring, as it comes. Raises `Unavailable` when they are lost or silent."""
        while True:
            try:
                async with asyncio.timeout(2 * QUIET_SECONDS):
                    batch = [await self._changes.get()]
            except TimeoutError:
                raise Unavailable("the feed has been silent for too long") from None
            while len(batch) < MAX_BATCH and not self._changes.empty():
                batch.append(self._changes.get_nowait())
            lost = next((change for change in batch if isinstance(change, Unavailable)), None)
            if lost is not None:
                raise lost
            told = [change for change in batch if not isinstance(change, Quiet | Unavailable)]
            yield list(told) or [Quiet()]

    async def _follow(self, name: str, feed: Any) -> None:
        try:
            async for row in tail(self._connection, feed):
                if "state" in row:
                    if row["state"] == "ready":
                        self._ready[name].set()
                    continue
                for change in _changes(name, row):
                    await self._changes.put(change)
        except Unavailable as lost:
            await self._changes.put(lost)
        finally:
            self._ready[name].set()  # `open` looks at what came

    async def _beat(self) -> None:
        while True:
            beat = {"id": self._node, "at": r.now().to_epoch_time()}
            with contextlib.suppress(Unavailable):  # a beat that stays out is what the other end listens for
                await self._pool.run(r.table("beats").insert(beat, conflict="replace", durability="soft"))
            await asyncio.sleep(QUIET_SECONDS * 0.8)


@contextlib.asynccontextmanager
async def open_tail(pool: Pool, node: str) -> AsyncIterator[AsyncIterator[list[Change]]]:
    """Open a tail; see `Store.changes`."""
    opened = Tail(pool, await connect(pool.address), node)
    try:
        await opened.open()
        yield opened.batches()
    finally:
        await opened.close()


def _entries() -> Any:
    """Return the feed of new entries: of each changed head, those past its former seq.

    A head that is not as we write them gives null, not an error, which would end the feed for all rooms.
    """

    def is_new(row: Any, change: Any) -> Any:
        before = change["old_val"]["seq"].default(0)
        return r.branch(row.type_of() == "OBJECT", row["seq"].default(0) > before, True)

    def entries(change: Any) -> Any:
        tail = change["new_val"]["tail"].default(None)
        return r.branch(
            change["new_val"].eq(None),
            [],
            tail.type_of() == "ARRAY",
            tail.filter(lambda row: is_new(row, change)),
            None,
        )

    return (
        r.table("heads")
        .changes(include_states=True, squash=False)
        .map(
            lambda change: r.branch(
                change.has_fields("state") | change.has_fields("error"),
                change,
                {"entries": entries(change)},
            )
        )
        .filter(lambda change: change["entries"].default(None).ne([]))
    )


def _sessions() -> Any:
    """Return the feed of sessions that have just ended."""
    return (
        r.table("sessions")
        .changes(include_states=True, squash=False)
        .filter(
            lambda change: (
                change.has_fields("state")
                | change.has_fields("error")
                | (
                    change["new_val"]["ended"].default(False)
                    & change["old_val"]["ended"].default(False).not_()
                )
            )
        )
    )


def _changes(name: str, row: dict[str, Any]) -> list[Change]:
    """Read one row of a feed; what makes no sense is logged and skipped."""
    try:
        if name == "beats":
            return [Quiet()]
        if name == "sessions":
            return [SessionEnded(str(row["new_val"]["id"]), str(row["new_val"]["user_id"]))]
        return [entry_of(entry) for entry in sorted(row["entries"], key=lambda entry: int(entry["seq"]))]
    except (KeyError, TypeError, ValueError):
        log.warning("poison_row_skipped", feed=name)
        return []
