"""Positions whose rows alone know that a holder is late."""

import pytest

from api.errors import LeaseLost
from api.models.followers import FollowerPosition
from api.models.rooms import LOBBY_ID
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.make import message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def test_a_room_that_a_new_holder_has_come_to_is_closed_to_the_one_before(
    store: ClusterStore, behind: Pool
) -> None:
    """The earlier holder's write has looked at the lease before the other took it, and comes late."""
    await store.log.append(LOBBY_ID, message("1"))
    epoch = (await store.log.heads([LOBBY_ID]))[LOBBY_ID].epoch
    first, second = [await store.leases.acquire("reader", "a") for _ in range(2)]
    assert first is not None
    assert second is not None
    await store.positions.advance(second, [FollowerPosition(LOBBY_ID, epoch, 0)])
    await behind.write(r.table("leases").get("reader").update({"number": first.number}))
    for late in (epoch, "another epoch"):
        with pytest.raises(LeaseLost):
            await store.positions.advance(first, [FollowerPosition(LOBBY_ID, late, 1)])
    await store.positions.drop(first, [LOBBY_ID])
    found = (await store.positions.get_many("reader", [LOBBY_ID]))[LOBBY_ID]
    assert found.position == FollowerPosition(LOBBY_ID, epoch, 0)
    stored = await store.positions.advance(second, [FollowerPosition(LOBBY_ID, epoch, 1)])
    assert stored[LOBBY_ID].seq == 1


async def test_a_head_that_another_program_wrote_is_left_out(store: ClusterStore, behind: Pool) -> None:
    await behind.write(r.table("heads").insert([{"id": f"a{n}", "seq": "many"} for n in range(5)]))
    (found,) = await store.positions.page("reader", after="", limit=2)
    assert found.head.room_id == LOBBY_ID
    assert await store.positions.page("reader", after=LOBBY_ID, limit=2) == []
    assert await store.positions.get_many("reader", ["a1"]) == {}
