"""`tailwire files check`, run as whoever runs a server runs it."""

import os
from pathlib import Path

import pytest

from tests.process import result, serving

pytestmark = pytest.mark.anyio

ORPHAN = "A" * 22
LONG_AGO = 1_000_000_000  # seconds since 1970


@pytest.fixture
def setup(tmp_path: Path) -> dict[str, str]:
    return {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}


async def upload(setup: dict[str, str], directory: Path) -> Path:
    """Upload a file to a server that ends then. Returns the folder of all files."""
    async with serving(setup, directory) as node:
        alice = await node.sign_up("alice")
        answer = await alice.http.post("/rooms/lobby/files", content=b"a few words")
        assert answer.status_code == 201
    return directory / "tailwire.files" / "kept"


async def test_a_check_of_whole_files_finds_nothing(setup: dict[str, str], tmp_path: Path) -> None:
    await upload(setup, tmp_path)
    code, out, _ = await result(setup, tmp_path, "files", "check")
    assert (code, out.splitlines()[-1]) == (
        0,
        "1 files and 1 things kept: 0 orphans, 0 of them removed, and 0 gaps",
    )


async def test_a_check_finds_bytes_of_no_file_and_removes_them_when_told_to(
    setup: dict[str, str], tmp_path: Path
) -> None:
    kept = await upload(setup, tmp_path)
    orphan = kept / "aa" / ORPHAN
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"whose?")
    code, out, _ = await result(setup, tmp_path, "files", "check")
    assert (code, "orphan:" in out) == (0, False)  # its row may be on the way
    os.utime(orphan, (LONG_AGO, LONG_AGO))
    code, out, _ = await result(setup, tmp_path, "files", "check")
    assert (code, out.splitlines()[0]) == (0, f"orphan: kept/{ORPHAN}, 6 bytes")
    assert orphan.exists()
    code, out, _ = await result(setup, tmp_path, "files", "check", "--remove")
    assert (code, "1 of them removed" in out) == (0, True)
    assert not orphan.exists()


async def test_a_check_ends_with_1_where_the_bytes_of_a_file_are_missing(
    setup: dict[str, str], tmp_path: Path
) -> None:
    kept = await upload(setup, tmp_path)
    (there,) = (path for path in kept.rglob("*") if path.is_file())
    there.unlink()
    code, out, _ = await result(setup, tmp_path, "files", "check")
    assert (code, out.splitlines()[0]) == (1, f"gap: {there.name} in lobby has no bytes instead of 11")
