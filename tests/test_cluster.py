"""What is RethinkDB's alone: a server that dies or falls silent, rows written behind our back, and rights.

What it has in common with every store stands in tests/test_store.py.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from api.errors import Invalid, MembershipChanged, RefConflict, Unavailable
from api.models import (
    LOBBY_ID,
    Account,
    Appended,
    Change,
    Draft,
    Entry,
    Kind,
    Quiet,
    Restored,
    Role,
    Room,
    Session,
    SessionEnded,
    User,
    Visibility,
)
from api.store import cluster_life, cluster_queries, cluster_schema, cluster_tail, rethinkdb
from api.store.base import QUIET_SECONDS, Store
from api.store.cluster import ClusterStore
from api.store.cluster_accounts import CLAIM_MS
from api.store.cluster_queries import Mark
from api.store.cluster_rows import row_of
from api.store.cluster_schema import TABLES, init
from api.store.rethinkdb import Address, Pool, r
from tests.rethinkdb_server import RethinkDBServer, as_admin, in_own_loop

T = TypeVar("T")

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

NOTICED_SECONDS = 12.0
"""In which a paused database must be noticed."""
ANSWERED_SECONDS = 6.0  # a call's own 5 s, and some for a busy machine
SERVES_AGAIN_SECONDS = 5.0
WAIT_SECONDS = 30.0  # generous: only a failing test waits as long

ALICE = User("user-alice", "alice", "Alice", created_at=1_000)
BOB = User("user-bob", "bob", "Bob", created_at=2_000)
DEN = Room("room-den", "Den", "for us", Visibility.PRIVATE, created_at=3_000)
POISON_TIME = {"$reql_type$": "TIME", "epoch_time": 1e15, "timezone": "+00:00"}


@pytest.fixture
def server(rethinkdb_server: RethinkDBServer | None) -> RethinkDBServer:
    if rethinkdb_server is None:
        pytest.skip("no RethinkDB: neither a `rethinkdb` binary on PATH nor TAILWIRE_TEST_RETHINKDB")
    return rethinkdb_server


@pytest.fixture
def own_server(server: RethinkDBServer) -> Iterator[RethinkDBServer]:
    """A server that the test may kill and pause; it runs again afterwards."""
    if server.process is None:
        pytest.skip("the server of TAILWIRE_TEST_RETHINKDB is not ours to kill")
    yield server
    if server.process.poll() is None:
        server.resume()
    else:
        server.start()
    wait_for_tables(server)


def start_again(server: RethinkDBServer) -> None:
    """Start a killed server and wait until it has its tables, too."""
    server.start()
    wait_for_tables(server)


def wait_for_tables(server: RethinkDBServer) -> None:
    """Wait until every table can be read: a server answers some seconds before."""

    async def read() -> None:
        pool = Pool(Address.parse(server.store_url))
        try:
            for table in TABLES:
                await eventually(partial(pool.run, r.table(table, read_mode="majority").count()))
        finally:
            await pool.close()

    in_own_loop(read)


@pytest.fixture
def cluster_url(server: RethinkDBServer) -> str:
    return server.empty_store()


@pytest.fixture
async def store(cluster_url: str) -> AsyncIterator[ClusterStore]:
    async with opened(cluster_url) as one:
        yield one


@pytest.fixture
async def restless(cluster_url: str) -> AsyncIterator[ClusterStore]:
    """A node whose tails soon say that nothing has happened, where a test waits for that."""
    async with opened(cluster_url, quiet_seconds=1.0) as one:
        yield one


@pytest.fixture
async def other(cluster_url: str) -> AsyncIterator[ClusterStore]:
    """A second node."""
    async with opened(cluster_url) as one:
        yield one


@pytest.fixture
async def behind(server: RethinkDBServer, cluster_url: str) -> AsyncIterator[Pool]:
    """A way to the tables behind the store's back, as the admin."""
    admin = Address.parse(server.admin_url, needs_database=False)
    database = Address.parse(cluster_url).database
    pool = Pool(Address(admin.host, admin.port, admin.user, admin.password, database))
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def opened(url: str, *, quiet_seconds: float = QUIET_SECONDS) -> AsyncIterator[ClusterStore]:
    store = await ClusterStore.open(url, quiet_seconds=quiet_seconds)
    try:
        yield store
    finally:
        await store.close()


def message(ref: str, body: str = "hello") -> Draft:
    return Draft(Kind.MESSAGE, ALICE.id, ALICE.username, 5_000, ref, {"body": body, "reply_to": None})


def change(kind: Kind, ref: str, target: int, **data: str) -> Draft:
    return Draft(kind, ALICE.id, ALICE.username, 5_000, ref, {"target": target, **data})


def reaction(target: int, user_id: str = ALICE.id) -> Draft:
    return Draft(Kind.REACTION, user_id, "x", 5_000, None, {"target": target, "emoji": "👍", "added": True})


async def eventually(call: Callable[[], Awaitable[T]]) -> T:
    """Call again and again while the database is unavailable, and return what it answers in the end."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(0.05)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what only asking again can show."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.01)


async def append_at_last(store: Store, draft: Draft) -> Appended:
    """Append as a client does: again under the same ref until it is acked."""
    return await eventually(lambda: store.append(LOBBY_ID, draft))


async def whole_log(store: Store, room_id: str = LOBBY_ID) -> list[Entry]:
    return await store.log(room_id, after=0, limit=100_000)


async def told(tail: AsyncIterator[list[Change]], is_last: Callable[[Change], bool]) -> list[Change]:
    """Return what the tail gives up to a change, without the beats in which nothing happened."""
    seen: list[Change] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not any(is_last(one) for one in seen):
            seen += [one for one in await anext(tail) if not isinstance(one, Quiet)]
    return seen


async def lost(tail: AsyncIterator[list[Change]]) -> None:
    """Read on until the tail is lost."""
    while True:
        await anext(tail)


def is_entry(seq: int, room_id: str = LOBBY_ID) -> Callable[[Change], bool]:
    return lambda one: isinstance(one, Entry) and (one.room_id, one.seq) == (room_id, seq)


# -- a server that dies


async def test_what_was_acked_is_there_once_when_the_server_is_killed_among_appends(
    own_server: RethinkDBServer, store: ClusterStore, other: ClusterStore
) -> None:
    acked: dict[str, int] = {}
    is_over = asyncio.Event()

    async def sender(number: int, via: Store) -> None:
        count = 0
        while not is_over.is_set():
            ref, count = f"{number}/{count}", count + 1
            acked[ref] = (await append_at_last(via, message(ref, ref))).entry.seq

    def more_than(count: int) -> Callable[[], Awaitable[bool]]:
        async def is_so() -> bool:
            return len(acked) > count

        return is_so

    senders = [asyncio.create_task(sender(n, via)) for n, via in enumerate([store, other] * 5)]
    for _ in range(2):
        before = len(acked)
        await until(more_than(before + 50))
        await asyncio.to_thread(own_server.kill)
        await asyncio.to_thread(own_server.start)
    up_at, before = time.monotonic(), len(acked)
    await until(more_than(before + 20))
    serves_again = time.monotonic() - up_at
    is_over.set()
    await asyncio.gather(*senders)

    stored = await whole_log(store)
    assert [entry.seq for entry in stored] == list(range(1, len(stored) + 1))
    assert {entry.ref: entry.seq for entry in stored} == acked
    assert all(entry.data["body"] == entry.ref for entry in stored)
    assert serves_again < SERVES_AGAIN_SECONDS


async def test_a_tail_of_a_killed_server_is_lost_at_once_and_can_be_opened_again(
    own_server: RethinkDBServer, store: ClusterStore, other: ClusterStore
) -> None:
    async with store.changes() as tail:
        await store.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
        await asyncio.to_thread(own_server.kill)
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)
    with pytest.raises(Unavailable):
        async with asyncio.timeout(ANSWERED_SECONDS), store.changes():
            pass
    await asyncio.to_thread(start_again, own_server)
    async with store.changes() as tail:
        await append_at_last(other, message("2"))
        assert [one for one in await told(tail, is_entry(2)) if isinstance(one, Entry)][-1].ref == "2"


async def test_every_call_fails_soon_while_there_is_no_server(
    own_server: RethinkDBServer, store: ClusterStore
) -> None:
    await asyncio.to_thread(own_server.kill)
    calls = [
        store.check(),
        store.append(LOBBY_ID, message("1")),
        store.heads([LOBBY_ID]),
        store.session("session"),
        store.join(LOBBY_ID, ALICE, Role.MEMBER, at=1),
    ]
    async with asyncio.timeout(ANSWERED_SECONDS):
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * len(calls)


# -- a server that falls silent


async def test_a_paused_server_is_noticed_by_the_tail_and_by_every_call(
    own_server: RethinkDBServer, store: ClusterStore
) -> None:
    async with store.changes() as tail:
        await store.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
        own_server.pause()
        with pytest.raises(Unavailable):
            async with asyncio.timeout(ANSWERED_SECONDS):
                await store.append(LOBBY_ID, message("2"))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(NOTICED_SECONDS):
                await lost(tail)
    own_server.resume()
    resumed_at = time.monotonic()
    acked = await append_at_last(store, message("2"))
    assert time.monotonic() - resumed_at < SERVES_AGAIN_SECONDS
    assert acked.entry.seq == 2
    assert [entry.ref for entry in await whole_log(store)] == ["1", "2"]


async def test_nobody_waits_in_line_for_a_paused_server(
    own_server: RethinkDBServer, store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rethinkdb, "QUERY_SECONDS", 1.0)
    own_server.pause()
    for _ in range(2):  # the first lose the connections, the second would open new ones
        asked_at = time.monotonic()
        answers = await asyncio.gather(*(store.session(f"{n}") for n in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert time.monotonic() - asked_at < 2
    own_server.resume()


# -- a node that dies between the ack and the flush


async def make_den(store: ClusterStore) -> None:
    """Make two accounts, and a room of the first."""
    for user in (ALICE, BOB):
        await store.create_account(Account(user, user.username, "hash"))
    await store.create_room(DEN, ALICE)


def never_flush(store: ClusterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a node die, as far as the database can tell, whenever it would flush."""

    async def flush(_room_id: str) -> None:
        raise Unavailable

    monkeypatch.setattr(store._logs, "flush", flush)


async def flushed_refs(behind: Pool) -> list[str | None]:
    return [row["ref"] for row in await flushed_rows(behind) if "ref" in row]


async def flushed_rows(behind: Pool) -> list[dict[str, Any]]:
    """Return what is flushed, of all rooms, by seq."""
    return await behind.read(r.table("batches").concat_map(lambda batch: batch["rows"]).order_by("seq"))


async def test_what_a_dead_node_left_unflushed_is_read_deduplicated_and_flushed_by_the_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_flush(store, monkeypatch)
    acked = [await store.append(LOBBY_ID, message(f"{n}")) for n in range(3)]
    assert await flushed_refs(behind) == []
    assert await whole_log(other) == [one.entry for one in acked]
    assert [item.ref for item in (await other.history(LOBBY_ID, limit=10)).items] == ["0", "1", "2"]
    retry = await other.append(LOBBY_ID, message("1"))
    assert (retry.entry, retry.is_new) == (acked[1].entry, False)
    with pytest.raises(RefConflict):
        await other.append(LOBBY_ID, message("1", "another body"))
    await other.append(LOBBY_ID, message("3"))

    async def is_flushed() -> bool:
        return await flushed_refs(behind) == ["0", "1", "2", "3"]

    await until(is_flushed)
    assert [entry.ref for entry in await whole_log(store)] == ["0", "1", "2", "3"]


async def test_a_membership_that_a_dead_node_left_half_done_is_completed_by_the_next(
    store: ClusterStore, other: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    never_flush(store, monkeypatch)
    with pytest.raises(Unavailable):
        await store.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    await other.join(DEN.id, BOB, Role.MEMBER, at=8_000)
    member = await other.member(DEN.id, BOB.id)
    assert member is not None
    assert (member.role, member.joined_at) == (Role.MEMBER, 7_000)
    assert [entry.user_id for entry in await whole_log(other, DEN.id)] == [ALICE.id, BOB.id]


async def test_a_membership_counts_on_every_node_before_it_is_flushed_and_though_it_never_is(
    store: ClusterStore, other: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    async with opened_again(store) as dying:
        never_flush(dying, monkeypatch)
        with pytest.raises(Unavailable):
            await dying.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    member = await other.member(DEN.id, BOB.id)
    assert member is not None
    assert (member.role, member.joined_at, member.as_of) == (Role.MEMBER, 7_000, 2)
    view = await other.room_view(DEN.id, BOB.id)
    assert view is not None
    assert (view.role, view.read_seq, view.unread_count) == (Role.MEMBER, 2, 0)
    async with opened_again(store) as dying:
        await dying._logs.flush(DEN.id)
        never_flush(dying, monkeypatch)
        with pytest.raises(Unavailable):
            await dying.change_member(DEN.id, BOB, None, by=ALICE.id, at=8_000, rule=lambda _: True)
    assert await other.member(DEN.id, BOB.id) is None
    assert (await other.member(DEN.id, ALICE.id)) is not None
    assert await other.leave(DEN.id, BOB, 9_000) is None  # nothing to leave
    again = await other.join(DEN.id, BOB, Role.READER, at=9_000)
    assert again is not None
    assert again.entry.seq == 4


async def test_changes_of_one_member_that_race_on_two_nodes_are_all_carried_out(
    store: ClusterStore, other: ClusterStore
) -> None:
    await make_den(store)
    roles = [Role.READER, Role.MODERATOR, Role.MEMBER, Role.OWNER]
    for at in range(5):
        changes = [
            node.change_member(DEN.id, BOB, role, by=ALICE.id, at=at, rule=lambda _: True)
            for node, role in zip([store, other] * 2, roles, strict=True)
        ]
        assert all(change is not None for change in await asyncio.gather(*changes))
    log = await whole_log(other, DEN.id)
    assert [entry.seq for entry in log] == list(range(1, 22))
    member = await store.member(DEN.id, BOB.id)
    assert member is not None
    assert member.role == log[-1].data["role"]


async def test_refs_that_are_sent_again_long_after_leave_nothing_behind(
    store: ClusterStore, other: ClusterStore
) -> None:
    refs = [f"{n}" for n in range(50)]
    await asyncio.gather(*(store.append(LOBBY_ID, message(ref)) for ref in refs))
    await store._logs.flush(LOBBY_ID)
    again = await asyncio.gather(*(other.append(LOBBY_ID, message(ref)) for ref in refs))
    assert not any(one.is_new for one in again)

    async def is_empty() -> bool:
        return not other._logs._unflushed

    await until(is_empty)


async def test_a_body_whose_erasing_a_dead_node_left_half_done_is_erased_by_the_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append(LOBBY_ID, message("1", "secret"))
    await store.append(LOBBY_ID, change(Kind.EDIT, "2", 1, body="secret, edited"))
    await store._logs.flush(LOBBY_ID)
    never_flush(store, monkeypatch)
    with pytest.raises(Unavailable):
        await store.append(LOBBY_ID, change(Kind.DELETE, "3", 1))
    assert (await other.append(LOBBY_ID, change(Kind.DELETE, "3", 1))).is_new is False
    for table in ("heads", "batches"):
        assert "secret" not in str(await behind.read(r.table(table)))


async def test_a_flush_that_comes_late_brings_no_erased_body_back(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_flush(store, monkeypatch)
    await store.append(LOBBY_ID, message("1", "secret"))
    head = await behind.run(r.table("heads").get(LOBBY_ID))
    await other.append(LOBBY_ID, change(Kind.DELETE, "2", 1))
    assert "secret" in str(head["tail"])
    await behind.write(r.table("heads").insert(head, conflict="replace"))  # as a late flush has seen it
    async with opened_again(store) as late:
        await late._logs.flush(LOBBY_ID)
    assert "secret" not in str(await behind.read(r.table("batches")))


# -- retries of any age against a tail that is trimmed


async def test_no_trim_lets_a_retry_slip_past(
    store: ClusterStore, other: ClusterStore, cluster_url: str
) -> None:
    acked: dict[str, int] = {}

    async def write(via: Store, name: str) -> None:
        for n in range(150):
            ref = f"{name}-{n}"
            acked[ref] = (await via.append(LOBBY_ID, message(ref))).entry.seq

    async def retry(via: Store) -> None:
        while not all(writer.done() for writer in writers):
            for ref, seq in list(acked.items())[::7]:
                again = await via.append(LOBBY_ID, message(ref))
                assert (again.entry.seq, again.is_new) == (seq, False)
            await asyncio.sleep(0)

    writers = [asyncio.create_task(write(via, f"{n}")) for n, via in enumerate([store, other, store, other])]
    async with opened(cluster_url) as newcomer:
        await asyncio.gather(*writers, retry(store), retry(other), retry(newcomer))
    stored = await whole_log(store)
    assert {entry.ref: entry.seq for entry in stored} == acked
    assert [entry.seq for entry in stored] == list(range(1, 601))


OLDER_HEADS: dict[str, Callable[[Any], Any]] = {
    "no moves": lambda head: head.without("moves", "moved"),
    "no moved": lambda head: head.without("moved"),
    "moved left behind": lambda head: head.merge({"moved": 0}),
}


@pytest.mark.parametrize("older", OLDER_HEADS.values(), ids=OLDER_HEADS.keys())
async def test_a_head_of_before_it_remembered_changes_of_membership_guards_them_too(
    store: ClusterStore, other: ClusterStore, behind: Pool, older: Callable[[Any], Any]
) -> None:
    await make_den(store)
    await store.join(DEN.id, BOB, Role.MEMBER, at=1)
    for _ in range(2):
        await behind.write(r.table("heads").replace(older))
        was = await other.member(DEN.id, BOB.id)
        await store.leave(DEN.id, BOB, at=2)
        await behind.write(r.table("heads").replace(older))
        with pytest.raises(MembershipChanged):
            await other.append(DEN.id, replace(message("1"), user_id=BOB.id), author=was)
        await store.join(DEN.id, BOB, Role.MEMBER, at=3)
    with suppress(MembershipChanged):  # the other node knows too little of the room yet
        await other.append(
            DEN.id, replace(message("1"), user_id=BOB.id), author=await other.member(DEN.id, BOB.id)
        )
    now = await other.member(DEN.id, BOB.id)
    await other.append(DEN.id, replace(message("1"), user_id=BOB.id), author=now)
    assert [entry.ref for entry in await whole_log(store, DEN.id)].count("1") == 1


async def test_a_head_stays_small_however_long_its_log(store: ClusterStore, behind: Pool) -> None:
    for batch in range(10):
        await asyncio.gather(*(store.append(LOBBY_ID, message(f"{batch}-{n}")) for n in range(50)))
    await store._logs.flush(LOBBY_ID)
    await store.append(LOBBY_ID, message("last"))
    assert await behind.run(r.table("heads").get(LOBBY_ID)["tail"].count()) < 100


# -- rows written behind our back


@pytest.mark.parametrize(
    "head",
    [
        pytest.param({"at": POISON_TIME}, id="nothing-of-ours"),
        pytest.param({"seq": POISON_TIME, "tail": []}, id="seq-is-a-time"),
        pytest.param({"seq": 7, "trimmed": 0, "tail": POISON_TIME}, id="tail-is-a-time"),
        pytest.param({"seq": 7, "trimmed": 0, "tail": "no list"}, id="tail-is-a-text"),
        pytest.param({"seq": 2, "trimmed": 0, "tail": [None, POISON_TIME]}, id="no-entries"),
        pytest.param(
            {"seq": 1, "trimmed": 0, "tail": [{"seq": 1, "kind": "message", "at": POISON_TIME}]},
            id="half-an-entry",
        ),
        pytest.param({"seq": "7", "trimmed": "x", "tail": [[], 1]}, id="other-types"),
    ],
)
async def test_a_tail_survives_a_poison_head(store: ClusterStore, behind: Pool, head: dict[str, Any]) -> None:
    async with store.changes() as tail:
        await behind.write(r.table("heads").insert({"id": "poison", **head}))
        await behind.write(r.table("heads").get("poison").update({"more": POISON_TIME}))
        await behind.write(r.table("heads").get("poison").delete())
        await store.append(LOBBY_ID, message("1"))
        changes = await told(tail, is_entry(1))
    assert [one.room_id for one in changes if isinstance(one, Entry)] == [LOBBY_ID]


@pytest.mark.parametrize(
    "tail_of_head",
    [
        pytest.param([None], id="null"),
        pytest.param([POISON_TIME, 7, "text", []], id="no-objects"),
        pytest.param([{"seq": POISON_TIME}, {"seq": None}, {}], id="no-seq"),
        pytest.param([{"seq": 9, "kind": "message", "at": POISON_TIME}], id="half-an-entry"),
    ],
)
async def test_a_poison_tail_is_passed_over_and_logged_once_and_other_rooms_are_served(
    store: ClusterStore, behind: Pool, tail_of_head: list[Any]
) -> None:
    await store.create_account(Account(ALICE, "alice", "hash"))
    await store.create_room(DEN, ALICE)
    with capture_logs() as logs:
        async with store.changes() as tail:
            for seq in (9, 10):
                await behind.write(r.table("heads").get(DEN.id).update({"seq": seq, "tail": tail_of_head}))
            await store.append(LOBBY_ID, message("1"))
            changes = await told(tail, is_entry(1))
        assert [entry.seq for entry in await whole_log(store, DEN.id)] == [1]
        assert (await store.history(DEN.id, limit=10)).items == []
    assert [one.room_id for one in changes if isinstance(one, Entry)] == [LOBBY_ID]
    logged = [line["id"] for line in logs if line["event"] == "poison_row_skipped"]
    assert len(logged) == len(set(logged))


async def test_a_known_head_that_is_poison_is_passed_over_and_logged_once_and_other_rooms_are_served(
    store: ClusterStore, behind: Pool
) -> None:
    await store.create_account(Account(ALICE, "alice", "hash"))
    await store.create_room(DEN, ALICE)
    await store.join(LOBBY_ID, ALICE, Role.MEMBER, at=1)
    async with store.changes() as tail:
        await store.append(DEN.id, message("1"))
        await told(tail, is_entry(2, DEN.id))
    before = await store.heads([LOBBY_ID])
    with capture_logs() as logs:
        await behind.write(r.table("heads").get(DEN.id).update({"seq": POISON_TIME, "epoch": r.literal()}))
        for n in range(2, 4):
            async with store.changes() as tail:
                await store.append(LOBBY_ID, message(f"{n}"))
                assert not [one for one in await told(tail, is_entry(n)) if isinstance(one, Restored)]
        heads = await store.heads([LOBBY_ID, DEN.id])
        assert await whole_log(store, DEN.id) == []
        assert [view.room.id for view in (await store.rooms_of(ALICE.id, cursor=None, limit=10)).items] == [
            LOBBY_ID
        ]
    assert [(head.room_id, head.epoch) for head in heads.values()] == [(LOBBY_ID, before[LOBBY_ID].epoch)]
    assert [line["id"] for line in logs if line["event"] == "poison_row_skipped"] == [DEN.id]


async def test_a_tail_survives_poison_sessions(store: ClusterStore, behind: Pool) -> None:
    await store.create_account(Account(ALICE, "alice", "hash"))
    await store.create_session(Session("session", ALICE.id, 1, 1, 9, "a browser", "hash"), most=20)
    ended = SessionEnded("session", ALICE.id)
    async with store.changes() as tail:
        for row in ({"id": "poison-1", "ended": True}, {"id": "poison-2", "ended": POISON_TIME}):
            await behind.write(r.table("sessions").insert(row))
            await behind.write(r.table("sessions").get(row["id"]).delete())
        await store.end_session("session")
        changes = await told(tail, lambda one: one == ended)
    assert [one for one in changes if isinstance(one, SessionEnded)] == [ended]


@pytest.mark.parametrize("role", ["king", 7, POISON_TIME])
async def test_a_poison_member_or_session_is_nobody_and_holds_up_no_other(
    store: ClusterStore, behind: Pool, role: object
) -> None:
    for user in (ALICE, BOB):
        await store.create_account(Account(user, user.username, "hash"))
        await store.create_session(Session(f"of-{user.id}", user.id, 1, 1, 9, "a browser", "hash"), most=20)
    await store.create_room(DEN, ALICE)
    mine = await behind.run(r.table("members").get([DEN.id, ALICE.id]))
    poison = {"id": [DEN.id, BOB.id], "user_id": BOB.id, "role": role}
    await behind.write(r.table("members").insert(mine | poison))
    await behind.write(r.table("sessions").get(f"of-{BOB.id}").replace(lambda row: row.without("used")))
    places = [(DEN.id, user.id) for user in (ALICE, BOB)]
    assert list(await store.memberships(places)) == places[:1]
    assert [one.user_id for one in (await store.members(DEN.id, cursor=None, limit=9)).items] == [ALICE.id]
    assert list(await store.sessions([f"of-{user.id}" for user in (BOB, ALICE)])) == [f"of-{ALICE.id}"]


@pytest.mark.parametrize("poison", [None, {}, {"kind": "member", "seq": 3, "room_id": DEN.id, "id": "x"}])
async def test_what_is_no_entry_in_a_tail_holds_nothing_up(
    store: ClusterStore, behind: Pool, poison: object
) -> None:
    await make_den(store)
    await behind.write(r.table("heads").get(DEN.id).update({"tail": r.row["tail"].append(poison)}))
    await store.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    acked = await store.append(DEN.id, message("1", "secret"))
    await store.append(DEN.id, change(Kind.DELETE, "2", acked.entry.seq))
    await store.anonymise([acked.entry], "nobody")
    await store._logs.flush(DEN.id)
    member = await store.member(DEN.id, BOB.id)
    assert member is not None
    assert member.role is Role.MEMBER
    assert await flushed_refs(behind) == [None, None, "1", "2"]


async def test_reading_passes_over_poison_rows(store: ClusterStore, behind: Pool) -> None:
    for n in range(3):
        await store.append(LOBBY_ID, message(f"{n}"))
    await store._logs.flush(LOBBY_ID)
    junk = [
        None,
        7,
        {"seq": POISON_TIME, "kind": "message"},
        {"room_id": LOBBY_ID, "seq": 3, "kind": "message"},
    ]
    await behind.write(r.table("batches").insert({"id": [LOBBY_ID, 4]}))
    for number, rows in enumerate((POISON_TIME, junk, []), start=5):
        await behind.write(r.table("batches").insert({"id": [LOBBY_ID, number], "rows": rows}))
    await keep_nothing_in_tails(behind)
    async with opened_again(store) as fresh:
        assert [entry.ref for entry in await whole_log(fresh)] == ["0", "1", "2"]
        for page in ({}, {"after": 0}):
            assert [item.ref for item in (await fresh.history(LOBBY_ID, limit=10, **page)).items] == [
                "0",
                "1",
                "2",
            ]
        assert await fresh.message(LOBBY_ID, 3) is not None
        poison = r.table("batches").get([LOBBY_ID, 2])
        rows = poison["rows"].map(lambda row: row.merge({"at": POISON_TIME}))
        await behind.write(poison.update({"rows": rows}, non_atomic=True))
        assert [entry.ref for entry in await fresh.log(LOBBY_ID, after=0, limit=10)] == ["0", "2"]
        acked = [await fresh.append(LOBBY_ID, message(f"{n}", "secret")) for n in range(3, 9)]
        await fresh.append(LOBBY_ID, change(Kind.DELETE, "gone", acked[-1].entry.seq))
        assert [one.entry.seq for one in acked] == [4, 5, 6, 7, 8, 9]
        assert (await fresh.append(LOBBY_ID, message("4", "secret"))).is_new is False


async def keep_nothing_in_tails(behind: Pool) -> None:
    """Leave what is flushed to `batches` alone, as heads do when more has come."""
    emptied = {"flushed": r.row["seq"], "trimmed": r.row["seq"], "tail": []}
    await behind.write(r.table("heads").update(emptied))


# -- batches


async def test_a_message_with_thousands_of_reactions_is_read_and_deleted(
    store: ClusterStore, behind: Pool
) -> None:
    await store.append(LOBBY_ID, message("1", "secret"))
    await store.append(LOBBY_ID, change(Kind.EDIT, "2", 1, body="secret, edited"))
    for part in range(40):
        reactions = (reaction(1, f"user-{part}-{n}") for n in range(60))
        await asyncio.gather(*(store._logs.append(LOBBY_ID, one) for one in reactions))
    await store.append(LOBBY_ID, message("last"))
    await store._logs.flush(LOBBY_ID)
    await keep_nothing_in_tails(behind)
    for page in ({}, {"after": 0}, {"after": 0, "before": 10_000}):
        items = (await store.history(LOBBY_ID, limit=2, **page)).items
        assert [item.ref for item in items] == ["1", "last"]
    found = await store.message(LOBBY_ID, 1)
    assert found is not None
    assert len(found.reactions[0].user_ids) == 2_400
    assert (await store.append(LOBBY_ID, change(Kind.DELETE, "3", 1))).is_new
    assert "secret" not in str(await flushed_rows(behind))


def batches_at_random(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Batches of the lobby as appends make them: some of messages, some of reactions, some of both."""
    batches: list[dict[str, Any]] = []
    seq = 0
    for _ in range(count):
        size = rng.choice([1, 1, 2, 7, 50, 100])
        messages = rng.choice([0, size, rng.randint(0, size)])
        rows = []
        for n in range(size):
            seq += 1
            draft = message(f"{seq}") if n < messages else reaction(seq)
            row = row_of(LOBBY_ID, draft, draft, None) | {
                "seq": seq,
                "number": 0,
                "attempt": f"{len(batches)}",
            }
            rows.append(row)
        batches.append({"id": [LOBBY_ID, rows[0]["seq"]], "attempt": rows[0]["attempt"], "rows": rows})
    return batches


async def test_pages_are_those_of_a_plain_list_however_entries_were_appended(
    store: ClusterStore, behind: Pool
) -> None:
    rng = random.Random(5)  # noqa: S311  the same each time
    batches = batches_at_random(rng, 40)
    await behind.write(r.table("batches").insert(batches))
    rows = [row for batch in batches for row in batch["rows"]]
    emptied = {"seq": len(rows), "flushed": len(rows), "trimmed": len(rows)}
    await behind.write(r.table("heads").get(LOBBY_ID).update(emptied))
    messages = [row["seq"] for row in rows if row["kind"] == Kind.MESSAGE]
    for _ in range(60):
        at, limit = rng.randint(0, len(rows) + 1), rng.choice([1, 10, 100])
        log = await store.log(LOBBY_ID, after=at, limit=limit)
        assert [entry.seq for entry in log] == [*range(at + 1, min(at + limit, len(rows)) + 1)]
        newer, older = [seq for seq in messages if seq > at], [seq for seq in messages if seq < at]
        page = await store.history(LOBBY_ID, after=at, limit=limit)
        assert ([item.seq for item in page.items], page.has_more) == (newer[:limit], len(newer) > limit)
        page = await store.history(LOBBY_ID, before=at, limit=limit)
        assert ([item.seq for item in page.items], page.has_more) == (older[-limit:], len(older) > limit)
        found = await store.message(LOBBY_ID, at)
        assert (found is not None) == (at in messages)


async def test_batches_of_a_life_that_is_over_hide_nothing_of_the_next(
    store: ClusterStore, behind: Pool
) -> None:
    async def write(refs: range) -> None:
        for n in refs:
            await store.append(LOBBY_ID, message(f"{n}"))
            await store._logs.flush(LOBBY_ID)

    await write(range(1, 6))
    await keep_nothing_in_tails(behind)
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    await write(range(6, 11))
    await behind.write(r.table("heads").get(LOBBY_ID).replace(earlier | {"epoch": "another"}))
    async with opened_again(store) as fresh:  # of a copy in which a head is older than the batches
        await asyncio.gather(*(fresh.append(LOBBY_ID, message(f"new {n}", "secret")) for n in range(6, 26)))
        await fresh._logs.flush(LOBBY_ID)
        await keep_nothing_in_tails(behind)
        refs = [*(f"{n}" for n in range(1, 6)), *(f"new {n}" for n in range(6, 26))]
        for after in (0, 7, 12):
            log = await fresh.log(LOBBY_ID, after=after, limit=100)
            assert [entry.ref for entry in log] == refs[after:]
        for page in ({}, {"after": 0}):
            items = (await fresh.history(LOBBY_ID, limit=100, **page)).items
            assert [item.ref for item in items] == refs
        await fresh.append(LOBBY_ID, change(Kind.DELETE, "gone", 20))
        erased = await fresh.message(LOBBY_ID, 20)
        assert erased is not None
        assert erased.deleted


async def test_an_append_is_flushed_whole_by_a_node_that_takes_a_part_of_it_for_flushed(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_flush(store, monkeypatch)
    acked = await asyncio.gather(*(store.append(LOBBY_ID, message(f"{n}")) for n in range(20)))
    other._logs._flushed[LOBBY_ID] = Mark(acked[0].epoch, 13)  # as when a set-back is not noticed yet
    await other._logs.flush(LOBBY_ID)
    batches = await behind.read(r.table("batches"))
    assert [(batch["id"], len(batch["rows"])) for batch in batches] == [([LOBBY_ID, 1], 20)]


async def test_a_ref_that_was_raced_for_in_two_rooms_is_in_each_once(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    with monkeypatch.context() as broken:
        never_flush(store, broken)
        never_flush(other, broken)
        acked = [await store.append(LOBBY_ID, message("1")), await other.append(DEN.id, message("1"))]
    for room_id in (LOBBY_ID, DEN.id):
        await store._logs.flush(room_id)
    await keep_nothing_in_tails(behind)
    async with opened_again(store) as fresh:
        for one in acked:
            retry = await fresh.append(one.entry.room_id, message("1"))
            assert (retry.entry, retry.is_new) == (one.entry, False)


@asynccontextmanager
async def opened_again(store: ClusterStore) -> AsyncIterator[ClusterStore]:
    one = ClusterStore(Pool(store._pool.address))
    try:
        yield one
    finally:
        await one.close()


# -- accounts


async def test_a_name_claimed_by_who_crashed_is_free_again(store: ClusterStore, behind: Pool) -> None:
    claim = {"id": "alice", "user_id": "nobody", "at": ALICE.created_at}
    await behind.write(r.table("names").insert(claim))
    later = replace(ALICE, created_at=ALICE.created_at + CLAIM_MS + 1)
    await store.create_account(Account(later, "alice", "hash"))
    assert await store.account_by_name("alice") == Account(later, "alice", "hash")


# -- who may do what


async def test_the_servers_user_may_read_and_write_its_database_and_nothing_else(
    cluster_url: str, server: RethinkDBServer
) -> None:
    pool = Pool(Address.parse(cluster_url))
    try:
        for query in (
            r.table_create("another"),
            r.table("meta").index_create("at"),
            r.table("meta").config().update({"durability": "soft"}),
            r.db("rethinkdb").table("users").coerce_to("array"),
            r.db_create("another"),
        ):
            with pytest.raises(Unavailable):
                await pool.run(query)
        assert await pool.run(r.table("meta").count()) == 1
    finally:
        await pool.close()


async def test_a_wrong_password_is_said_in_plain_words(cluster_url: str) -> None:
    parts = urlsplit(cluster_url)
    wrong = cluster_url.replace(f":{parts.password}@", ":wrong@")
    with pytest.raises(Unavailable, match="password") as refused:
        await ClusterStore.open(wrong)
    assert "wrong" not in refused.value.message
    assert str(parts.hostname) not in refused.value.message


async def set_back_to_version_1(behind: Pool, server: RethinkDBServer) -> None:
    """Leave the database as version 1 had it, with an account, a session that has been used and one that has ended.

    What is in `batches` is then in `messages`, each entry a row.
    """
    await as_admin(server, r.table_drop("audit"))
    await as_admin(server, r.table_create("messages"))
    await as_admin(server, r.table("messages").wait())
    await as_admin(server, r.table("messages").insert(await flushed_rows(behind)))
    await as_admin(server, r.table_drop("batches"))
    for table, index in (
        ("users", "age"),
        ("users", "name"),
        ("users", "erasing"),
        ("sessions", "user"),
    ):
        await as_admin(server, r.table(table).index_drop(index))
    user = {
        "id": ALICE.id,
        "username": "Alice",
        "username_key": "alice",
        "display_name": "A",
        "created_at": 1,
    }
    await behind.write(r.table("users").insert(user | {"password_hash": "h"}))
    session = {"user_id": ALICE.id, "created_at": 1, "last_used_at": 1, "expires_at": 9, "user_agent": ""}
    used = {"refresh_hash": "h2", "previous_hash": "h1", "rotated_at": 5}
    fresh = {"refresh_hash": "h1", "previous_hash": None, "rotated_at": None}
    for id_, rest in (
        ("used", used | {"ended": False}),
        ("fresh", fresh | {"ended": False}),
        ("over", used | {"ended": True}),
    ):
        await behind.write(r.table("sessions").insert({"id": id_} | session | rest))
    await behind.write(r.table("meta").get("schema_version").update({"value": "1"}))


async def test_a_database_of_version_1_is_brought_up_to_date_with_all_it_holds(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_schema, "QUERY_SECONDS", 0.1)  # there is no other node
    await set_back_to_version_1(behind, server)
    with pytest.raises(Unavailable, match="tailwire init"):  # our own user may not
        await ClusterStore.open(cluster_url)
    await init(server.admin_url, cluster_url, lambda _line: None)
    async with opened(cluster_url) as store:
        found = {one.id: one.used for one in await store.sessions_of(ALICE.id)}
        assert found == {"used": (("h1", 5),), "fresh": ()}
        account = await store.account(ALICE.id)
        assert account is not None
        assert (account.disabled, account.admin, account.erasing) == (False, False, False)
        assert (await store.all_accounts(cursor=None, limit=9)).items == [account]
        assert (await store.users_named("al", cursor=None, limit=9)).items == [account.user]
        assert (await store.audit(cursor=None, limit=9)).items == []


def breaks_off(_database: str, _rows: object) -> NoReturn:
    raise Unavailable


async def test_entries_of_version_1_are_where_they_were_when_they_are_moved(
    cluster_url: str, server: RethinkDBServer, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(cluster_url) as store:
        acked = [await store.append(LOBBY_ID, message(f"{n}", "secret")) for n in range(40)]
        await store.append(LOBBY_ID, change(Kind.EDIT, "edit", 2, body="edited"))
        await store.append(LOBBY_ID, change(Kind.DELETE, "delete", 1))
        await asyncio.gather(*(store.append(LOBBY_ID, message(f"late {n}")) for n in range(3)))
        await store._logs.flush(LOBBY_ID)
        log, history = await whole_log(store), await store.history(LOBBY_ID, limit=100)
    head = await behind.run(r.table("heads").get(LOBBY_ID).pluck("flushed", "trimmed"))
    # some are in the tail, too, and some are not known to be flushed
    assert 0 < head["trimmed"] < head["flushed"] < len(log)
    monkeypatch.setattr(cluster_schema, "MOVED_SLICE", 10)
    monkeypatch.setattr(cluster_schema, "QUERY_SECONDS", 0.1)  # there is no other node
    await set_back_to_version_1(behind, server)
    await behind.write(r.table("heads").insert({"id": "not as we write them"}))
    with monkeypatch.context() as broken:
        broken.setattr(cluster_schema, "_moving", breaks_off)
        with pytest.raises(Unavailable):
            await init(server.admin_url, cluster_url, lambda _line: None)
    pool = Pool(Address.parse(cluster_url))
    with pytest.raises(Unavailable):  # a node that still runs
        await pool.write(r.table("heads").get(LOBBY_ID).update({"retries": 7}))
    await pool.close()
    said: list[str] = []
    await init(server.admin_url, cluster_url, said.append)
    assert any(line.startswith("moving entries: 20 of about ") for line in said)
    assert "messages" not in await behind.run(r.table_list())
    async with opened(cluster_url) as store:
        assert await whole_log(store) == log
        assert await store.history(LOBBY_ID, limit=100) == history
        for one in (acked[3], acked[-1]):
            retry = await store.append(LOBBY_ID, message(one.entry.ref or "", "secret"))
            assert (retry.entry, retry.is_new) == (one.entry, False)
        await store.append(LOBBY_ID, change(Kind.DELETE, "another", 40))
        mine = await store.entries_of(ALICE.id, cursor=None, limit=100)
        assert [entry.seq for entry in mine.items] == [*range(1, 47)]
    flushed = await flushed_rows(behind)
    assert [row["seq"] for row in flushed] == [*range(1, 47)]  # each once
    assert [row["seq"] for row in flushed if row["data"].get("body") == ""] == [1, 40]


async def test_a_user_who_may_brings_an_older_database_up_to_date_at_opening(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    await set_back_to_version_1(behind, server)
    async with opened(f"{server.admin_url}/{cluster_url.rsplit('/', 1)[1]}") as store:
        assert len(await store.sessions_of(ALICE.id)) == 2
        assert (await store.audit(cursor=None, limit=9)).items == []


async def test_a_database_that_is_not_prepared_is_said_in_plain_words(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    nowhere = cluster_url.rsplit("/", 1)[0] + "/nowhere"
    with pytest.raises(Unavailable, match="tailwire init"):
        await ClusterStore.open(nowhere)
    await behind.write(r.table("meta").get("schema_version").update({"value": "999"}))
    with pytest.raises(Unavailable, match="newer Tailwire"):
        await ClusterStore.open(cluster_url)
    await behind.write(r.table("meta").get("schema_version").delete())
    with pytest.raises(Unavailable, match="tailwire init"):
        await ClusterStore.open(cluster_url)


async def test_nobody_there_is_said_in_plain_words() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await ClusterStore.open("rethinkdb://a:b@127.0.0.1:1/tailwire")


@pytest.mark.parametrize(
    "url",
    [
        "rethinkdb://",
        "rethinkdb://host",
        "rethinkdb://host/",
        "rethinkdb://host:port/tailwire",
        "rethinkdb://host:99999/tailwire",
        "rethinkdb://host/tail/wire",
    ],
)
async def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        await ClusterStore.open(url)


async def test_preparing_again_keeps_everything(
    server: RethinkDBServer, cluster_url: str, store: ClusterStore
) -> None:
    acked = await store.append(LOBBY_ID, message("1"))
    said: list[str] = []
    await init(server.admin_url, cluster_url, said.append)
    assert not [line for line in said if "making" in line]
    assert await whole_log(store) == [acked.entry]
    assert (await store.heads([LOBBY_ID]))[LOBBY_ID].epoch == acked.epoch


# -- a database that is set back


async def test_a_database_that_was_set_back_begins_new_epochs_in_every_room(
    restless: ClusterStore, behind: Pool
) -> None:
    await restless.append(LOBBY_ID, message("1"))
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    async with restless.changes() as tail:
        await restless.append(LOBBY_ID, message("2"))
        await told(tail, is_entry(2))
    await behind.write(r.table("heads").insert(earlier, conflict="replace"))  # as a restored copy has it
    await behind.write(r.table("batches").get([LOBBY_ID, 2]).delete())
    async with restless.changes() as tail:
        assert await anext(tail) == [Restored()]
        (head,) = (await restless.heads([LOBBY_ID])).values()
        assert (head.seq, head.epoch != earlier["epoch"]) == (1, True)
        acked = await restless.append(LOBBY_ID, message("another"))
        assert (acked.entry.seq, acked.epoch) == (2, head.epoch)
        assert [entry.ref for entry in await told(tail, is_entry(2)) if isinstance(entry, Entry)] == [
            "another"
        ]
    async with restless.changes() as tail:
        assert not isinstance((await anext(tail))[0], Restored)


WRITTEN_WITH_THE_TAIL_OPEN = {
    "an-earlier-head": lambda head: (
        r.table("heads").get(head["id"]).update({"seq": 1, "tail": head["tail"][:1]})
    ),
    "another-epoch": lambda head: r.table("heads").get(head["id"]).update({"epoch": "another"}),
    "no-head": lambda head: r.table("heads").get(head["id"]).delete(),
    "nothing": lambda _head: r.table("heads").delete(),
}


@pytest.mark.parametrize("write", WRITTEN_WITH_THE_TAIL_OPEN.values(), ids=WRITTEN_WITH_THE_TAIL_OPEN.keys())
@pytest.mark.parametrize("room_id", [LOBBY_ID, DEN.id], ids=["told", "not-told"])
async def test_an_open_tail_notices_that_heads_are_replaced_and_the_next_one_says_so(
    restless: ClusterStore, behind: Pool, write: Callable[[dict[str, Any]], Any], room_id: str
) -> None:
    await restless.create_account(Account(ALICE, "alice", "hash"))
    await restless.create_room(DEN, ALICE)
    await restless.append(DEN.id, message("1"))
    async with restless.changes() as tail:
        for n in range(2, 4):
            await restless.append(LOBBY_ID, message(f"{n}"))
        await told(tail, is_entry(2))
        head = await behind.run(r.table("heads").get(room_id))
        await behind.write(write(head))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)
    for _ in range(2):  # until who listens has heard it, and asks for more
        async with restless.changes() as tail:
            assert await anext(tail) == [Restored()]
    assert head["epoch"] not in {one.epoch for one in (await restless.heads([LOBBY_ID, DEN.id])).values()}
    async with restless.changes() as tail:
        assert await anext(tail) == [Restored()]
        assert await anext(tail) == [Quiet()]
    async with restless.changes() as tail:
        assert not isinstance((await anext(tail))[0], Restored)


async def test_an_emptied_database_is_seen_as_set_back_and_so_is_the_copy_that_is_put_in_its_place(
    restless: ClusterStore, behind: Pool
) -> None:
    await restless.append(LOBBY_ID, message("1"))
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    async with restless.changes() as tail:
        await restless.append(LOBBY_ID, message("2"))
        await told(tail, is_entry(2))
    await behind.write(r.table("heads").delete())
    async with restless.changes() as tail:
        assert await anext(tail) == [Restored()]
        assert await anext(tail) == [Quiet()]
        await behind.write(r.table("heads").insert(earlier))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)
    async with restless.changes() as tail:
        assert await anext(tail) == [Restored()]
    (head,) = (await restless.heads([LOBBY_ID])).values()
    assert (head.seq, head.epoch != earlier["epoch"]) == (1, True)


async def test_a_renewal_of_epochs_that_was_broken_off_is_finished_by_whoever_opens_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.create_account(Account(ALICE, "alice", "hash"))
    rooms = [LOBBY_ID, *(f"room-{n}" for n in range(4))]
    for room_id in rooms[1:]:
        await store.create_room(replace(DEN, id=room_id), ALICE)
    old = {head.epoch for head in (await store.heads(rooms)).values()}
    async with store.changes() as tail:
        await store.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
    await behind.write(r.table("heads").get(LOBBY_ID).update({"seq": 0, "tail": []}))

    slices: list[Any] = []

    def breaks_off_once(name: str, last: Any) -> Any:
        slices.append(last)
        if len(slices) == 2:
            raise Unavailable
        return cluster_queries.renewal_query(name, last)

    monkeypatch.setattr(cluster_queries, "RENEWAL_SLICE", 2)
    monkeypatch.setattr(cluster_life, "renewal_query", breaks_off_once)
    with pytest.raises(Unavailable):
        async with store.changes():
            pass
    half = {head.epoch for head in (await store.heads(rooms)).values()}
    assert (len(half - old), len(half & old)) == (2, 3)
    async with other.changes() as tail:
        assert await anext(tail) == [Restored()]
    whole = {head.epoch for head in (await store.heads(rooms)).values()}
    assert (len(whole - old), whole & half) == (5, half - old)
    async with store.changes() as tail:
        assert await anext(tail) == [Restored()]
    assert {head.epoch for head in (await store.heads(rooms)).values()} == whole


async def test_what_was_flushed_in_another_epoch_is_not_taken_for_flushed(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append(LOBBY_ID, message("0"))
    earlier = await behind.run(r.table("heads").get(LOBBY_ID))
    await asyncio.gather(*(store.append(LOBBY_ID, message(f"{n}")) for n in range(1, 60)))
    await store._logs.flush(LOBBY_ID)
    await behind.write(r.table("heads").insert(earlier | {"epoch": "another"}, conflict="replace"))
    await behind.write(r.table("batches").filter(r.row["id"].nth(1) > 1).delete())
    never_flush(other, monkeypatch)
    after = [f"after-{n}" for n in range(80)]
    await asyncio.gather(*(other.append(LOBBY_ID, message(ref)) for ref in after))
    await store.append(LOBBY_ID, message("last"))
    await store._logs.flush(LOBBY_ID)
    assert {entry.ref for entry in await whole_log(store)} == {"0", *after, "last"}
    assert await flushed_refs(behind) == [entry.ref for entry in await whole_log(store)]


# -- a tail's own


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Which rooms tails have read, each time that one has."""
    asked: list[set[str]] = []
    grown_query = cluster_queries.grown_query

    def counted(after: dict[str, int]) -> Any:
        asked.append(set(after))
        return grown_query(after)

    monkeypatch.setattr(cluster_tail, "grown_query", counted)
    return asked


async def test_what_a_node_has_appended_itself_is_told_and_not_read(
    store: ClusterStore, other: ClusterStore, asked: list[set[str]]
) -> None:
    async with store.changes() as tail, other.changes() as elsewhere:
        hearing = asyncio.create_task(told(tail, is_entry(5)))
        acked = [(await store.append(LOBBY_ID, message(f"{n}"))).entry for n in range(5)]
        assert await hearing == acked
        assert not asked
        assert await told(elsewhere, is_entry(5)) == acked
        assert asked
        asked.clear()
        theirs = await other.append(LOBBY_ID, message("theirs"))
        ours = await store.append(LOBBY_ID, message("ours"))
        assert await told(tail, is_entry(7)) == [theirs.entry, ours.entry]
        assert asked


async def test_a_tail_does_not_tell_what_its_own_node_has_deleted_meanwhile(store: ClusterStore) -> None:
    async with store.changes() as tail:
        await store.append(LOBBY_ID, message("1", "secret"))
        await store.append(LOBBY_ID, change(Kind.DELETE, "2", 1))
        first, second = await told(tail, is_entry(2))
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert (first.data["body"], second.kind) == ("", Kind.DELETE)


async def test_what_was_lost_with_a_life_of_the_database_is_not_told_in_the_next(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_settled() -> bool:
        return not store._logs._flushes

    async def away(_room_id: str) -> None:
        raise Unavailable

    await make_den(other)
    await store.append(DEN.id, message("1"))
    await until(is_settled)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    with monkeypatch.context() as broken:
        broken.setattr(store._logs, "flush", away)
        lost_one = await store.append(DEN.id, message("2", "of the lost life"))
        await behind.write(r.table("heads").get(DEN.id).replace(earlier))
    await until(is_settled)
    assert not store._unflushed, "the flush has seen that it is gone"
    async with other.changes() as elsewhere, store.changes() as tail:
        assert await anext(tail) == [Restored()], "it was acked, and is gone"
        theirs = (await eventually(lambda: other.append(DEN.id, message("3", "theirs")))).entry
        assert theirs.seq == lost_one.entry.seq
        assert (await told(tail, is_entry(theirs.seq, DEN.id)))[-1] == theirs
        with pytest.raises(Unavailable):
            await lost(elsewhere)  # of the epoch that is over


@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_tail_waits_for_an_append_of_its_own_node_but_not_for_long(
    store: ClusterStore, asked: list[set[str]], monkeypatch: pytest.MonkeyPatch, is_answered: bool
) -> None:
    await store.append(LOBBY_ID, message("1"))
    answer, run = asyncio.Event(), store._pool.run

    async def answered_late(query: Any) -> Any:
        found = await run(query)
        if isinstance(found, dict) and "first" in found:
            await answer.wait()
        return found

    monkeypatch.setattr(store._pool, "run", answered_late)
    async with store.changes() as tail:
        appending = asyncio.create_task(store.append(LOBBY_ID, message("2")))
        if is_answered:
            asyncio.get_running_loop().call_later(0.05, answer.set)
        (entry,) = await told(tail, is_entry(2))
        answer.set()
        assert entry == (await appending).entry
    assert bool(asked) is not is_answered


async def test_rooms_that_nobody_wants_are_not_read_but_for_changes_of_membership(
    store: ClusterStore, other: ClusterStore, asked: list[set[str]]
) -> None:
    wanted = {LOBBY_ID}
    await make_den(other)
    async with store.changes(wanted.__contains__) as tail:
        for n in range(40):  # more than a tail keeps
            await other.append(DEN.id, message(f"unheard {n}"))
        await other.append(LOBBY_ID, message("heard"))
        heard = [one for one in await told(tail, is_entry(1)) if isinstance(one, Entry)]
        assert [entry.ref for entry in heard] == ["heard"]
        assert asked == [{LOBBY_ID}]

        joined = await other.join(DEN.id, BOB, Role.MEMBER, at=1)
        assert joined is not None
        heard = [
            one for one in await told(tail, is_entry(joined.entry.seq, DEN.id)) if isinstance(one, Entry)
        ]
        assert heard[-1] == joined.entry

        wanted.add(DEN.id)
        known = (await store.heads([DEN.id]))[DEN.id].seq
        await other.append(DEN.id, message("1"))
        heard = [one for one in await told(tail, is_entry(known + 1, DEN.id)) if isinstance(one, Entry)]
        assert heard[-1].ref == "1"
        assert len(heard) <= 2  # what was passed over is not read after all


async def test_a_database_that_is_set_back_is_noticed_by_who_heard_nothing_of_it(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await make_den(other)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    wanted = {LOBBY_ID}
    async with store.changes(wanted.__contains__) as tail:
        await other.append(DEN.id, message("1"))
        await other._logs.flush(DEN.id)
        await other.append(DEN.id, message("2"))  # it tells the head of the flush

        async def is_noted() -> bool:
            head = await behind.run(r.table("heads").get(DEN.id))
            return bool(head["flushed"] > earlier["seq"])

        await until(is_noted)
        await other.append(LOBBY_ID, message("3"))
        await told(tail, is_entry(1))  # and with it, what was noted before
    await behind.write(r.table("heads").get(DEN.id).replace(earlier))
    async with store.changes(wanted.__contains__) as tail:
        assert await anext(tail) == [Restored()]


async def test_a_database_that_is_set_back_is_noticed_by_who_only_asked_where_a_room_ends(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await make_den(other)
    earlier = await behind.run(r.table("heads").get(DEN.id))
    await other.append(DEN.id, message("1"))
    await store.heads([DEN.id])
    await behind.write(r.table("heads").get(DEN.id).replace(earlier))
    async with store.changes() as tail:
        assert await anext(tail) == [Restored()]


SHOWN_AND_GONE: dict[str, Callable[[dict[str, Any]], Any]] = {
    # A changefeed shows what a crash takes back.
    "made": lambda head: r.table("heads").insert(head | {"id": "room-new", "seq": 0, "flushed": 0}),
    "poison": lambda head: r.table("heads").get(head["id"]).update({"flushed": 10**12}),
    "negative": lambda head: r.table("heads").insert(head | {"id": "room-odd", "seq": -5}),
    "negative, nothing flushed": lambda head: r.table("heads").insert(
        head | {"id": "room-odd", "seq": -5, "flushed": 0}
    ),
}


@pytest.mark.parametrize("write", SHOWN_AND_GONE.values(), ids=SHOWN_AND_GONE.keys())
async def test_what_a_feed_shows_is_not_taken_for_what_the_database_must_hold(
    restless: ClusterStore, other: ClusterStore, behind: Pool, write: Callable[[dict[str, Any]], Any]
) -> None:
    await make_den(other)
    async with restless.changes({LOBBY_ID}.__contains__) as tail:
        head = await behind.run(r.table("heads").get(DEN.id))
        await behind.write(write(head))
        await other.append(LOBBY_ID, message("1"))
        await told(tail, is_entry(1))
    await restless.heads([DEN.id, "room-odd"])
    await behind.write(r.table("heads").get("room-new").delete())
    async with restless.changes() as tail:
        assert await anext(tail) != [Restored()]


async def test_a_tail_whose_reading_fails_is_lost_and_not_silent(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(connection: Any, query: Any) -> AsyncIterator[dict[str, Any]]:
        async for row in rethinkdb.tail(connection, query):
            if "new" in row:
                raise ZeroDivisionError
            yield row

    monkeypatch.setattr(cluster_tail, "tail", failing)
    async with store.changes() as tail:
        await store.append(LOBBY_ID, message("1"))
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await lost(tail)


async def test_a_tail_leaves_no_beat_behind_and_removes_those_that_others_left(
    restless: ClusterStore, behind: Pool
) -> None:
    now = r.now().to_epoch_time()
    for beat in ({"id": "gone", "at": now - 3_600}, {"id": "broken"}, {"id": "alive", "at": now - 10}):
        await behind.write(r.table("beats").insert(beat))
    for _ in range(2):
        async with restless.changes() as tail:
            await anext(tail)

    async def are_gone() -> bool:
        return await behind.read(r.table("beats")["id"]) == ["alive"]

    await until(are_gone)


# -- a slow query


async def test_a_query_that_takes_too_long_leaves_the_other_connection_in_use(
    behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rethinkdb, "QUERY_SECONDS", 0.5)
    slow = r.range(10**9).map(lambda n: n + 1).count()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await behind.run(slow)
        assert await behind.run(r.expr(1)) == 1
