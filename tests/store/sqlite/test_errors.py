"""A full disk, a lock of another process, and users who do not exist."""

import asyncio
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from structlog.testing import capture_logs

from api.errors import NotFound, StorageFull, Unavailable
from api.models.accounts import Session
from api.models.rooms import LOBBY_ID, Role
from api.store.sqlite.store import SqliteStore
from tests.store.calls import whole_log
from tests.store.make import ALICE, message
from tests.store.sqlite.files import stranger

pytestmark = pytest.mark.anyio


# -- a full disk, a lock of another process


async def append_until(store: SqliteStore, error: type[Exception]) -> int:
    """Append until it fails with this error; return the number of acks."""
    with capture_logs():
        for n in range(1_000):
            try:
                await store.log.append(LOBBY_ID, message(f"r{n}", "x" * 4_000))
            except error:
                return n
    pytest.fail("it never did")


async def test_a_database_that_may_not_grow_says_so_and_heals(store: SqliteStore) -> None:
    def more_pages(count: int) -> Callable[[apsw.Cursor], Any]:
        def allow(cursor: apsw.Cursor) -> Any:
            return cursor.connection.pragma("max_page_count", cursor.connection.pragma("page_count") + count)

        return allow

    await store._writer.do(more_pages(40))
    acked = await append_until(store, StorageFull)
    assert 1 <= acked < 60
    assert [entry.seq for entry in await whole_log(store)] == list(range(1, acked + 1))
    await store.check()
    await store._writer.do(more_pages(10_000))
    again = [await store.log.append(LOBBY_ID, message(f"r{n}", "x" * 4_000)) for n in range(acked + 1)]
    assert [answer.entry.seq for answer in again] == list(range(1, acked + 2))


async def test_a_disk_that_takes_no_more_says_so_and_heals(store: SqliteStore, path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.with_name(path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, hard))
    try:
        acked = await append_until(store, StorageFull)
        stored = [entry.seq for entry in await whole_log(store)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert stored == list(range(1, acked + 1))
    assert 1 <= acked < 60
    assert (await store.log.append(LOBBY_ID, message(f"r{acked}", "x" * 4_000))).entry.seq == acked + 1


async def test_what_fails_after_the_answers_does_not_end_the_writer(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [apsw.FullError(), OSError(), apsw.IOError(), apsw.BusyError()]

    def fail(_: int) -> None:
        raise errors[-1]

    monkeypatch.setattr(store._database, "committed", fail)
    while errors:
        await store.log.append(LOBBY_ID, message(f"r{len(errors)}"))
        errors.pop()
    assert len(await whole_log(store)) == 4


async def test_a_lock_held_for_too_long_is_unavailable_and_retrying_is_safe(
    store: SqliteStore, path: Path
) -> None:
    await store._writer.do(lambda cursor: cursor.connection.set_busy_timeout(20))
    with stranger(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await store.log.append(LOBBY_ID, message("r1"))
        assert await whole_log(store) == []
        connection.execute("ROLLBACK")
    assert (await store.log.append(LOBBY_ID, message("r1"))).entry.seq == 1


async def test_a_lock_held_for_a_moment_is_waited_for(store: SqliteStore, path: Path) -> None:
    with stranger(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        append = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r1")))
        assert await whole_log(store) == []
        assert not append.done()
        connection.execute("ROLLBACK")
    assert (await append).entry.seq == 1


# -- users who do not exist


async def test_what_refers_to_a_user_who_is_not_there_is_not_found(store: SqliteStore) -> None:
    with pytest.raises(NotFound):
        await store.members.join(LOBBY_ID, ALICE, Role.MEMBER, at=1)
    with pytest.raises(NotFound):
        await store.sessions.create(Session("s", ALICE.id, 1, 1, 1, "", "h"), most=20)
    assert await whole_log(store) == []
