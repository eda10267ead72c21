"""Stores and lists audit events in the RethinkDB table `audit`, ordered by the primary key `[at, id]`."""

from dataclasses import asdict
from typing import Any, Final

from api.models.accounts import ALL_EVENTS, Audited, AuditEvent, AuditFilter
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

    async def all(
        self, matching: AuditFilter = ALL_EVENTS, *, cursor: str | None, limit: int
    ) -> Page[AuditEvent]:
        """List the events that a filter chooses, newest first."""
        list_name = paging.audit_events(matching)
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        table = r.table("audit", read_mode="majority")
        if matching.user_id is not None:
            index, whose = "person", [matching.user_id]
        elif matching.event is not None:
            index, whose = "event", [matching.event.value]
        else:
            index, whose = "id", []
        found = table.between([*whose, r.minval], [*whose, *before], index=index).order_by(
            index=r.desc(index)
        )
        if matching.user_id is not None and matching.event is not None:
            found = found.filter({"event": matching.event.value})
        rows = await self._pool.read(found.limit(limit + 1))
        return paging.page(list_name, rows, limit, key=lambda row: tuple(row["id"]), item=_event)


def _record(row: Any) -> Any:
    return r.table("audit").insert(row, conflict="replace")


def _forget(before: Any) -> Any:
    return r.table("audit").between(r.minval, before).delete(durability="soft")


_RECORD: Final = Prepared(_record)
_FORGET: Final = Prepared(_forget)


def _event(row: dict[str, Any]) -> AuditEvent:
    return AuditEvent(**{**row, "id": row["id"][1], "event": Audited(row["event"])})
