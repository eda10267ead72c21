"""Appends what members write to the logs of rooms: admits it, and looks again when a membership changes meanwhile."""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from api.clock import now_ms
from api.errors import MembershipChanged, SlowMode, TailwireError, Unavailable
from api.limits.memory import Memory
from api.limits.quotas import Quota, note
from api.limits.throttles import Throttles
from api.models.log import Appended, Draft, Entry, EntryData, Kind
from api.models.rooms import Member, SlowTurn
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.rooms.pairs import Pairs
from api.store.base.store import Store

MS_PER_SECOND: Final = 1_000
MAX_LOOKS: Final = 5
"""An entry is tried this often while its author's membership keeps changing."""


@dataclass(slots=True)
class Author:
    """Who writes. `known` are memberships of theirs by room id, which may have been read a while ago.

    A membership that is read is added to them, if they are fewer than `most_known`.
    """

    user_id: str
    known: dict[str, Member] = field(default_factory=dict)
    most_known: int = 1


class Writing:
    """Appends entries of members. Sockets and HTTP both use it.

    An entry is admitted first. Then its service checks what is special about it, and appends it. Methods raise
    `Forbidden` for what the author may see but not do, and `NotFound` for what they may not see.
    """

    def __init__(
        self,
        store: Store,
        members: MemberService,
        pairs: Pairs,
        throttles: Throttles,
        memory: Memory,
    ) -> None:
        self._store = store
        self._members = members
        self._pairs = pairs
        self._throttles = throttles
        self._memory = memory
        self.counts: Counter[str] = Counter()
        """How many entries of each kind were stored here. Retries do not count."""
        self.mention_counts: Counter[str] = Counter()
        """How many of them mention `users`, and how many everybody in their `room`."""

    async def begin(self, author: Author, room_id: str, operation: Operation) -> Member:
        """Return the membership by which an author may do an operation, and count it in their rate.

        Raises `RateLimited`, and `Unavailable` while memory is short.
        """
        member = author.known.get(room_id)
        if member is None or not policy.allows(operation, policy.facts_of(member)):
            member = await self._look(author, room_id, operation)  # what is known may be old
        if operation is not Operation.DELETE:
            await self._pairs.require_open(room_id)
        self._memory.require()
        self._throttles.send(author.user_id)
        return member

    async def append(  # noqa: PLR0913  an entry and how it is admitted
        self,
        author: Author,
        member: Member,
        operation: Operation,
        kind: Kind,
        data: EntryData,
        *,
        ref: str | None,
        epoch: str | None = None,
        unmentioned: frozenset[str] = frozenset(),
    ) -> Appended:
        """Append an entry of a member, who has been admitted with `member`. Raises what `LogStore.append` raises.

        The store appends nothing if the membership or the room has changed since it was read. Then it is read and
        checked again. Raises `SlowMode` for a message that comes too early; a retry of one that is stored never does.
        """
        draft = Draft(kind, member.user_id, member.username, now_ms(), ref, data, unmentioned)
        turn: SlowTurn | None = None
        for _ in range(MAX_LOOKS):
            if kind is Kind.MESSAGE and turn is None and policy.is_slowed(member):
                turn = await self._take_turn(member, draft)
            try:
                appended = await self._store.log.append(member.room_id, draft, author=member, epoch=epoch)
            except MembershipChanged:
                member = await self._look(author, member.room_id, operation)
            except Unavailable:
                raise  # it may be stored
            except TailwireError:
                if turn is not None:
                    await self._store.pauses.give_back(member.room_id, member.user_id, draft.ref or "", turn)
                raise
            else:
                if appended.is_new:
                    self._count(appended.entry)
                return appended
        raise Unavailable

    async def _take_turn(self, member: Member, draft: Draft) -> SlowTurn | None:
        """Take a member's turn for a message. Returns None for one that is stored, and raises `SlowMode`."""
        room_id, pause_ms = member.room_id, member.writable.slow_seconds * MS_PER_SECOND
        if draft.ref is None or await self._store.log.is_stored(room_id, draft):
            return None
        turn = await self._store.pauses.take_turn(
            room_id, member.user_id, draft.ref, at=draft.at, pause_ms=pause_ms
        )
        if turn.wait_ms > 0:
            note(Quota("slow_mode", 1, pause_ms / MS_PER_SECOND, 0, turn.wait_ms / MS_PER_SECOND))
            raise SlowMode(retry_after_seconds=ceil(turn.wait_ms / MS_PER_SECOND))
        return turn

    def _count(self, entry: Entry) -> None:
        self.counts[entry.kind] += 1
        for field_name, of in (("mentions", "users"), ("mentions_all", "room")):
            if entry.data.get(field_name):
                self.mention_counts[of] += 1

    async def _look(self, author: Author, room_id: str, operation: Operation) -> Member:
        author.known.pop(room_id, None)
        member = await self._members.require(room_id, author.user_id, operation)
        if len(author.known) < author.most_known:
            author.known[room_id] = member
        return member
