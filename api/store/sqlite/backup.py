"""Copies a SQLite database to a file while servers use it, and puts such a file back in its place."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from api.errors import Conflict, Invalid, Unavailable
from api.store.sqlite import schema
from api.store.sqlite.database import flush_directory, path_of
from api.store.sqlite.epochs import SqliteEpochs, renew_epochs
from api.store.sqlite.errors import translated
from api.store.sqlite.leases import end_leases
from api.store.sqlite.rows import newest_id
from api.store.sqlite.wake import is_open_somewhere

BUSY_MILLISECONDS: Final = 5_000
"""A short command, or the last moment of a server that stops, may have the database open for so long."""
_BESIDE: Final = ("-wal", "-shm", "-life")
"""What SQLite and Tailwire keep beside a database. It belongs to that one file, so it never stays beside another."""


def backup(url: str, file: Path) -> Path:
    """Copy the database at `url`, as it is at one moment, to a new file that only its owner can read.

    The copy is checked and on the disk when this returns its absolute path. Servers go on writing meanwhile. Raises
    `Conflict` when the file exists, and `Invalid`, `Unavailable`, `StorageFull`; then there is no file.
    """
    source, file = path_of(url), file.absolute()
    if not source.exists():
        raise Unavailable(f"there is no database at {source}")
    with _partial(file) as partial:
        if file.exists():
            raise Conflict(f"{file} exists already")
        with closing(_opened(source, source)) as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        with closing(_opened(partial, file)) as copy:
            _require_whole(copy, file)
        _put(partial, file)
    return file


def restore(url: str, file: Path, *, force: bool) -> tuple[Path, Path | None]:
    """Put a backup in the place of the database at `url`. Every room begins a new epoch.

    With `force` a database that is there is put aside, and kept. Returns the paths of both. Raises `Conflict` while a
    server runs, or when a database is there and `force` is not given; and `Invalid`, `Unavailable`, `StorageFull`. Then
    nothing is changed.
    """
    place, file = path_of(url), file.absolute()
    if not file.is_file():
        raise Invalid(f"there is no file {file}")
    if place.exists() and file.samefile(place):
        raise Conflict(f"{file} is the database itself")
    if _with(file, "-wal").exists():
        raise Invalid(
            f"{file} is in use, and has a write-ahead log beside it: take a `tailwire backup` of it"
        )
    if is_open_somewhere(place):
        raise _running(place)
    with _partial(place) as partial:
        if place.exists() and not force:
            raise Conflict(f"there is a database at {place}: --force puts it aside and keeps it")
        shutil.copyfile(file, partial)
        newest = _begin_anew(partial, file)
        aside = _set_aside(place) if place.exists() else None
        for suffix in _BESIDE:
            _with(place, suffix).unlink(missing_ok=True)
        _put(partial, place)
    SqliteEpochs(place).note(newest)
    return place, aside


def _begin_anew(partial: Path, file: Path) -> int:
    """Check a backup, and begin a new epoch in each of its rooms. Return the id of its newest entry."""
    with closing(_opened(partial, file)) as connection:
        _require_whole(connection, file)
        cursor = connection.cursor()
        with connection:
            renew_epochs(cursor)
            end_leases(cursor)
        return newest_id(cursor)


def _set_aside(place: Path) -> Path:
    """Rename the database that is there, with what it has not yet in its main file. Raises `Conflict` if it is open."""
    aside = _with(place, time.strftime(".replaced-%Y%m%dT%H%M%SZ", time.gmtime()))
    if aside.exists():
        raise Conflict(f"{aside} exists already")
    with _alone(place):
        for suffix in ("", *_BESIDE):
            with suppress(FileNotFoundError):
                _with(place, suffix).rename(_with(aside, suffix))
    return aside


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep every other process from opening a database. Raises `Conflict` when one has it open.

    SQLite leaves the mode WAL only when no other connection is open, after all of its write-ahead log is in the file.
    """
    try:
        connection = _opened(place, place)
    except Invalid:  # it is damaged, so nobody can work with it
        yield
        return
    with closing(connection):
        try:
            connection.pragma("journal_mode", "delete")
            connection.execute("BEGIN EXCLUSIVE")
        except apsw.BusyError:
            raise _running(place) from None
        except apsw.CorruptError:
            pass
        yield


def _running(place: Path) -> Conflict:
    return Conflict(f"a server is running on {place}: stop it first")


def _opened(path: Path, name: Path) -> apsw.Connection:
    """Open a database of Tailwire's, of this version or an older one. Raises `Invalid`, which calls it `name`."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise Invalid(f"{name} cannot be opened: {error}") from None
    try:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        connection.pragma("trusted_schema", 0)
        schema.require_ours(connection)
        is_empty = not connection.pragma("user_version")
    except (apsw.NotADBError, apsw.CorruptError):
        connection.close(force=True)
        raise Invalid(f"{name} is not a database, or is damaged") from None
    except Unavailable as error:
        connection.close(force=True)
        raise Invalid(f"{name} cannot be used: {error.message}") from None
    if is_empty:
        connection.close(force=True)
        raise Invalid(f"{name} is an empty database")
    return connection


def _require_whole(connection: apsw.Connection, name: Path) -> None:
    """Raise `Invalid` unless SQLite finds every page and index in order."""
    try:
        found = connection.pragma("integrity_check")
    except apsw.CorruptError:
        found = "damaged"
    if found != "ok":
        raise Invalid(f"{name} is damaged")


@contextmanager
def _partial(file: Path) -> Iterator[Path]:
    """Yield the path of an empty file beside `file`, for what is to take its place. Afterwards it is gone.

    One process at a time has it. What a process that was killed has left there is overwritten. Raises `Conflict` while
    another process has it, and errors of the system and of SQLite as those of api.errors.
    """
    partial = _with(file, ".partial")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _held(partial):
            yield partial
    except BlockingIOError:
        raise Conflict(f"another command is writing {file}") from None
    except apsw.Error as error:
        raise translated(error) from None
    except OSError as error:
        raise Unavailable(f"{file} cannot be written: {error.strerror}") from None


@contextmanager
def _held(partial: Path) -> Iterator[None]:
    """Make an empty file that is locked, and remove it afterwards. Raises `BlockingIOError` while another has it.

    The lock ends with the process. Who has it may rename the file, so others must look whether it is still there.
    """
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(partial, descriptor):
            raise BlockingIOError
        _remove(partial, "-journal", "-wal", "-shm")
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        try:
            yield
        finally:
            if _is_at(partial, descriptor):
                _remove(partial, "", "-journal", "-wal", "-shm")
    finally:
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Say whether the open file still has this name."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _remove(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        with suppress(OSError):
            _with(path, suffix).unlink()


def _put(partial: Path, file: Path) -> None:
    """Give a finished file its name, and make both durable."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.rename(file)
    flush_directory(file.parent)


def _with(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
