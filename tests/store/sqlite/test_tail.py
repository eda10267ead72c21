"""What a tail reads, and what the writer hands to it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any

import apsw
import pytest

from api.errors import Unavailable
from api.models.accounts import Account, Session
from api.models.changes import Change, Grown, Quiet, SessionEnded
from api.models.log import Draft, Entry, Json, Kind
from api.models.rooms import LOBBY_ID, Room, Visibility
from api.store.sqlite import sessions as sqlite_sessions
from api.store.sqlite import tail as sqlite_tail
from api.store.sqlite.store import SqliteStore
from tests.store.make import ALICE, message
from tests.store.sqlite.files import WAIT_SECONDS, Commits, opened, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[sqlite_tail.TailPosition]:
    """The position of each read of a tail."""
    found: list[sqlite_tail.TailPosition] = []
    look = sqlite_tail.SqliteTail._changes_after

    def counted(tail: sqlite_tail.SqliteTail, cursor: apsw.Cursor) -> Any:
        found.append(tail._position)
        return look(tail, cursor)

    monkeypatch.setattr(sqlite_tail.SqliteTail, "_changes_after", counted)
    return found


async def test_a_quiet_tail_looks_only_when_it_is_time(
    restless: SqliteStore, looks: list[sqlite_tail.TailPosition]
) -> None:
    async with restless.changes.open() as tail:
        await restless.log.append(LOBBY_ID, message("r1"))
        await until(tail, 1)
        looks.clear()
        assert await anext(tail) == [Quiet()]
    assert len(looks) <= 5


async def test_what_this_process_commits_is_not_read_again_and_nothing_else_is_missed(
    store: SqliteStore, url: str, looks: list[sqlite_tail.TailPosition], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tail, "POLL_SECONDS", 60.0)
    await store.accounts.create(Account(ALICE, "alice", "hash"))
    await store.sessions.create(Session("s", ALICE.id, 1, 1, 2**60, "", "h"), most=20)
    async with opened(url) as other, store.changes.open() as tail, asyncio.timeout(WAIT_SECONDS):
        await store.log.append(LOBBY_ID, message("first"))
        assert len(await until(tail, 1)) == 1
        looks.clear()
        for n in range(2, 6):
            await store.log.append(LOBBY_ID, message(f"r{n}"))
            assert [change.seq for change in await anext(tail) if isinstance(change, Entry)] == [n]
        assert not looks
        await other.log.append(LOBBY_ID, message("from elsewhere"))
        await store.log.append(LOBBY_ID, message("after it"))
        assert [entry.seq for entry in await until(tail, 7)] == [6, 7]
        await store.sessions.end("s")
        await store.log.append(LOBBY_ID, message("after the end"))
        changes = [change async for change in first(tail, 2)]
        assert SessionEnded("s", ALICE.id) in changes
        assert [change.seq for change in changes if isinstance(change, Entry)] == [8]


async def first(tail: AsyncIterator[list[Change]], count: int) -> AsyncIterator[Change]:
    """Yield the next changes, without `Quiet`."""
    while count > 0:
        for change in await anext(tail):
            if not isinstance(change, Quiet):
                count -= 1
                yield change


async def together(store: SqliteStore, *writes: Coroutine[Any, Any, object]) -> None:
    """Append a message, and then let the writer commit all of these together."""
    commits = Commits(store)
    await commits.hold()
    before = asyncio.ensure_future(store.log.append(LOBBY_ID, message("before")))
    await commits.held()
    waiting = [asyncio.ensure_future(write) for write in writes]
    await asyncio.sleep(0)  # so that they are in the queue
    commits.release()
    await asyncio.gather(before, *waiting)


async def test_a_commit_that_is_more_than_a_batch_comes_in_batches(
    restless: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tail, "_BATCH", 3)
    async with restless.changes.open() as tail, asyncio.timeout(WAIT_SECONDS):
        await anext(tail)
        await asyncio.gather(*(restless.log.append(LOBBY_ID, message(f"r{n}")) for n in range(20)))
        batches: list[list[Change]] = []
        while sum(map(len, batches)) < 20:
            batches.append([change for change in await anext(tail) if isinstance(change, Entry)])
    assert [change.seq for batch in batches for change in batch if isinstance(change, Entry)] == list(
        range(1, 21)
    )
    assert max(map(len, batches)) <= 3


async def test_a_read_that_was_broken_off_within_a_commit_loses_and_doubles_nothing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit has more entries than a batch, and one of another room. The tail must tell each of them once."""
    monkeypatch.setattr(sqlite_tail, "_BATCH", 4)
    monkeypatch.setattr(sqlite_tail, "POLL_SECONDS", 60.0)
    await store.accounts.create(Account(ALICE, "alice", "hash"))
    room = Room("room", "Room", "", Visibility.PUBLIC, 1)
    async with store.changes.open() as tail, asyncio.timeout(WAIT_SECONDS):
        for n in range(2):
            await store.log.append(LOBBY_ID, message(f"r{n}"))
        messages = [store.log.append(LOBBY_ID, message(ref)) for ref in ("a", "b")]
        await together(store, *messages, store.rooms.create(room, ALICE))
        seen = await anext(tail)
        again = asyncio.ensure_future(anext(tail))
        await asyncio.sleep(0)
        again.cancel()
        with suppress(asyncio.CancelledError):
            seen += await again
        while len(seen) < 7:
            seen += await anext(tail)
    places = [(change.room_id, change.seq) for change in seen if isinstance(change, Entry)]
    assert sorted(places) == [
        (LOBBY_ID, 1),
        (LOBBY_ID, 2),
        (LOBBY_ID, 3),
        (LOBBY_ID, 4),
        (LOBBY_ID, 5),
        ("room", 1),
        ("room", 2),
    ]


async def test_what_is_deleted_before_it_was_shown_is_not_shown(restless: SqliteStore) -> None:
    async with restless.changes.open() as tail, asyncio.timeout(WAIT_SECONDS):
        await anext(tail)
        await restless.log.append(LOBBY_ID, message("r1", "secret"))
        await restless.log.append(
            LOBBY_ID, Draft(Kind.DELETE, ALICE.id, ALICE.username, 1, None, {"target": 1})
        )
        entries = await until(tail, 2)
    assert [entry.data.get("body") for entry in entries] == ["", None]


def committed(*seqs: int, then: tuple[int, int]) -> sqlite_tail.Commit:
    entries = [Entry(LOBBY_ID, seq, Kind.MESSAGE, "u", "u", 1, None, {}) for seq in seqs]
    return sqlite_tail.Commit(entries, sqlite_tail.TailPosition(*then))


@pytest.mark.parametrize(
    ("commits", "seqs", "position", "is_whole"),
    [
        pytest.param([], [], (10, 5), True, id="none"),
        pytest.param([committed(1, then=(11, 5))], [1], (11, 5), True, id="the next"),
        pytest.param([committed(1, 2, then=(12, 5)), committed(3, then=(13, 5))], [1, 2, 3], (13, 5), True, id="some"),
        pytest.param([committed(1, then=(10, 5)), committed(2, then=(11, 5))], [2], (11, 5), True, id="one read"),
        pytest.param([committed(then=(10, 5))], [], (10, 5), True, id="no entry"),
        pytest.param([committed(1, then=(12, 5))], [], (10, 5), False, id="another's in between"),
        pytest.param([committed(1, then=(11, 5)), committed(2, then=(13, 5))], [1], (11, 5), False, id="theirs"),
        pytest.param([committed(1, then=(11, 6))], [], (10, 5), False, id="an ending too"),
        pytest.param([committed(then=(10, 6))], [], (10, 5), False, id="an ending"),
        pytest.param([committed(then=(12, 5))], [], (10, 5), False, id="entries that are not told"),
        pytest.param([committed(1, 2, then=(11, 5))], [], (10, 5), False, id="one of them read before"),
    ],
)  # fmt: skip
def test_commits_are_taken_as_far_as_nothing_is_missing_between_them(
    commits: list[sqlite_tail.Commit], seqs: list[int], position: tuple[int, int], is_whole: bool
) -> None:
    changes, then, whole = sqlite_tail.following(sqlite_tail.TailPosition(10, 5), commits)
    assert [change.seq for change in changes] == seqs
    assert (then, whole) == (position, is_whole)


async def test_a_tail_that_was_interrupted_goes_on_where_it_was(store: SqliteStore) -> None:
    async with store.changes.open() as tail:
        for n in range(1, 30):
            waiting = asyncio.ensure_future(anext(tail))
            acked = await store.log.append(LOBBY_ID, message(f"r{n}"))
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                seen = await waiting
                assert seen[-1] == acked.entry
                continue
            assert (await until(tail, n))[-1] == acked.entry


async def test_a_tail_that_has_missed_endings_says_that_it_is_lost(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_sessions, "ENDINGS_KEPT", 3)
    await store.accounts.create(Account(ALICE, "alice", "hash"))
    async with store.changes.open() as late, store.changes.open() as punctual:
        for n in range(4):
            await store.sessions.create(Session(f"s{n}", ALICE.id, 1, 1, 1, "", "h"), most=20)
            await store.sessions.end(f"s{n}")
            changes = await anext(punctual)
            assert [change for change in changes if not isinstance(change, Quiet)] == [
                SessionEnded(f"s{n}", ALICE.id)
            ]
        with pytest.raises(Unavailable, match="too far behind"):
            await anext(late)


def test_how_rooms_grow_is_told_once_for_each_with_its_messages_and_whom_they_mention() -> None:
    def entry(room_id: str, seq: int, kind: str = "message", **data: Json) -> Entry:
        return Entry(room_id, seq, kind, "u", "u", 1, None, data)

    entries = [
        entry("a", 4, mentions=["bob", 7]),
        entry("b", 1, mentions="no list"),
        entry("a", 5, "unheard of"),
        entry("a", 6, mentions=["carol"]),
    ]
    assert sqlite_tail.growth(entries, {"a": "epoch a", "b": "epoch b"}) == [
        Grown("a", "epoch a", 6, 2, frozenset({"bob", "carol"})),
        Grown("b", "epoch b", 1, 1, frozenset()),
    ]
