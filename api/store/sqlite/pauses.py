"""Lets members of rooms in slow mode write in turn, by columns of the SQLite table `members`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `PauseStore`

import apsw

from api.errors import NotFound
from api.models.rooms import SlowTurn
from api.store.base.pauses import PauseStore
from api.store.sqlite.rows import ref_hash
from api.store.sqlite.worker import Worker


class SqlitePauses(PauseStore):
    """The columns `turn_at` and `turn_ref`, the time of the last turn and the hash of the ref that took it."""

    def __init__(self, writer: Worker) -> None:
        self._write = writer.do

    async def take_turn(self, room_id: str, user_id: str, ref: str, *, at: int, pause_ms: int) -> SlowTurn:
        hashed = ref_hash(ref)
        return await self._write(lambda cursor: _take(cursor, room_id, user_id, hashed, at, pause_ms))

    async def give_back(self, room_id: str, user_id: str, ref: str, turn: SlowTurn) -> None:
        hashed = ref_hash(ref)
        await self._write(lambda cursor: _give_back(cursor, room_id, user_id, hashed, turn.before))


def _take(  # noqa: PLR0917  a member, and the turn
    cursor: apsw.Cursor, room_id: str, user_id: str, hashed: bytes, at: int, pause_ms: int
) -> SlowTurn:
    row = cursor.execute(
        "SELECT turn_at, turn_ref FROM members WHERE room_id = ? AND user_id = ?", (room_id, user_id)
    ).fetchone()
    if row is None:
        raise NotFound
    before, taken_by = row
    if taken_by == hashed:
        return SlowTurn(0, before)
    if at < before + pause_ms:
        return SlowTurn(before + pause_ms - at, before)
    cursor.execute(
        "UPDATE members SET turn_at = ?, turn_ref = ? WHERE room_id = ? AND user_id = ?",
        (at, hashed, room_id, user_id),
    )
    return SlowTurn(0, before)


def _give_back(cursor: apsw.Cursor, room_id: str, user_id: str, hashed: bytes, before: int) -> None:
    cursor.execute(
        "UPDATE members SET turn_at = ?, turn_ref = NULL WHERE room_id = ? AND user_id = ? AND turn_ref = ?",
        (before, room_id, user_id, hashed),
    )
