"""`tailwire audit`: who did what to which account."""

from typing import Annotated

import typer

from api.cli.command import administer
from api.protocol.fields import timestamp
from api.store import Store

PAGE = 100


def show_audit(
    limit: Annotated[int, typer.Option(min=1, help="How many events to show.")] = 50,
) -> None:
    """Show the audit log, newest first: time, event, who did it, to whom, from where."""
    administer(lambda _admin, store: _show(store, limit))


async def _show(store: Store, limit: int) -> None:
    cursor: str | None = None
    while limit > 0:
        page = await store.audit.all(cursor=cursor, limit=min(limit, PAGE))
        ids = {id_ for one in page.items for id_ in (one.actor_id, one.subject_id) if id_ is not None}
        names = {
            id_: account.user.username for id_, account in (await store.accounts.get_many(list(ids))).items()
        }
        for one in page.items:
            actor, subject = (
                names.get(id_, id_) if id_ is not None else "-" for id_ in (one.actor_id, one.subject_id)
            )
            typer.echo(f"{timestamp(one.at)}  {one.event}  {actor}  {subject}  {one.address or '-'}")
        limit -= len(page.items)
        if (cursor := page.next_cursor) is None:
            return
