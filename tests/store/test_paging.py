"""What every store promises of all lists that come in pages."""

import pytest

from api.errors import BadCursor
from api.models.accounts import User
from api.models.rooms import Role, Room
from api.store.base.store import Store
from tests.store.calls import all_pages
from tests.store.make import make_room

pytestmark = pytest.mark.anyio


async def test_what_is_added_or_leaves_between_two_pages_hides_nothing_and_repeats_nothing(
    store: Store, alice: User
) -> None:
    rooms = [make_room(n) for n in range(6)]
    for room in rooms:
        await store.rooms.create(room, alice)
    first = await store.rooms.of_user(alice.id, cursor=None, limit=3)
    seen = [view.room.id for view in first.items]
    await store.members.leave(seen[0], alice, at=9)
    await store.rooms.create(make_room(50), alice)
    rest = await all_pages(
        lambda cursor: store.rooms.of_user(alice.id, cursor=cursor or first.next_cursor, limit=3), limit=3
    )
    seen += [view.room.id for view in rest]
    assert len(seen) == len(set(seen))
    assert {room.id for room in rooms} <= set(seen)


GARBAGE = [
    "",
    "x",
    "💥",
    "bm90IG91cnM",
    "W10",
    "bnVsbA",
    "eyJhIjoxfQ",
    "WyJqb2luZWQiLDFd",
    "A" * 100_000,
    "\x00",
    "=",
]


@pytest.mark.parametrize("cursor", GARBAGE)
async def test_a_cursor_that_we_never_gave_is_refused(
    store: Store, den: Room, alice: User, cursor: str
) -> None:
    for ask in (
        store.rooms.of_user(alice.id, cursor=cursor, limit=3),
        store.rooms.public(alice.id, cursor=cursor, limit=3),
        store.members.of_room(den.id, cursor=cursor, limit=3),
    ):
        with pytest.raises(BadCursor):
            await ask


async def test_a_cursor_of_another_list_is_refused(store: Store, alice: User) -> None:
    for number in range(3):
        await store.rooms.create(make_room(number), alice)
    of_mine = (await store.rooms.of_user(alice.id, cursor=None, limit=1)).next_cursor
    with pytest.raises(BadCursor):
        await store.rooms.public(alice.id, cursor=of_mine, limit=1)


async def test_a_cursor_of_another_list_or_one_that_was_changed_is_refused(
    store: Store, alice: User, bob: User
) -> None:
    for number in range(3):
        await store.rooms.create(make_room(number), alice)
        await store.members.join(f"room-{number:03}", bob, Role.MEMBER, number)
    mine = (await store.rooms.of_user(alice.id, cursor=None, limit=1)).next_cursor
    members = (await store.members.of_room("room-000", cursor=None, limit=1)).next_cursor
    assert mine is not None
    assert members is not None
    assert len((await store.rooms.of_user(alice.id, cursor=mine, limit=1)).items) == 1
    for cursor in (mine[:-1], mine + "A", mine.swapcase(), mine + "=", members, ""):
        with pytest.raises(BadCursor):
            await store.rooms.of_user(alice.id, cursor=cursor, limit=1)
    with pytest.raises(BadCursor):
        await store.rooms.of_user(bob.id, cursor=mine, limit=1)
    with pytest.raises(BadCursor):
        await store.members.of_room("room-001", cursor=members, limit=1)
