"""What every store promises of webhooks."""

import asyncio
from dataclasses import replace

import pytest

from api.errors import LeaseLost
from api.models.followers import FollowerPosition, Lease
from api.models.rooms import LOBBY_ID, Room
from api.models.webhooks import Beginning, PausedBy, Repeat, Trouble
from api.store.base.store import Store
from tests.store.make import make_delivery, make_webhook

pytestmark = pytest.mark.anyio


async def leased(store: Store, holder: str) -> Lease:
    lease = await store.leases.acquire("webhooks", holder)
    assert lease is not None
    return lease


async def test_a_webhook_is_kept_as_it_is(store: Store, other: Store) -> None:
    plain = make_webhook(LOBBY_ID, 1)
    full = make_webhook(
        LOBBY_ID,
        0,
        kinds=("message", "odd_one"),
        created_at=99_999,
        start=Beginning("e", 7),
        earlier_secret="whsec_b2xk",
        earlier_until=12_345,
        paused=PausedBy.GONE,
        trouble=Trouble(8, 1, 2, 3, 4, None),
        replay=Repeat("e", 2, 5),
    )
    for one in (full, plain, elsewhere := make_webhook("room-other", 2)):
        await store.webhooks.create(one)
    assert await other.webhooks.get(full.id) == full
    assert await other.webhooks.get("nobody") is await other.webhooks.get("\0") is None
    assert await other.webhooks.of_room(LOBBY_ID) == [plain, full]
    assert await other.webhooks.of_room("nowhere") == []
    assert await other.webhooks.page(after="", limit=2) == [full, plain]
    assert await other.webhooks.page(after=plain.id, limit=2) == [elsewhere]


async def test_of_two_changes_at_once_one_is_stored_and_the_other_learns_what_stands(
    store: Store, other: Store
) -> None:
    made = make_webhook(LOBBY_ID)
    await store.webhooks.create(made)
    mine, yours = replace(made, url="https://mine.example/"), replace(made, kinds=("edit",))
    answers = await asyncio.gather(store.webhooks.replace(mine), other.webhooks.replace(yours))
    standing = await store.webhooks.get(made.id)
    assert list(answers) == [standing, standing]
    assert standing in (replace(mine, version=2), replace(yours, version=2))
    assert await store.webhooks.replace(replace(made, version=2, paused=PausedBy.OWNER)) == replace(
        made, version=3, paused=PausedBy.OWNER
    )


async def test_under_an_older_lease_nothing_changes(store: Store, other: Store) -> None:
    made = make_webhook(LOBBY_ID)
    await store.webhooks.create(made)
    first = await leased(store, "a")
    assert await store.webhooks.replace(made, first) == replace(made, version=2)
    second = await leased(other, "a")
    for late in (replace(made, version=2, paused=PausedBy.DOWN), replace(made, version=9)):
        with pytest.raises(LeaseLost):
            await store.webhooks.replace(late, first)
    assert await store.webhooks.get(made.id) == replace(made, version=2)
    assert await other.webhooks.replace(replace(made, version=2), second) == replace(made, version=3)


async def test_what_belongs_to_a_webhook_goes_with_it(store: Store, other: Store, den: Room) -> None:
    made, kept = make_webhook(den.id), make_webhook(den.id, 1)
    lease = await leased(store, "a")
    for one in (made, kept):
        await store.webhooks.create(one)
        await store.deliveries.add([make_delivery(one), make_delivery(one, is_dead=True)])
    positions = {one.follower: FollowerPosition(den.id, "e", 1) for one in (made, kept)}
    await store.positions.advance_each(lease, positions)
    assert not await other.webhooks.end(LOBBY_ID, made.id)
    assert not await other.webhooks.end(den.id, "\0")
    assert await other.webhooks.end(den.id, made.id)
    assert not await other.webhooks.end(den.id, made.id)
    assert await store.webhooks.get(made.id) is None
    assert await store.webhooks.replace(made) is None
    assert await store.webhooks.of_room(den.id) == [kept]
    of_each = await store.positions.of_each({one.follower: den.id for one in (made, kept)})
    assert [of_each[one.follower].position for one in (made, kept)] == [
        None,
        FollowerPosition(den.id, "e", 1),
    ]
    await store.deliveries.add([make_delivery(made, 2)])
    for dead in (False, True):
        page = await store.deliveries.of_webhook(made.id, dead=dead, cursor=None, limit=9)
        assert page.items == []
        assert len((await store.deliveries.of_webhook(kept.id, dead=dead, cursor=None, limit=9)).items) == 1
