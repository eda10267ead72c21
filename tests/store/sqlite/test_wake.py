"""How stores on one file hear of each other's commits."""

import asyncio
import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from api.models.rooms import LOBBY_ID
from api.store.sqlite import tail as sqlite_tail
from api.store.sqlite.store import SqliteStore
from api.store.sqlite.wake import Wake
from tests.store.make import message
from tests.store.sqlite.files import go, opened, sender, until

pytestmark = pytest.mark.anyio


# -- other processes


async def test_another_process_is_heard_at_once(
    store: SqliteStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tail, "POLL_SECONDS", 60.0)
    async with sender(url, "p", 3) as process, store.changes.open() as tail:
        go(process)
        async with asyncio.timeout(3):  # a tail looks by itself after 5 s
            entries = await until(tail, 3)
        assert [entry.data["body"] for entry in entries] == ["p 0", "p 1", "p 2"]


async def test_another_process_is_found_by_polling_where_it_cannot_be_heard(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wake, "_bound", deaf)
    with capture_logs() as logs:
        async with opened(url) as store, sender(url, "p", 3) as process, store.changes.open() as tail:
            go(process)
            assert len(await until(tail, 3)) == 3
    assert [log["event"] for log in logs] == ["store.no_wake"]


def deaf(_: Wake) -> None:
    raise PermissionError(1, "not here")


async def test_sockets_of_the_dead_are_cleared_away(store: SqliteStore, url: str) -> None:
    directory = store._wake._directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    async with sender(url, "p", 1) as process:
        assert len(list(directory.iterdir())) == 2
        process.kill()
        await process.wait()
    assert len(list(directory.iterdir())) == 2
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("r1"))
        await until(tail, 1)
        await store.log.append(LOBBY_ID, message("r2"))  # by then the first append has woken everybody
    assert len(list(directory.iterdir())) == 1
    await store.close()
    assert not directory.exists()


async def test_a_directory_that_others_may_write_to_is_not_used(
    url: str, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Wake(path)._directory.mkdir(mode=0o777)
    Wake(path)._directory.chmod(0o777)
    with capture_logs() as logs:
        async with opened(url) as store:
            await store.log.append(LOBBY_ID, message("r1"))
            assert list(Wake(path)._directory.iterdir()) == []
    assert [log["event"] for log in logs] == ["store.no_wake"]


# -- this process


async def test_this_process_hears_its_own_commits_at_once(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tail, "POLL_SECONDS", 60.0)
    async with store.changes.open() as tail, asyncio.timeout(3):  # a tail looks by itself after 5 s
        for n in range(1, 20):
            following = asyncio.ensure_future(until(tail, n))
            await store.log.append(LOBBY_ID, message(f"r{n}"))
            await following
