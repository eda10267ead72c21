"""The messages that have no ack yet, so that they outlast the program."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tailwire_client.kept import JsonFile
from tailwire_client.shape import read_all


@dataclass(frozen=True)
class Draft:
    """A message to send. The server stores one message under a ref, however often it is sent.

    `epoch` is that of `reply_to`, the seq of the message that it answers.
    """

    ref: str
    room_id: str
    body: str
    reply_to: int | None = None
    epoch: str | None = None
    files: tuple[str, ...] = ()


class Drafts(ABC):
    """Keeps what was not acked, in the order in which it was added."""

    @abstractmethod
    async def load(self) -> Sequence[Draft]:
        """Return what was not acked when the program ended, oldest first."""

    @abstractmethod
    async def add(self, draft: Draft) -> None:
        """Keep a message. It is durable when this returns, and not sent before."""

    @abstractmethod
    async def remove(self, ref: str) -> None:
        """Forget a message that was acked, or refused for good."""


class MemoryDrafts(Drafts):
    """Keeps nothing beyond the program: the outbox itself has it."""

    async def load(self) -> Sequence[Draft]:
        """Return nothing."""
        return ()

    async def add(self, draft: Draft) -> None:
        """Do nothing."""

    async def remove(self, ref: str) -> None:
        """Do nothing."""


class FileDrafts(Drafts):
    """Keeps messages in a file, on disk before each is sent."""

    def __init__(self, path: str | Path) -> None:
        self._file = JsonFile(path)
        self._drafts: dict[str, Draft] | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> Sequence[Draft]:
        """Return what was not acked, oldest first."""
        async with self._lock:
            return tuple((await self._loaded()).values())

    async def add(self, draft: Draft) -> None:
        """Write a message to the file."""
        async with self._lock:
            drafts = await self._loaded()
            await self._file.write([asdict(one) for one in (*drafts.values(), draft)])
            drafts[draft.ref] = draft

    async def remove(self, ref: str) -> None:
        """Take a message out of the file."""
        async with self._lock:
            drafts = await self._loaded()
            if drafts.pop(ref, None) is not None:
                await self._file.write([asdict(one) for one in drafts.values()])

    async def _loaded(self) -> dict[str, Draft]:
        if self._drafts is None:
            self._drafts = {one.ref: one for one in read_all(Draft, await self._file.read() or [])}
        return self._drafts
