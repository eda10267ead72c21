"""`tailwire room`: rooms, also the private ones. It shows names and sizes, never messages."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, TypeVar

import typer

from api.accounts.admin import Actor, Admin
from api.accounts.room_admin import RoomAdmin
from api.accounts.wiring import wire_room_admin
from api.cli.command import administer, tell
from api.config import read_settings
from api.models.page import items_of
from api.protocol.fields import timestamp
from api.store import Store

T = TypeVar("T")

room = typer.Typer(no_args_is_help=True, help="Administer rooms, whether a server is running or not.")

RoomId = Annotated[str, typer.Argument(help="The room's id: `tailwire room list` shows it.")]


@room.command("list")
def list_rooms(
    search: Annotated[str | None, typer.Option(help="Only rooms whose names contain this text.")] = None,
) -> None:
    """Show all rooms: id, time of creation, visibility, number of members, state and name."""
    _with_rooms(lambda rooms: _show_all(rooms, search or None))


@room.command("owner")
def name_owner(
    room_id: RoomId, username: Annotated[str, typer.Argument(help="The name of the account.")]
) -> None:
    """Make a user an owner of a room, for example of one that has lost its own."""

    async def act(admin: Admin, store: Store) -> None:
        user_id = (await admin.account_by_name(username)).user.id
        await wire_room_admin(read_settings(), store).name_owner(room_id, user_id, Actor())

    administer(act)
    tell(f"{username} owns the room {room_id}")


@room.command("delete")
def delete(
    room_id: RoomId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a room with all its messages, for ever. A running server takes them away."""
    sized = _with_rooms(lambda rooms: rooms.room(room_id))
    if not yes:
        typer.confirm(f"Delete the room {sized.room.name!r} with {sized.member_count} members?", abort=True)
    _with_rooms(lambda rooms: rooms.delete(room_id, Actor()))
    tell(f"deleted the room {room_id}")


def _with_rooms(act: Callable[[RoomAdmin], Awaitable[T]]) -> T:
    return administer(lambda _admin, store: act(wire_room_admin(read_settings(), store)))


async def _show_all(rooms: RoomAdmin, named: str | None) -> None:
    async for one in items_of(partial(rooms.all, named=named)):
        room, state = one.room, "archived" if one.room.archived else "open"
        typer.echo(
            f"{room.id}  {timestamp(room.created_at)}  {room.visibility}  {one.member_count}  {state}  {room.name}"
        )
