"""Entries that act, of kinds that this version does not know."""

from typing import Any

import pytest

from api.errors import Unavailable
from api.models.log import Entry
from api.models.rooms import LOBBY_ID
from api.store.cluster.schema import init
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.rethinkdb_server import RethinkDBServer
from tests.store.calls import whole_log
from tests.store.cluster.nodes import flushed_rows, is_entry, keep_nothing_in_tails, opened_again, told
from tests.store.make import ALICE, delete, message, reaction, renaming
from tests.stranger import Stranger

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

NEWER: dict[str, Any] = {"kind": "purge", "data": {"target": 1, "places": [{"of": "everything"}]}}


async def test_an_entry_that_acts_and_is_of_a_kind_that_is_not_known_is_served_and_left_unflushed_with_what_follows(
    store: ClusterStore, behind: Pool, strange: Stranger
) -> None:
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("1", "secret"))
        await store.flusher.flush(LOBBY_ID)
        await strange.write(LOBBY_ID, NEWER, NEWER | {"acts": True})
        await store.log.append(LOBBY_ID, message("4"))
        with pytest.raises(Unavailable):
            await store.log.append(LOBBY_ID, delete("5", 1))
        given = [one for one in await told(tail, is_entry(5)) if isinstance(one, Entry)]
    for _ in range(2):
        await store.flusher.flush(LOBBY_ID)
        assert [row["seq"] for row in await flushed_rows(behind)] == [1]
    assert [entry.kind for entry in given] == ["message", "purge", "purge", "message", "delete"]
    assert (await whole_log(store))[1:] == given[1:]
    async with opened_again(store) as fresh:
        assert [entry.kind for entry in await whole_log(fresh)] == [entry.kind for entry in given]
    head = r.table("heads").get(LOBBY_ID)
    known = r.row["tail"].map(lambda row: row.without("acts"))
    # A version that knows the kind flushes it as if `acts` were not there.
    await behind.write(head.update({"tail": known}))
    assert (await store.log.append(LOBBY_ID, delete("5", 1))).is_new is False
    assert [row["seq"] for row in await flushed_rows(behind)] == [1, 2, 3, 4, 5]
    assert "secret" not in str(await flushed_rows(behind))


async def test_a_row_that_says_that_it_acts_and_is_no_entry_keeps_no_room_from_being_flushed(
    store: ClusterStore, behind: Pool, strange: Stranger
) -> None:
    no_entries: list[dict[str, Any]] = [
        NEWER | {"acts": False},
        NEWER | {"acts": "yes"},
        NEWER | {"acts": True, "kind": "Purge"},
        NEWER | {"acts": True, "kind": "ready"},
        NEWER | {"acts": True, "kind": 5},
    ]
    await strange.write(LOBBY_ID, *no_entries)
    acked = await store.log.append(LOBBY_ID, message("after"))
    await store.flusher.flush(LOBBY_ID)
    assert acked.entry.seq in [row["seq"] for row in await flushed_rows(behind)]


async def test_an_entry_that_only_is_of_a_kind_that_is_not_known_is_flushed_like_any(
    store: ClusterStore, behind: Pool, strange: Stranger
) -> None:
    await strange.write(LOBBY_ID, NEWER)
    await store.log.append(LOBBY_ID, message("2"))
    await store.flusher.flush(LOBBY_ID)
    await keep_nothing_in_tails(behind)
    async with opened_again(store) as fresh:
        first, second = await whole_log(fresh)
    assert (first.kind, first.data, second.ref) == ("purge", NEWER["data"], "2")


async def test_a_new_kind_that_acts_is_written_once_init_has_allowed_it(
    store: ClusterStore,
    behind: Pool,
    server: RethinkDBServer,
    cluster_url: str,
) -> None:
    allowed = r.table("meta").get("kinds")["acting"]
    known = {"delete", "edit", "member", "pin", "preview", "reaction", "room"}
    assert set(await behind.run(allowed)) == known
    older = {"acting": ["delete", "member", "purge"]}
    await behind.write(r.table("meta").get("kinds").update(older))
    sent = await store.log.append(LOBBY_ID, message("1"))
    liked = reaction("2", sent.entry.seq, "👍")
    with pytest.raises(Unavailable, match="init"):
        await store.log.append(LOBBY_ID, liked)
    with pytest.raises(Unavailable, match="init"):
        await store.rooms.change(LOBBY_ID, ALICE, at=1, rule=renaming("Hall"))
    assert [entry.kind for entry in await whole_log(store)] == ["message"]
    await init(server.admin_url, cluster_url, lambda _line: None)
    assert (await store.log.append(LOBBY_ID, liked)).is_new
    assert await store.rooms.change(LOBBY_ID, ALICE, at=1, rule=renaming("Hall"))
    assert set(await behind.run(allowed)) == known | {"purge"}
