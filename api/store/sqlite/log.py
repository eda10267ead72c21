"""Appends to the rooms' logs on SQLite, and reads them: each call in a transaction of its own."""

# ruff: noqa: D102 - the promises stand in `LogStore`; queries are joined from constants

from collections.abc import Mapping, Sequence
from typing import Any

import apsw
import orjson

from api.errors import EpochChanged
from api.models.log import (
    Appended,
    Draft,
    End,
    Entry,
    Head,
    History,
    Kind,
    Message,
    News,
    Stretch,
    Timeline,
)
from api.models.page import Page
from api.models.rooms import Member
from api.store.base.log import LogStore, MessagePlace
from api.store.sqlite.pages import MessagePages
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.rows import has_ref
from api.store.sqlite.standings import require_unchanged
from api.store.sqlite.worker import Worker


class SqliteLog(LogStore):
    """The logs of all rooms, in the table `entries`."""

    def __init__(self, reader: Worker, writer: Worker, log: RoomLog) -> None:
        self._read = reader.do
        self._write = writer.do
        self._log = log
        self._pages = MessagePages(log)

    async def append(
        self, room_id: str, draft: Draft, *, author: Member | None = None, epoch: str | None = None
    ) -> Appended:
        def work(cursor: apsw.Cursor) -> Appended:
            if epoch is not None and epoch != self._log.head(cursor, room_id).epoch:
                raise EpochChanged
            if author is not None:
                require_unchanged(cursor, author)
            return self._log.append(cursor, room_id, draft, seen=None if author is None else author.writable)

        return await self._write(work)

    async def is_stored(self, room_id: str, draft: Draft) -> bool:  # noqa: ARG002  refs are of all rooms
        return await self._read(lambda cursor: has_ref(cursor, draft))

    async def sent_as(self, room_id: str, user_id: str, ref: str) -> Entry | None:
        return await self._read(lambda cursor: self._log.sent_as(cursor, room_id, user_id, ref))

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        return await self._read(lambda cursor: _heads(cursor, room_ids))

    async def ends(self, room_ids: Sequence[str]) -> dict[str, End]:
        return await self._read(lambda cursor: _ends(cursor, room_ids))

    async def stretches(self, wanted: Sequence[Stretch]) -> list[list[Entry]]:
        return await self._read(lambda cursor: self._log.stretches(cursor, wanted))

    async def entries(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        return await self._read(lambda cursor: self._log.log(cursor, room_id, after, limit))

    async def news(self, after: Mapping[str, int], *, limit: int) -> list[News]:
        return await self._read(lambda cursor: _news(cursor, self._log, after, limit))

    async def history(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        return await self._read(
            lambda cursor: self._pages.history(cursor, room_id, before=before, after=after, limit=limit)
        )

    async def timeline(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> Timeline:
        return await self._read(
            lambda cursor: self._pages.timeline(cursor, room_id, before=before, after=after, limit=limit)
        )

    async def thread(self, room_id: str, root: int, *, after: int, limit: int) -> History:
        return await self._read(
            lambda cursor: self._pages.thread(cursor, room_id, root, after=after, limit=limit)
        )

    async def changes_of(
        self, room_id: str, seq: int, kind: Kind, *, after: int = 0, limit: int
    ) -> list[Entry]:
        return await self._read(
            lambda cursor: self._log.changes_of(cursor, room_id, seq, kind, after=after, limit=limit)
        )

    async def reactors(
        self, room_id: str, seq: int, emoji: str, *, cursor: str | None, limit: int
    ) -> Page[Entry]:
        return await self._read(
            lambda reading: self._log.reactors(reading, room_id, seq, emoji, cursor, limit)
        )

    async def messages_by(self, room_id: str, user_id: str, *, since: int, limit: int) -> list[int]:
        return await self._read(lambda cursor: _messages_by(cursor, room_id, user_id, since, limit))

    async def pins(self, room_id: str) -> list[Message]:
        return await self._read(lambda cursor: self._log.pins(cursor, room_id))

    async def messages(self, places: Sequence[MessagePlace]) -> dict[MessagePlace, Message]:
        return await self._read(lambda cursor: self._pages.messages(cursor, places))


def _heads(cursor: apsw.Cursor, room_ids: Sequence[str]) -> dict[str, Head]:
    """Return where the logs of rooms end."""
    rows = cursor.execute(
        "SELECT id, epoch, seq FROM rooms WHERE NOT deleted AND id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(list(room_ids)).decode(),),
    )
    return {row[0]: Head(*row) for row in rows}


def _ends(cursor: apsw.Cursor, room_ids: Sequence[str]) -> dict[str, End]:
    """Return the ends of the logs of rooms, and how new they are."""
    rows = cursor.execute(
        "SELECT rooms.id, epoch, rooms.seq, message_seq, at FROM rooms"
        " LEFT JOIN entries ON room_id = rooms.id AND entries.seq = rooms.seq"
        " WHERE NOT deleted AND rooms.id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(list(room_ids)).decode(),),
    )
    return {
        room_id: End(Head(room_id, epoch, seq), at if type(at) is int else 0, message_seq > 0)
        for room_id, epoch, seq, message_seq, at in rows
    }


def _news(cursor: apsw.Cursor, log: RoomLog, after: Mapping[str, int], limit: int) -> list[News]:
    """Return what is new in rooms."""
    rows: list[Any] = cursor.execute(
        "SELECT id, epoch, seq, deleted FROM rooms WHERE id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(list(after)).decode(),),
    ).fetchall()
    return [
        News(Head(room_id, epoch, seq), bool(deleted), log.log(cursor, room_id, after[room_id], limit))
        for room_id, epoch, seq, deleted in rows
    ]


def _messages_by(cursor: apsw.Cursor, room_id: str, user_id: str, since: int, limit: int) -> list[int]:
    """Return the seqs of the newest messages of a user that are not deleted."""
    rows = cursor.execute(
        "SELECT seq FROM entries INDEXED BY messages"
        " WHERE room_id = ?1 AND kind = 'message' AND user_id = ?2 AND at >= ?3"
        " AND seq <= (SELECT seq FROM rooms WHERE id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM changed WHERE changed.room_id = ?1 AND changed.seq = entries.seq"
        " AND deleted_by IS NOT NULL) ORDER BY seq DESC LIMIT ?4",
        (room_id, user_id, since, limit),
    )
    return [seq for (seq,) in rows]
