"""What this node has appended, or found appended, to rooms' logs and not yet flushed on a RethinkDB cluster.

All of it is durable: the database has answered. So a ref that comes again in another room is known here before it can
be found in `messages`, and the feed need not read what this node has written itself.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from api.models import Kind

ANSWER_SECONDS: Final = 0.25
"""For an append that is under way; then what it may have written is read."""


class _Room(NamedTuple):
    epoch: str
    rows: dict[int, dict[str, Any]]  # by seq


class Unflushed:
    """See the module. Nothing here waits but `answered`."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._by_id: dict[str, dict[str, Any]] = {}
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def row(self, id_: str) -> dict[str, Any] | None:
        """Return the row with this id, of whatever room."""
        return self._by_id.get(id_)

    def remember(self, room_id: str, epoch: str, rows: Iterable[dict[str, Any]]) -> None:
        """Keep rows as they are stored, until `forget`; those of another epoch count no more."""
        room = self._rooms.get(room_id)
        if room is not None and room.epoch != epoch:
            self.forget(room_id, max(room.rows))
        for row in rows:
            self._rooms.setdefault(room_id, _Room(epoch, {})).rows[row["seq"]] = row
            self._by_id[row["id"]] = row

    def forget(self, room_id: str, until: int) -> None:
        """Forget a room's rows up to a seq: they are flushed."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        for seq in [seq for seq in room.rows if seq <= until]:
            self._by_id.pop(room.rows.pop(seq)["id"], None)
        if not room.rows:
            del self._rooms[room_id]

    def forget_all(self) -> None:
        """Forget everything, as when the database was set back."""
        self._rooms.clear()
        self._by_id.clear()

    def messages(self, room_id: str, epoch: str, after: int, until: int) -> list[dict[str, Any]] | None:
        """Return the entries in (after, until], if all of them are messages that are known here; else None.

        What else there is may have changed what came before it, as a delete does.
        """
        room = self._rooms.get(room_id)
        if room is None or room.epoch != epoch or until - after > len(room.rows):
            return None
        rows = [room.rows.get(seq) for seq in range(after + 1, until + 1)]
        known = [row for row in rows if row is not None and row["kind"] == Kind.MESSAGE]
        return known if len(known) == len(rows) else None

    @contextmanager
    def appending(self, attempt: str) -> Iterator[None]:
        """While this append is under way, `answered` waits for it."""
        done = self._under_way[attempt] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            del self._under_way[attempt]
            done.set_result(None)

    async def answered(self, attempts: Iterable[str | None]) -> None:
        """Wait, not for long, until none of these appends is under way here. Those of other nodes never are."""
        if waiting := {self._under_way[one] for one in attempts if one in self._under_way}:
            await asyncio.wait(waiting, timeout=ANSWER_SECONDS)
