"""Reporting messages, and /admin/reports, where administrators read and close the reports."""

from typing import Annotated

from fastapi import Query

from api.errors import Deleted, EpochChanged, NotFound
from api.http.bodies.moderation import (
    NewReport,
    NewReportState,
    ReadReportOut,
    ReportOut,
    ReportsOut,
    WantedState,
)
from api.http.caller import ClientDep, IdentityDep
from api.http.deps import AllReportsDep, ReportsDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit, SeqInPath
from api.http.routing import Router
from api.http.scopes import needs_log_in, writes
from api.http.strict import StrictRoute

router = Router(tags=["reports"], route_class=StrictRoute, responses=refuses(NotFound))


@router.post(
    "/rooms/{room_id}/messages/{seq}/report", status_code=204, responses=refuses(Deleted, EpochChanged)
)
@writes
async def make_report(  # noqa: PLR0913, PLR0917  what is needed
    room_id: str,
    seq: SeqInPath,
    body: NewReport,
    identity: IdentityDep,
    client: ClientDep,
    reports: ReportsDep,
) -> None:
    """Report a message to the administrators, who may then read it. Repeating it changes nothing."""
    await reports.report(identity.user, room_id, seq, body.reason, body.epoch, client.address)


@router.get("/admin/reports")
@needs_log_in
async def reports(
    reports: AllReportsDep,
    state: Annotated[WantedState, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ReportsOut:
    """List the reports, newest first: all, or those in one state."""
    return ReportsOut.of(await reports.all(state=state, cursor=cursor, limit=limit))


@router.get("/admin/reports/{report_id}")
@needs_log_in
async def read(
    report_id: str, reports: AllReportsDep, identity: IdentityDep, client: ClientDep
) -> ReadReportOut:
    """Return a report with its message as it is now, also one of a private room. The audit log tells of it."""
    return ReadReportOut.with_message(await reports.read(report_id, identity.user.id, client.address))


@router.patch("/admin/reports/{report_id}")
@needs_log_in
async def change(
    report_id: str, body: NewReportState, reports: AllReportsDep, identity: IdentityDep, client: ClientDep
) -> ReportOut:
    """Close a report, or open it again."""
    seen = await reports.set_state(report_id, body.state, identity.user.id, client.address)
    return ReportOut.of(seen)
