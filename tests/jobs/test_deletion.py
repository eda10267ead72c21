"""Rooms that were deleted are taken away in the background, by one of all processes."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from api.errors import Unavailable
from api.jobs.deletion import LEASE, RoomDeletion
from api.jobs.followers import Batch, Follower
from api.jobs.leases import LeaseHolder
from api.store.base.store import Store
from tests.node import eventually
from tests.store.calls import delete_room, send
from tests.store.make import ALICE, account_of, make_room

pytestmark = pytest.mark.anyio


def deletion_on(store: Store) -> RoomDeletion:
    return RoomDeletion(store, LeaseHolder(store), told_seconds=0)


async def delete_rooms(store: Store, count: int) -> list[str]:
    """Make rooms with messages, and delete them."""
    await store.accounts.create(account_of(ALICE))
    rooms = [make_room(number) for number in range(count)]
    for room in rooms:
        await store.rooms.create(room, ALICE)
        await send(store, room, *(f"{room.id} {n}" for n in range(5)))
        await delete_room(store, room)
    return [room.id for room in rooms]


async def test_every_deleted_room_is_taken_away_by_one_of_two_processes(store: Store, other: Store) -> None:
    await delete_rooms(store, 3)
    jobs = [deletion_on(store), deletion_on(other)]
    await asyncio.gather(*(job.take_all_away() for job in jobs))
    assert await store.deletions.pending(before=10**14) == []
    assert sum(job.taken_count for job in jobs) == 3
    assert [lease.is_held for lease in await store.leases.all() if lease.name == LEASE] == [False]


async def test_a_room_that_cannot_be_taken_away_keeps_no_other_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *good = await delete_rooms(store, 3)
    take_away = store.deletions.take_away

    async def failing(room_id: str) -> bool:
        if room_id == bad:
            raise ValueError
        return await take_away(room_id)

    monkeypatch.setattr(store.deletions, "take_away", failing)
    job = deletion_on(store)
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            await job._leases.do(LEASE, job._take_all_away)
    assert await store.deletions.pending(before=10**14) == [bad]
    assert job.taken_count == len(good)


@pytest.mark.parametrize("slices", range(0, 8, 2))
async def test_a_process_that_dies_after_any_slice_is_followed_by_another(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    await delete_rooms(store, 1)
    take_away, left = store.deletions.take_away, iter(range(slices))

    async def dying(room_id: str, left: Iterator[int] = left) -> bool:
        if next(left, None) is None:
            raise Unavailable
        return await take_away(room_id)

    monkeypatch.setattr(store.deletions, "take_away", dying)
    with suppress(Unavailable):
        await deletion_on(store).take_all_away()
    await deletion_on(other).take_all_away()
    assert await other.deletions.pending(before=10**14) == []


async def test_a_follower_undoes_what_it_made_of_a_room_that_was_deleted(store: Store) -> None:
    await store.accounts.create(account_of(ALICE))
    room, kept = make_room(1), make_room(2)
    for one in (room, kept):
        await store.rooms.create(one, ALICE)
        await send(store, one, one.id)
    made: dict[str, int] = {}

    async def handle(batch: Batch) -> None:
        made[batch.room_id] = batch.entries[-1].seq

    async def forget(room_id: str) -> None:
        made.pop(room_id, None)

    follower = Follower(store, LeaseHolder(store), "readers", handle, forget=forget)

    async def position() -> Any:
        return (await store.positions.get_many("readers", [room.id]))[room.id].position

    async def is_made() -> bool:
        return {room.id, kept.id} <= made.keys() and await position() is not None

    async def is_undone() -> bool:
        follower.compare()
        return room.id not in made and await position() is None

    task = asyncio.create_task(follower.run())
    try:
        await eventually(is_made)
        await delete_room(store, room)
        await eventually(is_undone)
        await deletion_on(store).take_all_away()
        await eventually(is_undone)
        assert kept.id in made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup):
            await task
