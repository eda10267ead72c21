"""Uploads files, and gives them to the messages that are sent with them."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from api.clock import now_ms
from api.errors import (
    BadFile,
    BadOffset,
    NotFound,
    Overloaded,
    QuotaReached,
    TooLarge,
    Unavailable,
)
from api.files.addresses import FileAddresses
from api.files.content_types import BINARY, HEAD_BYTES, HEIC, PICTURES, type_of
from api.files.names import name_in
from api.files.pictures import Pictures
from api.files.store import SPARE_BYTES, FileStore, Part
from api.ids import random_id
from api.limits.concurrency import ConcurrencyLimit
from api.models.attachments import Attachment, FileQuota, FileState, FoundFile, file_ids_in
from api.models.log import Appended, Draft, EntryData, Json, Kind, Message
from api.models.previews import picture_ids
from api.models.rooms import Member
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.rooms.served_files import ServedFiles, served_as
from api.rooms.writing import Author, Writing
from api.store.base.store import Store

__all__ = ["Attachment", "AttachmentService", "FileLimits", "FileParts", "file_bytes_of"]

USED: Final = "files"
"""Under this name the store keeps whether there ever was a file. Before that nobody looks for what to remove."""
MOST_PICTURE_BYTES: Final = 64 * 1024 * 1024
"""A picture of more bytes is kept as any other file, and is not shown."""
MOST_AT_ONCE: Final = 16
"""So many requests of a user add to files on a node at a time. A page sends three, and each may last for hours."""
TOUCH_SECONDS: Final = 300.0
"""So often is noted that an upload is coming. The sweep waits for an hour at least."""
_NOT_OWN: Final = {FileState.SENT, FileState.GONE}
MAX_CLAIMED_CHARACTERS: Final = 128


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The most bytes of one file, and of all files of a user and of the server."""

    file_bytes: int
    quota: FileQuota


@dataclass(frozen=True, slots=True)
class FileParts:
    """What files are made of: where their bytes are, how addresses are signed and pictures looked at, and limits."""

    store: FileStore
    addresses: FileAddresses
    pictures: Pictures
    limits: FileLimits

    @property
    def quota(self) -> FileQuota:
        """How much may be kept."""
        return self.limits.quota

    async def close(self) -> None:
        """End the processes that look at pictures, and the threads that read and write."""
        await self.pictures.close()
        await self.store.close()


def file_bytes_of(attachments: "AttachmentService | None") -> int:
    """Return how many bytes a file may have, or 0 where there are no files."""
    return 0 if attachments is None else attachments.limits.file_bytes


class AttachmentService:
    """The files of messages.

    A file is its uploader's until a message has it, and then of those who may read the message. Methods raise
    `NotFound` for a file that a user may not have, as for one that does not exist.
    """

    def __init__(self, store: Store, members: MemberService, writing: Writing, parts: FileParts) -> None:
        self._store = store
        self._members = members
        self._writing = writing
        self._files = parts.store
        self.served = ServedFiles(store, members, parts.store, parts.addresses)
        self._look = parts.pictures.look
        self.limits = parts.limits
        self._is_used = False
        self._adding: WeakValueDictionary[str, ConcurrencyLimit] = WeakValueDictionary()
        self._finishing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.on_used: Callable[[], None] = lambda: None
        """Is called when a file is uploaded."""
        self.on_gone: Callable[[], None] = lambda: None
        """Is called when a file is given up here."""
        self.pictures = parts.pictures.counts
        """How many pictures were `shown`, `refused`, and `given_up`."""
        self.counts: Counter[str] = Counter()
        """How many uploads were `begun`, became `whole`, and were `refused` when they were."""
        self.received_bytes = 0
        """How many bytes of files have come."""

    @property
    def sent_bytes(self) -> int:
        """How many bytes of files were sent."""
        return self.served.byte_count

    @property
    def downloads(self) -> int:
        """How many long files are being sent now."""
        return self.served.download_count

    @property
    def reads(self) -> Mapping[str, int]:
        """How many answers there were to who read files, by who has the bytes: the `server`, or the `bucket`."""
        return self.served.read_counts

    # -- uploading

    async def begin(  # noqa: PLR0913  what is known of it
        self, author: Author, room_id: str, *, disposition: str | None, claimed: str, size: int, alt: str
    ) -> Attachment:
        """Begin to upload a file of `size` bytes that is to be sent in a room. Its bytes count from now on.

        Its name is in the Content-Disposition `disposition`, and `claimed` is the type of which its sender says it is.

        Raises `TooLarge`, `QuotaReached`, and what `Writing.begin` raises.
        """
        name = name_in(disposition)
        await self._writing.begin(author, room_id, Operation.UPLOAD)
        if size < 1:
            raise BadFile("The file is empty")
        if size > self.limits.file_bytes:
            raise TooLarge(f"A file may have at most {self.limits.file_bytes} bytes")
        await self._require_space(size)
        now = now_ms()
        mine = (random_id(), room_id, author.user_id, name, size)
        claimed = claimed[:MAX_CLAIMED_CHARACTERS]
        attachment = Attachment(*mine, made_at=now, touched_at=now, type=claimed, alt=alt)
        if not self._is_used:
            await self._store.keep(USED, "yes")
            self._is_used = True
        self.on_used()
        await self._store.attachments.create(attachment, self.limits.quota)
        self.counts["begun"] += 1
        return attachment

    async def own(self, user_id: str, file_id: str) -> Attachment:
        """Return a file of a user that no message has."""
        one = (await self._store.attachments.get_many([file_id])).get(file_id)
        if (
            one is None
            or one.user_id != user_id
            or one.is_avatar
            or one.is_in_preview
            or one.state in _NOT_OWN
        ):
            raise NotFound
        return one

    async def add(
        self, attachment: Attachment, offset: int, chunks: AsyncIterator[bytes]
    ) -> tuple[Attachment, int]:
        """Add bytes to an upload from `offset` on. Returns the file, and its new offset. The last bytes make it whole.

        What came before an error is kept. Raises `BadOffset`, `TooLarge`, `BadFile` for what is refused, and
        `Overloaded` for more than `MOST_AT_ONCE` at a time.
        """
        async with self._adding.setdefault(attachment.user_id, ConcurrencyLimit(MOST_AT_ONCE, 0)).take():
            return await self._add(attachment, offset, chunks)

    async def _add(
        self, attachment: Attachment, offset: int, chunks: AsyncIterator[bytes]
    ) -> tuple[Attachment, int]:
        if attachment.is_whole:
            if offset != attachment.size:
                raise BadOffset
            return attachment, offset
        reached = offset
        # Where all bytes are kept already, a crash came before the row said so.
        if offset != attachment.size or not await self._is_kept(attachment):
            coming = self._coming(attachment, chunks)
            try:
                reached = await self._files.append(attachment.id, offset, coming, size=attachment.size)
            finally:
                newest = await self._touched(attachment)
            if newest is None:
                raise NotFound
            if newest.is_whole:
                return newest, newest.size  # another request has brought the rest
        if reached < attachment.size:
            return attachment, reached
        whole = await self._finish(attachment)
        return whole, whole.size

    async def offset(self, attachment: Attachment) -> int:
        """Return how many bytes of an upload are kept."""
        if attachment.is_whole or await self._is_kept(attachment):
            return attachment.size
        return await self._files.offset(attachment.id)

    async def describe(self, attachment: Attachment, alt: str) -> Attachment:
        """Give a file that no message has another text that stands for it."""
        described = await self._store.attachments.describe(attachment.id, alt, at=now_ms())
        if described is None:
            raise NotFound
        return described

    async def cancel(self, attachment: Attachment) -> None:
        """Give up a file that no message has. Its bytes are removed soon."""
        if attachment.ref is not None or not await self._store.attachments.give_up(attachment):
            raise NotFound
        self.on_gone()

    # -- messages

    async def claim(
        self, member: Member, ref: str, body: str, reply_to: int | None, ids: Sequence[str]
    ) -> Json:
        """Claim files for the message of a member under a ref, and return what its entry says of them.

        Raises `BadFile` where one is not the author's, of another room or message, not whole, or gone. If the message
        is stored already, its files may be gone: then this says enough of them to find it.
        """
        found = await self._store.attachments.claim(
            ids, user_id=member.user_id, room_id=member.room_id, ref=ref, at=now_ms()
        )
        if len(found) == len(ids):
            return [found[one].data for one in ids]
        named: Json = [{"file_id": one} for one in ids]
        data: EntryData = {"body": body, "reply_to": reply_to, "files": named}
        draft = Draft(Kind.MESSAGE, member.user_id, member.username, now_ms(), ref, data)
        if await self._store.log.is_stored(member.room_id, draft):
            return named
        await self.release(member, ref, list(found))
        raise BadFile("A file is not yours, of another room or message, not whole, or gone: upload it again")

    async def release(self, member: Member, ref: str, ids: Sequence[str]) -> None:
        """Take back the claim for a message that was not stored."""
        await self._store.attachments.release(ids, user_id=member.user_id, ref=ref)

    async def sent(self, appended: Appended) -> None:
        """Note that a message with files is stored. If a crash comes before this, a follower notes it."""
        entry = appended.entry
        if ids := file_ids_in(entry.data):  # also by a retry: the first attempt may have crashed before this
            await self._store.attachments.send(
                ids, room_id=entry.room_id, user_id=entry.user_id, seq=entry.seq
            )

    async def deleted(self, room_id: str, seqs: Sequence[int], message: Message | None = None) -> None:
        """Let the files of deleted messages be gone at once. If a crash comes before this, a follower does it.

        `message` is the only one, as it was: a crash may have come before it was noted which files it has, and what is
        deleted does not say it any more.
        """
        if not await self._has_files():
            return
        with suppress(Unavailable):  # then the follower does it
            if message is not None:
                ids = [*(one.file_id for one in message.files), *picture_ids(message.previews)]
                await self._store.attachments.send(
                    ids, room_id=room_id, user_id=message.user_id, seq=message.seq
                )
            given_up = await asyncio.gather(
                *(self._store.attachments.give_up_message(room_id, seq) for seq in seqs)
            )
            if any(given_up):
                self.on_gone()

    # -- what is behind it

    async def _has_files(self) -> bool:
        """Say whether there ever was a file."""
        self._is_used = self._is_used or await self._store.kept(USED) is not None
        return self._is_used

    async def _require_space(self, size: int) -> None:
        free = await self._files.free_bytes()
        if free is not None and free - size < SPARE_BYTES:
            raise QuotaReached("The disk of this server has no space left for this file")

    async def _coming(self, attachment: Attachment, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Count what comes, and say now and then that it does: a slow request may last longer than the sweep waits."""
        touched_at = time.monotonic()
        async for chunk in chunks:
            self.received_bytes += len(chunk)
            if time.monotonic() - touched_at >= TOUCH_SECONDS:
                await self._store.attachments.touch(attachment.id, at=now_ms())
                touched_at = time.monotonic()
            yield chunk

    async def _touched(self, attachment: Attachment) -> Attachment | None:
        """Note that something of an upload may have come, and return it as it is, or None where it was given up.

        What has come after its bytes were removed is removed too, as no row tells of it.
        """
        if await self._store.attachments.touch(attachment.id, at=max(now_ms(), attachment.made_at + 1)):
            return attachment
        newest = await self._newest(attachment)
        if newest is not None and newest.is_whole:
            return newest
        await self._files.remove(attachment.id)
        return None

    async def _finish(self, attachment: Attachment) -> Attachment:
        """Make an upload whole, of which all bytes are kept. It may be done again after a crash."""
        # A client that had no answer asks again while its picture is still looked at: it waits for the first request.
        async with self._finishing.setdefault(attachment.id, asyncio.Lock()):
            newest = await self._newest(attachment)
            if newest is not None and newest.is_whole:
                return newest
            return await self._finish_first(attachment)

    async def _finish_first(self, attachment: Attachment) -> Attachment:
        try:
            looked = await self._kept(attachment)
        except BadFile as error:
            newest = await self._newest(attachment)
            if await self._is_kept(attachment) or (newest is not None and newest.is_whole):
                raise Overloaded("Another node makes this file whole now") from error
            self.counts["refused"] += 1
            await self._store.attachments.give_up(newest or attachment)
            self.on_gone()
            raise
        whole = await self._store.attachments.finish(attachment.id, looked, at=now_ms())
        if whole is None:
            await self._files.remove(attachment.id)  # it was given up meanwhile
            raise NotFound
        self.counts["whole"] += 1
        return whole

    async def _is_kept(self, attachment: Attachment) -> bool:
        """Say whether an upload has become a file, of which the row may not tell yet."""
        is_upload = await self._files.size(attachment.id, Part.UPLOAD) is not None
        return not is_upload and await self._files.size(attachment.id) is not None

    async def _newest(self, attachment: Attachment) -> Attachment | None:
        return (await self._store.attachments.get_many([attachment.id])).get(attachment.id)

    async def _kept(self, attachment: Attachment) -> FoundFile:
        """Find out what an upload is, and keep it, or the picture that was made of it."""
        file_id = attachment.id
        part = Part.FILE if await self._files.size(file_id, Part.UPLOAD) is None else Part.UPLOAD
        size = await self._files.size(file_id, part) or 0
        if part is Part.UPLOAD and size != attachment.size:
            raise BadOffset("A part of the file is missing: ask where to go on")
        head = b"".join([one async for one in self._files.read(file_id, 0, min(size, HEAD_BYTES), part)])
        found = type_of(head, attachment.type)
        if found == HEIC:
            raise BadFile("A HEIC picture may say where it was taken. Save it as JPEG, and send that")
        if found not in PICTURES:
            return await self._kept_as(attachment, found)
        if size > MOST_PICTURE_BYTES:
            return await self._kept_as(attachment, BINARY)
        async with self._files.workplace() as into:
            picture = await self._look(self._files.local(file_id), into)
            if picture is None:
                return await self._kept_as(attachment, BINARY)
            await self._files.keep_thumb(file_id, picture.thumb)
            kept = await self._files.keep(
                file_id, picture.clean, served_as=served_as(attachment.name, picture.type)
            )
        return FoundFile(picture.type, kept, picture.width, picture.height, picture.blur, has_thumb=True)

    async def _kept_as(self, attachment: Attachment, type_: str) -> FoundFile:
        """Keep an upload as it is."""
        kept = await self._files.keep(attachment.id, served_as=served_as(attachment.name, type_))
        return FoundFile(type_, kept)
