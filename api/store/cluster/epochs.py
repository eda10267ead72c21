"""Notices that a RethinkDB database was set back, and then begins a new epoch in every room.

All entries that a node has told of are durable, so no crash takes them back. So a head that has become shorter, or is
gone, means that the database was restored from a copy, or emptied. If the epoch of a head has changed, another node has
noticed it first.

A renewal changes the epochs in slices. Until it is done, a row in `meta` says that it is under way, so that the next
node that opens a tail finishes a renewal that was interrupted. An epoch is made from the renewal's name and the room.
So it makes no difference if a renewal is finished twice, or on two nodes at once. Before it, the batches lose what is
beyond the ends of the rooms.
"""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import structlog

from api.errors import Unavailable
from api.store.cluster.batches import cut_query
from api.store.cluster.folds import Folds
from api.store.cluster.queries import (
    begin_renewal_query,
    clamp_query,
    end_renewal_query,
    forget_tokens_query,
    heads_query,
    renewal_query,
    renewal_under_way_query,
)
from api.store.cluster.rows import Reader, head_of
from api.store.rethinkdb import Pool, r

MAX_ROOMS: Final = 10_000
"""This many rooms are remembered, those told of last. If only other rooms were set back, that is not noticed."""
MAX_EPOCHS: Final = 4
"""This many epochs of a room are remembered: a copy that is still being put in place may bring an earlier one back."""
GONE: Final = ""
"""This stands for the epoch of a room that has no head."""

log = structlog.get_logger("api.store")

_Heads: TypeAlias = dict[str, tuple[str, int]]
"""The epoch and seq of each head, by room."""


class ClusterEpochs:
    """Remembers the heads of the database from one tail to the next."""

    def __init__(
        self,
        pool: Pool,
        reader: Reader,
        folds: Folds,
        *,
        on_restored: Callable[[], None],
        renews: bool = True,
    ) -> None:
        """Without `renews`, a renewal that is under way is left to others: nothing is written."""
        self._renews = renews
        self._pool = pool
        self._reader = reader
        self._folds = folds
        self._on_restored = on_restored
        self._seqs: dict[str, dict[str, int]] = {}  # by room: the last seq of each epoch, newest epoch last
        self._seen: set[tuple[str, str]] = set()  # rooms that were seen to be set back, and their epochs then
        self.is_restored = False
        """The database was set back, and no tail has yielded that yet."""
        self.is_compared = True
        """No tail was lost since the last compare. Else the database may have been set back meanwhile."""

    def remember(self, room_id: str, epoch: str, seq: int) -> None:
        """Remember the last seq of a room that was told of."""
        seqs = self._seqs.pop(room_id, {})
        seqs[epoch] = max(seq, seqs.pop(epoch, 0))
        if len(seqs) > MAX_EPOCHS:
            del seqs[next(iter(seqs))]
        self._seqs[room_id] = seqs
        if len(self._seqs) > MAX_ROOMS:
            del self._seqs[next(iter(self._seqs))]

    def note(self, room_id: str, epoch: str, seq: int) -> None:
        """Remember the seq of a room from a majority read or an ack, unless another epoch of the room is known."""
        if room_id not in self._seqs or self._epoch(room_id) == epoch:
            self.remember(room_id, epoch, seq)

    def saw_set_back(self, room_id: str, epoch: str) -> None:
        """Take note that a room of this epoch was set back. It may have grown as far again before it is compared."""
        self._seen.add((room_id, epoch))

    def told(self, room_id: str, epoch: str) -> int:
        """Return the highest seq that a room is known to have had in an epoch; 0 if none is known."""
        return self._seqs.get(room_id, {}).get(epoch, 0)

    async def goes_on(self) -> bool:
        """Say whether the database was not set back. If it was, every room begins a new epoch.

        Returns False, too, if another node has noticed it first. Raises `Unavailable`.
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
        self._seen.clear()
        self.is_compared = True
        return not (is_renewed or is_replaced)

    def _begin_anew(self) -> None:
        self.is_restored = True
        self._on_restored()

    async def _heads(self) -> _Heads:
        """Return the heads of all remembered rooms, without those that cannot be read."""
        known = list(self._seqs)
        if not known:
            return {}
        rows = await self._pool.read(heads_query(known))
        heads = dict.fromkeys(set(known) - {row["id"] for row in rows}, (GONE, 0))
        heads |= {head.room_id: (head.epoch, head.seq) for head in self._reader.read(rows, head_of)}
        return {room_id: head for room_id, head in heads.items() if room_id in self._seqs}

    async def _compared(self) -> tuple[_Heads, bool]:
        """Return the heads, and whether any of them was set back: it has less than was known before this query."""
        known = {room_id: dict(seqs) for room_id, seqs in self._seqs.items()}
        heads = await self._heads()
        return heads, any(
            next(reversed(known[room_id])) != GONE
            if epoch == GONE
            else seq < known[room_id].get(epoch, 0) or (room_id, epoch) in self._seen
            for room_id, (epoch, seq) in heads.items()
            if room_id in known
        )

    def _epoch(self, room_id: str) -> str:
        return next(reversed(self._seqs[room_id]))

    async def _in_slices(self, query: Callable[[Any], Any]) -> None:
        """Run the write of each slice, which is made from the last key of the slice before."""
        last: Any = r.minval
        while last is not None:
            written = await self._pool.run(query(last))
            if written["errors"]:
                raise Unavailable
            last = written["last"]

    async def _finish_renewal(self) -> bool:
        """Finish the renewal that is under way. Returns False when there is none."""
        name = await self._pool.run(renewal_under_way_query())
        if name is None or not self._renews:
            return False
        self._begin_anew()
        for query in (
            cut_query,
            partial(renewal_query, name),
            partial(clamp_query, "members", ("read_seq", "seq")),
            partial(clamp_query, "members", ("receipt_seq",)),
            partial(clamp_query, "positions", ("seq",)),
            partial(clamp_query, "rooms", ("seq",), room_id="id"),
            forget_tokens_query,
        ):
            await self._in_slices(query)
        await self._folds.fold_all()  # the rows of changed messages are of the epochs before
        await self._pool.write(end_renewal_query(name))
        return True
