"""The file of the index, on the command line: a place that cannot be written is said, and `doctor` looks at it."""

from pathlib import Path

import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID
from api.search.file import IndexFile
from tests.node import running
from tests.process import result, serving
from tests.rooms.finding import say, until_found

pytestmark = pytest.mark.anyio


async def test_serve_says_where_the_index_cannot_be_written_and_doctor_says_so_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")  # a superuser may write in any directory
    settings = {
        "TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}",
        "TAILWIRE_SEARCH_PATH": str(tmp_path / "file" / "search.db"),
        "TAILWIRE_PORT": "0",
    }
    code, out, error = await result(settings, tmp_path, "serve")
    assert (code, out) == (1, "")
    assert "search index" in error
    assert "cannot be written: Not a directory. Set TAILWIRE_SEARCH_PATH to another place" in error
    assert "Traceback" not in error
    code, out, _ = await result(settings, tmp_path, "doctor")
    assert code == 1
    assert "TAILWIRE_SEARCH_PATH names another place" in out


async def test_doctor_says_how_far_the_index_is(tmp_path: Path) -> None:
    settings = {
        "TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}",
        "TAILWIRE_PORT": "0",
        "TAILWIRE_SIGNUP": "open",
    }
    async with serving(settings, tmp_path) as node:
        alice = await node.sign_up("alice")
        await say(alice, LOBBY_ID, "words")
        await until_found(alice, "words")
        _, out, _ = await result(settings, tmp_path, "doctor")
    assert "search: the index is there, 0 entries behind" in out
    (tmp_path / "tailwire.search.db").unlink()
    _, out, _ = await result(settings, tmp_path, "doctor")
    assert "search: no index of this database yet; a server makes it" in out


@pytest.mark.parametrize("is_written", [False, True])
async def test_a_node_without_search_deletes_the_index_of_before_unless_another_writes_it(
    tmp_path: Path, is_written: bool
) -> None:
    store, path = f"sqlite:///{tmp_path / 'tailwire.db'}", tmp_path / "tailwire.search.db"
    async with running(Settings(store=store, signup="open")) as node:
        alice = await node.sign_up("alice")
        await say(alice, LOBBY_ID, "words")
        await until_found(alice, "words")
    file = IndexFile(path, "")
    if is_written:
        assert file.lock()
    async with running(Settings(store=store, search=False)):
        assert path.exists() is is_written
    file.unlock()


async def test_a_node_without_search_deletes_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "letters.db"
    path.write_bytes(b"letters" * 100)
    store = f"sqlite:///{tmp_path / 'tailwire.db'}"
    async with running(Settings(store=store, search=False, search_path=path)):
        assert path.read_bytes() == b"letters" * 100
    async with running(Settings(store=store, search=False, search_path=tmp_path / "tailwire.db")):
        assert (tmp_path / "tailwire.db").exists()
