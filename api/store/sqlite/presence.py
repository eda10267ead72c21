"""Keeps who is connected to which process in the SQLite table `presence`.

The functions take a cursor, and run inside a transaction. While no other store is open on the file there is nobody to
read the rows, so none is written.
"""

# ruff: noqa: D102 - the promises stand in `PresenceStore`

import secrets
import time
from collections.abc import Collection, Mapping

import apsw
import orjson

from api.models.presence import NodeUsers
from api.store.base.presence import LIFE_MS, PresenceStore
from api.store.sqlite.wake import Wake
from api.store.sqlite.worker import Worker


class SqlitePresence(PresenceStore):
    """The table `presence`. Its clock is that of the machine, on which all processes are."""

    def __init__(self, reader: Worker, writer: Worker, wake: Wake) -> None:
        self._read = reader.do
        self._write = writer.do
        self._wake = wake
        self._node_id = secrets.token_urlsafe(16)
        self._user_ids = b"[]"
        self._number = 0
        self._stored = -1  # the number of the row that is stored

    @property
    def node_id(self) -> str:
        return self._node_id

    async def put(self, user_ids: Collection[str]) -> None:
        self._user_ids = orjson.dumps(list(user_ids))
        self._number += 1
        await self.beat()

    async def beat(self) -> None:
        if self._wake.is_alone:
            self._stored = -1
            return
        row = self._node_id, self._number, self._user_ids.decode()
        await self._write(lambda cursor: _put(cursor, *row, is_stored=self._stored == row[1]))
        self._stored = row[1]

    async def others(self, known: Mapping[str, int]) -> list[NodeUsers]:
        if self._wake.is_alone:
            return []
        return await self._read(lambda cursor: _others(cursor, self._node_id, known))


def _now() -> int:
    return time.time_ns() // 1_000_000


def _put(cursor: apsw.Cursor, node_id: str, number: int, user_ids: str, *, is_stored: bool) -> None:
    now = _now()
    cursor.execute("DELETE FROM presence WHERE NOT at BETWEEN ? AND ?", (now - LIFE_MS, now + LIFE_MS))
    if is_stored:
        cursor.execute("UPDATE presence SET at = ? WHERE node_id = ?", (now, node_id))
        if cursor.connection.changes():
            return
    cursor.execute("INSERT OR REPLACE INTO presence VALUES (?, ?, ?, ?)", (node_id, number, now, user_ids))


def _others(cursor: apsw.Cursor, node_id: str, known: Mapping[str, int]) -> list[NodeUsers]:
    now = _now()
    rows = cursor.execute(
        "SELECT node_id, number, at, iif(number = known.value, NULL, user_ids) FROM presence"
        " LEFT JOIN json_each(?) AS known ON known.key = node_id"
        " WHERE node_id <> ? AND at BETWEEN ? AND ?",
        (orjson.dumps(dict(known)).decode(), node_id, now - LIFE_MS, now + LIFE_MS),
    )
    return [
        NodeUsers(
            other, number, max(0, now - at), None if user_ids is None else frozenset(orjson.loads(user_ids))
        )
        for other, number, at, user_ids in rows
    ]
