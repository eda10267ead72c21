"""Serves the files of messages: says who may have which, and opens their signed addresses."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from api.clock import now_ms
from api.errors import NotFound, TailwireError
from api.files.addresses import FileAddresses
from api.files.content_types import BINARY, SHOWN_INLINE
from api.files.names import disposition_of
from api.files.store import FileStore, Part, ServedAs
from api.limits.downloads import Downloads
from api.models.attachments import Attachment, file_ids_in
from api.models.page import Page
from api.models.previews import picture_ids
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.store.base.store import Store

MS_PER_SECOND: Final = 1_000
DIRECT_SECONDS: Final = 300
"""An address of the bucket itself holds for so long, and never longer than the one here that leads to it."""
DIRECT_MARGIN_SECONDS: Final = 10
"""So long before it ends browsers ask here again."""
THUMB_TYPE: Final = "image/webp"
FILE_POLICY: Final = "default-src 'none'; sandbox"
"""The Content-Security-Policy of a file: what opens it by itself may run and load nothing."""


def served_as(name: str, type_: str) -> ServedAs:
    """Return how a file is served: what a browser may not show is any bytes, which are to be saved."""
    media_type = type_ if type_ in SHOWN_INLINE else BINARY
    return ServedAs(media_type, disposition_of(name, is_shown=media_type != BINARY))


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
        return self._served_as.media_type

    @property
    def etag(self) -> str:
        """The mark of these bytes, which never change."""
        return f'"{self.attachment.id}.{self.part}.{self.size}"'

    @property
    def headers(self) -> dict[str, str]:
        """How a browser is to treat it: it may run nothing, and keep it for as long as its address opens."""
        return {
            "content-disposition": self._served_as.disposition,
            "content-security-policy": FILE_POLICY,
            "cache-control": f"private, max-age={self.seconds_left}, immutable",
            "cross-origin-resource-policy": "cross-origin",
        }

    @property
    def seconds_left(self) -> int:
        """For how long its address opens still."""
        return max(self.expires_at - now_ms(), 0) // MS_PER_SECOND

    @property
    def _served_as(self) -> ServedAs:
        type_ = THUMB_TYPE if self.part is Part.THUMB else self.attachment.type
        return served_as(self.attachment.name, type_)


@dataclass(frozen=True, slots=True)
class DirectAddress:
    """An address of the bucket itself, and for how many seconds browsers may go there without asking here."""

    url: str
    kept_seconds: int


@dataclass(frozen=True, slots=True)
class FileUrl:
    """The address of a file: its path below that of the server, and when it ends, in milliseconds since 1970."""

    file_id: str
    room_id: str
    path: str
    expires_at: int


class ServedFiles:
    """The files that are whole. Methods raise `NotFound` for what a user may not have, as for what is not there."""

    def __init__(
        self, store: Store, members: MemberService, files: FileStore, addresses: FileAddresses
    ) -> None:
        self._store = store
        self._members = members
        self._files = files
        self._addresses = addresses
        self._downloads = Downloads()
        self.byte_count = 0
        """How many bytes of files were sent."""
        self.read_counts: Counter[str] = Counter()
        """How many answers had bytes of a file (`server`), or an address of the bucket (`bucket`)."""

    @property
    def download_count(self) -> int:
        """How many long files are being sent now."""
        return len(self._downloads)

    async def urls(self, user_id: str, file_ids: Sequence[str], *, thumb: bool) -> list[FileUrl]:
        """Return the addresses of those of these files that a user may have, or of their thumbnails.

        Raises `NotFound` where there is none.
        """
        rows = await self._store.attachments.get_many(file_ids)
        found = [
            one
            for one in (rows[file_id] for file_id in dict.fromkeys(file_ids) if file_id in rows)
            if one.is_whole and (one.has_thumb or not thumb)
        ]
        rooms = {one.room_id for one in found if not one.is_private}
        answers = await asyncio.gather(*(self._may_read(room_id, user_id) for room_id in rooms))
        open_ = dict(zip(rooms, answers, strict=True))
        wanted = [one for one in found if (one.user_id == user_id if one.is_private else open_[one.room_id])]
        readable = await asyncio.gather(*map(self._is_readable, wanted))
        part, now = Part.THUMB if thumb else Part.FILE, now_ms()
        made = [
            (one, self._addresses.make(one.id, one.name, part, now=now))
            for one, is_readable in zip(wanted, readable, strict=True)
            if is_readable
        ]
        if not made:
            raise NotFound
        return [FileUrl(one.id, one.room_id, address.path, address.expires_at) for one, address in made]

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

    async def direct(self, opened: OpenedFile) -> DirectAddress | None:
        """Return where the bucket itself serves what was opened, or None where this server has to."""
        if opened.part is not Part.FILE:
            return None  # it is small
        seconds = max(min(opened.seconds_left, DIRECT_SECONDS), 1)
        url = await self._files.address(opened.attachment.id, seconds=seconds)
        if url is None:
            return None
        self.read_counts["bucket"] += 1
        return DirectAddress(url, max(seconds - DIRECT_MARGIN_SECONDS, 0))

    def require_few(self, address: str, opened: OpenedFile) -> None:
        """Raise `Overloaded` where too many files are being read from an address."""
        self._downloads.require_few(address, opened.size)

    async def read(self, opened: OpenedFile, begin: int, end: int, *, address: str) -> AsyncGenerator[bytes]:
        """Yield the bytes of what was opened from `begin` up to `end`, for who reads them from an address."""
        self.read_counts["server"] += 1
        kept = self._files.read(opened.attachment.id, begin, end, opened.part)
        async with aclosing(self._downloads.count(address, end - begin, kept)) as chunks:
            async for chunk in chunks:
                self.byte_count += len(chunk)
                yield chunk

    async def of_room(
        self, room_id: str, user_id: str, *, cursor: str | None, limit: int
    ) -> Page[Attachment]:
        """List the files of a room, those of the newest message first. Raises `BadCursor`."""
        await self._members.require(room_id, user_id, Operation.READ_LOG)
        return await self._store.attachments.of_room(room_id, cursor=cursor, limit=limit)

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
        if one.is_private:
            return True
        if one.seq is None:
            entry = await self._store.log.sent_as(one.room_id, one.user_id, one.ref or "")
            return entry is not None and one.id in file_ids_in(entry.data)
        message = await self._store.log.message(one.room_id, one.seq)
        if message is None:
            return False
        return one.id in {*(file.file_id for file in message.files), *picture_ids(message.previews)}
