"""`tailwire files check`, run as whoever runs a server runs it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.files.hostile import photograph, written
from tests.process import result, serving

pytestmark = pytest.mark.anyio

ORPHAN = "A" * 22
SCARCE = """
import importlib

importlib.import_module("api.cli.doctor").SCARCE_BYTES = 2**60
importlib.import_module("api.cli").main()
"""
LONG_AGO = 1_000_000_000  # seconds since 1970


@pytest.fixture
def setup(tmp_path: Path) -> dict[str, str]:
    return {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}


async def upload(
    setup: dict[str, str], directory: Path, data: bytes = b"a few words", username: str = "alice"
) -> Path:
    """Upload a file to a server that ends then. Returns the folder of all files."""
    async with serving(setup, directory) as node:
        alice = await node.sign_up(username)
        answer = await alice.http.post("/rooms/lobby/files", content=data)
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


async def test_what_is_left_of_an_upload_beside_its_file_is_found_and_removed(
    setup: dict[str, str], tmp_path: Path
) -> None:
    kept = await upload(setup, tmp_path)
    (there,) = (path for path in kept.rglob("*") if path.is_file())
    left = tmp_path / "tailwire.files" / "uploads" / there.parent.name / there.name
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"a few")
    os.utime(left, (LONG_AGO, LONG_AGO))
    code, out, _ = await result(setup, tmp_path, "files", "check", "--remove")
    assert (code, out.splitlines()[0]) == (0, f"orphan: uploads/{there.name}, 5 bytes")
    assert "1 orphans, 1 of them removed" in out
    assert (left.exists(), there.exists()) == (False, True)


async def test_a_missing_thumbnail_is_a_gap(setup: dict[str, str], tmp_path: Path) -> None:
    kept = await upload(setup, tmp_path, written("PNG", photograph((1_000, 1_000))))
    for thumb in (kept.parent / "thumbs").rglob("*"):
        if thumb.is_file():
            thumb.unlink()
    code, out, _ = await result(setup, tmp_path, "files", "check")
    assert (code, out.splitlines()[0].endswith("has no thumbnail")) == (1, True)


async def test_doctor_says_that_files_are_whole_that_some_are_not_and_that_the_disk_is_nearly_full(
    setup: dict[str, str], tmp_path: Path
) -> None:
    kept = await upload(setup, tmp_path)
    code, out, _ = await result(setup, tmp_path, "doctor")
    assert (code, out.count("files: 1 were looked at, and all are whole")) == (0, 1)
    full = (sys.executable, "-c", SCARCE)
    code, out, _ = await result(setup, tmp_path, "doctor", program=full)
    assert (code, "WRONG  files: only" in out) == (1, True)
    (there,) = (path for path in kept.rglob("*") if path.is_file())
    there.unlink()
    code, out, _ = await result(setup, tmp_path, "doctor")
    assert (code, "WRONG  files: of 1 that were looked at 1 are not whole" in out) == (1, True)


async def test_doctor_says_that_a_bucket_cannot_be_reached(setup: dict[str, str], tmp_path: Path) -> None:
    await upload(setup, tmp_path)
    bucket = {"TAILWIRE_FILES": "s3://nowhere", "TAILWIRE_FILES_ENDPOINT": "http://127.0.0.1:9"}
    keys = {"TAILWIRE_FILES_KEY_ID": "id", "TAILWIRE_FILES_KEY": "a-secret-key"}
    code, out, _ = await result(setup | bucket | keys, tmp_path, "doctor")
    (wrong,) = [line for line in out.splitlines() if line.startswith("WRONG")]
    assert (code, wrong.split(": ", 1)[0]) == (1, "WRONG  files")
    assert "a-secret-key" not in out


async def test_a_restored_database_with_its_folder_has_all_files(
    setup: dict[str, str], tmp_path: Path
) -> None:
    """As docs/operations.md says: first the database, and then the folder beside it."""
    data = written("PNG", photograph((1_000, 1_000)))
    kept = await upload(setup, tmp_path, data)
    code, _, err = await result(setup, tmp_path, "backup", "copy.db")
    assert (code, err) == (0, "")
    await upload(setup, tmp_path, b"after the backup", "bob")
    shutil.copytree(kept.parent, tmp_path / "elsewhere" / "tailwire.files")
    shutil.rmtree(kept.parent)
    (tmp_path / "tailwire.db").unlink()
    there = setup | {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'elsewhere' / 'tailwire.db'}"}
    code, _, err = await result(there, tmp_path, "restore", "copy.db")
    assert code == 0, err
    code, out, _ = await result(there, tmp_path, "files", "check")
    assert (code, out.splitlines()[-1].split(": ")[0]) == (0, "1 files and 3 things kept")
    assert "0 gaps" in out
