"""Following what is committed, by this process or another, from one moment on."""

# ruff: noqa: S608 - queries are joined from constants of this file, never from values

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple, TypeAlias

import apsw

from api.errors import Unavailable
from api.models import Change, Quiet, SessionEnded
from api.store.base import QUIET_SECONDS
from api.store.sqlite_log import COLUMNS, RoomLog
from api.store.sqlite_worker import Work

POLL_SECONDS: Final = 0.25
"""How long a commit of another process stays unseen if its wake-up is lost."""

_BATCH: Final = 500  # rows read at once: some 3 ms in the reader's thread
_SILENT_SECONDS: Final = 2 * QUIET_SECONDS


class Position(NamedTuple):
    """The last entry and the last session ending that a tail has seen, by their ids."""

    entry_id: int
    ending_id: int


_News: TypeAlias = tuple[list[Change], Position]


class Tail(AsyncIterator[list[Change]]):
    """Batches of changes after a position. Holds no task, thread or connection of its own."""

    def __init__(
        self,
        log: RoomLog,
        read: Callable[[Work[_News]], Awaitable[_News]],
        news: asyncio.Event,
        start: Position,
    ) -> None:
        self._log = log
        self._read = read
        self._news = news
        self._position = start

    def __aiter__(self) -> "Tail":
        return self

    async def __anext__(self) -> list[Change]:
        """Return what is new as soon as there is something, a lone `Quiet` after a while without."""
        loop = asyncio.get_running_loop()
        quiet_at = loop.time() + QUIET_SECONDS
        while True:
            self._news.clear()
            changes = await self._new_changes()
            if changes:
                return changes
            if (left := quiet_at - loop.time()) <= 0:
                return [Quiet()]
            await _wait(self._news, min(left, POLL_SECONDS))

    async def _new_changes(self) -> list[Change]:
        try:
            async with asyncio.timeout(_SILENT_SECONDS):
                changes, self._position = await self._read(self._changes_after)
        except TimeoutError:
            raise Unavailable("the database does not answer") from None
        return changes

    def _changes_after(self, cursor: apsw.Cursor) -> _News:
        after = self._position
        entries, entry_id = self._entries_after(cursor, after.entry_id)
        endings, ending_id = _endings_after(cursor, after.ending_id)
        return [*entries, *endings], Position(entry_id, ending_id)

    def _entries_after(self, cursor: apsw.Cursor, after: int) -> tuple[list[Change], int]:
        rows = cursor.execute(
            f"SELECT {COLUMNS}, (SELECT seq FROM rooms WHERE rooms.id = room_id) FROM entries"
            " WHERE id > ? ORDER BY id LIMIT ?",
            (after, _BATCH),
        )
        changes: list[Change] = []
        for *row, head_seq in rows:
            after = row[0]
            entry = self._log.entry(row, head_seq)
            if entry is not None:
                changes.append(entry)
        return changes, after


def position(cursor: apsw.Cursor) -> Position:
    """Return the position behind everything that is committed."""
    newest = "SELECT (SELECT max(id) FROM entries), (SELECT max(id) FROM session_endings)"
    ((entry_id, ending_id),) = cursor.execute(newest)
    return Position(entry_id or 0, ending_id or 0)


def _endings_after(cursor: apsw.Cursor, after: int) -> tuple[list[Change], int]:
    ((oldest,),) = cursor.execute("SELECT min(id) FROM session_endings")
    if oldest is not None and oldest > after + 1:
        raise Unavailable("this feed has fallen too far behind")
    changes: list[Change] = []
    for id_, session_id, user_id in cursor.execute(
        "SELECT id, session_id, user_id FROM session_endings WHERE id > ? ORDER BY id LIMIT ?",
        (after, _BATCH),
    ):
        changes.append(SessionEnded(session_id, user_id))
        after = id_
    return changes, after


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        pass
