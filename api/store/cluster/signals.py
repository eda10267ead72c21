"""Sends signals to the other nodes of a RethinkDB cluster, by the table `signals` and its changefeed.

Each store has one row there, and replaces it each time: its newest signals. So the table never grows, and several
signals cost one write, which need not be on a disk.
"""

# ruff: noqa: D102 - the promises stand in `SignalStore`

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from typing import Final

from api.errors import Unavailable
from api.models.changes import Signal
from api.store.base.signals import SignalStore
from api.store.rethinkdb import Pool, r
from api.store.signals import GATHER_SECONDS, Outgoing, encoded

RETRY_SECONDS: Final = (0.1, 0.5, 2.0)
"""Signals that the database did not take are written again after these times, and then lost."""


class ClusterSignals(SignalStore):
    """The signals of one store. `node` is the key of its row; its own tails leave that row out."""

    def __init__(self, pool: Pool) -> None:
        self.node = secrets.token_urlsafe(16)
        self._pool = pool
        self._outgoing = Outgoing()
        self._number = 0
        self._sending: asyncio.Task[None] | None = None  # runs while signals wait
        self._closed = False

    def send(self, signal: Signal) -> None:
        if self._closed:
            return
        self._outgoing.put(signal)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all(), name="signals")

    @property
    def sent_count(self) -> int:
        return self._outgoing.sent_count

    @property
    def dropped_count(self) -> int:
        return self._outgoing.dropped_count

    async def close(self) -> None:
        """End. Signals that wait are lost."""
        self._closed = True
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})

    async def _send_all(self) -> None:
        try:
            while self._outgoing:
                await asyncio.sleep(GATHER_SECONDS)
                signals = self._outgoing.take()
                self._outgoing.note(len(signals), were_sent=await self._write(signals))
        finally:
            self._sending = None

    async def _write(self, signals: Sequence[Signal]) -> bool:
        """Write signals, again and again for a while. Returns False when they are lost."""
        for pause in (*RETRY_SECONDS, None):
            with contextlib.suppress(Unavailable):
                await self._pool.write(self._row_with(signals))
                return True
            if pause is not None:
                await asyncio.sleep(pause)
        return False

    def _row_with(self, signals: Sequence[Signal]) -> object:
        self._number += 1  # so that the same signals again are a change
        row = {"id": self.node, "number": self._number, "signals": encoded(signals)}
        at = {"at": r.now().to_epoch_time()}
        return r.table("signals").insert(row | at, conflict="replace", durability="soft")
