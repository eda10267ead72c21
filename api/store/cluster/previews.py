"""Reads the newest message of each of many rooms, for lists of rooms.

Nearly always it is in the tail of the head, and so is all that has changed it: mostly so near to its end that `Glance`
has it.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from api.models.log import Kind, Message, preview
from api.store.cluster.batches import entry_at
from api.store.cluster.pages import Pages
from api.store.cluster.queries import heads_table, is_head, is_row, shortened, tail_after
from api.store.cluster.rows import Reader
from api.store.fold import fold
from api.store.rethinkdb import Pool, Prepared, r

ROOMS: Final = 25
"""One query looks into this many rooms."""


class Previews:
    """Reads messages with no more of their bodies than a list shows."""

    def __init__(self, pool: Pool, reader: Reader, pages: Pages) -> None:
        self._pool = pool
        self._reader = reader
        self._pages = pages

    def of_end(self, end: Iterable[dict[str, Any]], seq: int) -> Message | None:
        """Return the message at this seq, folded, by all rows of its room from there on."""
        entries = self._reader.entries(row for row in end if row["seq"] >= seq)
        newest = [one for one in entries if one.kind == Kind.MESSAGE and one.seq == seq]
        return next((preview(one) for one in fold(newest, entries)), None)

    async def of(self, seqs: Mapping[str, int]) -> dict[str, Message]:
        """Return, by room id, the message that each of these rooms has at this seq, folded."""
        found = dict[str, Message]()
        rooms = iter(seqs)
        while some := list(islice(rooms, ROOMS)):
            asked = {room_id: seqs[room_id] for room_id in some}
            answer = await self._pool.run(_PREVIEWS({"rooms": some, "seqs": asked}))
            rows: dict[str, dict[int, dict[str, Any]]] = {}
            for row in [row for head in answer["heads"] for row in head["rows"]] + answer["stored"]:
                of_room = rows.setdefault(row["room_id"], {})
                if row["seq"] not in of_room or row.get("erased"):
                    of_room[row["seq"]] = row
            heads = {head["id"]: head for head in answer["heads"]}
            for room_id, of_room in rows.items():
                entries = self._reader.entries(of_room.values())
                newest = [
                    one for one in entries if one.kind == Kind.MESSAGE and one.seq == asked.get(room_id)
                ]
                if heads[room_id]["is_whole"]:
                    messages = fold(newest, entries)
                else:
                    messages = await self._pages.folded(room_id, newest, heads[room_id]["seq"])
                for message in messages:
                    found[room_id] = preview(message)
        return found


def _previews(given: Any) -> Any:
    """Return the entries of tails from these seqs on, and where a tail lacks them the messages from `batches`."""

    def new(head: Any) -> Any:
        seq = given["seqs"][head["id"]]
        rows = tail_after(head, seq - 1).filter(is_row)
        return head.pluck("id", "seq").merge({"rows": shortened(rows), "is_whole": head["trimmed"] < seq})

    def stored(places: Any) -> Any:
        return places.concat_map(lambda place: entry_at(place.nth(0), place.nth(1)).coerce_to("array"))

    def whole(heads: Any) -> Any:
        older = heads.filter({"is_whole": False})["id"]
        places = older.map(lambda room_id: [room_id, given["seqs"][room_id]])
        # The heads were read first. So the messages that their tails lack are in `batches`.
        return {"heads": heads, "stored": shortened(stored(places).filter(is_row))}

    heads = heads_table().get_all(r.args(given["rooms"])).filter(is_head).map(new)
    return heads.coerce_to("array").do(whole)


_PREVIEWS: Final = Prepared(_previews)
