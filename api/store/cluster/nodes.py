"""Stores what nodes say of themselves in the RethinkDB table `nodes`. Times are those of the server that is asked."""

# ruff: noqa: D102 - the promises stand in `NodeStore`

from typing import Any, Final

from api.models.nodes import Node, NodeState
from api.store.base.nodes import KEPT_MS, NodeStore
from api.store.nodes import encoded, read_state
from api.store.rethinkdb import Pool, Prepared, r


class ClusterNodes(NodeStore):
    """The table `nodes`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def say(self, node_id: str, state: NodeState) -> None:
        await self._pool.write(_SAY({"id": node_id, "state": encoded(state)}))
        await self._pool.write(_FORGET(None))

    async def leave(self, node_id: str) -> None:
        await self._pool.write(r.table("nodes").get_all(node_id).delete(durability="soft"))

    async def all(self) -> list[Node]:
        rows = await self._pool.read(
            _recent().map(lambda row: row.merge({"age_ms": _now() - row["seen_at"]}))
        )
        read = ((row["id"], read_state(row.get("state")), row["age_ms"]) for row in rows)
        nodes = [Node(id_, state, max(0, int(age))) for id_, state, age in read if state is not None]
        return sorted(nodes, key=lambda node: node.id)


def _now() -> Any:
    """Return the term of the time in milliseconds, which is the same everywhere in a query."""
    return r.now().to_epoch_time() * 1000


def _recent() -> Any:
    return r.table("nodes").filter(
        lambda row: (row["seen_at"].type_of() == "NUMBER") & (row["seen_at"] >= _now() - KEPT_MS)
    )


def _say(given: Any) -> Any:
    row = given.merge({"seen_at": _now()})
    return r.table("nodes").insert(row, conflict="replace", durability="soft")


def _forget(_given: Any) -> Any:
    old = r.table("nodes").filter(lambda row: (row["seen_at"] < _now() - KEPT_MS).default(True))
    return old.delete(durability="soft")


_SAY: Final = Prepared(_say)
_FORGET: Final = Prepared(_forget)
