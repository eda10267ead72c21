"""Rows that something else has written, and the cost of a page."""

import asyncio
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from api.errors import NotFound, RefConflict
from api.models.log import Draft, Kind, unreadable
from api.models.rooms import LOBBY_ID
from api.store.sqlite.pages import MessagePages
from api.store.sqlite.store import SqliteStore
from tests.store.calls import whole_log
from tests.store.make import ALICE, DEN, account_of, message
from tests.store.sqlite.files import stranger, until

pytestmark = pytest.mark.anyio


# -- rows that something else has written


INSERT = "INSERT INTO entries (room_id, seq, kind, user_id, username, at, data) VALUES ('lobby', ?, ?, 'x', 'x', 1, ?)"

POISON = [
    ("message", "no JSON"),
    ("message", "[]"),
    ("message", "{}"),
    ("message", '{"body": 7, "reply_to": null}'),
    ("message", '{"body": "x", "reply_to": true}'),
    ("message", '{"$reql_type$":"TIME","epoch_time":1e15,"timezone":"+00:00"}'),
    ("edit", '{"target": "1", "body": "x"}'),
    ("reaction", '{"target": 1, "emoji": "x", "added": 1}'),
    ("Poison", '{"body": "x", "reply_to": null}'),
    ("ready", '{"user": "x"}'),
    ("poll", "[]"),
    ("poll", '{"deep": ' + "[" * 300 + "]" * 300 + "}"),
    ("poll", '{"long": "' + "x" * 64 * 1024 + '"}'),
]


@pytest.mark.parametrize(("kind", "data"), POISON)
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "stray"])
async def test_a_row_that_makes_no_sense_is_unreadable_and_logged_once_and_above_the_head_it_is_nothing(
    store: SqliteStore, path: Path, kind: str, data: str, counted: bool
) -> None:
    with capture_logs() as logs:
        async with store.changes.open() as tail:
            await store.log.append(LOBBY_ID, message("r1", "before"))
            with stranger(path) as connection:
                connection.execute(INSERT, (2, kind, data))
                if counted:
                    connection.execute("UPDATE rooms SET seq = 2 WHERE id = 'lobby'")
            last = 3 if counted else 2
            appended = await store.log.append(LOBBY_ID, message("r2", "after"))
            assert appended.entry.seq == last
            entries = await until(tail, last)
        assert [entry.seq for entry in entries] == list(range(1, last + 1))
        assert not counted or entries[1] == unreadable(LOBBY_ID, 2)
        for _ in range(2):
            assert await whole_log(store) == entries
            assert [item.body for item in (await store.log.history(LOBBY_ID, limit=9)).items] == [
                "before",
                "after",
            ]
            if counted:
                assert await store.log.message(LOBBY_ID, 2) is None
    reports = [log for log in logs if log["event"] == "store.poison_row"]
    assert len(reports) == 1
    assert data not in str(logs)


async def test_a_row_whose_text_is_not_utf_8_is_unreadable_on_every_road(
    store: SqliteStore, path: Path
) -> None:
    await store.log.append(LOBBY_ID, message("r1", "before"))
    with capture_logs():
        async with store.changes.open() as tail:
            with stranger(path) as connection:
                connection.execute(INSERT, (2, "message", "{}"))
                connection.execute("UPDATE entries SET data = CAST(x'7b22ff' AS TEXT) WHERE seq = 2")
                connection.execute("UPDATE rooms SET seq = 2 WHERE id = 'lobby'")
            await store.log.append(LOBBY_ID, message("r2", "after"))
            told = await until(tail, 3)
        assert [(entry.seq, entry.kind) for entry in told] == [(2, "unreadable"), (3, "message")]
        assert [entry.kind for entry in await whole_log(store)] == ["message", "unreadable", "message"]
        history = (await store.log.history(LOBBY_ID, limit=9)).items
    assert [item.body for item in history] == ["before", "after"]


async def test_a_row_above_the_head_is_never_shown_and_gives_way(store: SqliteStore, path: Path) -> None:
    well_formed = '{"body": "phantom", "reply_to": null}'
    with capture_logs() as logs:
        async with store.changes.open() as tail:
            with stranger(path) as connection:
                connection.execute(INSERT, (1, "message", well_formed))
                connection.execute(INSERT, (3, "message", well_formed))
            assert await whole_log(store) == []
            assert await store.log.message(LOBBY_ID, 1) is None
            assert (await store.log.history(LOBBY_ID, limit=9)).items == []
            with pytest.raises(NotFound):
                await store.log.append(LOBBY_ID, Draft(Kind.DELETE, ALICE.id, "alice", 1, "d", {"target": 1}))
            acked = [(await store.log.append(LOBBY_ID, message(f"r{n}"))).entry for n in range(3)]
            assert await until(tail, 3) == acked
        assert await whole_log(store) == acked
    assert [log["event"] for log in logs].count("store.stray_row") == 2


async def test_a_row_that_is_spoilt_later_breaks_neither_reading_nor_deleting(
    store: SqliteStore, path: Path
) -> None:
    for n in range(1, 4):
        await store.log.append(LOBBY_ID, message(f"r{n}", str(n)))
    with stranger(path) as connection:
        connection.execute("UPDATE entries SET data = 'spoilt' WHERE seq = 2")
    with capture_logs():
        assert [entry.kind for entry in await whole_log(store)] == ["message", "unreadable", "message"]
        with pytest.raises(RefConflict):
            await store.log.append(LOBBY_ID, message("r2", "2"))
        await store.log.append(LOBBY_ID, Draft(Kind.DELETE, ALICE.id, "alice", 1, "d", {"target": 2}))
        assert (await store.log.append(LOBBY_ID, message("r4"))).entry.seq == 5


async def test_what_is_missing_is_unreadable_on_every_road(store: SqliteStore, path: Path) -> None:
    """Also where this process commits, which does not read its own entries again."""
    async with store.changes.open() as tail:
        for n in range(1, 4):
            await store.log.append(LOBBY_ID, message(f"r{n}"))
        assert [entry.seq for entry in await until(tail, 3)] == [1, 2, 3]
        for last, missing in ((6, [4, 5]), (8, [7])):
            with stranger(path) as connection:
                connection.execute("UPDATE rooms SET seq = ? WHERE id = 'lobby'", (last - 1,))
            await store.log.append(LOBBY_ID, message(f"r{last}"))
            *holes, entry = await until(tail, last)
            assert holes == [unreadable(LOBBY_ID, seq) for seq in missing]
            assert entry.ref == f"r{last}"
    kinds = ["message"] * 3 + ["unreadable"] * 2 + ["message", "unreadable", "message"]
    with capture_logs() as logs:
        for _ in range(2):
            assert [entry.kind for entry in await whole_log(store)] == kinds
    assert not logs, "what the tail has told of was logged then"


async def test_an_entry_of_a_kind_that_is_not_known_is_passed_on_as_it_is(
    store: SqliteStore, path: Path
) -> None:
    data = '{"target": 1, "options": [{"name": "tea", "votes": [1, 2.5, null]}], "user_id": "mallory"}'
    await store.log.append(LOBBY_ID, message("r1", "asked"))
    async with store.changes.open() as tail:
        with stranger(path) as connection, connection:
            connection.execute(
                INSERT.replace("data)", "data, target)").replace("?)", "?, 1)"), (2, "poll", data)
            )
            connection.execute("UPDATE rooms SET seq = 2 WHERE id = 'lobby'")
        await store.log.append(LOBBY_ID, message("r3"))
        (told, _) = await until(tail, 3)
    assert (told.kind, told.user_id, told.data) == ("poll", "x", json.loads(data))
    assert (await whole_log(store))[1] == told
    found = await store.log.message(LOBBY_ID, 1)
    assert found is not None
    assert (found.body, found.edited_at, found.reactions) == ("asked", None, ())


# -- the cost of a page


async def test_a_page_of_history_costs_the_same_at_any_depth(store: SqliteStore) -> None:
    for batch in range(4):
        await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"r{batch}-{n}")) for n in range(1_000)))

    def steps(before: int) -> Callable[[apsw.Cursor], int]:
        """Return a function that counts the steps of SQLite's virtual machine for one page."""

        def count(cursor: apsw.Cursor) -> int:
            taken = 0

            def step() -> bool:
                nonlocal taken
                taken += 1
                return False

            cursor.connection.set_progress_handler(step, 1)
            MessagePages(store._log).history(cursor, LOBBY_ID, before=before, after=None, limit=50)
            cursor.connection.set_progress_handler(None)
            return taken

        return count

    top, bottom = await store._reader.do(steps(4_000)), await store._reader.do(steps(60))
    assert top == pytest.approx(bottom, rel=0.05)


async def test_long_messages_that_were_read_leave_little_memory_behind(store: SqliteStore) -> None:
    await store.accounts.create(account_of(ALICE))
    await store.rooms.create(DEN, ALICE)
    tracemalloc.start()
    try:
        for number in range(100):
            await store.log.append(DEN.id, message(f"r{number}", "\U0001f600" * 900 + str(number)))
            await store.rooms.view(DEN.id, ALICE.id)
            await store.log.history(DEN.id, limit=1)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 100 * 1_800
