"""Lists, shows and creates rooms."""

from collections.abc import Sequence

from api.clock import now_ms
from api.errors import NotFound
from api.ids import random_id
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import User
from api.models.page import Page
from api.models.rooms import Room, RoomView, Visibility, is_direct
from api.rooms import policy
from api.rooms.operations import Operation
from api.rooms.policy import Facts
from api.store.base.store import Store


class RoomService:
    """Reads and creates rooms. What a user may not see raises `NotFound`, as if it did not exist."""

    def __init__(self, store: Store, throttles: Throttles, caps: Caps) -> None:
        self._store = store
        self._throttles = throttles
        self._caps = caps

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        """List the rooms that a user is a member of, and knows of. Raises `BadCursor`."""
        page = await self._store.rooms.of_user(user_id, cursor=cursor, limit=limit)
        return Page([view for view in page.items if not view.is_untold], page.next_cursor)

    async def of_user_among(self, user_id: str, room_ids: Sequence[str]) -> list[RoomView]:
        """Return those of these rooms that a user is a member of."""
        return await self._store.rooms.views(room_ids, user_id)

    async def public(
        self, user_id: str, *, named: str | None = None, cursor: str | None, limit: int
    ) -> Page[RoomView]:
        """List all public rooms as a user sees them, or those whose names contain a text.

        Raises `BadCursor`, and `RateLimited` for too many searches.
        """
        if named is not None:
            self._throttles.search(user_id)
        return await self._store.rooms.public(user_id, named=named, cursor=cursor, limit=limit)

    async def create(self, user: User, name: str, topic: str, visibility: Visibility) -> RoomView:
        """Create a room that the user owns. Raises `RateLimited`, and `Invalid` at the cap."""
        self._throttles.make_room(user.id)
        await self._caps.one_more_room(user.id)
        room = Room(random_id(), name, topic, visibility, now_ms())
        return await self._store.rooms.create(room, user)

    async def view(self, room_id: str, user_id: str, operation: Operation = Operation.SEE) -> RoomView:
        """Return a user's view of a room, if the user may do the operation."""
        view = await self._store.rooms.view(room_id, user_id)
        if view is None:
            raise NotFound
        policy.require(
            operation,
            Facts(view.rights, view.room.visibility, view.room.writable, is_direct=is_direct(room_id)),
        )
        return view
