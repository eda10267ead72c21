"""Finding and renaming what one user wrote, in batches of every form."""

import asyncio

import pytest

from api.models.accounts import User
from api.models.log import Entry
from api.models.rooms import LOBBY_ID, Role
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.calls import whole_log
from tests.store.cluster.nodes import flushed_rows, make_den, never_flush, opened_again
from tests.store.make import ALICE, BOB, DEN, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def written_by(store: ClusterStore, user: User, limit: int) -> list[Entry]:
    """Return all entries of a user. Require that no page has more than `limit`, and that they are in order."""
    found: list[Entry] = []
    cursor: str | None = None
    while True:
        page = await store.erasure.entries_of(user.id, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        if (cursor := page.next_cursor) is None:
            assert found == sorted(found, key=lambda entry: (entry.room_id, entry.seq))
            return found


async def test_what_a_user_wrote_is_found_however_entries_were_batched(
    store: ClusterStore, behind: Pool
) -> None:
    await make_den(store)
    for room_id in (LOBBY_ID, DEN.id):
        for part in range(4):  # one batch each
            authors = [(ALICE, BOB)[(n * part) % 3 == 0] for n in range(1 + 9 * part)]
            await asyncio.gather(
                *(
                    store.log.append(room_id, message(f"{room_id} {part} {n}", by=by))
                    for n, by in enumerate(authors)
                )
            )
        await store.flusher.flush(room_id)
    await behind.write(r.table("batches").insert([{"id": ["odd", 1], "rows": [{"user_id": ALICE.id}]}]))
    logs = [*await whole_log(store), *await whole_log(store, DEN.id)]
    for user in (ALICE, BOB):
        hers = [entry for entry in logs if entry.user_id == user.id]
        for limit in (1, 2, 7, 25):
            assert await written_by(store, user, limit) == hers
    hers = [entry for entry in logs if entry.user_id == ALICE.id]
    await store.erasure.anonymise(hers[3:-3:2], "erased")
    renamed = {(entry.room_id, entry.seq) for entry in hers[3:-3:2]}
    logs = [*await whole_log(store), *await whole_log(store, DEN.id)]
    assert {(one.room_id, one.seq) for one in logs if one.username == "erased"} == renamed
    rows = [row for row in await flushed_rows(behind) if row.get("username") == "erased"]
    assert {(row["room_id"], row["seq"]) for row in rows} == renamed


async def test_what_was_not_flushed_in_a_room_that_the_user_has_left_is_found(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    await store.members.join(DEN.id, BOB, Role.MEMBER, 1)
    await store.members.leave(DEN.id, BOB, 2)
    async with opened_again(store) as dying:
        never_flush(dying, monkeypatch)
        await dying.log.append(DEN.id, message("late", by=BOB))
    log = await whole_log(store, DEN.id)
    assert await written_by(store, BOB, 25) == [entry for entry in log if entry.user_id == BOB.id]
    assert log[-1].ref == "late"
