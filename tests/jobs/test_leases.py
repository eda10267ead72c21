"""Work under a lease: one process does it, and stops when it cannot be sure to be the one."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from api.errors import LeaseLost, Unavailable
from api.jobs import leases as module
from api.jobs.leases import LeaseHolder
from api.models.followers import Lease
from api.store.base.store import Store
from tests.node import SECONDS
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio


class Labour:
    """Work that says when it has begun, and lasts until it is told to end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, _lease: Lease) -> None:
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def begun(holder: LeaseHolder) -> tuple[Labour, asyncio.Task[bool]]:
    labour = Labour()
    task = asyncio.create_task(holder.do("work", labour))
    async with asyncio.timeout(SECONDS):
        await labour.begun.wait()
    return labour, task


async def test_one_process_works_and_the_next_as_soon_as_it_has_ended(store: Store, other: Store) -> None:
    first, second = LeaseHolder(store), LeaseHolder(other)
    labour, task = await begun(first)
    assert not await second.do("work", Labour())
    assert (first.counts(), second.counts()) == ({"work": 1}, {})
    labour.may_end.set()
    assert await task
    assert first.counts() == {"work": 0}
    after, task = await begun(second)
    after.may_end.set()
    assert await task


async def test_work_that_is_cancelled_ends_also_when_its_lease_is_lost_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, is_ending = asyncio.Event(), asyncio.Event()

    async def end_slowly(_lease: Lease) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            is_ending.set()
            await asyncio.Event().wait()

    async def is_lost(_lease: Lease) -> bool:
        await is_ending.wait()
        return False

    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(store.leases, "renew", is_lost)
    task = asyncio.create_task(LeaseHolder(store).do("work", end_slowly))
    async with asyncio.timeout(SECONDS):
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_work_that_fails_gives_its_lease_back_and_its_error(store: Store, other: Store) -> None:
    async def fail(_lease: Lease) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await LeaseHolder(store).do("work", fail)
    labour, task = await begun(LeaseHolder(other))
    task.cancel()
    await asyncio.wait({task})
    assert labour.was_cancelled
    await begun(LeaseHolder(store))  # a holder that is cancelled has given it back, too


async def test_work_ends_when_another_has_taken_the_lease(
    store: Store, other: Store, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.05)
    labour, task = await begun(LeaseHolder(store))
    await stranger.end_lease("work")
    later = await other.leases.acquire("work", "another")
    with pytest.raises(LeaseLost):
        await task
    assert labour.was_cancelled
    assert later is not None
    assert await other.leases.renew(later), "who has lost a lease leaves it to who has it"


async def silence(_lease: Lease) -> bool:
    await asyncio.Event().wait()
    return True


async def refusal(_lease: Lease) -> bool:
    raise Unavailable


@pytest.mark.parametrize("renew", [silence, refusal])
async def test_work_ends_before_a_lease_that_cannot_be_renewed(
    store: Store, renew: Callable[[Lease], Awaitable[bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("RENEW_SECONDS", 0.05), ("RETRY_SECONDS", 0.01), ("STOP_SECONDS", 0.3)):
        monkeypatch.setattr(module, name, seconds)
    monkeypatch.setattr(store.leases, "renew", renew)
    began = asyncio.get_running_loop().time()
    labour, task = await begun(LeaseHolder(store))
    await asyncio.wait({task}, timeout=SECONDS)
    assert task.done()
    assert isinstance(task.exception(), LeaseLost)
    assert labour.was_cancelled
    assert 0.3 <= asyncio.get_running_loop().time() - began < SECONDS


async def test_a_lease_is_kept_through_renewals_that_fail(
    store: Store, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("RENEW_SECONDS", 0.05), ("RETRY_SECONDS", 0.01)):
        monkeypatch.setattr(module, name, seconds)
    renew, answers, renewed = store.leases.renew, [False, False, True], asyncio.Event()

    async def sometimes(lease: Lease) -> bool:
        if answers and not answers.pop(0):
            raise Unavailable
        is_renewed = await renew(lease)
        renewed.set()
        return is_renewed

    monkeypatch.setattr(store.leases, "renew", sometimes)
    labour, task = await begun(LeaseHolder(store))
    await stranger.end_lease("work", in_ms=5_000)
    async with asyncio.timeout(SECONDS):
        await renewed.wait()
    labour.may_end.set()
    assert await task
