"""What every store promises of the turns of members in slow mode."""

import asyncio

import pytest

from api.errors import NotFound
from api.models.accounts import User
from api.models.rooms import Role, Room
from api.store.base.store import Store
from tests.store.calls import change

pytestmark = pytest.mark.anyio

PAUSE = 10_000


async def wait_of(store: Store, room: Room, user: User, ref: str, at: int) -> int:
    """Take a turn, and return how long to wait for it instead; 0 if it was taken."""
    return (await store.pauses.take_turn(room.id, user.id, ref, at=at, pause_ms=PAUSE)).wait_ms


async def test_a_turn_comes_a_pause_after_the_one_before_also_by_another_store(
    store: Store, other: Store, den: Room, alice: User
) -> None:
    turns = [("1", 20_000), ("2", 20_001), ("3", 29_999), ("4", 30_000), ("5", 30_001)]
    assert [await wait_of(one, den, alice, *turn) for turn in turns for one in (store,)] == [
        0,
        9_999,
        1,
        0,
        9_999,
    ]
    assert await wait_of(other, den, alice, "6", 39_000) == 1_000


async def test_a_turn_is_taken_again_with_its_ref_alone(store: Store, den: Room, alice: User) -> None:
    refs = [("1", 20_000), ("1", 20_500), ("2", 20_500), ("1", 25_000)]
    assert [await wait_of(store, den, alice, *one) for one in refs] == [0, 0, 9_500, 0]


async def test_of_many_at_the_same_time_one_has_the_turn(
    store: Store, other: Store, den: Room, alice: User
) -> None:
    waits = await asyncio.gather(
        *(wait_of((store, other)[n % 2], den, alice, f"{n}", 20_000) for n in range(20))
    )
    assert sorted(waits) == [0, *[PAUSE] * 19]


async def test_a_turn_is_given_back_by_who_has_it(store: Store, den: Room, alice: User) -> None:
    assert await wait_of(store, den, alice, "1", 20_000) == 0
    turn = await store.pauses.take_turn(den.id, alice.id, "2", at=30_000, pause_ms=PAUSE)
    await store.pauses.give_back(den.id, alice.id, "another", turn)
    assert await wait_of(store, den, alice, "3", 30_001) == 9_999
    await store.pauses.give_back(den.id, alice.id, "2", turn)
    assert await wait_of(store, den, alice, "3", 30_001) == 0


async def test_a_turn_outlasts_leaving_and_is_that_of_one_member(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    assert [await wait_of(store, den, one, "1", 20_000) for one in (alice, bob)] == [0, 0]
    await change(store, den, bob, None, by=bob)
    await change(store, den, bob, Role.READER, by=alice)
    assert await wait_of(store, den, bob, "2", 20_001) == 9_999
    member = await store.members.get(den.id, bob.id)
    assert member is not None
    assert member.role is Role.READER


async def test_who_has_never_been_a_member_has_no_turn(store: Store, den: Room, bob: User) -> None:
    with pytest.raises(NotFound):
        await wait_of(store, den, bob, "1", 20_000)
