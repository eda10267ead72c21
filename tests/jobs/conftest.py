"""What the tests of jobs that read rooms from a stored position share: a room, and short waits."""

import pytest

from api.jobs import followers, leases, turns, webhook_shift, webhooks
from api.models.rooms import Room
from api.store.base.store import Store
from tests.store.make import ALICE, DEN, account_of


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process ask for a lease, store positions, and try a room again, without a long wait."""
    for module in (leases, followers, webhooks):
        monkeypatch.setattr(module, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(webhook_shift, "WRITE_SECONDS", 0.05)
    monkeypatch.setattr(turns, "FIRST_PAUSE_SECONDS", 0.05)


@pytest.fixture
async def den(store: Store) -> Room:
    """A room, whose only entry says that it is alice's."""
    await store.accounts.create(account_of(ALICE))
    await store.rooms.create(DEN, ALICE)
    return DEN
