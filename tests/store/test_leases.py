"""What every store promises of leases."""

import asyncio
import random
import time

import pytest

from api.models.followers import Lease, LeaseState
from api.store.base.leases import LEASE_MS
from api.store.base.store import Store
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

DAY_MS = 86_400_000


async def test_a_lease_has_one_holder_and_each_new_one_has_a_higher_number(
    store: Store, other: Store
) -> None:
    first = await store.leases.acquire("work", "a")
    assert first == Lease("work", 1)
    assert await other.leases.acquire("work", "b") is None
    assert await other.leases.acquire("other work", "b") == Lease("other work", 1)
    assert await store.leases.renew(first)
    await store.leases.release(first)
    second = await other.leases.acquire("work", "b")
    assert second == Lease("work", 2)
    assert not await store.leases.renew(first)
    await store.leases.release(first)
    assert await store.leases.acquire("work", "a") is None
    assert await store.leases.all() == [
        LeaseState("other work", 1, is_held=True),
        LeaseState("work", 2, is_held=True),
    ]


async def test_a_holder_who_did_not_hear_the_answer_asks_again_and_gets_a_new_number(store: Store) -> None:
    first, second = [await store.leases.acquire("work", "a") for _ in range(2)]
    assert (first, second) == (Lease("work", 1), Lease("work", 2))
    assert first is not None
    assert not await store.leases.renew(first)


async def test_a_lease_that_has_ended_is_not_renewed_and_anybody_may_take_it(
    store: Store, other: Store, stranger: Stranger
) -> None:
    lease = await store.leases.acquire("work", "a")
    assert lease is not None
    await stranger.end_lease("work")
    assert await store.leases.all() == [LeaseState("work", 1, is_held=False)]
    assert not await store.leases.renew(lease)
    assert await other.leases.acquire("work", "b") == Lease("work", 2)


async def test_a_renewed_lease_ends_as_late_as_a_new_one_and_no_later(
    store: Store, other: Store, stranger: Stranger
) -> None:
    lease = await store.leases.acquire("work", "a")
    assert lease is not None
    for before in (DAY_MS, LEASE_MS // 2):
        await stranger.end_lease("work", in_ms=before)
        assert await store.leases.renew(lease)
        assert await other.leases.acquire("work", "b") is None
    assert await store.leases.all() == [LeaseState("work", 1, is_held=True)]


async def test_a_lease_by_a_clock_that_was_ahead_keeps_nobody_away(store: Store, stranger: Stranger) -> None:
    assert await store.leases.acquire("work", "a") is not None
    await stranger.end_lease("work", in_ms=DAY_MS)
    assert await store.leases.acquire("work", "b") == Lease("work", 2)


@pytest.mark.stores("rethinkdb")
async def test_a_lease_goes_by_the_clock_of_the_database_and_not_of_the_machine(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await store.leases.acquire("work", "a")
    assert lease is not None
    monkeypatch.setattr(time, "time", lambda: 1e10)
    monkeypatch.setattr(time, "time_ns", lambda: 10**19)
    assert await other.leases.acquire("work", "b") is None
    assert await store.leases.renew(lease)
    assert await other.leases.acquire("work", "b") is None


async def test_of_many_who_ask_at_once_one_gets_the_lease(store: Store, other: Store) -> None:
    rng = random.Random(19)  # noqa: S311  no secret
    numbers = []
    for _ in range(100):
        names = [f"holder {n}" for n in range(rng.randint(2, 6))]
        asked = await asyncio.gather(
            *(rng.choice((store, other)).leases.acquire("work", name) for name in names)
        )
        (lease,) = [one for one in asked if one is not None]
        numbers.append(lease.number)
        await rng.choice((store, other)).leases.release(lease)
    assert numbers == list(range(1, 101))
