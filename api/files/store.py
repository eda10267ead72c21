"""Declares `FileStore`, the interface to the bytes of files, and the promises that a folder and S3 both keep.

- **Resumable**: bytes that `append` took stay after it raises, and after a crash of the process. S3 loses what had not
  filled a piece when the process crashed. `offset` says how many there are.
- **Whole**: what `keep` returned for survives a crash of the machine, and is read whole or not at all.
- **Repeatable**: `keep`, `keep_thumb` and `remove` may be done again after a crash, wherever it came.
- **Streamed**: no file is ever whole in memory.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from api.errors import BadOffset, NotFound, TooLarge

SPARE_BYTES: Final = 256 * 1024 * 1024
"""So much of a disk is left free: a database beside the files must go on writing."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Part(StrEnum):
    """What is kept under the id of a file."""

    UPLOAD = "uploads"  # what has come of it, until it is whole
    FILE = "kept"
    THUMB = "thumbs"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is kept: which part of which file, how many bytes, and when it was written, in ms since 1970."""

    file_id: str
    part: Part
    size: int
    written_at: int


@dataclass(frozen=True, slots=True)
class ServedAs:
    """The headers under which a place that serves files by itself serves one."""

    media_type: str
    disposition: str


class FileStore(ABC):
    """The bytes of files by the ids that this server made for them. Its methods raise `Unavailable` and `StorageFull`.

    No path is made of anything else. Whoever calls decides who may do what.
    """

    @abstractmethod
    async def offset(self, file_id: str) -> int:
        """Return how many bytes of an upload are kept. Of one that has become a file, that is all of them."""

    @abstractmethod
    async def append(
        self, file_id: str, offset: int, chunks: AsyncIterator[bytes], *, size: int | None = None
    ) -> int:
        """Add bytes to an upload, and return its new offset. The first call for an id begins the upload.

        What `chunks` gave before it raised is kept, and its error is raised. Raises `BadOffset` where `offset` is not
        that of the upload, or another call adds to it now. Raises `TooLarge` where more than `size` bytes would come.
        """

    @abstractmethod
    def local(self, file_id: str) -> AbstractAsyncContextManager[Path]:
        """Give a file of this machine that has the bytes of an upload, for as long as the block lasts."""

    @abstractmethod
    def workplace(self) -> AbstractAsyncContextManager[Path]:
        """Give an empty folder, from which `keep` and `keep_thumb` take files. It goes with what is left in it."""

    @abstractmethod
    async def keep(
        self, file_id: str, clean: Path | None = None, *, served_as: ServedAs | None = None
    ) -> int:
        """Make an upload a file, or in its place the file `clean`, and return its size. The upload is gone then.

        `served_as` is for a place that can serve the file by itself: then `address` gives its address there.

        Done again it changes nothing, but for another `clean`. Raises `NotFound` where there is nothing to keep.
        """

    @abstractmethod
    async def keep_thumb(self, file_id: str, thumb: Path) -> None:
        """Keep the small picture of a file."""

    @abstractmethod
    async def size(self, file_id: str, part: Part = Part.FILE) -> int | None:
        """Return the size of a file or its thumbnail, or None where there is none."""

    @abstractmethod
    def read(self, file_id: str, begin: int, end: int, part: Part = Part.FILE) -> AsyncGenerator[bytes]:
        """Yield the bytes from `begin` up to `end` in small chunks. Raises `NotFound` where they are not all there."""

    async def address(self, file_id: str, *, seconds: int) -> str | None:  # noqa: ARG002  most places have none
        """Return an address at which clients read a file for so long, or None where this server has to serve it."""
        return None

    @abstractmethod
    async def remove(self, file_id: str) -> None:
        """Remove an upload, file and thumbnail. Removing what is not there changes nothing."""

    @abstractmethod
    async def remove_upload(self, file_id: str) -> None:
        """Remove what is left of an upload, and nothing of the file. Removing what is not there changes nothing."""

    @abstractmethod
    def all(self) -> AsyncIterator[Kept]:
        """Yield everything that is kept."""

    @abstractmethod
    async def check(self) -> None:
        """Write something, read it and remove it. Raises `Unavailable` with the reason where that is not possible."""

    @abstractmethod
    async def tidy(self, before: int) -> None:
        """Remove what processes that crashed have left in workplaces before this time, in milliseconds since 1970."""

    async def free_bytes(self) -> int | None:
        """Return how many bytes there is space for, or None where nobody knows."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """End all threads."""


def has_known_form(file_id: str) -> bool:
    """Say whether this server may have made an id, of whose characters a path can be made."""
    return _ID.fullmatch(file_id) is not None


def known_form(file_id: str) -> str:
    """Return an id that this server may have made. Raises `NotFound`."""
    if not has_known_form(file_id):
        raise NotFound
    return file_id


async def add_nothing(kept: int, offset: int, chunks: AsyncIterator[bytes]) -> int:
    """Return the offset of an upload that has become a file, to which nothing can be added."""
    if offset != kept:
        raise BadOffset
    async for chunk in chunks:
        if chunk:
            raise TooLarge("More bytes came than the file was said to have")
    return kept
