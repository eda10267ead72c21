"""Whether a RethinkDB database is still the one that this node has told of; if not, every room begins a new epoch.

What was told is durable, so no crash takes it back: a head that has become shorter, or is gone, means that a
restored copy or an emptied database stands in its place. One whose epoch changed was noticed by another node.

A renewal goes slice by slice, and a row in `meta` says that it is under way until it is done, so that whoever
opens next finishes what was broken off. Its name and the room make the epoch, so that to finish it twice, or on
two nodes at once, is to do it once.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import structlog

from api.errors import Unavailable
from api.store.cluster.queries import (
    begin_renewal_query,
    end_renewal_query,
    heads_query,
    renewal_query,
    renewal_under_way_query,
)
from api.store.cluster.rows import Reader, head_of
from api.store.rethinkdb import Pool, r

MAX_ROOMS: Final = 10_000
"""Rooms that are remembered, those told last. A set-back of others alone is not noticed."""
MAX_EPOCHS: Final = 4
"""Of one room: a copy that is still being put in place may bring an earlier one back."""
GONE: Final = ""
"""The epoch of a room that has no head."""

log = structlog.get_logger("api.store")

_Heads: TypeAlias = dict[str, tuple[str, int]]
"""By room: epoch and seq."""


class ClusterEpochs:
    """What is known of the database's heads, from tail to tail."""

    def __init__(self, pool: Pool, reader: Reader, on_restored: Callable[[], None]) -> None:
        self._pool = pool
        self._reader = reader
        self._on_restored = on_restored
        self._seqs: dict[str, dict[str, int]] = {}  # by room: how far each epoch was told, the newest last
        self.is_restored = False
        """Until who listens has heard it."""

    def remember(self, room_id: str, epoch: str, seq: int) -> None:
        """Remember how far a room has been told."""
        seqs = self._seqs.pop(room_id, {})
        seqs[epoch] = max(seq, seqs.pop(epoch, 0))
        if len(seqs) > MAX_EPOCHS:
            del seqs[next(iter(seqs))]
        self._seqs[room_id] = seqs
        if len(self._seqs) > MAX_ROOMS:
            del self._seqs[next(iter(self._seqs))]

    def note(self, room_id: str, epoch: str, seq: int) -> None:
        """Remember what a majority read has shown of a room, or an ack, unless it is of a life not known yet."""
        if room_id not in self._seqs or self._epoch(room_id) == epoch:
            self.remember(room_id, epoch, seq)

    def told(self, room_id: str, epoch: str) -> int:
        """Return up to which seq a room is known to have got in an epoch."""
        return self._seqs.get(room_id, {}).get(epoch, 0)

    async def goes_on(self) -> bool:
        """Say whether the database is as it was left. If it was set back, every room begins a new epoch.

        Raises `Unavailable`.
        """
        is_renewed = await self._finish_renewal()
        heads, is_set_back = await self._compared()
        if is_set_back:
            log.warning("store_set_back")
            name = secrets.token_urlsafe(16)
            await self._pool.write(begin_renewal_query(name))
            _, is_set_back = await self._compared()
            if not is_set_back:  # another node has done it in between
                await self._pool.write(end_renewal_query(name))
            is_renewed |= await self._finish_renewal()
            heads, _ = await self._compared()
        is_replaced = any(self._epoch(room_id) != epoch for room_id, (epoch, _) in heads.items())
        if is_replaced:
            self._begin_anew()
        for room_id, head in heads.items():
            self.remember(room_id, *head)
        return not (is_renewed or is_replaced)

    def _begin_anew(self) -> None:
        self.is_restored = True
        self._on_restored()

    async def _heads(self) -> _Heads:
        """Return the epoch and seq of each room that is known, but for those that cannot be read."""
        known = list(self._seqs)
        if not known:
            return {}
        rows = await self._pool.read(heads_query(known))
        heads = dict.fromkeys(set(known) - {row["id"] for row in rows}, (GONE, 0))
        heads |= {head.room_id: (head.epoch, head.seq) for head in self._reader.read(rows, head_of)}
        return {room_id: head for room_id, head in heads.items() if room_id in self._seqs}

    async def _compared(self) -> tuple[_Heads, bool]:
        """Return the heads, and whether one has less than was known of it before it was asked for."""
        known = {room_id: dict(seqs) for room_id, seqs in self._seqs.items()}
        heads = await self._heads()
        return heads, any(
            next(reversed(known[room_id])) != GONE if epoch == GONE else seq < known[room_id].get(epoch, 0)
            for room_id, (epoch, seq) in heads.items()
            if room_id in known
        )

    def _epoch(self, room_id: str) -> str:
        return next(reversed(self._seqs[room_id]))

    async def _finish_renewal(self) -> bool:
        """Finish the renewal that is under way; False when there is none."""
        name = await self._pool.run(renewal_under_way_query())
        if name is None:
            return False
        self._begin_anew()
        last: Any = r.minval
        while last is not None:
            renewed = await self._pool.run(renewal_query(name, last))
            if renewed["errors"]:
                raise Unavailable
            last = renewed["last"]
        await self._pool.write(end_renewal_query(name))
        return True
