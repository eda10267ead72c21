"""Names that were claimed for accounts that were never stored."""

from dataclasses import replace

import pytest

from api.models.accounts import Account
from api.store.cluster.accounts import CLAIM_MS
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.make import ALICE

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def test_a_name_claimed_by_who_crashed_is_free_again(store: ClusterStore, behind: Pool) -> None:
    claim = {"id": "alice", "user_id": "nobody", "at": ALICE.created_at}
    await behind.write(r.table("names").insert(claim))
    later = replace(ALICE, created_at=ALICE.created_at + CLAIM_MS + 1)
    await store.accounts.create(Account(later, "alice", "hash"))
    assert await store.accounts.by_name("alice") == Account(later, "alice", "hash")
