"""`tailwire status` and `tailwire settings`: how the running servers are, and what is in force."""

import typer

from api.accounts.admin import Admin
from api.cli.command import administer, valid_settings
from api.config.doors import open_doors
from api.config.shown import shown_settings
from api.protocol.fields import timestamp
from api.store import Opening, Store

SILENT_MS = 30_000
"""Servers say every ten seconds how they are. One that is silent for so long is gone, or cannot reach the store."""


def show_status() -> None:
    """Show the servers on this database, each with its sockets and its feed, and what only one of them does."""
    administer(_show, opening=Opening.LOOK)


def show_settings() -> None:
    """Show the settings in force here: variable, value, where it came from. Secrets are not shown."""
    settings = valid_settings()
    for one in shown_settings(settings):
        value = ("set" if one.is_set else "unset") if one.is_secret else _text(one.value)
        typer.echo(f"{one.name}  {value}  {one.source}")
    for door in open_doors(settings):
        typer.echo(f"open: {door.what}; {door.remedy} ends that")


async def _show(_admin: Admin, store: Store) -> None:
    nodes = await store.nodes.all()
    for node in nodes:
        state = node.state
        feed = f"lag {state.lag_ms} ms" if state.feed_is_live else "feed away"
        ailing = f"  not well: {', '.join(state.ailing)}" if state.ailing else ""
        heard = f"{node.age_ms / 1000:.0f} s ago" + ("  SILENT" if node.age_ms > SILENT_MS else "")
        typer.echo(
            f"{state.host}:{state.process}  {state.version}  since {timestamp(state.started_at)}"
            f"  {state.connections} connections  {feed}{ailing}  {heard}"
        )
    if not nodes:
        typer.echo("no server runs on this database")
    for lease in await store.leases.all():
        holder = next((one.state for one in nodes if lease.is_held and lease.name in one.state.leases), None)
        who = f"{holder.host}:{holder.process}" if holder else "held" if lease.is_held else "nobody now"
        lag = (
            f"  {holder.followers[lease.name]:,} entries behind"
            if holder and lease.name in holder.followers
            else ""
        )
        typer.echo(f"{lease.name}: {who}{lag}")


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "unset" if value is None else str(value)
