"""Following what is committed, by this process or another, from one moment on.

What this process commits is handed over by its writer, so that nothing of it is read again; the rest is read.
Between two entries of a room that it gives there is none missing: what cannot be read there is `unreadable`.
"""

# ruff: noqa: S608 - queries are joined from constants of this file, never from values

import asyncio
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import apsw

from api.errors import Unavailable
from api.models.changes import Change, Quiet, SessionEnded
from api.models.kinds import KINDS
from api.models.log import Appended, Entry
from api.store.sqlite.log import COLUMNS, RoomLog
from api.store.sqlite.worker import Work

POLL_SECONDS: Final = 0.25
"""How long a commit of another process stays unseen if its wake-up is lost."""

_BATCH: Final = 500  # rows read at once: some 3 ms in the reader's thread
_MAX_TOLD: Final = 10_000  # rooms; what is forgotten of them is only where the next hole would begin


class TailPosition(NamedTuple):
    """The last entry and the last session ending that a tail has seen, by their ids."""

    entry_id: int
    ending_id: int


class Commit(NamedTuple):
    """What this process has committed: the entries of which it knows, in order, and where everybody is after it."""

    entries: list[Entry]
    position: TailPosition


_News: TypeAlias = tuple[list[Change], TailPosition, bool]  # after them; whether that is all there is


class SqliteTail(AsyncIterator[list[Change]]):
    """Batches of changes after a position. Holds no task, thread or connection of its own."""

    def __init__(
        self,
        log: RoomLog,
        read: Callable[[Work[_News]], Awaitable[_News]],
        start: TailPosition,
        quiet_seconds: float,
    ) -> None:
        self._log = log
        self._read = read
        self._position = start
        self._quiet_seconds = quiet_seconds
        self._told: dict[str, int] = {}  # by room: the newest seq that was given
        self._handed: list[Commit] = []
        self._handed_count = 0  # of entries, those that were let go of too, until all is read
        self._news = asyncio.Event()
        self._read_by = 0.0  # the loop's time at which to read, whatever is handed over

    def hand(self, commit: Commit) -> None:
        """Take what this process has committed.

        Where that is more than a batch, or erases what may be waiting here, all is read: in batches, and as it is now.
        """
        self._handed_count += len(commit.entries)
        if self._handed_count > _BATCH or any(_erases(entry) for entry in commit.entries):
            self.look()
            return
        self._handed.append(commit)
        self._news.set()

    def look(self) -> None:
        """Read again: somebody else may have committed something."""
        self._read_by = 0.0
        self._news.set()

    def __aiter__(self) -> "SqliteTail":
        return self

    async def __anext__(self) -> list[Change]:
        """Return what is new as soon as there is something, a lone `Quiet` after a while without."""
        loop = asyncio.get_running_loop()
        quiet_at = loop.time() + self._quiet_seconds
        while True:
            self._news.clear()
            handed, self._handed, self._handed_count = self._handed, [], 0
            if loop.time() < self._read_by:
                changes = self._take(handed)
            else:  # what was handed over is committed, and so among it
                changes = await self._new_changes()
            if changes:
                return changes
            now = loop.time()
            if now >= quiet_at:
                return [Quiet()]
            await _wait(self._news, min(quiet_at, self._read_by) - now)

    def _take(self, handed: list[Commit]) -> list[Change]:
        entries, position, is_whole = following(self._position, handed)
        if _has_hole(self._told, entries):
            self.look()  # what is missing there is read, and these are too
            return []
        self._position = position
        self._tell(entries)
        if not is_whole:
            self.look()
        return list(entries)

    def _tell(self, changes: Iterable[Change]) -> None:
        if len(self._told) >= _MAX_TOLD:
            self._told.clear()
        self._told.update({one.room_id: one.seq for one in changes if isinstance(one, Entry)})

    async def _new_changes(self) -> list[Change]:
        self._read_by = asyncio.get_running_loop().time() + POLL_SECONDS
        is_all = False
        try:
            async with asyncio.timeout(2 * self._quiet_seconds):
                changes, self._position, is_all = await self._read(self._changes_after)
                self._tell(changes)
        except TimeoutError:
            raise Unavailable("the database does not answer") from None
        finally:
            if not is_all:  # there is more, or the read was broken off
                self.look()
        return changes

    def _changes_after(self, cursor: apsw.Cursor) -> _News:
        after = self._position
        rows = _rows_after(cursor, after.entry_id)
        found = [self._log.entry_up_to(head_seq, row) for *row, head_seq in rows]
        endings = _endings_after(cursor, after.ending_id)
        changes: list[Change] = [*self._filled(cursor, [entry for entry in found if entry is not None])]
        changes += (SessionEnded(session_id, user_id) for _, session_id, user_id in endings)
        reached = TailPosition(
            rows[-1][0] if rows else after.entry_id, endings[-1][0] if endings else after.ending_id
        )
        return changes, reached, max(len(rows), len(endings)) < _BATCH

    def _filled(self, cursor: apsw.Cursor, entries: list[Entry]) -> list[Entry]:
        """Return entries with those that are missing before them; of very many the newest."""
        if not _has_hole(self._told, entries):
            return entries
        filled = list[Entry]()
        told = ChainMap({}, self._told)
        for entry in entries:
            after = max(told.get(entry.room_id, entry.seq), entry.seq - 1 - _BATCH)
            filled += self._log.log(cursor, entry.room_id, after, entry.seq - 1 - after)
            filled.append(entry)
            told[entry.room_id] = entry.seq
        return filled


def _has_hole(told: Mapping[str, int], entries: Iterable[Entry]) -> bool:
    """Say whether one of these entries is not the next after what was told, by room, and after those before it."""
    reached = dict[str, int]()
    for entry in entries:
        room_id, seq = entry.room_id, entry.seq
        if seq > reached.get(room_id, told.get(room_id, seq)) + 1:
            return True
        reached[room_id] = seq
    return False


def _erases(entry: Entry) -> bool:
    return entry.kind in KINDS and KINDS[entry.kind].erases


def following(position: TailPosition, commits: Sequence[Commit]) -> tuple[list[Entry], TailPosition, bool]:
    """Return what commits bring after a position, the position after it, and whether nothing is missing there.

    Something is when others have committed in between, or a commit has done more than it tells of. What the
    position is past already is passed over.
    """
    changes: list[Entry] = []
    for entries, then in commits:
        if then.entry_id <= position.entry_id and then.ending_id <= position.ending_id:
            continue
        if then != (position.entry_id + len(entries), position.ending_id):
            return changes, position, False
        changes += entries
        position = then
    return changes, position, True


def commit_of(cursor: apsw.Cursor, results: Iterable[object]) -> Commit:
    """Return what a transaction is about to commit, as far as its results tell."""
    entries = [result.entry for result in results if isinstance(result, Appended) and result.is_new]
    return Commit(entries, position(cursor))


def position(cursor: apsw.Cursor) -> TailPosition:
    """Return the position behind everything that is committed."""
    newest = "SELECT (SELECT max(id) FROM entries), (SELECT max(id) FROM session_endings)"
    ((entry_id, ending_id),) = cursor.execute(newest)
    return TailPosition(entry_id or 0, ending_id or 0)


def _rows_after(cursor: apsw.Cursor, after: int) -> list[Any]:
    return cursor.execute(
        f"SELECT {COLUMNS}, (SELECT seq FROM rooms WHERE rooms.id = room_id) FROM entries"
        " WHERE id > ? ORDER BY id LIMIT ?",
        (after, _BATCH),
    ).fetchall()


def _endings_after(cursor: apsw.Cursor, after: int) -> list[Any]:
    ((oldest,),) = cursor.execute("SELECT min(id) FROM session_endings")
    if oldest is not None and oldest > after + 1:
        raise Unavailable("this feed has fallen too far behind")
    return cursor.execute(
        "SELECT id, session_id, user_id FROM session_endings WHERE id > ? ORDER BY id LIMIT ?",
        (after, _BATCH),
    ).fetchall()


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        pass
