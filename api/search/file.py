"""The file of the search index: its tables, who may write it, and whether it can be trusted.

One process of a machine writes the file, under a lock that ends with the process. The others read it. A file that is
missing, of another version or of another database, or that is damaged, is made anew. Nothing is lost by that, because
all that it holds stands in the store. The file of the lock says how the file was when it was left clean.
"""

import fcntl
import os
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw

VERSION: Final = 4
"""It grows with every change of the tables, or of what `text` makes of a text."""
BUSY_MS: Final = 2_000
"""A connection waits this long for a lock, which readers and the writer hold for some milliseconds."""
FORGET_MS: Final = 250
"""How long to wait for readers before what was deleted is taken out of the write-ahead log."""
READER_CACHE_KIB: Final = 16 * 1024
WRITER_CACHE_KIB: Final = 8 * 1024
WAL_KEPT_BYTES: Final = 16 * 1024 * 1024

_APPLICATION: Final = 0x54775365  # "TwSe": the file is a search index of Tailwire
_TABLES: Final = (
    # `done` is 1 when the index has all that the store had, and less while it is made. `lag` is what it still lacks.
    """CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), store_id TEXT NOT NULL,
    done REAL NOT NULL, lag INTEGER NOT NULL) STRICT""",
    # The log of a room is taken in up to `seq`. `digest` is that of the row, as no index would show its damage.
    """CREATE TABLE rooms (number INTEGER PRIMARY KEY, room_id TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL,
    seq INTEGER NOT NULL, digest INTEGER NOT NULL) STRICT""",
    "CREATE TABLE people (number INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE) STRICT",
    # Ids grow with the time of the message.
    """CREATE TABLE docs (id INTEGER PRIMARY KEY, room INTEGER NOT NULL, seq INTEGER NOT NULL,
    UNIQUE (room, seq)) STRICT""",
    # Words are made by `text`, so this tokenizer only parts them at the blanks. Nobody asks for the lengths of texts.
    # What begins with two letters stands in thousands of lists of words: merging them cannot be stopped, so it has one.
    # `names` are those of the files of a message.
    "CREATE VIRTUAL TABLE words USING fts5 (body, names, tags, tokenize = 'ascii', columnsize = 0, prefix = '2')",
    "INSERT INTO words (words, rank) VALUES ('secure-delete', 1)",
)


class Damaged(Exception):
    """The file is not what was written."""


class IndexFile:
    """One file, which any process of the machine may read, and one of them writes. Methods may block."""

    def __init__(self, path: Path, store_id: str) -> None:
        self.path = path
        self._store_id = store_id
        self._lock: int | None = None
        self._inode: int | None = None

    def prepare(self) -> None:
        """Make the directory and the lock, so that a place that cannot be written is found. Raises `OSError`."""
        for directory in reversed([one for one in self.path.parents if not one.exists()]):
            directory.mkdir(mode=0o700, exist_ok=True)
        os.close(self._open_lock())

    def lock(self) -> bool:
        """Become the one process that writes the file, unless another is. Raises `OSError`."""
        if self._lock is None:
            descriptor = self._open_lock()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except BaseException:
                os.close(descriptor)
                raise
            self._lock = descriptor
        return True

    def unlock(self, *, is_clean: bool = False) -> None:
        """Let another process write the file. With `is_clean` the connection was closed after all was well."""
        if self._lock is not None:
            if is_clean and (mark := self._mark()) is not None:
                os.pwrite(self._lock, mark, 0)
            os.close(self._lock)
            self._lock = None

    def was_left_clean(self) -> bool:
        """Say whether the last process that wrote the file left it clean, and nobody changed it since.

        The caller has the lock. From now on it is not clean.
        """
        if self._lock is None:
            return False
        left, now = os.pread(self._lock, _MOST_MARK, 0), self._mark()
        os.ftruncate(self._lock, 0)
        return now is not None and left == now

    def open(self) -> apsw.Connection:
        """Connect for writing to a file that is there. Raises `Damaged` if it cannot be used."""
        try:
            connection = self._connect(apsw.SQLITE_OPEN_READWRITE)
        except (apsw.CantOpenError, apsw.NotADBError, apsw.CorruptError) as error:
            raise Damaged from error
        try:
            _configure(connection)
            self._require_ours(connection)
        except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError) as error:
            connection.close(force=True)
            raise Damaged from error
        except BaseException:
            connection.close(force=True)
            raise
        self._inode = self.inode()
        return connection

    def make(self) -> apsw.Connection:
        """Delete what is there, and connect for writing to a new file. Its state is that nothing is done."""
        self.delete()
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = self._connect(apsw.SQLITE_OPEN_READWRITE)
        try:
            _configure(connection)
            with connection:
                connection.pragma("application_id", _APPLICATION)
                connection.pragma("user_version", VERSION)
                for statement in _TABLES:
                    connection.execute(statement).fetchall()
                connection.execute("INSERT INTO state VALUES (1, ?, 0, 0)", (self._store_id,))
        except BaseException:
            connection.close(force=True)
            raise
        self._inode = self.inode()
        return connection

    def is_ours(self) -> bool:
        """Say whether the file that is there is a search index, of any version and any store, or one just begun."""
        try:
            with self.path.open("rb") as file:
                head = file.read(_HEADER_BYTES)
        except OSError:
            return False
        return not head or head[_APPLICATION_AT:] == _APPLICATION.to_bytes(4, "big")

    def delete(self) -> None:
        """Delete the file and its write-ahead log, which would spoil a new one. No connection may still write it."""
        for suffix in ("", "-wal", "-shm", _DAMAGE):
            with suppress(FileNotFoundError):
                self._beside(suffix).unlink()

    def read(self) -> apsw.Connection:
        """Connect for reading. Raises `Damaged` where there is no file, or one that cannot be used.

        It is opened for nothing but reading, as SQLite deletes the write-ahead log when the last connection that may
        write is closed: by its name, which may be that of a newer file by then.
        """
        try:
            connection = self._connect(apsw.SQLITE_OPEN_READONLY)
        except apsw.Error as error:
            raise Damaged from error
        try:
            connection.pragma("cache_size", -READER_CACHE_KIB)
            connection.pragma("query_only", 1)
            self._require_ours(connection)
        except apsw.Error as error:
            connection.close(force=True)
            raise Damaged from error
        except BaseException:
            connection.close(force=True)
            raise
        return connection

    def state(self) -> tuple[float, int] | None:
        """Return how much of the index is made, from 0 to 1, and how many entries it lacks; None if there is none."""
        try:
            with closing(self.read()) as connection:
                ((done, lag),) = connection.execute("SELECT done, lag FROM state")
        except (Damaged, apsw.Error):
            return None
        return float(done), int(lag)

    def may_be_written(self) -> bool:
        """Say whether this user may write where the file is, or will be. It changes nothing."""
        there = next(one for one in self.path.parents if one.exists())
        return there.is_dir() and os.access(self.path if self.path.exists() else there, os.W_OK)

    def inode(self) -> int | None:
        """Return what names the file that is there now, so that a reader finds out that a new one was made."""
        try:
            return self.path.stat().st_ino
        except OSError:
            return None

    def size_bytes(self) -> int:
        """Return how much room the index takes on the disk; 0 where there is none."""
        size = 0
        for suffix in ("", "-wal"):
            with suppress(OSError):
                size += self._beside(suffix).stat().st_size
        return size

    def report_damage(self) -> None:
        """Let the process that writes the file make it anew, as this one could not read it."""
        with suppress(OSError):
            self._beside(_DAMAGE).touch(mode=0o600)

    def has_damage(self) -> bool:
        """Say whether a process has reported damage, or the file that this one writes was taken away."""
        return self.inode() != self._inode or self._beside(_DAMAGE).exists()

    def _connect(self, flags: int) -> apsw.Connection:
        connection = apsw.Connection(str(self.path), flags=flags)
        connection.set_busy_timeout(BUSY_MS)
        return connection

    def _require_ours(self, connection: apsw.Connection) -> None:
        """Raise `Damaged` unless it is an index of this version, and of this store."""
        if (connection.pragma("application_id"), connection.pragma("user_version")) != (
            _APPLICATION,
            VERSION,
        ):
            raise Damaged
        if connection.execute("SELECT store_id FROM state").fetchall() != [(self._store_id,)]:
            raise Damaged

    def _mark(self) -> bytes | None:
        """Return what tells the file as it is now from one that was changed; None if it has a write-ahead log."""
        try:
            there = self.path.stat()
        except OSError:
            return None
        with suppress(OSError):
            if self._beside("-wal").stat().st_size > 0:
                return None
        return f"{there.st_ino} {there.st_size} {there.st_mtime_ns}".encode()

    def _open_lock(self) -> int:
        return os.open(self._beside("-lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


_DAMAGE: Final = "-damaged"
_MOST_MARK: Final = 100
_APPLICATION_AT: Final = 68  # in the header of each SQLite database: https://sqlite.org/fileformat.html
_HEADER_BYTES: Final = 72


def require_sound(connection: apsw.Connection) -> None:
    """Check every page, every index and every digest. Raises `Damaged`. It reads the whole file."""
    try:
        if connection.pragma("integrity_check", 1) != "ok":
            raise Damaged
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')").fetchall()
        for number, room_id, epoch, seq, digest in connection.execute(
            "SELECT number, room_id, epoch, seq, digest FROM rooms"
        ):
            if digest != digest_of(number, room_id, epoch, seq):
                raise Damaged
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
        raise Damaged from error


def digest_of(number: int, room_id: str, epoch: str, seq: int) -> int:
    """Return the digest of a row of `rooms`."""
    return zlib.crc32(f"{number} {room_id} {epoch} {seq}".encode())


def forget_deleted(connection: apsw.Connection) -> bool:
    """Take what was deleted out of the write-ahead log, too. Return False if a reader is in the way."""
    connection.set_busy_timeout(FORGET_MS)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return False
    finally:
        connection.set_busy_timeout(BUSY_MS)
    return True


def _configure(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")  # a crash costs the newest entries, which are read again
    connection.pragma("secure_delete", 1)
    connection.pragma("temp_store", "memory")  # no words in a file that nobody knows of
    connection.pragma("trusted_schema", 0)
    connection.pragma("cache_size", -WRITER_CACHE_KIB)
    connection.pragma("journal_size_limit", WAL_KEPT_BYTES)
