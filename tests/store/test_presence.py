"""What every store promises of who is connected: each store has a row, and it counts while it is renewed."""

import pytest

from api.models.presence import NodeUsers
from api.store import open_store
from api.store.base.presence import LIFE_MS
from api.store.base.store import Store
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio


async def shown(store: Store, known: dict[str, int] | None = None) -> list[tuple[str, set[str] | None]]:
    """Return the nodes that a store sees, with their users."""
    found = await store.presence.others(known or {})
    assert all(0 <= one.age_ms < LIFE_MS for one in found)
    return sorted((one.node_id, None if one.user_ids is None else set(one.user_ids)) for one in found)


async def numbers(store: Store) -> dict[str, int]:
    return {one.node_id: one.number for one in await store.presence.others({})}


async def test_a_store_sees_the_users_of_the_others_and_not_its_own(store: Store, other: Store) -> None:
    assert store.presence.node_id != other.presence.node_id
    assert await shown(store) == []
    await store.presence.put(["alice", "bob"])
    await other.presence.put(["carol"])
    assert await shown(store) == [(other.presence.node_id, {"carol"})]
    assert await shown(other) == [(store.presence.node_id, {"alice", "bob"})]
    await other.presence.put([])
    assert await shown(store) == [(other.presence.node_id, set())]


async def test_users_who_are_known_are_not_read_again(store: Store, other: Store) -> None:
    node_id = other.presence.node_id
    await other.presence.put(["carol"])
    known = await numbers(store)
    assert await shown(store, known) == [(node_id, None)]
    await other.presence.beat()
    assert await shown(store, known) == [(node_id, None)]
    await other.presence.put(["carol", "dora"])
    assert await shown(store, known) == [(node_id, {"carol", "dora"})]
    assert await numbers(store) != known


async def test_a_node_that_no_longer_beats_counts_for_nothing_and_is_removed(
    store: Store, other: Store, stranger: Stranger
) -> None:
    await other.presence.put(["carol"])
    await stranger.end_presence(other.presence.node_id)
    assert await shown(store) == []
    await store.presence.put(["alice"])
    await store.presence.beat()
    assert await stranger.presence_count() == 1


async def test_a_node_whose_row_is_gone_is_there_again_with_its_next_beat(
    store: Store, other: Store, stranger: Stranger
) -> None:
    await other.presence.put(["carol"])
    await stranger.end_presence(other.presence.node_id)
    await store.presence.put(["alice"])
    await store.presence.beat()
    await other.presence.beat()
    assert await shown(store) == [(other.presence.node_id, {"carol"})]


async def test_a_beat_tells_how_long_ago_it_was(store: Store, other: Store, stranger: Stranger) -> None:
    await other.presence.put(["carol"])
    await stranger.end_presence(other.presence.node_id, ago_ms=LIFE_MS - 5_000)
    (found,) = await store.presence.others({})
    assert isinstance(found, NodeUsers)
    assert LIFE_MS - 5_000 <= found.age_ms < LIFE_MS
    await other.presence.beat()
    (found,) = await store.presence.others({})
    assert found.age_ms < LIFE_MS - 5_000


@pytest.mark.stores("sqlite")  # whoever is alone on RethinkDB is not known
async def test_a_store_that_is_alone_writes_nothing_until_another_is_opened(
    store: Store, store_url: str, stranger: Stranger
) -> None:
    await store.presence.put(["alice"])
    assert await stranger.presence_count() == 0
    opened = await open_store(store_url)
    try:
        await store.presence.beat()
        assert await shown(opened) == [(store.presence.node_id, {"alice"})]
    finally:
        await opened.close()
