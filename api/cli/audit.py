"""`tailwire audit`: who did what to which account."""

from typing import Annotated

import typer

from api.accounts.admin import Admin
from api.cli.command import administer
from api.models.page import ITEMS
from api.protocol.fields import timestamp


def show_audit(
    limit: Annotated[int, typer.Option(min=1, help="How many events to show.")] = 50,
    event: Annotated[str | None, typer.Option(help="Only events of this kind, such as disabled.")] = None,
    user: Annotated[
        str | None, typer.Option(help="Only what this user did, or what was done to them.")
    ] = None,
) -> None:
    """Show the audit log, newest first: time, event, who did it, to whom, from where."""

    async def show(admin: Admin, _store: object) -> None:
        user_id = None if user is None else (await admin.account_by_name(user)).user.id
        await _show(admin, event, user_id, limit)

    administer(show)


async def _show(admin: Admin, event: str | None, user_id: str | None, limit: int) -> None:
    cursor: str | None = None
    while limit > 0:
        page, names = await admin.audit_log(event, user_id, cursor=cursor, limit=min(limit, ITEMS))
        for one in page.items:
            actor, subject = (
                names.get(id_, id_) if id_ is not None else "-" for id_ in (one.actor_id, one.subject_id)
            )
            typer.echo(f"{timestamp(one.at)}  {one.event}  {actor}  {subject}  {one.address or '-'}")
        limit -= len(page.items)
        if (cursor := page.next_cursor) is None:
            return
