"""Files that nobody has any more: swept when they were not sent in time, kept when their message is stored."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.clock import now_ms
from api.files import FileStore, S3Access, open_file_store
from api.jobs.files import USED, FileFollower, FileRemoval
from api.jobs.leases import LeaseHolder
from api.models.accounts import Profile
from api.models.attachments import AVATAR, Attachment, FileQuota, FileState, FoundFile
from api.models.followers import Lease
from api.models.rooms import Room
from api.store.base.store import Store
from tests.node import eventually
from tests.store.make import ALICE, delete, message

pytestmark = pytest.mark.anyio

HOUR = 3_600_000
PAGE = 2
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


async def test_a_file_that_cannot_be_removed_keeps_no_other_waiting(
    store: Store, files: FileStore, removal: FileRemoval, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.jobs.files.SLICE", PAGE)
    remove = files.remove

    async def fails_for_some(file_id: str) -> None:
        if file_id.startswith("a"):
            raise PermissionError
        await remove(file_id)

    for file_id in ("a1", "a2", "b1", "b2"):
        await kept(store, files, file_id, den, 2 * HOUR, None)
    monkeypatch.setattr(files, "remove", fails_for_some)
    await removal.remove_all()
    assert [one.id for one in await store.attachments.page(after="", limit=9)] == ["a1", "a2"]
    assert (removal.counts["removed"], removal.counts["failed"]) == (2, 2)
    monkeypatch.undo()
    await removal.remove_all()
    assert await store.attachments.page(after="", limit=9) == []


async def test_an_upload_of_which_nothing_has_come_holds_its_quota_for_an_hour(
    store: Store, files: FileStore, den: Room
) -> None:
    removal = FileRemoval(store, LeaseHolder(store), files, unsent_ms=24 * HOUR)
    for file_id, age, touched in (("empty", 2, 0), ("begun", 2, 1), ("new", 0, 0)):
        at = now_ms() - age * HOUR
        one = Attachment(file_id, den.id, ALICE.id, "a.txt", 3, made_at=at, touched_at=at + touched)
        await store.attachments.create(one, ROOMY)
    await removal.remove_all()
    assert [one.id for one in await store.attachments.page(after="", limit=9)] == ["begun", "new"]


async def test_where_there_never_was_a_file_nothing_is_done_and_the_first_one_begins_it(
    store: Store, removal: FileRemoval, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.jobs.files.RENEW_SECONDS", 0.01)
    monkeypatch.setattr("api.jobs.files.LOOK_SECONDS", 0.01)
    taken, asked, acquire, find = list[str](), list[str](), store.leases.acquire, store.kept

    async def acquire_noted(name: str, holder: str) -> Lease | None:
        taken.append(name)
        return await acquire(name, holder)

    async def kept_noted(name: str) -> str | None:
        asked.append(name)
        return await find(name)

    monkeypatch.setattr(store.leases, "acquire", acquire_noted)
    monkeypatch.setattr(store, "kept", kept_noted)
    running = asyncio.create_task(removal.run())

    async def has_asked_often() -> bool:
        return len(asked) > PAGE

    async def has_begun() -> bool:
        return taken != []

    await eventually(has_asked_often)
    assert taken == []
    await store.keep(USED, "yes")  # as another process does
    await eventually(has_begun)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_follower_waits_for_the_first_file_and_keeps_its_lease_while_files_are_removed(
    store: Store, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.jobs.files.RENEW_SECONDS", 1_000.0)
    leases = LeaseHolder(store)
    removal = FileRemoval(store, leases, files, unsent_ms=HOUR)
    follower, found = FileFollower(store, leases, removal), store.kept
    asked = asyncio.Event()

    async def kept_noted(name: str) -> str | None:
        asked.set()
        return await found(name)

    async def follows() -> bool:
        return leases.counts().get("files") == 1

    monkeypatch.setattr(store, "kept", kept_noted)
    running = asyncio.create_task(follower.run())
    await asked.wait()
    assert not await follows()
    await store.keep(USED, "yes")
    removal.used.set()
    await eventually(follows)  # long before it would have asked again
    await removal.remove_all()
    assert {one.name: one.is_held for one in await store.leases.all()} == {
        "files": True,
        "file removal": False,
    }
    assert await follows()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_pictures_stay_while_their_user_or_room_shows_them(
    store: Store, files: FileStore, removal: FileRemoval, den: Room
) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"abc"

    at = now_ms() - 2 * HOUR
    pictures = {"mine": "", "mine-before": "", "of-den": den.id, "of-den-before": den.id}
    for file_id, room_id in pictures.items():
        row = (file_id, room_id, room_id or ALICE.id, "avatar", 3, at, at)
        await store.attachments.create(Attachment(*row, ref=AVATAR), ROOMY)
        await files.append(file_id, 0, content())
        await files.keep(file_id)
        await store.attachments.finish(file_id, FoundFile("image/webp", 3), at=at)
    await store.accounts.set_profile(ALICE.id, Profile(avatar="mine"))
    await store.rooms.change(den.id, ALICE, at=at, rule=lambda room, _rights: replace(room, avatar="of-den"))
    for _ in range(2):  # the second round finds nothing to look at
        await removal.remove_all()
    assert {one async for one in kept_ids(files)} == {"mine", "of-den"}
    assert await store.attachments.unsent(before=now_ms() - HOUR, empty_before=0, limit=10) == []


async def kept_ids(files: FileStore) -> AsyncIterator[str]:
    async for one in files.all():
        yield one.file_id
