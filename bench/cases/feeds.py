"""The cost of a changefeed to the database and its reader: over all rooms, as a node has it, and over one bucket.

If heads were in buckets, a node would tail only those that its subscribers need. A feed of a bucket without writes
shows what that would save. The database checks each write for such a feed all the same.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from api.store.cluster.feeds import heads_feed
from api.store.cluster.schema import empty_head
from api.store.rethinkdb import Address, close, connect, r, run, tail
from bench.contenders.tailwire import ROOT
from bench.machine.database import database
from bench.report.results import Row

ROOMS: Final = 20
WRITES: Final = 300
TAIL: Final = 33
"""The number of entries in the tail of a busy head: `TRIM_LAG` and one."""
WRITTEN: Final = 0
"""The bucket of all rooms with writes."""
FEEDS: Final[dict[str, Callable[[], Any]]] = {
    "all": lambda: heads_feed(r.table("heads")),
    "elsewhere": lambda: heads_feed(r.table("heads").get_all(WRITTEN + 1, index="bucket")),
}
KINDS: Final = ("0", "4-all", "4-elsewhere", "16-all", "16-elsewhere")
"""The kinds of runs: the number of feeds, and which feed."""


def measure(kind: str, directory: Path) -> Row:
    """Write to heads while the feeds of this kind are open; return the cost."""
    count, _, feed = kind.partition("-")
    with database(directory) as rethinkdb:
        address = Address.parse(rethinkdb.prepared(ROOT))
        return asyncio.run(_measured(address, int(count), feed or "all", rethinkdb.process.cpu_seconds))


async def _measured(address: Address, count: int, feed: str, cpu_seconds: Callable[[], float]) -> Row:
    async with AsyncExitStack() as stack:

        async def connected(address: Address) -> Any:
            connection = await connect(address)
            stack.push_async_callback(close, connection)
            return connection

        await _prepare(await connected(replace(address, user="admin")))
        writer = await connected(address)
        readers = [_Reader(await connected(address), FEEDS[feed]()) for _ in range(count)]
        for reader in readers:
            stack.push_async_callback(reader.close)
            await reader.ready.wait()
        database_before, ours_before = cpu_seconds(), time.process_time()
        for number in range(1, WRITES + 1):
            await run(writer, r.table("heads").get(f"room-{number % ROOMS}").update({"seq": number}))
        if feed == "all":
            await asyncio.gather(*(reader.done.wait() for reader in readers))
        ours = time.process_time() - ours_before
        return {
            "database_us": 1e6 * (cpu_seconds() - database_before) / WRITES,
            "reader_us": 1e6 * ours / WRITES,
        }


async def _prepare(admin: Any) -> None:
    heads = r.table("heads")
    await run(admin, heads.index_create("bucket"))
    await run(admin, heads.index_wait("bucket"))
    entry = {"id": "x" * 40, "digest": "x" * 40, "data": {"body": "x" * 100}, "kind": "message", "seq": 1}
    rows = [
        empty_head(f"room-{n}") | {"bucket": WRITTEN, "tail": [entry] * TAIL, "seq": 0} for n in range(ROOMS)
    ]
    await run(admin, heads.insert(rows))


class _Reader:
    """Reads a feed as a node does."""

    def __init__(self, connection: Any, feed: Any) -> None:
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self._task = asyncio.create_task(self._read(connection, feed))

    async def _read(self, connection: Any, feed: Any) -> None:
        count = 0
        async for row in tail(connection, feed):
            if row.get("state") == "ready":
                self.ready.set()
            elif "new" in row:
                count += 1
                if count == WRITES:
                    self.done.set()

    async def close(self) -> None:
        """End the reader."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
