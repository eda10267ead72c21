"""Keeps the pinned messages of rooms on RethinkDB: the table `pins` has a row for each message that was ever pinned.

The rows are made by the flush. So a room's pins are those of the table, with the newer entries in the tail of its head.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.models.log import Entry, Kind
from api.store.cluster.queries import heads_table, is_head, literal
from api.store.cluster.rows import Reader, is_key
from api.store.rethinkdb import Pool, Prepared, r


class Pins:
    """Reads which messages of a room are pinned."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def of_room(self, room_id: str) -> list[int]:
        """Return the seqs of a room's pinned messages, that which was pinned last first."""
        if not is_key(room_id):
            return []
        found = await self._pool.run(_PINS({"room_id": room_id}))
        if found is None:
            return []
        stored = dict(self._reader.read(found["stored"], lambda row: (int(row["id"][1]), int(row["since"]))))
        return newest_first(stored, self._reader.entries(found["tail"]))


def newest_first(stored: dict[int, int], tail: Iterable[Entry]) -> list[int]:
    """Return the seqs of pinned messages, that which was pinned last first.

    `stored` has for each of them the seq of the entry that pinned it, as of some entry of the tail or the one before.
    """
    pinned_by = dict(stored)
    for entry in sorted(tail, key=lambda entry: entry.seq):
        target = entry.data["target"]
        if not isinstance(target, int):
            continue
        if entry.kind == Kind.PIN and entry.data["pinned"]:
            pinned_by.setdefault(target, entry.seq)
        else:
            pinned_by.pop(target, None)
    return sorted(pinned_by, key=lambda target: pinned_by[target], reverse=True)


def keep_query(row: dict[str, Any]) -> Any:
    """Return the write that notes a `pin` entry, unless a later one of the same message is noted already."""
    data = row["data"]
    return r.table("pins").insert(
        {
            "id": [row["room_id"], data["target"]],
            "room_id": row["room_id"],
            "pinned": data["pinned"],
            "since": row["seq"],
            "seq": row["seq"],
        },
        durability="hard",
        conflict=lambda _id, old, new: r.branch(
            old["seq"] >= new["seq"],
            old,
            old["pinned"] & new["pinned"],
            new.merge(old.pluck("since")),
            new,
        ),
    )


def drop_query(room_id: str, deletes: Mapping[int, int]) -> Any:
    """Return the write that notes that deleted messages are not pinned any more.

    `deletes` has the seq of the entry that deletes each message, by the seq of the message.
    """
    by = literal([[target, seq] for target, seq in deletes.items()])

    def dropped(old: Any) -> Any:
        seq = by.filter(lambda one: one.nth(0) == old["id"].nth(1)).nth(0).nth(1)
        return r.branch(old["seq"] < seq, {"pinned": False, "seq": seq}, {})

    pins = r.table("pins").get_all(*([room_id, target] for target in deletes))
    return pins.update(dropped, durability="hard")


def _pins(given: Any) -> Any:
    kinds = [Kind.PIN.value, Kind.DELETE.value]

    def both(head: Any) -> Any:
        # The head is read first, as what its tail no longer carries was flushed before.
        tail = head["tail"].filter(lambda row: r.expr(kinds).contains(row["kind"]))
        stored = r.table("pins", read_mode="majority").between(
            [given["room_id"], r.minval], [given["room_id"], r.maxval], index="room"
        )
        return tail.do(lambda tail: {"tail": tail, "stored": stored.coerce_to("array")})

    return heads_table().get(given["room_id"]).do(lambda head: r.branch(is_head(head), both(head), None))


_PINS: Final = Prepared(_pins)
