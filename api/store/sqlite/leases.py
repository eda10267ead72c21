"""Takes and renews leases in the SQLite table `leases`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `LeaseStore`

import time

import apsw

from api.errors import LeaseLost
from api.models.followers import Lease, LeaseState
from api.store.base.leases import LATEST_MS, LEASE_MS, LeaseStore
from api.store.sqlite.worker import Worker


class SqliteLeases(LeaseStore):
    """The table `leases`. Its clock is that of the machine, on which all processes are."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def acquire(self, name: str, holder: str) -> Lease | None:
        if await self._read(lambda cursor: _is_held_by_another(cursor, name, holder)):
            return None  # found out without keeping other writers waiting
        return await self._write(lambda cursor: _acquire(cursor, name, holder))

    async def renew(self, lease: Lease) -> bool:
        return await self._write(lambda cursor: _renew(cursor, lease))

    async def release(self, lease: Lease) -> None:
        await self._write(lambda cursor: _end(cursor, lease))

    async def all(self) -> list[LeaseState]:
        return await self._read(_all)


def require_newest(cursor: apsw.Cursor, lease: Lease) -> None:
    """Raise `LeaseLost` if a lease has a newer holder."""
    row = cursor.execute("SELECT number FROM leases WHERE name = ?", (lease.name,)).fetchone()
    if row is not None and row[0] > lease.number:
        raise LeaseLost


def end_leases(cursor: apsw.Cursor) -> None:
    """End the leases that a copy holds, and keep their numbers. A copy of a version before leases has none."""
    if cursor.execute("PRAGMA table_info(leases)").fetchall():
        cursor.execute("UPDATE leases SET until = 0")


def _now() -> int:
    return time.time_ns() // 1_000_000


def _is_held_by_another(cursor: apsw.Cursor, name: str, holder: str) -> bool:
    row = cursor.execute("SELECT until, holder FROM leases WHERE name = ?", (name,)).fetchone()
    return row is not None and row[1] != holder and _lasts(row[0])


def _lasts(until: int) -> bool:
    return 0 < until - _now() <= LATEST_MS


def _acquire(cursor: apsw.Cursor, name: str, holder: str) -> Lease | None:
    if _is_held_by_another(cursor, name, holder):
        return None
    ((number,),) = cursor.execute(
        "INSERT INTO leases (name, number, holder, until) VALUES (?1, 1, ?2, ?3) ON CONFLICT (name)"
        " DO UPDATE SET number = number + 1, holder = ?2, until = ?3 RETURNING number",
        (name, holder, _now() + LEASE_MS),
    )
    return Lease(name, number)


def _renew(cursor: apsw.Cursor, lease: Lease) -> bool:
    now = _now()
    cursor.execute(
        "UPDATE leases SET until = ? WHERE name = ? AND number = ? AND until > ?",
        (now + LEASE_MS, lease.name, lease.number, now),
    )
    return bool(cursor.connection.changes())


def _end(cursor: apsw.Cursor, lease: Lease) -> None:
    cursor.execute("UPDATE leases SET until = 0 WHERE name = ? AND number = ?", (lease.name, lease.number))


def _all(cursor: apsw.Cursor) -> list[LeaseState]:
    rows = cursor.execute("SELECT name, number, until FROM leases ORDER BY name")
    return [LeaseState(name, number, _lasts(until)) for name, number, until in rows]
