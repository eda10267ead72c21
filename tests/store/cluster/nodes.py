"""Opens nodes on a RethinkDB cluster, waits for them, and reads what they leave in the tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import pytest

from api.errors import Unavailable
from api.models.accounts import Account
from api.models.changes import Change, Quiet
from api.models.log import Appended, Draft, Entry, Kind
from api.models.rooms import LOBBY_ID
from api.store.base.changes import QUIET_SECONDS
from api.store.base.store import Store
from api.store.cluster.schema import TABLES
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Address, Pool, r
from tests.rethinkdb_server import RethinkDBServer, in_own_loop
from tests.store.make import ALICE, BOB, DEN

T = TypeVar("T")

NOTICED_SECONDS = 12.0
"""The time in which a node must notice that its database is paused."""

ANSWERED_SECONDS = 6.0  # a call takes 5 s at most; the rest is for a busy machine

SERVES_AGAIN_SECONDS = 5.0

WAIT_SECONDS = 30.0  # only a failing test waits this long


def start_again(server: RethinkDBServer) -> None:
    """Start a killed server and wait until its tables can be read."""
    server.start()
    wait_for_tables(server)


def wait_for_tables(server: RethinkDBServer) -> None:
    """Wait until every table can be read, which is some seconds after the server answers."""

    async def read() -> None:
        pool = Pool(Address.parse(server.store_url))
        try:
            for table in TABLES:
                await eventually(partial(pool.run, r.table(table, read_mode="majority").count()))
        finally:
            await pool.close()

    in_own_loop(read)


@asynccontextmanager
async def opened(url: str, *, quiet_seconds: float = QUIET_SECONDS) -> AsyncIterator[ClusterStore]:
    store = await ClusterStore.open(url, quiet_seconds=quiet_seconds)
    try:
        yield store
    finally:
        await store.close()


def like(target: int, user_id: str = ALICE.id) -> Draft:
    return Draft(Kind.REACTION, user_id, "x", 5_000, None, {"target": target, "emoji": "👍", "added": True})


async def eventually(call: Callable[[], Awaitable[T]]) -> T:
    """Call again and again while the database is unavailable; return its first answer."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(0.05)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it is so. Nothing tells us when."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.01)


async def append_at_last(store: Store, draft: Draft) -> Appended:
    """Append as a client does: again and again under the same ref, until the ack."""
    return await eventually(lambda: store.log.append(LOBBY_ID, draft))


async def told(tail: AsyncIterator[list[Change]], is_last: Callable[[Change], bool]) -> list[Change]:
    """Return the changes of a tail up to the last one, without `Quiet`."""
    seen: list[Change] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not any(is_last(one) for one in seen):
            seen += [one for one in await anext(tail) if not isinstance(one, Quiet)]
    return seen


async def lost(tail: AsyncIterator[list[Change]]) -> None:
    """Read until the tail raises."""
    while True:
        await anext(tail)


def is_entry(seq: int, room_id: str = LOBBY_ID) -> Callable[[Change], bool]:
    return lambda one: isinstance(one, Entry) and (one.room_id, one.seq) == (room_id, seq)


async def make_den(store: ClusterStore) -> None:
    """Create two accounts, and a room of the first."""
    for user in (ALICE, BOB):
        await store.accounts.create(Account(user, user.username, "hash"))
    await store.rooms.create(DEN, ALICE)


def never_flush(store: ClusterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every flush of a node fail. To the database it looks as if the node had died."""

    async def write(_batches: object, _proofs: object) -> list[str]:
        raise Unavailable

    monkeypatch.setattr(store.flusher, "_write", write)


async def flushed_refs(behind: Pool) -> list[str | None]:
    return [row["ref"] for row in await flushed_rows(behind) if "ref" in row]


async def flushed_rows(behind: Pool) -> list[dict[str, Any]]:
    """Return the flushed rows of all rooms, by seq."""
    return await behind.read(r.table("batches").concat_map(lambda batch: batch["rows"]).order_by("seq"))


async def keep_nothing_in_tails(behind: Pool) -> None:
    """Take all flushed entries out of the tails of heads, as later appends would."""
    emptied = {"flushed": r.row["seq"], "trimmed": r.row["seq"], "tail": []}
    await behind.write(r.table("heads").update(emptied))


async def forget_authors(behind: Pool) -> None:
    """Take the authors from all batches, as the versions before did not write them."""
    await behind.write(r.table("batches").replace(lambda batch: batch.without("authors")))


async def forget_folds(behind: Pool) -> None:
    """Take away the rows of changed messages, as the versions before 14 had none."""
    for name in ("changed", "reactions"):
        await behind.write(r.table(name).delete())
    await behind.write(r.table("heads").replace(lambda head: head.without("folded")))


@asynccontextmanager
async def opened_again(store: ClusterStore) -> AsyncIterator[ClusterStore]:
    one = ClusterStore(Pool(store._pool.address))
    try:
        yield one
    finally:
        await one.close()
