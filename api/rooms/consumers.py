"""Consumers: readers of all rooms of a user, whose positions the server keeps.

A reader is given entries again until it acknowledges them. So it misses none, and who answers under the ref
`consumer:room:seq` answers each once.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from api.clock import now_ms
from api.errors import Invalid, NotFound
from api.ids import random_id
from api.models.consumers import Consumer, Given, GivenUpTo
from api.models.followers import FollowerPosition, Progress, Start
from api.models.log import Entry, Head, Kind
from api.models.page import PAGE_BYTES
from api.models.rooms import Member
from api.rooms import policy
from api.rooms.ack_tokens import places_of, token_of
from api.rooms.operations import Operation
from api.rooms.shares import fair_shares
from api.store.base.store import Store

MOST_ROOMS: Final = 100
"""A page has entries of at most this many rooms, so that its token stays short."""
AT_ONCE: Final = 8
"""The logs of this many rooms are read at the same time."""
SLICE: Final = 500
"""The store is asked about this many rooms at once."""
ACK_MS: Final = 60_000
"""The time of an ack is stored at most once in this time."""
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


class _Due(NamedTuple):
    """A room that has something for a reader, from the seq after `after` on."""

    progress: Progress
    after: int

    @property
    def lag(self) -> int:
        return 0 if self.progress.is_deleted else max(0, self.progress.head.seq - self.after)

    @property
    def is_reset(self) -> bool:
        position = self.progress.position
        return position is not None and position.epoch != self.progress.head.epoch

    @property
    def has_news(self) -> bool:
        if self.progress.is_deleted:
            return self.progress.position is not None
        return self.lag > 0 or self.is_reset


class ConsumerService:
    """Makes and ends consumers, gives readers what is next, and stores how far they have come."""

    def __init__(self, store: Store, *, per_user: int) -> None:
        self._store = store
        self._per_user = per_user
        self.given_count = 0
        self.ack_count = 0

    async def put(
        self, user_id: str, name: str, *, room_ids: Sequence[str] | None, start: Start
    ) -> tuple[Consumer, bool]:
        """Make a consumer, or give the one of this name other rooms. Return it, and whether it is new.

        Raises `Invalid` where the user has as many as they may. `start` counts for a new one only.
        """
        rooms = None if room_ids is None else tuple(dict.fromkeys(room_ids))
        consumer = Consumer(random_id(), user_id, name, rooms, start, now_ms())
        mine = await self._store.consumers.of_user(user_id)
        if all(one.name != name for one in mine):
            if len(mine) >= self._per_user:
                raise Invalid("That would be more consumers than anybody may have", code="limit")
            if start is Start.NOW:
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

    async def delete(self, user_id: str, name: str) -> None:
        """End a consumer, and forget how far it has come. Raises `NotFound`."""
        await self._store.consumers.delete(await self.get(user_id, name))

    async def lag(self, consumer: Consumer, *, bound: Collection[str] | None = None) -> int:
        """Return how many entries of the rooms that the user is in now the reader has not acknowledged yet.

        With `bound` only those of these rooms count.
        """
        mine = await self._rooms_of(consumer.user_id)
        rooms = _wanted(consumer, [room_id for room_id in mine if bound is None or room_id in bound])
        lag = 0
        for start in range(0, len(rooms), SLICE):
            progress = await self._progress(consumer, rooms[start : start + SLICE])
            lag += sum([_Due(one, await self._begin(consumer, one)).lag for one in progress.values()])
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
        wanted = _wanted(consumer, room_ids)
        progress = await self._progress(consumer, wanted)
        found = [_Due(one, await self._begin(consumer, one)) for one in map(progress.get, wanted) if one]
        due = [one for one in found if one.has_news]
        most = min(limit, MOST_ROOMS)
        now, later = due[:most], due[most:]
        if not now:
            return NOTHING
        shares = fair_shares([one.lag for one in now], limit)
        read = await self._read(now, shares)
        # Looked at after the reading: nothing is given that was written after a removal, or under another epoch.
        members, heads = await asyncio.gather(
            self._members(consumer, now), self._store.log.heads([*map(_id, now)])
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

    async def ack(self, user_id: str, name: str, token: str) -> Consumer:
        """Store that a reader is done with what it was given under a token. Repeating it changes nothing.

        Raises `NotFound`, and `BadCursor` for a token that this consumer was never given.
        """
        consumer = await self.get(user_id, name)
        places = {place.room_id: place for place in places_of(consumer.id, token)}
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

    async def _begin(self, consumer: Consumer, progress: Progress) -> int:
        """Return the seq after which a reader goes on in a room, or begins where it has no position."""
        if progress.reached is not None:
            return progress.reached
        if consumer.start is Start.BEGINNING or progress.is_deleted:
            return 0
        member = await self._store.members.get(progress.head.room_id, consumer.user_id)
        return 0 if member is None else await self._joined(member, progress.head.seq)

    async def _joined(self, member: Member, head: int) -> int:
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

    async def _members(self, consumer: Consumer, due: Sequence[_Due]) -> set[str]:
        """Return those of these rooms that the user may read now."""
        found = await self._store.members.get_many([(_id(one), consumer.user_id) for one in due])
        return {
            room_id
            for (room_id, _), member in found.items()
            if policy.allows(Operation.READ_LOG, policy.facts_of(member))
        }

    async def _read(self, due: Sequence[_Due], shares: Sequence[int]) -> list[Given]:
        """Read the shares of these rooms, until the page is full: a later room may be left out, but not an entry."""
        given, space = list[Given](), PAGE_BYTES
        for start in range(0, len(due), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            logs = await asyncio.gather(*map(self._entries, due[some], shares[some]))
            for one, entries in zip(due[some], logs, strict=True):
                fitting, space = _fitting(entries, space, is_first=not given)
                if fitting or one.is_reset or one.progress.is_deleted:
                    given.append(_what(one, fitting))
                if len(fitting) < len(entries) or space <= 0:
                    return given
        return given

    async def _entries(self, due: _Due, share: int) -> list[Entry]:
        if not share:
            return []
        return await self._store.log.entries(_id(due), after=due.after, limit=share)


def _id(due: _Due) -> str:
    return due.progress.head.room_id


def _epoch_in(heads: Mapping[str, Head], room_id: str) -> str | None:
    """Return the epoch of a room; None where it was deleted meanwhile."""
    head = heads.get(room_id)
    return None if head is None else head.epoch


def _wanted(consumer: Consumer, room_ids: Sequence[str]) -> list[str]:
    """Return those of these rooms that a consumer reads."""
    wanted: Collection[str] | None = None if consumer.room_ids is None else frozenset(consumer.room_ids)
    return [room_id for room_id in room_ids if wanted is None or room_id in wanted]


def _what(due: _Due, entries: Sequence[Entry]) -> Given:
    head = due.progress.head
    if due.progress.is_deleted:
        return Given(GivenUpTo(head.room_id, None, 0), is_deleted=True)
    seq = entries[-1].seq if entries else due.after
    return Given(GivenUpTo(head.room_id, head.epoch, seq), entries, due.after if due.is_reset else None)


def _fitting(entries: Sequence[Entry], space: int, *, is_first: bool) -> tuple[list[Entry], int]:
    """Return the entries that fit into so many bytes, and how many are left. The first of a page always fits."""
    fitting = list[Entry]()
    for entry in entries:
        space -= len(orjson.dumps(entry.data))
        if space < 0 and (fitting or not is_first):
            break
        fitting.append(entry)
    return fitting, space


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
