"""The command line `tailwire`: serving, administration of accounts, and diagnosis."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer

from api import __version__, logs
from api.accounts.secret import kept_secret
from api.accounts.setup import setup_link, setup_notice, setup_token, token_to_print
from api.cli.audit import show_audit
from api.cli.command import administer, fail, offline, valid_settings
from api.cli.doctor import examine
from api.cli.files import files
from api.cli.invites import make_invite, show_invites
from api.cli.reports import report
from api.cli.rooms import room
from api.cli.status import show_settings, show_status
from api.cli.users import user
from api.config import Settings, read_settings
from api.config.doors import open_doors
from api.config.hosts import local_url
from api.errors import TailwireError, Unready
from api.search.wiring import require_place
from api.server.run import PortInUse, bind
from api.server.run import serve as run_server
from api.store import backup_store, open_store, prepare_cluster, restore_store

STORE_PAUSE_SECONDS = 0.5
"""A database that does not answer at the start is asked again after this time."""
MIB = 1024 * 1024

log = structlog.get_logger("api.cli")

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.add_typer(user, name="user")
cli.add_typer(room, name="room")
cli.add_typer(report, name="report")
cli.add_typer(files, name="files")
cli.command("invite")(make_invite)
cli.command("invites")(show_invites)
cli.command("audit")(show_audit)
cli.command("status")(show_status)
cli.command("settings")(show_settings)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tailwire {__version__}")
        raise typer.Exit


@cli.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Self-hosted realtime messaging. Settings are environment variables: docs/configuration.md."""


@cli.command()
def serve(
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes share the work.")] = 1,
) -> None:
    """Run the server until it is told to stop."""
    settings = valid_settings()
    logs.configure(settings.log_format, settings.log_level)
    for door in open_doors(settings):
        log.warning("open_door", door=door.what, close_it_with=door.remedy)
    try:
        bound = bind(settings.host, settings.port)
        token = asyncio.run(_prepare_when_up(settings))
        if settings.search:
            require_place(settings.search_index)
    except (PortInUse, TailwireError) as error:
        fail(str(error))
    here = local_url(*bound.getsockname()[:2])
    ready = f"Tailwire is ready: {here}" + (f" ({workers} workers)" if workers > 1 else "")
    said, keep_alive = ready + setup_notice(settings.url or here, token), settings.keep_alive_seconds
    if not run_server(
        bound,
        workers,
        said,
        compression=settings.compression,
        keep_alive_seconds=keep_alive,
        sockets=settings.connections,
        proxies=settings.trusted_proxies,
    ):
        raise typer.Exit(1)


@cli.command()
def init(
    admin: Annotated[
        str,
        typer.Option(
            envvar="TAILWIRE_ADMIN",
            show_envvar=True,
            help="A rethinkdb:// URL with the admin's name and password; used for this command only.",
        ),
    ],
    replicas: Annotated[int, typer.Option(min=1, help="How many servers keep each table.")] = 1,
    restored: Annotated[
        bool, typer.Option("--restored", help="The database was put back from a dump: begin new epochs.")
    ] = False,
) -> None:
    """Prepare a RethinkDB cluster: database, tables, indexes, and the app user that TAILWIRE_STORE names."""
    settings = valid_settings()
    try:
        asyncio.run(
            prepare_cluster(admin, settings.store, say=typer.echo, replicas=replicas, restored=restored)
        )
    except TailwireError as error:
        fail(str(error))
    typer.echo("The cluster is ready for `tailwire serve`.")


@cli.command()
def doctor() -> None:
    """Check this setup, and say what is wrong with it."""
    settings = valid_settings()
    logs.configure(settings.log_format, "error")
    if not asyncio.run(_report(settings)):
        raise typer.Exit(1)


@cli.command()
def backup(
    file: Annotated[
        Path, typer.Argument(help="A new file. It holds secrets: keep it as safe as the database.")
    ],
) -> None:
    """Copy the database to a file, while the server runs. The copy is checked before it gets its name."""
    file = offline(lambda settings: backup_store(settings.store, file))
    typer.echo(f"{file}: a whole copy, {file.stat().st_size / MIB:.1f} MiB")


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `tailwire backup` has made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Put the database that is there aside. It is kept.")
    ] = False,
) -> None:
    """Put a backup in the place of the database, while no server runs. Clients load all rooms again."""
    path, aside = offline(lambda settings: restore_store(settings.store, file, force=force))
    if aside is not None:
        typer.echo(f"{aside}: the database that was here before")
    typer.echo(f"{path}: restored; every room has begun a new epoch. `tailwire serve` serves it.")


@cli.command("setup-link")
def show_setup_link() -> None:
    """Print the link with which the first administrator is made, while there is none."""
    token = administer(lambda _admin, store: setup_token(store))
    if token is None:
        fail("there is an administrator already: `tailwire user list` shows who")
    typer.echo(setup_link(read_settings().link_base, token))


async def _report(settings: Settings) -> bool:
    well = True
    async for finding in examine(settings):
        verdict = "open " if finding.is_door else "ok   " if finding.ok else "WRONG"
        typer.echo(f"{verdict}  {finding.text}")
        well = well and finding.ok
    return well


async def _prepare(settings: Settings) -> str | None:
    """Open the store before the workers do, so that one makes the schema. Return the setup link's token to print."""
    store = await open_store(settings.store)
    try:
        if settings.secret is None:
            await kept_secret(store)
        return await token_to_print(store)
    finally:
        await store.close()


async def _prepare_when_up(settings: Settings) -> str | None:
    """Do as `_prepare`, and give a database that is still starting the time of the setting."""
    loop = asyncio.get_running_loop()
    until, told = loop.time() + settings.store_wait_seconds, False
    while True:
        try:
            return await _prepare(settings)
        except Unready:
            if loop.time() >= until:
                raise
        if not told:
            log.warning("waiting_for_the_store", at_most_seconds=settings.store_wait_seconds)
            told = True
        await asyncio.sleep(STORE_PAUSE_SECONDS)


def main() -> NoReturn:
    """Run the command line."""
    sys.exit(cli())
