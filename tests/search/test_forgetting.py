"""What is edited, deleted or erased leaves every file of the index and of a SQLite store, within ten seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from api.models.rooms import LOBBY_ID
from tests.node import PASSWORD, Person, eventually
from tests.rooms.finding import say, until_found
from tests.rooms.test_rooms import make_room
from tests.stranger import Stranger

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


@pytest.mark.parametrize("forget", [_delete, _delete_room, _erase])
async def test_a_deleted_word_leaves_every_file_of_index_and_store(
    alice: Person, tmp_path: Path, stranger: Stranger, forget: Forget
) -> None:
    pattern = "*search*" if stranger.is_remote else "*"

    async def is_gone() -> bool:
        return not files_with(tmp_path, WORD, pattern) and not await stranger.holds(WORD)

    await _forget(alice, tmp_path, forget, pattern)
    await eventually(is_gone, SECONDS)


async def test_so_does_all_that_is_forgotten_while_a_reader_holds_snapshots_of_index_and_store(
    alice: Person, bob: Person, tmp_path: Path, stranger: Stranger
) -> None:
    """An edit leaves the old text among the edits of its message in the store, and nowhere in the index."""
    room_id = (await make_room(alice))["id"]
    acts: list[tuple[Person, str, Forget]] = [
        (alice, LOBBY_ID, _delete),
        (alice, LOBBY_ID, _edit),
        (alice, room_id, _delete_room),
        (bob, LOBBY_ID, _erase),
    ]
    words = [f"{WORD}{number}" for number in range(len(acts))]
    seqs = [
        await say(person, place, f"the {word} plays")
        for word, (person, place, _) in zip(words, acts, strict=True)
    ]
    for word in words:
        await until_found(bob if word == words[-1] else alice, word)
    (path,) = tmp_path.glob("*search.db")  # noqa: ASYNC240  a moment
    async with stranger.reading():
        with closing(apsw.Connection(str(path))) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM docs").fetchall()
            for seq, (person, place, forget) in zip(seqs, acts, strict=True):
                await forget(person, place, seq)
            await asyncio.sleep(HELD_SECONDS)  # this is what is tried
            assert files_with(tmp_path, WORD, "*search*")

    async def are_gone() -> bool:
        stored = await stranger.held(
            word for word, (_, _, act) in zip(words, acts, strict=True) if act is not _edit
        )
        return not stored and not files_with(tmp_path, WORD, "*search*")

    await eventually(are_gone, SECONDS - HELD_SECONDS)
