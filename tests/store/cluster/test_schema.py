"""Preparing a database and bringing it up to date, and which user may do so."""

import asyncio
from contextlib import suppress
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

from api.errors import Invalid, Unavailable
from api.models.rooms import LOBBY_ID
from api.store.base.store import Opening
from api.store.cluster import migration, row_changes
from api.store.cluster import schema as cluster_schema
from api.store.cluster.schema import TABLES, init
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Address, Pool, r
from tests.rethinkdb_server import RethinkDBServer, as_admin
from tests.store.calls import each_page, whole_log
from tests.store.cluster.nodes import flushed_rows, opened
from tests.store.make import ALICE, delete, edit, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


async def test_the_servers_user_may_read_and_write_its_database_and_nothing_else(
    cluster_url: str, server: RethinkDBServer
) -> None:
    pool = Pool(Address.parse(cluster_url))
    try:
        for query in (
            r.table_create("another"),
            r.table("meta").index_create("at"),
            r.table("meta").config().update({"durability": "soft"}),
            r.db("rethinkdb").table("users").coerce_to("array"),
            r.db_create("another"),
        ):
            with pytest.raises(Unavailable):
                await pool.run(query)
        assert await pool.run(r.table("meta").count()) == 2
    finally:
        await pool.close()


async def test_a_wrong_password_is_said_in_plain_words(cluster_url: str) -> None:
    parts = urlsplit(cluster_url)
    wrong = cluster_url.replace(f":{parts.password}@", ":wrong@")
    with pytest.raises(Unavailable, match="password") as refused:
        await ClusterStore.open(wrong)
    assert "wrong" not in refused.value.message
    assert str(parts.hostname) not in refused.value.message


async def set_back_to_version_8(behind: Pool, server: RethinkDBServer) -> None:
    """Set the database back to version 8, where indexes find every entry by its id and by its author."""
    await as_admin(server, r.table_drop("refs"))
    batches = r.table("batches")
    for name in await as_admin(server, batches.index_list()):
        if name in {"who", "author", "ids", "thread"}:
            await as_admin(server, batches.index_drop(name))

    def authors(batch: Any) -> Any:
        return batch["rows"].map(lambda row: [row["user_id"], row["room_id"], row["seq"]])

    await as_admin(server, batches.index_create("author", authors, multi=True))
    await as_admin(server, batches.index_create("ids", lambda batch: batch["rows"]["id"], multi=True))
    await as_admin(server, batches.index_wait())
    await behind.write(r.table("meta").get("schema_version").update({"value": "8"}))


async def set_back_to_version_7(behind: Pool, server: RethinkDBServer) -> None:
    """Set the database back to version 7, which has no signals, and no index of what is no message."""
    await set_back_to_version_8(behind, server)
    await as_admin(server, r.table_drop("signals"))
    await as_admin(server, r.table("batches").index_drop("notice"))
    await behind.write(r.table("meta").get("schema_version").update({"value": "7"}))


async def set_back_to_version_6(behind: Pool, server: RethinkDBServer, ref: str | None = None) -> None:
    """Set the database back to version 6, where erased entries keep their refs: all get this one."""
    await set_back_to_version_7(behind, server)

    def kept(rows: Any) -> Any:
        return rows.map(lambda row: r.branch(row["erased"].default(False), row.merge({"ref": ref}), row))

    await behind.write(r.table("heads").update({"tail": kept(r.row["tail"])}))
    await behind.write(r.table("batches").update({"rows": kept(r.row["rows"])}))
    await behind.write(r.table("meta").get("schema_version").update({"value": "6"}))


async def set_back_to_version_4(behind: Pool, server: RethinkDBServer) -> None:
    """Set the database back to version 4, which had no invites."""
    await set_back_to_version_7(behind, server)
    await as_admin(server, r.table_drop("invites"))
    await as_admin(server, r.table("users").index_drop("admin"))
    await behind.write(r.table("meta").get("schema_version").update({"value": "4"}))


async def set_back_to_version_3(behind: Pool, server: RethinkDBServer) -> None:
    """Set the database back to version 3, where memberships that have ended are in no index."""
    await set_back_to_version_4(behind, server)
    await as_admin(server, r.table("members").index_drop("person"))
    await behind.write(r.table("meta").get("schema_version").update({"value": "3"}))


async def set_back_to_version_2(behind: Pool, server: RethinkDBServer) -> None:
    """Set the database back to version 2, where each flushed entry is a row of `messages`."""
    await set_back_to_version_3(behind, server)
    await as_admin(server, r.table_create("messages"))
    await as_admin(server, r.table("messages").wait())
    await as_admin(server, r.table("messages").insert(await flushed_rows(behind)))
    await as_admin(server, r.table_drop("batches"))
    await behind.write(r.table("meta").get("schema_version").update({"value": "2"}))


async def set_back_to_version_1(behind: Pool, server: RethinkDBServer) -> None:
    """Set the database back to version 1, with an account and three sessions: one used, one fresh, one ended."""
    await set_back_to_version_2(behind, server)
    await as_admin(server, r.table_drop("audit"))
    for table, index in (
        ("users", "age"),
        ("users", "name"),
        ("users", "erasing"),
        ("sessions", "user"),
    ):
        await as_admin(server, r.table(table).index_drop(index))
    user = {
        "id": ALICE.id,
        "username": "Alice",
        "username_key": "alice",
        "display_name": "A",
        "created_at": 1,
    }
    await behind.write(r.table("users").insert(user | {"password_hash": "h"}))
    session = {"user_id": ALICE.id, "created_at": 1, "last_used_at": 1, "expires_at": 9, "user_agent": ""}
    used = {"refresh_hash": "h2", "previous_hash": "h1", "rotated_at": 5}
    fresh = {"refresh_hash": "h1", "previous_hash": None, "rotated_at": None}
    for id_, rest in (
        ("used", used | {"ended": False}),
        ("fresh", fresh | {"ended": False}),
        ("over", used | {"ended": True}),
    ):
        await behind.write(r.table("sessions").insert({"id": id_} | session | rest))
    await behind.write(r.table("meta").get("schema_version").update({"value": "1"}))


async def test_a_database_of_version_1_is_brought_up_to_date_with_all_it_holds(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "QUERY_SECONDS", 0.1)  # no other node writes, so none is waited for
    await set_back_to_version_1(behind, server)
    with pytest.raises(Unavailable, match="tailwire init"):  # the app's own user may not
        await ClusterStore.open(cluster_url)
    await init(server.admin_url, cluster_url, lambda _line: None)
    async with opened(cluster_url) as store:
        found = {one.id: one for one in await store.sessions.of_user(ALICE.id)}
        assert {id_: one.previous_hash for id_, one in found.items()} == {"used": "h1", "fresh": None}
        assert {id_: one.pair_used for id_, one in found.items()} == {"used": False, "fresh": True}
        account = await store.accounts.get(ALICE.id)
        assert account is not None
        assert (account.disabled, account.admin, account.erasing) == (False, False, False)
        assert (await store.accounts.all(cursor=None, limit=9)).items == [account]
        assert (await store.accounts.named("lic", cursor=None, limit=9)).items == [account.user]
        assert (await store.audit.all(cursor=None, limit=9)).items == []


def breaks_off(_database: str, _rows: object) -> NoReturn:
    raise Unavailable


async def test_entries_of_version_1_are_where_they_were_when_they_are_moved(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(cluster_url) as store:
        acked = [await store.log.append(LOBBY_ID, message(f"{n}", "secret")) for n in range(40)]
        await store.log.append(LOBBY_ID, edit("edit", 2, "edited"))
        await store.log.append(LOBBY_ID, delete("delete", 1))
        await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"late {n}")) for n in range(3)))
        await store.flusher.flush(LOBBY_ID)
        log, history = await whole_log(store), await store.log.history(LOBBY_ID, limit=100)
    head = await behind.run(r.table("heads").get(LOBBY_ID).pluck("flushed", "trimmed"))
    # Some flushed entries are still in the tail, and of the newest the head does not know that they are flushed.
    assert 0 < head["trimmed"] < head["flushed"] < len(log)
    monkeypatch.setattr(row_changes, "MOVED_SLICE", 10)
    monkeypatch.setattr(migration, "QUERY_SECONDS", 0.1)  # no other node writes
    await set_back_to_version_1(behind, server)
    await behind.write(r.table("heads").insert({"id": "not as we write them"}))
    with monkeypatch.context() as broken:
        broken.setattr(row_changes, "_moving", breaks_off)
        with pytest.raises(Unavailable):
            await init(server.admin_url, cluster_url, lambda _line: None)
    pool = Pool(Address.parse(cluster_url))
    with pytest.raises(Unavailable):  # a node that still runs may not write
        await pool.write(r.table("heads").get(LOBBY_ID).update({"retries": 7}))
    await pool.close()
    said: list[str] = []
    await init(server.admin_url, cluster_url, said.append)
    assert any(line.startswith("moving entries: 20 of about ") for line in said)
    assert "messages" not in await behind.run(r.table_list())
    async with opened(cluster_url) as store:
        assert await whole_log(store) == log
        assert await store.log.history(LOBBY_ID, limit=100) == history
        for one in (acked[3], acked[-1]):
            retry = await store.log.append(LOBBY_ID, message(one.entry.ref or "", "secret"))
            assert (retry.entry, retry.is_new) == (one.entry, False)
        await store.log.append(LOBBY_ID, delete("another", 40))
        mine = await each_page(lambda cursor: store.erasure.entries_of(ALICE.id, cursor=cursor, limit=100))
        assert [entry.seq for entry in mine] == [*range(1, 47)]
    flushed = await flushed_rows(behind)
    assert [row["seq"] for row in flushed] == [*range(1, 47)]  # each entry once
    assert [row["seq"] for row in flushed if row["data"].get("body") == ""] == [1, 40]


async def test_a_database_of_version_6_loses_the_refs_of_what_was_erased_and_still_knows_them(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_changes, "MOVED_SLICE", 2)
    async with opened(cluster_url) as store:
        for number in range(5):
            await store.log.append(LOBBY_ID, message(f"{number}", "secret"))
        await store.log.append(LOBBY_ID, edit("edit", 2, "secret, edited"))
        await store.log.append(LOBBY_ID, delete("delete", 2))
    await set_back_to_version_6(behind, server, "secret ref")
    await behind.write(
        r.table("batches").insert([{"id": ["lobby", 999]}, {"id": ["lobby", 998], "rows": [1]}])
    )
    assert "secret ref" in str(await behind.read(r.table("heads")))
    assert "secret ref" in str(await behind.read(r.table("batches")))
    await init(server.admin_url, cluster_url, lambda _line: None)
    for table in ("heads", "batches"):
        assert "secret ref" not in str(await behind.read(r.table(table)))
    async with opened(cluster_url) as store:
        log = await whole_log(store)
        assert [entry.ref for entry in log] == ["0", None, "2", "3", "4", None, "delete"]
        retry = await store.log.append(LOBBY_ID, message("1", "secret"))
        assert (retry.entry.seq, retry.is_new) == (2, False)


async def test_a_user_who_may_brings_an_older_database_up_to_date_where_that_is_asked_for(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    await set_back_to_version_1(behind, server)
    admin_url = f"{server.admin_url}/{cluster_url.rsplit('/', 1)[1]}"
    for opening in (Opening.USE, Opening.LOOK):
        with pytest.raises(Unavailable, match="older Tailwire: run `tailwire init`"):
            await ClusterStore.open(admin_url, opening)
    async with opened(admin_url) as store:
        assert len(await store.sessions.of_user(ALICE.id)) == 2
        assert (await store.audit.all(cursor=None, limit=9)).items == []


SET_BACK = {
    1: set_back_to_version_1,
    2: set_back_to_version_2,
    3: set_back_to_version_3,
    4: set_back_to_version_4,
    6: set_back_to_version_6,
    7: set_back_to_version_7,
    8: set_back_to_version_8,
}


class Cut:
    """Breaks an admin's work on the database off after `left` queries, and after each version that it reaches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        whole = Pool.run

        async def run(pool: Pool, query: Any) -> Any:
            if not self.left:
                raise Unavailable
            self.left -= 1
            answer = await whole(pool, query)
            is_step = ".insert(" in str(query) and "schema_version" in str(query)
            if is_step and answer["inserted"] + answer["replaced"]:
                self.left = 0
            return answer

        monkeypatch.setattr(Pool, "run", run)


@pytest.mark.parametrize("version", [0, *SET_BACK, cluster_schema.SCHEMA_VERSION])
async def test_a_database_of_any_version_is_brought_up_to_date_however_often_that_is_broken_off(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """`init` is broken off after one query, then after two, and so on, until it comes to its end."""
    async with opened(cluster_url) as store:
        acked = [await store.log.append(LOBBY_ID, message(f"{n}")) for n in range(30)]
        await store.flusher.flush(LOBBY_ID)
        log = await whole_log(store)
    if version == 0:
        for table in TABLES:
            await as_admin(server, r.table_drop(table))
    elif version in SET_BACK:
        await SET_BACK[version](behind, server)
    monkeypatch.setattr(row_changes, "MOVED_SLICE", 10)
    monkeypatch.setattr(row_changes, "REFS_SLICE", 10)
    monkeypatch.setattr(migration, "QUERY_SECONDS", 0.0)  # no other node writes
    monkeypatch.setattr(cluster_schema, "READY_SECONDS", 1.0)  # what was broken off is not waited for
    seen: list[str | None] = []
    with monkeypatch.context() as patched:
        cut, count, is_over = Cut(patched), 0, False
        while not is_over:
            cut.left = count = count + 1
            with suppress(Unavailable):
                await init(server.admin_url, cluster_url, lambda _line: None)
                is_over = True
            cut.left = 1
            row = None
            with suppress(Unavailable):  # the table may not exist yet
                row = await behind.run(r.table("meta").get("schema_version"))
            seen.append(row and row["value"])
    versions = [int(one or 0) for one in seen]
    assert versions == sorted(versions)
    assert set(versions) == set(range(version, cluster_schema.SCHEMA_VERSION + 1))
    async with opened(cluster_url) as store:
        assert await whole_log(store) == (log if version else [])
        retry = await store.log.append(LOBBY_ID, message("3"))
        assert (retry.is_new, retry.entry) == ((False, acked[3].entry) if version else (True, retry.entry))
        assert await store.rooms.get(LOBBY_ID) is not None
        assert len(await store.sessions.of_user(ALICE.id)) == (2 if version == 1 else 0)
        assert (await store.audit.all(cursor=None, limit=9)).items == []


async def test_a_database_of_a_newer_version_is_left_alone(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    await behind.write(r.table("meta").get("schema_version").update({"value": "999"}))
    with pytest.raises(Unavailable, match="newer Tailwire"):
        await init(server.admin_url, cluster_url, lambda _line: None)
    assert (await behind.run(r.table("meta").get("schema_version")))["value"] == "999"


async def test_a_database_that_is_not_prepared_is_said_in_plain_words(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    nowhere = cluster_url.rsplit("/", 1)[0] + "/nowhere"
    with pytest.raises(Unavailable, match="tailwire init"):
        await ClusterStore.open(nowhere)
    await behind.write(r.table("meta").get("schema_version").update({"value": "999"}))
    with pytest.raises(Unavailable, match="newer Tailwire"):
        await ClusterStore.open(cluster_url)
    await behind.write(r.table("meta").get("schema_version").delete())
    with pytest.raises(Unavailable, match="tailwire init"):
        await ClusterStore.open(cluster_url)


async def test_nobody_there_is_said_in_plain_words() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await ClusterStore.open("rethinkdb://a:b@127.0.0.1:1/tailwire")


@pytest.mark.parametrize(
    "url",
    [
        "rethinkdb://",
        "rethinkdb://host",
        "rethinkdb://host/",
        "rethinkdb://host:port/tailwire",
        "rethinkdb://host:99999/tailwire",
        "rethinkdb://host/tail/wire",
    ],
)
async def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        await ClusterStore.open(url)


async def test_preparing_again_keeps_everything(
    server: RethinkDBServer, cluster_url: str, store: ClusterStore
) -> None:
    acked = await store.log.append(LOBBY_ID, message("1"))
    said: list[str] = []
    await init(server.admin_url, cluster_url, said.append)
    assert not [line for line in said if "making" in line]
    assert await whole_log(store) == [acked.entry]
    assert (await store.log.heads([LOBBY_ID]))[LOBBY_ID].epoch == acked.epoch
