"""Stores and lists audit events in the SQLite table `audit`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102, S608 - the promises stand in `AuditStore`; queries are joined from constants of this file

from typing import Final

import apsw

from api.models.accounts import ALL_EVENTS, Audited, AuditEvent, AuditFilter
from api.models.page import Page
from api.store import paging
from api.store.base.audit import AuditStore
from api.store.sqlite.worker import Worker

_EVENT: Final = "at, id, event, actor_id, subject_id, address, room_id"


class SqliteAudit(AuditStore):
    """The table `audit`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        await self._write(lambda cursor: _record(cursor, event, forget_before))

    async def all(
        self, matching: AuditFilter = ALL_EVENTS, *, cursor: str | None, limit: int
    ) -> Page[AuditEvent]:
        return await self._read(lambda reading: _all(reading, matching, cursor, limit))


def _record(cursor: apsw.Cursor, event: AuditEvent, forget_before: int) -> None:
    """Store an event and delete old ones."""
    cursor.execute("DELETE FROM audit WHERE at < ?", (forget_before,))
    cursor.execute(
        f"INSERT INTO audit ({_EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            event.at,
            event.id,
            event.event.value,
            event.actor_id,
            event.subject_id,
            event.address,
            event.room_id,
        ),
    )


def _all(cursor: apsw.Cursor, matching: AuditFilter, before: str | None, limit: int) -> Page[AuditEvent]:
    """List the events that a filter chooses, newest first."""
    list_name = paging.audit_events(matching)
    at, id_ = paging.AFTER_ALL if before is None else paging.start(list_name, before)
    values = {
        "at": at,
        "id": id_,
        "limit": limit + 1,
        "event": matching.event and matching.event.value,
        "user_id": matching.user_id,
    }
    of_event = "" if matching.event is None else " AND event = :event"
    if matching.user_id is None:
        query = _newest(of_event)
    else:  # what the user did and what was done to them, each found by its index
        query = " UNION ".join(
            _newest(f" AND {whose} = :user_id{of_event}") for whose in ("actor_id", "subject_id")
        )
    rows = cursor.execute(f"{query} ORDER BY at DESC, id DESC LIMIT :limit", values).fetchall()
    return paging.page(
        list_name,
        rows,
        limit,
        key=lambda row: (row[0], row[1]),
        item=lambda row: AuditEvent(row[0], row[1], Audited(row[2]), *row[3:]),
    )


def _newest(conditions: str) -> str:
    """Return the query for the newest events before a place that meet conditions."""
    return (
        f"SELECT * FROM (SELECT {_EVENT} FROM audit WHERE (at, id) < (:at, :id){conditions}"
        " ORDER BY at DESC, id DESC LIMIT :limit)"
    )
