"""Files that nobody has any more: swept when they were not sent in time, kept when their message is stored."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.clock import now_ms
from api.files import FileStore, S3Access, open_file_store
from api.jobs.files import FileRemoval
from api.jobs.leases import LeaseHolder
from api.models.attachments import Attachment, FileQuota, FileState, FoundFile
from api.models.rooms import Room
from api.store.base.store import Store
from tests.store.make import ALICE, delete, message

pytestmark = pytest.mark.anyio

HOUR = 3_600_000
ROOMY = FileQuota(user_bytes=10_000, all_bytes=10_000)


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[FileStore]:
    opened = open_file_store(str(tmp_path / "files"), S3Access())
    yield opened
    await opened.close()


@pytest.fixture
def removal(store: Store, files: FileStore) -> FileRemoval:
    return FileRemoval(store, LeaseHolder(store), files, unsent_ms=HOUR)


async def kept(  # noqa: PLR0917
    store: Store, files: FileStore, file_id: str, room: Room, age: int, ref: str | None
) -> None:
    """Keep a file of so many milliseconds of age, claimed for a ref if that is given."""

    async def content() -> AsyncIterator[bytes]:
        yield b"abc"

    at = now_ms() - age
    one = Attachment(file_id, room.id, ALICE.id, "a.txt", 3, made_at=at, touched_at=at)
    await store.attachments.create(one, ROOMY)
    await files.append(file_id, 0, content())
    await files.keep(file_id)
    await store.attachments.finish(file_id, FoundFile("text/plain", 3), at=at)
    if ref is not None:
        await store.attachments.claim([file_id], user_id=one.user_id, room_id=room.id, ref=ref, at=at)


async def test_removing_often_does_not_count_all_files_anew_each_time(
    store: Store, removal: FileRemoval, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = list[str]()

    async def recount() -> bool:
        counted.append("anew")
        return False

    monkeypatch.setattr(store.attachments, "recount", recount)
    for _ in range(3):
        await removal.remove_all()
    assert counted == ["anew"]


async def test_what_was_not_sent_in_time_goes_and_what_its_message_has_stays(
    store: Store, files: FileStore, removal: FileRemoval, den: Room
) -> None:
    for file_id, age, ref in (
        ("new", 0, None),
        ("old", 2 * HOUR, None),
        ("claimed-new", 0, "never"),
        ("claimed-old", 2 * HOUR, "never"),
        ("stored", 2 * HOUR, "stored"),
        ("deleted", 2 * HOUR, "deleted"),
    ):
        await kept(store, files, file_id, den, age, ref)
    for ref in ("stored", "deleted"):
        draft = message(ref, "", by=ALICE)
        await store.log.append(den.id, replace(draft, data={**draft.data, "files": [{"file_id": ref}]}))
    entry = await store.log.sent_as(den.id, ALICE.id, "deleted")
    assert entry is not None
    await store.log.append(den.id, delete("d", entry.seq, by=ALICE))
    await removal.remove_all()
    left = {one.id: one.state for one in await store.attachments.page(after="", limit=9)}
    assert left == {
        "new": FileState.WHOLE,
        "claimed-new": FileState.WHOLE,
        "stored": FileState.SENT,
    }
    assert {one.file_id async for one in files.all()} == left.keys()
    assert (removal.counts["removed"], removal.counts["swept"]) == (3, 3)
    assert (await store.attachments.usage(None)).files == 3
