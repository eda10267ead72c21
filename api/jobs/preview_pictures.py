"""Keeps the pictures in previews of links: files of this server like any other, which go with their messages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.clock import now_ms
from api.errors import NotFound, QuotaReached
from api.files.store import FileStore
from api.ids import random_id
from api.jobs.files import USED
from api.links.reading import LinkReader, Thumb
from api.models.attachments import MAX_ALT_CHARACTERS, PREVIEW, Attachment, FileQuota, FoundFile
from api.models.log import Message
from api.store.base.store import Store

NAME: Final = "preview.webp"
TYPE: Final = "image/webp"


@dataclass(frozen=True, slots=True)
class PreviewParts:
    """What previews are made with. Without `files` they have no pictures."""

    reader: LinkReader
    files: FileStore | None
    quota: FileQuota | None


class PreviewPictures:
    """The files of these pictures. They count as files of who wrote the message. `on_kept` is called for each."""

    def __init__(self, store: Store, parts: PreviewParts, on_kept: Callable[[], None]) -> None:
        self._store = store
        self._files = parts.files
        self._quota = parts.quota
        self._on_kept = on_kept

    async def keep(self, message: Message, thumb: Thumb | None) -> Attachment | None:
        """Keep a picture for a preview in a message. None where there is none, or no space for it."""
        if thumb is None or self._files is None or self._quota is None:
            return None
        now, size = now_ms(), len(thumb.data)
        coming = Attachment(
            *(random_id(), message.room_id, message.user_id, NAME, size, now, now),
            type=TYPE,
            alt=thumb.alt[:MAX_ALT_CHARACTERS],
            ref=PREVIEW,
            seq=message.seq,
        )
        await self._store.keep(USED, "yes")
        self._on_kept()
        try:
            await self._store.attachments.create(coming, self._quota)
        except QuotaReached:
            return None
        try:
            await self._write(self._files, coming.id, thumb.data)
            found = FoundFile(TYPE, size, thumb.width, thumb.height, thumb.blur, has_thumb=True)
            whole = await self._store.attachments.finish(coming.id, found, at=now_ms())
        except BaseException:
            await self.give_up([coming])
            raise
        if whole is None:
            raise NotFound  # its message or room is gone
        return whole

    async def sent(self, message: Message, pictures: Sequence[Attachment]) -> None:
        """Note that a message has these pictures. If a crash comes before this, a follower notes it."""
        if pictures:
            ids = [one.id for one in pictures]
            await self._store.attachments.send(
                ids, room_id=message.room_id, user_id=message.user_id, seq=message.seq
            )

    async def give_up(self, pictures: Sequence[Attachment]) -> None:
        """Let pictures be gone that no message has."""
        for one in pictures:
            await self._store.attachments.give_up(one)

    @staticmethod
    async def _write(files: FileStore, file_id: str, data: bytes) -> None:
        """Write the bytes of a picture, which is its own thumbnail, too."""
        await files.append(file_id, 0, _at_once(data), size=len(data))
        async with files.workplace() as place:
            thumb: Path = place / "thumb"
            await asyncio.to_thread(thumb.write_bytes, data)
            await files.keep_thumb(file_id, thumb)
        await files.keep(file_id)


async def _at_once(data: bytes) -> AsyncIterator[bytes]:
    yield data
