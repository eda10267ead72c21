"""Notices that an older copy was put in place of the database, and then begins a new epoch in every room.

A client keeps its position by seq. If an older copy of the database is restored, the same seqs come to name other
entries, so every room must begin a new epoch. To notice this, a small file beside the database, the note, holds the
inode number of the database file and the id of its newest entry; it is written after each commit. A database that is
another file, or lacks that entry, has been restored. A needless new epoch costs each client one reload.
"""

import os
from contextlib import suppress
from pathlib import Path

import apsw
import structlog

from api.store.base.sessions import SET_BACK
from api.store.epoch import new_epoch
from api.store.sqlite.rows import newest_id


class SqliteEpochs:
    """The note beside one database."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._note = database.with_name(database.name + "-life")

    def begin(self, connection: apsw.Connection) -> None:
        """Begin a new epoch in every room if the note describes another database."""
        cursor = connection.cursor()
        if not self._is_as_noted(cursor):
            cursor.execute("BEGIN IMMEDIATE")
            try:
                if not self._is_as_noted(cursor):  # again, as another process may have been faster
                    renew_epochs(cursor)
                cursor.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    cursor.execute("ROLLBACK")
        self.note(newest_id(cursor))

    def note(self, newest_id: int) -> None:
        """Write down the id of the newest entry. This is not flushed, as a note that is too old does no harm."""
        with suppress(OSError):  # for example when the disk is full; then the note stays too old
            descriptor = os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, f"{self._file_number():020} {newest_id:020}\n".encode("ascii"))
            finally:
                os.close(descriptor)

    def _is_as_noted(self, cursor: apsw.Cursor) -> bool:
        noted = self._read()  # before the database, or a commit in between would make the note too new
        newest = newest_id(cursor)
        if noted is None:
            return not newest
        return noted[0] == self._file_number() and noted[1] <= newest

    def _read(self) -> tuple[int, int] | None:
        try:
            file_number, newest = self._note.read_text(encoding="ascii").split()
            return int(file_number), int(newest)
        except (OSError, ValueError):
            return None

    def _file_number(self) -> int:
        return self._database.stat().st_ino


def renew_epochs(cursor: apsw.Cursor) -> None:
    """Begin a new epoch in every room, and forget which refresh tokens are the newest, within a transaction.

    Sessions may have been refreshed after the copy was taken.
    """
    cursor.execute("UPDATE sessions SET refresh_hash = ?", (SET_BACK,))
    room_ids = [row[0] for row in cursor.execute("SELECT id FROM rooms")]
    for room_id in room_ids:
        cursor.execute("UPDATE rooms SET epoch = ? WHERE id = ?", (new_epoch(), room_id))
    # A copy of a version before followers has no positions, which alone need to know where an epoch began.
    if any(column[1] == "began" for column in cursor.execute("PRAGMA table_info(rooms)").fetchall()):
        cursor.execute("UPDATE rooms SET began = seq")
    structlog.get_logger("api.store").warning("store.restored", rooms=len(room_ids))
