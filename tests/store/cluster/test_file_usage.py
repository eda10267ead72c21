"""The sums of what is kept of files on RethinkDB, after crashes between counting and storing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.models.attachments import Attachment, FileQuota, FileState, Usage
from api.store.cluster.file_usage import EVERYBODY, FileUsage
from api.store.cluster.store import ClusterStore
from tests.rethinkdb_server import RethinkDBServer

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

ONE = Attachment("f-one", "room-den", "user-alice", "cat.png", size=100, made_at=5_000, touched_at=5_000)
ROOMY = FileQuota(user_bytes=10_000, all_bytes=10_000)


@pytest.fixture
async def store(rethinkdb_server: RethinkDBServer | None) -> AsyncIterator[ClusterStore]:
    if rethinkdb_server is None:
        pytest.skip("no RethinkDB")
    opened = await ClusterStore.open(rethinkdb_server.empty_store())
    yield opened
    await opened.close()


async def test_what_was_counted_and_never_stored_is_given_back(store: ClusterStore) -> None:
    await store.attachments.create(ONE, ROOMY)
    usage = FileUsage(store._pool)
    lost = Attachment("f-lost", "room-den", ONE.user_id, "dog.png", size=70, made_at=1, touched_at=1)
    for key in (ONE.user_id, EVERYBODY):
        assert await usage.count(key, lost, 10_000, 10)
    assert await store.attachments.usage(ONE.user_id) == Usage(170, 2)
    await store.attachments.recount()
    assert await store.attachments.usage(ONE.user_id) == await store.attachments.usage(None) == Usage(100, 1)
    assert not await store.attachments.recount()


async def test_what_was_stored_and_not_settled_stays_counted(store: ClusterStore) -> None:
    usage = FileUsage(store._pool)
    await store.attachments.create(ONE, ROOMY)
    for key in (ONE.user_id, EVERYBODY):
        assert await usage.count(key, ONE, 10_000, 10)
        await usage.settle(key, "another", -100, -1)
    await store.attachments.recount()
    assert await store.attachments.usage(ONE.user_id) == await store.attachments.usage(None) == Usage(100, 1)


async def test_what_was_removed_and_not_subtracted_is_found_by_counting_anew(store: ClusterStore) -> None:
    usage = FileUsage(store._pool)
    await store.attachments.create(ONE, ROOMY)
    for key in (ONE.user_id, EVERYBODY):
        await usage.settle(key, "crashed", 50, 1)
    assert await store.attachments.recount()
    assert await store.attachments.usage(ONE.user_id) == Usage(100, 1)
    assert await store.attachments.give_up(ONE)
    assert await store.attachments.remove(ONE.id)
    await store.attachments.recount()
    assert await store.attachments.usage(ONE.user_id) == await store.attachments.usage(None) == Usage()


async def test_counting_anew_beside_uploads_leaves_the_right_sum(store: ClusterStore) -> None:
    async def upload(number: int) -> None:
        one = Attachment(f"f-{number}", "room-den", "user-alice", "a", size=10, made_at=2**50, touched_at=1)
        await store.attachments.create(one, ROOMY)
        if number % 2:
            assert await store.attachments.give_up(one)
            await store.attachments.remove(one.id)

    async def recount() -> None:
        for _ in range(20):
            await store.attachments.recount()

    await asyncio.gather(recount(), *(upload(number) for number in range(30)))
    assert (
        await store.attachments.usage("user-alice") == await store.attachments.usage(None) == Usage(150, 15)
    )
    assert {one.state for one in await store.attachments.page(after="", limit=99)} == {FileState.UPLOADING}
