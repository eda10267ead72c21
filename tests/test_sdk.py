"""The Python SDK is built as its users build it, and stands alone."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from conformance.client.trial import RULES
from tests.test_docs import ROOT

SDK = ROOT / "sdk" / "python"
SECONDS = 60
USES = """
import sys
import tailwire_client
assert tailwire_client.__file__.startswith(sys.argv[1]), tailwire_client.__file__
assert not {name.partition(".")[0] for name in sys.modules} & {"api", "fastapi", "pydantic", "tests"}
print(tailwire_client.__version__, len(tailwire_client.__all__))
"""
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
OF_THE_KIT = re.compile(r"`(test_\w+\.py)::test_\w+` \|(.*)\|$", re.MULTILINE)


def test_every_rule_for_clients_names_a_test_that_is_there() -> None:
    named = NAMED.findall((ROOT / "docs" / "sdk.md").read_text())
    assert len(named) > 30
    assert [name for file, name in named if f"def {name}(" not in (SDK / "tests" / file).read_text()] == []


def test_every_rule_for_clients_is_tried_by_the_kit() -> None:
    rows = OF_THE_KIT.findall((ROOT / "docs" / "sdk.md").read_text())
    assert len(rows) > 30
    assert {name for _, cell in rows for name in re.findall(r"`(\w+)`", cell)} == {one.name for one in RULES}
    assert [file for file, cell in rows if "`" not in cell] == []


def run(*arguments: str, directory: Path) -> str:
    ran = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The source distribution, made from a copy and unpacked, so that what it lacks is missed."""
    place = tmp_path / "copy"
    place.mkdir()
    tracked = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=SDK,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    for name in filter(None, tracked.stdout.split("\0")):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes((SDK / name).read_bytes())
    build = "from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run("-c", f"import sys; {build}", str(tmp_path), directory=place)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    return tmp_path / archive.name.removesuffix(".tar.gz")


def test_the_sdk_builds_installs_and_needs_nothing_of_the_server(sources: Path, tmp_path: Path) -> None:
    pip = ("-m", "pip", "--disable-pip-version-check", "-q")
    alone = ("--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "wheel", *alone, "--wheel-dir", str(tmp_path), str(sources), directory=tmp_path)
    (wheel,) = tmp_path.glob("tailwire_client-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "tailwire_client/py.typed" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"tailwire_client"}
    place = tmp_path / "installed"
    run(*pip, "install", *alone, "--target", str(place), str(wheel), directory=tmp_path)
    code = f"import sys; sys.path.insert(0, sys.argv[1]){USES}"
    assert run("-c", code, str(place), directory=tmp_path).startswith("0.1.0 ")
