"""Incoming hooks: kept under the hash of their secret, listed until they end, and gone with their room."""

from dataclasses import replace

import pytest

from api.errors import BadCursor
from api.models.accounts import User
from api.models.hooks import Hook, hook_id
from api.models.rooms import Room
from api.rooms.room_changes import deleting
from api.store.base.store import Store
from tests.store.calls import all_pages

pytestmark = pytest.mark.anyio

ONE = Hook(hook_id("twh_secret"), "room-den", "bot-1", "CI", "user-alice", created_at=5_000)
STRANGE = ["nothing", "", "x" * 10_000, "a\0b"]


async def test_a_hook_is_found_by_its_id_also_after_its_end(store: Store, other: Store) -> None:
    await store.hooks.create(ONE)
    await other.hooks.create(replace(ONE, name="a retry changes nothing"))
    assert await other.hooks.get(ONE.id) == ONE
    assert await other.hooks.end(ONE.id, at=6_000)
    assert not await store.hooks.end(ONE.id, at=7_000)
    assert await store.hooks.get(ONE.id) == replace(ONE, ended_at=6_000)
    assert [await store.hooks.get(one) for one in STRANGE] == [None] * len(STRANGE)
    assert not any([await store.hooks.end(one, at=1) for one in STRANGE])


async def test_the_last_use_of_a_hook_moves_on_and_never_back_until_its_end(
    store: Store, other: Store
) -> None:
    await store.hooks.create(ONE)
    await store.hooks.use(ONE.id, at=7_000)
    await other.hooks.use(ONE.id, at=6_000)
    assert await other.hooks.get(ONE.id) == replace(ONE, last_used_at=7_000)
    await store.hooks.end(ONE.id, at=8_000)
    await store.hooks.use(ONE.id, at=9_000)
    assert await other.hooks.get(ONE.id) == replace(ONE, ended_at=8_000, last_used_at=7_000)
    for one in STRANGE:
        await store.hooks.use(one, at=1)


async def test_the_hooks_of_a_room_that_have_not_ended_are_listed_newest_first(
    store: Store, other: Store
) -> None:
    hooks = [replace(ONE, id=f"h{n}", bot_id=f"b{n}", created_at=n // 2) for n in range(7)]
    for hook in (*hooks, replace(ONE, id="elsewhere", room_id="room-2")):
        await store.hooks.create(hook)
    await other.hooks.end("h3", at=9)
    listed = await all_pages(lambda cursor: other.hooks.of_room("room-den", cursor=cursor, limit=2), limit=2)
    assert listed == [one for one in hooks[::-1] if one.id != "h3"]
    page = await store.hooks.of_room("room-den", cursor=None, limit=2)
    with pytest.raises(BadCursor):
        await store.hooks.of_room("room-2", cursor=page.next_cursor, limit=2)
    for room_id in STRANGE:
        assert (await store.hooks.of_room(room_id, cursor=None, limit=2)).items == []
        assert await store.hooks.bots_of(room_id) == []
    assert sorted(await other.hooks.bots_of("room-den")) == [f"b{n}" for n in range(7)]


async def test_the_hooks_of_a_deleted_room_are_taken_away_with_it(
    store: Store, other: Store, den: Room, alice: User
) -> None:
    await store.hooks.create(replace(ONE, room_id=den.id))
    await store.hooks.create(replace(ONE, id="ended", room_id=den.id, bot_id="bot-2", ended_at=6_000))
    await store.hooks.create(replace(ONE, id="stays", room_id="room-2"))
    await store.rooms.delete(den.id, alice, at=7_000, rule=deleting(den.id))
    assert sorted(await other.hooks.bots_of(den.id)) == ["bot-1", "bot-2"]
    while await other.deletions.take_away(den.id):
        pass
    assert await store.hooks.bots_of(den.id) == []
    assert await store.hooks.get(ONE.id) is None
    assert await store.hooks.get("stays") is not None
