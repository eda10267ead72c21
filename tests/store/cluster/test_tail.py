"""What a tail reads, and what it knows from the appends of its own node."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.errors import Unavailable
from api.models.changes import Restored
from api.models.log import Entry, Kind
from api.models.rooms import LOBBY_ID, Role
from api.store import rethinkdb
from api.store.cluster import queries as cluster_queries
from api.store.cluster import tail as cluster_tail
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.cluster.nodes import eventually, is_entry, lost, make_den, never_flush, told, until
from tests.store.make import BOB, DEN, delete, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The rooms of each read of a tail."""
    asked: list[set[str]] = []
    grown_query = cluster_queries.grown_query

    def counted(after: dict[str, int]) -> Any:
        asked.append(set(after))
        return grown_query(after)

    monkeypatch.setattr(cluster_tail, "grown_query", counted)
    return asked


async def test_what_a_node_has_appended_itself_is_told_and_not_read(
    store: ClusterStore, other: ClusterStore, asked: list[set[str]]
) -> None:
    async with store.changes.open() as tail, other.changes.open() as elsewhere:
        hearing = asyncio.create_task(told(tail, is_entry(5)))
        acked = [(await store.log.append(LOBBY_ID, message(f"{n}"))).entry for n in range(5)]
        assert await hearing == acked
        assert not asked
        assert await told(elsewhere, is_entry(5)) == acked
        assert asked
        asked.clear()
        theirs = await other.log.append(LOBBY_ID, message("theirs"))
        ours = await store.log.append(LOBBY_ID, message("ours"))
        assert await told(tail, is_entry(7)) == [theirs.entry, ours.entry]
        assert asked


async def test_a_tail_does_not_tell_what_its_own_node_has_deleted_meanwhile(store: ClusterStore) -> None:
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("1", "secret"))
        await store.log.append(LOBBY_ID, delete("2", 1))
        first, second = await told(tail, is_entry(2))
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert (first.data["body"], second.kind) == ("", Kind.DELETE)


async def test_what_was_lost_with_a_life_of_the_database_is_not_told_in_the_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_settled() -> bool:
        return not store.flusher._unflushed

    await make_den(other)
    await store.log.append(DEN.id, message("1"))
    await until(is_settled)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    with monkeypatch.context() as broken:
        never_flush(store, broken)
        lost_one = await store.log.append(DEN.id, message("2", "of the lost life"))
        await behind.write(r.table("heads").get(DEN.id).replace(earlier))
    await until(is_settled)  # the flush has seen that it is gone
    async with other.changes.open() as elsewhere, store.changes.open() as tail:
        assert await anext(tail) == [Restored()], "it was acked, and is gone"
        theirs = (await eventually(lambda: other.log.append(DEN.id, message("3", "theirs")))).entry
        assert theirs.seq == lost_one.entry.seq
        assert (await told(tail, is_entry(theirs.seq, DEN.id)))[-1] == theirs
        with pytest.raises(Unavailable):
            await lost(elsewhere)  # it belongs to the old epoch


@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_tail_waits_for_an_append_of_its_own_node_but_not_for_long(
    store: ClusterStore, asked: list[set[str]], monkeypatch: pytest.MonkeyPatch, is_answered: bool
) -> None:
    await store.log.append(LOBBY_ID, message("1"))
    answer, run = asyncio.Event(), store._pool.run

    async def answered_late(query: Any) -> Any:
        found = await run(query)
        if isinstance(found, dict) and found.get("replaced"):
            await answer.wait()
        return found

    monkeypatch.setattr(store._pool, "run", answered_late)
    async with store.changes.open() as tail:
        appending = asyncio.create_task(store.log.append(LOBBY_ID, message("2")))
        if is_answered:
            asyncio.get_running_loop().call_later(0.05, answer.set)
        (entry,) = await told(tail, is_entry(2))
        answer.set()
        assert entry == (await appending).entry
    assert bool(asked) is not is_answered


async def test_rooms_that_nobody_wants_are_not_read_but_for_changes_of_membership(
    store: ClusterStore, other: ClusterStore, asked: list[set[str]]
) -> None:
    wanted = {LOBBY_ID}
    await make_den(other)
    async with store.changes.open(wanted.__contains__) as tail:
        for n in range(40):  # more than the tail of a head keeps
            await other.log.append(DEN.id, message(f"unheard {n}"))
        await other.log.append(LOBBY_ID, message("heard"))
        heard = [one for one in await told(tail, is_entry(1)) if isinstance(one, Entry)]
        assert [entry.ref for entry in heard] == ["heard"]
        assert asked == [{LOBBY_ID}]

        joined = await other.members.join(DEN.id, BOB, Role.MEMBER, at=1)
        assert joined is not None
        heard = [
            one for one in await told(tail, is_entry(joined.entry.seq, DEN.id)) if isinstance(one, Entry)
        ]
        assert heard[-1] == joined.entry

        wanted.add(DEN.id)
        known = (await store.log.heads([DEN.id]))[DEN.id].seq
        await other.log.append(DEN.id, message("1"))
        heard = [one for one in await told(tail, is_entry(known + 1, DEN.id)) if isinstance(one, Entry)]
        assert heard[-1].ref == "1"
        assert len(heard) <= 2  # the entries before it are not read


async def test_a_tail_whose_reading_fails_is_lost_and_not_silent(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(connection: Any, query: Any) -> AsyncIterator[dict[str, Any]]:
        async for row in rethinkdb.tail(connection, query):
            if "new" in row:
                raise ZeroDivisionError
            yield row

    monkeypatch.setattr(cluster_tail, "tail", failing)
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("1"))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)


async def test_a_tail_leaves_no_beat_behind_and_removes_those_that_others_left(
    restless: ClusterStore, behind: Pool
) -> None:
    now = r.now().to_epoch_time()
    for beat in ({"id": "gone", "at": now - 3_600}, {"id": "broken"}, {"id": "alive", "at": now}):
        await behind.write(r.table("beats").insert(beat))

    async def are_gone() -> bool:
        beats = await behind.read(r.table("beats")["id"])
        return "alive" in beats and not {"gone", "broken"} & set(beats)

    async with restless.changes.open() as tail:
        await anext(tail)
        await until(are_gone)
    assert await behind.read(r.table("beats")["id"]) == ["alive"]
