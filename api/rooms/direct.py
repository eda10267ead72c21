"""Opens direct rooms: the one room of exactly these people, whoever opens it."""

from collections.abc import Sequence

from api.clock import now_ms
from api.errors import Invalid, NotFound
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import User
from api.models.rooms import Room, RoomKind, RoomView, Visibility, direct_id
from api.rooms.members import MemberService
from api.rooms.pairs import PAIR, Pairs
from api.rooms.rooms import RoomService
from api.store.base.store import Store


class DirectRooms:
    """Opens direct rooms."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        pairs: Pairs,
        rooms: RoomService,
        members: MemberService,
        throttles: Throttles,
        caps: Caps,
    ) -> None:
        self._store = store
        self._pairs = pairs
        self._rooms = rooms
        self._members = members
        self._throttles = throttles
        self._caps = caps

    async def open(self, user: User, user_ids: Sequence[str]) -> tuple[RoomView, bool]:
        """Return the direct room of a user and these others, and whether this call has made it.

        The others hear of it with its first message. Raises `Invalid` for oneself alone, `NotFound` where one of them
        does not exist, `Blocked` where they cannot be written to, and `RateLimited`. A room of more than two people
        that is there goes on, whoever of them has a disabled account by now.
        """
        people = sorted({user.id, *user_ids})
        if len(people) < PAIR:
            raise Invalid("A direct room is one with other people")
        self._throttles.send(user.id)
        accounts = await self._store.accounts.get_many(people)
        if any(one not in accounts or accounts[one].erasing for one in people):
            raise NotFound
        room_id, now = direct_id(people), now_ms()
        is_there = await self._store.rooms.get(room_id) is not None
        if len(people) == PAIR or not is_there:
            await self._pairs.require_reachable([accounts[one] for one in people])
        if not is_there:
            self._throttles.make_room(user.id)
            await self._caps.one_more_room(user.id)
        room = Room(room_id, "", "", Visibility.PRIVATE, now, kind=RoomKind.DIRECT, people=tuple(people))
        is_new = await self._store.rooms.open_direct(room, [accounts[one].user for one in people], now)
        await self._members.hide(room_id, user.id, hidden=False)
        return await self._rooms.view(room_id, user.id), is_new
