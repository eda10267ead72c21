"""What every store promises of an append that depends on its author's membership."""

import asyncio
from contextlib import suppress

import pytest

from api.errors import MembershipChanged
from api.models.accounts import User
from api.models.log import Kind
from api.models.rooms import Role, Room
from api.store.base.store import Store
from tests.store.calls import change, send, whole_log
from tests.store.make import BOB, account_of, make_user, message

pytestmark = pytest.mark.anyio


async def test_an_author_whose_membership_has_changed_is_not_let_in_by_what_it_was(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    for role in (None, Role.READER):
        await change(store, den, bob, Role.MEMBER, by=alice)
        was = await other.members.get(den.id, bob.id)
        assert was is not None
        await change(store, den, bob, role, by=alice)
        head = await store.log.heads([den.id])
        with pytest.raises(MembershipChanged):
            await other.log.append(den.id, message(f"1-{role}", by=BOB), author=was)
        assert await store.log.heads([den.id]) == head


async def test_an_author_whose_membership_stands_is_let_in_within_two_looks(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    """The second look is for a node whose first look was too old."""
    await change(store, den, bob, Role.MEMBER, by=alice)
    await send(store, den, *(f"{n}" for n in range(100)))
    await change(store, den, bob, Role.MODERATOR, by=alice)
    for attempt in range(2):
        now = await other.members.get(den.id, bob.id)
        try:
            appended = await other.log.append(den.id, message("mine", by=BOB), author=now)
        except MembershipChanged:
            assert attempt == 0
        else:
            assert appended.is_new
            return


async def test_a_look_at_a_membership_holds_however_much_is_said_meanwhile(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    was = await store.members.get(den.id, bob.id)
    for _ in range(4):
        await asyncio.gather(*(store.log.append(den.id, message(None)) for _ in range(50)))
    assert (await store.log.append(den.id, message("mine", by=BOB), author=was)).is_new


async def test_an_author_is_let_in_within_two_looks_however_many_come_meanwhile(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    was = await store.members.get(den.id, bob.id)
    for number in range(70):
        await store.accounts.create(account_of(make_user(number)))
        await store.members.join(den.id, make_user(number), Role.READER, at=1)
    with suppress(MembershipChanged):  # a head remembers fewer changes than these
        await store.log.append(den.id, message("mine", by=BOB), author=was)
    now = await store.members.get(den.id, bob.id)
    await store.log.append(den.id, message("mine", by=BOB), author=now)
    assert [entry.ref for entry in await whole_log(store, den.id)].count("mine") == 1


async def test_nothing_of_an_author_is_stored_after_their_removal_however_it_races(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    for round_ in range(10):
        await change(store, den, bob, Role.MEMBER, by=alice)

        async def write(via: Store, name: str) -> None:
            for n in range(100):
                member = await via.members.get(den.id, bob.id)
                if member is None:
                    return
                with suppress(MembershipChanged):
                    await via.log.append(den.id, message(f"{name}-{n}", by=BOB), author=member)

        writing = [write(via, f"{round_}-{n}") for n, via in enumerate((store, other, store, other))]
        await asyncio.gather(*writing, change(other, den, bob, None, by=alice))
    is_member = False
    for entry in await whole_log(store, den.id):
        if entry.user_id == bob.id and entry.kind == Kind.MEMBER:
            is_member = entry.data["role"] is not None
        elif entry.user_id == bob.id:
            assert is_member, entry
