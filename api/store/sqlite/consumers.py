"""Stores and reads consumers in the SQLite table `consumers`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `ConsumerStore`

from typing import Any, Final

import apsw
import orjson

from api.models.consumers import Consumer
from api.models.followers import Start
from api.store.base.consumers import ConsumerStore
from api.store.sqlite.positions import forget_follower
from api.store.sqlite.worker import Worker

_ALL: Final = (
    "SELECT id, user_id, name, room_ids, start, created_at, lobby_epoch, acked_at FROM consumers"
    " WHERE user_id = ?"
)


class SqliteConsumers(ConsumerStore):
    """The table `consumers`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def put(self, consumer: Consumer) -> Consumer:
        return await self._write(lambda cursor: _put(cursor, consumer))

    async def get(self, user_id: str, name: str) -> Consumer | None:
        return await self._read(lambda cursor: _get(cursor, user_id, name))

    async def of_user(self, user_id: str) -> list[Consumer]:
        return await self._read(lambda cursor: _of_user(cursor, user_id))

    async def note_ack(self, consumer: Consumer, at: int) -> None:
        await self._write(lambda cursor: _note_ack(cursor, consumer, at))

    async def delete(self, consumer: Consumer) -> None:
        await self._write(lambda cursor: _delete(cursor, consumer))


def forget_consumers(cursor: apsw.Cursor, user_id: str) -> None:
    """Delete the consumers of a user, and their positions."""
    for consumer in _of_user(cursor, user_id):
        _delete(cursor, consumer)


def _put(cursor: apsw.Cursor, consumer: Consumer) -> Consumer:
    room_ids = None if consumer.room_ids is None else orjson.dumps(consumer.room_ids).decode()
    cursor.execute(
        "INSERT INTO consumers (id, user_id, name, room_ids, start, created_at, lobby_epoch, acked_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, name) DO UPDATE SET room_ids = excluded.room_ids",
        (
            consumer.id,
            consumer.user_id,
            consumer.name,
            room_ids,
            consumer.start,
            consumer.created_at,
            consumer.lobby_epoch,
            consumer.acked_at,
        ),
    )
    stored = _get(cursor, consumer.user_id, consumer.name)
    assert stored is not None  # noqa: S101  for the type checker
    return stored


def _get(cursor: apsw.Cursor, user_id: str, name: str) -> Consumer | None:
    row = cursor.execute(f"{_ALL} AND name = ?", (user_id, name)).fetchone()
    return None if row is None else _consumer(row)


def _of_user(cursor: apsw.Cursor, user_id: str) -> list[Consumer]:
    return [_consumer(row) for row in cursor.execute(f"{_ALL} ORDER BY name", (user_id,))]


def _note_ack(cursor: apsw.Cursor, consumer: Consumer, at: int) -> None:
    cursor.execute(
        "UPDATE consumers SET acked_at = ? WHERE user_id = ? AND name = ? AND id = ?",
        (at, consumer.user_id, consumer.name, consumer.id),
    )


def _delete(cursor: apsw.Cursor, consumer: Consumer) -> None:
    forget_follower(cursor, consumer.follower)
    cursor.execute(
        "DELETE FROM consumers WHERE user_id = ? AND name = ? AND id = ?",
        (consumer.user_id, consumer.name, consumer.id),
    )


def _consumer(row: Any) -> Consumer:
    id_, user_id, name, room_ids, start, created_at, lobby_epoch, acked_at = row
    rooms = None if room_ids is None else tuple(orjson.loads(room_ids))
    return Consumer(id_, user_id, name, rooms, Start(start), created_at, lobby_epoch, acked_at)
