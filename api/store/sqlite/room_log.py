"""Writes and reads the SQLite table `entries`, inside a transaction.

A room's head, in `rooms`, and the entries up to it change together. So an entry above a head was written by another
program, and is ignored. An entry below it that is missing, or cannot be read, is `unreadable`. Each is logged once.
"""

# ruff: noqa: S608 - queries are joined from constants of this file

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import apsw
import orjson
import structlog

from api.errors import Invalid, MembershipChanged, NotFound, RefConflict
from api.models.kinds import KINDS, said
from api.models.log import (
    UNREADABLE,
    Appended,
    Draft,
    Entry,
    Head,
    Kind,
    Message,
    Stretch,
    unreadable,
)
from api.models.page import Page
from api.models.rooms import Writable
from api.store import paging
from api.store.fold import UNCHANGED, folded
from api.store.ruling import Ruling, Target, completed, require_few_mentions, ruling, seq_of_target
from api.store.shape import dense, require_appendable, require_shape
from api.store.sqlite import changed, mentioned
from api.store.sqlite.database import busy_timeout
from api.store.sqlite.rows import (
    COLUMNS,
    each_row,
    erase,
    insert,
    move_stray_aside,
    next_place,
    read_for_page,
    read_row,
    ref_hash,
    rows_of,
)

_NEWEST: Final = 2**63 - 1  # SQLite's greatest integer, above every seq
_POISON_REMEMBERED: Final = 1_000  # unreadable entries are logged once each, but no more than this many
_FORGET_SECONDS: Final = 0.05  # how long to wait for reads; our own take less
_FORGET_AGAIN_SECONDS: Final = 2.0  # how long to wait before the next try
_DIGEST_BYTES: Final = 8  # tells a retry from a mistake; a user who forges one harms only themselves


_STRETCHES: Final = (
    f"SELECT {COLUMNS} FROM"
    " (SELECT key, value ->> 0 AS room, value ->> 1 AS above, value ->> 2 AS until FROM json_each(?))"
    " CROSS JOIN entries ON room_id = room AND seq > above AND seq <= until ORDER BY key, seq"
)
UP_TO_HEAD: Final = "seq BETWEEN 1 AND (SELECT seq FROM rooms WHERE id = room_id AND NOT deleted)"


class RoomLog:
    """Reads and writes entries, and remembers which unreadable ones have been logged."""

    def __init__(self) -> None:
        self._poison_seen: set[tuple[object, object]] = set()
        self._has_erased = True  # a process that crashed may have left erased text
        self._forget_at = 0.0

    # -- writing

    def append(
        self, cursor: apsw.Cursor, room_id: str, draft: Draft, *, seen: Writable | None = None
    ) -> Appended:
        """Add an entry of a user, as `LogStore.append` says. `seen` is what the room was seen to let members write."""
        require_appendable(draft)
        require_shape(draft)
        digest = _digest(room_id, draft)
        hashed = None if draft.ref is None else ref_hash(draft.ref)
        if hashed is not None:
            stored = self._by_ref(cursor, draft.user_id, hashed, digest)
            if stored is not None:
                return Appended(stored, self.head(cursor, room_id).epoch, is_new=False)
        if (seq := seq_of_target(draft)) is not None:
            target = self._target(cursor, room_id, draft, seq)
            stands = self._standing(cursor, draft, target)
            if stands is not None:
                return Appended(stands, self.head(cursor, room_id).epoch, is_new=False)
            draft = completed(draft, target.message)
        require_few_mentions(draft)
        if KINDS[draft.kind].erases:
            erase(cursor, room_id, seq)
            self.note_erased()
        appended = self.add(cursor, room_id, draft, digest, hashed, seen=seen)
        changed.note(cursor, appended.entry)
        mentioned.note(cursor, appended.entry)
        return appended

    def add(
        self,
        cursor: apsw.Cursor,
        room_id: str,
        draft: Draft,
        digest: bytes | None = None,
        hashed: bytes | None = None,
        *,
        seen: Writable | None = None,
    ) -> Appended:
        """Number an entry and store it, if the room is as it was `seen`, and without any other check.

        Else raises `MembershipChanged`.
        """
        place = next_place(cursor, room_id, is_message=draft.kind is Kind.MESSAGE)
        if seen is not None and seen != place.writable:
            raise MembershipChanged
        row = (
            room_id,
            place.seq,
            draft.kind.value,
            draft.user_id,
            draft.username,
            draft.at,
            draft.ref,
            _json(draft.data).decode(),
            draft.data.get("target"),
            draft.data.get("thread") if draft.kind is Kind.MESSAGE else None,
            digest,
            hashed,
        )
        try:
            insert(cursor, row)
        except apsw.ConstraintError:
            move_stray_aside(cursor, room_id, place.seq)
            insert(cursor, row)
        entry = Entry(
            room_id, place.seq, draft.kind, draft.user_id, draft.username, draft.at, draft.ref, draft.data
        )
        return Appended(entry, place.epoch, is_new=True)

    def note_erased(self) -> None:
        """Note that this transaction erases or replaces text, which `forget_erased` must remove from the files."""
        self._has_erased = True

    def forget_erased(self, cursor: apsw.Cursor) -> float | None:
        """Remove erased text from the write-ahead log too. The writer calls this between transactions.

        If that is not possible now, for example while a backup reads, return after how many seconds to try again.
        Nothing can be written meanwhile, so each try is short, and tries are rare.
        """
        now = time.monotonic()
        if self._has_erased and now >= self._forget_at:
            self._forget_at = now + _FORGET_AGAIN_SECONDS
            with suppress(apsw.Error), busy_timeout(cursor.connection, _FORGET_SECONDS):
                cursor.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                self._has_erased, self._forget_at = False, 0.0
        return max(self._forget_at - now, 0.0) if self._has_erased else None

    # -- reading

    def head(self, cursor: apsw.Cursor, room_id: str) -> Head:
        """Return where a room's log ends. Raises `NotFound`."""
        row = cursor.execute(
            "SELECT id, epoch, seq FROM rooms WHERE id = ? AND NOT deleted", (room_id,)
        ).fetchone()
        if row is None:
            raise NotFound
        return Head(*row)

    def sent_as(self, cursor: apsw.Cursor, room_id: str, user_id: str, ref: str) -> Entry | None:
        """Return the entry of a user under a ref, if it is in this room."""
        select = f"SELECT {COLUMNS} FROM entries WHERE user_id = ? AND ref_hash = ? AND room_id = ? AND {UP_TO_HEAD}"
        found = self.entries(rows_of(cursor, select, (user_id, ref_hash(ref), room_id)))
        return found[0] if found else None

    def log(self, cursor: apsw.Cursor, room_id: str, after: int, limit: int) -> list[Entry]:
        """Return exactly one entry for each seq in (after, after + limit], up to the head or the end of a page."""
        begin = bounded(after)
        return self.stretches(cursor, [Stretch(room_id, begin, bounded(begin + limit))])[0]

    def stretches(self, cursor: apsw.Cursor, wanted: Sequence[Stretch]) -> list[list[Entry]]:
        """Return exactly one entry for each seq of some stretches of different rooms, up to their heads.

        They share one page. It ends within a stretch or after one, and those after it have no entries.
        """
        ends = dict[str, int](
            cursor.execute(
                "SELECT id, seq FROM rooms WHERE NOT deleted AND id IN (SELECT value FROM json_each(?))",
                (orjson.dumps([one.room_id for one in wanted]).decode(),),
            )
        )
        within = [
            Stretch(one.room_id, bounded(one.after), min(one.until, ends.get(one.room_id, 0)))
            for one in wanted
        ]
        rows = each_row(cursor, _STRETCHES, (orjson.dumps([*map(tuple, within)]).decode(),))
        found = (one for row in rows if (one := read_for_page(row)) is not None)
        read, is_cut = paging.cut(found, size=lambda one: one.size)
        entries: dict[str, list[Entry]] = {one.room_id: [] for one in within}
        for one in read:
            entries[one.entry.room_id].append(one.entry)
        end = read[-1].entry if is_cut else None
        return [self._whole(one, entries[one.room_id], end) for one in _up_to(within, end)]

    def _whole(self, stretch: Stretch, entries: Sequence[Entry], end: Entry | None) -> list[Entry]:
        """Return the entries of a stretch without holes, up to the entry at the `end` of the page if that is in it."""
        is_last = end is not None and end.room_id == stretch.room_id
        whole = dense(
            stretch.room_id, entries, stretch.after, end.seq if end is not None and is_last else stretch.until
        )
        for entry in whole:
            if entry.kind == UNREADABLE:
                self.report(stretch.room_id, entry.seq)
        return whole

    def changes_of(
        self, cursor: apsw.Cursor, room_id: str, seq: int, kind: Kind, *, after: int, limit: int
    ) -> list[Entry]:
        """Return entries of one kind that change the message at `seq`."""
        rows = rows_of(
            cursor,
            f"SELECT {COLUMNS} FROM entries WHERE room_id = ?1 AND target = ?2 AND kind = ?3 AND seq > ?4"
            f" AND {UP_TO_HEAD} ORDER BY seq LIMIT ?5",
            (room_id, bounded(seq), kind.value, bounded(after), limit),
        )
        return self.entries(rows)

    def message(self, cursor: apsw.Cursor, room_id: str, seq: int) -> Message | None:
        """Return one folded message."""
        message = self._message(cursor, room_id, seq)
        return None if message is None else self.folded(cursor, room_id, [message])[0]

    def _message(self, cursor: apsw.Cursor, room_id: str, seq: int) -> Entry | None:
        rows = rows_of(
            cursor,
            f"SELECT {COLUMNS} FROM entries WHERE room_id = ? AND seq = ? AND kind = 'message' AND {UP_TO_HEAD}",
            (room_id, bounded(seq)),
        )
        return next(iter(self.entries(rows)), None)

    def entries(self, rows: Iterable[Any]) -> list[Entry]:
        """Read rows of `COLUMNS`, and leave out those that make no entry."""
        found = (self.entry(row) for row in rows)
        return [entry for entry in found if entry is not None]

    def entry(self, row: Any) -> Entry | None:
        """Read one row of `COLUMNS`. Returns None when it makes no entry."""
        entry = read_row(row)
        if entry is None:
            _, room_id, seq, *_ = row
            self.report(room_id, seq)
        return entry

    def entry_up_to(self, head_seq: int | None, row: Any) -> Entry | None:
        """Read one row of a log that ends at `head_seq`. Returns None if its seq is outside of that log."""
        _, room_id, seq, *_ = row
        entry = self.entry(row)
        if type(seq) is int and 1 <= seq <= (head_seq or 0):
            return entry or unreadable(room_id, seq)
        self.report(room_id, seq)
        return None

    def report(self, room_id: object, seq: object) -> None:
        """Log once that the entry at this place cannot be read."""
        if (room_id, seq) not in self._poison_seen and len(self._poison_seen) < _POISON_REMEMBERED:
            self._poison_seen.add((room_id, seq))
            structlog.get_logger("api.store").error("store.poison_row", room_id=room_id, seq=seq)

    def _by_ref(self, cursor: apsw.Cursor, user_id: str, hashed: bytes, digest: bytes) -> Entry | None:
        row = cursor.execute(
            f"SELECT {COLUMNS}, digest FROM entries WHERE user_id = ? AND ref_hash = ?",
            (user_id, hashed),
        ).fetchone()
        if row is None:
            return None
        stored = self.entry(row[:-1])
        if stored is None or row[-1] != digest:
            raise RefConflict
        return stored

    def folded(self, cursor: apsw.Cursor, room_id: str, messages: list[Entry]) -> list[Message]:
        """Return messages of a room as they are now."""
        if not messages:
            return []
        found = changed.states(cursor, room_id, [message.seq for message in messages])
        return [folded(message, found.get(message.seq, UNCHANGED)) for message in messages]

    def reactors(  # noqa: PLR0917  a list, and the page of it
        self, cursor: apsw.Cursor, room_id: str, seq: int, emoji: str, after: str | None, limit: int
    ) -> Page[Entry]:
        """List the reactions with an emoji that stand, in their order."""
        list_name = f"reactors {room_id} {seq} {emoji}"
        rows = each_row(
            cursor,
            f"SELECT {COLUMNS} FROM entries WHERE room_id = ?1 AND seq IN (SELECT seq FROM reactions"
            " WHERE room_id = ?1 AND target = ?2 AND emoji = ?3 AND seq > ?4 ORDER BY seq LIMIT ?5)"
            " ORDER BY seq",
            (room_id, bounded(seq), emoji, paging.start(list_name, after)[0], limit + 1),
        )
        return paging.page(list_name, rows, limit, key=lambda row: (row[2], ""), item=self.entry)

    def pins(self, cursor: apsw.Cursor, room_id: str) -> list[Message]:
        """Return the pinned messages of a room, that which was pinned last first."""
        found = [self.message(cursor, room_id, seq) for seq in changed.pinned(cursor, room_id)]
        return [message for message in found if message is not None]

    def _target(self, cursor: apsw.Cursor, room_id: str, draft: Draft, seq: int) -> Target:
        """Return the message that a draft changes or answers. Raises `NotFound`."""
        is_message = cursor.execute(
            f"SELECT 1 FROM entries WHERE room_id = ? AND seq = ? AND kind = 'message' AND {UP_TO_HEAD}",
            (room_id, bounded(seq)),
        ).fetchone()
        if is_message is None:
            raise NotFound
        emoji = str(draft.data.get("emoji"))
        return Target(
            self._message(cursor, room_id, seq) or unreadable(room_id, seq),  # that can be deleted, too
            changed.state_of(cursor, room_id, seq),
            has_reacted=changed.has_reacted(cursor, room_id, seq, emoji, draft.user_id),
            pin_count=len(changed.pinned(cursor, room_id)) if draft.kind is Kind.PIN else 0,
        )

    def _standing(self, cursor: apsw.Cursor, draft: Draft, target: Target) -> Entry | None:
        """Return the entry that stands in place of a draft, or None if it is to be stored. Raises as `ruling` does."""
        match ruling(draft, target):
            case Ruling.STORE:
                return None
            case Ruling.NOTHING:
                return target.message
            case Ruling.DELETED_BEFORE:
                return self.log(cursor, target.message.room_id, (target.state.deleted_by or 0) - 1, 1)[0]


def _up_to(stretches: Sequence[Stretch], end: Entry | None) -> Iterator[Stretch]:
    """Yield stretches, and nothing of those that come after the one with the entry at the `end` of a page."""
    is_over = False
    for one in stretches:
        yield one._replace(until=one.after) if is_over else one
        is_over = is_over or (end is not None and one.room_id == end.room_id)


def bounded(seq: int) -> int:
    """Return the nearest seq that SQLite can store, as a caller may pass any integer."""
    return max(0, min(seq, _NEWEST))


def _digest(room_id: str, draft: Draft) -> bytes:
    """Return a digest of room, kind and data. A retry must have the same one as the stored entry."""
    content = [room_id, draft.kind, said(draft.kind, draft.data)]
    return hashlib.sha256(_json(content)).digest()[:_DIGEST_BYTES]


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise Invalid("a text holds what is no character, or a number is too large") from None
