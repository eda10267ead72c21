"""Keeps the bytes of files in S3-compatible storage, each file in pieces of one size.

A piece is an object of its own, so an upload needs no state but its objects: any node goes on with it, and storing a
piece again changes nothing. No multipart upload is ever begun, so none can be left over. A piece waits in a file of
this machine until it is full, as many that wait in memory would fill it.

Where clients read files from the bucket itself, a file becomes one object when it is kept, with the headers under which
it is served.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from api.errors import BadOffset, NotFound, TooLarge
from api.files.access import S3Access
from api.files.bucket import open_bucket, s3_errors
from api.files.folder import remove_older
from api.files.piece import PIECE_BYTES, Piece, on_disk
from api.files.store import FileStore, Kept, Part, ServedAs, add_nothing, has_known_form, known_form
from api.files.whole import WHOLE, WholeObjects, whole_key
from api.ids import random_id

READ_BYTES: Final = 512 * 1024
"""Bytes are asked for in ranges of this size, so a client that reads slowly keeps no request to S3 waiting."""
AT_ONCE: Final = 4
"""So many pieces are in memory at the same time, on their way to S3."""
COPIES_AT_ONCE: Final = 8
_NAME: Final = re.compile(rf"[0-9]{{6,}}|{WHOLE}")
SPOOL_PREFIX: Final = "tailwire-files-"


class S3Files(FileStore):
    """Files in one bucket, below `prefix`."""

    def __init__(self, bucket: str, prefix: str, access: S3Access, spool: Path | None) -> None:
        self._s3 = open_bucket(bucket, prefix, access, access.endpoint)
        self._whole: WholeObjects | None = None
        if access.public_endpoint is not None:
            self._whole = WholeObjects(self._s3, open_bucket(bucket, prefix, access, access.public_endpoint))
        self._spool = Path(tempfile.gettempdir()) if spool is None else spool
        self._space = asyncio.Semaphore(AT_ONCE)
        self._adding: set[str] = set()  # uploads to which this process adds now

    async def close(self) -> None:
        """Do nothing: there are no threads of our own."""

    async def offset(self, file_id: str) -> int:
        """Return how many bytes of an upload are kept: those of its pieces up to the first that is not full."""
        found = await self._pieces(file_id, Part.UPLOAD)
        return _reached(found) if found else await self.size(file_id) or 0

    async def append(
        self, file_id: str, offset: int, chunks: AsyncIterator[bytes], *, size: int | None = None
    ) -> int:
        """Add bytes to an upload, and return its new offset."""
        if file_id in self._adding:
            raise BadOffset("Another request adds to this file now")
        self._adding.add(file_id)
        try:
            return await self._append(file_id, offset, chunks, size)
        finally:
            self._adding.discard(file_id)

    async def _append(self, file_id: str, offset: int, chunks: AsyncIterator[bytes], size: int | None) -> int:
        pieces = await self._pieces(file_id, Part.UPLOAD)
        if not pieces and (kept := await self.size(file_id)) is not None:
            return await add_nothing(kept, offset, chunks)
        if _reached(pieces) != offset:
            raise BadOffset
        number, begun = divmod(offset, PIECE_BYTES)
        piece = await Piece.begin(file_id, number, self._spool)
        try:
            if begun:
                await piece.write(await self._bytes(_key(file_id, number, Part.UPLOAD), 0, begun))
            try:
                async for chunk in chunks:
                    if size is not None and offset + len(chunk) > size:
                        raise TooLarge("More bytes came than the file was said to have")
                    offset += len(chunk)
                    left = memoryview(chunk)
                    while left:
                        left = left[await piece.write(left) :]
                        if piece.is_full:
                            await self._put(piece)
            finally:
                if piece.has_more:
                    await self._put_last(piece)
        finally:
            await piece.close()
        return offset

    @asynccontextmanager
    async def local(self, file_id: str) -> AsyncIterator[Path]:
        """Give a copy of an upload on this machine, or of the file that it has become."""
        pieces = await self._pieces(file_id, Part.UPLOAD)
        part = Part.UPLOAD if pieces else Part.FILE
        size = _reached(pieces) if pieces else await self.size(file_id) or 0
        async with self.workplace() as folder:
            path = folder / "upload"
            file = await on_disk(lambda: path.open("wb"))
            try:
                async for chunk in self._read_objects(file_id, 0, size, part):
                    await on_disk(partial(file.write, chunk))
            finally:
                await on_disk(file.close)
            yield path

    @asynccontextmanager
    async def workplace(self) -> AsyncIterator[Path]:
        """Give an empty folder of this machine."""
        name = await on_disk(lambda: tempfile.mkdtemp(dir=self._spool, prefix=SPOOL_PREFIX))
        try:
            yield Path(name)
        finally:
            await on_disk(partial(shutil.rmtree, name, ignore_errors=True))

    async def keep(
        self, file_id: str, clean: Path | None = None, *, served_as: ServedAs | None = None
    ) -> int:
        """Make an upload a file. S3 copies its pieces by itself, unless they are to become one object."""
        pieces = await self._pieces(file_id, Part.UPLOAD)
        left_over = [_key(file_id, number, Part.UPLOAD) for number in pieces]
        is_new = clean is not None or bool(pieces)
        if is_new and served_as is not None and self._whole is not None:
            if clean is not None:
                await self._whole.put_file(file_id, clean, served_as)
            else:
                size = _reached(pieces)
                chunks = self._read_objects(file_id, 0, size, Part.UPLOAD)
                await self._whole.put(file_id, chunks, size, served_as)
            left_over += [_key(file_id, number, Part.FILE) for number in await self._pieces(file_id)]
        elif is_new:
            await (
                self._copy_all(sorted(pieces), file_id) if clean is None else self._keep_local(file_id, clean)
            )
            left_over.append(whole_key(file_id))
        await self._delete(left_over)
        kept = await self.size(file_id)
        if kept is None:
            raise NotFound
        return kept

    async def keep_thumb(self, file_id: str, thumb: Path) -> None:
        """Keep the small picture of a file."""
        with s3_errors():
            await self._s3.put_async(_thumb(file_id), await on_disk(thumb.read_bytes), use_multipart=False)

    async def address(self, file_id: str, *, seconds: int) -> str | None:
        """Return an address of S3 itself, for a file that is one object, where clients reach it."""
        return None if self._whole is None else await self._whole.address(file_id, seconds=seconds)

    async def size(self, file_id: str, part: Part = Part.FILE) -> int | None:
        """Return the size of a file or its thumbnail."""
        if part is Part.THUMB:
            return await self._size_of(_thumb(file_id))
        found = await self._objects(file_id, part)
        return found.get(WHOLE, sum(found.values())) if found else None

    async def read(self, file_id: str, begin: int, end: int, part: Part = Part.FILE) -> AsyncGenerator[bytes]:
        """Yield the bytes from `begin` up to `end`."""
        if part is Part.THUMB:
            yield await self._bytes(_thumb(file_id), begin, end)
            return
        async with aclosing(self._read_objects(file_id, begin, end, part)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def remove(self, file_id: str) -> None:
        """Remove an upload, file and thumbnail."""
        keys = [_thumb(file_id), whole_key(file_id)]
        for part in (Part.UPLOAD, Part.FILE):
            keys += [_key(file_id, number, part) for number in await self._pieces(file_id, part)]
        await self._delete(keys)

    async def remove_upload(self, file_id: str) -> None:
        """Remove what is left of an upload."""
        pieces = await self._pieces(file_id, Part.UPLOAD)
        await self._delete([_key(file_id, number, Part.UPLOAD) for number in pieces])

    async def all(self) -> AsyncIterator[Kept]:
        """Yield everything that is kept, a file with the sum of its objects."""
        for part in Part:
            last: Kept | None = None
            with s3_errors():
                async for found in self._s3.list(f"{part}/", chunk_size=1_000):
                    for one in found:
                        if not _is_ours(one["path"]):
                            continue
                        kept = Kept(
                            _file_id(one["path"]),
                            part,
                            one["size"],
                            int(one["last_modified"].timestamp() * 1_000),
                        )
                        if last is not None and last.file_id == kept.file_id:
                            last = Kept(last.file_id, part, last.size + kept.size, kept.written_at)
                        else:
                            if last is not None:
                                yield last
                            last = kept
            if last is not None:
                yield last

    async def check(self) -> None:
        """Store an object and remove it."""
        key = f"check/{random_id()}"
        with s3_errors(with_reason=True):
            await self._s3.put_async(key, b"tailwire", use_multipart=False)
            await self._s3.delete_async(key)

    async def tidy(self, before: int) -> None:
        """Remove old workplaces of this machine."""
        await asyncio.to_thread(remove_older, self._spool, before, SPOOL_PREFIX)

    async def _objects(self, file_id: str, part: Part) -> dict[str, int]:
        """Return the sizes of the objects that make an upload or a file, by their names."""
        with s3_errors():
            found = await self._s3.list(f"{part}/{known_form(file_id)}/", chunk_size=1_000).collect_async()
        return {_name(one["path"]): one["size"] for one in found if _is_ours(one["path"])}

    async def _pieces(self, file_id: str, part: Part = Part.FILE) -> dict[int, int]:
        """Return the sizes of the pieces of an upload or a file, by their numbers."""
        found = await self._objects(file_id, part)
        return {int(name): size for name, size in found.items() if name != WHOLE}

    async def _size_of(self, key: str) -> int | None:
        try:
            with s3_errors(missing=NotFound):
                return int((await self._s3.head_async(key))["size"])
        except NotFound:
            return None

    async def _put(self, piece: Piece) -> None:
        """Store a piece, and begin the next one if it is full."""
        async with self._space:
            data = await piece.read()
            with s3_errors():
                await self._s3.put_async(
                    _key(piece.file_id, piece.number, Part.UPLOAD), data, use_multipart=False
                )
        await piece.stored()

    async def _put_last(self, piece: Piece) -> None:
        """Store a piece that is not full, unless another process has stored more of it meanwhile."""
        stored = await self._pieces(piece.file_id, Part.UPLOAD)
        if stored.get(piece.number, 0) < piece.size:
            await self._put(piece)

    async def _keep_local(self, file_id: str, path: Path) -> None:
        number = 0
        file = await on_disk(lambda: path.open("rb"))
        try:
            async with self._space:
                while data := await on_disk(partial(file.read, PIECE_BYTES)):
                    with s3_errors():
                        await self._s3.put_async(_key(file_id, number, Part.FILE), data, use_multipart=False)
                    number += 1
        finally:
            await on_disk(file.close)

    async def _copy_all(self, numbers: list[int], file_id: str) -> None:
        limit = asyncio.Semaphore(COPIES_AT_ONCE)

        async def copy(number: int) -> None:
            async with limit:
                with s3_errors():
                    await self._s3.copy_async(
                        _key(file_id, number, Part.UPLOAD), _key(file_id, number, Part.FILE)
                    )

        await asyncio.gather(*map(copy, numbers))

    async def _read_objects(self, file_id: str, begin: int, end: int, part: Part) -> AsyncGenerator[bytes]:
        is_whole = False
        while begin < end:
            number, within = divmod(begin, PIECE_BYTES)
            size = min(READ_BYTES, PIECE_BYTES - within, end - begin)
            chunk = (
                None if is_whole else await self._found(_key(file_id, number, part), within, within + size)
            )
            if chunk is None and part is Part.FILE:
                is_whole, chunk = True, await self._found(whole_key(file_id), begin, begin + size)
            if chunk is None or len(chunk) != size:
                raise NotFound
            begin += size
            yield chunk

    async def _found(self, key: str, begin: int, end: int) -> bytes | None:
        try:
            return await self._bytes(key, begin, end)
        except NotFound:
            return None

    async def _bytes(self, key: str, begin: int, end: int) -> bytes:
        with s3_errors(missing=NotFound):
            return bytes(await self._s3.get_range_async(key, start=begin, end=end))

    async def _delete(self, keys: list[str]) -> None:
        if keys:
            with s3_errors():
                await self._s3.delete_async(keys)


def _reached(pieces: dict[int, int]) -> int:
    """Return how many bytes there are from the first on without a hole."""
    reached = number = 0
    while (size := pieces.get(number)) is not None:
        reached += size
        if size < PIECE_BYTES:
            break
        number += 1
    return reached


def _key(file_id: str, number: int, part: Part) -> str:
    return f"{part}/{known_form(file_id)}/{number:06}"


def _thumb(file_id: str) -> str:
    return f"{Part.THUMB}/{known_form(file_id)}"


def _is_ours(key: str) -> bool:
    """Say whether an object may be one of ours. Others, and the bucket itself, may keep more below the same prefix."""
    if not has_known_form(_file_id(key)):
        return False
    return key.startswith(f"{Part.THUMB}/") or _NAME.fullmatch(_name(key)) is not None


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _file_id(key: str) -> str:
    return key.split("/")[1]
