"""Erased data is nowhere in the files."""

import asyncio
import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from api.models.accounts import Account, User
from api.models.log import Draft, Kind
from api.models.rooms import LOBBY_ID, Role
from api.store.sqlite.database import BUSY_SECONDS
from api.store.sqlite.store import SqliteStore
from tests.node import eventually
from tests.store.make import ALICE, delete, edit, message
from tests.store.sqlite.files import opened, stranger

pytestmark = pytest.mark.anyio


async def test_a_deleted_body_and_its_ref_are_nowhere_in_the_files(store: SqliteStore, path: Path) -> None:
    secrets = ("the quick brown secret", "ref of the secret", "ref of its edit")
    body, ref, edit_ref = secrets
    await store.log.append(LOBBY_ID, message(ref, body))
    await store.log.append(LOBBY_ID, edit(edit_ref, 1, body + "!"))
    assert all(one.encode() in bytes_of_files(path) for one in secrets)
    await store.log.append(LOBBY_ID, delete("d", 1))
    await store.log.append(LOBBY_ID, message("r2", "a batch later"))
    assert not any(one.encode() in bytes_of_files(path) for one in secrets)
    assert (await store.log.append(LOBBY_ID, message(ref, body))).entry.seq == 1


def bytes_of_files(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


async def is_gone(text: bytes, path: Path) -> bool:
    return text not in bytes_of_files(path)


async def test_erasing_beside_a_backup_does_not_hold_up_what_is_written(
    store: SqliteStore, path: Path
) -> None:
    await store.log.append(LOBBY_ID, message("r1", "secret"))
    with stranger(path) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM entries").fetchall()
        await store.log.append(LOBBY_ID, Draft(Kind.DELETE, ALICE.id, ALICE.username, 1, None, {"target": 1}))
        async with asyncio.timeout(BUSY_SECONDS):  # a single append that waited would take this long
            for n in range(20):
                await store.log.append(LOBBY_ID, message(f"beside {n}"))
        backup.execute("ROLLBACK")


async def test_deleted_words_leave_the_files_although_another_has_read_them_and_nothing_is_written_any_more(
    store: SqliteStore, path: Path
) -> None:
    await store.log.append(LOBBY_ID, message("r1", "the quick brown secret"))
    with stranger(path) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM entries").fetchall()
        await store.log.append(LOBBY_ID, delete("d", 1))
        assert b"quick brown" in bytes_of_files(path)
        backup.execute("ROLLBACK")
    await eventually(lambda: is_gone(b"quick brown", path))
    assert (await store.log.append(LOBBY_ID, message("r2", "goes on"))).is_new


async def test_what_a_crashed_process_has_erased_leaves_the_files_when_the_next_one_starts(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    await store.log.append(LOBBY_ID, message("r1", "the quick brown secret"))
    with stranger(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchall()
        await store.log.append(LOBBY_ID, delete("d", 1))
        crashed = tmp_path / "crashed"
        shutil.copytree(path.parent, crashed)
        reader.execute("ROLLBACK")
    assert b"quick brown" in bytes_of_files(crashed / path.name)
    async with opened(f"sqlite:///{crashed / path.name}"):
        await eventually(lambda: is_gone(b"quick brown", crashed / path.name))


async def test_an_erased_account_leaves_its_name_nowhere_in_the_files(store: SqliteStore, path: Path) -> None:
    user = User("user-hildegard", "hildegard", "Hildegard", created_at=1)
    await store.accounts.create(Account(user, user.username, "hash"))
    await store.members.join(LOBBY_ID, user, Role.MEMBER, 1)
    with closing(apsw.Connection(str(path))) as other:
        other.wal_checkpoint()  # now the database file has it, not only the WAL
    await store.erasure.begin(user.id)
    await store.members.leave(LOBBY_ID, User(user.id, "erased", "erased", 1), 2)
    await store.erasure.anonymise(
        (await store.erasure.entries_of(user.id, cursor=None, limit=10)).items, "erased"
    )
    await store.erasure.finish(user.id)
    await store.log.append(LOBBY_ID, message("r1", "a batch later"))
    left = b"".join(file.read_bytes() for file in path.parent.iterdir()).replace(user.id.encode(), b"")
    assert b"hildegard" not in left.lower()
