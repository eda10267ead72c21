"""Says whether the two people of a direct room reach each other: what they write, that they type, what they read."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from api.errors import Blocked, NotFound
from api.models.accounts import Account
from api.models.rooms import is_direct
from api.store.base.rooms import RoomStore
from api.store.reads import BatchedReads

MAX_REMEMBERED: Final = 10_000
"""The people of this many direct rooms are remembered. They never change."""
PAIR: Final = 2


class Pairs:
    """Knows the people of direct rooms, and refuses what passes between two of whom one cannot be reached.

    In a direct room of more people everything passes, and what is of who is blocked is hidden by the page.
    """

    def __init__(self, rooms: RoomStore, reads: BatchedReads) -> None:
        self._rooms = rooms
        self._reads = reads
        self._people: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    async def require_open(self, room_id: str) -> None:
        """Raise `Blocked` if a room is one of two people who cannot reach each other. Raises `NotFound`."""
        if not is_direct(room_id):
            return
        people = await self._people_of(room_id)
        if len(people) == PAIR:
            found = [await self._reads.account(one) for one in people]
            await self.require_reachable([one for one in found if one is not None])

    async def is_open(self, room_id: str) -> bool:
        """Return whether `require_open` raises nothing."""
        try:
            await self.require_open(room_id)
        except (Blocked, NotFound):
            return False
        return True

    async def require_reachable(self, accounts: Sequence[Account]) -> None:
        """Raise `Blocked` for who cannot be reached, and of two people for a block either way: nobody learns which.

        A disabled account cannot be reached, nor the bot of a hook: it only posts, and nobody reads as it.
        """
        people = [account.user.id for account in accounts]
        # A bot is blocked with its owner.
        owners = [account.owner_id for account in accounts if account.owner_id not in {None, *people}]
        blockers = await asyncio.gather(
            *(self._reads.blockers(one) for one in (*people, *filter(None, owners)))
        )
        is_blocked = any(not one.isdisjoint(people) for one in blockers)
        if any(account.disabled or _is_of_hook(account) for account in accounts) or (
            len(people) == PAIR and is_blocked
        ):
            raise Blocked

    async def _people_of(self, room_id: str) -> tuple[str, ...]:
        known = self._people.get(room_id)
        if known is None:
            room = await self._rooms.get(room_id)
            if room is None:
                raise NotFound
            self._people[room_id] = known = room.people
            if len(self._people) > MAX_REMEMBERED:
                self._people.popitem(last=False)
        return known


def _is_of_hook(account: Account) -> bool:
    """Say whether an account is the bot of a hook, which belongs to a room and to nobody."""
    return account.user.is_bot and account.owner_id is None
