"""`tailwire user`: accounts and their sessions."""

from functools import partial
from typing import Annotated

import typer

from api.accounts.admin import Actor, Admin
from api.accounts.names import shown_name
from api.cli.command import administer, ask_password, change_user, fail, tell
from api.models.page import items_of
from api.protocol.fields import timestamp

user = typer.Typer(no_args_is_help=True, help="Administer accounts, whether a server is running or not.")

Username = Annotated[str, typer.Argument(help="The account's name.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Generate a password and print it once, instead of asking for one.")
]


@user.command("create")
def create(
    username: Username,
    generate: Generate = False,
    display_name: Annotated[
        str | None, typer.Option(help="How the user is shown, unless by the username.")
    ] = None,
) -> None:
    """Make an account. Asks for its password."""
    chosen = ask_password(generate)
    administer(
        lambda admin, _store: admin.create(
            username, chosen, shown_name(display_name) if display_name else None, Actor()
        )
    )
    tell(f"made the account {username}", chosen if generate else None)


@user.command("disable")
def disable(username: Username) -> None:
    """Disable an account: its sessions end, and its user cannot log in."""
    change_user(username, lambda admin, user_id: admin.set_disabled(user_id, True, Actor()))
    tell(f"disabled {username}")


@user.command("enable")
def enable(username: Username) -> None:
    """Enable a disabled account."""
    change_user(username, lambda admin, user_id: admin.set_disabled(user_id, False, Actor()))
    tell(f"enabled {username}")


@user.command("reset-password")
def reset_password(username: Username, generate: Generate = False) -> None:
    """Set a new password for a user, and end their sessions."""
    chosen = ask_password(generate)
    change_user(username, lambda admin, user_id: admin.reset_password(user_id, chosen, Actor()))
    tell(f"{username} has a new password", chosen if generate else None)


@user.command("promote")
def promote(username: Username) -> None:
    """Make a user an administrator."""
    change_user(username, lambda admin, user_id: admin.set_admin(user_id, True, Actor()))
    tell(f"{username} is an administrator")


@user.command("demote")
def demote(username: Username) -> None:
    """Take the rights of an administrator away from a user."""
    change_user(username, lambda admin, user_id: admin.set_admin(user_id, False, Actor()))
    tell(f"{username} is no administrator")


@user.command("erase")
def erase(
    username: Username,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name once more.")] = False,
) -> None:
    """Erase an account, as its user would. Nothing can stop it. A running server does the work."""
    if not yes and typer.prompt(f"This cannot be undone. Type {username} to go on") != username:
        fail("nothing was erased")
    change_user(username, lambda admin, user_id: admin.erase(user_id, Actor()))
    tell(f"{username} is being erased: within a minute where a server runs, else by the next that starts")


@user.command("sessions")
def sessions(
    username: Username,
    end: Annotated[bool, typer.Option("--end", help="End all of them.")] = False,
    end_one: Annotated[str | None, typer.Option(help="End the one with this id.")] = None,
) -> None:
    """Show a user's sessions: id, time of log-in, last use, user agent."""
    if end_one is not None:
        session_id = end_one
        change_user(username, lambda admin, user_id: admin.end_session(user_id, session_id, Actor()))
        tell(f"ended the session {session_id} of {username}")
        return
    if end:
        ended = change_user(username, lambda admin, user_id: admin.end_sessions(user_id, Actor()))
        tell(f"ended {len(ended)} sessions of {username}")
        return
    for one in change_user(username, lambda admin, user_id: admin.sessions(user_id)):
        typer.echo(
            f"{one.id}  {timestamp(one.created_at)}  {timestamp(one.last_used_at)}  {one.user_agent!r}"
        )


@user.command("tokens")
def tokens(
    username: Username,
    end_one: Annotated[str | None, typer.Option(help="End the one with this id.")] = None,
) -> None:
    """Show the tokens of a person or a bot: id, when it was made, last use, scopes, name."""
    if end_one is not None:
        token_id = end_one
        change_user(username, lambda admin, user_id: admin.end_token(user_id, token_id, Actor()))
        tell(f"ended the token {token_id} of {username}")
        return
    for one in change_user(username, lambda admin, user_id: admin.tokens(user_id)):
        if one.grant is not None:
            used = timestamp(one.last_used_at) if one.pair_used else "never"
            scopes = ",".join(sorted(one.grant.scopes))
            typer.echo(f"{one.id}  {timestamp(one.created_at)}  {used}  {scopes}  {one.grant.name!r}")


@user.command("list")
def list_users(
    search: Annotated[
        str | None, typer.Option(help="A part of the username or of the display name, or an id.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="Only such accounts: admin, disabled or erasing.")] = None,
) -> None:
    """Show accounts: username, id, time of sign-up, and whether it is an admin, disabled or being erased."""
    administer(lambda admin, _store: _show_accounts(admin, search, state))


async def _show_accounts(admin: Admin, search: str | None, state: str | None) -> None:
    async for one in items_of(partial(admin.accounts, search, state)):
        user = one.user
        flags = " ".join(name for name in ("admin", "disabled", "erasing") if getattr(one, name))
        flags = f"bot {flags}" if user.is_bot else flags
        typer.echo(f"{user.username}  {user.id}  {timestamp(user.created_at)}  {flags}".rstrip())
