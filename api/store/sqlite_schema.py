"""The tables, and opening the file that holds them."""

import os
import secrets
import time
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import apsw

from api.errors import Invalid, Unavailable
from api.models import LOBBY_ID, Visibility

VERSION: Final = 1
"""Of the tables below. A database with a higher one is refused: it belongs to a newer Tailwire."""

APPLICATION_ID: Final = 0x7A11_71AE
"""Marks the file as ours, so that we never add our tables to somebody else's database."""

BUSY_MS: Final = 5_000
"""How long a connection waits for another process to let go of a lock."""

TABLES: Final = """
CREATE TABLE kept (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    refresh_hash TEXT NOT NULL,
    previous_hash TEXT,
    rotated_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user_id);

-- What changes() tells of sessions; only the newest are kept.
CREATE TABLE session_endings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL
) STRICT;

-- seq, message_seq and message_number say where the room's log ends: its last entry, its last message and
-- how many messages it holds.
CREATE TABLE rooms (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    topic TEXT NOT NULL,
    visibility TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    message_seq INTEGER NOT NULL DEFAULT 0,
    message_number INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX public_rooms ON rooms (created_at, id) WHERE visibility = 'public';

-- read_number is the message_number of the entry at read_seq: what is above it is unread.
CREATE TABLE members (
    room_id TEXT NOT NULL REFERENCES rooms,
    user_id TEXT NOT NULL REFERENCES users,
    role TEXT NOT NULL,
    joined_at INTEGER NOT NULL,
    read_seq INTEGER NOT NULL DEFAULT 0,
    read_number INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_of_room ON members (room_id, joined_at, user_id);
CREATE INDEX rooms_of_user ON members (user_id, joined_at, room_id);

-- The logs of all rooms. id is the order in which entries were committed, which changes() follows.
-- message_number counts the room's messages up to here. digest is what a retry under the same ref is compared
-- with; data may have been erased by then. target is that of data, for folding.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id TEXT NOT NULL REFERENCES rooms,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    username TEXT NOT NULL,
    at INTEGER NOT NULL,
    ref TEXT,
    data TEXT NOT NULL,
    target INTEGER,
    message_number INTEGER NOT NULL DEFAULT 0,
    digest BLOB
) STRICT;
CREATE UNIQUE INDEX entries_by_place ON entries (room_id, seq);
CREATE UNIQUE INDEX entries_by_ref ON entries (user_id, ref) WHERE ref IS NOT NULL;
CREATE INDEX entries_by_target ON entries (room_id, target, seq) WHERE target IS NOT NULL;
CREATE INDEX messages ON entries (room_id, seq) WHERE kind = 'message';
"""

_OPEN_SECONDS: Final = 10.0  # several processes may be making the same database; the last must wait for all
_RETRY_SECONDS: Final = 0.01
_WAL_KEPT_BYTES: Final = 64 * 1024 * 1024  # a log that a burst has blown up further is cut back to this


def path_of(url: str) -> Path:
    """Return the absolute path that `sqlite:///relative/path` or `sqlite:////absolute/path` names."""
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    if not url.startswith("sqlite:///") or not path or parts.query or parts.fragment or "\0" in path:
        raise Invalid("a SQLite store is written sqlite:///relative/path or sqlite:////absolute/path")
    return Path(path).absolute()


def connect(path: Path) -> apsw.Connection:
    """Open the database, making file and tables when absent. Raises `Unavailable` with one clear sentence."""
    give_up_at = time.monotonic() + _OPEN_SECONDS
    while True:
        try:
            _make_file(path)
            return _connect_once(path)
        except apsw.BusyError:
            # Turning a new database to WAL does not wait for other processes that are doing the same.
            if time.monotonic() > give_up_at:
                raise Unavailable(f"the database {path} is locked by another process") from None
            time.sleep(_RETRY_SECONDS)
        except apsw.NotADBError:
            raise Unavailable(f"the file {path} is not a database") from None
        except (OSError, apsw.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise Unavailable(f"the database {path} cannot be opened: {reason}") from None


def _make_file(path: Path) -> None:
    """Make the file and its directories for their owner alone; SQLite's further files get the same rights."""
    made = [path]
    for directory in path.parents:
        if directory.exists():
            break
        made.append(directory)
    if len(made) == 1 and path.exists():
        return
    for directory in reversed(made[1:]):
        directory.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for new in made:
        _flush_directory(new.parent)


def _flush_directory(directory: Path) -> None:
    """Make the names in a directory durable: an entry is not, while its file's name is not."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect_once(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(BUSY_MS)
        _refuse_strangers(connection, path)
        _configure(connection)
        _make_tables(connection)
    except BaseException:
        connection.close(force=True)
        raise
    return connection


def _refuse_strangers(connection: apsw.Connection, path: Path) -> None:
    if not connection.pragma("schema_version"):
        return  # nothing is in it yet
    if connection.pragma("application_id") != APPLICATION_ID:
        raise Unavailable(f"the database {path} is not one of Tailwire")
    version = connection.pragma("user_version")
    if version > VERSION:
        raise Unavailable(
            f"the database {path} was made by a newer Tailwire (schema {version}, ours is {VERSION})"
        )


def _configure(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")  # a commit returns when it is on the disk
    connection.pragma("fullfsync", 1)  # on macOS an fsync alone does not reach it
    connection.pragma("checkpoint_fullfsync", 1)
    connection.pragma("foreign_keys", 1)
    connection.pragma("secure_delete", 1)  # what is deleted is overwritten with zeros
    connection.pragma("trusted_schema", 0)
    connection.pragma("journal_size_limit", _WAL_KEPT_BYTES)


def _make_tables(connection: apsw.Connection) -> None:
    if connection.pragma("user_version"):
        return
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        if not connection.pragma("user_version"):  # another process may have been faster
            cursor.execute(TABLES)
            _make_lobby(cursor)
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", VERSION)
        cursor.execute("COMMIT")
    finally:
        if connection.in_transaction:
            cursor.execute("ROLLBACK")


def _make_lobby(cursor: apsw.Cursor) -> None:
    cursor.execute(
        "INSERT INTO rooms (id, name, topic, visibility, created_at, epoch) VALUES (?, 'Lobby', '', ?, ?, ?)",
        (LOBBY_ID, Visibility.PUBLIC.value, time.time_ns() // 1_000_000, new_epoch()),
    )


def new_epoch() -> str:
    """Name a new life of a room's numbering."""
    return secrets.token_urlsafe(16)
