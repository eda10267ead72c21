"""Remembers the entries that this node has appended, or found appended, but not yet flushed to `batches`.

All of them are durable, because the database has answered. So a ref that is used again in another room is noticed
before it can be found in `batches`, and a tail need not read the entries that this node has appended itself.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from api.models.log import Kind

ANSWER_SECONDS: Final = 0.25
"""A tail waits this long for the answer of an append that is under way, and then reads what it may have written."""


class _UnflushedRoom(NamedTuple):
    epoch: str
    rows: dict[int, dict[str, Any]]  # by seq


class Unflushed:
    """The unflushed entries of all rooms. Only the method `answered` waits."""

    def __init__(self) -> None:
        self._rooms: dict[str, _UnflushedRoom] = {}
        self._by_id: dict[str, dict[str, Any]] = {}
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def row(self, id_: str) -> dict[str, Any] | None:
        """Return the row with this id, of any room, or None."""
        return self._by_id.get(id_)

    def newest(self, room_id: str) -> tuple[str, int]:
        """Return the epoch of a room and its newest seq that is known here to be durable; ("", 0) if none is."""
        room = self._rooms.get(room_id)
        return ("", 0) if room is None else (room.epoch, max(room.rows))

    def amount(self, room_id: str) -> tuple[int, int]:
        """Return how many rows of a room are kept here, and how many characters their bodies have."""
        rows = self._rooms[room_id].rows.values() if room_id in self._rooms else ()
        return len(rows), sum(len(row["data"].get("body", "")) for row in rows)

    def after(self, room_id: str, seq: int) -> tuple[str, list[dict[str, Any]]]:
        """Return the epoch of a room and all its rows after a seq, if none is missing between them; else ("", [])."""
        room = self._rooms.get(room_id)
        if room is None or max(room.rows) - seq != len(room.rows):
            return "", []
        return room.epoch, [room.rows[one] for one in sorted(room.rows)]

    def remember(self, room_id: str, epoch: str, rows: Iterable[dict[str, Any]]) -> None:
        """Keep these stored rows until `forget`. Rows that are known of another epoch of the room are dropped."""
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
        """Forget a room's rows up to `until`, which are flushed, and all rows of another epoch."""
        if (room := self._rooms.get(room_id)) is not None:
            self._drop(room_id, [seq for seq in room.rows if seq <= until or room.epoch != epoch])

    def _drop(self, room_id: str, seqs: list[int]) -> None:
        room = self._rooms[room_id]
        for seq in seqs:
            row = room.rows.pop(seq)
            if self._by_id.get(row["id"]) is row:  # else the ref was stored in another room at the same time
                del self._by_id[row["id"]]
        if not room.rows:
            del self._rooms[room_id]

    def forget_all(self) -> None:
        """Forget everything, because the database was set back."""
        self._rooms.clear()
        self._by_id.clear()

    def messages(
        self, room_id: str, epoch: str, attempt: str | None, after: int, until: int
    ) -> list[dict[str, Any]] | None:
        """Return the entries in (after, until], if all of them are messages that are known here; else None.

        `attempt` is the append that the newest of them belongs to. An entry of another kind may have changed earlier
        ones, as a delete does; then all of them must be read instead.
        """
        room = self._rooms.get(room_id)
        if room is None or room.epoch != epoch or until - after > len(room.rows):
            return None
        rows = [room.rows.get(seq) for seq in range(after + 1, until + 1)]
        known = [row for row in rows if row is not None and row["kind"] == Kind.MESSAGE]
        return known if len(known) == len(rows) and known[-1].get("attempt") == attempt else None

    @contextmanager
    def appending(self, attempt: str) -> Iterator[None]:
        """Make `answered` wait for this append while the context is entered."""
        done = self._under_way[attempt] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            del self._under_way[attempt]
            done.set_result(None)

    async def answered(self, attempts: Iterable[str | None]) -> None:
        """Wait, at most `ANSWER_SECONDS`, until none of these appends is under way here. Other nodes' do not count."""
        if waiting := {self._under_way[one] for one in attempts if one in self._under_way}:
            await asyncio.wait(waiting, timeout=ANSWER_SECONDS)
