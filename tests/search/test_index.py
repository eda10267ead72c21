"""What the index finds, and what is left of what it forgets (api/search/index.py, rows.py, file.py)."""

import os
import random
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.errors import Indexing, Invalid, Overloaded
from api.models.log import Entry, Kind
from api.search import index as index_module
from api.search.file import Damaged, IndexFile, forget_deleted, require_sound
from api.search.index import MOST_TAGS, SearchIndex, Wanted
from api.search.query import parse
from api.search.rows import first_id
from api.search.text import words_of
from tests.search.make import AT, STORE_ID, entry, message, news, writing
from tests.search.table import GROUPS
from tests.search.test_query import pieces

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
async def test_the_index_finds_what_the_table_says(group: Any, tmp_path: Path) -> None:
    with writing(tmp_path / "search.db") as index:
        texts = [message("room", seq, text) for seq, text in enumerate(group.messages, 1)]
        index.take_in(news("room", texts))
        index.take_in(news("other", [message("other", 1, text) for text in [" ".join(group.messages)]]))
        for query, found in group.rows:
            hits = await index.find(query, ["room"])
            assert {one.seq - 1 for one in hits} == found, query
            assert {one.room_id for one in hits} <= {"room"}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with writing(tmp_path_factory.mktemp("index") / "search.db") as index:
        index.take_in(news("room", [message("room", 1, "a b AND 日本 link"), message("room", 2, "me")]))
        yield index


@settings(max_examples=150, deadline=2_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=20).map("".join))
async def test_no_query_reaches_the_syntax_of_the_index(searched: Any, text: str) -> None:
    try:
        parse(text)
    except Invalid:
        return
    assert len(await searched.find(text, ["room"])) <= 2


async def test_newer_messages_come_first_and_pages_go_on_where_they_ended(tmp_path: Path) -> None:
    with writing(tmp_path / "search.db") as index:
        # They are taken in room by room, as when the index is made anew.
        for number in range(3):
            texts = [message(f"r{number}", seq, "word", at=AT + 3 * seq + number) for seq in range(1, 41)]
            index.take_in(news(f"r{number}", texts))
        rooms = ["r0", "r1", "r2"]
        whole = await index.find("word", rooms, limit=200)
        assert [(one.room_id, one.seq) for one in whole] == [
            (f"r{number}", seq) for seq in range(40, 0, -1) for number in (2, 1, 0)
        ]
        reader = SearchIndex(index.file)
        read, below = [], None
        while page := (await reader.find(Wanted(parse("word").terms, rooms), below=below, limit=7)).items:
            read += page
            below = page[-1].id
        assert read == whole
        await reader.close()


async def test_messages_of_one_moment_are_all_found(tmp_path: Path) -> None:
    with writing(tmp_path / "search.db") as index:
        index.take_in(news("room", [message("room", seq, "import", at=AT) for seq in range(1, 1_001)]))
        assert {one.seq for one in await index.find("import", ["room"], limit=2_000)} == set(range(1, 1_001))


async def test_who_is_in_many_rooms_finds_the_same_as_who_is_in_few(tmp_path: Path) -> None:
    rooms = [f"r{number}" for number in range(MOST_TAGS + 50)]
    with writing(tmp_path / "search.db") as index:
        for at, room_id in enumerate(rooms):
            index.take_in(news(room_id, [message(room_id, 1, "word", at=AT + at)]))
        few = await index.find("word", rooms[:MOST_TAGS], limit=1_000)
        many = await index.find("word", rooms[: MOST_TAGS + 1], limit=1_000)
        assert (len(few), len(many)) == (MOST_TAGS, MOST_TAGS + 1)
        assert many[1:] == few
        assert len(await index.find("-word", rooms, limit=1_000)) == 0
        assert len(await index.find("-other", rooms, limit=1_000)) == len(rooms)


async def test_filters_choose_by_author_mark_mention_and_time(tmp_path: Path) -> None:
    with writing(tmp_path / "search.db") as index:
        entries = [
            message("room", 1, "one https://a.example", user_id="ada"),
            message("room", 2, "two", user_id="bob", mentions=["ada"]),
            message("room", 3, "three", user_id="bob", mentions_all=True, thread=1),
            message("room", 4, "four", user_id="eve", files=[{"file_id": "f"}]),
            entry("room", 5, Kind.PIN, target=2, pinned=True),
        ]
        index.take_in(news("room", entries))

        async def found(query: str = "from:x", **more: Any) -> list[int]:
            return [one.seq for one in await index.find(query, ["room"], **more)]

        assert await found("has:link") == [1]
        assert await found("-has:link") == [4, 3, 2]
        assert await found("has:file") == [4]
        assert await found("has:pin") == [2]
        assert await found("is:thread") == [3]
        assert await found(authors=["bob"]) == [3, 2]
        assert await found(authors=["nobody"]) == []
        assert await found(not_authors=["bob", "nobody"]) == [4, 1]
        assert await found(mentions="ada") == [3, 2]
        assert await found(mentions="nobody") == [3]
        assert await found(not_mentions="ada") == [4, 1]
        assert await found(since=AT + 2_000, until=AT + 4_000) == [3, 2]
        assert await found("two", authors=["bob"]) == [2]
        index.take_in(news("room", [entry("room", 6, Kind.PIN, target=2, pinned=False)]))
        assert await found("has:pin") == []


async def test_an_edit_replaces_and_a_delete_takes_away(tmp_path: Path) -> None:
    with writing(tmp_path / "search.db") as index:
        index.take_in(
            news("room", [message("room", 1, "first https://a.example"), message("room", 2, "second")])
        )
        index.take_in(news("room", [entry("room", 3, Kind.EDIT, target=1, body="changed", mentions=["bob"])]))
        assert await index.find("first", ["room"]) == []
        assert await index.find("has:link", ["room"]) == []
        assert [one.seq for one in await index.find("changed", ["room"], mentions="bob")] == [1]
        taken = index.take_in(news("room", [entry("room", 4, Kind.DELETE, target=1)]))
        assert taken is not None
        assert taken.has_deleted
        assert [one.seq for one in await index.find("-nothing", ["room"])] == [2]


async def test_a_room_under_another_epoch_is_read_again_and_a_deleted_one_is_gone(tmp_path: Path) -> None:
    with writing(tmp_path / "search.db") as index:
        index.take_in(news("room", [message("room", 1, "old"), message("room", 2, "older")]))
        index.take_in(news("room", [message("room", 1, "new")], epoch="e2"))
        assert [one.seq for one in await index.find("-nothing", ["room"])] == [1]
        assert await index.find("old", ["room"]) == []
        index.take_in(news("room", [], epoch="e2", is_deleted=True))
        assert await index.find("-nothing", ["room"]) == []
        assert index.rows.taken() == {}


@given(st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_a_log_is_cut_into_batches_the_index_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    log: list[Entry] = []
    for seq in range(1, data.draw(st.integers(2, 12)) + 1):
        kind = data.draw(st.sampled_from([Kind.MESSAGE, Kind.EDIT, Kind.DELETE, Kind.PIN]))
        targets = [one.seq for one in log if one.kind == Kind.MESSAGE]
        deleted = {one.data["target"] for one in log if one.kind == Kind.DELETE}
        alive = [one for one in targets if one not in deleted]
        if kind is Kind.MESSAGE or not alive:
            log.append(message("room", seq, f"word{seq} all"))
            continue
        more: dict[str, Any] = {}
        if kind is not Kind.DELETE:
            more = {"body": f"edit{seq} all"} if kind is Kind.EDIT else {"pinned": data.draw(st.booleans())}
        log.append(entry("room", seq, kind, target=data.draw(st.sampled_from(alive)), **more))
    cut = data.draw(st.integers(1, len(log)))
    states = []
    for batches in ([log], [log[:cut], log[cut:]], [[one] for one in log]):
        with writing(tmp_path_factory.mktemp("index") / "search.db") as index:
            for batch in batches:
                if batch:
                    index.take_in(news("room", batch))
            rows = index.rows._connection.execute(
                "SELECT docs.id, seq, body, tags FROM docs JOIN words ON words.rowid = docs.id ORDER BY seq"
            )
            states.append((rows.fetchall(), index.taken["room"].seq))
    assert states[0] == states[1] == states[2]


# -- forgetting

SECRET = "xylophonistin"


def files_with(directory: Path, word: str) -> list[str]:
    return [path.name for path in directory.iterdir() if word.encode() in path.read_bytes()]


@pytest.mark.parametrize("how", ["delete", "edit", "room", "epoch"])
async def test_what_is_forgotten_stands_in_no_file(tmp_path: Path, how: str) -> None:
    with writing(tmp_path / "search.db") as index:
        connection = index.rows._connection
        texts = [message("room", seq, f"filler{seq} words") for seq in range(1, 300)]
        with connection:
            index.take_in(news("room", [*texts, message("room", 300, f"the {SECRET} plays")]))
        assert files_with(tmp_path, SECRET)
        forgotten = {
            "delete": news("room", [entry("room", 301, Kind.DELETE, target=300)]),
            "edit": news("room", [entry("room", 301, Kind.EDIT, target=300, body="other")]),
            "room": news("room", [], is_deleted=True),
            "epoch": news("room", texts, epoch="e2"),
        }[how]
        with connection:
            taken = index.take_in(forgotten)
        assert taken is None or taken.has_deleted
        assert forget_deleted(connection)
        assert files_with(tmp_path, SECRET) == []
        assert files_with(tmp_path, SECRET[:6]) == []


async def test_a_reader_in_the_way_is_waited_for(tmp_path: Path) -> None:
    with writing(tmp_path / "search.db") as index:
        connection = index.rows._connection
        with connection:
            index.take_in(news("room", [message("room", 1, SECRET)]))
        with closing(index.file.read()) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM docs").fetchall()
            with connection:
                index.take_in(news("room", [entry("room", 2, Kind.DELETE, target=1)]))
            assert not forget_deleted(connection)
            reader.execute("ROLLBACK")
        assert forget_deleted(connection)
        assert files_with(tmp_path, SECRET) == []


# -- trust


async def test_an_index_that_is_not_done_or_not_there_says_so(tmp_path: Path) -> None:
    missing = SearchIndex(IndexFile(tmp_path / "no.db", STORE_ID))
    with pytest.raises(Indexing) as refused:
        await missing.find(Wanted((), ["room"]), below=None, limit=1)
    assert refused.value.done == 0
    await missing.close()
    with writing(tmp_path / "search.db") as index:
        index.rows.note(done=0.25, lag=3)
        with pytest.raises(Indexing) as refused:
            await index.find("word", ["room"])
        assert refused.value.done == 0.25


async def test_a_search_whose_time_is_up_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_STEPS", 1)
    with writing(tmp_path / "search.db") as index:
        index.take_in(news("room", [message("room", seq, "word") for seq in range(1, 200)]))
        reader = SearchIndex(index.file, max_seconds=0)
        with pytest.raises(Overloaded):
            await reader.find(Wanted(parse("word").terms, ["room"]), below=None, limit=1)
        assert reader.outcomes == {"cut": 1}
        await reader.close()


def make_index(path: Path) -> IndexFile:
    with writing(path) as index:
        with index.rows._connection:
            for number in range(4):
                texts = [message(f"r{number}", seq, f"word{seq} and more words") for seq in range(1, 300)]
                index.take_in(news(f"r{number}", texts))
        forget_deleted(index.rows._connection)
        return index.file


def is_trusted(file: IndexFile) -> bool:
    try:
        with closing(file.open()) as connection:
            require_sound(connection)
    except Damaged:
        return False
    return True


def test_another_version_or_store_is_not_trusted(tmp_path: Path) -> None:
    file = make_index(tmp_path / "search.db")
    assert is_trusted(file)
    assert not is_trusted(IndexFile(file.path, "another"))
    with closing(apsw.Connection(str(file.path))) as connection:
        connection.pragma("user_version", 0)
    assert not is_trusted(file)
    file.path.write_bytes(b"no database")
    assert not is_trusted(file)
    file.path.unlink()
    assert not is_trusted(file)


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_found(tmp_path: Path, seed: int) -> None:
    """Flip bits, or cut the file. What is not found must change nothing of what the index holds."""
    file = make_index(tmp_path / "search.db")
    sound = shutil.copy(file.path, tmp_path / "sound.db")
    draw = random.Random(seed)  # noqa: S311
    content = bytearray(file.path.read_bytes())
    if seed % 4 == 0:
        del content[draw.randrange(len(content)) :]
    else:
        for _ in range(draw.choice([1, 1, 8, 64])):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    file.path.write_bytes(content)
    if is_trusted(file):
        assert dump(file.path) == dump(Path(sound)), seed


def dump(path: Path) -> list[list[tuple[Any, ...]]]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return [
            connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            for table in ("state", "rooms", "docs", "words")
        ]


def test_one_process_writes_and_a_reader_never_spoils_a_newer_file(tmp_path: Path) -> None:
    file = make_index(tmp_path / "search.db")
    assert file.lock()
    assert not IndexFile(file.path, STORE_ID).lock()
    reader = file.read()
    reader.execute("SELECT * FROM docs").fetchall()
    connection = file.make()
    with connection:
        connection.execute("INSERT INTO people (user_id) VALUES ('ada')")
    reader.close()  # of the file before
    with closing(file.read()) as newer:
        assert newer.execute("SELECT user_id FROM people").fetchall() == [("ada",)]
    connection.close()
    file.unlock()
    other = IndexFile(file.path, STORE_ID)
    assert other.lock()
    other.unlock()


def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "search.db"
    file = IndexFile(path, STORE_ID)
    file.prepare()
    with closing(file.make()) as connection:
        connection.execute("INSERT INTO people (user_id) VALUES ('ada')")
        for one in (path.parent, *path.parent.iterdir()):
            assert one.stat().st_mode & 0o077 == 0, one
    assert os.access(path, os.R_OK)


def test_words_and_ids_are_those_that_the_version_says() -> None:
    """Who changes what this says must raise `VERSION`, so that indexes are made anew."""
    said = words_of("Grüße, 東京タワー! https://a.example 👍🏽 ١٢")
    assert said == ["grusse", "東京", "京タ", "タワ", "ワー", "ー", "https", "a", "example", "👍", "12"]
    assert first_id(1) == 256
