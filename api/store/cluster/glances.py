"""Reads by one query what most rooms of a list need: heads, rows of rooms and of memberships, and the newest entries.

A head comes with the end of its tail, not with all of it. Nearly always that reaches back to the newest message, and to
all that the user has not read. Where it does not, more queries are needed: `Previews`, `UnreadCounts`.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from api.store.cluster.blocks import blocked_by
from api.store.cluster.members import MAX_PAIR_BYTES
from api.store.cluster.queries import heads_table, is_head
from api.store.cluster.rows import Reader, carried_over, is_key, membership_after, membership_of, our_rows
from api.store.rethinkdb import Pool, Prepared, r

MAX_END: Final = 8
"""The end of a tail has at most this many entries, so that a list of 100 rooms stays small."""
_SHOWN: Final = (
    "id",
    "epoch",
    "seq",
    "message_seq",
    "flushed",
    "trimmed",
    "moved",
    "members",
    "room",
    "deleted",
)
"""What is read of a head."""


class Glance(NamedTuple):
    """What was read of one room. `member` is None where the user was never a member."""

    room: dict[str, Any]
    head: dict[str, Any]
    end: list[dict[str, Any]]
    """The newest rows of the log, dense up to the head's seq; none where the tail is not as we write it."""
    member: dict[str, Any] | None

    @property
    def is_enough_for_member(self) -> bool:
        """Whether `member` is the membership as it is: all that is not flushed was seen."""
        return self.has_all_after(self.head["flushed"])

    def has_all_after(self, seq: int) -> bool:
        """Say whether all entries after a seq are in `end`."""
        return bool(self.head["seq"] - len(self.end) <= seq)


class Glances(NamedTuple):
    """What was read of several rooms, by id, and the ids of those whom the user has blocked."""

    rooms: dict[str, Glance]
    blocked: frozenset[str]


async def glance(pool: Pool, reader: Reader, room_ids: Sequence[str], user_id: str) -> Glances:
    """Read these rooms for a user. Deleted ones, and those without a head or a row, are left out."""
    ids = [one for one in dict.fromkeys(room_ids) if is_key(one)]
    places = [[one, user_id] for one in ids if len((one + user_id).encode()) <= MAX_PAIR_BYTES]
    answer = await pool.run(_GLANCE({"rooms": ids, "places": places, "user": user_id}))
    rows = {row["id"]: row for row in answer["rooms"]}
    members = {row["room_id"]: row for row in reader.read(answer["members"], membership_of)}
    found: dict[str, Glance] = {}
    for head in answer["heads"]:
        if head.get("deleted") or head["id"] not in rows:
            continue
        end = _dense(our_rows(head.pop("end")), head["seq"])
        member = members.get(head["id"])
        mine = (row for row in end if row["kind"] == "member" and row["user_id"] == user_id)
        for row in reader.read(mine, membership_after):
            member = carried_over(member, row)
        found[head["id"]] = Glance(rows[head["id"]], head, end, member)
    return Glances({one: found[one] for one in ids if one in found}, frozenset(answer["blocked"]))


def _dense(rows: list[dict[str, Any]], seq: int) -> list[dict[str, Any]]:
    """Return the rows, if they are those of the last seqs up to `seq`; else none."""
    last = range(seq - len(rows) + 1, seq + 1)
    return rows if [row["seq"] for row in rows] == [*last] else []


def _glance(given: Any) -> Any:
    def seen(head: Any) -> Any:
        # Reading the fields of each row costs ten times as much as cutting the tail by its length.
        return head.pluck(*_SHOWN).merge({"end": head["tail"].slice(-MAX_END)})

    def whole(heads: Any) -> Any:
        # The heads were read first. So the memberships that their tails do not tell of are in `members`.
        members = r.table("members", read_mode="majority").get_all(r.args(given["places"]))
        return {
            "heads": heads,
            "members": members.coerce_to("array"),
            "rooms": rooms.coerce_to("array"),
            "blocked": blocked_by(given["user"]),
        }

    rooms = r.table("rooms", read_mode="majority").get_all(r.args(given["rooms"]))
    heads = heads_table().get_all(r.args(given["rooms"])).filter(is_head).map(seen)
    return heads.coerce_to("array").do(whole)


_GLANCE: Final = Prepared(_glance)
