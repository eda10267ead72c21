"""Stores what nodes say of themselves in the SQLite table `nodes`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `NodeStore`

import time

import apsw
import orjson

from api.models.nodes import Node, NodeState
from api.store.base.nodes import KEPT_MS, NodeStore
from api.store.nodes import encoded, read_state
from api.store.sqlite.worker import Worker


class SqliteNodes(NodeStore):
    """The table `nodes`. Its clock is that of the machine, on which all processes are."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def say(self, node_id: str, state: NodeState) -> None:
        await self._write(lambda cursor: _say(cursor, node_id, state))

    async def leave(self, node_id: str) -> None:
        await self._write(lambda cursor: cursor.execute("DELETE FROM nodes WHERE id = ?", (node_id,)))

    async def all(self) -> list[Node]:
        return await self._read(_all)


def _say(cursor: apsw.Cursor, node_id: str, state: NodeState) -> None:
    now = _now()
    cursor.execute("DELETE FROM nodes WHERE seen_at < ?", (now - KEPT_MS,))
    cursor.execute(
        "INSERT INTO nodes (id, seen_at, state) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (id) DO UPDATE SET seen_at = ?2, state = ?3",
        (node_id, now, orjson.dumps(encoded(state)).decode()),
    )


def _all(cursor: apsw.Cursor) -> list[Node]:
    now = _now()
    rows = cursor.execute(
        "SELECT id, seen_at, state FROM nodes WHERE json_valid(state) AND seen_at >= ? ORDER BY id",
        (now - KEPT_MS,),
    )
    read = ((id_, seen_at, read_state(orjson.loads(text))) for id_, seen_at, text in rows)
    return [Node(id_, state, max(0, now - seen_at)) for id_, seen_at, state in read if state is not None]


def _now() -> int:
    return time.time_ns() // 1_000_000
