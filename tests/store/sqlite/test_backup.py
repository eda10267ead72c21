"""Copies of a SQLite file that are taken while it is used, and putting them back."""

# ruff: noqa: ASYNC240 - these files are small

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.errors import Conflict, Invalid, TailwireError, Unavailable
from api.models.rooms import LOBBY_ID
from api.store import backup_store, restore_store
from api.store.sqlite import schema
from api.store.sqlite.backup import _put
from api.store.sqlite.steps import STEPS
from tests.store.calls import whole_log
from tests.store.make import message
from tests.store.sqlite.files import opened, stranger

pytestmark = pytest.mark.anyio


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup" / "tailwire.db"


@pytest.fixture
async def backup(url: str, file: Path) -> Path:
    """A backup with one message."""
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))
        return backup_store(url, file)


def everything_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def refused(url: str, file: Path, *, force: bool = True) -> str:
    """Require that a restore is refused and leaves all files as they are; return what was said."""
    before = everything_in(file.parents[1])
    with pytest.raises((Conflict, Invalid)) as raised:
        restore_store(url, file, force=force)
    assert everything_in(file.parents[1]) == before
    return raised.value.message


async def test_a_copy_taken_while_messages_are_written_is_of_one_moment(url: str, file: Path) -> None:
    async with opened(url) as store:

        async def write() -> None:
            for number in range(200):
                await store.log.append(LOBBY_ID, message(f"r{number}"))

        writing = asyncio.create_task(write())
        await asyncio.to_thread(backup_store, url, file)
        await writing
    with stranger(file) as copy:
        ((count, newest, head),) = copy.execute(
            "SELECT count(*), coalesce(max(seq), 0), (SELECT seq FROM rooms) FROM entries"
        )
        assert copy.pragma("integrity_check") == "ok"
    assert count == newest == head
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


async def test_a_backup_is_put_back_under_a_new_epoch(url: str, path: Path, backup: Path) -> None:
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r2"))
        old = (await store.log.heads([LOBBY_ID]))[LOBBY_ID]
    place, aside = restore_store(url, backup, force=True)
    assert (place, aside is not None) == (path, True)
    async with opened(url) as store:
        head = (await store.log.heads([LOBBY_ID]))[LOBBY_ID]
        assert (old.seq, head.seq, head.epoch != old.epoch) == (2, 1, True)
        assert [entry.ref for entry in await whole_log(store)] == ["r1"]
    async with opened(url) as store:  # the epoch is new once, not at every opening
        assert (await store.log.heads([LOBBY_ID]))[LOBBY_ID].epoch == head.epoch
    async with opened(f"sqlite:///{aside}") as store:
        assert [entry.ref for entry in await whole_log(store)] == ["r1", "r2"]


async def test_a_backup_makes_a_database_where_there_is_none(tmp_path: Path, backup: Path) -> None:
    place, aside = restore_store(f"sqlite:///{tmp_path}/new/place.db", backup, force=False)
    assert aside is None
    async with opened(f"sqlite:///{place}") as store:
        assert [entry.ref for entry in await whole_log(store)] == ["r1"]


async def test_no_database_is_replaced_without_force_or_while_it_is_open(
    url: str, path: Path, backup: Path
) -> None:
    assert "--force" in refused(url, backup, force=False)
    async with opened(url):
        assert "stop it first" in refused(url, backup)
    assert "the database itself" in refused(url, path)


async def test_no_database_is_replaced_while_a_program_of_another_user_has_it_open(
    url: str, path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wake-up sockets are not seen, but SQLite's own lock is."""
    monkeypatch.setattr("api.store.sqlite.backup.is_open_somewhere", lambda _: False)
    monkeypatch.setattr("api.store.sqlite.backup.BUSY_MILLISECONDS", 10)
    with stranger(path) as other:
        other.execute("SELECT * FROM rooms").fetchall()
        with pytest.raises(Conflict, match="stop it first"):
            restore_store(url, backup, force=True)
    assert path.exists()


def damaged(file: Path) -> Iterator[tuple[str, bytes]]:
    whole = file.read_bytes()
    yield "not a database", b"no database" * 1000
    yield "empty", b""
    yield "damaged", whole[: len(whole) // 2] + os.urandom(len(whole) // 4)


async def test_a_file_that_is_no_whole_backup_is_refused(url: str, backup: Path) -> None:
    for said, content in list(damaged(backup)):
        backup.write_bytes(content)
        assert said in refused(url, backup)
    backup.unlink()
    with pytest.raises(Invalid, match="there is no file"):
        restore_store(url, backup, force=True)


async def test_a_backup_of_a_newer_version_is_refused(url: str, backup: Path) -> None:
    with stranger(backup) as connection:
        connection.pragma("user_version", schema.VERSION + 1)
    assert "newer Tailwire" in refused(url, backup)


async def test_a_damaged_database_is_put_aside_as_it_is(url: str, path: Path, backup: Path) -> None:
    path.write_bytes(b"no database")
    _, aside = restore_store(url, backup, force=True)
    assert aside is not None
    assert aside.read_bytes() == b"no database"
    async with opened(url) as store:
        assert [entry.ref for entry in await whole_log(store)] == ["r1"]


async def test_a_backup_overwrites_no_file_and_leaves_none_behind_when_it_fails(
    url: str, path: Path, file: Path, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="there is no database at"):
        backup_store(url, file)
    async with opened(url):
        file.parent.mkdir()
        file.write_text("mine")
        with pytest.raises(Conflict, match="exists already"):
            backup_store(url, file)
        assert file.read_text() == "mine"
        with pytest.raises(TailwireError):
            backup_store(url, tmp_path / "backup" / "tailwire.db" / "below a file")
    path.write_bytes(b"no database")
    with pytest.raises(Invalid):
        backup_store(url, tmp_path / "other.db")
    assert not [one for one in everything_in(tmp_path) if "partial" in one or one == "other.db"]


@pytest.mark.parametrize("command", ["backup", "restore"])
async def test_of_two_that_write_one_file_at_once_the_second_is_refused_and_harms_nothing(
    url: str, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    target = tmp_path / "twice.db"

    def begin() -> None:
        if command == "backup":
            backup_store(url, target)
        else:
            restore_store(f"sqlite:///{target}", backup, force=True)

    said = []

    def put_after_another(partial: Path, file: Path) -> None:
        monkeypatch.setattr("api.store.sqlite.backup._put", _put)
        with pytest.raises(Conflict) as raised:
            begin()
        said.append(raised.value.message)
        _put(partial, file)

    monkeypatch.setattr("api.store.sqlite.backup._put", put_after_another)
    begin()
    assert said == [f"another command is writing {target}"]
    assert not [one for one in everything_in(tmp_path) if "partial" in one]
    async with opened(f"sqlite:///{target}") as store:
        assert [entry.ref for entry in await whole_log(store)] == ["r1"]


async def test_what_a_killed_backup_has_left_is_overwritten_and_nobody_else_can_read_the_copy(
    url: str, backup: Path, tmp_path: Path
) -> None:
    for suffix in ("", "-journal"):
        (tmp_path / f"again.db.partial{suffix}").write_bytes(b"half a copy" * 1000)
    backup_store(url, tmp_path / "again.db")
    assert sorted(one for one in everything_in(tmp_path) if "again" in one) == ["again.db"]
    assert (tmp_path / "again.db").stat().st_mode & 0o777 == 0o600
    async with opened(f"sqlite:///{tmp_path}/again.db") as store:
        assert [entry.ref for entry in await whole_log(store)] == ["r1"]


async def test_a_database_of_an_older_version_can_be_copied_before_the_upgrade(
    path: Path, url: str, file: Path
) -> None:
    path.parent.mkdir(parents=True)
    with stranger(path) as connection:
        connection.execute(STEPS[0])
        connection.pragma("application_id", schema.APPLICATION_ID)
        connection.pragma("user_version", 1)
    backup_store(url, file)
    with stranger(file) as copy:
        assert (copy.pragma("user_version"), copy.pragma("application_id")) == (1, schema.APPLICATION_ID)
