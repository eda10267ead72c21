"""Writes the index of this machine: what the indexer does on its thread, each change in a transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import apsw

from api.models.log import News
from api.search.file import Damaged, IndexFile, forget_deleted, require_sound
from api.search.merging import Merging
from api.search.rows import Rows, Taken


class IndexWriter:
    """The one connection that writes the index. All methods but `interrupt` may block, and belong on one thread.

    Those that change the index take how much of it is made (`done`) and how many entries it lacks (`lag`), which other
    processes read there. They raise `Damaged` and `apsw.Error`.
    """

    def __init__(self, file: IndexFile) -> None:
        self._file = file
        self._connection: apsw.Connection | None = None
        self._rows: Rows | None = None
        self._merging = Merging()
        self._is_whole = False  # whether all that this process did to the file went well
        self.taken: dict[str, Taken] = {}
        """How far the index has come in each room."""
        self.taken_count = 0
        """How many entries this process has taken in."""
        self.has_deleted = True
        """Whether what was deleted may still be in the write-ahead log, also by a process that crashed."""

    @property
    def is_open(self) -> bool:
        """Whether it is connected to a file."""
        return self._connection is not None

    @property
    def must_merge(self) -> bool:
        """Whether the index has many parts, in each of which every word is looked up."""
        return self._merging.is_wanted

    def open(self) -> float:
        """Connect to the file that is there, and return how much of the index is made."""
        is_clean = self._file.was_left_clean()
        connection = self._file.open()
        try:
            self._connection = connection
            if not is_clean:
                require_sound(connection)
            return self._use(connection)
        except BaseException:
            self.close()
            raise

    def make_anew(self) -> float:
        """Connect to a new file in place of the one that is there, and return how much of the index is made."""
        self.close()
        return self._use(self._file.make())

    def interrupt(self) -> None:
        """End the statement that runs on the thread, if there is one."""
        if (connection := self._connection) is not None:
            with suppress(apsw.ConnectionClosedError):
                connection.interrupt()

    def close_clean(self) -> bool:
        """Close the file. Return whether it need not be checked when it is opened again."""
        is_clean = False
        if self._connection is not None and self._is_whole:
            with suppress(apsw.Error):
                # An interruption lasts until a statement begins.
                self._connection.execute("SELECT 1").fetchall()
                is_clean = forget_deleted(self._connection)
        self.close()
        return is_clean

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._connection is not None:
            with suppress(apsw.Error):
                self._connection.close(force=True)
        self._connection = self._rows = None

    def take_in(self, found: Sequence[News], done: float, lag: int) -> None:
        """Take in what is new in some rooms."""
        with self._writing() as rows:
            changed = {
                news.head.room_id: rows.take_in(news, self.taken.get(news.head.room_id)) for news in found
            }
            rows.note(done=done, lag=lag)
        for room_id, taken in changed.items():
            if taken is None:
                self.taken.pop(room_id, None)
                self.has_deleted = True
            else:
                self.taken[room_id] = taken
                self.has_deleted |= taken.has_deleted
        count = sum(len(news.entries) for news in found)
        self.taken_count += count
        self._merging.note(count, sum(taken.seq for taken in self.taken.values()))

    def merge(self) -> None:
        """Merge a part of the index."""
        with self._writing() as rows:
            self._merging.go_on(rows)
        self.has_deleted |= not self.must_merge  # the parts of before are in the write-ahead log

    def note(self, done: float, lag: int) -> None:
        """Store how far the index is."""
        with self._writing() as rows:
            rows.note(done=done, lag=lag)

    def drop(self, room_ids: Sequence[str], done: float, lag: int) -> list[str]:
        """Take away some messages of rooms that the store does not have. Return the rooms that still have some."""
        with self._writing() as rows:
            gone = set(rows.drop(room_ids))
            rows.note(done=done, lag=lag)
        for room_id in gone:
            del self.taken[room_id]
        self.has_deleted = True
        return [room_id for room_id in room_ids if room_id not in gone]

    def forget_deleted(self) -> None:
        """Take what was deleted out of the write-ahead log, unless a reader is in the way."""
        if self.has_deleted and self._connection is not None:
            self.has_deleted = not forget_deleted(self._connection)

    def _use(self, connection: apsw.Connection) -> float:
        self._connection, self._rows = connection, Rows(connection)
        self.taken = self._rows.taken()
        # A search takes several times as long in the parts that many rounds have left.
        self._merging, self._is_whole = Merging(), True
        return self._rows.done()

    @contextmanager
    def _writing(self) -> Iterator[Rows]:
        """Write in a transaction. Raises `Damaged`."""
        connection, rows = self._connection, self._rows
        if connection is None or rows is None:
            raise Damaged
        try:
            rows.begin()
            with connection:
                yield rows
        except (apsw.CorruptError, apsw.NotADBError, apsw.ConstraintError, apsw.SQLError) as error:
            rows.forget()
            self._is_whole = False
            raise Damaged from error
        except BaseException:
            rows.forget()
            raise
