"""`tailwire report`: the messages that members have reported."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, TypeVar

import typer

from api.accounts.wiring import wire_audit
from api.cli.command import administer, tell
from api.config import read_settings
from api.models.moderation import ReportState, SeenReport
from api.models.page import items_of
from api.protocol.fields import timestamp
from api.rooms.reports import ReportQueue

T = TypeVar("T")

report = typer.Typer(no_args_is_help=True, help="Read and close what members have reported.")

ReportId = Annotated[str, typer.Argument(help="The report's id: `tailwire report list` shows it.")]


@report.command("list")
def list_reports(
    state: Annotated[ReportState | None, typer.Option(help="Only the reports in this state.")] = None,
) -> None:
    """Show the reports, newest first: id, time, state, room and seq, who reported, and why. Never a text."""
    _with_reports(lambda reports: _show_all(reports, state))


@report.command("read")
def read(report_id: ReportId) -> None:
    """Show a report with its message as it is now. The audit log says that it was read."""
    seen, message = _with_reports(lambda reports: reports.read(report_id, None, None))
    typer.echo(_line(seen))
    if message is None or message.deleted:
        typer.echo("The message is deleted.")
    else:
        typer.echo(f"{timestamp(message.at)}  {message.username}: {_printable(message.body)}")


@report.command("close")
def close(report_id: ReportId) -> None:
    """Close a report."""
    _with_reports(lambda reports: reports.set_state(report_id, ReportState.CLOSED, None, None))
    tell(f"closed the report {report_id}")


@report.command("reopen")
def reopen(report_id: ReportId) -> None:
    """Open a report again."""
    _with_reports(lambda reports: reports.set_state(report_id, ReportState.OPEN, None, None))
    tell(f"opened the report {report_id} again")


def _with_reports(act: Callable[[ReportQueue], Awaitable[T]]) -> T:
    return administer(
        lambda _admin, store: act(ReportQueue(store, wire_audit(read_settings(), store).record))
    )


async def _show_all(reports: ReportQueue, state: ReportState | None) -> None:
    async for one in items_of(partial(reports.all, state=state)):
        typer.echo(_line(one))


def _line(seen: SeenReport) -> str:
    one, by = seen.report, "-" if seen.reporter is None else seen.reporter.username
    return (
        f"{one.id}  {timestamp(one.at)}  {one.state}  {one.room_id} {one.seq}  {by}  {_printable(one.reason)}"
    )


def _printable(text: str) -> str:
    """Return a text without what a terminal would carry out, such as a change of its title."""
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)
