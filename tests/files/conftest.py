"""The fixtures of the tests of files: what keeps the bytes, in a folder and in S3."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from api.files import FileStore, S3Access, open_file_store
from tests.s3 import S3Server, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A server that speaks S3."""
    with s3_server() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, S3Access]:
    """An empty place for the bytes of files, of each kind in turn."""
    if request.param == "folder":
        return str(tmp_path / "files"), S3Access()
    server: S3Server = request.getfixturevalue("s3")
    return f"s3://{server.bucket()}/below/here", server.access


@pytest.fixture
async def files(where: tuple[str, S3Access], tmp_path: Path) -> AsyncIterator[FileStore]:
    """What keeps the bytes of files."""
    opened = open_file_store(*where, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def others(where: tuple[str, S3Access], tmp_path: Path) -> AsyncIterator[FileStore]:
    """The same, as another process has it."""
    opened = open_file_store(*where, tmp_path)
    yield opened
    await opened.close()
