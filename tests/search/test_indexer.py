"""The task that keeps the index up to the logs, on a store that never rests (api/search/indexer.py)."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest

from api.errors import Unavailable
from api.models.changes import Grown
from api.models.followers import Progress
from api.models.log import Draft, Head, Kind, News
from api.models.rooms import LOBBY_ID
from api.search import indexer as module
from api.search import merging, rows
from api.search import writer as writer_module
from api.search.file import IndexFile
from api.search.indexer import Indexer
from api.search.rows import Rows, Taken
from api.store.base.store import Store
from api.tasks import Tasks
from tests.node import eventually
from tests.search.make import STORE_ID

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

WORD = "xylophonistin"
numbers = count()


@asynccontextmanager
async def indexing(store: Store, path: Path) -> AsyncIterator[Indexer]:
    indexer, tasks = Indexer(store, IndexFile(path, STORE_ID)), Tasks()
    tasks.keep("search", indexer.run)
    try:
        yield indexer
    finally:
        await tasks.close()
        await indexer.close()


async def append(store: Store, kind: Kind, data: Any) -> Grown:
    """Append to the lobby; return what the feed would tell of it."""
    said = Draft(kind, "user-ada", "ada", at=5_000, ref=f"ref-{next(numbers)}", data=data)
    await store.log.append(LOBBY_ID, said)
    head = (await store.log.heads([LOBBY_ID]))[LOBBY_ID]
    return Grown(LOBBY_ID, head.epoch, head.seq, 1, frozenset())


async def say(store: Store, body: str) -> Grown:
    return await append(store, Kind.MESSAGE, {"body": body, "reply_to": None})


async def is_made(indexer: Indexer) -> bool:
    return indexer.done == 1


def has_word(directory: Path) -> bool:
    return any(WORD.encode() in one.read_bytes() for one in directory.glob("search.db*"))


@pytest.fixture
def restless(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, Indexer]:
    """Let a room grow whenever logs are read, once an indexer is put in here."""
    told: dict[str, Indexer] = {}
    read = store.log.news

    async def news(after: Mapping[str, int], *, limit: int) -> list[News]:
        found = await read(after, limit=limit)
        if told:
            told["indexer"].wake(await say(store, "noise"))
        return found

    monkeypatch.setattr(store.log, "news", news)
    return told


async def test_an_index_is_made_and_forgets_while_rooms_grow_all_the_time(
    store: Store, restless: dict[str, Indexer], tmp_path: Path
) -> None:
    await say(store, "before")
    async with indexing(store, tmp_path / "search.db") as indexer:
        restless["indexer"] = indexer
        await eventually(lambda: is_made(indexer), 5)
        said = await say(store, WORD)
        indexer.wake(said)

        async def stands() -> bool:
            return has_word(tmp_path)

        async def is_gone() -> bool:
            return not has_word(tmp_path)

        await eventually(stands, 5)
        indexer.wake(await append(store, Kind.DELETE, {"target": said.seq}))
        await eventually(is_gone, 5)


async def test_what_could_not_be_compared_is_compared_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, WORD)
    read, tries = store.positions.page, count()

    async def page(follower: str, *, after: str, limit: int) -> list[Progress]:
        if next(tries) == 0:
            raise Unavailable
        return await read(follower, after=after, limit=limit)

    monkeypatch.setattr(store.positions, "page", page)
    async with indexing(store, tmp_path / "search.db") as indexer:
        await eventually(lambda: is_made(indexer), 5)
        assert has_word(tmp_path)


async def test_what_many_rounds_have_made_becomes_one_part_and_says_the_same(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 5)
    for number in range(60):
        await say(store, f"word{number} all")
    path = tmp_path / "search.db"
    async with indexing(store, path) as indexer:

        async def is_one() -> bool:
            return indexer.done == 1

        await eventually(is_one, 10)
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        assert connection.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchall() == [(1,)]
        found = connection.execute("SELECT count(*) FROM words WHERE words MATCH 'body : all'")
        assert found.fetchall() == [(60,)]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        assert "words_docsize" not in tables


async def test_after_a_restore_the_index_is_made_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAR_BEHIND", 3)
    for _ in range(6):
        await say(store, WORD)
    path = tmp_path / "search.db"
    async with indexing(store, path) as indexer:
        await eventually(lambda: is_made(indexer), 5)
    async with indexing(store, path) as indexer:
        await eventually(lambda: is_made(indexer), 5)
        assert indexer.made_count == 0
    with closing(apsw.Connection(str(tmp_path / "tailwire.db"))) as connection:
        connection.execute("UPDATE rooms SET epoch = 'another'")  # as a restore does
    async with indexing(store, path) as indexer:

        async def is_made_anew() -> bool:
            return indexer.made_count == 1 and indexer.done == 1

        await eventually(is_made_anew, 5)
        assert has_word(tmp_path)


async def test_an_index_that_is_made_is_one_part_before_it_is_searched(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 5)
    monkeypatch.setattr(merging, "PAGES", 1)
    for number in range(60):
        await say(store, f"word{number} all")
    path = tmp_path / "search.db"
    async with indexing(store, path) as indexer:
        while indexer.done < 1:  # noqa: ASYNC110  looked at as soon as it is so
            await asyncio.sleep(0)
        assert parts(path) == 1


async def test_what_was_taken_in_since_is_merged_now_and_then(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "UNMERGED", 6)
    monkeypatch.setattr(module, "ROUND_SECONDS", 0.0)
    path = tmp_path / "search.db"
    counts = []
    async with indexing(store, path) as indexer:
        for number in range(12):
            taken = indexer.taken_count
            indexer.wake(await say(store, f"word{number}"))

            async def is_taken(taken: int = taken) -> bool:
                return indexer.taken_count > taken and not indexer._writer.must_merge

            await eventually(is_taken, 5)
            counts.append(parts(path))
    assert max(counts) > 1
    assert counts[6:].count(1) == 1, counts


async def test_a_large_room_that_is_deleted_leaves_the_index_in_slices(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_EMPTIED", 3)
    for number in range(10):
        await say(store, f"{WORD} {number}")
    path, slices = tmp_path / "search.db", list[int]()
    async with indexing(store, path) as indexer:
        await eventually(lambda: is_made(indexer), 5)
        take_in = indexer._writer.take_in

        def noted(*arguments: Any) -> None:
            take_in(*arguments)
            slices.append(count_of_messages(path))

        monkeypatch.setattr(indexer._writer, "take_in", noted)
        with closing(apsw.Connection(str(tmp_path / "tailwire.db"))) as connection:
            connection.execute("UPDATE rooms SET deleted = 1")
        indexer.wake(Grown(LOBBY_ID, "another", 99, 1, frozenset()))

        async def is_empty() -> bool:
            return not has_word(tmp_path)

        await eventually(is_empty, 5)
    assert slices == [7, 4, 1, 0]


async def test_a_room_that_was_half_deleted_in_a_crash_is_deleted_later(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_EMPTIED", 3)
    for number in range(10):
        await say(store, f"{WORD} {number}")
    path = tmp_path / "search.db"
    async with indexing(store, path) as indexer:
        await eventually(lambda: is_made(indexer), 5)
    with closing(apsw.Connection(str(tmp_path / "tailwire.db"))) as connection:
        connection.execute("UPDATE rooms SET deleted = 1")
    with closing(IndexFile(path, STORE_ID).open()) as connection, connection:
        half = Rows(connection)
        taken = half.taken()[LOBBY_ID]
        assert half.take_in(News(Head(LOBBY_ID, taken.epoch, 10), True, []), taken) == Taken(
            "", 0, has_deleted=True, is_emptying=True
        )
    async with indexing(store, path) as indexer:

        async def is_empty() -> bool:
            return count_of_messages(path) == 0

        await eventually(is_empty, 5)
        assert indexer.made_count == 0


def parts(path: Path) -> int:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return int(next(connection.execute("SELECT count(DISTINCT segid) FROM words_idx"))[0])


def count_of_messages(path: Path) -> int:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return int(next(connection.execute("SELECT count(*) FROM docs"))[0])


# -- a file that was left clean


async def test_a_file_that_was_left_clean_is_not_checked_and_one_that_was_not_is(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = list[object]()
    monkeypatch.setattr(writer_module, "require_sound", checked.append)
    path = tmp_path / "search.db"

    async def use() -> int:
        checked.clear()
        async with indexing(store, path) as indexer:
            await eventually(lambda: is_made(indexer), 5)
        return len(checked)

    assert await use() == 0  # it was made
    assert await use() == 0
    os.utime(path)  # somebody had it
    assert await use() == 1
    assert await use() == 0
    path.with_name("search.db-lock").write_bytes(b"")  # as a process that was killed leaves it
    assert await use() == 1


async def test_a_disk_that_was_full_leaves_the_file_open_and_unchecked(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    path, tries = tmp_path / "search.db", count()
    async with indexing(store, path) as indexer:
        await eventually(lambda: is_made(indexer), 5)
        writer = indexer._writer
        take_in, connection = writer.take_in, writer._connection

        def full(*arguments: Any) -> None:
            if next(tries) == 0:
                raise apsw.FullError
            take_in(*arguments)

        monkeypatch.setattr(writer, "take_in", full)
        indexer.wake(await say(store, WORD))

        async def has_it() -> bool:
            return has_word(tmp_path)

        await eventually(has_it, 5)
        assert writer._connection is connection
    assert next(tries) > 1


class Watched(dict[str, int]):
    """Rooms that are due. It notes the threads that look at all of them."""

    threads: set[str]

    def __iter__(self) -> Iterator[str]:
        self.threads.add(threading.current_thread().name)
        return super().__iter__()


async def test_what_the_feed_changes_is_looked_at_by_the_event_loop_alone(
    store: Store, tmp_path: Path
) -> None:
    await say(store, "before")
    async with indexing(store, tmp_path / "search.db") as indexer:
        due = indexer._due = Watched()
        due.threads = set()
        await eventually(lambda: is_made(indexer), 5)
        indexer.wake(await say(store, "after"))

        async def is_taken() -> bool:
            return indexer.lag == 0 and indexer.taken_count >= 2

        await eventually(is_taken, 5)
        assert due.threads == {threading.current_thread().name}


async def test_a_room_with_many_pages_is_taken_in_without_a_wait(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "ROUND_SECONDS", 60.0)
    for number in range(7):
        await say(store, f"word {number}")
    async with indexing(store, tmp_path / "search.db") as indexer:
        await eventually(lambda: is_made(indexer), 5)
        assert indexer.taken_count >= 7
