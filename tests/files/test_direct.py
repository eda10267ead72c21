"""Files that clients read from the bucket itself, by addresses that need no key and hold for some minutes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.files import FileStore, S3Access, open_file_store
from api.files.store import Part, ServedAs
from api.files.whole import PART_BYTES
from api.ids import random_id
from tests.files.test_store import CONTENT, chunks, everything, read
from tests.node import eventually, http_client
from tests.s3 import S3Server

pytestmark = pytest.mark.anyio

SERVED = ServedAs("video/mp4", "inline; filename=\"a.mp4\"; filename*=UTF-8''%C3%A4.mp4")
SIZES = (1, PART_BYTES, len(CONTENT))


@pytest.fixture
def where(s3: S3Server) -> tuple[str, S3Access]:
    return f"s3://{s3.bucket()}/below/here", replace(s3.access, public_endpoint=s3.endpoint)


@pytest.fixture
async def through_server(where: tuple[str, S3Access], tmp_path: Path) -> AsyncIterator[FileStore]:
    """The same bucket for a server that serves all files by itself."""
    opened = open_file_store(where[0], replace(where[1], public_endpoint=None), tmp_path)
    yield opened
    await opened.close()


async def uploaded(files: FileStore, size: int) -> str:
    file_id = random_id()
    await files.append(file_id, 0, chunks(CONTENT[:size]))
    return file_id


async def kept(files: FileStore, size: int) -> str:
    file_id = await uploaded(files, size)
    assert await files.keep(file_id, served_as=SERVED) == size
    return file_id


async def opened(url: str | None, **headers: str) -> httpx.Response:
    assert url is not None
    at = urlsplit(url)
    async with http_client(f"{at.scheme}://{at.netloc}") as client:
        return await client.get(f"{at.path}?{at.query}", headers=headers)


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_read_from_the_bucket_without_a_key(files: FileStore, size: int) -> None:
    address = await files.address(await kept(files, size), seconds=300)
    whole = await opened(address)
    assert (whole.status_code, whole.content) == (200, CONTENT[:size])
    assert whole.headers["content-type"] == SERVED.media_type
    assert whole.headers["content-disposition"] == SERVED.disposition
    assert "max-age=300" in whole.headers["cache-control"]
    part = await opened(address, Range="bytes=0-0")
    assert (part.status_code, part.content) == (206, CONTENT[:1])


async def test_an_address_says_how_long_it_holds(files: FileStore) -> None:
    address = await files.address(await kept(files, 1), seconds=300)
    assert address is not None
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["300"]


async def test_an_address_opens_one_file_for_its_time(files: FileStore, s3: S3Server) -> None:
    if s3.kind == "moto":
        pytest.skip("moto looks at no signature")
    one, two = await kept(files, 1), await kept(files, 2)
    address, short = [await files.address(one, seconds=seconds) for seconds in (300, 1)]
    assert address is not None
    assert (await opened(address.replace(one, two))).status_code == 403
    assert (await opened(address.replace("X-Amz-Expires=300", "X-Amz-Expires=9000"))).status_code == 403
    assert (await opened(address.split("?")[0] + "?")).status_code == 403

    async def has_ended() -> bool:
        return (await opened(short)).status_code == 403

    await eventually(has_ended)
    assert (await opened(address)).status_code == 200


@pytest.mark.parametrize("size", SIZES)
async def test_the_server_serves_it_too(files: FileStore, through_server: FileStore, size: int) -> None:
    file_id = await kept(files, size)
    for one in (files, through_server):
        assert await one.size(file_id) == size
        assert await one.offset(file_id) == size
        assert await read(one, file_id) == CONTENT[:size]
        assert await read(one, file_id, size - 1, size) == CONTENT[size - 1 : size]
        async with one.local(file_id) as path:
            assert path.read_bytes() == CONTENT[:size]
    assert [(one.file_id, one.part, one.size) for one in await everything(files)] == [
        (file_id, Part.FILE, size)
    ]
    assert await through_server.address(file_id, seconds=300) is None
    await through_server.remove(file_id)
    assert await everything(files) == []
    assert await files.address(file_id, seconds=300) is None


async def test_what_is_kept_again_by_a_server_that_is_set_otherwise_is_there_once(
    files: FileStore, through_server: FileStore
) -> None:
    for first, second in ((files, through_server), (through_server, files)):
        file_id = await uploaded(first, 10)
        async with first.workplace() as folder:
            (folder / "one").write_bytes(CONTENT)
            assert await first.keep(file_id, folder / "one", served_as=SERVED) == len(CONTENT)
            (folder / "two").write_bytes(b"clean")
            assert await second.keep(file_id, folder / "two", served_as=SERVED) == 5
        assert await second.keep(file_id, served_as=SERVED) == 5
        assert await read(files, file_id) == b"clean"
        assert [one.size for one in await everything(files)] == [5]
        is_whole = await files.address(file_id, seconds=300) is not None
        assert is_whole is (second is files)
        await files.remove(file_id)


async def test_a_picture_of_which_nobody_says_how_it_is_served_has_no_address(files: FileStore) -> None:
    file_id = await uploaded(files, 10)
    assert await files.keep(file_id) == 10
    assert await files.address(file_id, seconds=300) is None
    assert await read(files, file_id) == CONTENT[:10]
