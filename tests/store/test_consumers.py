"""What every store promises of consumers, and of the positions that they have."""

from dataclasses import replace

import pytest

from api.models.accounts import User
from api.models.consumers import Consumer
from api.models.followers import FollowerPosition, Start
from api.models.rooms import LOBBY_ID, Room
from api.store.base.store import Store
from tests.store.make import ALICE, BOB

pytestmark = pytest.mark.anyio

ONE = Consumer("id-1", ALICE.id, "bot", None, Start.BEGINNING, created_at=1, lobby_epoch="epoch")


async def test_a_consumer_keeps_what_it_was_made_with_and_gets_other_rooms(
    store: Store, other: Store
) -> None:
    assert await store.consumers.put(ONE) == ONE
    again = replace(ONE, id="id-2", room_ids=("a", "b"), start=Start.NOW, created_at=2, lobby_epoch="later")
    stored = replace(ONE, room_ids=("a", "b"))
    assert await other.consumers.put(again) == stored
    assert await store.consumers.get(ALICE.id, "bot") == stored
    assert await store.consumers.put(ONE) == ONE
    for user_id, name in ((ALICE.id, "bots"), (BOB.id, "bot"), ("", "bot"), ("x" * 999, "bot")):
        assert await store.consumers.get(user_id, name) is None


async def test_the_consumers_of_a_user_are_listed_by_name(store: Store) -> None:
    made = [replace(ONE, id=f"id-{name}", name=name) for name in ("a", "b", "c" * 64)]
    for consumer in (*reversed(made), replace(ONE, user_id=BOB.id)):
        await store.consumers.put(consumer)
    assert await store.consumers.of_user(ALICE.id) == made


async def test_the_time_of_an_ack_is_kept_and_not_given_to_a_later_consumer(
    store: Store, other: Store
) -> None:
    await store.consumers.put(ONE)
    await other.consumers.note_ack(ONE, 7)
    assert await store.consumers.get(ALICE.id, "bot") == replace(ONE, acked_at=7)
    later = replace(ONE, id="id-2")
    await store.consumers.delete(ONE)
    await store.consumers.put(later)
    await store.consumers.note_ack(ONE, 8)
    await store.consumers.delete(ONE)
    assert await store.consumers.get(ALICE.id, "bot") == later


async def test_the_positions_of_a_consumer_are_listed_and_go_with_it(
    store: Store, other: Store, den: Room
) -> None:
    two = replace(ONE, id="id-2", name="another")
    for consumer in (ONE, two):
        await store.consumers.put(consumer)
        epoch = (await store.log.heads([den.id]))[den.id].epoch
        places = [FollowerPosition(room_id, epoch, 1) for room_id in (den.id, LOBBY_ID)]
        await store.positions.advance(consumer.lease, places)
        assert sorted(await other.positions.room_ids(consumer.follower)) == sorted([den.id, LOBBY_ID])
    await other.consumers.delete(ONE)
    await other.consumers.delete(ONE)
    assert await store.consumers.of_user(ALICE.id) == [two]
    assert await store.positions.room_ids(ONE.follower) == []
    assert len(await store.positions.room_ids(two.follower)) == 2


async def test_the_consumers_of_an_account_go_with_it(store: Store, alice: User, den: Room) -> None:
    mine = replace(ONE, user_id=alice.id)
    await store.consumers.put(mine)
    await store.consumers.put(replace(ONE, user_id=BOB.id, id="id-2"))
    await store.positions.advance(ONE.lease, [FollowerPosition(den.id, "epoch", 1)])
    await store.members.leave(den.id, alice, 1)
    await store.erasure.begin(alice.id)
    await store.erasure.finish(alice.id)
    assert await store.consumers.of_user(alice.id) == []
    assert await store.positions.room_ids(ONE.follower) == []
    assert len(await store.consumers.of_user(BOB.id)) == 1
