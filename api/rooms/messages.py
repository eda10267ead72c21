"""Sends messages to rooms, and reads their history and log."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from api.clock import now_ms
from api.errors import EpochChanged, FieldError, Invalid, MembershipChanged, NotFound, Unavailable
from api.limits.memory import Memory
from api.limits.throttles import Throttles
from api.models.log import Appended, Draft, Entry, Head, History, Kind, Message, Timeline
from api.models.rooms import Member
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.policy import Facts, Operation
from api.store.base.store import Store

MAX_LOOKS: Final = 5
"""A message is tried this often while its author's membership keeps changing."""


class SendResult(NamedTuple):
    """A stored message, and the current membership of its author."""

    appended: Appended
    member: Member


class StoredMessage(NamedTuple):
    """A stored message as it is now. `is_new` is False when its ref was stored before."""

    message: Message
    is_new: bool


@dataclass(frozen=True, slots=True)
class LogPage:
    """Raw entries in order, and the head of the log."""

    entries: list[Entry]
    head: Head


class MessageService:
    """Writes and reads messages.

    Methods raise `Forbidden` for what a user may see but not do. They raise `NotFound` for what a user may not see, as
    for what does not exist.
    """

    def __init__(self, store: Store, members: MemberService, throttles: Throttles, memory: Memory) -> None:
        self._store = store
        self._members = members
        self._throttles = throttles
        self._memory = memory
        self.sent_count = 0

    async def send(self, member: Member, ref: str, body: str, reply_to: int | None) -> SendResult:
        """Append a member's message to the log. Sockets and HTTP both use this method.

        `member` may have been read a while ago. The policy is checked with it, and the store appends nothing if it has
        changed since; then it is read again. Raises `RateLimited`, `Invalid` when `reply_to` is no message,
        `RefConflict`, `StorageFull`, and `Unavailable`, also while memory is short.
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
                appended = await self._store.log.append(member.room_id, draft, author=member)
            except MembershipChanged:
                member = await self._members.require(member.room_id, member.user_id, Operation.SEND)
            else:
                self.sent_count += appended.is_new
                return SendResult(appended, member)
        raise Unavailable

    async def post(
        self, room_id: str, user_id: str, ref: str, body: str, reply_to: int | None
    ) -> StoredMessage:
        """Send a message and return it as it is now. Raises what `send` raises."""
        member = await self._members.require(room_id, user_id, Operation.SEND)
        appended, _ = await self.send(member, ref, body, reply_to)
        message = await self._store.log.message(room_id, appended.entry.seq)
        if message is None:
            raise NotFound
        return StoredMessage(message, appended.is_new)

    async def history(
        self, room_id: str, user_id: str, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """Return a page of messages, oldest first: the newest ones, those before a seq, or those after one."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        return await self._store.log.history(room_id, before=before, after=after, limit=limit)

    async def timeline(
        self, room_id: str, user_id: str, *, before: int | None, after: int | None, limit: int
    ) -> Timeline:
        """Return a page as `history` does, with the notices between the messages."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        return await self._store.log.timeline(room_id, before=before, after=after, limit=limit)

    async def message(self, room_id: str, user_id: str, seq: int) -> Message:
        """Return one message."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        found = await self._store.log.message(room_id, seq)
        if found is None:
            raise NotFound
        return found

    async def log(self, room_id: str, user_id: str, *, after: int, limit: int, epoch: str | None) -> LogPage:
        """Return raw entries after a seq. Raises `EpochChanged` if `epoch` is given and is not the log's."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        head = (await self._store.log.heads([room_id])).get(room_id)
        if head is None:
            raise NotFound
        if epoch is not None and epoch != head.epoch:
            raise EpochChanged
        limit = min(limit, head.seq - after)  # no entries past the head that is returned
        entries = await self._store.log.entries(room_id, after=after, limit=limit) if limit > 0 else []
        return LogPage(entries, head)
