"""A reader of many rooms is given a page by few queries, and the same whether tails hold it or not."""

from typing import Any, Final

import pytest

from api.models.followers import Start
from api.models.rooms import Role, Room
from api.rooms.consumers import ConsumerService
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool
from tests.store.calls import change, send
from tests.store.cluster.nodes import keep_nothing_in_tails
from tests.store.make import ALICE, BEGUN, BOB, account_of, make_room

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

ROOMS: Final = 30


async def rooms_with_messages(store: ClusterStore) -> list[Room]:
    await store.accounts.create(account_of(ALICE))
    rooms = [make_room(number) for number in range(ROOMS)]
    for room in rooms:
        await store.rooms.create(room, ALICE)
        await send(store, room, *(f"{number} in {room.id}" for number in range(3)))
        await store.flusher.flush(room.id)
    return rooms


async def test_a_page_of_many_rooms_takes_few_queries(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = await rooms_with_messages(store)
    readers = ConsumerService(store, per_user=9)
    consumer, _ = await readers.put(ALICE.id, "bot", room_ids=None, start=Start.BEGINNING)
    asked = 0
    run = Pool._run

    async def counted(pool: Pool, *given: Any) -> Any:
        nonlocal asked
        asked += 1
        return await run(pool, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Pool, "_run", counted)
        reading = await readers.read(consumer, [room.id for room in rooms], limit=500)
        queries = asked
    seqs = {one.place.room_id: [entry.seq for entry in one.entries] for one in reading.given}
    assert seqs == {room.id: [*range(1, BEGUN + 4)] for room in rooms}
    assert queries <= 8, "four for the page, one of them twice; now and then the node asks something else"
    await keep_nothing_in_tails(behind)
    assert (await readers.read(consumer, [room.id for room in rooms], limit=500)).given == reading.given


async def test_where_a_reader_begins_in_rooms_that_were_joined_later_takes_few_queries_for_each(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = await rooms_with_messages(store)
    await store.accounts.create(account_of(BOB))
    readers = ConsumerService(store, per_user=9)
    consumer, _ = await readers.put(BOB.id, "bot", room_ids=None, start=Start.NOW)
    for room in rooms:
        await change(store, room, BOB, Role.MEMBER, by=ALICE, at=9_000)
    read = store.members.get
    alone = list[str]()

    async def noted(room_id: str, user_id: str) -> Any:
        alone.append(room_id)
        return await read(room_id, user_id)

    monkeypatch.setattr(store.members, "get", noted)
    reading = await readers.read(consumer, [room.id for room in rooms], limit=500)
    assert [[entry.seq for entry in one.entries] for one in reading.given] == [[BEGUN + 4]] * ROOMS
    assert alone == []
