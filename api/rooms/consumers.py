"""Consumers: readers of all rooms of a user, whose positions the server keeps.

A reader is given entries again until it acknowledges them. So it misses none, and who answers under the ref
`consumer:room:seq` answers each once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.clock import now_ms
from api.errors import Forbidden, Invalid, NotFound
from api.ids import random_id
from api.models.consumers import Consumer, Given, GivenUpTo
from api.models.followers import FollowerPosition, Progress, Start
from api.models.log import Entry, Head, Kind
from api.models.page import PAGE_BYTES
from api.models.rooms import LOBBY_ID, Member
from api.rooms import policy
from api.rooms.ack_tokens import places_of, token_of
from api.rooms.due import Due, due_in, fitting_of, given_of
from api.rooms.operations import Operation
from api.rooms.shares import fair_shares, slices
from api.store.base.store import Store

MOST_ROOMS: Final = 100
"""A page has entries of at most this many rooms, so that its token stays short."""
AT_ONCE: Final = 100
"""So many entries are read from the logs of many rooms at once, or those of one room, so that a page which is full of
long entries has read little more than it gives."""
SEARCHES: Final = 8
"""In this many logs the entry of joining is searched for at the same time."""
SLICE: Final = 500
"""The store is asked about this many rooms at once."""
ACK_MS: Final = 60_000
"""The time of an ack is stored at most once in this time."""
REMEMBERED: Final = 10_000
"""So many results of such searches are remembered, so that whoever asks again and again costs no more of them."""
NEAR: Final = 100
"""How many entries around the time of joining are searched for the entry of joining."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader is given at once, and the token that acknowledges it.

    `left` are those of the rooms asked for that have something for which this had no space. `has_more` says whether
    there are any, or more in the rooms that are given.
    """

    given: Sequence[Given]
    left: Sequence[str]
    token: str | None
    has_more: bool


NOTHING: Final = Reading((), (), None, has_more=False)
"""What a reader is given that is at the end of all logs."""


class ConsumerService:
    """Makes and ends consumers, gives readers what is next, and stores how far they have come."""

    def __init__(self, store: Store, *, per_user: int) -> None:
        self._store = store
        self._per_user = per_user
        # The seqs at which users have joined, those that were searched for last.
        self._joined_at = OrderedDict[tuple[str, str, int, str], int]()
        self.given_count = 0
        self.ack_count = 0

    async def put(
        self,
        user_id: str,
        name: str,
        *,
        room_ids: Sequence[str] | None,
        start: Start,
        bound: Collection[str] | None = None,
    ) -> tuple[Consumer, bool]:
        """Make a consumer, or give the one of this name other rooms. Return it, and whether it is new.

        With `bound` it gets none but these rooms. `start` counts for a new one only. Raises `Invalid` where the user
        has as many as they may, and `Forbidden` where one of this name reads other rooms than those in `bound`.
        """
        if bound is not None:
            room_ids = sorted(bound) if room_ids is None else [one for one in room_ids if one in bound]
        rooms = None if room_ids is None else tuple(dict.fromkeys(room_ids))
        mine, epoch = await asyncio.gather(self._store.consumers.of_user(user_id), self._epoch_of_lobby())
        consumer = Consumer(random_id(), user_id, name, rooms, start, now_ms(), epoch)
        named = next((one for one in mine if one.name == name), None)
        if named is not None:
            _require_within(named, bound)
        elif len(mine) >= self._per_user:
            raise Invalid("That would be more consumers than anybody may have", code="limit")
        elif start is Start.NOW:
            await self._begin_now(consumer)
        stored = await self._store.consumers.put(consumer)
        return stored, stored.id == consumer.id

    async def get(self, user_id: str, name: str) -> Consumer:
        """Return a consumer. Raises `NotFound`."""
        consumer = await self._store.consumers.get(user_id, name)
        if consumer is None:
            raise NotFound
        return consumer

    async def of_user(self, user_id: str) -> list[Consumer]:
        """List a user's consumers, by name."""
        return await self._store.consumers.of_user(user_id)

    async def delete(self, user_id: str, name: str, *, bound: Collection[str] | None = None) -> None:
        """End a consumer, and forget how far it has come.

        Raises `NotFound`, and `Forbidden` for one that reads other rooms than those in `bound`.
        """
        consumer = await self.get(user_id, name)
        _require_within(consumer, bound)
        await self._store.consumers.delete(consumer)

    async def lag(self, consumer: Consumer, *, bound: Collection[str] | None = None) -> int:
        """Return how many entries of the rooms that the user is in now the reader has not acknowledged yet.

        With `bound` only those of these rooms count.
        """
        mine = await self._rooms_of(consumer.user_id)
        rooms = _wanted(consumer, [room_id for room_id in mine if bound is None or room_id in bound])
        lag = 0
        for start in range(0, len(rooms), SLICE):
            lag += sum(one.lag for one in await self._due(consumer, rooms[start : start + SLICE]))
        return lag

    async def rooms_of(self, consumer: Consumer) -> list[str]:
        """Return the rooms that the user is in, and those in which the reader has a position."""
        mine, started = await asyncio.gather(
            self._rooms_of(consumer.user_id), self._store.positions.room_ids(consumer.follower)
        )
        return [*dict.fromkeys([*mine, *started])]

    async def read(self, consumer: Consumer, room_ids: Sequence[str], *, limit: int) -> Reading:
        """Return what is next in these rooms: at most `limit` entries, of which each room gets its fair share.

        Rooms that the user is no member of when they are read give nothing.
        """
        due = [one for one in await self._due(consumer, _wanted(consumer, room_ids)) if one.has_news]
        most = min(limit, MOST_ROOMS)
        now, later = due[:most], due[most:]
        if not now:
            return NOTHING
        shares = fair_shares([one.lag for one in now], limit)
        read = await self._read(now, shares)
        # Looked at after the reading: nothing is given that was written after a removal, or under another epoch.
        members, heads = await asyncio.gather(
            self._members(consumer, [*map(_id, now)]), self._store.log.heads([*map(_id, now)])
        )
        given = [
            one
            for one in read
            if one.is_deleted
            or (one.place.room_id in members and _epoch_in(heads, one.place.room_id) == one.place.epoch)
        ]
        self.given_count += sum(len(one.entries) for one in given)
        rooms = [one.place.room_id for one in given]
        unread = [_id(one) for one in now if _id(one) in members and _id(one) not in rooms]
        is_cut = any(one.lag > share for one, share in zip(now, shares, strict=True))
        return Reading(
            given,
            [*map(_id, later), *unread],
            token_of(consumer.id, [one.place for one in given]) if given else None,
            bool(later or unread) or is_cut,
        )

    async def ack(
        self, user_id: str, name: str, token: str, *, bound: Collection[str] | None = None
    ) -> Consumer:
        """Store that a reader is done with what it was given under a token. Repeating it changes nothing.

        With `bound` that counts for these rooms only. Raises `NotFound`, and `BadCursor` for a token that this consumer
        was never given.
        """
        consumer = await self.get(user_id, name)
        given = places_of(consumer.id, token)
        places = {one.room_id: one for one in given if bound is None or one.room_id in bound}
        progress = await self._progress(consumer, [*places])
        reached = [_reached(places[room_id], one) for room_id, one in progress.items()]
        positions = [position for position in reached if position is not None]
        if positions:
            await self._store.positions.advance(consumer.lease, positions)
        gone = [
            room_id for room_id, one in progress.items() if one.is_deleted and places[room_id].epoch is None
        ]
        if gone:
            await self._store.positions.drop(consumer.lease, gone)
        self.ack_count += 1
        at = now_ms()
        if consumer.acked_at is None or at - consumer.acked_at >= ACK_MS:
            await self._store.consumers.note_ack(consumer, at)
        return consumer

    # -- where a reader is

    async def _rooms_of(self, user_id: str) -> list[str]:
        return (await self._store.members.rooms_of([user_id])).get(user_id, [])

    async def _progress(self, consumer: Consumer, room_ids: Sequence[str]) -> dict[str, Progress]:
        return await self._store.positions.get_many(consumer.follower, room_ids) if room_ids else {}

    async def _begin_now(self, consumer: Consumer) -> None:
        """Store positions at the ends of the logs of all rooms that the user is in."""
        rooms = await self._rooms_of(consumer.user_id)
        for start in range(0, len(rooms), SLICE):
            heads = await self._store.log.heads(rooms[start : start + SLICE])
            ends = [FollowerPosition(head.room_id, head.epoch, head.seq) for head in heads.values()]
            await self._store.positions.advance(consumer.lease, ends)

    async def _epoch_of_lobby(self) -> str | None:
        """Return the epoch of the lobby: another one than before says that the logs of all rooms have begun anew."""
        return _epoch_in(await self._store.log.heads([LOBBY_ID]), LOBBY_ID)

    async def _due(self, consumer: Consumer, room_ids: Sequence[str]) -> list[Due]:
        """Return where a reader goes on in these rooms, in their order, or begins where it has no position."""
        progress = await self._progress(consumer, room_ids)
        found = [progress[room_id] for room_id in room_ids if room_id in progress]
        new = [one for one in found if one.position is None and not one.is_deleted]
        begins = await self._begins(consumer, new) if consumer.start is Start.NOW else dict[str, int]()
        # A copy that was restored knows nothing of what a reader without a position was given after it was taken.
        may_be_reset = any(one.began for one in new)
        is_reset = may_be_reset and await self._epoch_of_lobby() != consumer.lobby_epoch
        return [due_in(one, begins.get(one.head.room_id, 0), is_reset=is_reset) for one in found]

    async def _begins(self, consumer: Consumer, new: Sequence[Progress]) -> dict[str, int]:
        """Return the seqs after which a reader that starts now begins in rooms that its user joined later."""
        heads = {one.head.room_id: one.head for one in new}
        members = await self._store.members.get_many([(room_id, consumer.user_id) for room_id in heads])
        slots = asyncio.Semaphore(SEARCHES)

        async def begin(member: Member) -> tuple[str, int]:
            async with slots:
                return member.room_id, await self._joined(member, heads[member.room_id])

        return dict(await asyncio.gather(*map(begin, members.values())))

    async def _joined(self, member: Member, head: Head) -> int:
        """Return the seq before the entry with which a member came. It is searched for once, while it is remembered."""
        key = (member.room_id, member.user_id, member.joined_at, head.epoch)
        if (seq := self._joined_at.get(key)) is None:
            seq = self._joined_at[key] = await self._search(member, head.seq)
        self._joined_at.move_to_end(key)
        if len(self._joined_at) > REMEMBERED:
            self._joined_at.popitem(last=False)
        return seq

    async def _search(self, member: Member, head: int) -> int:
        """Return the seq before the entry with which a member came, or that of the time of it.

        The times of entries grow with their seqs, but for the differences between the clocks of nodes.
        """
        low, high = 0, head
        while low < high:
            middle = (low + high) // 2
            found = await self._store.log.entries(member.room_id, after=middle, limit=1)
            if found and (found[0].at or 0) < member.joined_at:
                low = middle + 1
            else:
                high = middle
        near = await self._store.log.entries(member.room_id, after=max(0, low - NEAR), limit=2 * NEAR)
        came = (one.seq for one in near if _is_coming(one, member))
        return next(came, low + 1) - 1

    # -- what it is given

    async def _members(self, consumer: Consumer, room_ids: Sequence[str]) -> set[str]:
        """Return those of these rooms that the user may read now."""
        found = await self._store.members.get_many([(room_id, consumer.user_id) for room_id in room_ids])
        return {
            room_id
            for (room_id, _), member in found.items()
            if policy.allows(Operation.READ_LOG, policy.facts_of(member))
        }

    async def _read(self, due: Sequence[Due], shares: Sequence[int]) -> list[Given]:
        """Read the shares of these rooms, until the page is full: a later room may be left out, but not an entry."""
        given, space = list[Given](), PAGE_BYTES
        for some in slices(shares, AT_ONCE):
            logs = await self._entries(due[some], shares[some])
            for one, share in zip(due[some], shares[some], strict=True):
                entries = logs.get(_id(one), ())[:share]
                fitting, space = fitting_of(entries, space, is_first=not given)
                if fitting or one.is_reset or one.progress.is_deleted:
                    given.append(given_of(one, fitting))
                if len(fitting) < len(entries) or space <= 0:
                    return given
        return given

    async def _entries(self, due: Sequence[Due], shares: Sequence[int]) -> dict[str, Sequence[Entry]]:
        """Return what is next in these rooms: of each its share, or more where another has a larger one."""
        after = {_id(one): one.after for one, share in zip(due, shares, strict=True) if share}
        if not after:
            return {}
        news = await self._store.log.news(after, limit=max(shares))
        return {one.head.room_id: one.entries for one in news}


def _id(due: Due) -> str:
    return due.progress.head.room_id


def _epoch_in(heads: Mapping[str, Head], room_id: str) -> str | None:
    """Return the epoch of a room; None where it was deleted meanwhile."""
    head = heads.get(room_id)
    return None if head is None else head.epoch


def _require_within(consumer: Consumer, bound: Collection[str] | None) -> None:
    """Raise `Forbidden` for a consumer that reads other rooms than those in `bound`."""
    if bound is not None and (consumer.room_ids is None or not {*consumer.room_ids} <= {*bound}):
        raise Forbidden("The token is bound to certain rooms")


def _wanted(consumer: Consumer, room_ids: Sequence[str]) -> list[str]:
    """Return those of these rooms that a consumer reads."""
    wanted: Collection[str] | None = None if consumer.room_ids is None else frozenset(consumer.room_ids)
    return [room_id for room_id in room_ids if wanted is None or room_id in wanted]


def _reached(place: GivenUpTo, progress: Progress) -> FollowerPosition | None:
    """Return the position that a place stands for; None where it stands for none, or for one of an earlier epoch."""
    stored, head = progress.position, progress.head
    if place.epoch is None or progress.is_deleted:
        return None
    if place.epoch == head.epoch:
        return FollowerPosition(head.room_id, head.epoch, min(place.seq, head.seq))
    if stored is not None and stored.epoch == head.epoch:
        return None
    return FollowerPosition(head.room_id, place.epoch, place.seq)


def _is_coming(entry: Entry, member: Member) -> bool:
    """Say whether an entry is the one with which a member came."""
    return (
        entry.kind == Kind.MEMBER
        and entry.user_id == member.user_id
        and entry.at == member.joined_at
        and entry.data.get("role") is not None
    )
