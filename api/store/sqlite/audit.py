"""Stores and lists audit events in the SQLite table `audit`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `AuditStore`

import apsw

from api.models.accounts import Audited, AuditEvent
from api.models.page import Page
from api.store import paging
from api.store.base.audit import AuditStore
from api.store.sqlite.worker import Worker


class SqliteAudit(AuditStore):
    """The table `audit`."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        await self._write(lambda cursor: _record(cursor, event, forget_before))

    async def all(self, *, cursor: str | None, limit: int) -> Page[AuditEvent]:
        return await self._read(lambda reading: _all(reading, cursor, limit))


def _record(cursor: apsw.Cursor, event: AuditEvent, forget_before: int) -> None:
    """Store an event and delete old ones."""
    cursor.execute("DELETE FROM audit WHERE at < ?", (forget_before,))
    cursor.execute(
        "INSERT INTO audit (at, id, event, actor_id, subject_id, address) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (event.at, event.id, event.event.value, event.actor_id, event.subject_id, event.address),
    )


def _all(cursor: apsw.Cursor, before: str | None, limit: int) -> Page[AuditEvent]:
    """List events, newest first."""
    rows = cursor.execute(
        "SELECT at, id, event, actor_id, subject_id, address FROM audit WHERE (at, id) < (?, ?)"
        " ORDER BY at DESC, id DESC LIMIT ?",
        (*(paging.AFTER_ALL if before is None else paging.start("audit", before)), limit + 1),
    ).fetchall()
    return paging.page(
        "audit",
        rows,
        limit,
        key=lambda row: (row[0], row[1]),
        item=lambda row: AuditEvent(row[0], row[1], Audited(row[2]), *row[3:]),
    )
