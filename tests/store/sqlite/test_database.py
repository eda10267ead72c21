"""The URL of a store, and its file."""

# ruff: noqa: ASYNC240 - a test may wait for the disk

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from api.errors import Invalid, Unavailable
from api.models.rooms import LOBBY_ID
from api.store.sqlite import schema as sqlite_schema
from api.store.sqlite.steps import STEPS
from api.store.sqlite.store import SqliteStore
from tests.store.make import message
from tests.store.sqlite.files import opened, stranger

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/path.db",
        "sqlite:path.db",
        "sqlite:/path.db",
        "sqlite:///a.db?mode=ro",
        "sqlite:///a.db#x",
        "sqlite:///a%00.db",
    ],
)
async def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match=r"sqlite:///"):
        await SqliteStore.open(url)


async def test_a_relative_path_starts_where_the_process_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened("sqlite:///some%20data/chat.db"):
        monkeypatch.chdir("/")
        assert (tmp_path / "some data" / "chat.db").is_file()


async def test_only_its_owner_may_read_what_is_stored(path: Path, url: str) -> None:
    umask = os.umask(0)
    try:
        async with opened(url) as store:
            await store.log.append(LOBBY_ID, message("r1"))
            files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
            assert files == dict.fromkeys(
                ["tailwire.db", "tailwire.db-wal", "tailwire.db-shm", "tailwire.db-life"], 0o600
            )
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    finally:
        os.umask(umask)


def make_directory(path: Path) -> None:
    path.mkdir(parents=True)


def make_parent_a_file(path: Path) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("a file")


def make_text(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("no database " * 1_000)


def make_another_database(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with stranger(path) as connection:
        connection.execute("CREATE TABLE cats (name)")


def make_newer(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with stranger(path) as connection:
        connection.execute(STEPS[0])
        connection.pragma("application_id", sqlite_schema.APPLICATION_ID)
        connection.pragma("user_version", sqlite_schema.VERSION + 1)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_directory, "directory"),
        (make_parent_a_file, "Not a directory"),
        (make_text, "not a database"),
        (make_another_database, "not one of Tailwire"),
        (make_newer, "newer Tailwire"),
    ],
)
async def test_a_database_that_cannot_be_used_is_left_alone_and_named_in_one_sentence(
    path: Path, url: str, make: Callable[[Path], None], reason: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    threads = set(threading.enumerate())
    with pytest.raises(Unavailable, match=reason) as raised:
        await SqliteStore.open(url)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert before == (path.read_bytes() if path.is_file() else None)
    assert set(threading.enumerate()) <= threads


async def test_closing_leaves_no_thread_and_one_clean_file(path: Path, url: str) -> None:
    threads = set(threading.enumerate())
    store = await SqliteStore.open(url)
    await store.log.append(LOBBY_ID, message("r1"))
    await store.close()
    await store.close()
    assert set(threading.enumerate()) <= threads
    assert sorted(file.name for file in path.parent.iterdir()) == ["tailwire.db", "tailwire.db-life"]


async def test_a_database_taken_away_takes_no_more_acks(path: Path, store: SqliteStore) -> None:
    await store.log.append(LOBBY_ID, message("r1"))
    away = path.with_name("away.db")
    path.rename(away)
    for _ in range(2):
        with pytest.raises(Unavailable, match="taken away"):
            await store.log.append(LOBBY_ID, message("r2"))
        with pytest.raises(Unavailable, match="taken away"):
            await store.check()
        path.write_bytes(b"")  # the second time another file is in its place
    path.unlink()
    away.rename(path)
    assert (await store.log.append(LOBBY_ID, message("r2"))).entry.seq == 2
