"""What single steps of the schema make of the rows that they find."""

from contextlib import suppress
from typing import Any

import pytest

from api.errors import Unavailable
from api.models.rooms import LOBBY_ID
from api.store.cluster import migration, row_changes
from api.store.cluster.rows import row_of
from api.store.cluster.schema import init
from api.store.rethinkdb import Pool, r
from tests.rethinkdb_server import RethinkDBServer, as_admin
from tests.store.calls import whole_log
from tests.store.cluster.nodes import forget_folds, make_den, opened
from tests.store.cluster.test_schema import Cut, set_back_to_version_8
from tests.store.make import BEGUN, BOB, DEN, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

INDEXES = {"message", "notice", "target", "thread", "who"}
"""The indexes of `batches` that remain."""


def batch_of(room_id: str, *refs: str, first: int = 1) -> dict[str, Any]:
    """Return a batch as version 8 wrote it."""
    rows = []
    for seq, ref in enumerate(refs, first):
        draft = message(ref)
        row = row_of(room_id, draft)
        rows.append(row | {"seq": seq, "number": seq, "attempt": f"{room_id} {first}"})
    return {"id": [room_id, first], "attempt": f"{room_id} {first}", "rows": rows}


async def broken_off_ten_times(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> int:
    """Take the steps that are left, broken off after more and more queries. Return how often that was."""
    cut, breaks = Cut(monkeypatch), 0
    while True:
        cut.left = 4 + 3 * breaks
        with suppress(Unavailable):
            await init(server.admin_url, cluster_url, lambda _line: None)
            return breaks
        breaks += 1
        cut.left = 1
        assert int((await behind.run(r.table("meta").get("schema_version")))["value"]) >= 8


async def test_every_stored_entry_has_its_ref_however_often_the_filling_is_broken_off(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [batch_of("one", f"{n}", first=n) for n in range(1, 40)]
    batches += [batch_of("two", *(f"{n}" for n in range(30, 130)))]  # some refs are those of the other room
    batches += [batch_of("three", *(f"{n}" for n in range(35, 37)), first=7)]
    of_another_program = [
        {"id": "odd"},
        {"id": ["one", 998], "rows": "none"},
        {"id": ["one", 999], "rows": [1, None, [], {"id": 5}, {"id": "no entry"}]},
        {
            "id": ["two", 999],
            "rows": [
                batches[0]["rows"][0] | {"id": key, "seq": 999} for key in ("", "x" * 128, "a\0", "ä", "kept")
            ],
        },
    ]
    await set_back_to_version_8(behind, server)
    await behind.write(r.table("batches").insert(batches + of_another_program))
    monkeypatch.setattr(row_changes, "REFS_SLICE", 5)
    monkeypatch.setattr(migration, "QUERY_SECONDS", 0.0)  # no other node writes
    with monkeypatch.context() as patched:
        assert await broken_off_ten_times(cluster_url, server, behind, patched) >= 10
    places: dict[str, list[list[Any]]] = {"kept": [["one", 999]]}
    for batch in batches:
        for row in batch["rows"]:
            places.setdefault(row["id"], []).append([row["room_id"], row["seq"]])
    found = {row["id"]: sorted(row["places"]) for row in await behind.read(r.table("refs"))}
    assert found == {id_: sorted(those) for id_, those in places.items()}
    assert max(len(those) for those in found.values()) == 3
    assert set(await behind.run(r.table("batches").index_list())) == INDEXES
    said: list[str] = []
    await init(server.admin_url, cluster_url, said.append)
    assert not [line for line in said if line.startswith(("making", "dropping", "noting"))]
    assert set(await behind.run(r.table("batches").index_list())) == INDEXES
    assert (
        await behind.read(r.table("batches").filter(lambda batch: batch.has_fields("attempt"))["rows"]) != []
    )


async def test_what_was_in_a_tail_when_the_refs_were_filled_in_is_not_lost(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(cluster_url) as store:
        acked = [await store.log.append(LOBBY_ID, message(f"{n}")) for n in range(5)]
        await store.flusher.flush(LOBBY_ID)
        log = await whole_log(store)
    # The newest two were appended by a node that died before it flushed them.
    await behind.write(r.table("batches").filter(lambda batch: batch["id"].nth(1) > 3).delete())
    await behind.write(r.table("heads").get(LOBBY_ID).update({"flushed": 3}))
    await set_back_to_version_8(behind, server)
    said: list[str] = []
    monkeypatch.setattr(migration, "QUERY_SECONDS", 0.0)
    await init(server.admin_url, cluster_url, said.append)
    order = [
        "dropping the index ids of batches",
        "waiting for what is still being written",
        "noting where entries are: 0",
    ]
    places = [next(n for n, line in enumerate(said) if line.startswith(one)) for one in order]
    assert places == sorted(places)
    async with opened(cluster_url) as store:
        assert await whole_log(store) == log
        for number, one in enumerate(acked):
            retry = await store.log.append(LOBBY_ID, message(f"{number}"))
            assert (retry.is_new, retry.entry) == (False, one.entry)


async def test_a_copy_of_an_older_database_is_brought_up_to_date_before_its_user_is_made(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(cluster_url) as store:
        await make_den(store)
        await store.log.append(DEN.id, message("1", by=BOB))
    await set_back_to_version_8(behind, server)
    user = behind.address
    name = cluster_url.split("//")[1].split(":", maxsplit=1)[0]
    assert user.user != name
    await as_admin(server, r.db("rethinkdb").table("users").get(name).delete())
    monkeypatch.setattr(migration, "QUERY_SECONDS", 0.0)
    await init(server.admin_url, cluster_url, lambda _line: None)
    async with opened(cluster_url) as store:
        assert len(await whole_log(store, DEN.id)) == BEGUN + 1


async def test_a_copy_whose_refs_are_older_than_its_batches_gets_them_all(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    batch = batch_of("one", "1", "2")
    ids = [row["id"] for row in batch["rows"]]
    await behind.write(r.table("batches").insert(batch))
    await behind.write(r.table("refs").insert({"id": ids[0], "places": [["two", 5]]}))
    await init(server.admin_url, cluster_url, lambda _line: None, restored=True)
    found = {row["id"]: sorted(row["places"]) for row in await behind.read(r.table("refs"))}
    assert found == {ids[0]: [["one", 1], ["two", 5]], ids[1]: [["one", 2]]}


async def test_replies_from_before_threads_have_none_and_are_roots_of_what_answers_them(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    async with opened(cluster_url) as store:
        await store.log.append(LOBBY_ID, message("root"))
        await store.log.append(LOBBY_ID, message("old", reply_to=1))
        await store.flusher.flush(LOBBY_ID)
    for table, field in (("heads", "tail"), ("batches", "rows")):
        old = r.row[field].without({"data": {"thread": True}})
        await behind.write(r.table(table).update({field: old}))
    await forget_folds(behind)
    await as_admin(server, r.table("batches").index_drop("thread"))
    await behind.write(r.table("meta").get("schema_version").update({"value": "10"}))
    await init(server.admin_url, cluster_url, lambda _line: None)
    async with opened(cluster_url) as store:
        retry = await store.log.append(LOBBY_ID, message("old", reply_to=1))
        assert (retry.is_new, retry.entry.data.get("thread")) == (False, None)
        for ref, answered, root in (("new", 1, 1), ("newer", 2, 2), ("newest", 4, 2)):
            stored = await store.log.append(LOBBY_ID, message(ref, reply_to=answered))
            assert stored.entry.data["thread"] == root
        await store.flusher.flush(LOBBY_ID)
        shown = (await store.log.history(LOBBY_ID, limit=9)).items
        assert [(one.thread, one.reply_count) for one in shown] == [
            (None, 1),
            (None, 2),
            (1, 0),
            (2, 0),
            (2, 0),
        ]
        for root, replies in ((1, [3]), (2, [4, 5]), (3, [])):
            found = (await store.log.thread(LOBBY_ID, root, after=0, limit=9)).items
            assert [one.seq for one in found] == replies
