"""Reads what is new in many rooms at once: of most of them the tails of their heads tell it."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from api.models.log import UNREADABLE, Entry, News
from api.store.cluster.pages import Pages
from api.store.cluster.queries import heads_table, is_head, tail_after
from api.store.cluster.rows import Reader, head_of, is_key
from api.store.rethinkdb import Pool, Prepared, r

AT_ONCE: Final = 4
"""So many logs are read at the same time, of rooms that are far ahead."""


class RoomNews:
    """Reads what is new in rooms, by one query for all whose tails have it, and one for each of the others."""

    def __init__(self, pool: Pool, reader: Reader, pages: Pages) -> None:
        self._pool = pool
        self._reader = reader
        self._pages = pages

    async def read(self, after: Mapping[str, int], limit: int) -> list[News]:
        """Return what is new in these rooms after a seq of each, as `LogStore.news` says."""
        asked = {room_id: min(max(seq, 0), 2**53) for room_id, seq in after.items() if is_key(room_id)}
        if not asked:
            return []
        rows, found = await self._pool.run(_NEWS(asked)), list[News]()
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            found += await asyncio.gather(*(self._of(row, asked[row["id"]], limit) for row in some))
        return found

    async def _of(self, row: dict[str, Any], after: int, limit: int) -> News:
        if row.get("deleted"):
            return News(head_of(row), True, [])
        return News(head_of(row), False, await self._entries(row, after, limit))

    async def _entries(self, row: dict[str, Any], after: int, limit: int) -> list[Entry]:
        """Return the entries after a seq: of the tail if that has them all and they can be read, or of the log."""
        room_id, until = row["id"], min(row["seq"], after + limit)
        if after >= until:
            return []
        if after >= row["trimmed"]:
            carried = self._reader.whole(room_id, row["tail"], after, until)
            if all(entry.kind != UNREADABLE for entry in carried):
                return carried
        return await self._pages.log(room_id, after, limit)


def _news(after: Any) -> Any:
    def new(head: Any) -> Any:
        seq = after[head["id"]]
        is_told = head["deleted"].default(False).not_() & (seq >= head["trimmed"])
        tail = r.branch(is_told, tail_after(head, seq), r.expr([]))
        return head.pluck("id", "epoch", "seq", "trimmed", "deleted").merge({"tail": tail})

    return heads_table().get_all(r.args(after.keys())).filter(is_head).map(new).coerce_to("array")


_NEWS: Final = Prepared(_news)
