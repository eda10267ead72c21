"""What this node has appended, or found appended, to rooms' logs and not yet flushed on a RethinkDB cluster.

All of it is durable: the database has answered. So a ref that comes again in another room is known here before it can
be found in `batches`, and the feed need not read what this node has written itself.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from api.models.log import Kind

ANSWER_SECONDS: Final = 0.25
"""For an append that is under way; then what it may have written is read."""


class _UnflushedRoom(NamedTuple):
    epoch: str
    rows: dict[int, dict[str, Any]]  # by seq


class Unflushed:
    """See the module. Nothing here waits but `answered`."""

    def __init__(self) -> None:
        self._rooms: dict[str, _UnflushedRoom] = {}
        self._by_id: dict[str, dict[str, Any]] = {}
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def row(self, id_: str) -> dict[str, Any] | None:
        """Return the row with this id, of whatever room."""
        return self._by_id.get(id_)

    def newest(self, room_id: str) -> tuple[str, int]:
        """Return the epoch of a room and the newest seq that is known here to be durable; ("", 0) for none."""
        room = self._rooms.get(room_id)
        return ("", 0) if room is None else (room.epoch, max(room.rows))

    def remember(self, room_id: str, epoch: str, rows: Iterable[dict[str, Any]]) -> None:
        """Keep rows as they are stored, until `forget`; those of another life of the room count no more."""
        room = self._rooms.get(room_id)
        for row in rows:
            if room is not None and (
                room.epoch != epoch or room.rows.get(row["seq"], row)["id"] != row["id"]
            ):
                self._drop(room_id, list(room.rows))
                room = None
            if room is None:
                room = self._rooms[room_id] = _UnflushedRoom(epoch, {})
            room.rows[row["seq"]] = row
            self._by_id[row["id"]] = row

    def forget(self, room_id: str, epoch: str, until: int) -> None:
        """Forget a room's rows up to a seq of this epoch, which are flushed, and all of another one."""
        if (room := self._rooms.get(room_id)) is not None:
            self._drop(room_id, [seq for seq in room.rows if seq <= until or room.epoch != epoch])

    def _drop(self, room_id: str, seqs: list[int]) -> None:
        room = self._rooms[room_id]
        for seq in seqs:
            row = room.rows.pop(seq)
            if self._by_id.get(row["id"]) is row:  # else it is another room's, of a ref that was raced for
                del self._by_id[row["id"]]
        if not room.rows:
            del self._rooms[room_id]

    def forget_all(self) -> None:
        """Forget everything, as when the database was set back."""
        self._rooms.clear()
        self._by_id.clear()

    def messages(
        self, room_id: str, epoch: str, attempt: str | None, after: int, until: int
    ) -> list[dict[str, Any]] | None:
        """Return the entries in (after, until], if all of them are messages that are known here; else None.

        `attempt`: the append that the newest of them is of. What else there is may have changed what came before
        it, as a delete does.
        """
        room = self._rooms.get(room_id)
        if room is None or room.epoch != epoch or until - after > len(room.rows):
            return None
        rows = [room.rows.get(seq) for seq in range(after + 1, until + 1)]
        known = [row for row in rows if row is not None and row["kind"] == Kind.MESSAGE]
        return known if len(known) == len(rows) and known[-1].get("attempt") == attempt else None

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
