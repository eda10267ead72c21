"""Sends messages to rooms, and reads their history and log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.errors import BadFile, EpochChanged, NotFound, TailwireError, Unavailable
from api.models.log import Appended, Around, Edits, Entry, EntryData, Head, History, Kind, Message, Timeline
from api.models.page import Page
from api.rooms.attachments import AttachmentService
from api.rooms.members import MemberService
from api.rooms.mentions import MentionService
from api.rooms.operations import Operation
from api.rooms.writing import Author, Writing
from api.store.base.store import Store
from api.store.fold import UNCHANGED, folded


class StoredMessage(NamedTuple):
    """A message that is stored. `is_new` is False when its ref was stored before."""

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

    def __init__(
        self,
        store: Store,
        members: MemberService,
        mentions: MentionService,
        writing: Writing,
        attachments: AttachmentService | None,
    ) -> None:
        self._attachments = attachments
        self._store = store
        self._members = members
        self._mentions = mentions
        self._writing = writing

    async def send(  # noqa: PLR0913  the fields of the command
        self,
        author: Author,
        room_id: str,
        ref: str,
        body: str,
        *,
        reply_to: int | None = None,
        files: Sequence[str] = (),
        epoch: str | None = None,
    ) -> Appended:
        """Append a message to the log, with these files of its author, which no other message has.

        Raises what `Writing` raises: `EpochChanged` if `epoch` is given and is not the room's, `NotFound` where
        `reply_to` is no message, `Deleted` where that is deleted, and `BadFile`.
        """
        member = await self._writing.begin(author, room_id, Operation.SEND)
        mentions = await self._mentions.fields(member, body)
        data: EntryData = {"body": body, "reply_to": reply_to, **mentions}
        if member.is_bot:
            data["is_bot"] = True
        unmentioned = await self._mentions.unmentioned(author.user_id, reply_to)
        attachments = self._attachments
        if files:
            if attachments is None:
                raise BadFile("This server takes no files")
            data["files"] = await attachments.claim(member, ref, body, reply_to, files)
        try:
            appended = await self._writing.append(
                author,
                member,
                Operation.SEND,
                Kind.MESSAGE,
                data,
                ref=ref,
                epoch=epoch,
                unmentioned=unmentioned,
            )
        except Unavailable:
            raise  # it may be stored
        except TailwireError:
            if files and attachments is not None:
                await attachments.release(member, ref, files)
            raise
        if files and attachments is not None:
            await attachments.sent(appended)
        return appended

    async def post(  # noqa: PLR0913  the fields of the command
        self,
        author: Author,
        room_id: str,
        ref: str,
        body: str,
        *,
        reply_to: int | None = None,
        files: Sequence[str] = (),
        epoch: str | None = None,
    ) -> StoredMessage:
        """Send a message and return it: as it is sent, or as it is now where it was stored before.

        Raises what `send` raises.
        """
        appended = await self.send(author, room_id, ref, body, reply_to=reply_to, files=files, epoch=epoch)
        if appended.is_new:
            return StoredMessage(folded(appended.entry, UNCHANGED), is_new=True)
        message = await self._store.log.message(room_id, appended.entry.seq)
        if message is None:
            raise NotFound
        return StoredMessage(message, is_new=False)

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

    async def around(self, room_id: str, user_id: str, seq: int, *, limit: int, with_notices: bool) -> Around:
        """Return the page in whose middle a seq stands, also where the entry there is none that is shown."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        log = self._store.log
        read = log.timeline if with_notices else log.history
        after_count = limit // 2
        before = await read(room_id, before=seq + 1, limit=limit - after_count)
        if not after_count:
            rest = await read(room_id, after=seq, limit=1)
            return Around(before.items, before.epoch, before.has_more, bool(rest.items))
        after = await read(room_id, after=seq, limit=after_count)
        if after.epoch != before.epoch:  # the database was set back in between
            return await self.around(room_id, user_id, seq, limit=limit, with_notices=with_notices)
        return Around([*before.items, *after.items], before.epoch, before.has_more, after.has_more)

    async def message(self, room_id: str, user_id: str, seq: int) -> Message:
        """Return one message."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        found = await self._store.log.message(room_id, seq)
        if found is None:
            raise NotFound
        return found

    async def thread(self, room_id: str, user_id: str, root: int, *, after: int, limit: int) -> History:
        """Return a page of the replies below a message, oldest first. A message that is a reply itself has none."""
        await self.message(room_id, user_id, root)
        return await self._store.log.thread(room_id, root, after=after, limit=limit)

    async def edits(self, room_id: str, user_id: str, seq: int, *, after: int, limit: int) -> Edits:
        """Return the edits of a message above the seq `after`, with the message as it was sent."""
        message = await self.message(room_id, user_id, seq)
        if message.deleted:
            return Edits(None, [], has_more=False)
        found = await self._store.log.changes_of(room_id, seq, Kind.EDIT, after=after, limit=limit + 1)
        sent = await self._store.log.entries(room_id, after=seq - 1, limit=1)
        shown = (*sent, *found)
        edits = [
            one for one in shown if one.data.get("body") or one.data.get("files")
        ]  # else deleted meanwhile
        return Edits(
            next((one for one in edits if one.kind == Kind.MESSAGE), None),
            [one for one in edits if one.kind == Kind.EDIT][:limit],
            has_more=len(found) > limit,
        )

    async def reactors(  # noqa: PLR0913  a list, and the page of it
        self, room_id: str, user_id: str, seq: int, emoji: str, *, cursor: str | None, limit: int
    ) -> Page[Entry]:
        """List who has reacted to a message with an emoji, as the reactions that stand. Raises `BadCursor`."""
        await self.message(room_id, user_id, seq)
        return await self._store.log.reactors(room_id, seq, emoji, cursor=cursor, limit=limit)

    async def pins(self, room_id: str, user_id: str) -> list[Message]:
        """Return the pinned messages of a room, that which was pinned last first."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        return await self._store.log.pins(room_id)

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
