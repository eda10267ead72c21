"""Translates SQLite's errors to those of api.errors, whose texts name no query, value or path."""

from typing import Final

import apsw
import structlog

from api.errors import Conflict, Invalid, NotFound, StorageFull, TailwireError, Unavailable

_WRITE_FAILED: Final = {
    apsw.SQLITE_IOERR_WRITE,
    apsw.SQLITE_IOERR_FSYNC,
    apsw.SQLITE_IOERR_DIR_FSYNC,
    apsw.SQLITE_IOERR_TRUNCATE,
    apsw.SQLITE_IOERR_SHMSIZE,  # the shared-memory index of the write-ahead log could not grow
}


def translated(error: Exception) -> Exception:
    """Return the error that a caller of the store gets. An error that is not from the database is returned as it is."""
    seen: Exception = error
    match error:
        case TailwireError():
            pass
        case apsw.FullError():
            seen = StorageFull()
        case apsw.IOError() if _code(error) in _WRITE_FAILED:
            seen = StorageFull("the store cannot write to its disk")
        case apsw.BusyError() | apsw.LockedError():
            seen = Unavailable("another process has kept the database locked for too long")
        case apsw.ConstraintError() if _code(error) == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
            seen = NotFound()
        case apsw.ConstraintError():
            seen = Conflict()
        case apsw.Error():
            name, text = type(error).__name__, str(error)
            structlog.get_logger("api.store").error("store.sqlite_error", error=name, text=text)
            seen = Unavailable("the database has failed")
        case UnicodeEncodeError():
            seen = Invalid("a text holds what is no character")
    return seen


def _code(error: apsw.Error) -> int:
    code: int = error.extendedresult  # type: ignore[attr-defined]
    return code
