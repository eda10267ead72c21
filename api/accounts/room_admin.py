"""What administrators do with rooms, on the command line and over HTTP. They see names and sizes, never messages."""

from collections.abc import Callable
from typing import Final, TypeAlias

from api.accounts.admin import Actor
from api.accounts.audit import Audit
from api.clock import now_ms
from api.errors import Forbidden, NotFound
from api.models.accounts import Audited, User
from api.models.page import Page
from api.models.rooms import LOBBY_ID, NOBODY, Member, Role, Room, RoomView, is_direct, owning
from api.store.base.store import Store

COMMAND_LINE: Final = User("", "", "", 0)
"""The author of an entry that the command line makes, which knows no account."""

OnDeleted: TypeAlias = Callable[[], None]
"""Is called after a room was deleted, so that what is left of it is taken away."""


class RoomAdmin:
    """Administers rooms. Each change is in the audit log when its method returns. Methods raise `NotFound`."""

    def __init__(self, store: Store, audit: Audit, on_deleted: OnDeleted) -> None:
        self._store = store
        self._audit = audit
        self._on_deleted = on_deleted

    async def all(self, *, named: str | None = None, cursor: str | None, limit: int) -> Page[RoomView]:
        """List all rooms, or those whose names contain a text, oldest first. Raises `BadCursor`."""
        return await self._store.rooms.all(named=named, cursor=cursor, limit=limit)

    async def room(self, room_id: str) -> RoomView:
        """Return a room as one sees it who is no member."""
        view = await self._store.rooms.view(room_id, NOBODY)
        if view is None:
            raise NotFound("There is no such room")
        return view

    async def members(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Member]:
        """List the members of a room. Raises `BadCursor`."""
        await self.room(room_id)
        return await self._store.members.of_room(room_id, cursor=cursor, limit=limit)

    async def name_owner(self, room_id: str, user_id: str, actor: Actor) -> RoomView:
        """Make a user an owner of a room, and a member if they are none. Repeating it changes nothing.

        Raises `Forbidden` for a direct room, which nobody owns.
        """
        await self.room(room_id)
        if is_direct(room_id):
            raise Forbidden("Nobody owns a direct room")
        account = await self._store.accounts.get(user_id)
        if account is None or account.disabled:
            raise NotFound("There is no such account, or it is disabled")
        by = actor.user_id or user_id
        await self._store.members.change(room_id, account.user, by=by, at=now_ms(), rule=owning)
        await self._record(Audited.OWNER_NAMED, room_id, user_id, actor)
        return await self.room(room_id)

    async def delete(self, room_id: str, actor: Actor) -> None:
        """Delete a room with all that is in it. Raises `Forbidden` for the lobby and for direct rooms."""
        await self.room(room_id)
        account = None if actor.user_id is None else await self._store.accounts.get(actor.user_id)
        by = COMMAND_LINE if account is None else account.user
        await self._store.rooms.delete(room_id, by, at=now_ms(), rule=_deleting)
        self._on_deleted()
        await self._record(Audited.ROOM_DELETED, room_id, None, actor)

    async def _record(self, event: Audited, room_id: str, user_id: str | None, actor: Actor) -> None:
        by = actor.user_id
        await self._audit.record(
            event, actor_id=by, subject_id=user_id, address=actor.address, room_id=room_id
        )


def _deleting(room: Room, _rights: Role | None) -> Room:
    if room.id == LOBBY_ID:
        raise Forbidden("The lobby cannot be deleted")
    if is_direct(room.id):
        raise Forbidden("A direct room cannot be deleted")
    return room
