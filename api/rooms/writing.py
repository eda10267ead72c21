"""Appends what members write to the logs of rooms: admits it, and looks again when a membership changes meanwhile."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from api.clock import now_ms
from api.errors import MembershipChanged, Unavailable
from api.limits.memory import Memory
from api.limits.throttles import Throttles
from api.models.log import Appended, Draft, Entry, EntryData, Kind
from api.models.rooms import Member
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.policy import Facts, Operation
from api.store.base.store import Store

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

    def __init__(self, store: Store, members: MemberService, throttles: Throttles, memory: Memory) -> None:
        self._store = store
        self._members = members
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
        member = author.known.get(room_id) or await self._look(author, room_id, operation)
        policy.require(operation, Facts(member.role))
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
    ) -> Appended:
        """Append an entry of a member, who has been admitted with `member`. Raises what `LogStore.append` raises.

        The store appends nothing if the membership has changed since it was read. Then it is read and checked again.
        """
        draft = Draft(kind, member.user_id, member.username, now_ms(), ref, data)
        for _ in range(MAX_LOOKS):
            try:
                appended = await self._store.log.append(member.room_id, draft, author=member, epoch=epoch)
            except MembershipChanged:
                member = await self._look(author, member.room_id, operation)
            else:
                if appended.is_new:
                    self._count(appended.entry)
                return appended
        raise Unavailable

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
