"""Uploads files, gives them to the messages that are sent with them, and says who may have which."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from api.clock import now_ms
from api.errors import BadFile, BadOffset, NotFound, Overloaded, QuotaReached, TailwireError, TooLarge
from api.files.addresses import FileAddresses
from api.files.content_types import BINARY, HEAD_BYTES, PICTURES, SHOWN_INLINE, type_of
from api.files.names import disposition_of, name_in
from api.files.pictures import Pictures
from api.files.store import SPARE_BYTES, FileStore, Part
from api.ids import random_id
from api.limits.concurrency import ConcurrencyLimit
from api.models.attachments import Attachment, FileQuota, FileState, FoundFile, file_ids_in
from api.models.log import Appended, Draft, EntryData, Json, Kind
from api.models.page import Page
from api.models.rooms import Member
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.rooms.writing import Author, Writing
from api.store.base.store import Store

__all__ = ["Attachment", "AttachmentService", "FileLimits", "FileParts", "file_bytes_of"]

USED: Final = "files"
"""Under this name the store keeps whether there ever was a file. Before that nobody looks for what to remove."""
MOST_PICTURE_BYTES: Final = 64 * 1024 * 1024
"""A picture of more bytes is kept as any other file, and is not shown."""
MOST_AT_ONCE: Final = 16
"""So many requests of a user add to files on a node at a time. A page sends three, and each may last for hours."""
MAX_CLAIMED_CHARACTERS: Final = 128
MS_PER_SECOND: Final = 1_000
THUMB_TYPE: Final = "image/webp"
FILE_POLICY: Final = "default-src 'none'; sandbox"
"""The Content-Security-Policy of a file: what opens it by itself may run and load nothing."""


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

    async def close(self) -> None:
        """End the processes that look at pictures, and the threads that read and write."""
        await self.pictures.close()
        await self.store.close()


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """What an address opens: a file or its thumbnail, its size, and until when, in milliseconds since 1970."""

    attachment: Attachment
    part: Part
    size: int
    expires_at: int

    @property
    def media_type(self) -> str:
        """Its type, or that of any bytes where a browser may not show it."""
        type_ = THUMB_TYPE if self.part is Part.THUMB else self.attachment.type
        return type_ if type_ in SHOWN_INLINE else BINARY

    @property
    def etag(self) -> str:
        """The mark of these bytes, which never change."""
        return f'"{self.attachment.id}.{self.part}.{self.size}"'

    @property
    def headers(self) -> dict[str, str]:
        """How a browser is to treat it: it may run nothing, and keep it for as long as its address opens."""
        left = max(self.expires_at - now_ms(), 0) // MS_PER_SECOND
        return {
            "content-disposition": disposition_of(self.attachment.name, is_shown=self.media_type != BINARY),
            "content-security-policy": FILE_POLICY,
            "cache-control": f"private, max-age={left}, immutable",
            "cross-origin-resource-policy": "cross-origin",
        }


@dataclass(frozen=True, slots=True)
class FileUrl:
    """The address of a file: its path below that of the server, and when it ends, in milliseconds since 1970."""

    file_id: str
    room_id: str
    path: str
    expires_at: int


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
        self._addresses = parts.addresses
        self._look = parts.pictures.look
        self.limits = parts.limits
        self._is_used = False
        self._adding: WeakValueDictionary[str, ConcurrencyLimit] = WeakValueDictionary()
        self._finishing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.on_used: Callable[[], None] = lambda: None
        """Is called when a file is uploaded."""
        self.on_gone: Callable[[], None] = lambda: None
        """Is called when a file is given up here."""
        self.counts: Counter[str] = Counter()
        """How many uploads were `begun`, became `whole`, and were `refused` when they were."""
        self.byte_counts: Counter[str] = Counter()
        """How many bytes were `received` and `sent`."""

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
        if one is None or one.user_id != user_id or one.state in {FileState.SENT, FileState.GONE}:
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
        file_id = attachment.id
        if attachment.is_whole:
            if offset != attachment.size:
                raise BadOffset
            return attachment, offset
        if offset == attachment.size and await self._is_kept(attachment):
            return await self._finish(attachment), offset  # after a crash
        try:
            reached = await self._files.append(file_id, offset, self._counted(chunks), size=attachment.size)
        finally:
            is_there = await self._store.attachments.touch(file_id, at=now_ms())
        if reached == attachment.size:
            return await self._finish(attachment), reached
        if not is_there:
            newest = await self._newest(attachment)
            if newest is not None and newest.is_whole:
                return newest, newest.size  # another request has brought the rest
            await self._files.remove(file_id)
            raise NotFound
        return attachment, reached

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
        if appended.is_new and (ids := file_ids_in(entry.data)):
            await self._store.attachments.send(
                ids, room_id=entry.room_id, user_id=entry.user_id, seq=entry.seq
            )

    # -- serving

    async def urls(self, user_id: str, file_ids: Sequence[str], *, thumb: bool) -> list[FileUrl]:
        """Return the addresses of those of these files that a user may have, or of their thumbnails.

        Raises `NotFound` where there is none.
        """
        found = await self._store.attachments.get_many(file_ids)
        rooms = {one.room_id for one in found.values() if one.user_id != user_id or one.ref is not None}
        readable = {room_id for room_id in rooms if await self._may_read(room_id, user_id)}
        part, now = Part.THUMB if thumb else Part.FILE, now_ms()
        urls = []
        for file_id in dict.fromkeys(file_ids):
            one = found.get(file_id)
            if one is None or not one.is_whole or (thumb and not one.has_thumb):
                continue
            is_mine = one.user_id == user_id and one.ref is None
            if is_mine or (one.room_id in readable and await self._is_readable(one)):
                address = self._addresses.make(one.id, one.name, part, now=now)
                urls.append(FileUrl(one.id, one.room_id, address.path, address.expires_at))
        if not urls:
            raise NotFound
        return urls

    async def open(self, file_id: str, mark: str, name: str) -> OpenedFile:
        """Return what an address opens now. It opens nothing once the message or the room was deleted."""
        part, expires_at = self._addresses.open(file_id, mark, name, now=now_ms())
        one = (await self._store.attachments.get_many([file_id])).get(file_id)
        if one is None or not one.is_whole or not await self._is_readable(one):
            raise NotFound
        size = await self._files.size(file_id, part)
        if size is None:
            raise NotFound
        return OpenedFile(one, part, size, expires_at)

    async def read(self, opened: OpenedFile, begin: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes of what was opened from `begin` up to `end`."""
        async for chunk in self._files.read(opened.attachment.id, begin, end, opened.part):
            self.byte_counts["sent"] += len(chunk)
            yield chunk

    async def of_room(
        self, room_id: str, user_id: str, *, cursor: str | None, limit: int
    ) -> Page[Attachment]:
        """List the files of a room, those of the newest message first. Raises `BadCursor`."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        return await self._store.attachments.of_room(room_id, cursor=cursor, limit=limit)

    # -- what is behind it

    async def _require_space(self, size: int) -> None:
        free = await self._files.free_bytes()
        if free is not None and free - size < SPARE_BYTES:
            raise QuotaReached("The disk of this server has no space left for this file")

    async def _counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.byte_counts["received"] += len(chunk)
            yield chunk

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
        head = b"".join([one async for one in self._files.read(file_id, 0, min(size, HEAD_BYTES), part)])
        found = type_of(head, attachment.type)
        if found not in PICTURES:
            return FoundFile(found, await self._files.keep(file_id))
        if size > MOST_PICTURE_BYTES:
            return FoundFile(BINARY, await self._files.keep(file_id))
        async with self._files.local(file_id) as source, self._files.workplace() as into:
            picture = await self._look(source, found, into)
            if picture is None:
                return FoundFile(BINARY, await self._files.keep(file_id))
            await self._files.keep_thumb(file_id, picture.thumb)
            kept = await self._files.keep(file_id, picture.clean)
        return FoundFile(picture.type, kept, picture.width, picture.height, picture.blur, has_thumb=True)

    async def _may_read(self, room_id: str, user_id: str) -> bool:
        try:
            await self._members.require(room_id, user_id, Operation.READ_LOG)
        except TailwireError as error:
            if error.status >= 500:  # noqa: PLR2004  the store does not answer
                raise
            return False
        return True

    async def _is_readable(self, one: Attachment) -> bool:
        """Say whether a file is nobody's but its uploader's yet, or its message is there and is not deleted."""
        if one.seq is None and one.ref is None:
            return True
        if one.seq is None:
            entry = await self._store.log.sent_as(one.room_id, one.user_id, one.ref or "")
            return entry is not None and one.id in file_ids_in(entry.data)
        message = await self._store.log.message(one.room_id, one.seq)
        return message is not None and any(one.id == file.file_id for file in message.files)
