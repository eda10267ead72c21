"""Alice, Bob and her den."""

import pytest

from api.models.accounts import User
from api.models.rooms import Room
from api.store.base.store import Store
from tests.store.make import ALICE, BOB, DEN, account_of


@pytest.fixture
async def alice(store: Store) -> User:
    await store.accounts.create(account_of(ALICE))
    return ALICE


@pytest.fixture
async def bob(store: Store) -> User:
    await store.accounts.create(account_of(BOB))
    return BOB


@pytest.fixture
async def den(store: Store, alice: User) -> Room:
    """A private room of alice's. It has the entries with which a room begins."""
    await store.rooms.create(DEN, alice)
    return DEN
