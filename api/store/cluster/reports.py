"""Stores and reads reports of messages in the RethinkDB table `reports`."""

from dataclasses import asdict
from typing import Any

from api.errors import NotFound
from api.models.moderation import Report, ReportState
from api.models.page import Page
from api.store import paging
from api.store.base.reports import ReportStore
from api.store.cluster.rows import is_key
from api.store.rethinkdb import Pool, r


class ClusterReports(ReportStore):
    """The table `reports`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, report: Report) -> bool:
        """Store a report, unless there is one with its id."""
        row = asdict(report) | {"state": report.state.value}
        insert = r.table("reports").insert(row, conflict=lambda _id, old, _new: old)
        return bool((await self._pool.write(insert))["inserted"])

    async def get(self, report_id: str) -> Report | None:
        """Return a report, or None."""
        if not is_key(report_id):
            return None
        row = await self._pool.run(r.table("reports", read_mode="majority").get(report_id))
        return row and _report(row)

    async def all(self, *, state: ReportState | None, cursor: str | None, limit: int) -> Page[Report]:
        """List the reports, newest first: all, or those in a state."""
        if state is None:
            return await self._list("reports", "age", [], cursor, limit)
        return await self._list(f"reports {state}", "state", [state.value], cursor, limit)

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Report]:
        """List the reports that a user has made, newest first."""
        return await self._list(f"reports by {user_id}", "reporter", [user_id], cursor, limit)

    async def set_state(self, report_id: str, state: ReportState) -> Report:
        """Change the state of a report. Raises `NotFound`."""
        if is_key(report_id):
            report = r.table("reports").get_all(report_id)
            await self._pool.write(report.update({"state": state.value}))
        found = await self.get(report_id)
        if found is None:
            raise NotFound
        return found

    async def _list(
        self, list_name: str, index: str, prefix: list[str], cursor: str | None, limit: int
    ) -> Page[Report]:
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        found = r.table("reports", read_mode="majority").between(
            [*prefix, r.minval, r.minval], [*prefix, *before], index=index
        )
        rows = await self._pool.read(found.order_by(index=r.desc(index)).limit(limit + 1))
        return paging.page(list_name, rows, limit, key=lambda row: (row["at"], row["id"]), item=_report)


def forget_reports_query(user_id: str) -> Any:
    """Return the write that deletes the reports that a user made."""
    bounds = [user_id, r.minval, r.minval], [user_id, r.maxval, r.maxval]
    return r.table("reports").between(*bounds, index="reporter").delete()


def _report(row: dict[str, Any]) -> Report:
    return Report(**{**row, "state": ReportState(row["state"])})
