"""A server that dies, falls silent or is slow."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from api.errors import Unavailable
from api.models.log import Appended, Entry
from api.models.rooms import LOBBY_ID, Role
from api.store import rethinkdb
from api.store.base.store import Store
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Address, Pool, r
from tests.rethinkdb_server import DATABASE, RethinkDBServer, as_admin
from tests.store.calls import whole_log
from tests.store.cluster.nodes import (
    ANSWERED_SECONDS,
    NOTICED_SECONDS,
    SERVES_AGAIN_SECONDS,
    append_at_last,
    eventually,
    is_entry,
    lost,
    start_again,
    told,
    until,
)
from tests.store.make import ALICE, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def test_a_database_that_may_only_be_read_is_not_well(
    server: RethinkDBServer, store: ClusterStore, behind: Pool
) -> None:
    database = r.db(DATABASE)
    user = Address.parse(server.store_url).user
    await store.check()
    await as_admin(server, database.grant(user, {"write": False}))
    try:
        with pytest.raises(Unavailable):
            await store.check()
        assert await whole_log(store) == []
    finally:
        await as_admin(server, database.grant(user, {"write": True}))
    before = await behind.read(r.table("meta"))
    await store.check()
    assert await behind.read(r.table("meta")) == before


# -- a server that dies


async def test_what_was_acked_is_there_once_when_the_server_is_killed_among_appends(
    own_server: RethinkDBServer, store: ClusterStore, other: ClusterStore
) -> None:
    acked: dict[str, int] = {}
    is_over = asyncio.Event()

    async def sender(number: int, via: Store) -> None:
        count = 0
        while not is_over.is_set():
            ref, count = f"{number}/{count}", count + 1
            acked[ref] = (await append_at_last(via, message(ref, ref))).entry.seq

    def more_than(count: int) -> Callable[[], Awaitable[bool]]:
        async def is_so() -> bool:
            return len(acked) > count

        return is_so

    senders = [asyncio.create_task(sender(n, via)) for n, via in enumerate([store, other] * 5)]
    for _ in range(2):
        before = len(acked)
        await until(more_than(before + 50))
        await asyncio.to_thread(own_server.kill)
        await asyncio.to_thread(own_server.start)
    up_at, before = time.monotonic(), len(acked)
    await until(more_than(before + 20))
    serves_again = time.monotonic() - up_at
    is_over.set()
    await asyncio.gather(*senders)

    stored = await eventually(partial(whole_log, store))  # a table may come back after the one of appends
    assert [entry.seq for entry in stored] == list(range(1, len(stored) + 1))
    assert {entry.ref: entry.seq for entry in stored} == acked
    assert all(entry.data["body"] == entry.ref for entry in stored)
    assert serves_again < SERVES_AGAIN_SECONDS


async def test_a_tail_of_a_killed_server_is_lost_at_once_and_can_be_opened_again(
    own_server: RethinkDBServer, store: ClusterStore, other: ClusterStore
) -> None:
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
        await asyncio.to_thread(own_server.kill)
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)
    with pytest.raises(Unavailable):
        async with asyncio.timeout(ANSWERED_SECONDS), store.changes.open():
            pass
    await asyncio.to_thread(start_again, own_server)
    async with store.changes.open() as tail:
        await append_at_last(other, message("2"))
        assert [one for one in await told(tail, is_entry(2)) if isinstance(one, Entry)][-1].ref == "2"


async def test_every_call_fails_soon_while_there_is_no_server(
    own_server: RethinkDBServer, store: ClusterStore
) -> None:
    await asyncio.to_thread(own_server.kill)
    calls = [
        store.check(),
        store.log.append(LOBBY_ID, message("1")),
        store.log.heads([LOBBY_ID]),
        store.sessions.get("session"),
        store.members.join(LOBBY_ID, ALICE, Role.MEMBER, at=1),
    ]
    async with asyncio.timeout(ANSWERED_SECONDS):
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(answer, Unavailable) for answer in answers] == [True] * len(calls)


# -- a server that falls silent


async def test_a_paused_server_is_noticed_by_the_tail_and_by_every_call(
    own_server: RethinkDBServer, store: ClusterStore
) -> None:
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
        own_server.pause()
        with pytest.raises(Unavailable):
            async with asyncio.timeout(ANSWERED_SECONDS):
                await store.log.append(LOBBY_ID, message("2"))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(NOTICED_SECONDS):
                await lost(tail)
    own_server.resume()
    resumed_at = time.monotonic()

    async def append_beside_a_tail() -> Appended:
        async with store.changes.open():  # until it is open, nobody knows whether the database was set back
            return await store.log.append(LOBBY_ID, message("2"))

    acked = await eventually(append_beside_a_tail)
    assert time.monotonic() - resumed_at < SERVES_AGAIN_SECONDS
    assert acked.entry.seq == 2
    assert [entry.ref for entry in await whole_log(store)] == ["1", "2"]


async def test_nobody_waits_in_line_for_a_paused_server(
    own_server: RethinkDBServer, store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rethinkdb, "QUERY_SECONDS", 1.0)
    own_server.pause()
    for _ in range(2):  # the first calls lose the connections; the second would have to open new ones
        asked_at = time.monotonic()
        answers = await asyncio.gather(
            *(store.sessions.get(f"{n}") for n in range(20)), return_exceptions=True
        )
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert time.monotonic() - asked_at < 2
    own_server.resume()


# -- a slow query


async def test_a_query_that_takes_too_long_leaves_the_other_connection_in_use(
    behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rethinkdb, "QUERY_SECONDS", 0.5)
    slow = r.range(10**9).map(lambda n: n + 1).count()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await behind.run(slow)
        assert await behind.run(r.expr(1)) == 1
