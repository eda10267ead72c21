"""Reads from the RethinkDB table `members` in which rooms users are."""

from collections.abc import Sequence
from typing import Any

from api.store.cluster.rows import is_key
from api.store.rethinkdb import Pool, r


async def rooms_of(pool: Pool, user_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the rooms of these users, as far as their memberships are flushed.

    They are read row by row, as they may be more than an array of the database holds.
    """
    rooms: dict[str, list[str]] = {user_id: [] for user_id in user_ids if is_key(user_id)}

    def is_enough(row: dict[str, Any]) -> bool:
        rooms[row["user_id"]].append(row["room_id"])
        return False

    if rooms:
        found = r.table("members", read_mode="majority").get_all(*rooms, index="person")
        present = found.filter(lambda row: row["role"].ne(None)).pluck("user_id", "room_id")
        await pool.read_until(present, is_enough)
    return rooms
