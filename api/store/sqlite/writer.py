"""Commits all waiting writes of a process together, with one flush to the disk, and runs its reads."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import apsw

from api import failpoints
from api.errors import Unavailable
from api.failpoints import Failpoint
from api.store.sqlite.database import Database
from api.store.sqlite.tail import Commit
from api.store.sqlite.worker import Job, Then, Worker

TOGETHER_SECONDS: Final = 0.001
"""So long a reader takes more jobs before it answers those that it has done. Most jobs take a tenth of it."""

_SPOILS_ALL: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.NoMemError,
    apsw.BusyError,
    apsw.CorruptError,
    apsw.InterruptError,
)
"""After one of these errors SQLite may have undone the whole transaction, not only the statement that failed."""


class Writer(Worker):
    """A worker that does all waiting jobs in one transaction, and answers them only after the commit.

    While one batch is flushed, the next one gathers. So the more callers there are, the fewer flushes each of them
    needs. `commit_count` counts the commits that have changed something.
    """

    def __init__(
        self,
        database: Database,
        *,
        commit_of: Callable[[apsw.Cursor, list[Any]], Commit],
        on_commit: Callable[[Commit], None],
        after_commit: Callable[[Commit], None],
        tidy: Callable[[apsw.Cursor], float | None],
    ) -> None:
        """`commit_of` makes the `Commit` of a transaction that changes something, from the results of its jobs.

        It is called within the transaction. After the commit `on_commit` is called on the loop, and `after_commit` on
        the thread. Between transactions `tidy` is called there, and if nothing is written again after the seconds that
        it returns.
        """
        super().__init__("writer", database.connect_first)
        self._database = database
        self._commit_of = commit_of
        self._on_commit = on_commit
        self._after_commit = after_commit
        self._tidy = tidy
        self._commit: Commit | None = None
        self.commit_count = 0

    def _take(self, cursor: apsw.Cursor) -> list[Job]:
        first = super()._take(cursor)
        return [*first, *self._waiting_now()] if first else first

    def _serve(self, cursor: apsw.Cursor, jobs: list[Job]) -> Then | None:
        self._commit = None
        before = cursor.connection.total_changes()
        try:
            self._database.require_in_place()
            cursor.execute("BEGIN IMMEDIATE")
            for job in jobs:
                _do_apart(cursor, job)
            commit = None
            if cursor.connection.total_changes() != before:
                commit = self._commit_of(cursor, [job.result for job in jobs])
            failpoints.reached(Failpoint.BEFORE_APPEND)
            cursor.execute("COMMIT")
            failpoints.reached(Failpoint.AFTER_APPEND)
        except (apsw.Error, Unavailable) as error:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            for job in jobs:
                job.fail(error)
            return None
        if commit is None:
            return None
        self._commit = commit
        self.commit_count += 1
        return partial(self._on_commit, commit)

    def _served(self) -> None:
        if self._commit is not None:
            with suppress(apsw.Error, OSError):  # a full disk must not end the writer
                self._after_commit(self._commit)

    def _rested(self, cursor: apsw.Cursor) -> float | None:
        return self._tidy(cursor)


class SnapshotReader(Worker):
    """Threads whose jobs each read one snapshot of the database.

    A thread answers the jobs of a moment together: most of them take less time than it takes to wake the event loop.
    """

    def __init__(self, database: Database) -> None:
        super().__init__("reader", database.connect)
        self._database = database

    def _serve(self, cursor: apsw.Cursor, jobs: list[Job]) -> None:
        until = time.monotonic() + TOGETHER_SECONDS
        self._read(cursor, jobs[0])
        while self._refusal is None and time.monotonic() < until and (more := self._waiting_now(1)):
            jobs += more
            self._read(cursor, more[0])

    def _read(self, cursor: apsw.Cursor, job: Job) -> None:
        try:
            self._database.require_in_place()
            cursor.execute("BEGIN")
            job.do(cursor)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            job.fail(error)
        finally:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")


def _do_apart(cursor: apsw.Cursor, job: Job) -> None:
    """Do a job in a savepoint, so that its failure undoes nothing of the other jobs in the transaction."""
    cursor.execute("SAVEPOINT job")
    try:
        job.do(cursor)
    except _SPOILS_ALL:
        raise
    except Exception as error:  # noqa: BLE001 - the caller gets it
        cursor.execute("ROLLBACK TO job")
        job.fail(error)
    cursor.execute("RELEASE job")
