"""Files that are one object in a bucket, which clients read from there by addresses that hold for some minutes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from obstore import sign_async
from obstore.store import S3Store

from api.errors import NotFound
from api.files.bucket import s3_errors
from api.files.piece import on_disk
from api.files.store import Part, ServedAs, known_form

WHOLE: Final = "whole"
"""The name of the object that has all of a file, beside which there are no pieces."""
PART_BYTES: Final = 5 * 1024 * 1024
"""S3 takes a large object in parts of at least this size."""
MOST_PARTS: Final = 9_000
"""S3 takes 10,000 parts of an object."""
PARTS_AT_ONCE: Final = 2
OBJECTS_AT_ONCE: Final = 2
"""So many objects are made at a time, as some parts of each are in memory."""
CACHED: Final = "private, max-age=300, immutable"
"""What the bucket says of a file that it serves: browsers keep it for as long as an address of it holds."""


class WholeObjects:
    """The whole objects of a bucket. `public` is the same bucket, as clients reach it."""

    def __init__(self, s3: S3Store, public: S3Store) -> None:
        self._s3 = s3
        self._public = public
        self._turns = asyncio.Semaphore(OBJECTS_AT_ONCE)

    async def put_file(self, file_id: str, path: Path, served_as: ServedAs) -> None:
        """Make an object of a file of this machine."""
        async with self._turns:
            size = (await on_disk(path.stat)).st_size
            source = await on_disk(path.read_bytes) if size <= PART_BYTES else path
            await self._put(file_id, source, size, served_as)

    async def put(self, file_id: str, chunks: AsyncIterator[bytes], size: int, served_as: ServedAs) -> None:
        """Make an object of the `size` bytes that come. What a crash leaves of a large one the bucket has to remove."""
        async with self._turns:
            source = b"".join([one async for one in chunks]) if size <= PART_BYTES else chunks
            await self._put(file_id, source, size, served_as)

    async def address(self, file_id: str, *, seconds: int) -> str | None:
        """Return an address at which a file is read for so long, or None where it is no whole object."""
        try:
            with s3_errors(missing=NotFound):
                await self._s3.head_async(whole_key(file_id))
        except NotFound:
            return None
        with s3_errors():
            return await sign_async(self._public, "GET", whole_key(file_id), timedelta(seconds=seconds))

    async def _put(
        self, file_id: str, source: Path | bytes | AsyncIterator[bytes], size: int, served_as: ServedAs
    ) -> None:
        with s3_errors():
            await self._s3.put_async(
                whole_key(file_id),
                source,
                attributes={
                    "Content-Type": served_as.media_type,
                    "Content-Disposition": served_as.disposition,
                    "Cache-Control": CACHED,
                },
                use_multipart=size > PART_BYTES,
                chunk_size=max(PART_BYTES, -(-size // MOST_PARTS)),
                max_concurrency=PARTS_AT_ONCE,
            )


def whole_key(file_id: str) -> str:
    """Return the key of a file's whole object."""
    return f"{Part.FILE}/{known_form(file_id)}/{WHOLE}"
