"""Changes rooms, and deletes them."""

from collections.abc import Callable
from typing import TypeAlias

from api.clock import now_ms
from api.limits.throttles import Throttles
from api.models.accounts import User
from api.models.rooms import RoomFields, RoomView
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
        await self._members.require(room_id, user.id, policy.operation_of(changes))
        self._throttles.send(user.id)
        rule = policy.changing(room_id, changes)
        await self._store.rooms.change(room_id, user, at=now_ms(), rule=rule)
        return await self._rooms.view(room_id, user.id)

    async def delete(self, room_id: str, user: User) -> None:
        """Delete a room with all that is in it. From then nobody finds it."""
        await self._members.require(room_id, user.id, Operation.DELETE_ROOM)
        self._throttles.send(user.id)
        await self._store.rooms.delete(room_id, user, at=now_ms(), rule=policy.deleting(room_id))
        self._on_deleted()
