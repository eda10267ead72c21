"""`tailwire invite` and `tailwire invites`: the links with which people can sign up."""

from typing import Annotated

import typer

from api.accounts.admin import Actor
from api.accounts.invites import MAX_USES, InviteService, invite_link
from api.accounts.wiring import wire_invites
from api.cli.command import administer, tell
from api.config import read_settings
from api.models.page import items_of
from api.protocol.fields import timestamp
from api.store import Store

SECONDS_PER_DAY = 86_400


def make_invite(
    admin: Annotated[bool, typer.Option("--admin", help="Who uses it becomes an administrator.")] = False,
    uses: Annotated[int, typer.Option(min=1, max=MAX_USES, help="How many people it lets in.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days it can be used.")] = 7,
) -> None:
    """Make a link with which people can sign up, and print it. It is not shown again."""
    _, code = administer(
        lambda _admin, store: _invites(store).make(
            Actor(), admin=admin, max_uses=uses, expires_in_seconds=days * SECONDS_PER_DAY
        )
    )
    typer.echo(invite_link(read_settings().link_base, code))


def show_invites(
    end: Annotated[str | None, typer.Option(help="End the invite with this id: nobody else gets in.")] = None,
) -> None:
    """Show the invites: id, when each was made and ends, the uses left, and whether it makes administrators."""
    if end is not None:
        administer(lambda _admin, store: _invites(store).end(end, Actor()))
        tell(f"ended the invite {end}")
        return
    administer(lambda _admin, store: _show(_invites(store)))


async def _show(invites: InviteService) -> None:
    async for one in items_of(invites.to_server):
        until = timestamp(one.expires_at) or "-"
        uses = f"{one.uses_left} of {one.max_uses} left" + ("  admin" if one.admin else "")
        typer.echo(f"{one.id}  {timestamp(one.created_at)}  {until}  {uses}")


def _invites(store: Store) -> InviteService:
    return wire_invites(read_settings(), store)
