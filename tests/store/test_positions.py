"""What every store promises of the positions of followers."""

import pytest

from api.errors import LeaseLost
from api.models.followers import FollowerPosition, Lease, Progress
from api.models.log import Head
from api.models.rooms import LOBBY_ID, Room
from api.store.base.store import Store
from tests.store.calls import send
from tests.store.make import ALICE, BEGUN, account_of, make_room
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

NAME = "readers"


async def taken(store: Store, holder: str = "a") -> Lease:
    """Take the lease from whoever has it."""
    before = await store.leases.acquire(NAME, "before")
    if before is not None:
        await store.leases.release(before)
    lease = await store.leases.acquire(NAME, holder)
    assert lease is not None
    return lease


async def succeeded(store: Store, lease: Lease) -> Lease:
    """Let another holder follow this one."""
    await store.leases.release(lease)
    later = await store.leases.acquire(NAME, "another")
    assert later is not None
    return later


async def progress(store: Store, room_id: str) -> Progress:
    return (await store.positions.get_many(NAME, [room_id]))[room_id]


async def epoch_of(store: Store, room_id: str) -> str:
    return (await store.log.heads([room_id]))[room_id].epoch


async def test_a_position_moves_forward_and_never_back(store: Store, other: Store, den: Room) -> None:
    await send(store, den, "three", "four")
    lease, epoch = await taken(store), await epoch_of(store, den.id)
    assert (await progress(store, den.id)).reached is None
    for seq, expected in ((2, 2), (4, 4), (3, 4), (0, 4)):
        stored = await store.positions.advance(lease, [FollowerPosition(den.id, epoch, seq)])
        assert stored == {den.id: FollowerPosition(den.id, epoch, expected)}
        found = await progress(other, den.id)
        assert (found.head, found.reached) == (Head(den.id, epoch, 4), expected)
        assert (found.lag, found.is_deleted) == (4 - expected, False)
    assert (await store.positions.get_many("another", [den.id, "nowhere"]))[den.id].position is None
    assert list(await store.positions.get_many(NAME, [den.id, "nowhere"])) == [den.id]


async def test_nobody_with_a_lower_number_moves_a_position(store: Store, other: Store, den: Room) -> None:
    await send(store, den, "two", "three")
    first, epoch = await taken(store), await epoch_of(store, den.id)
    await store.positions.advance(first, [FollowerPosition(den.id, epoch, 1)])
    second = await succeeded(other, first)
    for late in (
        FollowerPosition(den.id, epoch, 3),
        FollowerPosition(LOBBY_ID, "epoch", 9),
        FollowerPosition(den.id, "new", 1),
    ):
        with pytest.raises(LeaseLost):
            await store.positions.advance(first, [late])
    with pytest.raises(LeaseLost):
        await store.positions.drop(first, [den.id])
    assert (await progress(store, den.id)).reached == 1
    assert (await progress(store, LOBBY_ID)).position is None
    stored = await other.positions.advance(second, [FollowerPosition(den.id, epoch, 2)])
    assert stored[den.id].seq == 2


async def test_what_an_earlier_holder_stored_in_time_stands(store: Store, other: Store, den: Room) -> None:
    await send(store, den, "two", "three")
    first, epoch = await taken(store), await epoch_of(store, den.id)
    await store.positions.advance(first, [FollowerPosition(den.id, epoch, 3)])
    second = await succeeded(other, first)
    stored = await other.positions.advance(second, [FollowerPosition(den.id, epoch, 1)])
    assert stored == {den.id: FollowerPosition(den.id, epoch, 3)}


async def test_under_a_new_epoch_it_goes_on_where_both_lives_are_the_same(
    store: Store, den: Room, stranger: Stranger
) -> None:
    await send(store, den, "three", "four")
    lease, old = await taken(store), await epoch_of(store, den.id)
    await store.positions.advance(lease, [FollowerPosition(den.id, old, 3)])
    await stranger.begin_new_epoch(den.id)
    await send(store, den, "five", "six")
    found = await progress(store, den.id)
    assert (found.began, found.reached, found.lag) == (4, 3, 3)
    await store.positions.advance(lease, [FollowerPosition(den.id, old, 6)])
    assert (await progress(store, den.id)).reached == 4
    new = await epoch_of(store, den.id)
    stored = await store.positions.advance(lease, [FollowerPosition(den.id, new, 4)])
    assert stored[den.id] == FollowerPosition(den.id, new, 4)
    assert (await progress(store, den.id)).reached == 4


async def test_the_position_in_a_room_that_was_deleted_is_dropped(
    store: Store, den: Room, stranger: Stranger
) -> None:
    lease, epoch = await taken(store), await epoch_of(store, den.id)
    await store.positions.advance(
        lease, [FollowerPosition(den.id, epoch, 0), FollowerPosition(LOBBY_ID, "e", 0)]
    )
    await stranger.delete_room(den.id)
    found = await progress(store, den.id)
    assert (found.is_deleted, found.reached, found.lag) == (True, 0, 0)
    await store.positions.drop(lease, [den.id])
    await store.positions.drop(lease, [den.id])
    assert (await progress(store, den.id)).position is None
    assert (await progress(store, LOBBY_ID)).position is not None


async def test_all_rooms_are_given_in_slices_by_their_ids(store: Store) -> None:
    await store.accounts.create(account_of(ALICE))
    rooms = [make_room(n) for n in range(7)]
    for room in reversed(rooms):
        await store.rooms.create(room, ALICE)
    lease, epoch = await taken(store), await epoch_of(store, rooms[3].id)
    await store.positions.advance(lease, [FollowerPosition(rooms[3].id, epoch, 1)])
    slices: list[list[Progress]] = []
    while found := await store.positions.page(
        NAME, after=slices[-1][-1].head.room_id if slices else "", limit=3
    ):
        slices.append(found)
    assert [len(one) for one in slices] == [3, 3, 2]
    found = [one for slice_ in slices for one in slice_]
    assert [one.head.room_id for one in found] == sorted([LOBBY_ID, *(room.id for room in rooms)])
    assert [one.head.room_id for one in found if one.position is not None] == [rooms[3].id]
    assert [one.head.seq for one in found] == [0] + [BEGUN] * 7


async def test_followers_of_one_room_each_work_under_one_lease(store: Store, other: Store, den: Room) -> None:
    await send(store, den, "three", "four")
    first, epoch = await taken(store), await epoch_of(store, den.id)
    rooms = {"one": den.id, "two": den.id, "three": LOBBY_ID, "lost": "nowhere", "bad": "\0"}
    at = {"one": FollowerPosition(den.id, epoch, 2), "two": FollowerPosition(den.id, epoch, 4)}
    await store.positions.advance_each(first, at)
    await store.positions.advance_each(first, {"one": FollowerPosition(den.id, epoch, 1)})
    found = await other.positions.of_each(rooms)
    assert found.keys() == {"one", "two", "three"}
    assert {name: one.position for name, one in found.items()} == at | {"three": None}
    assert (found["one"].head, found["one"].lag) == (Head(den.id, epoch, 4), 2)
    assert await store.positions.of_each({}) == {}
    second = await succeeded(store, first)
    with pytest.raises(LeaseLost):
        await store.positions.advance_each(first, {"one": FollowerPosition(den.id, epoch, 4)})
    await other.positions.advance_each(second, {"one": FollowerPosition(den.id, "new", 1)})
    assert (await store.positions.of_each(rooms))["one"].position == FollowerPosition(den.id, "new", 1)


async def test_thousands_of_followers_are_read_at_once(store: Store, den: Room) -> None:
    """One by one they take RethinkDB longer than a query may take."""
    rooms = {f"reader {number}": den.id for number in range(2_000)}
    assert (await store.positions.of_each(rooms)).keys() == rooms.keys()
