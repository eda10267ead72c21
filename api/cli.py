"""The command line `tailwire`: serving, administration of accounts, and diagnosis."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import structlog
import typer

from api import __version__, logs
from api.accounts.admin import Actor, Admin, new_password
from api.accounts.invites import MAX_USES, invite_link
from api.accounts.secret import kept_secret
from api.accounts.security import Passwords
from api.accounts.setup import setup_link, setup_notice, setup_token, token_to_print
from api.accounts.wiring import wire_admin, wire_invites
from api.config import Settings, SettingsError, read_settings, unknown_names
from api.config.doors import open_doors
from api.config.hosts import local_url
from api.doctor import examine
from api.errors import TailwireError, Unready
from api.protocol.fields import timestamp
from api.server.run import PortInUse, bind
from api.server.run import serve as run_server
from api.store import Opening, Store, backup_store, open_store, prepare_cluster, restore_store

T = TypeVar("T")

USAGE_ERROR = 2
PAGE = 100
SECONDS_PER_DAY = 86_400
STORE_PAUSE_SECONDS = 0.5
"""A database that does not answer at the start is asked again after this time."""
MIB = 1024 * 1024

log = structlog.get_logger("api.cli")

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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


user = typer.Typer(no_args_is_help=True, help="Administer accounts, whether a server is running or not.")
cli.add_typer(user, name="user")

Username = Annotated[str, typer.Argument(help="The account's name.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Generate a password and print it once, instead of asking for one.")
]


@cli.command()
def serve(
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes share the work.")] = 1,
) -> None:
    """Run the server until it is told to stop."""
    settings = _settings()
    logs.configure(settings.log_format, settings.log_level)
    for door in open_doors(settings):
        log.warning("open_door", door=door.what, close_it_with=door.remedy)
    try:
        bound = bind(settings.host, settings.port)
        token = asyncio.run(_prepare_when_up(settings))
    except (PortInUse, TailwireError) as error:
        _fail(str(error))
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
    settings = _settings()
    try:
        asyncio.run(
            prepare_cluster(admin, settings.store, say=typer.echo, replicas=replicas, restored=restored)
        )
    except TailwireError as error:
        _fail(str(error))
    typer.echo("The cluster is ready for `tailwire serve`.")


@cli.command()
def doctor() -> None:
    """Check this setup, and say what is wrong with it."""
    settings = _settings()
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
    file = _offline(lambda settings: backup_store(settings.store, file))
    typer.echo(f"{file}: a whole copy, {file.stat().st_size / MIB:.1f} MiB")


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `tailwire backup` has made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Put the database that is there aside. It is kept.")
    ] = False,
) -> None:
    """Put a backup in the place of the database, while no server runs. Clients load all rooms again."""
    path, aside = _offline(lambda settings: restore_store(settings.store, file, force=force))
    if aside is not None:
        typer.echo(f"{aside}: the database that was here before")
    typer.echo(f"{path}: restored; every room has begun a new epoch. `tailwire serve` serves it.")


@cli.command()
def invite(
    admin: Annotated[bool, typer.Option("--admin", help="Who uses it becomes an administrator.")] = False,
    uses: Annotated[int, typer.Option(min=1, max=MAX_USES, help="How many people it lets in.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days it can be used.")] = 7,
) -> None:
    """Make a link with which people can sign up, and print it. It is not shown again."""
    _, code = _administer(
        lambda _admin, store: wire_invites(read_settings(), store).make(
            Actor(), admin=admin, max_uses=uses, expires_in_seconds=days * SECONDS_PER_DAY
        )
    )
    typer.echo(invite_link(read_settings().link_base, code))


@cli.command("setup-link")
def show_setup_link() -> None:
    """Print the link with which the first administrator is made, while there is none."""
    token = _administer(lambda _admin, store: setup_token(store))
    if token is None:
        _fail("there is an administrator already: `tailwire user list` shows who")
    typer.echo(setup_link(read_settings().link_base, token))


@cli.command()
def audit(
    limit: Annotated[int, typer.Option(min=1, help="How many events to show.")] = 50,
) -> None:
    """Show the audit log, newest first: time, event, who did it, to whom, from where."""
    _administer(lambda _admin, store: _show_audit(store, limit))


@user.command("create")
def create_user(username: Username, generate: Generate = False) -> None:
    """Make an account. Asks for its password."""
    password = _password(generate)
    _administer(lambda admin, _store: admin.create(username, password, Actor()))
    _tell(f"made the account {username}", password if generate else None)


@user.command("disable")
def disable(username: Username) -> None:
    """Disable an account: its sessions end, and its user cannot log in."""
    _change(username, lambda admin, user_id: admin.set_disabled(user_id, True, Actor()))
    _tell(f"disabled {username}")


@user.command("enable")
def enable(username: Username) -> None:
    """Enable a disabled account."""
    _change(username, lambda admin, user_id: admin.set_disabled(user_id, False, Actor()))
    _tell(f"enabled {username}")


@user.command("reset-password")
def reset_password(username: Username, generate: Generate = False) -> None:
    """Set a new password for a user, and end their sessions."""
    password = _password(generate)
    _change(username, lambda admin, user_id: admin.reset_password(user_id, password, Actor()))
    _tell(f"{username} has a new password", password if generate else None)


@user.command("promote")
def promote(username: Username) -> None:
    """Make a user an administrator."""
    _change(username, lambda admin, user_id: admin.set_admin(user_id, True, Actor()))
    _tell(f"{username} is an administrator")


@user.command("demote")
def demote(username: Username) -> None:
    """Take the rights of an administrator away from a user."""
    _change(username, lambda admin, user_id: admin.set_admin(user_id, False, Actor()))
    _tell(f"{username} is no administrator")


@user.command("sessions")
def sessions(
    username: Username,
    end: Annotated[bool, typer.Option("--end", help="End all of them.")] = False,
) -> None:
    """Show a user's sessions: id, time of log-in, last use, user agent."""
    if end:
        ended = _change(username, lambda admin, user_id: admin.end_sessions(user_id, Actor()))
        _tell(f"ended {len(ended)} sessions of {username}")
        return
    for one in _change(username, lambda admin, user_id: admin.sessions(user_id)):
        typer.echo(
            f"{one.id}  {timestamp(one.created_at)}  {timestamp(one.last_used_at)}  {one.user_agent!r}"
        )


@user.command("list")
def list_users() -> None:
    """Show all accounts: username, id, time of sign-up, and whether it is an admin, disabled or being erased."""
    _administer(lambda admin, _store: _show_accounts(admin))


async def _show_accounts(admin: Admin) -> None:
    cursor: str | None = None
    while True:
        page = await admin.accounts(cursor=cursor, limit=PAGE)
        for one in page.items:
            state = " ".join(name for name in ("admin", "disabled", "erasing") if getattr(one, name))
            user = one.user
            typer.echo(f"{user.username}  {user.id}  {timestamp(user.created_at)}  {state}".rstrip())
        if (cursor := page.next_cursor) is None:
            return


async def _show_audit(store: Store, limit: int) -> None:
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


def _change(username: str, act: Callable[[Admin, str], Awaitable[T]]) -> T:
    async def find_and_act(admin: Admin, _store: Store) -> T:
        return await act(admin, (await admin.account_by_name(username)).user.id)

    return _administer(find_and_act)


def _administer(act: Callable[[Admin, Store], Awaitable[T]]) -> T:
    """Run `act` on the configured store. Running servers learn of the change by their feeds."""
    settings = _settings()
    logs.configure(settings.log_format, "error")

    async def run() -> T:
        store = await open_store(settings.store, opening=Opening.USE)
        try:
            with closing(Passwords()) as passwords:
                return await act(wire_admin(settings, store, passwords), store)
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except TailwireError as error:
        _fail("; ".join([f"{one.loc[-1]} {one.message}" for one in error.errors]) or error.message)


def _offline(act: Callable[[Settings], T]) -> T:
    """Run `act`, which needs no open store."""
    settings = _settings()
    logs.configure(settings.log_format, "error")
    try:
        return act(settings)
    except TailwireError as error:
        _fail(error.message)


def _password(generate: bool) -> str:
    """Generate a password or ask for one. It is no argument, because every process on the machine can read those."""
    if generate:
        return new_password()
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _tell(what: str, password: str | None = None) -> None:
    typer.echo(what)
    if password is not None:
        typer.echo(f"password: {password}")


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


def _settings() -> Settings:
    for name, nearest in unknown_names().items():
        _say(f"{name} is no setting, and is ignored" + (f"; did you mean {nearest}?" if nearest else ""))
    try:
        return read_settings()
    except SettingsError as error:
        *others, last = error.args
        for one in others:
            _say(one)
        _fail(last, USAGE_ERROR)


def _fail(message: str, status: int = 1) -> NoReturn:
    _say(message)
    raise typer.Exit(status)


def _say(message: str) -> None:
    typer.echo(f"tailwire: {message}", err=True)


def main() -> NoReturn:
    """Run the command line."""
    sys.exit(cli())
