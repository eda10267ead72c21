"""Takes and renews leases in the RethinkDB table `leases`.

All times are those of the server that is asked, in seconds since 1970. Each change is one atomic change of one row.
"""

# ruff: noqa: D102 - the promises stand in `LeaseStore`

from typing import Any, Final

from api.models.followers import Lease, LeaseState
from api.store.base.leases import LATEST_MS, LEASE_MS, LeaseStore
from api.store.rethinkdb import Pool, Prepared, r

_LEASE_SECONDS: Final = LEASE_MS / 1000
_LATEST_SECONDS: Final = LATEST_MS / 1000


class ClusterLeases(LeaseStore):
    """The table `leases`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def acquire(self, name: str, holder: str) -> Lease | None:
        number = await self._pool.run(_ACQUIRE({"name": name, "holder": holder}))
        return None if number is None else Lease(name, number)

    async def renew(self, lease: Lease) -> bool:
        written = await self._pool.write(_RENEW({"name": lease.name, "number": lease.number}))
        return bool(written["replaced"])

    async def release(self, lease: Lease) -> None:
        mine = r.table("leases").get_all(lease.name).filter({"number": lease.number})
        await self._pool.write(mine.update({"until": 0}))

    async def all(self) -> list[LeaseState]:
        found = r.table("leases", read_mode="majority").order_by(index="id")
        rows = await self._pool.read(found.map(lambda row: row.merge({"is_held": _lasts(row, _now())})))
        return [LeaseState(row["id"], row["number"], row["is_held"]) for row in rows]


def _now() -> Any:
    """Return the term of the time, which is the same everywhere in a query."""
    return r.now().to_epoch_time()


def _lasts(row: Any, now: Any) -> Any:
    left = row["until"] - now
    return ((left > 0) & (left <= _LATEST_SECONDS)).default(False)


def _acquire(given: Any) -> Any:
    """Return the write that takes a lease. It answers its number, or null while another holds it."""
    lease = r.table("leases").get(given["name"])

    def is_held_by_another(row: Any) -> Any:
        return (_lasts(row, _now()) & (row["holder"] != given["holder"])).default(False)

    def taken(row: Any) -> Any:
        mine = {
            "id": given["name"],
            "number": row["number"].default(0) + 1,
            "holder": given["holder"],
            "until": _now() + _LEASE_SECONDS,
        }
        return r.branch(is_held_by_another(row), row, mine)

    def number(written: Any) -> Any:
        row = written["changes"].nth(0)["new_val"]
        return r.branch(row["holder"] == given["holder"], row["number"], None)

    # The read finds out without a write, while another holds the lease.
    write = lease.replace(taken, durability="hard", return_changes="always").do(number)
    return lease.do(lambda row: r.branch(is_held_by_another(row), None, write))


def _renew(given: Any) -> Any:
    def renewed(row: Any) -> Any:
        is_held = (row["number"] == given["number"]) & (row["until"] > _now())
        return r.branch(is_held, {"until": _now() + _LEASE_SECONDS}, {})

    return r.table("leases").get(given["name"]).update(renewed, durability="hard")


_ACQUIRE: Final = Prepared(_acquire)
_RENEW: Final = Prepared(_renew)
