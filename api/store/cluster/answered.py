"""Looks at messages that are answered, and remembers them, so that further answers to them need no look."""

from collections import OrderedDict
from dataclasses import replace
from typing import Any, Final, NamedTuple

from api.errors import Deleted, NotFound
from api.models.log import Entry, Kind
from api.store.cluster.batches import entry_at
from api.store.cluster.heads import KnownHeads
from api.store.cluster.queries import heads_table, is_head, tail_after
from api.store.cluster.rows import Reader, is_key
from api.store.cluster.waiting import Guard
from api.store.rethinkdb import Pool, Prepared, r

MAX_ANSWERED: Final = 2_000
"""This many messages are remembered, those answered last."""


class Answered(NamedTuple):
    """A message that is not deleted: its entry, without a body, and the guard under which an answer may be stored."""

    entry: Entry
    guard: Guard


class AnsweredMessages:
    """The messages that are answered on this node."""

    def __init__(self, pool: Pool, reader: Reader, heads: KnownHeads) -> None:
        self._pool = pool
        self._reader = reader
        self._heads = heads
        self._known: OrderedDict[tuple[str, int], Answered] = OrderedDict()

    async def get(self, room_id: str, seq: int) -> Answered:
        """Return the message at `seq`. Raises `NotFound` where there is none, and `Deleted`."""
        if not (is_key(room_id) and 0 < seq < 2**53):
            raise NotFound
        known = self._remembered(room_id, seq)
        if known is None:
            known = await self._look(room_id, seq)
            if len(self._known) >= MAX_ANSWERED:
                self._known.popitem(last=False)
            self._known[room_id, seq] = known
        return known

    def _remembered(self, room_id: str, seq: int) -> Answered | None:
        """Return a message that is known, and known not to be deleted since."""
        known, head = self._known.pop((room_id, seq), None), self._heads.peek(room_id)
        if known is None or head is None or known.guard.as_of > head.seq or not known.guard.is_met_by(head):
            return None
        self._known[room_id, seq] = known
        return known

    async def _look(self, room_id: str, seq: int) -> Answered:
        found = await self._pool.run(_ANSWERED({"room_id": room_id, "seq": seq}))
        if found is None or seq > found["seq"]:
            raise NotFound
        rows = [row for row in [*found["tail"], *found["stored"]] if row.get("kind") == Kind.MESSAGE]
        entries = self._reader.entries(rows)
        if not entries:
            raise NotFound
        if len(rows) < len(found["tail"]) + len(found["stored"]) or any(row.get("erased") for row in rows):
            raise Deleted
        entry = replace(entries[0], data={**entries[0].data, "body": ""})
        return Answered(entry, Guard(found["epoch"], found["seq"], Kind.DELETE.value, seq, spare=0))


def _answered(given: Any) -> Any:
    def is_wanted(row: Any) -> Any:
        is_delete = (row["kind"] == Kind.DELETE.value) & (row["data"]["target"] == given["seq"])
        return (row["seq"] == given["seq"]) | is_delete

    def found(head: Any) -> Any:
        # The head is read first, as what its tail no longer carries was flushed before.
        return (
            tail_after(head, given["seq"] - 1)
            .filter(is_wanted)
            .do(
                lambda tail: head.pluck("epoch", "seq").merge(
                    {"tail": tail, "stored": entry_at(given["room_id"], given["seq"]).coerce_to("array")}
                )
            )
        )

    return heads_table().get(given["room_id"]).do(lambda head: r.branch(is_head(head), found(head), None))


_ANSWERED: Final = Prepared(_answered)
