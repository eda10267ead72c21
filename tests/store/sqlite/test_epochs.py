"""A file that is restored from a backup."""

# ruff: noqa: ASYNC240 - a test may wait for the disk

import shutil
import signal
from pathlib import Path

import pytest

from api.models.rooms import LOBBY_ID
from tests.store.calls import whole_log
from tests.store.make import message
from tests.store.sqlite.files import go, line, lobby_epoch, opened, sender

pytestmark = pytest.mark.anyio


async def test_an_older_copy_begins_new_epochs(path: Path, url: str) -> None:
    backup = path.with_name("backup.db")
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))
        first = await lobby_epoch(store)
    shutil.copyfile(path, backup)
    async with opened(url) as store:
        assert await lobby_epoch(store) == first
        await store.log.append(LOBBY_ID, message("r2"))

    shutil.copyfile(backup, path)  # restored into the same file
    async with opened(url) as store:
        second = await lobby_epoch(store)
        assert second != first
        assert (await store.log.append(LOBBY_ID, message("other"))).entry.seq == 2
    async with opened(url) as store:
        assert await lobby_epoch(store) == second

    path.unlink()
    backup.rename(path)  # restored as another file
    async with opened(url) as store:
        assert await lobby_epoch(store) not in {first, second}


async def test_a_restored_directory_begins_new_epochs(path: Path, url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))
        first = await lobby_epoch(store)
    shutil.copytree(path.parent, tmp_path / "copy")  # the note beside the database is copied too
    async with opened(f"sqlite:///{tmp_path}/copy/{path.name}") as store:
        assert await lobby_epoch(store) != first


async def test_a_copy_elsewhere_begins_new_epochs(path: Path, url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))
        first = await lobby_epoch(store)
    shutil.copyfile(path, tmp_path / "copy.db")
    async with opened(f"sqlite:///{tmp_path}/copy.db") as store:
        assert await lobby_epoch(store) != first
        assert len(await whole_log(store)) == 1


async def test_a_crash_keeps_the_epoch(url: str) -> None:
    async with sender(url, "p", 1_000_000) as process:
        go(process)
        epoch = (await line(process)).split()[2]
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with opened(url) as store:
        assert await lobby_epoch(store) == epoch
