"""Opens direct rooms: the one room of exactly these people, whoever opens it."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from api.clock import now_ms
from api.errors import Blocked, Invalid, NotFound
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import Account, User
from api.models.rooms import Room, RoomKind, RoomView, Visibility, direct_id
from api.rooms.members import MemberService
from api.rooms.rooms import RoomService
from api.store.base.store import Store
from api.store.reads import BatchedReads

MAX_REMEMBERED: Final = 10_000
"""The people of this many direct rooms are remembered. They never change."""
_PAIR: Final = 2


class DirectRooms:
    """Opens direct rooms, and says whether their people may write to each other."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        reads: BatchedReads,
        rooms: RoomService,
        members: MemberService,
        throttles: Throttles,
        caps: Caps,
    ) -> None:
        self._store = store
        self._reads = reads
        self._rooms = rooms
        self._members = members
        self._throttles = throttles
        self._caps = caps
        self._people: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    async def open(self, user: User, user_ids: Sequence[str]) -> tuple[RoomView, bool]:
        """Return the direct room of a user and these others, and whether this call has made it.

        The others hear of it with its first message. Raises `Invalid` for oneself alone, `NotFound` where one of them
        does not exist, `Blocked` where they cannot be written to, and `RateLimited`.
        """
        people = sorted({user.id, *user_ids})
        if len(people) < _PAIR:
            raise Invalid("A direct room is one with other people")
        self._throttles.send(user.id)
        accounts = await self._store.accounts.get_many(people)
        if any(one not in accounts or accounts[one].erasing for one in people):
            raise NotFound
        await self._require_open([accounts[one] for one in people])
        room_id, now = direct_id(people), now_ms()
        if await self._store.rooms.get(room_id) is None:
            self._throttles.make_room(user.id)
            await self._caps.one_more_room(user.id)
        room = Room(room_id, "", "", Visibility.PRIVATE, now, kind=RoomKind.DIRECT, people=tuple(people))
        is_new = await self._store.rooms.open_direct(room, [accounts[one].user for one in people], now)
        await self._members.hide(room_id, user.id, hidden=False)
        return await self._rooms.view(room_id, user.id), is_new

    async def require_writable(self, room_id: str) -> None:
        """Raise `Blocked` unless the people of a direct room may write to each other.

        In one of more than two people each may, and what is written by who is blocked is hidden by the page.
        """
        people = await self._people_of(room_id)
        if len(people) == _PAIR:
            found = [await self._reads.account(one) for one in people]
            await self._require_open([one for one in found if one is not None])

    async def _require_open(self, accounts: Sequence[Account]) -> None:
        """Raise `Blocked` for a disabled account, and of two people for a block either way: nobody learns which."""
        people = [account.user.id for account in accounts]
        # A bot is blocked with its owner.
        owners = [account.owner_id for account in accounts if account.owner_id not in {None, *people}]
        blockers = await asyncio.gather(
            *(self._reads.blockers(one) for one in (*people, *filter(None, owners)))
        )
        is_blocked = any(not one.isdisjoint(people) for one in blockers)
        if any(account.disabled for account in accounts) or (len(people) == _PAIR and is_blocked):
            raise Blocked

    async def _people_of(self, room_id: str) -> tuple[str, ...]:
        known = self._people.get(room_id)
        if known is None:
            room = await self._store.rooms.get(room_id)
            if room is None:
                raise NotFound
            self._people[room_id] = known = room.people
            if len(self._people) > MAX_REMEMBERED:
                self._people.popitem(last=False)
        return known
