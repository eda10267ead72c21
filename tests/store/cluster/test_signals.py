"""Signals on RethinkDB reach other nodes although the database does not answer for a moment."""

import pytest

from api.errors import Unavailable
from api.models.changes import Signal, WebhooksChanged
from api.store.base.store import Store
from api.store.cluster import signals as module
from api.store.cluster.signals import ClusterSignals
from tests.node import eventually
from tests.store.calls import collect

pytestmark = [pytest.mark.anyio, pytest.mark.stores("rethinkdb")]

CHANGED = WebhooksChanged("room-den")


async def test_a_signal_that_the_database_did_not_take_is_sent_again_for_a_while(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = store.signals
    assert isinstance(signals, ClusterSignals)
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.01, 0.01))
    write, tries = signals._pool.write, 0

    async def unsteady(query: object) -> object:
        nonlocal tries
        tries += 1
        if tries <= fails:
            raise Unavailable
        return await write(query)

    monkeypatch.setattr(signals._pool, "write", unsteady)
    async with other.changes.open() as tail:
        fails = 2
        signals.send(CHANGED)
        heard = await collect(tail, lambda changes: any(isinstance(one, Signal) for one in changes))
        assert [one for one in heard if isinstance(one, Signal)] == [CHANGED]
    tries, fails = 0, 3
    signals.send(CHANGED)

    async def is_lost() -> bool:
        return (signals.sent_count, signals.dropped_count) == (1, 1)

    await eventually(is_lost)
