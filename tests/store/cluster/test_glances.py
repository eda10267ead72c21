"""Lists of rooms are read by few queries, and show the same whether tails hold what they need or not."""

from typing import Any

import pytest

from api.errors import Unavailable
from api.models.rooms import Role, RoomView
from api.store.cluster.glances import MAX_END
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.calls import change
from tests.store.cluster.nodes import keep_nothing_in_tails, like, make_den, never_flush, opened_again
from tests.store.make import ALICE, BOB, DEN, delete, edit, make_room, mentioning, message
from tests.store.test_unread import say

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def views(store: ClusterStore) -> list[RoomView]:
    return (await store.rooms.of_user(BOB.id, cursor=None, limit=100)).items


async def test_a_list_of_rooms_takes_few_queries_however_many_they_are(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    for number in range(12):
        room = (await store.rooms.create(make_room(number), ALICE)).room
        await change(store, room, BOB, Role.MEMBER, by=ALICE)
        await say(store, room, ALICE, 2, ref=room.id)
        await store.flusher.flush(room.id)
    asked = 0
    run = Pool.run

    async def counted(pool: Pool, query: Any) -> Any:
        nonlocal asked
        asked += 1
        return await run(pool, query)

    monkeypatch.setattr(Pool, "run", counted)
    shown = await views(store)
    assert [(one.unread.count, one.last_message is not None) for one in shown] == [(2, True)] * 12
    assert asked <= 5, "two for the list; now and then the node asks something else at the same time"


async def test_a_list_shows_the_same_however_much_of_a_log_a_tail_still_has(
    store: ClusterStore, behind: Pool
) -> None:
    await make_den(store)
    for number in range(2 * MAX_END):
        room = (await store.rooms.create(make_room(number), ALICE)).room
        await change(store, room, BOB, Role.MEMBER, by=ALICE)
        seqs = await say(store, room, ALICE, number, ref=room.id)
        named = mentioning(message(f"{number}"), BOB)
        seqs.append((await store.log.append(room.id, named)).entry.seq)
        for user in range(number % 5):
            await store.log.append(room.id, like(seqs[-1], f"user {user}"))
        if number % 3 == 0:
            await store.log.append(room.id, edit(f"e{number}", seqs[0], "edited"))
        if number % 4 == 0:
            await store.log.append(room.id, delete(f"d{number}", seqs[len(seqs) // 2]))
        if number % 7 == 0:
            await change(store, room, BOB, Role.READER, by=ALICE)
        await store.flusher.flush(room.id)
    shown = await views(store)
    assert {one.unread.mention_count for one in shown} == {0, 1}
    await keep_nothing_in_tails(behind)
    assert await views(store) == shown


@pytest.mark.parametrize("poison", [None, {"seq": 3}, "x"])
async def test_a_membership_that_is_not_flushed_counts_in_a_list_also_beside_what_is_no_entry(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch, poison: object
) -> None:
    await make_den(store)
    await change(store, DEN, BOB, Role.MEMBER, by=ALICE)
    assert [one.role for one in await views(other)] == [Role.MEMBER]
    async with opened_again(store) as dying:
        never_flush(dying, monkeypatch)
        with pytest.raises(Unavailable):
            await change(dying, DEN, BOB, Role.READER, by=ALICE)
    assert [one.role for one in await views(other)] == [Role.READER]
    await behind.write(r.table("heads").get(DEN.id).update({"tail": r.row["tail"].append(poison)}))
    assert [one.role for one in await views(other)] == [Role.READER]
