"""What every store promises of blocks."""

import pytest

from api.models.accounts import User
from api.store.base.store import Store
from tests.store.calls import all_pages
from tests.store.make import account_of, make_user

pytestmark = pytest.mark.anyio


@pytest.fixture
async def people(store: Store) -> list[User]:
    made = [make_user(number) for number in range(5)]
    for user in made:
        await store.accounts.create(account_of(user))
    return made


async def test_a_block_is_between_two_users_and_is_found_from_both_sides(
    store: Store, other: Store, people: list[User]
) -> None:
    a, b, c, d, _ = (user.id for user in people)
    assert not await store.blocks.any_among([a, b, c])
    await store.blocks.add(a, b, at=1)
    for each in (store, other):
        assert await each.blocks.any_among([a, b])
        assert await each.blocks.any_among([b, a])
        assert await each.blocks.any_among([c, d, b, a])
        assert not await each.blocks.any_among([a, c, d])
        assert not await each.blocks.any_among([a])
        assert not await each.blocks.any_among([])
        assert await each.blocks.blockers_of([b, a, c]) == {b: frozenset({a})}
    await other.blocks.add(c, b, at=2)
    assert await store.blocks.blockers_of([b]) == {b: frozenset({a, c})}
    await store.blocks.remove(a, b)
    await store.blocks.remove(a, b)
    await store.blocks.remove(b, c)
    assert await other.blocks.blockers_of([b, c]) == {b: frozenset({c})}
    assert not await other.blocks.any_among([a, b])


async def test_blocks_are_listed_the_newest_first_and_counted(store: Store, people: list[User]) -> None:
    me, *others = people
    for at, user in enumerate(others):
        await store.blocks.add(me.id, user.id, at=at)
    await store.blocks.add(others[0].id, me.id, at=9)
    await store.blocks.add(me.id, others[0].id, at=99)  # again, which changes nothing
    assert await store.blocks.count_of_user(me.id) == 4
    assert await store.blocks.count_of_user(others[1].id) == 0
    found = await all_pages(lambda cursor: store.blocks.of_user(me.id, cursor=cursor, limit=2), limit=2)
    assert found == others[::-1]


async def test_blocks_go_with_the_account_on_both_sides(store: Store, people: list[User]) -> None:
    a, b, c, *_ = (user.id for user in people)
    await store.blocks.add(a, b, at=1)
    await store.blocks.add(b, c, at=2)
    await store.blocks.add(c, a, at=3)
    await store.erasure.begin(a)
    await store.erasure.finish(a)
    assert await store.blocks.blockers_of([a, b, c]) == {c: frozenset({b})}
    assert await store.blocks.count_of_user(a) == 0
