"""Counts unread messages on RethinkDB.

They are counted in the tails of the heads, and in `batches` where a tail does not reach back far enough. Bodies stay in
the database.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from api.models.log import Kind
from api.models.rooms import MAX_UNREAD, Unread
from api.store.cluster.batches import MESSAGES, oldest_shown
from api.store.cluster.queries import heads_table, is_head, tail_after
from api.store.rethinkdb import Pool, Prepared, r
from api.store.unread import MAX_LOOKED, unread

PAGE: Final = 1_000
"""One query reads this many messages of `batches`. So most counts, which end at `MAX_UNREAD`, take one query."""


class Span(NamedTuple):
    """The entries of a room after the seq `after`, up to the seq `until`."""

    after: int
    until: int


class UnreadCounts:
    """Counts the unread messages of a user in many rooms at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, user_id: str, spans: Mapping[str, Span]) -> dict[str, Unread]:
        """Return what is unread to a user in these spans, by room id. Rooms without a head are left out."""
        if not spans:
            return {}
        after = {room_id: span.after for room_id, span in spans.items()}
        heads = await self._pool.run(_TAILS({"rooms": list(after), "after": after}))
        counts = await asyncio.gather(*(self._count(user_id, head, spans[head["id"]]) for head in heads))
        return {head["id"]: count for head, count in zip(heads, counts, strict=True)}

    async def _count(self, user_id: str, head: dict[str, Any], span: Span) -> Unread:
        tail = [row for row in head["tail"] if type(row.get("seq")) is int and row["seq"] <= span.until]
        deleted = {_target(row) for row in tail if row.get("kind") == Kind.DELETE}
        rows = dict[int, dict[str, Any]]()
        after, until = span.after, min(head["trimmed"], span.until)
        # The head was read first. So the entries that its tail lacks are in `batches`.
        while after < until and len(rows) < MAX_LOOKED:
            place = {"room_id": head["id"], "first": after + 1, "until": until, "limit": PAGE}
            page = await self._pool.run(_STORED(place))
            for row in page:
                rows.setdefault(row["seq"], row | {"kind": Kind.MESSAGE})
            count = _among(rows, deleted, user_id)
            if count.count == MAX_UNREAD:
                return count
            after = page[-1]["seq"] if len(page) >= PAGE else until
        return _among(rows | {row["seq"]: row for row in tail}, deleted, user_id)


def _among(rows: dict[int, dict[str, Any]], deleted: set[Any], user_id: str) -> Unread:
    messages = ((seq, rows[seq]) for seq in sorted(rows))
    return unread(
        ((seq, row.get("user_id")) for seq, row in messages if row.get("kind") == Kind.MESSAGE),
        deleted | {seq for seq, row in rows.items() if row.get("erased")},
        user_id,
    )


def _target(row: dict[str, Any]) -> Any:
    data = row.get("data")
    return data.get("target") if isinstance(data, dict) else None


def _tails(given: Any) -> Any:
    def tail(head: Any) -> Any:
        rows = tail_after(head, given["after"][head["id"]])
        shown = rows.pluck("seq", "kind", "user_id", "erased", {"data": {"target": True}})
        return head.pluck("id", "trimmed").merge({"tail": shown})

    return heads_table().get_all(r.args(given["rooms"])).filter(is_head).map(tail).coerce_to("array")


def _stored(given: Any) -> Any:
    found = oldest_shown(given["room_id"], given["first"], given["until"], given["limit"], MESSAGES)
    return found.pluck("seq", "user_id", "erased").coerce_to("array")


_TAILS: Final = Prepared(_tails)
_STORED: Final = Prepared(_stored)
