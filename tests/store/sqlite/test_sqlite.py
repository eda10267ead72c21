"""What is SQLite's alone: one file, group commit, other processes, full disks, rows written behind our back."""

# ruff: noqa: ASYNC240 - a test may wait for the disk

import asyncio
import json
import os
import resource
import shutil
import signal
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest
from structlog.testing import capture_logs

from api.errors import Invalid, NotFound, RefConflict, StorageFull, Unavailable
from api.models.accounts import Account, Session, User
from api.models.changes import Change, Quiet, SessionEnded
from api.models.log import Draft, Entry, Kind, unreadable
from api.models.rooms import LOBBY_ID, Role, Room, Visibility
from api.store.base.changes import QUIET_SECONDS
from api.store.sqlite import schema as sqlite_schema
from api.store.sqlite import sessions as sqlite_sessions
from api.store.sqlite import tail as sqlite_tail
from api.store.sqlite import worker as sqlite_worker
from api.store.sqlite.database import BUSY_SECONDS
from api.store.sqlite.store import SqliteStore
from api.store.sqlite.wake import Wake

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

ROOT = Path(__file__).parents[3]
WAIT_SECONDS = 20.0  # generous: only a failing test waits as long

ALICE = User("user-alice", "alice", "Alice", created_at=1)

SENDER = """
import asyncio, sys
from api.models.log import Draft, Kind
from api.store import open_store

async def main(url, name, count):
    store = await open_store(url)
    print("open", flush=True)
    sys.stdin.readline()
    for n in range(int(count)):
        draft = Draft(Kind.MESSAGE, "user-alice", "alice", 1, f"{name}-{n}", {"body": f"{name} {n}", "reply_to": None})
        acked = await store.log.append("lobby", draft)
        print(acked.entry.seq, acked.entry.ref, acked.epoch, flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""
"""A process of its own: says `open`, waits for a line, sends messages and prints every ack."""


def message(ref: str | None, body: str = "hello") -> Draft:
    return Draft(Kind.MESSAGE, ALICE.id, ALICE.username, 1, ref, {"body": body, "reply_to": None})


VERSION_1_ROWS = """
INSERT INTO rooms VALUES ('lobby', 'Lobby', '', 'public', 1, 'epoch', 0, 0, 0);
INSERT INTO users VALUES ('user-alice', 'Alice', 'alice', 'Alice', 'hash', 1);
INSERT INTO sessions VALUES ('fresh', 'user-alice', 1, 1, 9, '', 'h1', NULL, NULL);
INSERT INTO sessions VALUES ('rotated', 'user-alice', 1, 1, 9, '', 'h2', 'h1', 5);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "data" / "tailwire.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqliteStore]:
    async with opened(url) as store:
        yield store


@pytest.fixture
async def restless(url: str) -> AsyncIterator[SqliteStore]:
    """A store whose tails soon say that nothing has happened, which tells that they have read all there was."""
    async with opened(url, quiet_seconds=0.5) as store:
        yield store


@pytest.fixture
def commits(store: SqliteStore) -> "Commits":
    return Commits(store)


@asynccontextmanager
async def opened(url: str, *, quiet_seconds: float = QUIET_SECONDS) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(url, quiet_seconds=quiet_seconds)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def sender(url: str, name: str, count: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start another process that has the store open."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SENDER, url, name, str(count)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            assert await line(process) == "open"
            yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


def go(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")


@contextmanager
def stranger(path: Path) -> Iterator[apsw.Connection]:
    """Give a connection that knows nothing of us."""
    connection = apsw.Connection(str(path))
    try:
        yield connection
    finally:
        connection.close()


class Commits:
    """Holds up or refuses the commits of a store's writer."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._held = threading.Event()
        self._go_on = threading.Event()

    async def hold(self) -> None:
        """Make the next commit that changes something wait for `release`."""
        await self._on_commit(self._wait)

    async def held(self) -> None:
        """Wait until a commit is being held."""
        assert await asyncio.to_thread(self._held.wait, WAIT_SECONDS)

    def release(self) -> None:
        self._go_on.set()

    async def refuse(self) -> None:
        await self._on_commit(lambda: True)

    async def allow(self) -> None:
        with suppress(Exception):
            await self._on_commit(None)

    async def _on_commit(self, hook: Callable[[], bool] | None) -> None:
        """Set the writer's commit hook: from the next batch on, for this one would meet it too."""
        hooked = threading.Event()

        def later() -> bool:
            if hooked.is_set():
                return hook is not None and hook()
            hooked.set()
            return False

        await self._store._writer.do(
            lambda cursor: cursor.connection.set_commit_hook(None if hook is None else later)
        )

    def _wait(self) -> bool:
        self._held.set()
        assert self._go_on.wait(WAIT_SECONDS)
        return False


async def whole_log(store: SqliteStore) -> list[Entry]:
    return await store.log.entries(LOBBY_ID, after=0, limit=1_000_000)


async def lobby_epoch(store: SqliteStore) -> str:
    return (await store.log.heads([LOBBY_ID]))[LOBBY_ID].epoch


async def until(tail: AsyncIterator[list[Change]], seq: int) -> list[Entry]:
    """Return the tail's entries up to this seq."""
    entries: list[Entry] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not entries or entries[-1].seq != seq:
            entries += [change for change in await anext(tail) if isinstance(change, Entry)]
    return entries


# -- the URL and the file


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/path.db",
        "sqlite:path.db",
        "sqlite:/path.db",
        "sqlite:///a.db?mode=ro",
        "sqlite:///a.db#x",
        "sqlite:///a%00.db",
    ],
)
async def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match=r"sqlite:///"):
        await SqliteStore.open(url)


async def test_a_relative_path_starts_where_the_process_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened("sqlite:///some%20data/chat.db"):
        monkeypatch.chdir("/")
        assert (tmp_path / "some data" / "chat.db").is_file()


async def test_only_its_owner_may_read_what_is_stored(path: Path, url: str) -> None:
    umask = os.umask(0)
    try:
        async with opened(url) as store:
            await store.log.append(LOBBY_ID, message("r1"))
            files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
            assert files == dict.fromkeys(
                ["tailwire.db", "tailwire.db-wal", "tailwire.db-shm", "tailwire.db-life"], 0o600
            )
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    finally:
        os.umask(umask)


def make_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")


def make_directory(path: Path) -> None:
    path.mkdir(parents=True)


def make_parent_a_file(path: Path) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("a file")


def make_text(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("no database " * 1_000)


def make_another_database(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with stranger(path) as connection:
        connection.execute("CREATE TABLE cats (name)")


def make_newer(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with stranger(path) as connection:
        connection.execute(sqlite_schema.STEPS[0])
        connection.pragma("application_id", sqlite_schema.APPLICATION_ID)
        connection.pragma("user_version", sqlite_schema.VERSION + 1)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_directory, "directory"),
        (make_parent_a_file, "Not a directory"),
        (make_text, "not a database"),
        (make_another_database, "not one of Tailwire"),
        (make_newer, "newer Tailwire"),
    ],
)
async def test_a_database_that_cannot_be_used_is_left_alone_and_named_in_one_sentence(
    path: Path, url: str, make: Callable[[Path], None], reason: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    threads = set(threading.enumerate())
    with pytest.raises(Unavailable, match=reason) as raised:
        await SqliteStore.open(url)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert before == (path.read_bytes() if path.is_file() else None)
    assert set(threading.enumerate()) <= threads


async def test_a_database_of_version_1_is_brought_up_to_date_with_all_it_holds(path: Path, url: str) -> None:
    path.parent.mkdir(parents=True)
    with stranger(path) as connection:
        connection.execute(sqlite_schema.STEPS[0])
        connection.execute(VERSION_1_ROWS)
        connection.pragma("application_id", sqlite_schema.APPLICATION_ID)
        connection.pragma("user_version", 1)
    async with opened(url) as store:
        found = await store.sessions.get_many(["fresh", "rotated"])
        assert found["fresh"].used == ()
        assert found["rotated"].used == (("h1", 5),)
        named = (await store.accounts.named("al", cursor=None, limit=9)).items
        assert [one.username for one in named] == ["Alice"]
        assert (await store.log.append(LOBBY_ID, message("r1"))).entry.seq == 1
    with stranger(path) as connection:
        assert connection.pragma("user_version") == sqlite_schema.VERSION
        assert connection.execute("SELECT disabled, admin, erasing FROM users").fetchall() == [(0, 0, 0)]


async def test_a_step_that_fails_leaves_the_database_as_it_was(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url):
        pass
    broken = "CREATE TABLE half_way (id); no SQL"
    monkeypatch.setattr(sqlite_schema, "STEPS", (*sqlite_schema.STEPS, broken))
    monkeypatch.setattr(sqlite_schema, "VERSION", sqlite_schema.VERSION + 1)
    with pytest.raises(Unavailable):
        await SqliteStore.open(url)
    monkeypatch.undo()
    with stranger(path) as connection:
        assert not connection.execute("SELECT * FROM sqlite_schema WHERE name = 'half_way'").fetchall()
    async with opened(url) as store:
        await store.check()


async def test_an_empty_file_becomes_a_database(path: Path, url: str) -> None:
    make_nothing(path)
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))


async def test_several_processes_may_open_a_new_database_at_once(path: Path, url: str) -> None:
    starting = [sender(url, f"p{n}", 5) for n in range(4)]
    processes = await asyncio.gather(*(each.__aenter__() for each in starting))
    try:
        for process in processes:
            go(process)
        acks = [(await line(process)).split() for process in processes for _ in range(5)]
        assert sorted(int(seq) for seq, _, _ in acks) == list(range(1, 21))
        assert len({epoch for _, _, epoch in acks}) == 1
    finally:
        for each in starting:
            await each.__aexit__(None, None, None)


async def test_closing_leaves_no_thread_and_one_clean_file(path: Path, url: str) -> None:
    threads = set(threading.enumerate())
    store = await SqliteStore.open(url)
    await store.log.append(LOBBY_ID, message("r1"))
    await store.close()
    await store.close()
    assert set(threading.enumerate()) <= threads
    assert sorted(file.name for file in path.parent.iterdir()) == ["tailwire.db", "tailwire.db-life"]


async def test_a_database_taken_away_takes_no_more_acks(path: Path, store: SqliteStore) -> None:
    await store.log.append(LOBBY_ID, message("r1"))
    away = path.with_name("away.db")
    path.rename(away)
    for _ in range(2):
        with pytest.raises(Unavailable, match="taken away"):
            await store.log.append(LOBBY_ID, message("r2"))
        with pytest.raises(Unavailable, match="taken away"):
            await store.check()
        path.write_bytes(b"")  # nor with another file in its place
    path.unlink()
    away.rename(path)
    assert (await store.log.append(LOBBY_ID, message("r2"))).entry.seq == 2


# -- restored from a backup


async def test_an_older_copy_begins_new_epochs(path: Path, url: str) -> None:
    backup = path.with_name("backup.db")
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))
        first = await lobby_epoch(store)
    shutil.copyfile(path, backup)
    async with opened(url) as store:
        assert await lobby_epoch(store) == first
        await store.log.append(LOBBY_ID, message("r2"))

    shutil.copyfile(backup, path)  # into the same file
    async with opened(url) as store:
        second = await lobby_epoch(store)
        assert second != first
        assert (await store.log.append(LOBBY_ID, message("other"))).entry.seq == 2
    async with opened(url) as store:
        assert await lobby_epoch(store) == second

    path.unlink()
    backup.rename(path)  # as another file
    async with opened(url) as store:
        assert await lobby_epoch(store) not in {first, second}


async def test_a_restored_directory_begins_new_epochs(path: Path, url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))
        first = await lobby_epoch(store)
    shutil.copytree(path.parent, tmp_path / "copy")  # the note beside the database with it
    async with opened(f"sqlite:///{tmp_path}/copy/{path.name}") as store:
        assert await lobby_epoch(store) != first


async def test_a_copy_elsewhere_begins_new_epochs(path: Path, url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        await store.log.append(LOBBY_ID, message("r1"))
        first = await lobby_epoch(store)
    shutil.copyfile(path, tmp_path / "copy.db")
    async with opened(f"sqlite:///{tmp_path}/copy.db") as store:
        assert await lobby_epoch(store) != first
        assert len(await whole_log(store)) == 1


async def test_a_crash_keeps_the_epoch(url: str) -> None:
    async with sender(url, "p", 1_000_000) as process:
        go(process)
        epoch = (await line(process)).split()[2]
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with opened(url) as store:
        assert await lobby_epoch(store) == epoch


# -- group commit


async def test_callers_who_wait_together_share_commits(store: SqliteStore) -> None:
    before = store._writer.commit_count
    await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"r{n}")) for n in range(500)))
    assert store._writer.commit_count - before < 50


async def test_nobody_is_answered_before_the_commit_and_the_loop_runs_on_meanwhile(
    store: SqliteStore, commits: Commits
) -> None:
    await commits.hold()
    async with store.changes.open() as tail:
        appends = [asyncio.ensure_future(store.log.append(LOBBY_ID, message(f"r{n}"))) for n in range(10)]
        await commits.held()
        assert await whole_log(store) == []  # reading goes on, and sees nothing of it
        assert not any(append.done() for append in appends)
        commits.release()
        acked = await asyncio.gather(*appends)
        assert await until(tail, 10) == [answer.entry for answer in acked]


async def test_a_commit_is_on_the_disk_when_it_returns(store: SqliteStore) -> None:
    def pragmas(cursor: apsw.Cursor) -> tuple[Any, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return tuple(cursor.connection.pragma(name) for name in names)

    assert await store._writer.do(pragmas) == ("wal", 2, 1, 1)


async def test_a_commit_that_fails_fails_its_whole_batch_and_the_writer_goes_on(
    store: SqliteStore, commits: Commits
) -> None:
    await commits.refuse()
    answers = await asyncio.gather(
        *(store.log.append(LOBBY_ID, message(f"r{n}")) for n in range(10)), return_exceptions=True
    )
    assert all(isinstance(answer, Exception) for answer in answers)
    assert await whole_log(store) == []
    await commits.allow()
    assert (await store.log.append(LOBBY_ID, message("r1"))).entry.seq == 1


async def test_an_error_fails_only_its_own_caller(store: SqliteStore, commits: Commits) -> None:
    def break_half_way(cursor: apsw.Cursor) -> None:
        cursor.execute("UPDATE rooms SET name = 'half done'")
        raise ZeroDivisionError

    def break_a_rule(cursor: apsw.Cursor) -> None:
        cursor.execute("UPDATE rooms SET name = 'half done'")
        cursor.execute("INSERT INTO rooms SELECT * FROM rooms")

    before = store._writer.commit_count
    await commits.hold()
    first = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r0")))
    await commits.held()
    batch = asyncio.gather(
        store.log.append(LOBBY_ID, message("r1")),
        store.log.append(LOBBY_ID, message("r0", "another body")),
        store._writer.do(break_half_way),
        store.log.append(LOBBY_ID, message("\ud800")),
        store._writer.do(break_a_rule),
        store.log.append(LOBBY_ID, message("r2")),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    commits.release()
    await first
    one, conflict, bug, surrogate, rule, two = await batch
    assert store._writer.commit_count - before == 2  # they were in one batch
    assert isinstance(conflict, RefConflict)
    assert isinstance(bug, ZeroDivisionError)
    assert isinstance(surrogate, Invalid)
    assert isinstance(rule, Exception)
    assert [one.entry.seq, two.entry.seq] == [2, 3]  # type: ignore[union-attr]
    lobby = await store.rooms.get(LOBBY_ID)
    assert lobby is not None
    assert lobby.name == "Lobby"


async def test_more_callers_than_may_wait_are_refused_at_once(
    store: SqliteStore, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commits.hold()
    appends = [asyncio.ensure_future(store.log.append(LOBBY_ID, message("r0")))]
    await commits.held()
    monkeypatch.setattr(sqlite_worker, "MOST_WAITING", 5)
    appends += [asyncio.ensure_future(store.log.append(LOBBY_ID, message(f"r{n}"))) for n in range(1, 5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="too many"):
        await store.log.append(LOBBY_ID, message("r5"))
    commits.release()
    assert [answer.entry.seq for answer in await asyncio.gather(*appends)] == [1, 2, 3, 4, 5]
    assert (await store.log.append(LOBBY_ID, message("r5"))).entry.seq == 6


async def test_closing_fails_what_waits_and_finishes_what_is_being_committed(url: str, path: Path) -> None:
    store = await SqliteStore.open(url)
    commits = Commits(store)
    await commits.hold()
    in_hand = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r1")))
    await commits.held()
    waiting = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r2")))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    commits.release()
    await closing
    assert (await in_hand).entry.seq == 1
    with pytest.raises(Unavailable, match="closed"):
        await waiting


@pytest.mark.parametrize("worker", ["_writer", "_reader"])
async def test_a_thread_that_dies_of_a_bug_takes_nobody_with_it_in_silence(
    store: SqliteStore, worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.changes.open() as tail:
        monkeypatch.setattr(getattr(store, worker), "_serve", None)
        with capture_logs() as logs:
            calls = [
                *(store.log.append(LOBBY_ID, message(f"r{n}")) for n in range(5)),
                *(store.accounts.get(ALICE.id) for _ in range(5)),
            ]
            async with asyncio.timeout(WAIT_SECONDS):
                answers = await asyncio.gather(*calls, return_exceptions=True)
        failed = answers[:5] if worker == "_writer" else answers[5:]
        assert all(isinstance(answer, Unavailable) for answer in failed)
        assert {log["event"] for log in logs if log["log_level"] == "error"} == {"store.worker_died"}
        with pytest.raises(Unavailable):
            await store.check()
        if worker == "_reader":
            with pytest.raises(Unavailable):
                await anext(tail)


# -- a full disk, a lock held by somebody else


async def append_until(store: SqliteStore, error: type[Exception]) -> int:
    """Append until it fails so; return how many were acked."""
    with capture_logs():
        for n in range(1_000):
            try:
                await store.log.append(LOBBY_ID, message(f"r{n}", "x" * 4_000))
            except error:
                return n
    pytest.fail("it never did")


async def test_a_database_that_may_not_grow_says_so_and_heals(store: SqliteStore) -> None:
    def most_pages(count: int) -> Callable[[apsw.Cursor], Any]:
        return lambda cursor: cursor.connection.pragma("max_page_count", count)

    await store._writer.do(most_pages(60))
    acked = await append_until(store, StorageFull)
    assert 1 <= acked < 60
    assert [entry.seq for entry in await whole_log(store)] == list(range(1, acked + 1))
    await store.check()
    await store._writer.do(most_pages(10_000))
    again = [await store.log.append(LOBBY_ID, message(f"r{n}", "x" * 4_000)) for n in range(acked + 1)]
    assert [answer.entry.seq for answer in again] == list(range(1, acked + 2))


async def test_a_disk_that_takes_no_more_says_so_and_heals(store: SqliteStore, path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.with_name(path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, hard))
    try:
        acked = await append_until(store, StorageFull)
        stored = [entry.seq for entry in await whole_log(store)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert stored == list(range(1, acked + 1))
    assert 1 <= acked < 60
    assert (await store.log.append(LOBBY_ID, message(f"r{acked}", "x" * 4_000))).entry.seq == acked + 1


async def test_what_fails_after_the_answers_does_not_end_the_writer(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [apsw.FullError(), OSError(), apsw.IOError(), apsw.BusyError()]

    def fail(_: int) -> None:
        raise errors[-1]

    monkeypatch.setattr(store._database, "committed", fail)
    while errors:
        await store.log.append(LOBBY_ID, message(f"r{len(errors)}"))
        errors.pop()
    assert len(await whole_log(store)) == 4


async def test_a_lock_held_for_too_long_is_unavailable_and_retrying_is_safe(
    store: SqliteStore, path: Path
) -> None:
    await store._writer.do(lambda cursor: cursor.connection.set_busy_timeout(20))
    with stranger(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await store.log.append(LOBBY_ID, message("r1"))
        assert await whole_log(store) == []
        connection.execute("ROLLBACK")
    assert (await store.log.append(LOBBY_ID, message("r1"))).entry.seq == 1


async def test_a_lock_held_for_a_moment_is_waited_for(store: SqliteStore, path: Path) -> None:
    with stranger(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        append = asyncio.ensure_future(store.log.append(LOBBY_ID, message("r1")))
        assert await whole_log(store) == []
        assert not append.done()
        connection.execute("ROLLBACK")
    assert (await append).entry.seq == 1


# -- other processes


async def test_another_process_is_heard_at_once(
    store: SqliteStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tail, "POLL_SECONDS", 60.0)
    async with sender(url, "p", 3) as process, store.changes.open() as tail:
        go(process)
        async with asyncio.timeout(3):  # less than the beat that would look anyway
            entries = await until(tail, 3)
        assert [entry.data["body"] for entry in entries] == ["p 0", "p 1", "p 2"]


async def test_another_process_is_found_by_polling_where_it_cannot_be_heard(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wake, "_bound", deaf)
    with capture_logs() as logs:
        async with opened(url) as store, sender(url, "p", 3) as process, store.changes.open() as tail:
            go(process)
            assert len(await until(tail, 3)) == 3
    assert [log["event"] for log in logs] == ["store.no_wake"]


def deaf(_: Wake) -> None:
    raise PermissionError(1, "not here")


async def test_sockets_of_the_dead_are_cleared_away(store: SqliteStore, url: str) -> None:
    directory = store._wake._directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    async with sender(url, "p", 1) as process:
        assert len(list(directory.iterdir())) == 2
        process.kill()
        await process.wait()
    assert len(list(directory.iterdir())) == 2
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("r1"))
        await until(tail, 1)
        await store.log.append(LOBBY_ID, message("r2"))  # the first one's ringing is over
    assert len(list(directory.iterdir())) == 1
    await store.close()
    assert not directory.exists()


async def test_a_directory_that_others_may_write_to_is_not_used(
    url: str, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Wake(path)._directory.mkdir(mode=0o777)
    Wake(path)._directory.chmod(0o777)
    with capture_logs() as logs:
        async with opened(url) as store:
            await store.log.append(LOBBY_ID, message("r1"))
            assert list(Wake(path)._directory.iterdir()) == []
    assert [log["event"] for log in logs] == ["store.no_wake"]


async def test_whatever_was_acked_survives_kill_nine(url: str) -> None:
    acked: dict[int, str] = {}
    for round_number in range(5):
        async with sender(url, f"round{round_number}", 1_000_000) as process:
            go(process)
            lines = [await line(process) for _ in range(20 + 37 * round_number)]
            process.send_signal(signal.SIGKILL)
            rest, _ = await process.communicate()
            lines += rest.decode().split("\n")[:-1]
        acked |= {int(seq): ref for seq, ref, _ in (ack.split() for ack in lines)}
    async with opened(url) as store:
        stored = {entry.seq: entry.ref for entry in await whole_log(store)}
    assert list(stored) == list(range(1, len(stored) + 1))
    assert acked.items() <= stored.items()
    assert len(acked) >= 470


async def test_two_processes_number_one_room(store: SqliteStore, url: str) -> None:
    async with sender(url, "p", 100) as process, store.changes.open() as tail:
        go(process)
        mine = [await store.log.append(LOBBY_ID, message(f"mine-{n}")) for n in range(100)]
        theirs = [(await line(process)).split() for _ in range(100)]
        seqs = [answer.entry.seq for answer in mine] + [int(seq) for seq, _, _ in theirs]
        assert sorted(seqs) == list(range(1, 201))
        assert [entry.seq for entry in await until(tail, 200)] == list(range(1, 201))


# -- rows written behind our back


INSERT = "INSERT INTO entries (room_id, seq, kind, user_id, username, at, data) VALUES ('lobby', ?, ?, 'x', 'x', 1, ?)"
POISON = [
    ("message", "no JSON"),
    ("message", "[]"),
    ("message", "{}"),
    ("message", '{"body": 7, "reply_to": null}'),
    ("message", '{"body": "x", "reply_to": true}'),
    ("message", '{"$reql_type$":"TIME","epoch_time":1e15,"timezone":"+00:00"}'),
    ("edit", '{"target": "1", "body": "x"}'),
    ("reaction", '{"target": 1, "emoji": "x", "added": 1}'),
    ("Poison", '{"body": "x", "reply_to": null}'),
    ("ready", '{"user": "x"}'),
    ("poll", "[]"),
    ("poll", '{"deep": ' + "[" * 300 + "]" * 300 + "}"),
    ("poll", '{"long": "' + "x" * 64 * 1024 + '"}'),
]


@pytest.mark.parametrize(("kind", "data"), POISON)
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "stray"])
async def test_a_row_that_makes_no_sense_is_unreadable_and_logged_once_and_above_the_head_it_is_nothing(
    store: SqliteStore, path: Path, kind: str, data: str, counted: bool
) -> None:
    with capture_logs() as logs:
        async with store.changes.open() as tail:
            await store.log.append(LOBBY_ID, message("r1", "before"))
            with stranger(path) as connection:
                connection.execute(INSERT, (2, kind, data))
                if counted:
                    connection.execute("UPDATE rooms SET seq = 2 WHERE id = 'lobby'")
            last = 3 if counted else 2
            appended = await store.log.append(LOBBY_ID, message("r2", "after"))
            assert appended.entry.seq == last
            entries = await until(tail, last)
        assert [entry.seq for entry in entries] == list(range(1, last + 1))
        assert not counted or entries[1] == unreadable(LOBBY_ID, 2)
        for _ in range(2):
            assert await whole_log(store) == entries
            assert [item.body for item in (await store.log.history(LOBBY_ID, limit=9)).items] == [
                "before",
                "after",
            ]
            if counted:
                assert await store.log.message(LOBBY_ID, 2) is None
    reports = [log for log in logs if log["event"] == "store.poison_row"]
    assert len(reports) == 1
    assert data not in str(logs)


async def test_a_row_above_the_head_is_never_shown_and_gives_way(store: SqliteStore, path: Path) -> None:
    well_formed = '{"body": "phantom", "reply_to": null}'
    with capture_logs() as logs:
        async with store.changes.open() as tail:
            with stranger(path) as connection:
                connection.execute(INSERT, (1, "message", well_formed))
                connection.execute(INSERT, (3, "message", well_formed))
            assert await whole_log(store) == []
            assert await store.log.message(LOBBY_ID, 1) is None
            assert (await store.log.history(LOBBY_ID, limit=9)).items == []
            with pytest.raises(NotFound):
                await store.log.append(LOBBY_ID, Draft(Kind.DELETE, ALICE.id, "alice", 1, "d", {"target": 1}))
            acked = [(await store.log.append(LOBBY_ID, message(f"r{n}"))).entry for n in range(3)]
            assert await until(tail, 3) == acked
        assert await whole_log(store) == acked
    assert [log["event"] for log in logs].count("store.stray_row") == 2


async def test_a_row_that_is_spoilt_later_breaks_neither_reading_nor_deleting(
    store: SqliteStore, path: Path
) -> None:
    for n in range(1, 4):
        await store.log.append(LOBBY_ID, message(f"r{n}", str(n)))
    with stranger(path) as connection:
        connection.execute("UPDATE entries SET data = 'spoilt' WHERE seq = 2")
    with capture_logs():
        assert [entry.kind for entry in await whole_log(store)] == ["message", "unreadable", "message"]
        with pytest.raises(RefConflict):
            await store.log.append(LOBBY_ID, message("r2", "2"))
        await store.log.append(LOBBY_ID, Draft(Kind.DELETE, ALICE.id, "alice", 1, "d", {"target": 2}))
        assert (await store.log.append(LOBBY_ID, message("r4"))).entry.seq == 5


async def test_what_is_missing_is_unreadable_on_every_road(store: SqliteStore, path: Path) -> None:
    """Of what another process commits, and of what this one does, which is not read again."""
    async with store.changes.open() as tail:
        for n in range(1, 4):
            await store.log.append(LOBBY_ID, message(f"r{n}"))
        assert [entry.seq for entry in await until(tail, 3)] == [1, 2, 3]
        for last, missing in ((6, [4, 5]), (8, [7])):
            with stranger(path) as connection:
                connection.execute("UPDATE rooms SET seq = ? WHERE id = 'lobby'", (last - 1,))
            await store.log.append(LOBBY_ID, message(f"r{last}"))
            *holes, entry = await until(tail, last)
            assert holes == [unreadable(LOBBY_ID, seq) for seq in missing]
            assert entry.ref == f"r{last}"
    kinds = ["message"] * 3 + ["unreadable"] * 2 + ["message", "unreadable", "message"]
    with capture_logs() as logs:
        for _ in range(2):
            assert [entry.kind for entry in await whole_log(store)] == kinds
    assert not logs, "what the tail has told of was logged then"


async def test_an_entry_of_a_kind_that_is_not_known_is_passed_on_as_it_is(
    store: SqliteStore, path: Path
) -> None:
    data = '{"target": 1, "options": [{"name": "tea", "votes": [1, 2.5, null]}], "user_id": "mallory"}'
    await store.log.append(LOBBY_ID, message("r1", "asked"))
    async with store.changes.open() as tail:
        with stranger(path) as connection, connection:
            connection.execute(
                INSERT.replace("data)", "data, target)").replace("?)", "?, 1)"), (2, "poll", data)
            )
            connection.execute("UPDATE rooms SET seq = 2 WHERE id = 'lobby'")
        await store.log.append(LOBBY_ID, message("r3"))
        (told, _) = await until(tail, 3)
    assert (told.kind, told.user_id, told.data) == ("poll", "x", json.loads(data))
    assert (await whole_log(store))[1] == told
    found = await store.log.message(LOBBY_ID, 1)
    assert found is not None
    assert (found.body, found.edited_at, found.reactions) == ("asked", None, ())


# -- erasing, and the rest


async def test_a_deleted_body_is_nowhere_in_the_files(store: SqliteStore, path: Path) -> None:
    secret = "the quick brown secret"
    await store.log.append(LOBBY_ID, message("r1", secret))
    await store.log.append(
        LOBBY_ID, Draft(Kind.EDIT, ALICE.id, "alice", 1, "e", {"target": 1, "body": secret + "!"})
    )
    assert any(secret.encode() in file.read_bytes() for file in path.parent.iterdir())
    await store.log.append(LOBBY_ID, Draft(Kind.DELETE, ALICE.id, "alice", 1, "d", {"target": 1}))
    await store.log.append(LOBBY_ID, message("r2", "a batch later"))
    assert not any(secret.encode() in file.read_bytes() for file in path.parent.iterdir())


async def test_erasing_beside_a_backup_does_not_hold_up_what_is_written(
    store: SqliteStore, path: Path
) -> None:
    await store.log.append(LOBBY_ID, message("r1", "secret"))
    with stranger(path) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM entries").fetchall()
        await store.log.append(LOBBY_ID, Draft(Kind.DELETE, ALICE.id, ALICE.username, 1, None, {"target": 1}))
        async with asyncio.timeout(BUSY_SECONDS):  # as long as one would wait for the backup, if it waited
            for n in range(20):
                await store.log.append(LOBBY_ID, message(f"beside {n}"))
        backup.execute("ROLLBACK")


async def test_an_erased_account_leaves_its_name_nowhere_in_the_files(store: SqliteStore, path: Path) -> None:
    user = User("user-hildegard", "hildegard", "Hildegard", created_at=1)
    await store.accounts.create(Account(user, user.username, "hash"))
    await store.members.join(LOBBY_ID, user, Role.MEMBER, 1)
    with closing(apsw.Connection(str(path))) as other:
        other.wal_checkpoint()  # now it is in the database itself, not in its log alone
    await store.erasure.begin(user.id)
    await store.members.leave(LOBBY_ID, User(user.id, "erased", "erased", 1), 2)
    await store.erasure.anonymise(
        (await store.erasure.entries_of(user.id, cursor=None, limit=10)).items, "erased"
    )
    await store.erasure.finish(user.id)
    await store.log.append(LOBBY_ID, message("r1", "a batch later"))
    left = b"".join(file.read_bytes() for file in path.parent.iterdir()).replace(user.id.encode(), b"")
    assert b"hildegard" not in left.lower()


async def test_what_refers_to_a_user_who_is_not_there_is_not_found(store: SqliteStore) -> None:
    with pytest.raises(NotFound):
        await store.members.join(LOBBY_ID, ALICE, Role.MEMBER, at=1)
    with pytest.raises(NotFound):
        await store.sessions.create(Session("s", ALICE.id, 1, 1, 1, "", "h"), most=20)
    assert await whole_log(store) == []


async def test_this_process_hears_its_own_commits_at_once(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tail, "POLL_SECONDS", 60.0)
    async with store.changes.open() as tail, asyncio.timeout(3):  # less than the beat that would look anyway
        for n in range(1, 20):
            following = asyncio.ensure_future(until(tail, n))
            await store.log.append(LOBBY_ID, message(f"r{n}"))
            await following


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[sqlite_tail.TailPosition]:
    """From where tails have read, each time."""
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
    """Give the next changes that are not just signs of life."""
    while count > 0:
        for change in await anext(tail):
            if not isinstance(change, Quiet):
                count -= 1
                yield change


async def together(store: SqliteStore, *writes: Coroutine[Any, Any, object]) -> None:
    """Append a message, and then have the writer commit all of these at once."""
    commits = Commits(store)
    await commits.hold()
    before = asyncio.ensure_future(store.log.append(LOBBY_ID, message("before")))
    await commits.held()
    waiting = [asyncio.ensure_future(write) for write in writes]
    await asyncio.sleep(0)  # in which they get in line
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
    """What is left of the commit, and what it does not tell of, add up to what it tells of."""
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
        while len(seen) < 6:
            seen += await anext(tail)
    places = [(change.room_id, change.seq) for change in seen if isinstance(change, Entry)]
    assert sorted(places) == [
        (LOBBY_ID, 1),
        (LOBBY_ID, 2),
        (LOBBY_ID, 3),
        (LOBBY_ID, 4),
        (LOBBY_ID, 5),
        ("room", 1),
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


async def test_a_page_of_history_costs_the_same_at_any_depth(store: SqliteStore) -> None:
    for batch in range(4):
        await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"r{batch}-{n}")) for n in range(1_000)))

    def steps(before: int) -> Callable[[apsw.Cursor], int]:
        """Count the steps of SQLite's machine that one page takes."""

        def count(cursor: apsw.Cursor) -> int:
            taken = 0

            def step() -> bool:
                nonlocal taken
                taken += 1
                return False

            cursor.connection.set_progress_handler(step, 1)
            store._log.history(cursor, LOBBY_ID, before=before, after=None, limit=50)
            cursor.connection.set_progress_handler(None)
            return taken

        return count

    top, bottom = await store._reader.do(steps(4_000)), await store._reader.do(steps(60))
    assert top == pytest.approx(bottom, rel=0.05)
