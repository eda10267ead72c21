"""The one writer of a process: everything that waits is committed together, with one flush to the disk."""

from collections.abc import Callable
from typing import Final

import apsw

from api.store.sqlite_errors import translated
from api.store.sqlite_worker import Job, Worker

_SPOILS_ALL: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.NoMemError,
    apsw.BusyError,
    apsw.CorruptError,
    apsw.InterruptError,
)
"""After these SQLite may have undone the whole transaction, not just the statement that met them."""


class Writer(Worker):
    """A worker that does all that waits in one transaction and answers only after the commit.

    While one batch is being flushed, the next gathers: the more callers, the fewer flushes for each.
    `commit_count` counts commits for whoever wants to see that.
    """

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        *,
        on_commit: Callable[[], None],
        after_commit: Callable[[], None],
    ) -> None:
        """When something has changed, `on_commit` is called on the loop, `after_commit` on the thread."""
        super().__init__("writer", connect)
        self._on_commit = on_commit
        self._after_commit = after_commit
        self._changed = False
        self.commit_count = 0

    def _take(self) -> list[Job]:
        first = super()._take()
        return [*first, *self._waiting_now()] if first else first

    def _serve(self, cursor: apsw.Cursor, jobs: list[Job]) -> None:
        before = cursor.connection.total_changes()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            for job in jobs:
                _do_apart(cursor, job)
            cursor.execute("COMMIT")
        except apsw.Error as error:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            for job in jobs:
                job.fail(translated(error))
        self._changed = cursor.connection.total_changes() != before
        self.commit_count += 1

    def _served(self) -> None:
        if self._changed:
            self._tell_loop(self._on_commit)
            self._after_commit()


class Reader(Worker):
    """A worker whose jobs each read one unchanging picture of the database."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        super().__init__("reader", connect)

    def _serve(self, cursor: apsw.Cursor, jobs: list[Job]) -> None:
        for job in jobs:
            try:
                cursor.execute("BEGIN")
                job.do(cursor)
            except Exception as error:  # noqa: BLE001 - the caller gets it
                job.fail(error)
            finally:
                if cursor.connection.in_transaction:
                    cursor.execute("ROLLBACK")


def _do_apart(cursor: apsw.Cursor, job: Job) -> None:
    """Do a job so that its failing undoes nothing of the others in its transaction."""
    cursor.execute("SAVEPOINT job")
    try:
        job.do(cursor)
    except _SPOILS_ALL:
        raise
    except Exception as error:  # noqa: BLE001 - the caller gets it
        cursor.execute("ROLLBACK TO job")
        job.fail(error)
    cursor.execute("RELEASE job")
