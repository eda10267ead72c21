"""What every store promises of the nodes."""

import pytest

from api.models.nodes import Node, NodeState
from api.store.base.nodes import KEPT_MS
from api.store.base.store import Store
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

BUSY = NodeState(
    host="one",
    process=7,
    version="1.2",
    started_at=1_000,
    connections=3,
    sockets=4,
    subscriptions=5,
    rooms=2,
    feed_is_live=True,
    lag_ms=9,
    silent_ms=20,
    memory_is_short=True,
    clock_skew_ms=-3,
    ailing=("feed", "clock"),
    leases=("erasure",),
    followers={"erasure": 12},
)


def states(nodes: list[Node]) -> dict[str, NodeState]:
    return {node.id: node.state for node in nodes}


async def test_each_node_is_known_by_its_last_word_until_it_leaves(store: Store, other: Store) -> None:
    await store.nodes.say("a", NodeState(host="early"))
    await other.nodes.say("b", NodeState(host="two"))
    await store.nodes.say("a", BUSY)
    found = await other.nodes.all()
    assert states(found) == {"a": BUSY, "b": NodeState(host="two")}
    assert all(0 <= node.age_ms < 60_000 for node in found)
    await store.nodes.leave("a")
    assert states(await other.nodes.all()) == {"b": NodeState(host="two")}


async def test_a_node_that_was_not_heard_of_for_long_is_forgotten(
    store: Store, other: Store, stranger: Stranger
) -> None:
    await stranger.put_node("silent", {"host": "silent"}, age_ms=KEPT_MS - 60_000)
    await stranger.put_node("gone", {"host": "gone"}, age_ms=KEPT_MS + 60_000)
    (silent,) = await other.nodes.all()
    assert silent.state.host == "silent"
    assert silent.age_ms >= KEPT_MS - 60_000
    await store.nodes.say("a", BUSY)
    assert await stranger.node_ids() == ["a", "silent"]


async def test_what_a_node_of_another_version_says_is_taken_as_far_as_it_is_known(
    store: Store, stranger: Stranger
) -> None:
    said = {"host": "new", "mood": "good", "connections": "many", "leases": ["erasure", 7], "followers": []}
    await stranger.put_node("new", said, age_ms=0)
    await stranger.put_node("odd", "no object", age_ms=0)
    assert states(await store.nodes.all()) == {"new": NodeState(host="new", leases=("erasure",))}
