"""Keeps the bytes of files in a folder, which several processes may share.

A file is written aside, forced to the disk and renamed. While bytes are added to an upload it is locked, so processes
that share the folder do not mix theirs.
"""

import asyncio
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog

from api.errors import BadOffset, NotFound, StorageFull, TooLarge, Unavailable
from api.files.store import (
    SPARE_BYTES,
    FileStore,
    Kept,
    Part,
    ServedAs,
    add_nothing,
    has_known_form,
    known_form,
)
from api.ids import random_id

THREADS: Final = 8
CHUNK_BYTES: Final = 64 * 1024
"""So much is read at once. Smaller chunks that come are collected up to this size, as each pays for its way to a thread
and back."""
CHUNKS_AT_ONCE: Final = 4
"""So many chunks are with the threads at a time. Of more, many would come back to the event loop at one moment, and
messages would wait for all. The other threads are free for what takes longer."""
SYNC_BYTES: Final = 8 * 1024 * 1024
"""An upload is forced to the disk each time it has grown by this much, so that a long one does not hold up the disk."""
MODE: Final = 0o600

T = TypeVar("T")

log = structlog.get_logger("api.files")


class FolderFiles(FileStore):
    """Files below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._work = self._root / "work"
        with disk_errors(with_reason=True):
            for folder in (self._work, *(self._root / part for part in Part)):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")
        self._turns = asyncio.Semaphore(CHUNKS_AT_ONCE)

    async def close(self) -> None:
        """End all threads, when they have done what they do."""
        await asyncio.to_thread(self._threads.shutdown)

    async def offset(self, file_id: str) -> int:
        """Return how many bytes of an upload are kept."""
        found = await self.size(file_id, Part.UPLOAD)
        return found if found is not None else await self.size(file_id) or 0

    async def append(
        self, file_id: str, offset: int, chunks: AsyncIterator[bytes], *, size: int | None = None
    ) -> int:
        """Add bytes to an upload, and return its new offset."""
        kept = await self.size(file_id)
        if kept is not None and await self.size(file_id, Part.UPLOAD) is None:
            return await add_nothing(kept, offset, chunks)
        upload = await self._open(partial(_Upload.open, self._path(file_id, Part.UPLOAD)), _Upload.close)
        waiting = bytearray()
        try:
            if upload.offset != offset:
                raise BadOffset
            try:
                async for chunk in chunks:
                    if size is not None and upload.offset + len(waiting) + len(chunk) > size:
                        raise TooLarge("More bytes came than the file was said to have")
                    if waiting or len(chunk) < CHUNK_BYTES:
                        waiting += chunk
                        if len(waiting) < CHUNK_BYTES:
                            continue
                        taken, waiting = waiting, bytearray()
                        await self._write(upload, taken)
                    else:
                        await self._write(upload, chunk)
            finally:
                await self._write(upload, waiting)
        finally:
            await self._do(upload.close)
        return upload.offset

    @asynccontextmanager
    async def local(self, file_id: str) -> AsyncIterator[Path]:
        """Give the path of an upload, or of the file that it has become."""
        upload = self._path(file_id, Part.UPLOAD)
        is_kept = not await self._do(upload.is_file)
        yield self._path(file_id, Part.FILE) if is_kept else upload

    @asynccontextmanager
    async def workplace(self) -> AsyncIterator[Path]:
        """Give an empty folder, which is removed afterwards."""
        path = Path(await self._do(partial(tempfile.mkdtemp, dir=self._work)))
        try:
            yield path
        finally:
            await self._do(partial(shutil.rmtree, path, ignore_errors=True))

    async def keep(
        self,
        file_id: str,
        clean: Path | None = None,
        *,
        served_as: ServedAs | None = None,  # noqa: ARG002  this server serves it
    ) -> int:
        """Make an upload a file."""
        upload, kept = self._path(file_id, Part.UPLOAD), self._path(file_id, Part.FILE)
        return await self._do(partial(_keep, upload, kept, clean))

    async def keep_thumb(self, file_id: str, thumb: Path) -> None:
        """Keep the small picture of a file."""
        await self._do(partial(_move, thumb, self._path(file_id, Part.THUMB)))

    async def size(self, file_id: str, part: Part = Part.FILE) -> int | None:
        """Return the size of a file or its thumbnail."""
        return await self._do(partial(_size, self._path(file_id, part)))

    async def read(self, file_id: str, begin: int, end: int, part: Part = Part.FILE) -> AsyncGenerator[bytes]:
        """Yield the bytes from `begin` up to `end`."""
        descriptor = await self._open(partial(_opened, self._path(file_id, part)), os.close)
        try:
            while begin < end:
                async with self._turns:
                    chunk = await self._do(
                        partial(os.pread, descriptor, min(CHUNK_BYTES, end - begin), begin)
                    )
                if not chunk:
                    raise NotFound
                begin += len(chunk)
                yield chunk
        finally:
            os.close(descriptor)

    async def remove(self, file_id: str) -> None:
        """Remove an upload, file and thumbnail."""
        await self._do(partial(_remove, [self._path(file_id, part) for part in Part]))

    async def remove_upload(self, file_id: str) -> None:
        """Remove what is left of an upload."""
        await self._do(partial(_remove, [self._path(file_id, Part.UPLOAD)]))

    async def all(self) -> AsyncIterator[Kept]:
        """Yield everything that is kept, folder by folder."""
        for part in Part:
            for folder in sorted(await self._do(partial(_subfolders, self._root / part))):
                for kept in await self._do(partial(_list, folder, part)):
                    yield kept

    async def check(self) -> None:
        """Write a file and remove it."""
        await self._do(partial(_try, self._work), with_reason=True)

    async def tidy(self, before: int) -> None:
        """Remove old workplaces."""
        await self._do(partial(remove_older, self._work, before))

    async def free_bytes(self) -> int | None:
        """Return how many bytes this process may still write."""
        return (await self._do(partial(shutil.disk_usage, self._root))).free

    def _path(self, file_id: str, part: Part) -> Path:
        """Return where a part of a file is. Raises `NotFound` for an id that is none of ours."""
        return self._root / part / known_form(file_id)[:2].lower() / file_id

    async def _write(self, upload: "_Upload", data: bytes | bytearray) -> None:
        async with self._turns:
            await self._do(partial(upload.write, data))

    async def _open(self, work: Callable[[], T], close: Callable[[T], None]) -> T:
        """Open something in a thread. If the caller is cancelled meanwhile, it is closed as soon as it is open."""
        opening = asyncio.ensure_future(self._do(work))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(partial(_close_opened, close))
            raise

    async def _do(self, work: Callable[[], T], *, with_reason: bool = False) -> T:
        def translated() -> T:
            with disk_errors(with_reason=with_reason):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, translated)


class _Upload:
    """An upload that is open for adding to it, and locked. `offset` is where the next byte goes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.offset = os.fstat(descriptor).st_size
        self._synced = self.offset

    @classmethod
    def open(cls, path: Path) -> "_Upload":
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise BadOffset("Another request adds to this file now") from None
        return cls(descriptor)

    def write(self, data: bytes | bytearray) -> None:
        left = memoryview(data)
        while left:
            written = os.pwrite(self._descriptor, left, self.offset)
            self.offset += written
            left = left[written:]
        if self.offset - self._synced >= SYNC_BYTES:
            os.fsync(self._descriptor)
            self._synced = self.offset
            disk = os.fstatvfs(self._descriptor)
            if disk.f_bavail * disk.f_frsize < SPARE_BYTES:
                # When it began there was space, and so there was for others that began beside it.
                raise StorageFull("The disk for files is full")

    def close(self) -> None:
        os.close(self._descriptor)  # which ends the lock, too


def _close_opened(close: Callable[[T], None], opening: "asyncio.Future[T]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        close(opening.result())


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise NotFound from None


def _keep(upload: Path, kept: Path, clean: Path | None) -> int:
    if clean is not None:
        _move(clean, kept)
        _remove([upload])
    elif upload.is_file():
        _move(upload, kept)
    size = _size(kept)
    if size is None:
        raise NotFound
    return size


def _move(source: Path, target: Path) -> None:
    """Make a file durable under another name. Both are on one disk."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    source.chmod(MODE)
    _sync(source)
    source.replace(target)
    _sync(target.parent)
    _sync(target.parent.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int | None:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return None


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            _sync(path.parent)


def _subfolders(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()]


def _list(folder: Path, part: Part) -> list[Kept]:
    found = []
    for path in folder.iterdir():
        if not has_known_form(path.name):
            continue  # a file of others, or of the file system
        with suppress(FileNotFoundError):  # it was removed meanwhile
            stat = path.stat()
            found.append(Kept(path.name, part, stat.st_size, stat.st_mtime_ns // 1_000_000))
    return found


def remove_older(folder: Path, before: int, prefix: str = "") -> None:
    """Remove the folders in this one that begin with `prefix` and were last changed before a time (milliseconds)."""
    for path in folder.glob(f"{prefix}*"):
        with suppress(FileNotFoundError):
            if path.is_dir() and path.stat().st_mtime_ns // 1_000_000 < before:
                shutil.rmtree(path, ignore_errors=True)


def _try(folder: Path) -> None:
    path = folder / random_id()
    path.write_bytes(b"tailwire")
    path.unlink()


@contextmanager
def disk_errors(*, with_reason: bool = False) -> Iterator[None]:
    """Raise errors of the system as ours, without any path.

    The reason is for whoever runs the server. `with_reason` tells it to the caller; else it is logged.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull("The disk for files is full") from None
        reason = os.strerror(error.errno or 0)
        if with_reason:
            raise Unavailable(f"The folder for files cannot be used: {reason}") from None
        log.warning("files_unusable", reason=reason)
        raise Unavailable("The files cannot be reached at the moment") from None
