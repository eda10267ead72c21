"""The bytes of files, in a folder and in S3: added to in parts, kept whole, read in ranges, and gone when removed."""

import asyncio
import os
import random
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.errors import BadOffset, Invalid, NotFound, StorageFull, TooLarge, Unavailable
from api.files import FileStore, S3Access, open_file_store
from api.files.bucket import open_bucket
from api.files.piece import PIECE_BYTES
from api.files.store import Kept, Part
from api.ids import random_id
from tests.node import eventually
from tests.s3 import S3Server

pytestmark = pytest.mark.anyio

CONTENT = random.Random(22).randbytes(2 * PIECE_BYTES + 12_345)  # noqa: S311


class Broken(Exception):
    """The sender went away."""


async def chunks(data: bytes, *, breaks: bool = False, size: int = 70_000) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]
    if breaks:
        raise Broken


async def read(files: FileStore, file_id: str, begin: int = 0, end: int | None = None) -> bytes:
    size = await files.size(file_id)
    assert size is not None
    return b"".join([chunk async for chunk in files.read(file_id, begin, size if end is None else end)])


async def first_of(files: FileStore, file_id: str, part: Part) -> bytes:
    """Read the first byte of what is not there, as soon as that is known."""
    assert await files.size(file_id, part) is None
    return await anext(aiter(files.read(file_id, 0, 1, part)))


async def everything(files: FileStore) -> list[Kept]:
    return [one async for one in files.all()]


async def test_an_upload_that_breaks_off_goes_on_where_it_was_in_another_process(
    files: FileStore, others: FileStore
) -> None:
    file_id, offset = random_id(), 0
    for number, cut in enumerate([1_000, PIECE_BYTES, PIECE_BYTES + 5, 2 * PIECE_BYTES - 1, len(CONTENT)]):
        mine, theirs = (files, others)[:: 1 if number % 2 else -1]
        assert await theirs.offset(file_id) == offset
        with pytest.raises(Broken):
            await mine.append(file_id, offset, chunks(CONTENT[offset:cut], breaks=True))
        offset = cut
    assert await files.keep(file_id) == len(CONTENT)
    assert await others.offset(file_id) == len(CONTENT)
    assert await read(others, file_id) == CONTENT
    assert [(one.file_id, one.part, one.size) for one in await everything(others)] == [
        (file_id, Part.FILE, len(CONTENT))
    ]
    await others.remove(file_id)
    await files.remove(file_id)
    assert await everything(files) == []
    assert await files.size(file_id) is None


async def test_bytes_go_nowhere_but_to_the_end_of_an_upload(files: FileStore) -> None:
    file_id = random_id()
    assert await files.append(file_id, 0, chunks(b"abc")) == 3
    for offset in (0, 2, 4, 10**9):
        with pytest.raises(BadOffset):
            await files.append(file_id, offset, chunks(b"def"))
    with pytest.raises(TooLarge):
        await files.append(file_id, 3, chunks(b"def"), size=5)
    assert await files.append(file_id, 3, chunks(b"de"), size=5) == 5
    assert await files.append(file_id, 5, chunks(b""), size=5) == 5
    async with files.local(file_id) as path:
        assert path.read_bytes() == b"abcde"


async def test_an_upload_ends_before_the_disk_is_full_and_goes_on_when_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, file_id = open_file_store(str(tmp_path), S3Access()), random_id()
    monkeypatch.setattr("api.files.folder.SPARE_BYTES", 2**60)
    with pytest.raises(StorageFull):
        await files.append(file_id, 0, chunks(CONTENT + CONTENT))
    reached = await files.offset(file_id)
    assert 0 < reached < len(CONTENT + CONTENT)
    monkeypatch.undo()
    rest = (CONTENT + CONTENT)[reached:]
    assert await files.append(file_id, reached, chunks(rest)) == len(CONTENT + CONTENT)
    await files.close()


async def test_what_is_kept_may_be_kept_again(files: FileStore, others: FileStore) -> None:
    file_id = random_id()
    with pytest.raises(NotFound):
        await files.keep(file_id)
    await files.append(file_id, 0, chunks(b"abc"))
    assert [await files.keep(file_id), await others.keep(file_id), await files.keep(file_id)] == [3, 3, 3]
    async with others.local(file_id) as path:
        assert path.read_bytes() == b"abc"
    assert await others.append(file_id, 3, chunks(b""), size=3) == 3


async def test_a_clean_picture_takes_the_place_of_what_was_uploaded(
    files: FileStore, others: FileStore
) -> None:
    file_id = random_id()
    await files.append(file_id, 0, chunks(CONTENT))
    async with files.workplace() as folder:
        (folder / "clean").write_bytes(b"clean")
        (folder / "thumb").write_bytes(b"small")
        await files.keep_thumb(file_id, folder / "thumb")
        assert await files.keep(file_id, folder / "clean") == 5
    assert not folder.exists()
    assert await read(others, file_id) == b"clean"
    assert await others.size(file_id, Part.THUMB) == 5
    assert [chunk async for chunk in others.read(file_id, 1, 3, Part.THUMB)] == [b"ma"]
    assert {(one.part, one.size) for one in await everything(others)} == {(Part.FILE, 5), (Part.THUMB, 5)}
    await others.remove(file_id)
    assert await everything(files) == []
    assert await files.size(file_id, Part.THUMB) is None


@pytest.mark.parametrize(
    ("begin", "end"),
    [(0, 1), (1, 1), (PIECE_BYTES - 1, PIECE_BYTES + 1), (5, len(CONTENT)), (len(CONTENT) - 1, len(CONTENT))],
)
async def test_any_range_of_a_file_is_read(files: FileStore, begin: int, end: int) -> None:
    file_id = random_id()
    await files.append(file_id, 0, chunks(CONTENT))
    await files.keep(file_id)
    assert await read(files, file_id, begin, end) == CONTENT[begin:end]


async def test_what_others_keep_at_the_same_place_is_none_of_ours(
    files: FileStore, where: tuple[str, S3Access]
) -> None:
    file_id = random_id()
    await files.append(file_id, 0, chunks(b"abc"))
    await files.keep(file_id)
    await files.append(other := random_id(), 0, chunks(b"de"))
    ours = {(one.file_id, one.size) for one in await everything(files)}
    for part in (Part.FILE, Part.UPLOAD):
        for name in (".tmp.a17ff7ac", "notes.txt", "\N{SNOWMAN}"):
            await put_beside(where, part, file_id, name)
            await put_beside(where, part, other, name)
    assert {(one.file_id, one.size) for one in await everything(files)} == ours == {(file_id, 3), (other, 2)}
    assert (await files.offset(other), await files.size(file_id)) == (2, 3)
    await files.append(other, 2, chunks(b"f"))
    assert await files.keep(other) == 3
    for one in (file_id, other):
        await files.remove(one)
    assert await everything(files) == []


async def put_beside(where: tuple[str, S3Access], part: Part, file_id: str, name: str) -> None:
    """Store something of somebody else where a file has its bytes."""
    place, access = where
    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        s3 = open_bucket(bucket, prefix, access, access.endpoint)
        await s3.put_async(f"{part}/{file_id}/{name}", b"of others", use_multipart=False)
        await s3.put_async(f"{part}/{name}/000000", b"of others", use_multipart=False)
    else:
        folder = Path(place) / part / file_id[:2].lower()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"of others")


async def test_what_is_not_there_is_said_so(files: FileStore) -> None:
    for file_id in (random_id(), "../../etc/passwd", "..", "", "a/b", "x" * 5_000):
        for part in Part:
            with pytest.raises(NotFound):
                await first_of(files, file_id, part)


async def test_a_place_that_works_says_so(files: FileStore) -> None:
    await files.check()
    assert await everything(files) == []


async def test_two_at_the_same_time_do_not_mix_their_bytes(tmp_path: Path) -> None:
    files, other = (open_file_store(str(tmp_path), S3Access()) for _ in range(2))
    file_id, begun, may_end = random_id(), asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"a"
        begun.set()
        await may_end.wait()
        yield b"b"

    first = asyncio.create_task(files.append(file_id, 0, slowly()))
    await begun.wait()
    for one in (files, other):
        with pytest.raises(BadOffset, match="Another request"):
            await one.append(file_id, 0, chunks(b"c"))
    may_end.set()
    assert await first == 2
    await files.close()
    await other.close()


async def test_what_a_crashed_process_left_in_a_workplace_is_removed(files: FileStore) -> None:
    async with files.workplace() as folder:
        (folder / "picture").write_bytes(b"left over")
        await files.tidy(0)
        assert folder.exists()
        await files.tidy(2**50)
        assert not folder.exists()


async def test_storage_that_does_not_answer_is_unavailable_and_no_address_is_told(tmp_path: Path) -> None:
    access = S3Access("http://127.0.0.1:9", "us-east-1", "id", "a-secret")
    files = open_file_store("s3://bucket", access, tmp_path)
    with pytest.raises(Unavailable) as raised:
        await files.check()
    assert "127.0.0.1" not in raised.value.message
    assert "a-secret" not in repr(access)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"Not a directory|File exists"):
        open_file_store(str(tmp_path / "file"), S3Access())


@pytest.mark.parametrize("where", ["s3://", "ftp://there"])
def test_a_place_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(Invalid):
        open_file_store(where, S3Access())


async def held(begun: asyncio.Event, may_end: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield a byte, and break off when that is wanted."""
    yield b"a"
    begun.set()
    await may_end.wait()
    raise Broken


async def test_one_process_adds_to_an_upload_once_at_a_time(files: FileStore) -> None:
    file_id, begun, may_end = random_id(), asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(files.append(file_id, 0, held(begun, may_end)))
    await begun.wait()
    with pytest.raises(BadOffset, match="Another request"):
        await files.append(file_id, 0, chunks(b"abc"))
    may_end.set()
    with pytest.raises(Broken):
        await first
    assert await files.append(file_id, 1, chunks(b"bc")) == 3


async def test_a_request_that_breaks_off_late_cuts_off_nothing_that_another_process_has_stored(
    s3: S3Server, tmp_path: Path
) -> None:
    place = f"s3://{s3.bucket()}"
    files, other = (open_file_store(place, s3.access, tmp_path) for _ in range(2))
    file_id, begun, may_end = random_id(), asyncio.Event(), asyncio.Event()
    late = asyncio.create_task(files.append(file_id, 0, held(begun, may_end)))
    await begun.wait()
    assert await other.append(file_id, 0, chunks(CONTENT)) == len(CONTENT)
    may_end.set()
    with pytest.raises(Broken):
        await late
    assert await other.offset(file_id) == len(CONTENT)
    assert await other.keep(file_id) == len(CONTENT)
    assert await read(other, file_id) == CONTENT


async def test_who_goes_away_while_a_file_is_opened_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, file_id, opened = open_file_store(str(tmp_path), S3Access()), random_id(), os.open
    await files.append(file_id, 0, chunks(b"abc"))
    await files.keep(file_id)
    begun, may_open, found = threading.Event(), threading.Event(), list[int]()

    def open_slowly(path: Path, flags: int) -> int:
        begun.set()
        assert may_open.wait(10)
        found.append(opened(path, flags))
        return found[0]

    monkeypatch.setattr("api.files.folder.os.open", open_slowly)
    reading = asyncio.create_task(read(files, file_id))
    await asyncio.to_thread(begun.wait, 10)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    may_open.set()
    await files.close()

    async def is_closed() -> bool:
        try:
            os.fstat(found[0])
        except OSError:
            return True
        return False

    await eventually(is_closed)


async def test_a_bucket_that_is_missing_is_no_missing_file(s3: S3Server, tmp_path: Path) -> None:
    files, file_id = open_file_store("s3://no-such-bucket", s3.access, tmp_path), random_id()
    with pytest.raises(Unavailable, match="no such bucket"):
        await files.check()
    for asked in (files.size(file_id), files.offset(file_id), files.append(file_id, 0, chunks(b"abc"))):
        with pytest.raises(Unavailable) as raised:
            await asked
        assert "bucket" not in raised.value.message


async def test_a_spool_that_cannot_be_used_is_unavailable(s3: S3Server, tmp_path: Path) -> None:
    files, file_id = open_file_store(f"s3://{s3.bucket()}", s3.access, tmp_path / "missing"), random_id()
    with pytest.raises(Unavailable):
        await files.append(file_id, 0, chunks(b"abc"))
    with pytest.raises(Unavailable):
        async with files.workplace():
            pass


async def test_a_folder_that_has_vanished_is_unavailable_and_says_nothing_of_it(tmp_path: Path) -> None:
    files, file_id = open_file_store(str(tmp_path / "files"), S3Access()), random_id()
    shutil.rmtree(tmp_path / "files")
    with pytest.raises(Unavailable, match="No such file"):
        await files.check()
    for asked in (files.append(file_id, 0, chunks(b"abc")), files.free_bytes()):
        with pytest.raises(Unavailable) as raised:
            await asked
        assert "No such file" not in raised.value.message
    with pytest.raises(Unavailable):
        async with files.workplace():
            pass
    await files.close()


async def test_what_is_left_of_an_upload_goes_and_its_file_stays(files: FileStore) -> None:
    file_id = random_id()
    await files.append(file_id, 0, chunks(b"abc"))
    async with files.workplace() as folder:
        (folder / "clean").write_bytes(b"clean")
        await files.keep(file_id, folder / "clean")
    await files.remove_upload(file_id)
    assert await read(files, file_id) == b"clean"
    other = random_id()
    await files.append(other, 0, chunks(b"abc"))
    await files.remove_upload(other)
    assert [one.file_id for one in await everything(files)] == [file_id]
