"""Stores what is known of files in the SQLite table `attachments`, whose sizes triggers add up in `file_usage`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `AttachmentStore`; queries are joined from constants of this file

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any, Final

import apsw
import orjson

from api.errors import QuotaReached
from api.models.attachments import PREVIEW, Attachment, FileQuota, FileState, FoundFile, Usage
from api.models.page import Page
from api.store import paging
from api.store.base.attachments import AttachmentStore
from api.store.quotas import ALL_REACHED, USER_REACHED
from api.store.sqlite.worker import Worker

SLICE: Final = 500
_NAMES: Final = tuple(one.name for one in fields(Attachment))
_COLUMNS: Final = ", ".join(_NAMES)
_UNSENT: Final = "state IN ('uploading', 'whole')"
_EVERYBODY: Final = ""
"""The key under which `file_usage` has the sum of all users."""


class SqliteAttachments(AttachmentStore):
    """The tables `attachments` and `file_usage`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def create(self, attachment: Attachment, quota: FileQuota) -> None:
        await self._write(lambda cursor: _create(cursor, attachment, quota))

    async def get_many(self, file_ids: Sequence[str]) -> dict[str, Attachment]:
        return await self._read(lambda cursor: _get_many(cursor, file_ids))

    async def touch(self, file_id: str, *, at: int) -> bool:
        return await self._write(
            lambda cursor: bool(
                _change(cursor, "touched_at = ?1", "id = ?2 AND state = 'uploading'", (at, file_id))
            )
        )

    async def renew(self, file_id: str, *, at: int) -> None:
        await self._write(
            lambda cursor: _change(cursor, "touched_at = ?1", "id = ?2 AND state = 'whole'", (at, file_id))
        )

    async def describe(self, file_id: str, alt: str, *, at: int) -> Attachment | None:
        return await self._write(
            lambda cursor: _first(
                _change(
                    cursor,
                    "alt = ?1, touched_at = ?2",
                    f"id = ?3 AND ref IS NULL AND {_UNSENT}",
                    (alt, at, file_id),
                )
            )
        )

    async def finish(self, file_id: str, looked: FoundFile, *, at: int) -> Attachment | None:
        return await self._write(lambda cursor: _finish(cursor, file_id, looked, at))

    async def claim(
        self, file_ids: Sequence[str], *, user_id: str, room_id: str, ref: str, at: int
    ) -> dict[str, Attachment]:
        return await self._write(lambda cursor: _claim(cursor, file_ids, (user_id, room_id, ref, at)))

    async def release(self, file_ids: Sequence[str], *, user_id: str, ref: str) -> None:
        await self._write(
            lambda cursor: _change(
                cursor,
                "ref = NULL",
                f"{_AMONG} AND user_id = ?2 AND ref = ?3 AND state = 'whole'",
                (_json(file_ids), user_id, ref),
            )
        )

    async def send(self, file_ids: Sequence[str], *, room_id: str, user_id: str, seq: int) -> None:
        await self._write(
            lambda cursor: _change(
                cursor,
                "state = 'sent', seq = ?1",
                f"{_AMONG.replace('?1', '?2')} AND room_id = ?3 AND user_id = ?4 AND state = 'whole'",
                (seq, _json(file_ids), room_id, user_id),
            )
        )

    async def give_up(self, attachment: Attachment) -> bool:
        one = attachment
        return await self._write(
            lambda cursor: bool(
                _change(
                    cursor,
                    "state = 'gone'",
                    "id = ?1 AND state = ?2 AND ref IS ?3 AND touched_at = ?4",
                    (one.id, one.state, one.ref, one.touched_at),
                )
            )
        )

    async def give_up_message(self, room_id: str, seq: int) -> int:
        return await self._write(lambda cursor: _give_up(cursor, "room_id = ?1 AND seq = ?2", (room_id, seq)))

    async def give_up_room(self, room_id: str) -> bool:
        return bool(await self._write(lambda cursor: _give_up(cursor, "room_id = ?1", (room_id,))))

    async def give_up_user(self, user_id: str) -> bool:
        mine = f"user_id = ?1 AND ({_UNSENT} OR room_id = '')"
        return bool(await self._write(lambda cursor: _give_up(cursor, mine, (user_id,))))

    async def unsent(self, *, before: int, empty_before: int, limit: int) -> list[Attachment]:
        return await self._read(
            lambda cursor: _select(
                cursor,
                f"WHERE {_UNSENT} AND touched_at < max(?1, ?2)"
                " AND (touched_at < ?1 OR state = 'uploading' AND touched_at = made_at)"
                " ORDER BY touched_at, id LIMIT ?3",
                (before, empty_before, limit),
            )
        )

    async def gone(self, *, after: str = "", limit: int) -> list[str]:
        return await self._read(
            lambda cursor: [
                str(id_)
                for (id_,) in cursor.execute(
                    "SELECT id FROM attachments WHERE state = 'gone' AND id > ? ORDER BY id LIMIT ?",
                    (after, limit),
                )
            ]
        )

    async def remove(self, file_id: str) -> bool:
        return await self._write(lambda cursor: _remove(cursor, file_id))

    async def of_message(self, room_id: str, seq: int) -> list[Attachment]:
        return await self._read(
            lambda cursor: _select(
                cursor, "WHERE room_id = ? AND seq = ? AND state = 'sent' ORDER BY id", (room_id, seq)
            )
        )

    async def of_room(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Attachment]:
        return await self._read(lambda reading: _of_room(reading, room_id, cursor, limit))

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Attachment]:
        return await self._read(lambda reading: _of_user(reading, user_id, cursor, limit))

    async def page(self, *, after: str, limit: int) -> list[Attachment]:
        return await self._read(
            lambda cursor: _select(cursor, "WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        )

    async def usage(self, user_id: str | None) -> Usage:
        return await self._read(lambda cursor: _usage(cursor, user_id or _EVERYBODY))

    async def recount(self) -> bool:
        return False  # triggers keep the sums, in the transactions of what they count


_AMONG: Final = "id IN (SELECT value FROM json_each(?1))"


def _create(cursor: apsw.Cursor, attachment: Attachment, quota: FileQuota) -> None:
    """Store a row within the quota. Raises `QuotaReached`."""
    for key, most_bytes, most_files, message in (
        (attachment.user_id, quota.user_bytes, quota.user_files, USER_REACHED),
        (_EVERYBODY, quota.all_bytes, quota.all_files, ALL_REACHED),
    ):
        usage = _usage(cursor, key)
        if usage.bytes + attachment.size > most_bytes or usage.files >= most_files:
            raise QuotaReached(message)
    cursor.execute(
        f"INSERT INTO attachments ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})", astuple(attachment)
    )


def _get_many(cursor: apsw.Cursor, file_ids: Sequence[str]) -> dict[str, Attachment]:
    return {one.id: one for one in _select(cursor, f"WHERE {_AMONG}", (_json(file_ids),))}


def _finish(cursor: apsw.Cursor, file_id: str, looked: FoundFile, at: int) -> Attachment | None:
    _change(
        cursor,
        "state = 'whole', touched_at = ?1, type = ?2, size = ?3, width = ?4, height = ?5, blur = ?6,"
        " has_thumb = ?7",
        "id = ?8 AND state = 'uploading'",
        (at, *astuple(looked), file_id),
    )
    return _first(_select(cursor, "WHERE id = ? AND state IN ('whole', 'sent')", (file_id,)))


def _claim(
    cursor: apsw.Cursor, file_ids: Sequence[str], claim: tuple[str, str, str, int]
) -> dict[str, Attachment]:
    user_id, room_id, ref, at = claim
    among, mine = _json(file_ids), f"{_AMONG} AND user_id = ?2 AND room_id = ?3"
    _change(
        cursor,
        "ref = ?4, touched_at = ?5",
        f"{mine} AND state = 'whole' AND (ref IS NULL OR ref = ?4)",
        (among, user_id, room_id, ref, at),
    )
    found = _select(
        cursor, f"WHERE {mine} AND ref = ?4 AND state IN ('whole', 'sent')", (among, user_id, room_id, ref)
    )
    return {one.id: one for one in found}


def _give_up(cursor: apsw.Cursor, which: str, values: tuple[Any, ...]) -> int:
    """Let up to `SLICE` of these files be gone."""
    return len(
        _change(
            cursor,
            "state = 'gone'",
            f"id IN (SELECT id FROM attachments WHERE {which} AND state <> 'gone' LIMIT {SLICE})",
            values,
        )
    )


def _remove(cursor: apsw.Cursor, file_id: str) -> bool:
    cursor.execute("DELETE FROM attachments WHERE id = ? AND state = 'gone'", (file_id,))
    return bool(cursor.connection.changes())


def _of_room(cursor: apsw.Cursor, room_id: str, before: str | None, limit: int) -> Page[Attachment]:
    list_name = f"files {room_id}"
    start = paging.AFTER_ALL if before is None else paging.start(list_name, before)
    found = _select(
        cursor,
        "WHERE room_id = ? AND state = 'sent' AND ref IS NOT ? AND (seq, id) < (?, ?)"
        " ORDER BY seq DESC, id DESC LIMIT ?",
        (room_id, PREVIEW, *start, limit + 1),
    )
    return paging.page(list_name, found, limit, key=lambda one: (one.seq or 0, one.id), item=lambda one: one)


def _of_user(cursor: apsw.Cursor, user_id: str, after: str | None, limit: int) -> Page[Attachment]:
    list_name = f"files of {user_id}"
    found = _select(
        cursor,
        "WHERE user_id = ? AND state <> 'gone' AND ref IS NOT ? AND (made_at, id) > (?, ?)"
        " ORDER BY made_at, id LIMIT ?",
        (user_id, PREVIEW, *paging.start(list_name, after), limit + 1),
    )
    return paging.page(list_name, found, limit, key=lambda one: (one.made_at, one.id), item=lambda one: one)


def _usage(cursor: apsw.Cursor, key: str) -> Usage:
    row = cursor.execute("SELECT bytes, files FROM file_usage WHERE user_id = ?", (key,)).fetchone()
    return Usage() if row is None else Usage(*row)


def _change(cursor: apsw.Cursor, change: str, which: str, values: tuple[Any, ...]) -> list[Attachment]:
    """Change rows, and return them as they are then."""
    rows = cursor.execute(f"UPDATE attachments SET {change} WHERE {which} RETURNING {_COLUMNS}", values)
    return [_read(row) for row in rows]


def _select(cursor: apsw.Cursor, which: str, values: tuple[Any, ...]) -> list[Attachment]:
    return [_read(row) for row in cursor.execute(f"SELECT {_COLUMNS} FROM attachments {which}", values)]


def _first(found: list[Attachment]) -> Attachment | None:
    return found[0] if found else None


def _read(row: Any) -> Attachment:
    said = dict(zip(_NAMES, row, strict=True))
    return Attachment(**said | {"state": FileState(said["state"]), "has_thumb": bool(said["has_thumb"])})


def _json(ids: Sequence[str]) -> str:
    return orjson.dumps(list(ids)).decode()
