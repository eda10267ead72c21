"""SQLite's errors in the words of api.errors. The texts name no query, value or path."""

from typing import Final

import apsw
import structlog

from api.errors import Conflict, Invalid, NotFound, StorageFull, TailwireError, Unavailable

_WRITE_FAILED: Final = {
    apsw.SQLITE_IOERR_WRITE,
    apsw.SQLITE_IOERR_FSYNC,
    apsw.SQLITE_IOERR_DIR_FSYNC,
    apsw.SQLITE_IOERR_TRUNCATE,
    apsw.SQLITE_IOERR_SHMSIZE,  # the shared index of the log could not grow
}


def translated(error: Exception) -> Exception:
    """Return what a caller of the store shall see; an error that is no matter of the database stays what it is."""
    match error:
        case TailwireError():
            return error
        case apsw.FullError():
            return StorageFull()
        case apsw.IOError() if error.extendedresult in _WRITE_FAILED:
            return StorageFull("the store cannot write to its disk")
        case apsw.BusyError() | apsw.LockedError():
            return Unavailable("another process has kept the database locked for too long")
        case apsw.ConstraintError() if error.extendedresult == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
            return NotFound()
        case apsw.ConstraintError():
            return Conflict()
        case UnicodeEncodeError():
            return Invalid("a text holds what is no Unicode character")
        case apsw.Error():
            structlog.get_logger("api.store").error(
                "store.sqlite_error", error=type(error).__name__, text=str(error)
            )
            return Unavailable("the database has failed")
    return error
