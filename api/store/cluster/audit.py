"""Stores and lists audit events in the RethinkDB table `audit`, ordered by the primary key `[at, id]`."""

from dataclasses import asdict
from typing import Any, Final

from api.models.accounts import Audited, AuditEvent
from api.models.page import Page
from api.store import paging
from api.store.base.audit import AuditStore
from api.store.rethinkdb import Pool, Prepared, r


class ClusterAudit(AuditStore):
    """The table `audit`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        """Store an event and delete old ones."""
        row = asdict(event) | {"id": [event.at, event.id]}
        await self._pool.write(_RECORD(row))
        await self._pool.write(_FORGET([forget_before]))

    async def all(self, *, cursor: str | None, limit: int) -> Page[AuditEvent]:
        """List events, newest first."""
        before = r.maxval if cursor is None else [*paging.start("audit", cursor)]
        found = r.table("audit", read_mode="majority").between(r.minval, before)
        rows = await self._pool.read(found.order_by(index=r.desc("id")).limit(limit + 1))
        return paging.page("audit", rows, limit, key=lambda row: tuple(row["id"]), item=_event)


def _record(row: Any) -> Any:
    return r.table("audit").insert(row, conflict="replace")


def _forget(before: Any) -> Any:
    return r.table("audit").between(r.minval, before).delete(durability="soft")


_RECORD: Final = Prepared(_record)
_FORGET: Final = Prepared(_forget)


def _event(row: dict[str, Any]) -> AuditEvent:
    return AuditEvent(**{**row, "id": row["id"][1], "event": Audited(row["event"])})
