"""Tells a client that was away what has changed in all rooms of its user, by one request."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from api.limits.throttles import Throttles
from api.models.log import End, Entry, Stretch
from api.models.rooms import is_direct
from api.models.sync import Caught, Known, Sync
from api.rooms import policy
from api.rooms.operations import Operation
from api.rooms.rooms import RoomService
from api.store.base.store import Store

MOST_ROOMS: Final = 500
"""An answer tells of at most so many rooms, and the store is asked about so many at once."""
COUNTED_ROOMS: Final = 100
"""A request counts as one for each so many rooms: as asking for pages of the list of rooms would."""


class _Due(NamedTuple):
    """A room of which a client is to be told. `after` is None where it knows nothing of it, or cannot go on."""

    end: End
    after: int | None
    is_reset: bool = False

    @property
    def lag(self) -> int:
        return 0 if self.after is None else self.end.head.seq - self.after


class _Share(NamedTuple):
    """A room that has a place in an answer, with as many of its entries as may be read."""

    due: _Due
    length: int

    @property
    def stretch(self) -> Stretch:
        after = self.due.after or 0
        return Stretch(self.due.end.head.room_id, after, after + self.length)

    def caught(self, entries: Sequence[Entry]) -> Caught:
        head, is_whole = self.due.end.head, len(entries) == self.due.lag
        return Caught(head, entries, is_reset=self.due.is_reset, is_whole=is_whole)


class SyncService:
    """Compares what clients know with the logs of rooms.

    A client is given of each room what a subscription from the same position would give it.
    """

    def __init__(self, store: Store, rooms: RoomService, throttles: Throttles) -> None:
        self._store = store
        self._rooms = rooms
        self._throttles = throttles

    async def changes(
        self,
        user_id: str,
        known: Mapping[str, Known],
        *,
        bound: Collection[str] | None,
        others: bool,
        limit: int,
    ) -> Sync:
        """Return what has changed in the rooms of a user since a client knew them.

        That is at most `limit` entries, or rooms without any, and as many as a page holds. With `others` the client is
        also told of the rooms that it does not name, and with `bound` only of those. Raises `RateLimited`.
        """
        found = (await self._store.members.rooms_of([user_id])).get(user_id, [])
        mine = {one for one in found if bound is None or one in bound}
        named = [one for one in known if bound is None or one in bound]
        asked = [*named, *(mine.difference(named) if others else ())]
        for _ in range(COUNTED_ROOMS, len(asked), COUNTED_ROOMS):
            self._throttles.request(user_id)
        ends = await self._ends(asked)
        # A membership that has just begun may not be among those that were found.
        mine |= await self._readable(user_id, [one for one in named if one not in mine and one in ends])
        due = _due([end for room_id, end in ends.items() if room_id in mine], known)
        untold = await self._untold(user_id, [one for one in due if one.end.head.room_id not in known])
        due = [one for one in due if one.end.head.room_id not in untold]
        given = await self._read(due, limit)
        # Looked at after the reading: nothing is given that was written after a removal, or under another epoch.
        rooms = [one.head.room_id for one in given]
        still, heads = await asyncio.gather(self._readable(user_id, rooms), self._store.log.heads(rooms))
        if any(heads.get(one.head.room_id, one.head).epoch != one.head.epoch for one in given):
            return await self.changes(user_id, known, bound=bound, others=others, limit=limit)
        gone = {one for one in rooms if one not in still or one not in heads}
        return Sync(
            [one for one in given if one.head.room_id not in gone],
            [one for one in known if one not in ends or one not in mine or one in gone],
            has_more=len(given) < len(due) or not all(one.is_whole for one in given),
        )

    async def _read(self, due: Sequence[_Due], limit: int) -> list[Caught]:
        """Read what rooms have for a client, the newest of them first, as far as there is space."""
        newest = sorted(due, key=lambda one: one.end.at, reverse=True)
        shares = [*_shares(newest, limit)]
        read = await self._store.log.stretches([one.stretch for one in shares])
        caught = [one.caught(entries) for one, entries in zip(shares, read, strict=True)]
        return [one for one in caught if one.entries or one.is_whole]

    async def _ends(self, room_ids: Sequence[str]) -> dict[str, End]:
        """Return the ends of the logs of these rooms."""
        ends: dict[str, End] = {}
        for start in range(0, len(room_ids), MOST_ROOMS):
            ends |= await self._store.log.ends(room_ids[start : start + MOST_ROOMS])
        return ends

    async def _readable(self, user_id: str, room_ids: Sequence[str]) -> set[str]:
        """Return those of these rooms that a user may subscribe to now."""
        found = await self._store.members.get_many([(room_id, user_id) for room_id in room_ids])
        return {
            room_id
            for (room_id, _), member in found.items()
            if policy.allows(Operation.SUBSCRIBE, policy.facts_of(member))
        }

    async def _untold(self, user_id: str, due: Sequence[_Due]) -> set[str]:
        """Return the ids of those of these rooms of which a user does not know yet: direct rooms without a message."""
        quiet = [one.end.head.room_id for one in due if not one.end.has_messages]
        direct = [room_id for room_id in quiet if is_direct(room_id)]
        untold: set[str] = set()
        for start in range(0, len(direct), COUNTED_ROOMS):
            views = await self._rooms.of_user_among(user_id, direct[start : start + COUNTED_ROOMS])
            untold.update(view.room.id for view in views if view.is_untold)
        return untold


def _due(ends: Iterable[End], known: Mapping[str, Known]) -> list[_Due]:
    """Return the rooms that have something for a client which knows so much."""
    due = list[_Due]()
    for end in ends:
        at = known.get(end.head.room_id)
        if at is None:
            due.append(_Due(end, None))
        elif not end.head.can_resume(*at):
            due.append(_Due(end, None, is_reset=True))
        elif at.seq < end.head.seq:
            due.append(_Due(end, at.seq))
    return due


def _shares(due: Sequence[_Due], limit: int) -> Iterator[_Share]:
    """Part the entries of an answer among rooms: each gets all that it has, as far as there are any left."""
    for one in due[:MOST_ROOMS]:
        if limit <= 0:
            return
        length = min(one.lag, limit)
        yield _Share(one, length)
        limit -= max(1, length)
