"""Yields the entries and ended sessions that this process, or another, commits to a SQLite file.

The writer hands over the commits of this process, so that they need not be read again; all other commits are read. Of
each room a tail yields entries without holes: one that cannot be read comes as `unreadable`.
"""

# ruff: noqa: S608 - queries are joined from constants of this file, never from values

import asyncio
from collections import ChainMap, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import apsw
import orjson

from api.errors import Unavailable
from api.models.changes import Change, Grown, Quiet, SessionEnded, Signal, everybody_by
from api.models.kinds import KINDS
from api.models.log import Appended, Entry, Kind
from api.store.fold import Mentions, mentions_in
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.rows import COLUMNS, newest_id, rows_of
from api.store.sqlite.worker import Work

POLL_SECONDS: Final = 0.25
"""A commit of another process is seen after at most this long if its wake-up was lost."""

_BATCH: Final = 500  # rows read at once, which takes the reader's thread some 3 ms
_ERASING: Final = frozenset(kind for kind, shape in KINDS.items() if shape.erases)
_MAX_TOLD: Final = 10_000  # rooms remembered; of a forgotten room, a hole before its next entry is missed


class TailPosition(NamedTuple):
    """The ids of the last entry and of the last session ending that a tail has seen."""

    entry_id: int
    ending_id: int


class Commit(NamedTuple):
    """One commit of this process: its entries, as far as they are known, in order, and the position after it."""

    entries: list[Entry]
    position: TailPosition
    epochs: Mapping[str, str] = {}
    """The epoch of each room that has entries here."""


_News: TypeAlias = tuple[list[Change], TailPosition, bool]
"""Changes, the position after them, and whether there are no more."""


class SqliteTail(AsyncIterator[list[Change]]):
    """Yields batches of changes after a position. It has no task, thread or connection of its own."""

    def __init__(
        self,
        log: RoomLog,
        read: Callable[[Work[_News]], Awaitable[_News]],
        start: TailPosition,
        quiet_seconds: float,
        *,
        grown: bool = False,
    ) -> None:
        self._log = log
        self._read = read
        self._position = start
        self._quiet_seconds = quiet_seconds
        self._grown = grown
        self._told: dict[str, int] = {}  # by room: the newest seq that was yielded
        self._handed: list[Commit] = []
        self._handed_count = 0  # entries handed over since the last batch, dropped ones included
        self._signals: deque[Signal] = deque(maxlen=_BATCH)  # those of other stores; the oldest are lost
        self._news = asyncio.Event()
        self._read_by = 0.0  # at this time of the loop the file is read, even if commits were handed over

    def hand(self, commit: Commit) -> None:
        """Take a commit of this process.

        If more than a batch waits here, or an entry erases text that may wait here, everything is read from the file
        instead: in batches, and in its present state.
        """
        self._handed_count += len(commit.entries)
        if self._handed_count > _BATCH or any(entry.kind in _ERASING for entry in commit.entries):
            self.look()
            return
        self._handed.append(commit)
        self._news.set()

    def hear(self, signals: Iterable[Signal]) -> None:
        """Take signals of other stores. They are yielded after the entries that are committed by now."""
        self._signals.extend(signals)
        self.look()

    def look(self) -> None:
        """Make the tail read the file, as another process may have committed something."""
        self._read_by = 0.0
        self._news.set()

    def __aiter__(self) -> "SqliteTail":
        return self

    async def __anext__(self) -> list[Change]:
        """Return new changes as soon as there are any, or a lone `Quiet` after `quiet_seconds` without any."""
        loop = asyncio.get_running_loop()
        quiet_at = loop.time() + self._quiet_seconds
        while True:
            self._news.clear()
            handed, self._handed, self._handed_count = self._handed, [], 0
            heard = len(self._signals)
            if loop.time() < self._read_by:
                changes = self._take(handed)
            else:  # this reads the commits that were handed over too
                changes = await self._new_changes()
            if loop.time() < self._read_by:  # nothing is left to read that came before these signals
                changes += [self._signals.popleft() for _ in range(min(heard, len(self._signals)))]
            if changes:
                return changes
            if loop.time() >= quiet_at:
                return [Quiet()]
            await _wait(self._news, min(quiet_at, self._read_by))

    def _take(self, handed: list[Commit]) -> list[Change]:
        entries, position, is_whole = following(self._position, handed)
        if _has_hole(self._told, entries):
            self.look()  # the missing entries must be read, and these are read again
            return []
        self._position = position
        self._tell(entries)
        if not is_whole:
            self.look()
        changes: list[Change] = [*entries]
        if self._grown:
            epochs = {room_id: epoch for one in handed for room_id, epoch in one.epochs.items()}
            changes += growth(entries, epochs)
        return changes

    def _tell(self, changes: Iterable[Change]) -> None:
        if len(self._told) >= _MAX_TOLD:
            self._told.clear()
        for change in changes:
            if isinstance(change, Entry):
                self._told[change.room_id] = change.seq

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
            if not is_all:  # there is more, or the read failed
                self.look()
        return changes

    def _changes_after(self, cursor: apsw.Cursor) -> _News:
        after = self._position
        rows = _rows_after(cursor, after.entry_id)
        found = [self._log.entry_up_to(head_seq, row) for *row, head_seq in rows]
        endings = _endings_after(cursor, after.ending_id)
        entries = self._filled(cursor, [entry for entry in found if entry is not None])
        changes: list[Change] = [*entries]
        if self._grown and entries:
            changes += growth(entries, _epochs(cursor, {entry.room_id for entry in entries}))
        changes += (SessionEnded(session_id, user_id) for _, session_id, user_id in endings)
        reached = TailPosition(
            rows[-1][0] if rows else after.entry_id, endings[-1][0] if endings else after.ending_id
        )
        return changes, reached, max(len(rows), len(endings)) < _BATCH

    def _filled(self, cursor: apsw.Cursor, entries: list[Entry]) -> list[Entry]:
        """Return entries, each with the entries that are missing before it: of a long hole the newest `_BATCH`."""
        if not _has_hole(self._told, entries):
            return entries
        filled = list[Entry]()
        told = ChainMap({}, self._told)
        for entry in entries:
            after = max(told.get(entry.room_id, entry.seq), entry.seq - 1 - _BATCH)
            while page := self._log.log(cursor, entry.room_id, after, entry.seq - 1 - after):
                filled += page
                after = page[-1].seq
            filled.append(entry)
            told[entry.room_id] = entry.seq
        return filled


def _has_hole(told: Mapping[str, int], entries: Iterable[Entry]) -> bool:
    """Say whether any entry of a room is missing between what was `told` and these entries, or among them."""
    room_id, before, reached = "", 0, dict[str, int]()
    for entry in entries:
        if entry.room_id != room_id:
            reached[room_id] = before
            room_id = entry.room_id
            before = reached.get(room_id) or told.get(room_id, entry.seq)
        if entry.seq > before + 1:
            return True
        before = entry.seq
    return False


def growth(entries: Iterable[Entry], epochs: Mapping[str, str]) -> list[Grown]:
    """Return how rooms with these epochs have grown by these entries, which are in order."""
    found: dict[str, Grown] = {}
    for entry in entries:
        room_id, is_message = entry.room_id, entry.kind == Kind.MESSAGE
        mentions = mentions_in(entry.data) if is_message else Mentions()
        now = found.get(room_id) or Grown(room_id, epochs[room_id], 0, 0, frozenset())
        found[room_id] = Grown(
            room_id,
            now.epoch,
            entry.seq,
            now.messages + is_message,
            now.mentioned.union((everybody_by(entry.user_id),) if mentions.everybody else mentions.user_ids),
        )
    return list(found.values())


def following(position: TailPosition, commits: Sequence[Commit]) -> tuple[list[Entry], TailPosition, bool]:
    """Return the entries of commits after a position, the position after them, and whether they are all.

    Some are missing if another process has committed in between, or if a commit did more than it lists. Commits that
    are not after the position are ignored.
    """
    changes: list[Entry] = []
    for entries, then, *_ in commits:
        if then.entry_id <= position.entry_id and then.ending_id <= position.ending_id:
            continue
        if then != (position.entry_id + len(entries), position.ending_id):
            return changes, position, False
        changes += entries
        position = then
    return changes, position, True


def commit_of(cursor: apsw.Cursor, results: Iterable[object]) -> Commit:
    """Return what a transaction is about to commit, as far as the results of its jobs show it."""
    appended = [result for result in results if isinstance(result, Appended) and result.is_new]
    epochs = {one.entry.room_id: one.epoch for one in appended}
    return Commit([one.entry for one in appended], position(cursor), epochs)


def position(cursor: apsw.Cursor) -> TailPosition:
    """Return the position after everything that is committed."""
    ((ending_id,),) = cursor.execute("SELECT coalesce(max(id), 0) FROM session_endings")
    return TailPosition(newest_id(cursor), ending_id)


def _rows_after(cursor: apsw.Cursor, after: int) -> list[Any]:
    return rows_of(
        cursor,
        f"SELECT {COLUMNS}, (SELECT seq FROM rooms WHERE rooms.id = room_id) AS head_seq FROM entries"
        " WHERE id > ? ORDER BY id LIMIT ?",
        (after, _BATCH),
        more=", head_seq",
    )


def _epochs(cursor: apsw.Cursor, room_ids: Iterable[str]) -> dict[str, str]:
    """Return the epochs of these rooms, also of those that were deleted."""
    rows = cursor.execute(
        "SELECT id, epoch FROM rooms WHERE id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(list(room_ids)).decode(),),
    )
    return {str(room_id): str(epoch) for room_id, epoch in rows}


def _endings_after(cursor: apsw.Cursor, after: int) -> list[Any]:
    ((oldest,),) = cursor.execute("SELECT min(id) FROM session_endings")
    if oldest is not None and oldest > after + 1:
        raise Unavailable("this feed has fallen too far behind")
    return cursor.execute(
        "SELECT id, session_id, user_id FROM session_endings WHERE id > ? ORDER BY id LIMIT ?",
        (after, _BATCH),
    ).fetchall()


async def _wait(news: asyncio.Event, until: float) -> None:
    """Wait for news until a time of the loop. A timer that sets the event costs a third of `asyncio.timeout`."""
    timer = asyncio.get_running_loop().call_at(until, news.set)
    try:
        await news.wait()
    finally:
        timer.cancel()
