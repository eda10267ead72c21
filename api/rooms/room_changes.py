"""Changes rooms, and deletes them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from api.clock import now_ms
from api.errors import Archived, Forbidden
from api.limits.throttles import Throttles
from api.models.accounts import User
from api.models.rooms import LOBBY_ID, Role, Room, RoomFields, RoomRule, RoomView, Visibility
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.rooms.rooms import RoomService
from api.store.base.store import Store

OnDeleted: TypeAlias = Callable[[], None]
"""Is called after a room was deleted, so that what is left of it is taken away."""


class RoomChanges:
    """Changes and deletes rooms, each by one entry of the room.

    Methods raise `Forbidden` for what a user may see but not do. They raise `NotFound` for what a user may not see, as
    for what does not exist, and `RateLimited`.
    """

    def __init__(
        self,
        store: Store,
        rooms: RoomService,
        members: MemberService,
        throttles: Throttles,
        on_deleted: OnDeleted,
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._members = members
        self._throttles = throttles
        self._on_deleted = on_deleted

    async def change(self, room_id: str, user: User, changes: RoomFields) -> RoomView:
        """Change these fields of a room, and return it. Raises `Archived`, unless an archived room is taken back."""
        await self._members.require(room_id, user.id, operation_of(changes))
        self._throttles.send(user.id)
        rule = changing(room_id, changes)
        await self._store.rooms.change(room_id, user, at=now_ms(), rule=rule)
        return await self._rooms.view(room_id, user.id)

    async def delete(self, room_id: str, user: User) -> None:
        """Delete a room with all that is in it. From then nobody finds it."""
        await self._members.require(room_id, user.id, Operation.DELETE_ROOM)
        self._throttles.send(user.id)
        await self._store.rooms.delete(room_id, user, at=now_ms(), rule=deleting(room_id))
        self._on_deleted()


# -- rules that the store calls in the transaction of a change of a room


def changing(room_id: str, changes: RoomFields) -> RoomRule:
    """Return the rule for changing a room. In an archived room nothing changes but that it is taken back."""

    def rule(room: Room, rights: Role | None) -> Room:
        policy.require(operation_of(changes), policy.Facts(rights))
        if room_id == LOBBY_ID and (
            changes.get("archived") or changes.get("visibility") is Visibility.PRIVATE
        ):
            raise Forbidden("The lobby is always open to everybody")
        then = replace(room, **changes)
        if then != room and room.archived and then.archived:
            raise Archived
        return then

    return rule


def operation_of(changes: RoomFields) -> Operation:
    """Return the operation that a change of a room is. Who may change everything may change the topic, too."""
    if changes.keys() == {"avatar"}:
        return Operation.SET_AVATAR
    return Operation.SET_TOPIC if changes.keys() <= {"topic", "slow_seconds"} else Operation.CHANGE_ROOM


def deleting(room_id: str) -> RoomRule:
    """Return the rule for deleting a room."""

    def rule(room: Room, rights: Role | None) -> Room:
        policy.require(Operation.DELETE_ROOM, policy.Facts(rights))
        policy.require_not_lobby(room_id, "The lobby cannot be deleted")
        return room

    return rule
