"""Stores and reads incoming hooks in the RethinkDB table `hooks`."""

from dataclasses import asdict
from typing import Any

from api.models.hooks import Hook
from api.models.page import Page
from api.store import paging
from api.store.base.hooks import HookStore
from api.store.cluster.rows import Reader, is_key
from api.store.rethinkdb import Pool, Prepared, r


class ClusterHooks(HookStore):
    """The table `hooks`. Its index `room` lists those that have not ended, and `of_room` all of a room."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def create(self, hook: Hook) -> None:
        """Store a new hook. Storing the same one again changes nothing."""
        await self._pool.write(r.table("hooks").insert(asdict(hook), conflict=lambda _id, old, _new: old))

    async def get(self, hook_id: str) -> Hook | None:
        """Return a hook, also one that has ended; None if there is none."""
        if not is_key(hook_id):
            return None
        row = await self._pool.run(_GET(hook_id))
        return next(iter(self._reader.read([] if row is None else [row], _hook)), None)

    async def of_room(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Hook]:
        """List the hooks of a room that have not ended, newest first. Raises `BadCursor`."""
        list_name = f"hooks {room_id}"
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        if not is_key(room_id):
            return Page([], None)
        found = r.table("hooks", read_mode="majority").between(
            [room_id, r.minval, r.minval], [room_id, *before], index="room"
        )
        rows = await self._pool.read(found.order_by(index=r.desc("room")).limit(limit + 1))
        return paging.page(list_name, rows, limit, key=lambda row: (row["created_at"], row["id"]), item=_hook)

    async def use(self, hook_id: str, *, at: int) -> None:
        """Store that a hook has posted. One that has ended, or that posted later than `at`, stays as it is."""
        if is_key(hook_id):
            is_older = r.row["ended_at"].eq(None) & (r.row["last_used_at"].default(0) < at)
            used = r.branch(is_older, {"last_used_at": at}, {})
            await self._pool.write(r.table("hooks").get_all(hook_id).update(used, durability="soft"))

    async def end(self, hook_id: str, *, at: int) -> bool:
        """End a hook. Returns False when there is none, or it has ended before."""
        if not is_key(hook_id):
            return False
        ended = r.branch(r.row["ended_at"].eq(None), {"ended_at": at}, {})
        written = await self._pool.write(r.table("hooks").get_all(hook_id).update(ended))
        return bool(written["replaced"])

    async def bots_of(self, room_id: str) -> list[str]:
        """Return the ids of the bots of all hooks of a room, also of those that have ended, and of a deleted room."""
        if not is_key(room_id):
            return []
        return [*await self._pool.run(_BOTS(room_id))]


def _hook(row: Any) -> Hook:
    return Hook(
        row["id"],
        row["room_id"],
        row["bot_id"],
        row["name"],
        row["made_by"],
        row["created_at"],
        row["ended_at"],
        row.get("last_used_at"),
    )


_GET = Prepared(lambda hook_id: r.table("hooks", read_mode="majority").get(hook_id))
_BOTS = Prepared(
    lambda room_id: (
        r.table("hooks", read_mode="majority").get_all(room_id, index="of_room")["bot_id"].coerce_to("array")
    )
)
