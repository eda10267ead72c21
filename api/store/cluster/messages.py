"""Reads messages of one or many rooms, folded. The number of queries does not grow with that of messages or rooms.

Only a room without rows of changed messages is read by itself: one that a version before has written, or whose epoch
has just begun.
"""

from collections.abc import Iterable
from typing import Any, Final

from api.models.log import Kind, Message
from api.store.cluster.batches import entries_at, spans
from api.store.cluster.folds import Folds
from api.store.cluster.pages import Pages, with_stored
from api.store.cluster.queries import heads_table, is_head, tail_after
from api.store.cluster.rows import Reader, is_key
from api.store.fold import UNCHANGED, folded
from api.store.rethinkdb import Pool, Prepared, r


class Messages:
    """Reads messages by their seqs."""

    def __init__(self, pool: Pool, reader: Reader, pages: Pages, folds: Folds) -> None:
        self._pool = pool
        self._reader = reader
        self._pages = pages
        self._folds = folds

    async def at(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Message]:
        """Return the messages at these places (room and seq). A place without one is left out."""
        seqs: dict[str, list[int]] = {}
        for room_id, seq in sorted({*places}):
            if is_key(room_id) and 0 < seq < 2**53:
                seqs.setdefault(room_id, []).append(seq)
        if not seqs:
            return {}
        asked = {room_id: {"seqs": of_room, "spans": spans(of_room)} for room_id, of_room in seqs.items()}
        heads = {head["id"]: head for head in await self._pool.run(_AT(asked)) if not head.get("deleted")}
        entries = {}
        for room_id, head in heads.items():
            rows = with_stored(head["tail"], head["stored"], head["seq"])
            messages = (rows[seq] for seq in sorted(rows) if rows[seq].get("kind") == Kind.MESSAGE)
            if of_room := self._reader.entries(messages):
                entries[room_id] = of_room
        known = await self._folds.of_rooms(
            {room_id: [one.seq for one in entries[room_id]] for room_id in entries}
        )
        found: dict[tuple[str, int], Message] = {}
        for room_id, of_room in entries.items():
            if room_id in known:
                states = known[room_id].states()
                shown = [folded(message, states.get(message.seq, UNCHANGED)) for message in of_room]
            else:
                shown = await self._pages.folded(room_id, of_room, heads[room_id]["seq"])
            found |= {(room_id, message.seq): message for message in shown}
        return found


def _at(given: Any) -> Any:
    def found(head: Any, asked: Any) -> Any:
        seqs = asked["seqs"]
        tail = tail_after(head, seqs.nth(0) - 1).filter(lambda row: seqs.contains(row["seq"]))
        # The head was read first. So the messages that its tail lacks are in `batches`.
        lacking = asked["spans"].filter(lambda span: span.nth(0) <= head["trimmed"])
        stored = entries_at(head["id"], seqs, lacking)
        return head.pluck("id", "seq", "deleted").merge({"tail": tail, "stored": stored})

    heads = heads_table().get_all(r.args(given.keys())).filter(is_head).coerce_to("array")
    return heads.map(lambda head: found(head, given[head["id"]]))


_AT: Final = Prepared(_at)
