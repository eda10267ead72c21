"""Opens tails on a RethinkDB cluster."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from api.models.changes import Change
from api.store.base.changes import ChangeStore, Wants, all_rooms
from api.store.cluster.epochs import ClusterEpochs
from api.store.cluster.flusher import Flusher
from api.store.cluster.heads import KnownHeads
from api.store.cluster.pages import Pages
from api.store.cluster.rows import Reader
from api.store.cluster.tail import open_tail
from api.store.cluster.unflushed import Unflushed
from api.store.rethinkdb import Pool


class ClusterChanges(ChangeStore):
    """Opens tails, each with a connection and changefeeds of its own."""

    def __init__(
        self,
        pool: Pool,
        reader: Reader,
        pages: Pages,
        epochs: ClusterEpochs,
        unflushed: Unflushed,
        *,
        heads: KnownHeads,
        flusher: Flusher,
        signals_of: str,
        quiet_seconds: float,
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._pages = pages
        self._epochs = epochs
        self._unflushed = unflushed
        self._heads = heads
        self._flusher = flusher
        self._signals_of = signals_of
        self._quiet_seconds = quiet_seconds

    @property
    def is_restored(self) -> bool:  # noqa: D102 - the promise stands in `ChangeStore`
        return self._epochs.is_restored

    def open(  # noqa: D102 - the promise stands in `ChangeStore`
        self, wants: Wants = all_rooms, *, grown: bool = False
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Change]]]:
        return open_tail(
            self._pool,
            self._epochs,
            self._reader,
            self._unflushed,
            heads=self._heads,
            signals_of=self._signals_of,
            read_log=self._pages.log,
            flush_left=self._flusher.flush_left,
            wants=wants,
            grown=grown,
            quiet_seconds=self._quiet_seconds,
        )
