"""Changes of administrators happen in turns, and a turn ends also when its node does not end it."""

import time

import pytest

from api.errors import Unavailable
from api.models.accounts import User
from api.store.cluster import administrators
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import QUERY_SECONDS, Pool, r

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def let_another_node_have_the_turn(behind: Pool, seconds: float) -> None:
    row = {"id": administrators.TURN, "holder": "another node", "until": time.time() + seconds}
    await behind.write(r.table("meta").insert(row, conflict="replace"))


async def test_a_turn_that_was_not_given_back_is_over_after_its_time(
    store: ClusterStore, behind: Pool, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (alice, bob):
        await store.accounts.set_flags(user.id, admin=True)
    await let_another_node_have_the_turn(behind, 60)
    monkeypatch.setattr(administrators, "TURN_SECONDS", 0.2)
    with pytest.raises(Unavailable):
        await store.accounts.set_flags(alice.id, admin=False, one_remains=True)
    monkeypatch.undo()
    await let_another_node_have_the_turn(behind, -1)
    changed = await store.accounts.set_flags(alice.id, admin=False, one_remains=True)
    assert not changed.admin
    assert await behind.run(r.table("meta").get(administrators.TURN)) is None


async def test_who_has_the_turn_stops_before_it_is_over(
    store: ClusterStore, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (alice, bob):
        await store.accounts.set_flags(user.id, admin=True)
    monkeypatch.setattr(administrators, "TURN_SECONDS", QUERY_SECONDS)
    with pytest.raises(Unavailable):
        await store.accounts.set_flags(alice.id, admin=False, one_remains=True)
    assert (await store.accounts.get_many([alice.id]))[alice.id].admin
