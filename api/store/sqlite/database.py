"""Finds, makes and opens the SQLite file, and notices when it is moved, deleted or replaced."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import apsw

from api.errors import Invalid, Unavailable
from api.store.base.store import Opening
from api.store.sqlite import schema
from api.store.sqlite.epochs import SqliteEpochs

BUSY_SECONDS: Final = 5.0
"""A connection waits this long for another process to release a lock. A commit takes some milliseconds."""

_LOOK_AGAIN_SECONDS: Final = 0.0005
_OPEN_SECONDS: Final = 10.0  # several processes may make the same database; the last one waits for all
_RETRY_SECONDS: Final = 0.01
_WAL_KEPT_BYTES: Final = 64 * 1024 * 1024  # after a burst the write-ahead log is cut back to this


class Database:
    """One file, which may be opened any number of times. Every error is an `Unavailable` in one clear sentence."""

    def __init__(self, url: str, opening: Opening = Opening.PREPARE) -> None:
        """Raises `Invalid` unless `url` is `sqlite:///relative/path` or `sqlite:////absolute/path`."""
        self.path = path_of(url)
        self._name = str(self.path)
        self._opening = opening
        self._epochs = SqliteEpochs(self.path)
        self._file_number: int | None = None

    def connect_first(self) -> apsw.Connection:
        """Connect for writing, and prepare the file and its tables if that was asked for.

        Renews the epochs of a restored database.
        """
        try:
            if self._opening is Opening.PREPARE:
                _make_file(self.path)
            else:
                self.path.stat()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._opening is not Opening.PREPARE:
                raise Unavailable(
                    f"there is no database at {self.path}: `tailwire serve` makes one"
                ) from None
            raise self._unavailable(str(error.strerror)) from None
        connection = self._retrying(self._set_up)
        self._file_number = self.path.stat().st_ino
        return connection

    def connect(self) -> apsw.Connection:
        """Connect once more, after `connect_first`."""
        return self._retrying(self._open)

    def require_in_place(self) -> None:
        """Raise `Unavailable` once the file was moved, deleted or replaced, as nobody would find our writes."""
        try:
            if os.stat(self._name).st_ino == self._file_number:  # noqa: PTH116  before each job, so it must be quick
                return
        except OSError:
            pass
        raise Unavailable(
            "the database file has been taken away from under the server, which must be restarted"
        )

    def size_bytes(self) -> int | None:
        """Return the size of the file and its write-ahead log, or None when the file has been taken away."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return None
        with suppress(OSError):
            size += self.path.with_name(f"{self.path.name}-wal").stat().st_size
        return size

    def committed(self, newest_id: int) -> None:
        """Note the id of the newest entry, so that an older copy in place of this database is recognised."""
        self._epochs.note(newest_id)

    def _set_up(self) -> apsw.Connection:
        connection = self._open()
        try:
            if self._opening is Opening.PREPARE:
                schema.make_tables(connection)
            if self._opening is not Opening.LOOK:
                self._epochs.begin(connection)
        except BaseException:
            connection.close(force=True)
            raise
        return connection

    def _open(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_handler(_BusyHandler(BUSY_SECONDS))
            schema.require_ours(connection)
            if self._opening is not Opening.PREPARE:
                schema.require_tables(connection)
            if self._opening is Opening.LOOK:
                connection.pragma("query_only", 1)
            else:
                _configure(connection)
        except BaseException:
            connection.close(force=True)
            raise
        return connection

    def _retrying(self, connect: Callable[[], apsw.Connection]) -> apsw.Connection:
        give_up_at = time.monotonic() + _OPEN_SECONDS
        while True:
            try:
                return connect()
            except apsw.BusyError:
                # Switching a new database to WAL fails at once while another process does the same.
                if time.monotonic() > give_up_at:
                    raise self._unavailable("another process keeps it locked") from None
                time.sleep(_RETRY_SECONDS)
            except apsw.NotADBError:
                raise self._unavailable("the file is not a database") from None
            except (OSError, apsw.Error, Unavailable) as error:
                raise self._unavailable(str(error)) from None

    def _unavailable(self, reason: str) -> Unavailable:
        return Unavailable(f"the database {self.path} cannot be opened: {reason}")


@contextmanager
def busy_timeout(connection: apsw.Connection, seconds: float) -> Iterator[None]:
    """Let a connection wait this long for a lock, instead of `BUSY_SECONDS`."""
    connection.set_busy_handler(_BusyHandler(seconds))
    try:
        yield
    finally:
        connection.set_busy_handler(_BusyHandler(BUSY_SECONDS))


def path_of(url: str) -> Path:
    """Return the absolute path that a SQLite URL names. Raises `Invalid`."""
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    if not url.startswith("sqlite:///") or not path or parts.query or parts.fragment or "\0" in path:
        raise Invalid("a SQLite store is written sqlite:///relative/path or sqlite:////absolute/path")
    return Path(path).absolute()


def _make_file(path: Path) -> None:
    """Make the file and its directories for their owner only. SQLite gives its other files the same rights."""
    made = [] if path.exists() else [path]
    for directory in path.parents:
        if directory.exists():
            break
        made.append(directory)
    for directory in reversed(made[1:]):
        directory.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for new in made:
        flush_directory(new.parent)


def flush_directory(directory: Path) -> None:
    """Make the names in a directory durable. An entry is not durable before the name of its file is."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _configure(connection: apsw.Connection) -> None:
    if connection.readonly("main"):
        raise Unavailable("it may only be read")
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")  # a commit returns when it is on the disk
    connection.pragma("fullfsync", 1)  # on macOS an fsync alone does not reach it
    connection.pragma("checkpoint_fullfsync", 1)
    connection.pragma("foreign_keys", 1)
    connection.pragma("secure_delete", 1)  # what is deleted is overwritten with zeros
    connection.pragma("trusted_schema", 0)
    connection.pragma("journal_size_limit", _WAL_KEPT_BYTES)


class _BusyHandler:
    """Makes a connection wait for a lock by trying again every `_LOOK_AGAIN_SECONDS`.

    SQLite's own handler waits up to 100 ms between two tries, so with three busy processes some wait for 700 ms. With
    this one none waits for more than 30 ms.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._give_up_at = 0.0

    def __call__(self, earlier: int) -> bool:
        """Say whether to try again. `earlier` counts the calls before this one for the same lock."""
        now = time.monotonic()
        if earlier == 0:
            self._give_up_at = now + self._seconds
        time.sleep(_LOOK_AGAIN_SECONDS)
        return now < self._give_up_at
