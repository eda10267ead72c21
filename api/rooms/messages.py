"""What is written in rooms: how members send it and read it."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from api.clock import now_ms
from api.errors import EpochChanged, FieldError, Invalid, MembershipChanged, NotFound, Unavailable
from api.limits.memory import Memory
from api.limits.throttles import Throttles
from api.models.log import Appended, Draft, Entry, Head, History, Kind, Message
from api.models.rooms import Member
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.policy import Facts, Operation
from api.store.base.store import Store

MAX_LOOKS: Final = 5
"""Looks at a membership that changes while its member writes, before giving up."""


class SendResult(NamedTuple):
    """A message that is stored, and the membership by which it was written."""

    appended: Appended
    member: Member


class StoredMessage(NamedTuple):
    """A message that is stored, as it stands now. `is_new` is False when its ref was stored before."""

    message: Message
    is_new: bool


@dataclass(frozen=True, slots=True)
class LogPage:
    """Raw entries in order, and where the log ends."""

    entries: list[Entry]
    head: Head


class MessageService:
    """See the module.

    What a user may see and not do raises `Forbidden`; what they may not see raises `NotFound`, like what is not there.
    """

    def __init__(self, store: Store, members: MemberService, throttles: Throttles, memory: Memory) -> None:
        self._store = store
        self._members = members
        self._throttles = throttles
        self._memory = memory

    async def send(self, member: Member, ref: str, body: str, reply_to: int | None) -> SendResult:
        """Write a message of a member; the one way in, for sockets and HTTP.

        A membership that was looked at a while ago will do: the policy is asked about it here, and the store appends
        nothing when it has changed since. Then it is looked at again. Raises `RateLimited`, `Invalid` for an answer
        to no message, `RefConflict`, `StorageFull`, and `Unavailable`, also while memory is short.
        """
        policy.require(Operation.SEND, Facts(member.role))
        self._memory.require()
        self._throttles.send(member.user_id)
        if reply_to is not None and await self._store.log.message(member.room_id, reply_to) is None:
            raise Invalid(errors=(FieldError(("reply_to",), "is not the seq of a message of this room"),))
        draft = Draft(
            kind=Kind.MESSAGE,
            user_id=member.user_id,
            username=member.username,
            at=now_ms(),
            ref=ref,
            data={"body": body, "reply_to": reply_to},
        )
        for _ in range(MAX_LOOKS):
            try:
                return SendResult(await self._store.log.append(member.room_id, draft, author=member), member)
            except MembershipChanged:
                member = await self._members.require(member.room_id, member.user_id, Operation.SEND)
        raise Unavailable

    async def post(self, room_id: str, user_id: str, ref: str, body: str, reply_to: int | None) -> StoredMessage:
        """Send a message and return it. Raises as `send` does."""
        member = await self._members.require(room_id, user_id, Operation.SEND)
        appended, _ = await self.send(member, ref, body, reply_to)
        message = await self._store.log.message(room_id, appended.entry.seq)
        if message is None:
            raise NotFound
        return StoredMessage(message, appended.is_new)

    async def history(
        self, room_id: str, user_id: str, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """Return the newest messages, those before a seq, or those after one; oldest first."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        return await self._store.log.history(room_id, before=before, after=after, limit=limit)

    async def message(self, room_id: str, user_id: str, seq: int) -> Message:
        """Return one message."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        found = await self._store.log.message(room_id, seq)
        if found is None:
            raise NotFound
        return found

    async def log(self, room_id: str, user_id: str, *, after: int, limit: int, epoch: str | None) -> LogPage:
        """Return raw entries after a seq. Raises `EpochChanged` unless the log is still of this epoch."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        head = (await self._store.log.heads([room_id])).get(room_id)
        if head is None:
            raise NotFound
        if epoch is not None and epoch != head.epoch:
            raise EpochChanged
        limit = min(limit, head.seq - after)  # entries that came since are past the `seq` that is told
        entries = await self._store.log.entries(room_id, after=after, limit=limit) if limit > 0 else []
        return LogPage(entries, head)
