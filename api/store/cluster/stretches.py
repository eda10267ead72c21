"""Reads stretches of the logs of many rooms at once, and where these logs end."""

from collections.abc import Sequence
from typing import Any, Final

from api.models.log import End, Entry, Stretch
from api.store.cluster.batches import entries_after
from api.store.cluster.pages import with_stored
from api.store.cluster.queries import heads_table, is_head, tail_after
from api.store.cluster.rows import Reader, head_of, is_key
from api.store.paging import PageSpace
from api.store.rethinkdb import Pool, Prepared, r

FIRST_LOOK: Final = 200
"""So many entries are read by the first query. It tells how long they are, and so how many more fit on the page."""
MOST_AT_ONCE: Final = 2_000
"""One query reads at most so many entries, however short those before them were."""


class Stretches:
    """Reads from heads, whose tails mostly have what is new, and from `batches` what they do not carry any more."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def ends(self, room_ids: Sequence[str]) -> dict[str, End]:
        """Return the ends of the logs of these rooms, as `LogStore.ends` says."""
        asked = [room_id for room_id in room_ids if is_key(room_id)]
        rows = await self._pool.run(_ENDS(asked)) if asked else []
        ends = self._reader.read((row for row in rows if not row.get("deleted")), _end_of)
        return {one.head.room_id: one for one in ends}

    async def read(self, wanted: Sequence[Stretch]) -> list[list[Entry]]:
        """Return the entries of these stretches, as `LogStore.stretches` says."""
        found = [list[Entry]() for _ in wanted]
        left = [
            (place, one) for place, one in enumerate(wanted) if one.after < one.until and is_key(one.room_id)
        ]
        space, count, read_count = PageSpace(), FIRST_LOOK, 0
        while left:
            now, left = _first(left, count)
            for (place, _), entries in zip(now, await self._read([one for _, one in now]), strict=True):
                for entry in entries:
                    if not space.takes(entry):
                        return found
                    found[place].append(entry)
                read_count += len(entries)
            count = min(MOST_AT_ONCE, max(FIRST_LOOK, space.left * read_count // max(1, space.used)))
        return found

    async def _read(self, wanted: Sequence[Stretch]) -> list[list[Entry]]:
        """Read stretches of different rooms by one query, each of them whole."""
        asked = {one.room_id: {"after": one.after, "until": one.until} for one in wanted}
        answer = await self._pool.run(_STRETCHES(asked))
        heads = {head["id"]: head for head in answer["heads"] if not head.get("deleted")}
        stored: dict[str, list[dict[str, Any]]] = {}
        for row in answer["stored"]:
            if isinstance(room_id := row.get("room_id"), str):
                stored.setdefault(room_id, []).append(row)
        return [self._whole(one, heads.get(one.room_id), stored.get(one.room_id, [])) for one in wanted]

    def _whole(
        self, wanted: Stretch, head: dict[str, Any] | None, stored: Sequence[dict[str, Any]]
    ) -> list[Entry]:
        if head is None:
            return []
        rows = with_stored(head["tail"], stored, head["seq"])
        until = min(wanted.until, head["seq"])
        return self._reader.whole(wanted.room_id, rows.values(), wanted.after, until)


def _first(
    left: list[tuple[int, Stretch]], count: int
) -> tuple[list[tuple[int, Stretch]], list[tuple[int, Stretch]]]:
    """Part the first `count` entries of stretches from the rest."""
    for number, (place, one) in enumerate(left):
        length = one.until - one.after
        if length >= count:
            middle = one.after + count
            now = [*left[:number], (place, one._replace(until=middle))]
            rest = [(place, one._replace(after=middle))] if length > count else []
            return now, [*rest, *left[number + 1 :]]
        count -= length
    return left, []


def _end_of(row: dict[str, Any]) -> End:
    at = row.get("at")
    return End(head_of(row), at if type(at) is int else 0, row["message_seq"] > 0)


def _ends(room_ids: Any) -> Any:
    def end(head: Any) -> Any:
        last = {"at": head["tail"].nth(-1)["at"].default(None)}
        return head.pluck("id", "epoch", "seq", "message_seq", "deleted").merge(last)

    return heads_table().get_all(r.args(room_ids)).filter(is_head).map(end).coerce_to("array")


def _stretches(wanted: Any) -> Any:
    def told(head: Any) -> Any:
        one = wanted[head["id"]]
        tail = tail_after(head, one["after"]).filter(lambda row: row["seq"] <= one["until"])
        return head.pluck("id", "seq", "trimmed", "deleted").merge({"tail": tail})

    def stored(head: Any) -> Any:
        one = wanted[head["id"]]
        until = r.expr([one["until"], head["trimmed"]]).min()
        flushed = entries_after(head["id"], one["after"], until).coerce_to("array")
        return r.branch(one["after"] < until, flushed, r.expr([]))

    # The heads are read first, as entries that their tails no longer carry were flushed before.
    heads = heads_table().get_all(r.args(wanted.keys())).filter(is_head).map(told).coerce_to("array")
    return heads.do(lambda heads: {"heads": heads, "stored": heads.concat_map(stored)})


_ENDS: Final = Prepared(_ends)
_STRETCHES: Final = Prepared(_stretches)
