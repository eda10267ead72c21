"""Makes and upgrades the SQLite tables, and refuses databases that belong to another program."""

import time
from contextlib import suppress
from typing import Final

import apsw

from api.errors import Unavailable
from api.models.names import searched_names
from api.models.rooms import LOBBY_ID, Visibility
from api.store.epoch import new_epoch
from api.store.sqlite.changed import note_all
from api.store.sqlite.rows import ref_hash
from api.store.sqlite.steps import STEPS

APPLICATION_ID: Final = 0x7A11_71AE
"""Marks the file as ours, so that we never add our tables to the database of another program."""

_FOLDED_SINCE: Final = 10
"""Since this version changed messages are kept folded."""

VERSION: Final = len(STEPS)
"""The version of the tables. A database with a higher version is refused, as it belongs to a newer Tailwire."""


def require_ours(connection: apsw.Connection) -> None:
    """Raise `Unavailable` for a database with tables that are not ours, or newer than ours."""
    if not connection.pragma("schema_version"):
        return  # the database is still empty
    if connection.pragma("application_id") != APPLICATION_ID:
        raise Unavailable("it is a database, but not one of Tailwire")
    version = connection.pragma("user_version")
    if version > VERSION:
        raise Unavailable(f"it was made by a newer Tailwire (its schema is {version}, ours is {VERSION})")


def require_tables(connection: apsw.Connection) -> None:
    """Raise `Unavailable` unless the tables are there, and of this version."""
    version = connection.pragma("user_version")
    if not version:
        raise Unavailable("it is empty: `tailwire serve` makes the tables")
    if version < VERSION:
        raise Unavailable(
            f"it was made by an older Tailwire (its schema is {version}, ours is {VERSION}):"
            " `tailwire serve` brings it up to date"
        )


def make_tables(connection: apsw.Connection) -> None:
    """Make the tables, or bring older ones to this version. Several processes may do so at once."""
    if connection.pragma("user_version") == VERSION:
        return
    connection.create_scalar_function(
        "ref_hash", lambda *values: ref_hash(str(values[0])), 1, deterministic=True
    )
    connection.create_scalar_function(
        "searched_names", lambda *values: searched_names(*map(str, values)), 2, deterministic=True
    )
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        version = connection.pragma("user_version")  # again, as another process may have been faster
        for step in STEPS[version:]:
            cursor.execute(step)
        if 0 < version < _FOLDED_SINCE:
            note_all(cursor)
        if not version:
            _make_lobby(cursor)
            connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", VERSION)
        cursor.execute("COMMIT")
    finally:
        if connection.in_transaction:
            cursor.execute("ROLLBACK")
    # What a step has erased must leave the write-ahead log too. While another process reads, the next erasure does it.
    with suppress(apsw.BusyError):
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _make_lobby(cursor: apsw.Cursor) -> None:
    cursor.execute(
        "INSERT INTO rooms (id, name, topic, visibility, created_at, epoch) VALUES (?, 'Lobby', '', ?, ?, ?)",
        (LOBBY_ID, Visibility.PUBLIC.value, time.time_ns() // 1_000_000, new_epoch()),
    )
