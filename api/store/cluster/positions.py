"""Stores and reads the positions of followers in the RethinkDB table `positions`.

A row has the number of the lease under which it was last written. RethinkDB changes one row atomically and no more, so
this number is what keeps an earlier holder from changing the row. The row of the lease, which every write looks at too,
keeps it from rooms that the new holder has not come to yet.
"""

# ruff: noqa: D102 - the promises stand in `PositionStore`

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from api.errors import LeaseLost
from api.models.followers import FollowerPosition, Lease, Progress
from api.models.log import Head
from api.store.base.positions import PositionStore
from api.store.cluster.queries import heads_table, is_head
from api.store.cluster.rows import Reader, is_key
from api.store.rethinkdb import Pool, Prepared, r

SLICE: Final = 200
"""One query stores so many positions: each is a write of its own to the database, flushed to the disk."""


class ClusterPositions(PositionStore):
    """The table `positions`, in the order of follower and room."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def page(self, follower: str, *, after: str, limit: int) -> list[Progress]:
        found: list[Progress] = []
        while not found:
            rows = await self._pool.run(_PAGE({"follower": follower, "after": after, "limit": limit}))
            if not rows:
                break
            found, after = self._reader.read(rows, _progress), rows[-1]["id"]
        return found

    async def get_many(self, follower: str, room_ids: Sequence[str]) -> dict[str, Progress]:
        rooms = [room_id for room_id in dict.fromkeys(room_ids) if is_key(room_id)]
        rows = await self._pool.run(_GET_MANY({"follower": follower, "rooms": rooms}))
        return {one.head.room_id: one for one in self._reader.read(rows, _progress)}

    async def of_each(self, rooms: Mapping[str, str]) -> dict[str, Progress]:
        followers = {follower: room_id for follower, room_id in rooms.items() if is_key(room_id)}
        asked = {
            "rooms": [*dict.fromkeys(followers.values())],
            "keys": [[*pair] for pair in followers.items()],
        }
        found = await self._pool.run(_OF_EACH(asked))
        heads = {row["id"]: row for row in found["heads"]}
        positions = {row["id"][0]: row for row in found["positions"]}
        rows = [
            heads[room_id] | {"follower": follower, "position": positions.get(follower)}
            for follower, room_id in followers.items()
            if room_id in heads
        ]
        return dict(self._reader.read(rows, lambda row: (row["follower"], _progress(row))))

    async def advance(
        self, lease: Lease, positions: Sequence[FollowerPosition]
    ) -> dict[str, FollowerPosition]:
        stored = await self._store(lease, ((lease.name, one) for one in positions))
        return {row["room_id"]: FollowerPosition(row["room_id"], row["epoch"], row["seq"]) for row in stored}

    async def advance_each(self, lease: Lease, positions: Mapping[str, FollowerPosition]) -> None:
        await self._store(lease, positions.items())

    async def drop(self, lease: Lease, room_ids: Sequence[str]) -> None:
        keys = [[lease.name, room_id] for room_id in room_ids]
        errors = await self._pool.run(_DROP({"name": lease.name, "number": lease.number, "keys": keys}))
        if errors is None:
            raise LeaseLost

    async def room_ids(self, follower: str) -> list[str]:
        return await self._pool.read(_of(r.table("positions", read_mode="majority"), follower)["room_id"])

    async def _store(
        self, lease: Lease, positions: Iterable[tuple[str, FollowerPosition]]
    ) -> list[dict[str, Any]]:
        rows, stored = [_row(follower, one, lease) for follower, one in positions], list[dict[str, Any]]()
        for start in range(0, len(rows), SLICE):
            given = {"name": lease.name, "number": lease.number, "rows": rows[start : start + SLICE]}
            some: list[dict[str, Any]] | None = await self._pool.run(_ADVANCE(given))
            if some is None or any(row["lease"] != lease.number for row in some):
                raise LeaseLost
            stored += some
        return stored


def forget_follower_query(follower: str) -> Any:
    """Return the write that deletes all positions of a follower."""
    return _of(r.table("positions"), follower).delete()


def _of(positions: Any, follower: str) -> Any:
    """Return the rows of a follower. Their keys are pairs of its name and a room."""
    return positions.between([follower, r.minval], [follower, r.maxval])


def _row(follower: str, position: FollowerPosition, lease: Lease) -> dict[str, Any]:
    return {
        "id": [follower, position.room_id],
        "room_id": position.room_id,
        "epoch": position.epoch,
        "seq": position.seq,
        "lease": lease.number,
    }


def _progress(row: dict[str, Any]) -> Progress:
    """Read a head with its position. Raises `KeyError` for one that we did not write."""
    position = row["position"]
    return Progress(
        Head(row["id"], row["epoch"], row["seq"]),
        row["began"],
        row["deleted"],
        None if position is None else FollowerPosition(row["id"], position["epoch"], position["seq"]),
    )


def _with_positions(heads: Any, follower: Any) -> Any:
    """Return the heads with their positions. A head that we did not write has no more than its id."""

    def joined(heads: Any) -> Any:
        keys = heads["id"].map(lambda room_id: [follower, room_id])
        positions = r.table("positions", read_mode="majority").get_all(r.args(keys))
        by_room = positions.map(lambda row: [row["room_id"], row.pluck("epoch", "seq")])
        return by_room.coerce_to("array").coerce_to("object").do(lambda found: heads.map(with_one(found)))

    def with_one(found: Any) -> Any:
        return lambda head: head.merge({"position": found[head["id"]].default(None)})

    return heads.map(_shown).coerce_to("array").do(joined)


def _shown(head: Any) -> Any:
    fields = head.pluck("id", "epoch", "seq").merge(
        {"began": head["began"].default(0), "deleted": head["deleted"].default(False)}
    )
    return r.branch(is_head(head), fields, head.pluck("id"))


def _page(given: Any) -> Any:
    later = heads_table().between(given["after"], r.maxval, left_bound="open").order_by(index="id")
    return _with_positions(later.limit(given["limit"]), given["follower"])


def _get_many(given: Any) -> Any:
    return _with_positions(heads_table().get_all(r.args(given["rooms"])), given["follower"])


def _of_each(given: Any) -> Any:
    """Return the heads of rooms, and positions by their keys. Many are read at once: one by one they take seconds."""
    heads = heads_table().get_all(r.args(given["rooms"])).map(_shown).coerce_to("array")
    positions = r.table("positions", read_mode="majority").get_all(r.args(given["keys"]))
    known = positions.pluck("id", "epoch", "seq").coerce_to("array")
    return heads.do(lambda heads: {"heads": heads, "positions": known})


def _advance(given: Any) -> Any:
    """Return the write of positions. It answers the rows that stand then, or null if the lease has a newer holder."""

    def standing(_id: Any, old: Any, new: Any) -> Any:
        is_further = (old["epoch"] == new["epoch"]) & (old["seq"] > new["seq"])
        return r.branch(
            old["lease"] > new["lease"],
            old,
            is_further,
            old.merge({"lease": new["lease"]}),
            new,
        )

    written = r.table("positions").insert(
        given["rows"], conflict=standing, durability="hard", return_changes="always"
    )
    stored = written.do(
        lambda written: r.branch(
            written["errors"] == 0, written["changes"]["new_val"], r.error("positions are not stored")
        )
    )
    return r.branch(_has_newer_holder(given), None, stored)


def _drop(given: Any) -> Any:
    """Return the delete of positions. It answers the count of errors, or null if the lease has a newer holder."""
    mine = r.table("positions").get_all(r.args(given["keys"]))
    dropped = mine.filter(lambda row: row["lease"] <= given["number"]).delete(durability="hard")
    return r.branch(_has_newer_holder(given), None, dropped["errors"])


def _has_newer_holder(given: Any) -> Any:
    newest = r.table("leases", read_mode="majority").get(given["name"])["number"].default(0)
    return newest > given["number"]


_PAGE: Final = Prepared(_page)
_GET_MANY: Final = Prepared(_get_many)
_OF_EACH: Final = Prepared(_of_each)
_ADVANCE: Final = Prepared(_advance)
_DROP: Final = Prepared(_drop)
