"""What is edited, deleted or erased leaves every file of the index and of a SQLite store, within ten seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from api.models.rooms import LOBBY_ID
from tests.node import PASSWORD, Node, Person, eventually
from tests.rooms.finding import say, until_found
from tests.rooms.test_rooms import make_room

pytestmark = pytest.mark.anyio

WORD = "xylophonistin"
SECONDS = 10.0
HELD_SECONDS = 5.0

Forget = Callable[[Person, str, int], Awaitable[object]]


async def _delete(person: Person, room_id: str, seq: int) -> object:
    return await person.http.delete(f"/rooms/{room_id}/messages/{seq}")


async def _edit(person: Person, room_id: str, seq: int) -> object:
    return await person.http.patch(f"/rooms/{room_id}/messages/{seq}", json={"body": "other"})


async def _delete_room(person: Person, room_id: str, _seq: int) -> object:
    return await person.http.delete(f"/rooms/{room_id}")


async def _erase(person: Person, _room_id: str, _seq: int) -> object:
    return await person.http.request("DELETE", "/users/me", json={"password": PASSWORD})


def files_with(directory: Path, word: str, pattern: str) -> list[str]:
    files = (path for path in directory.rglob(pattern) if path.is_file())
    return [path.name for path in files if word.encode() in path.read_bytes()]


async def _forget(person: Person, directory: Path, forget: Forget, pattern: str) -> None:
    room_id = (await make_room(person))["id"]
    seq = await say(person, room_id, f"the {WORD} plays")
    await say(person, LOBBY_ID, "and others do not")
    await until_found(person, WORD)
    assert files_with(directory, WORD, pattern)
    await forget(person, room_id, seq)


async def _is_gone(directory: Path, pattern: str) -> bool:
    return not files_with(directory, WORD, pattern)


@pytest.mark.parametrize("forget", [_delete, _edit, _delete_room, _erase])
async def test_a_forgotten_word_leaves_the_files_of_the_index(
    alice: Person, tmp_path: Path, forget: Forget
) -> None:
    await _forget(alice, tmp_path, forget, "*search*")
    await eventually(lambda: _is_gone(tmp_path, "*search*"), SECONDS)


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("forget", [_delete, _erase])
async def test_a_deleted_word_leaves_every_file_of_index_and_store(
    node: Node, alice: Person, tmp_path: Path, forget: Forget
) -> None:
    assert node
    await _forget(alice, tmp_path, forget, "*")
    await eventually(lambda: _is_gone(tmp_path, "*"), SECONDS)


@pytest.mark.stores("sqlite")
async def test_so_it_does_after_a_reader_has_held_a_snapshot_of_the_index(
    alice: Person, tmp_path: Path
) -> None:
    room_id = (await make_room(alice))["id"]
    seq = await say(alice, room_id, f"the {WORD} plays")
    await until_found(alice, WORD)
    with closing(apsw.Connection(str(tmp_path / "tailwire.search.db"))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM docs").fetchall()
        await _delete(alice, room_id, seq)
        await asyncio.sleep(HELD_SECONDS)  # this is what is tried
        assert files_with(tmp_path, WORD, "*search*")
        reader.execute("ROLLBACK")
    await eventually(lambda: _is_gone(tmp_path, "*"), SECONDS - HELD_SECONDS)
