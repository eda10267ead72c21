"""Files: uploads that go on after a break, downloads that do, and what there is in a room."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from tailwire_client.errors import Conflict, NotFound, RateLimited, Unavailable, Unreachable
from tailwire_client.pace import Pace
from tailwire_client.shape import read
from tailwire_client.web import Web, items_of, path

PART_BYTES: Final = 1024 * 1024
"""How much of a file is sent in one request. What came of a part before a break is not sent again."""
PATIENCE_SECONDS: Final = 300.0
"""An upload or a download that gets on by nothing for so long is given up."""


@dataclass(frozen=True)
class File:
    """A file. `type` was found in its bytes. Of one's own that is not sent yet `offset` and `whole` say how far it is.

    In the list of a room `seq`, `user_id` and `at` are those of its message.
    """

    file_id: str
    name: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None
    has_thumb: bool = False
    blur: str | None = None
    alt: str = ""
    room_id: str | None = None
    offset: int | None = None
    whole: bool | None = None
    seq: int | None = None
    user_id: str | None = None
    at: datetime | None = None


class Files:
    """`Client.files`. Upload a file, then send it: `client.send(room_id, "Look", files=[file.file_id])`."""

    def __init__(self, web: Web, pace: Pace) -> None:
        self._web = web
        self._pace = pace

    async def upload(
        self, room_id: str, source: bytes | str | Path, *, name: str | None = None, alt: str | None = None
    ) -> File:
        """Upload bytes, or the file at a path, whose name is kept unless another is given.

        Raises Problem where the server refuses it, such as Quota.
        """
        if isinstance(source, bytes):
            return await self._begin(room_id, source, len(source), name or "file", alt)
        place = Path(source)
        with await asyncio.to_thread(place.open, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            return await self._begin(room_id, file, size, name or place.name, alt)

    async def go_on(self, file_id: str, source: bytes | str | Path) -> File:
        """Go on with an upload that another run of the program has begun."""
        if isinstance(source, bytes):
            return await self._go_on(await self.get(file_id), source)
        with await asyncio.to_thread(Path(source).open, "rb") as file:
            return await self._go_on(await self.get(file_id), file)

    async def get(self, file_id: str) -> File:
        """Return your file that is not sent yet."""
        return read(File, await self._web.get(path("files", file_id)))

    async def describe(self, file_id: str, alt: str) -> File:
        """Say what is to be seen, for who does not see it."""
        return read(File, await self._web.call("PUT", path("files", file_id, "alt"), body={"alt": alt}))

    async def give_up(self, file_id: str) -> None:
        """Delete your file that is not sent yet."""
        await self._web.call("DELETE", path("files", file_id))

    def of(self, room_id: str) -> AsyncIterator[File]:
        """Yield the files of a room, those of the newest message first."""
        return self._web.pages(File, path("rooms", room_id, "files"))

    async def url(self, file_id: str, *, thumb: bool = False) -> str:
        """Return an address that opens for some minutes for whoever has it. Raises NotFound."""
        body: dict[str, Any] = {"file_ids": [file_id], **({"thumb": True} if thumb else {})}
        items = items_of(await self._web.call("POST", "/files/urls", body=body, is_safe=True))
        if not items:
            raise NotFound("not_found", status=404)
        return self._web.reachable(str(items[0]["url"]))

    async def download(self, file_id: str, *, thumb: bool = False) -> AsyncIterator[bytes]:
        """Yield the bytes of a file, or of its small picture. After a break it goes on where it was."""
        came, tries, ends_at = 0, 0, time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                async for piece in self._web.bytes_at(await self.url(file_id, thumb=thumb), start=came):
                    came += len(piece)
                    tries, ends_at = 0, time.monotonic() + PATIENCE_SECONDS
                    yield piece
            except (Unreachable, Unavailable, RateLimited) as failure:
                await self._wait(failure, tries, ends_at)
                tries += 1
            else:
                return

    async def _begin(
        self, room_id: str, source: bytes | BinaryIO, size: int, name: str, alt: str | None
    ) -> File:
        headers = {
            "Upload-Length": str(size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        }
        place = path("rooms", room_id, "files")
        # A beginning whose answer was lost is given up by the server some hours later.
        begun = await self._web.call("POST", place, query={"alt": alt}, headers=headers, is_safe=True)
        return await self._go_on(read(File, begun), source)

    async def _go_on(self, file: File, source: bytes | BinaryIO) -> File:
        tries, ends_at = 0, time.monotonic() + PATIENCE_SECONDS
        while not file.whole:
            offset = file.offset or 0
            try:
                file = await self._add(file.file_id, offset, await asyncio.to_thread(_part, source, offset))
            except (Unreachable, Unavailable, RateLimited) as failure:
                await self._wait(failure, tries, ends_at)
                tries += 1
                file = await self.get(file.file_id)
            except Conflict as conflict:
                if conflict.code != "bad_offset":
                    raise
                await self._wait(conflict, tries, ends_at)
                tries += 1
                file = await self.get(file.file_id)
            if (file.offset or 0) > offset:
                tries, ends_at = 0, time.monotonic() + PATIENCE_SECONDS
        return file

    async def _add(self, file_id: str, offset: int, part: bytes) -> File:
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
        return read(
            File, await self._web.once("PATCH", path("files", file_id), content=part, headers=headers)
        )

    async def _wait(self, failure: Exception, tries: int, ends_at: float) -> None:
        """Wait before the next try. Raises the failure where patience has ended."""
        if time.monotonic() > ends_at:
            raise failure
        asked = getattr(failure, "retry_after_seconds", None) or 0.0
        await asyncio.sleep(asked + self._pace.wait(tries))


def _part(source: bytes | BinaryIO, offset: int) -> bytes:
    if isinstance(source, bytes):
        return source[offset : offset + PART_BYTES]
    source.seek(offset)
    return source.read(PART_BYTES)
