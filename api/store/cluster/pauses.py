"""Lets members of rooms in slow mode write in turn, by the column `turn` of the RethinkDB table `members`.

A turn is taken by one atomic update of the member's row. The entry from which that row is made does not change it.
"""

# ruff: noqa: D102 - the promises stand in `PauseStore`

import hashlib
from typing import Any, Final

from api.errors import NotFound, Unavailable
from api.models.rooms import SlowTurn
from api.store.base.pauses import PauseStore
from api.store.cluster.flusher import Flusher
from api.store.rethinkdb import Pool, Prepared, r


class ClusterPauses(PauseStore):
    """The column `turn`: when the last turn was taken, and the hash of the ref that took it."""

    def __init__(self, pool: Pool, flusher: Flusher) -> None:
        self._pool = pool
        self._flusher = flusher

    async def take_turn(self, room_id: str, user_id: str, ref: str, *, at: int, pause_ms: int) -> SlowTurn:
        given = {"member": [room_id, user_id], "ref": _hash(ref), "at": at, "pause": pause_ms}
        taken = await self._pool.run(_TAKE(given))
        if not taken["is_there"]:
            await self._flusher.flush(room_id)  # the user joined, and the node that should flush has crashed
            taken = await self._pool.run(_TAKE(given))
        if not taken["is_there"]:
            raise NotFound
        if taken["errors"]:
            raise Unavailable
        before = int(taken["before"])
        return SlowTurn(0 if taken["ref"] == given["ref"] else before + pause_ms - at, before)

    async def give_back(self, room_id: str, user_id: str, ref: str, turn: SlowTurn) -> None:
        given = {"member": [room_id, user_id], "ref": _hash(ref), "before": turn.before}
        if await self._pool.run(_GIVE_BACK(given)):
            raise Unavailable


def _hash(ref: str) -> str:
    return hashlib.sha256(ref.encode()).hexdigest()[:32]


def _take(given: Any) -> Any:
    """Return the write that takes a turn. It answers when the turn before was taken, and which ref has one then."""

    def turn(row: Any) -> Any:
        return row["turn"].default({"at": 0, "ref": None})

    def taken(row: Any) -> Any:
        has_turn = (turn(row)["ref"] != given["ref"]) & (turn(row)["at"] + given["pause"] <= given["at"])
        return r.branch(has_turn, {"turn": {"at": given["at"], "ref": given["ref"]}}, {})

    member = r.table("members").get(given["member"])
    return member.update(taken, durability="hard", return_changes="always").do(
        lambda written: {
            "is_there": written["skipped"] == 0,
            "errors": written["errors"],
            "before": turn(written["changes"].nth(0)["old_val"])["at"].default(0),
            "ref": turn(written["changes"].nth(0)["new_val"])["ref"].default(None),
        }
    )


def _give_back(given: Any) -> Any:
    """Return the write that gives a turn back, if its ref still has it. It answers the count of errors."""
    before = {"turn": {"at": given["before"], "ref": None}}
    member = r.table("members").get(given["member"])
    written = member.update(
        lambda row: r.branch(row["turn"]["ref"].default(None) == given["ref"], before, {}), durability="hard"
    )
    return written["errors"]


_TAKE: Final = Prepared(_take)
_GIVE_BACK: Final = Prepared(_give_back)
