"""Stores and reads reports of messages in the SQLite table `reports`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `ReportStore`; queries are joined from constants of this file

from typing import Any, Final

import apsw

from api.errors import NotFound
from api.models.moderation import Report, ReportState
from api.models.page import Page
from api.store import paging
from api.store.base.reports import ReportStore
from api.store.sqlite.worker import Worker

_COLUMNS: Final = "id, room_id, epoch, seq, reporter_id, reason, at, state"


class SqliteReports(ReportStore):
    """The table `reports`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def create(self, report: Report) -> bool:
        return await self._write(lambda cursor: _create(cursor, report))

    async def get(self, report_id: str) -> Report | None:
        return await self._read(lambda cursor: _find(cursor, report_id))

    async def all(self, *, state: ReportState | None, cursor: str | None, limit: int) -> Page[Report]:
        return await self._read(lambda reading: _list(reading, "state", state, cursor, limit))

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Report]:
        return await self._read(lambda reading: _list(reading, "reporter_id", user_id, cursor, limit))

    async def set_state(self, report_id: str, state: ReportState) -> Report:
        return await self._write(lambda cursor: _set_state(cursor, report_id, state))


def forget_reports(cursor: apsw.Cursor, user_id: str) -> None:
    """Delete the reports that a user made."""
    cursor.execute("DELETE FROM reports WHERE reporter_id = ?", (user_id,))


def _create(cursor: apsw.Cursor, report: Report) -> bool:
    """Store a report, unless there is one with its id."""
    cursor.execute(
        f"INSERT INTO reports ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            report.id,
            report.room_id,
            report.epoch,
            report.seq,
            report.reporter_id,
            report.reason,
            report.at,
            report.state.value,
        ),
    )
    return bool(cursor.connection.changes())


def _find(cursor: apsw.Cursor, report_id: str) -> Report | None:
    """Return a report."""
    row = cursor.execute(f"SELECT {_COLUMNS} FROM reports WHERE id = ?", (report_id,)).fetchone()
    return row and _report(row)


def _list(
    cursor: apsw.Cursor, column: str, value: str | None, before: str | None, limit: int
) -> Page[Report]:
    """List the reports with a value in a column, or all, newest first."""
    list_name = f"reports {column} {value or ''}"
    is_wanted = "?1 IS NULL" if value is None else f"{column} = ?1"
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM reports WHERE {is_wanted} AND (at, id) < (?2, ?3)"
        " ORDER BY at DESC, id DESC LIMIT ?4",
        (value, *(paging.AFTER_ALL if before is None else paging.start(list_name, before)), limit + 1),
    ).fetchall()
    return paging.page(list_name, rows, limit, key=lambda row: (row[6], row[0]), item=_report)


def _set_state(cursor: apsw.Cursor, report_id: str, state: ReportState) -> Report:
    """Change the state of a report. Raises `NotFound`."""
    cursor.execute("UPDATE reports SET state = ? WHERE id = ?", (state.value, report_id))
    found = _find(cursor, report_id)
    if found is None:
        raise NotFound
    return found


def _report(row: Any) -> Report:
    id_, room_id, epoch, seq, reporter_id, reason, at, state = row
    return Report(id_, room_id, epoch, seq, reporter_id, reason, at, ReportState(state))
