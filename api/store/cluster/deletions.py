"""Takes away what is left of deleted rooms in the RethinkDB tables, slice by slice.

The row of a deleted room in `rooms` says that something may be left, and goes last. Before anything else the tail of
its head goes, as a flush would write what it carries again.
"""

# ruff: noqa: D102 - the promises stand in `DeletionStore`

from collections.abc import Sequence
from typing import Any, Final

from api.store.base.deletions import DeletionStore
from api.store.cluster.append_query import CLOSED
from api.store.cluster.flusher import Flusher
from api.store.cluster.queries import heads_table, is_row
from api.store.cluster.rows import is_key
from api.store.cluster.webhooks import forget_webhook
from api.store.rethinkdb import Pool, Prepared, r

BATCHES: Final = 100
"""One query takes away at most this many batches, and the refs of their entries."""
ROWS: Final = 1_000
"""One query takes away at most this many rows of any other table."""


class ClusterDeletions(DeletionStore):
    """The index `deleted` of the table `rooms` lists the rooms. The tables of other nouns have what is left of them."""

    def __init__(self, pool: Pool, flusher: Flusher) -> None:
        self._pool = pool
        self._flusher = flusher

    async def pending(self, *, before: int) -> list[str]:
        found = r.table("rooms", read_mode="majority").between(r.minval, before, index="deleted")
        return await self._pool.read(found["id"])

    async def take_away(self, room_id: str) -> bool:
        head = await self._pool.run(heads_table().get(room_id).pluck("deleted", "seq", "trimmed").default({}))
        if not head.get(
            "deleted"
        ):  # the database was put back from a copy whose tables are of several moments
            await self._pool.write(_RESTORED(room_id))
            return False
        if head["trimmed"] < head["seq"]:
            await self._flusher.flush(room_id)  # so that `batches` has all entries, and so all refs are found
            await self._pool.write(_EMPTIED(room_id))
        for query in (*_QUERIES, _MEMBERS):  # memberships go last: they tell who is to be told
            if (await self._pool.write(query(room_id)))["deleted"]:
                return True
        await self._pool.write(r.table("rooms").get(room_id).delete(durability="hard"))
        return False

    async def members_among(self, room_id: str, user_ids: Sequence[str]) -> set[str]:
        keys = [[room_id, user_id] for user_id in user_ids if is_key(user_id)]
        return set(await self._pool.run(_AMONG(keys))) if keys else set()


def _restored(room_id: Any) -> Any:
    """Return the write that lets a row of `rooms` say again what the head says."""
    room = r.table("rooms").get(room_id)
    return (
        heads_table()
        .get(room_id)["room"]
        .default({})
        .do(lambda said: room.replace(lambda row: row.without("deleted_at").merge(said), durability="hard"))
    )


def _emptied(room_id: Any) -> Any:
    """Return the write that leaves of the head of a deleted room what followers need."""

    def emptied(head: Any) -> Any:
        kept = head.pluck("id", "epoch", "began", "folded", "seq", "moved", "attempt")
        ends = {"flushed": head["seq"], "trimmed": head["seq"], "tail": [], "retries": 0}
        return kept.merge(CLOSED | ends | {"number": 0, "message_seq": 0, "mentioned": []})

    return r.table("heads").get(room_id).replace(emptied, durability="hard")


def _batches(room_id: Any) -> Any:
    """Return the write that takes away batches of a room, and before them the refs of their entries."""
    table, refs = r.table("batches"), r.table("refs")

    def without(ref: Any) -> Any:
        left = ref["places"].filter(lambda place: place.nth(0) != room_id)
        return r.branch(left.is_empty(), None, ref.merge({"places": left}))

    def taken(batches: Any) -> Any:
        ids = batches.concat_map(lambda batch: batch["rows"].default([]).filter(is_row)["id"])
        forgotten = refs.get_all(r.args(ids.coerce_to("array"))).replace(without, durability="hard")
        gone = table.get_all(r.args(batches["id"].coerce_to("array"))).delete(durability="hard")
        return forgotten.do(
            lambda written: r.branch(written["errors"] == 0, gone, r.error("refs are not taken away"))
        )

    found = table.between([room_id, r.minval], [room_id, r.maxval]).limit(BATCHES)
    return found.coerce_to("array").do(taken)


def _by_key(table: str) -> Prepared:
    """Return the write that takes away rows of a table whose keys begin with the id of the room."""
    return Prepared(
        lambda room_id: (
            r.table(table)
            .between([room_id, r.minval], [room_id, r.maxval])
            .limit(ROWS)
            .delete(durability="hard")
        )
    )


def _by_index(table: str, lower: Any, upper: Any, index: str) -> Prepared:
    """Return the write that takes away rows of a table that an index lists under the id of the room."""
    return Prepared(
        lambda room_id: (
            r.table(table)
            .between([room_id, *lower], [room_id, *upper], index=index)
            .limit(ROWS)
            .delete(durability="hard")
        )
    )


def _webhooks(room_id: Any) -> Any:
    """Return the write that takes away a webhook of a room, and before it what belongs to it."""
    found = r.table("webhooks").between(
        [room_id, r.minval, r.minval], [room_id, r.maxval, r.maxval], index="room"
    )

    def ended(ids: Any) -> Any:
        gone = r.table("webhooks").get_all(r.args(ids)).delete(durability="hard")
        forgotten = r.branch(ids.is_empty(), {"errors": 0}, forget_webhook(ids.nth(0)))
        return forgotten.do(
            lambda first: r.branch(first["errors"] == 0, gone, r.error("not all was taken away"))
        )

    return found.limit(1)["id"].coerce_to("array").do(ended)


def _among(keys: Any) -> Any:
    members = r.table("members", read_mode="majority").get_all(r.args(keys))
    return members.filter(lambda row: row["role"].default(None).ne(None))["user_id"].coerce_to("array")


_QUERIES: Final = (
    Prepared(_batches),
    *map(_by_key, ("mentions", "changed", "pins")),
    Prepared(lambda room_id: r.table("reactions").get_all(room_id, index="room").limit(ROWS).delete()),
    Prepared(_webhooks),
    Prepared(lambda room_id: r.table("hooks").get_all(room_id, index="of_room").limit(ROWS).delete()),
    _by_index("invites", [r.minval, r.minval], [r.maxval, r.maxval], "room"),
)
_MEMBERS: Final = _by_key("members")
_RESTORED: Final = Prepared(_restored)
_EMPTIED: Final = Prepared(_emptied)
_AMONG: Final = Prepared(_among)
