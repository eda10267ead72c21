"""Stores and reads the positions of followers in the SQLite table `positions`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `PositionStore`; queries are joined from constants of this file

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import apsw
import orjson

from api.models.followers import FollowerPosition, Lease, Progress
from api.models.log import Head
from api.store.base.positions import PositionStore
from api.store.sqlite.leases import require_newest
from api.store.sqlite.worker import Worker

_PROGRESS: Final = (
    "SELECT rooms.id, rooms.epoch, rooms.seq, began, deleted, positions.epoch, positions.seq FROM rooms"
    " LEFT JOIN positions ON room_id = rooms.id AND follower = ?"
)


class SqlitePositions(PositionStore):
    """The table `positions`. Each write looks at the table `leases` in the same transaction."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def page(self, follower: str, *, after: str, limit: int) -> list[Progress]:
        return await self._read(lambda cursor: _page(cursor, follower, after, limit))

    async def get_many(self, follower: str, room_ids: Sequence[str]) -> dict[str, Progress]:
        return await self._read(lambda cursor: _get_many(cursor, follower, room_ids))

    async def of_each(self, rooms: Mapping[str, str]) -> dict[str, Progress]:
        return await self._read(lambda cursor: _of_each(cursor, rooms))

    async def advance(
        self, lease: Lease, positions: Sequence[FollowerPosition]
    ) -> dict[str, FollowerPosition]:
        return await self._write(lambda cursor: _advance(cursor, lease, positions))

    async def advance_each(self, lease: Lease, positions: Mapping[str, FollowerPosition]) -> None:
        await self._write(lambda cursor: _advance_each(cursor, lease, positions))

    async def drop(self, lease: Lease, room_ids: Sequence[str]) -> None:
        await self._write(lambda cursor: _drop(cursor, lease, room_ids))

    async def room_ids(self, follower: str) -> list[str]:
        return await self._read(lambda cursor: _room_ids(cursor, follower))


def forget_follower(cursor: apsw.Cursor, follower: str) -> None:
    """Delete all positions of a follower."""
    cursor.execute("DELETE FROM positions WHERE follower = ?", (follower,))


def _page(cursor: apsw.Cursor, follower: str, after: str, limit: int) -> list[Progress]:
    return _progress(
        cursor.execute(f"{_PROGRESS} WHERE rooms.id > ? ORDER BY rooms.id LIMIT ?", (follower, after, limit))
    )


def _get_many(cursor: apsw.Cursor, follower: str, room_ids: Sequence[str]) -> dict[str, Progress]:
    found = cursor.execute(
        f"{_PROGRESS} WHERE rooms.id IN (SELECT value FROM json_each(?))", (follower, _json(room_ids))
    )
    return {one.head.room_id: one for one in _progress(found)}


def _progress(rows: Iterable[Any]) -> list[Progress]:
    return [
        Progress(
            Head(room_id, epoch, seq),
            began,
            bool(deleted),
            None if reached is None else FollowerPosition(room_id, of_epoch, reached),
        )
        for room_id, epoch, seq, began, deleted, of_epoch, reached in rows
    ]


def _of_each(cursor: apsw.Cursor, rooms: Mapping[str, str]) -> dict[str, Progress]:
    found = {follower: _get_many(cursor, follower, [room_id]) for follower, room_id in rooms.items()}
    return {follower: one for follower, by_room in found.items() for one in by_room.values()}


def _advance(
    cursor: apsw.Cursor, lease: Lease, positions: Sequence[FollowerPosition]
) -> dict[str, FollowerPosition]:
    require_newest(cursor, lease)
    return {one.room_id: _store(cursor, lease.name, one) for one in positions}


def _advance_each(cursor: apsw.Cursor, lease: Lease, positions: Mapping[str, FollowerPosition]) -> None:
    require_newest(cursor, lease)
    for follower, one in positions.items():
        _store(cursor, follower, one)


def _store(cursor: apsw.Cursor, follower: str, one: FollowerPosition) -> FollowerPosition:
    ((seq,),) = cursor.execute(
        "INSERT INTO positions (follower, room_id, epoch, seq) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (follower, room_id) DO UPDATE"
        " SET epoch = ?3, seq = iif(epoch = ?3, max(seq, ?4), ?4) RETURNING seq",
        (follower, one.room_id, one.epoch, one.seq),
    )
    return FollowerPosition(one.room_id, one.epoch, seq)


def _drop(cursor: apsw.Cursor, lease: Lease, room_ids: Sequence[str]) -> None:
    require_newest(cursor, lease)
    cursor.execute(
        "DELETE FROM positions WHERE follower = ? AND room_id IN (SELECT value FROM json_each(?))",
        (lease.name, _json(room_ids)),
    )


def _room_ids(cursor: apsw.Cursor, follower: str) -> list[str]:
    return [
        room_id
        for (room_id,) in cursor.execute("SELECT room_id FROM positions WHERE follower = ?", (follower,))
    ]


def _json(of: Sequence[str]) -> str:
    return orjson.dumps(list(of)).decode()
