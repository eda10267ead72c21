"""Reads rows of the SQLite table `entries`, also those that Tailwire did not write, and writes them."""

# ruff: noqa: S608 - queries are joined from constants

import hashlib
import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

import apsw
import orjson
import structlog

from api.errors import NotFound
from api.models.log import Draft, Entry, Kind, Message
from api.store.fold import UNCHANGED, folded
from api.store.paging import size_of
from api.store.shape import read_entry

COLUMNS: Final = "id, room_id, seq, kind, user_id, username, at, ref, data"
"""The columns of `entries`, in the order in which `read_row` takes them."""


MOST_KEPT: Final = 4_096
"""So many messages are kept: those of some 80 pages."""
MOST_BYTES: Final = 1_024
"""A message with a longer text is not kept, so that all that are take some 30 MiB at most."""
_MESSAGE: Final = Kind.MESSAGE.value
_REF_HASH_BYTES: Final = 16  # a user who finds two refs with the same hash has only made a retry of them


def ref_hash(ref: str) -> bytes:
    """Return the hash of a ref, by which refs are unique: it stays when the ref of an erased entry is removed."""
    return hashlib.sha256(ref.encode()).digest()[:_REF_HASH_BYTES]


def rows_of(cursor: apsw.Cursor, select: str, values: tuple[Any, ...], more: str = "") -> list[Any]:
    """Return all rows of a query, as `each_row` reads them."""
    return list(each_row(cursor, select, values, more))


def each_row(cursor: apsw.Cursor, select: str, values: tuple[Any, ...], more: str = "") -> Iterator[Any]:
    """Yield the rows of a query for `COLUMNS`, and for the columns in `more` after them.

    The caller may stop early, and uses the cursor for nothing else before that. A row of another program may hold text
    that is not UTF-8, which apsw refuses. Of such a row only the place is yielded, so that it makes no entry and the
    others are read.
    """
    count = 0
    try:
        for count, row in enumerate(cursor.execute(select, values), 1):  # noqa: B007 - for what follows an error
            yield row
    except UnicodeDecodeError:
        ids = [row[0] for row in cursor.execute(f"SELECT id FROM ({select})", values)]
        for one in ids[count:]:
            yield _row_or_place(cursor, select, (*values, one), more)


def _row_or_place(cursor: apsw.Cursor, select: str, values: tuple[Any, ...], more: str) -> Any:
    try:
        return cursor.execute(f"SELECT * FROM ({select}) WHERE id = ?", values).fetchone()
    except UnicodeDecodeError:
        place = f"id, room_id, seq, NULL, NULL, NULL, NULL, NULL, NULL{more}"
        return cursor.execute(f"SELECT {place} FROM ({select}) WHERE id = ?", values).fetchone()


def read_row(row: Any) -> Entry | None:
    """Return the entry that a row of `COLUMNS` holds, or None if it makes no entry."""
    _, room_id, seq, kind, user_id, username, at, ref, text = row
    try:
        return read_entry(
            room_id=room_id,
            seq=seq,
            kind=kind,
            user_id=user_id,
            username=username,
            at=at,
            ref=ref,
            data=orjson.loads(text),
        )
    except (TypeError, ValueError):
        return None


class ReadRow:
    """What a row holds, and the bytes that it takes on a page."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.size = size_of(entry)

    @cached_property
    def message(self) -> Message | None:
        """A message as it was sent, which whoever reads a log does not need."""
        return folded(self.entry, UNCHANGED) if self.entry.kind == Kind.MESSAGE else None


def read_for_page(row: Any) -> ReadRow | None:
    """Return what a row of `COLUMNS` holds, or None if it makes no entry. What short messages hold is kept by the row.

    A row that is the same holds the same, so whoever changes or erases it need not tell this.
    """
    text = row[-1]
    if row[3] == _MESSAGE and isinstance(text, str) and is_short(text):
        return _kept(row)
    return _read(row)


def is_short(text: str) -> bool:
    """Say whether a text takes little memory: in Python each character takes as much as the widest one."""
    return sys.getsizeof(text) <= MOST_BYTES


def _read(row: Any) -> ReadRow | None:
    entry = read_row(row)
    return None if entry is None else ReadRow(entry)


_kept = lru_cache(MOST_KEPT)(_read)


def has_ref(cursor: apsw.Cursor, draft: Draft) -> bool:
    """Say whether an entry is stored under the user and ref of a draft."""
    if draft.ref is None:
        return False
    row = cursor.execute(
        "SELECT 1 FROM entries WHERE user_id = ? AND ref_hash = ?", (draft.user_id, ref_hash(draft.ref))
    ).fetchone()
    return row is not None


def newest_id(cursor: apsw.Cursor) -> int:
    """Return the greatest id that an entry ever had, also if it was taken away with its room. 0 before the first.

    So it never falls, unless an older copy of the database is put in its place.
    """
    row = cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
    return 0 if row is None else int(row[0])


# -- writing


class LogPlace(NamedTuple):
    """The place of a new entry, directly after the head of its room, and what the room lets members write."""

    epoch: str
    seq: int
    archived: int
    slow_seconds: int
    post_role: str

    @property
    def writable(self) -> tuple[int, int, str]:
        """What a `Writable` of the room equals."""
        return self[2:]


def erase(cursor: apsw.Cursor, room_id: str, target: object) -> None:
    """Erase the body, mentions, files, name to show, previews and ref of a message, and those of its edits."""
    cursor.execute(
        "UPDATE entries SET ref = NULL,"
        " data = json_set(json_remove(data, '$.mentions', '$.mentions_all', '$.shown_as', '$.files'), '$.body', '')"
        " WHERE room_id = ?1 AND (seq = ?2 OR (target = ?2 AND kind = 'edit')) AND json_valid(data)",
        (room_id, target),
    )
    cursor.execute(
        "UPDATE entries SET ref = NULL, data = json_remove(data, '$.previews')"
        " WHERE room_id = ?1 AND target = ?2 AND kind = 'preview' AND json_valid(data)",
        (room_id, target),
    )


def next_place(cursor: apsw.Cursor, room_id: str, *, is_message: bool) -> LogPlace:
    """Let a room grow by one entry, and return its place. Raises `NotFound`."""
    if is_message:
        advance = "UPDATE rooms SET seq = seq + 1, message_seq = seq + 1"
    else:
        advance = "UPDATE rooms SET seq = seq + 1"
    rows = cursor.execute(
        f"{advance} WHERE id = ? AND NOT deleted RETURNING epoch, seq, archived, slow_seconds, post_role",
        (room_id,),
    ).fetchall()
    if not rows:
        raise NotFound
    return LogPlace(*rows[0])  # type: ignore[arg-type]


def insert(cursor: apsw.Cursor, row: tuple[Any, ...]) -> None:
    """Insert the row of an entry. Raises `apsw.ConstraintError` where its place is taken."""
    cursor.execute(
        "INSERT INTO entries"
        " (room_id, seq, kind, user_id, username, at, ref, data, target, thread, digest, ref_hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def move_stray_aside(cursor: apsw.Cursor, room_id: str, seq: int) -> None:
    """Move a row above the head, which another program must have written, to another seq. Nothing is lost."""
    cursor.execute("UPDATE entries SET seq = -id WHERE room_id = ? AND seq = ?", (room_id, seq))
    structlog.get_logger("api.store").error("store.stray_row", room_id=room_id, seq=seq)
