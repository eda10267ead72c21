"""The command `tailwire`."""

import asyncio
import sys
from typing import Annotated, NoReturn

import typer

from api import logs
from api.config import Settings, SettingsError, read_settings
from api.doctor import examine
from api.errors import TailwireError
from api.secret import kept_secret
from api.server import PortInUse, bind
from api.server import serve as run_server
from api.store import open_store

USAGE_ERROR = 2

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Self-hosted realtime messaging. Settings are environment variables: docs/configuration.md.",
)


@cli.command()
def serve(
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes share the work.")] = 1,
) -> None:
    """Run the server until it is told to stop."""
    settings = _settings()
    logs.configure(settings.log_format, settings.log_level)
    try:
        bound = bind(settings.host, settings.port)
        asyncio.run(_prepare(settings))
    except (PortInUse, TailwireError) as error:
        _fail(str(error))
    if not run_server(bound, workers, compression=settings.compression):
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
) -> None:
    """Prepare a RethinkDB cluster: database, tables, indexes, and the app user that TAILWIRE_STORE names."""
    settings = _settings()
    if not settings.store.startswith("rethinkdb://"):
        _fail("TAILWIRE_STORE is not a rethinkdb:// URL; a SQLite store prepares itself")
    from api.store.cluster_schema import init as init_cluster  # noqa: PLC0415  the driver is loaded only here

    try:
        asyncio.run(init_cluster(admin, settings.store, say=typer.echo, replicas=replicas))
    except TailwireError as error:
        _fail(str(error))
    typer.echo("The cluster is ready for `tailwire serve`.")


@cli.command()
def doctor() -> None:
    """Say in plain words what is wrong with this setup."""
    settings = _settings()
    logs.configure(settings.log_format, "error")
    if not asyncio.run(_report(settings)):
        raise typer.Exit(1)


async def _report(settings: Settings) -> bool:
    well = True
    async for finding in examine(settings):
        typer.echo(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.text}")
        well = well and finding.ok
    return well


async def _prepare(settings: Settings) -> None:
    """Open the store once before any worker does: what is wrong is said in one line, and a schema made by one."""
    store = await open_store(settings.store)
    try:
        if settings.secret is None:
            await kept_secret(store)
    finally:
        await store.close()


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        _fail(str(error), USAGE_ERROR)


def _fail(message: str, status: int = 1) -> NoReturn:
    typer.echo(f"tailwire: {message}", err=True)
    raise typer.Exit(status)


def main() -> None:
    """Run the command line."""
    sys.exit(cli())
