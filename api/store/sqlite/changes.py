"""Opens tails on a SQLite file, and hands them what this process commits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from api.models.changes import Change, Signal
from api.store.base.changes import ChangeStore, Wants, all_rooms
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.tail import Commit, SqliteTail, position
from api.store.sqlite.wake import Wake
from api.store.sqlite.worker import Worker


class SqliteChanges(ChangeStore):
    """The open tails. They are handed what this process commits, and read what other processes commit."""

    def __init__(self, reader: Worker, log: RoomLog, wake: Wake, quiet_seconds: float) -> None:
        self._read = reader.do
        self._log = log
        self._wake = wake
        self._quiet_seconds = quiet_seconds
        self._tails: set[SqliteTail] = set()

    @asynccontextmanager
    async def open(  # noqa: D102 - the promise stands in `ChangeStore`
        self,
        wants: Wants = all_rooms,  # noqa: ARG002  entries of unwanted rooms cost nothing extra here
        *,
        grown: bool = False,
    ) -> AsyncIterator[AsyncIterator[list[Change]]]:
        start = await self._read(position)
        tail = SqliteTail(self._log, self._read, start, self._quiet_seconds, grown=grown)
        self._tails.add(tail)
        try:
            with self._wake.listening(tail.look):
                yield tail
        finally:
            self._tails.discard(tail)

    def hear(self, signals: Sequence[Signal]) -> None:
        """Give every open tail signals of other stores."""
        for tail in self._tails:
            tail.hear(signals)

    def hand(self, commit: Commit) -> None:
        """Give every open tail what this process has committed."""
        for tail in self._tails:
            tail.hand(commit)
