"""What all commands do: read the settings, open the store, and end with one line about what is wrong."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import NoReturn, TypeVar

import typer

from api import logs
from api.accounts.admin import Admin, new_password
from api.accounts.passwords import Passwords
from api.accounts.wiring import wire_admin
from api.config import Settings, SettingsError, read_settings
from api.config.unknown import unknown_names
from api.errors import TailwireError
from api.store import Opening, Store, open_store

T = TypeVar("T")

USAGE_ERROR = 2


def valid_settings() -> Settings:
    """Return the settings, and name variables that are none. Wrong ones end the command."""
    for name, nearest in unknown_names().items():
        say(f"{name} is no setting, and is ignored" + (f"; did you mean {nearest}?" if nearest else ""))
    try:
        return read_settings()
    except SettingsError as error:
        *others, last = error.args
        for one in others:
            say(one)
        fail(last, USAGE_ERROR)


def administer(act: Callable[[Admin, Store], Awaitable[T]], *, opening: Opening = Opening.USE) -> T:
    """Run `act` on the configured store. Running servers learn of the change by their feeds."""
    settings = valid_settings()
    logs.configure(settings.log_format, "error")

    async def run() -> T:
        store = await open_store(settings.store, opening=opening)
        try:
            with closing(Passwords()) as passwords:
                return await act(wire_admin(settings, store, passwords), store)
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except TailwireError as error:
        fail("; ".join([f"{one.loc[-1]} {one.message}" for one in error.errors]) or error.message)


def change_user(username: str, act: Callable[[Admin, str], Awaitable[T]]) -> T:
    """Run `act` for the account with this name, on the configured store."""

    async def find_and_act(admin: Admin, _store: Store) -> T:
        return await act(admin, (await admin.account_by_name(username)).user.id)

    return administer(find_and_act)


def offline(act: Callable[[Settings], T]) -> T:
    """Run `act`, which needs no open store."""
    settings = valid_settings()
    logs.configure(settings.log_format, "error")
    try:
        return act(settings)
    except TailwireError as error:
        fail(error.message)


def ask_password(generate: bool) -> str:
    """Generate a password or ask for one. It is no argument, because every process on the machine can read those."""
    if generate:
        return new_password()
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def tell(what: str, password: str | None = None) -> None:
    """Print what was done, and the password that was generated for it."""
    typer.echo(what)
    if password is not None:
        typer.echo(f"password: {password}")


def say(message: str) -> None:
    """Print a line about what is wrong, on standard error."""
    typer.echo(f"tailwire: {message}", err=True)


def fail(message: str, status: int = 1) -> NoReturn:
    """Say what is wrong, and end the command."""
    say(message)
    raise typer.Exit(status)
