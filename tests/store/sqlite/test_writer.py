"""Commits that many callers share."""

import asyncio
from pathlib import Path
from typing import Any

import apsw
import pytest
from structlog.testing import capture_logs

from api.errors import Invalid, RefConflict, Unavailable
from api.models.rooms import LOBBY_ID
from api.store.sqlite import worker as sqlite_worker
from api.store.sqlite.store import SqliteStore
from tests.store.calls import whole_log
from tests.store.make import ALICE, message
from tests.store.sqlite.files import WAIT_SECONDS, Commits, until

pytestmark = pytest.mark.anyio


async def test_callers_who_wait_together_share_commits(store: SqliteStore) -> None:
    before = store._writer.commit_count
    await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"r{n}")) for n in range(500)))
    assert store._writer.commit_count - before < 50


async def test_nobody_is_answered_before_the_commit_and_the_loop_runs_on_meanwhile(
    store: SqliteStore, commits: Commits
) -> None:
    await commits.hold()
    async with store.changes.open() as tail:
        appends = [asyncio.ensure_future(store.log.append(LOBBY_ID, message(f"r{n}"))) for n in range(10)]
        await commits.held()
        assert await whole_log(store) == []  # reads go on, and do not see it
        assert not any(append.done() for append in appends)
        commits.release()
        acked = await asyncio.gather(*appends)
        assert await until(tail, 10) == [answer.entry for answer in acked]


async def test_a_commit_is_on_the_disk_when_it_returns(store: SqliteStore) -> None:
    def pragmas(cursor: apsw.Cursor) -> tuple[Any, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return tuple(cursor.connection.pragma(name) for name in names)

    assert await store._writer.do(pragmas) == ("wal", 2, 1, 1)


async def test_a_commit_that_fails_fails_its_whole_batch_and_the_writer_goes_on(
    store: SqliteStore, commits: Commits
) -> None:
    await commits.refuse()
    answers = await asyncio.gather(
        *(store.log.append(LOBBY_ID, message(f"r{n}")) for n in range(10)), return_exceptions=True
    )
    assert all(isinstance(answer, Exception) for answer in answers)
    assert await whole_log(store) == []
    await commits.allow()
    assert (await store.log.append(LOBBY_ID, message("r1"))).entry.seq == 1


async def test_an_error_fails_only_its_own_caller(store: SqliteStore, commits: Commits) -> None:
    def break_half_way(cursor: apsw.Cursor) -> None:
        cursor.execute("UPDATE rooms SET name = 'half done'")
        raise ZeroDivisionError

    def break_a_rule(cursor: apsw.Cursor) -> None:
        cursor.execute("UPDATE rooms SET name = 'half done'")
        cursor.execute("INSERT INTO rooms SELECT * FROM rooms")

    before = store._writer.commit_count
    await commits.hold()
    first = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r0")))
    await commits.held()
    batch = asyncio.gather(
        store.log.append(LOBBY_ID, message("r1")),
        store.log.append(LOBBY_ID, message("r0", "another body")),
        store._writer.do(break_half_way),
        store.log.append(LOBBY_ID, message("\ud800")),
        store._writer.do(break_a_rule),
        store.log.append(LOBBY_ID, message("r2")),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    commits.release()
    await first
    one, conflict, bug, surrogate, rule, two = await batch
    assert store._writer.commit_count - before == 2  # the appends were one batch
    assert isinstance(conflict, RefConflict)
    assert isinstance(bug, ZeroDivisionError)
    assert isinstance(surrogate, Invalid)
    assert isinstance(rule, Exception)
    assert [one.entry.seq, two.entry.seq] == [2, 3]  # type: ignore[union-attr]
    lobby = await store.rooms.get(LOBBY_ID)
    assert lobby is not None
    assert lobby.name == "Lobby"


async def test_more_callers_than_may_wait_are_refused_at_once(
    store: SqliteStore, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commits.hold()
    appends = [asyncio.ensure_future(store.log.append(LOBBY_ID, message("r0")))]
    await commits.held()
    monkeypatch.setattr(sqlite_worker, "MOST_WAITING", 5)
    appends += [asyncio.ensure_future(store.log.append(LOBBY_ID, message(f"r{n}"))) for n in range(1, 5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="too many"):
        await store.log.append(LOBBY_ID, message("r5"))
    commits.release()
    assert [answer.entry.seq for answer in await asyncio.gather(*appends)] == [1, 2, 3, 4, 5]
    assert (await store.log.append(LOBBY_ID, message("r5"))).entry.seq == 6


async def test_closing_fails_what_waits_and_finishes_what_is_being_committed(url: str, path: Path) -> None:
    store = await SqliteStore.open(url)
    commits = Commits(store)
    await commits.hold()
    in_hand = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r1")))
    await commits.held()
    waiting = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r2")))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    commits.release()
    await closing
    assert (await in_hand).entry.seq == 1
    with pytest.raises(Unavailable, match="closed"):
        await waiting


@pytest.mark.parametrize("worker", ["_writer", "_reader"])
async def test_a_thread_that_dies_of_a_bug_takes_nobody_with_it_in_silence(
    store: SqliteStore, worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.changes.open() as tail:
        monkeypatch.setattr(getattr(store, worker), "_serve", None)
        with capture_logs() as logs:
            calls = [
                *(store.log.append(LOBBY_ID, message(f"r{n}")) for n in range(5)),
                *(store.accounts.get(ALICE.id) for _ in range(5)),
            ]
            async with asyncio.timeout(WAIT_SECONDS):
                answers = await asyncio.gather(*calls, return_exceptions=True)
        failed = answers[:5] if worker == "_writer" else answers[5:]
        assert all(isinstance(answer, Unavailable) for answer in failed)
        assert {log["event"] for log in logs if log["log_level"] == "error"} == {"store.worker_died"}
        with pytest.raises(Unavailable):
            await store.check()
        if worker == "_reader":
            with pytest.raises(Unavailable):
                await anext(tail)
