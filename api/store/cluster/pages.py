"""Reads entries and messages from RethinkDB: the head first, then `batches`, merged by seq."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from api.errors import NotFound
from api.models.log import Entry, Head, History, Kind, Message
from api.store.cluster.batches import (
    changes_of,
    entries_after,
    entry_at,
    newest_messages,
    oldest_messages,
)
from api.store.cluster.queries import heads_query, heads_table, is_head, tail_after
from api.store.cluster.rows import Reader, head_of, is_key
from api.store.fold import fold
from api.store.rethinkdb import Pool, Prepared, r


class Pages:
    """Reads the logs of all rooms."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        """Return where the logs of these rooms end."""
        asked = [room_id for room_id in room_ids if is_key(room_id)]
        if not asked:
            return {}
        rows = await self._pool.read(heads_query(asked))
        return {head.room_id: head for head in self._reader.read(rows, head_of)}

    async def log(self, room_id: str, after: int, limit: int) -> list[Entry]:
        """Return exactly one entry for each seq in (after, after + limit], up to the head."""
        after, until = max(after, 0), max(after, 0) + limit
        if after >= 2**53 or not is_key(room_id):
            return []
        head, rows = await self._merged(_LOG, room_id, after, until)
        return [] if head is None else self._reader.whole(room_id, rows, after, min(until, head["seq"]))

    async def history(self, room_id: str, before: int | None, after: int | None, limit: int) -> History:
        """Return a page of folded messages. Raises `NotFound`."""
        if not is_key(room_id):
            raise NotFound
        above = min(max(after or 0, 0), 2**53)
        below = 2**53 if before is None else min(max(before, 0), 2**53)
        newest_first = after is None
        page = _NEWEST if newest_first else _OLDEST
        head, rows = await self._merged(page, room_id, above, below - 1, limit=limit + 1)
        if head is None:
            raise NotFound
        found = [row for row in rows if row.get("kind") == Kind.MESSAGE]
        shown = found[-limit:] if newest_first else found[:limit]
        items = await self._folded(room_id, self._reader.entries(shown), head)
        return History(items, head["epoch"], len(found) > limit)

    async def message(self, room_id: str, seq: int) -> Message | None:
        """Return one message, folded."""
        if not (is_key(room_id) and 0 < seq < 2**53):
            return None
        head, rows = await self._merged(_ONE, room_id, seq - 1, seq)
        found = [row for row in rows if row.get("kind") == Kind.MESSAGE]
        folded = await self._folded(room_id, self._reader.entries(found), head) if head else []
        return folded[0] if folded else None

    async def last_messages(self, heads: Sequence[dict[str, Any]]) -> dict[str, Message]:
        """Return the newest message of each room, folded."""
        found = await asyncio.gather(
            *(self.message(head["id"], head["message_seq"]) for head in heads if head["message_seq"])
        )
        return {message.room_id: message for message in found if message is not None}

    async def _merged(
        self, page: Prepared, room_id: str, above: int, until: int, **given: Any
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Return the head without its tail, and the rows in (above, until] of the tail and of a page, by seq.

        Returns None for a head that is missing, or that we did not write.
        """
        answer = await self._pool.run(page({"room_id": room_id, "above": above, "until": until, **given}))
        if answer is None:
            return None, []
        rows = {row["seq"]: row for row in answer["tail"] if type(row["seq"]) is int}
        for row in answer["stored"]:
            seq = row.get("seq")
            is_up_to_head = type(seq) is int and seq <= answer["head"]["seq"]
            if is_up_to_head and (seq not in rows or row.get("erased")):
                rows[seq] = row
        return answer["head"], [rows[seq] for seq in sorted(rows)]

    async def _folded(self, room_id: str, messages: list[Entry], head: dict[str, Any]) -> list[Message]:
        if not messages:
            return []
        places = [[room_id, message.seq] for message in messages]
        _, rows = await self._merged(_CHANGES, room_id, messages[0].seq, head["seq"], places=places)
        return fold(messages, self._reader.entries(rows))


def _page(stored: Callable[[Any, Any], Any]) -> Prepared:
    """Return the query for a head, the rows of its tail in (`above`, `until`], and the stored rows of a page.

    The head is read first, as entries that it no longer carries were flushed before. `stored` takes the parameter of
    the query and the last seq of the page: `until` or the head's seq, whichever is less.
    """

    def both(head: Any, given: Any) -> Any:
        tail = tail_after(head, given["above"]).filter(lambda row: row["seq"] <= given["until"])
        found = (
            r.expr([given["until"], head["seq"]])
            .min()
            .do(lambda until: stored(given, until).coerce_to("array"))
        )
        return {"head": head.without("tail"), "tail": tail, "stored": found}

    return Prepared(
        lambda given: (
            heads_table()
            .get(given["room_id"])
            .do(lambda head: r.branch(is_head(head), both(head, given), None))
        )
    )


_LOG: Final = _page(lambda given, until: entries_after(given["room_id"], given["above"], until))
_NEWEST: Final = _page(lambda given, until: newest_messages(given["room_id"], until, given["limit"]))
_OLDEST: Final = _page(
    lambda given, until: oldest_messages(given["room_id"], given["above"] + 1, until, given["limit"])
)
_ONE: Final = _page(lambda given, _until: entry_at(given["room_id"], given["until"]))
_CHANGES: Final = _page(lambda given, _until: changes_of(given["places"]))
