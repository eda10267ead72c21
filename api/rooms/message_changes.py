"""Changes messages that are there: edits, deletes and pins them, and reacts to them."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from api.errors import EpochChanged, Forbidden, NotFound
from api.models.accounts import Audited, Record
from api.models.log import Appended, EntryData, Kind, Message
from api.models.moderation import Cleared
from api.models.rooms import Member
from api.rooms import policy
from api.rooms.attachments import AttachmentService
from api.rooms.members import MemberService
from api.rooms.mentions import MentionService
from api.rooms.operations import Operation
from api.rooms.writing import Author, Writing
from api.store.base.store import Store
from api.store.reads import BatchedReads

MOST_CLEARED: Final = 1_000
"""One call of `clear` deletes at most this many messages."""
CLEARING_SECONDS: Final = 5.0
"""It begins no further deletes after this time, so that it answers before clients give up."""
CLEARED_AT_ONCE: Final = 100
"""It has this many deletes under way: the store writes them together."""


class MessageChanges:
    """Appends entries that change messages.

    Methods return the entry, or the one that stands in its place: `LogStore.append` says when. They raise what
    `Writing` raises: `EpochChanged` if `epoch` is given and is not the room's, `NotFound` for a seq that is no
    message's, and `Deleted`.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        reads: BatchedReads,
        members: MemberService,
        mentions: MentionService,
        writing: Writing,
        record: Record,
        attachments: AttachmentService | None,
    ) -> None:
        self._store = store
        self._reads = reads
        self._members = members
        self._mentions = mentions
        self._writing = writing
        self._record = record
        self._attachments = attachments

    async def edit(  # noqa: PLR0913  the fields of the command
        self, author: Author, room_id: str, seq: int, body: str, *, ref: str | None, epoch: str | None
    ) -> Appended:
        """Give an author's own message another body."""
        member = await self._writing.begin(author, room_id, Operation.EDIT)
        message = await self._message(room_id, seq, epoch)
        if message.user_id != author.user_id:
            raise Forbidden("Only its author edits a message")
        mentions = await self._mentions.fields(member, body, also=await self._answered(message))
        data: EntryData = {"target": seq, "body": body, **mentions}
        return await self._writing.append(
            author, member, Operation.EDIT, Kind.EDIT, data, ref=ref, epoch=epoch
        )

    async def delete(
        self, author: Author, room_id: str, seq: int, *, ref: str | None, epoch: str | None
    ) -> Appended:
        """Delete a message: one's own, or as an owner or moderator those of whom one governs, or who are gone."""
        member = await self._writing.begin(author, room_id, Operation.DELETE)
        message = await self._message(room_id, seq, epoch)
        operation = await self._deletion(member, message)
        if operation is Operation.DELETE_OTHERS and message.files:
            await self._record(
                Audited.FILES_DELETED,
                actor_id=author.user_id,
                subject_id=message.user_id,
                address=None,
                room_id=room_id,
            )
        data: EntryData = {"target": seq}
        appended = await self._writing.append(
            author, member, operation, Kind.DELETE, data, ref=ref, epoch=epoch
        )
        if message.files or message.previews:
            await self._give_up_files(room_id, [seq], message)
        return appended

    async def remove_previews(
        self, author: Author, room_id: str, seq: int, *, ref: str | None, epoch: str | None
    ) -> Appended:
        """Take away the previews of links in a message, so that none come any more: whoever may delete it may do this.

        A follower lets their pictures go.
        """
        member = await self._writing.begin(author, room_id, Operation.DELETE)
        message = await self._message(room_id, seq, epoch)
        operation = await self._deletion(member, message)
        data: EntryData = {"target": seq, "removed": True}
        return await self._writing.append(author, member, operation, Kind.PREVIEW, data, ref=ref, epoch=epoch)

    async def clear(
        self, author: Author, room_id: str, user_id: str, *, since: int, address: str | None
    ) -> Cleared:
        """Delete the messages that a user wrote in a room since a time, the newest first: one's own, or as `delete`.

        They are erased as by `delete`, and at most `MOST_CLEARED` by one call. It is in the audit log before it begins.
        """
        member = await self._writing.begin(author, room_id, Operation.DELETE)
        operation = Operation.DELETE
        if user_id != author.user_id:
            operation = Operation.DELETE_OTHERS
            await self._require_reach(member, user_id)
        seqs = await self._store.log.messages_by(room_id, user_id, since=since, limit=MOST_CLEARED + 1)
        if seqs:
            await self._record(
                Audited.CLEARED,
                actor_id=author.user_id,
                subject_id=user_id,
                address=address,
                room_id=room_id,
            )
        until, done, deleted = time.monotonic() + CLEARING_SECONDS, 0, 0
        while done < min(len(seqs), MOST_CLEARED) and time.monotonic() < until:
            some = seqs[done : min(done + CLEARED_AT_ONCE, MOST_CLEARED)]
            deletes = (
                self._writing.append(author, member, operation, Kind.DELETE, {"target": seq}, ref=None)
                for seq in some
            )
            async with asyncio.TaskGroup() as tasks:
                appended = [tasks.create_task(delete) for delete in deletes]
            await self._give_up_files(room_id, some)
            deleted += sum(one.result().is_new for one in appended)
            done += len(some)
        return Cleared(deleted, has_more=done < len(seqs))

    async def react(  # noqa: PLR0913  the fields of the command
        self,
        author: Author,
        room_id: str,
        seq: int,
        emoji: str,
        *,
        added: bool,
        ref: str | None,
        epoch: str | None,
    ) -> Appended:
        """React to a message with an emoji in its normal form, or take that back. Raises `Invalid` at the limit."""
        data: EntryData = {"target": seq, "emoji": emoji, "added": added}
        return await self._write(author, room_id, Operation.REACT, Kind.REACTION, data, ref, epoch)

    async def pin(  # noqa: PLR0913  the fields of the command
        self, author: Author, room_id: str, seq: int, *, pinned: bool, ref: str | None, epoch: str | None
    ) -> Appended:
        """Pin a message, or unpin it. Raises `Invalid` at the limit."""
        data: EntryData = {"target": seq, "pinned": pinned}
        return await self._write(author, room_id, Operation.PIN, Kind.PIN, data, ref, epoch)

    async def _write(  # noqa: PLR0913, PLR0917  an entry and how it is admitted
        self,
        author: Author,
        room_id: str,
        operation: Operation,
        kind: Kind,
        data: EntryData,
        ref: str | None,
        epoch: str | None,
    ) -> Appended:
        member = await self._writing.begin(author, room_id, operation)
        return await self._writing.append(author, member, operation, kind, data, ref=ref, epoch=epoch)

    async def _give_up_files(self, room_id: str, seqs: Sequence[int], message: Message | None = None) -> None:
        """Let what the deleted messages had go before the delete is answered. A follower does it after a crash."""
        if self._attachments is not None:
            await self._attachments.deleted(room_id, seqs, message)

    async def _message(self, room_id: str, seq: int, epoch: str | None) -> Message:
        """Return the message to change. Of another epoch than the caller's, its seq may be another message's."""
        if epoch is not None:
            head = await self._reads.head(room_id)
            if head is not None and head.epoch != epoch:
                raise EpochChanged
        found = await self._store.log.message(room_id, seq)
        if found is None:
            raise NotFound
        return found

    async def _answered(self, message: Message) -> str | None:
        """Return the author whom a message answers, if that is another user: they are mentioned, whatever it says."""
        if message.reply_to is None:
            return None
        found = await self._store.log.message(message.room_id, message.reply_to)
        return None if found is None or found.user_id == message.user_id else found.user_id

    async def _deletion(self, member: Member, message: Message) -> Operation:
        """Say whether a member deletes a message of their own or one of others. Raises `Forbidden`."""
        if message.user_id == member.user_id:
            return Operation.DELETE
        await self._require_reach(member, message.user_id)
        return Operation.DELETE_OTHERS

    async def _require_reach(self, member: Member, author_id: str) -> None:
        policy.require(Operation.DELETE_OTHERS, policy.facts_of(member))
        theirs = await self._reads.member(member.room_id, author_id)
        policy.require_governed_author(member.rights, None if theirs is None else theirs.rights)
