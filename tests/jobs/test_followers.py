"""Followers read every entry of every room, whatever ends them, and one process at a time."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from api.config import Settings
from api.errors import Unavailable
from api.feed import Feed
from api.jobs import followers as module
from api.jobs import turns, wiring
from api.jobs.followers import Batch, Follower, Followers, UnderWay
from api.jobs.leases import LeaseHolder
from api.models.followers import FollowerPosition, Lease, Progress, Start
from api.models.rooms import LOBBY_ID, Room
from api.realtime.hub import Hub
from api.realtime.presence import Presence
from api.realtime.revocation import Revocation
from api.realtime.signals import Signals
from api.store import backup_store, open_store, restore_store
from api.store.base.store import Store
from api.tasks import Tasks
from tests.node import SECONDS, eventually
from tests.node import running as running_node
from tests.store.calls import delete_room, send
from tests.store.make import ALICE, BEGUN, DEN, make_room, message
from tests.stranger import Stranger

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

NAME = "reader"
Key = tuple[str, str, int]


class Reader:
    """Notes what it is given, in order, under the key of each effect. `before` may hold a batch up, or fail."""

    def __init__(self, before: Callable[[Batch], Awaitable[None]] | None = None) -> None:
        self.keys: list[Key] = []
        self.numbers: list[int] = []
        self.sizes: list[int] = []
        self.forgotten: list[str] = []
        self._before = before

    async def __call__(self, batch: Batch) -> None:
        if self._before is not None:
            await self._before(batch)
        self.sizes.append(len(batch.entries))
        for entry in batch.entries:
            assert entry.room_id == batch.room_id
            self.keys.append((batch.room_id, batch.epoch, entry.seq))
            self.numbers.append(batch.lease.number)

    async def forget(self, room_id: str) -> None:
        self.forgotten.append(room_id)

    def seqs(self, room_id: str) -> list[int]:
        return [seq for room, _, seq in self.keys if room == room_id]

    async def until(self, room_id: str, seq: int, count: int = 1) -> None:
        """Wait until this entry was given so often."""

        async def is_given() -> bool:
            return self.seqs(room_id).count(seq) >= count

        await eventually(is_given)


def feed_of(store: Store, hub: Hub, follower: Follower) -> Feed:
    """Return a feed that wakes a follower."""
    return Feed(
        store,
        hub,
        Revocation(store, hub),
        Signals(hub, store.signals),
        presence=Presence(store.presence, store.signals, hub),
        listeners=[Followers([follower])],
    )


@asynccontextmanager
async def running(
    store: Store,
    reader: Reader,
    start: Start = Start.BEGINNING,
    *,
    name: str = NAME,
    under_way: UnderWay = lambda _room_id: None,
) -> AsyncIterator[Follower]:
    """Run a follower beside a feed, as a node does. The feed is live before the block begins."""
    follower = Follower(
        store, LeaseHolder(store), name, reader, start=start, forget=reader.forget, under_way=under_way
    )
    hub = Hub(connections_per_user=1)
    feed = feed_of(store, hub, follower)
    tasks = Tasks()
    tasks.keep("feed", feed.run)
    tasks.keep("follower", follower.run)

    async def is_live() -> bool:
        return feed.state.is_live

    try:
        await eventually(is_live)
        yield follower
    finally:
        await tasks.close()


async def reached(store: Store, room_id: str) -> int | None:
    return (await store.positions.get_many(NAME, [room_id]))[room_id].reached


async def is_reached(store: Store, room_id: str, seq: int) -> None:
    """Wait until the stored position is there."""

    async def is_there() -> bool:
        return await reached(store, room_id) == seq

    await eventually(is_there)


async def fill(store: Store, room_id: str, *refs: str) -> int:
    """Append messages at once, and return the last seq."""
    answers = await asyncio.gather(*(store.log.append(room_id, message(ref)) for ref in refs))
    return max(answer.entry.seq for answer in answers)


async def test_a_follower_is_given_every_entry_of_every_room_once_and_in_order(
    store: Store, other: Store, den: Room
) -> None:
    await send(store, den, "three")
    await fill(store, LOBBY_ID, "lobby")
    reader = Reader()
    async with running(store, reader) as follower:
        await reader.until(den.id, 3)
        await send(other, den, "four")
        await send(store, den, "five")
        await reader.until(den.id, 5)
        await reader.until(LOBBY_ID, 1)
        await is_reached(store, den.id, 5)
        assert (follower.lag, follower.handled_count, follower.failure_count) == (0, 6, 0)
    assert (reader.seqs(den.id), reader.seqs(LOBBY_ID)) == ([1, 2, 3, 4, 5], [1])
    again = Reader()
    async with running(other, again):
        await send(store, den, "six")
        await again.until(den.id, 6)
    assert again.seqs(den.id) == [6]


async def test_a_follower_that_begins_now_is_given_what_comes_and_all_of_a_new_room(
    store: Store, den: Room
) -> None:
    (one,) = await send(store, den, "one")
    reader = Reader()
    async with running(store, reader, Start.NOW):
        await is_reached(store, den.id, one)
        await eventually(lambda: store.kept(f"follower {NAME} has started"))
        (two,) = await send(store, den, "two")
        await reader.until(den.id, two)
    room = make_room(7)
    await store.rooms.create(room, ALICE)
    async with running(store, reader, Start.NOW):
        await reader.until(room.id, BEGUN)
    assert (reader.seqs(den.id), reader.seqs(room.id)) == ([two], [1, BEGUN])


async def test_a_room_that_fails_is_tried_again_and_keeps_no_other_waiting(store: Store, den: Room) -> None:
    failures = [ValueError("no"), RuntimeError("not yet"), TimeoutError()]

    async def fail(batch: Batch) -> None:
        if batch.room_id == den.id and failures:
            raise failures.pop()

    reader = Reader(fail)
    async with running(store, reader) as follower:
        (seq,) = await send(store, den, "hello")
        await fill(store, LOBBY_ID, "a")
        await reader.until(LOBBY_ID, 1)
        await reader.until(den.id, seq)
        assert follower.failure_count == 3
        await is_reached(store, den.id, seq)
    assert set(reader.seqs(den.id)) == {1, BEGUN, seq}


async def test_a_busy_room_takes_turns_with_the_others(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    await fill(store, LOBBY_ID, *(f"r{n}" for n in range(50)))  # its id comes before that of the den
    reader = Reader()
    async with running(store, reader):
        await reader.until(LOBBY_ID, 50)
        await reader.until(den.id, BEGUN)
    assert reader.seqs(LOBBY_ID) == list(range(1, 51))
    assert [room for room, _, _ in reader.keys].index(den.id) <= 10


async def test_a_position_is_stored_after_a_hundred_entries_at_the_latest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 3_600)
    await fill(store, LOBBY_ID, *(f"r{n}" for n in range(350)))
    ahead: list[int] = []

    async def look(batch: Batch) -> None:
        ahead.append(batch.entries[-1].seq - (await reached(store, LOBBY_ID) or 0))

    reader = Reader(look)
    async with running(store, reader):
        await reader.until(LOBBY_ID, 350)
        await fill(store, LOBBY_ID, "one more")
        await reader.until(LOBBY_ID, 351)
    assert reader.seqs(LOBBY_ID) == list(range(1, 352))
    assert max(ahead) == 100


async def test_a_position_waits_for_what_is_under_way_unless_that_is_far_behind(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.02)
    monkeypatch.setattr(module, "MOST_HELD", 40)
    first: dict[str, int] = {LOBBY_ID: 3}
    reader = Reader()
    async with running(store, reader, under_way=first.get):
        await fill(store, LOBBY_ID, *(f"a{n}" for n in range(5)))
        await is_reached(store, LOBBY_ID, 2)
        await is_reached(store, den.id, BEGUN)
    async with running(store, reader, under_way=first.get):
        await reader.until(LOBBY_ID, 5, count=2)
        assert reader.seqs(LOBBY_ID) == [1, 2, 3, 4, 5, 3, 4, 5]
        await fill(store, LOBBY_ID, *(f"b{n}" for n in range(37)))
        await reader.until(LOBBY_ID, 42)
        assert await reached(store, LOBBY_ID) == 2
        await fill(store, LOBBY_ID, "c")
        await is_reached(store, LOBBY_ID, 43)
        first[LOBBY_ID] = 44
        await fill(store, LOBBY_ID, "d")
        await reader.until(LOBBY_ID, 44)
        await is_reached(store, LOBBY_ID, 43)
        first.clear()
        await is_reached(store, LOBBY_ID, 44)


class Moments:
    """Counts the moments that a follower passes: before and after each call of the store, and each effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *stores: Store) -> None:
        self._left = 0
        self.is_over = asyncio.Event()
        for store in stores:
            for part, name in (
                (store.leases, "acquire"),
                (store.positions, "page"),
                (store.positions, "get_many"),
                (store.positions, "advance"),
                (store.log, "entries"),
            ):
                monkeypatch.setattr(part, name, self._counting(getattr(part, name)))

    def start(self, count: int) -> None:
        """Let `is_over` come after so many moments."""
        self._left = count
        self.is_over.clear()

    async def passed(self) -> None:
        """Count a moment. At the last one everything stands still, until it is cancelled."""
        self._left -= 1
        if self._left <= 0:
            self.is_over.set()
            await asyncio.Event().wait()

    def _counting(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*arguments: Any, **named: Any) -> Any:
            if self.is_over.is_set():
                return await call(*arguments, **named)  # what the test itself asks
            await self.passed()
            answer = await call(*arguments, **named)
            await self.passed()
            return answer

        return counted


async def test_a_follower_that_ends_at_any_moment_leaves_no_entry_out(
    store: Store, other: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred times a holder ends at a random moment, on either node, and its handling fails at times."""
    rng = random.Random(19)  # noqa: S311  no secret
    done: Counter[Key] = Counter()
    seqs = {den.id: BEGUN, LOBBY_ID: 0}
    moments = Moments(monkeypatch, store, other)
    moments.is_over.set()
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.02)

    async def sometimes(_batch: Batch) -> None:
        await moments.passed()
        if rng.random() < 0.2:
            raise ValueError("no")

    for number in range(100):
        reader = Reader(sometimes)
        before = {room_id: await reached(store, room_id) or 0 for room_id in seqs}
        for room_id in seqs:
            for n in range(rng.randint(0, 2)):
                seqs[room_id] = await fill(store, room_id, f"{room_id} {number} {n}")
        via = rng.choice((store, other))
        moments.start(rng.randint(1, 40))
        task = asyncio.create_task(Follower(via, LeaseHolder(via), NAME, reader).run())
        with suppress(TimeoutError):  # there may be less to do
            async with asyncio.timeout(0.05):
                await moments.is_over.wait()
        moments.is_over.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        done.update(reader.keys)
        for room_id, earlier in before.items():
            now = await reached(store, room_id) or 0
            assert now >= earlier, "a position never moves back"
            seen = {seq for room, _, seq in done if room == room_id}
            assert seen >= set(range(1, now + 1)), "a position is stored after what it stands for"
    last = Reader()
    async with running(store, last):
        for room_id, seq in seqs.items():
            await is_reached(store, room_id, seq)
    done.update(last.keys)
    assert min(seqs.values()) > 50
    for room_id, seq in seqs.items():
        assert {one for room, _, one in done if room == room_id} == set(range(1, seq + 1))


async def test_who_takes_over_goes_on_and_the_late_writes_of_the_holder_before_change_nothing(
    store: Store, other: Store, den: Room, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(store, den, "three")
    stopped, may_go_on = asyncio.Event(), asyncio.Event()
    refused: list[BaseException] = []
    advance = store.positions.advance

    async def paused(lease: Lease, positions: Sequence[FollowerPosition]) -> dict[str, FollowerPosition]:
        """Store a position that stands for entries only when the process goes on after a long pause."""
        if any(one.seq for one in positions):
            stopped.set()
            await asyncio.shield(may_go_on.wait())
        try:
            return await advance(lease, positions)
        except Exception as error:
            refused.append(error)
            raise

    monkeypatch.setattr(store.positions, "advance", paused)
    monkeypatch.setattr(store.leases, "renew", never)
    first, second = Reader(), Reader()
    async with running(store, first):
        async with asyncio.timeout(SECONDS):
            await stopped.wait()
        await stranger.end_lease(NAME)
        async with running(other, second):
            await second.until(den.id, 3)
            await is_reached(store, den.id, 3)
            await send(other, den, "four")
            await is_reached(store, den.id, 4)
            may_go_on.set()

            async def is_refused() -> bool:
                return bool(refused)

            await eventually(is_refused)
            assert await reached(store, den.id) == 4
    assert [type(one).__name__ for one in refused[:1]] == ["LeaseLost"]
    assert (set(first.numbers), set(second.numbers)) == ({1}, {2})
    assert second.seqs(den.id) == [1, 2, 3, 4]


async def never(_lease: Lease) -> bool:
    await asyncio.Event().wait()
    return False


async def test_two_nodes_never_both_run_a_follower(store: Store, other: Store, den: Room) -> None:
    one, two = Reader(), Reader()
    async with running(store, one) as first, running(other, two) as second:
        for number in range(20):
            await fill((store, other)[number % 2], den.id, f"r{number}")
        reader = one if first.handled_count else two
        await reader.until(den.id, BEGUN + 20)
        assert 0 in {first.handled_count, second.handled_count}
    assert sorted(one.seqs(den.id) + two.seqs(den.id)) == list(range(1, BEGUN + 21))


async def send_when_compared(store: Store, room: Room, body: str) -> None:
    """Append a message, once the store has compared a database that was put back: until then it takes none."""

    async def is_sent() -> bool:
        with suppress(Unavailable):
            return bool(await send(store, room, body))
        return False

    await eventually(is_sent)


async def test_after_a_restore_it_goes_on_after_the_last_entry_that_both_lives_share(
    store: Store, den: Room, stranger: Stranger
) -> None:
    await send(store, den, "three")
    first = Reader()
    async with running(store, first):
        await is_reached(store, den.id, 3)
    await stranger.begin_new_epoch(den.id)
    await send(store, den, "four")
    second = Reader()
    async with running(store, second):
        await is_reached(store, den.id, 4)
        await stranger.begin_new_epoch(den.id)  # also while it runs
        await send_when_compared(store, den, "five")
        await is_reached(store, den.id, 5)
    epochs = {seq: epoch for _, epoch, seq in [*first.keys, *second.keys]}
    assert (first.seqs(den.id), second.seqs(den.id)) == ([1, 2, 3], [4, 5])
    assert len({epochs[seq] for seq in (3, 4, 5)}) == 3


@pytest.mark.stores("sqlite")
async def test_what_a_restored_copy_is_given_anew_is_handled_and_what_both_lives_share_is_not(
    store_url: str, tmp_path: Path, stranger: Stranger
) -> None:
    copy, reader = tmp_path / "copy.db", Reader()
    store = await open_store(store_url)
    await fill(store, LOBBY_ID, "one", "two")
    async with running(store, reader):
        await is_reached(store, LOBBY_ID, 2)
        backup_store(store_url, copy)
        await fill(store, LOBBY_ID, "old three", "old four")
        await is_reached(store, LOBBY_ID, 4)
    await store.close()
    restore_store(store_url, copy, force=True)
    await stranger.end_lease(NAME)  # the copy is older than a lease lasts
    store = await open_store(store_url)
    await fill(store, LOBBY_ID, "new three")
    async with running(store, reader):
        await is_reached(store, LOBBY_ID, 3)
    await store.close()
    assert reader.seqs(LOBBY_ID) == [1, 2, 3, 4, 3]
    assert len(set(reader.keys)) == 5, "the new entry has a key of its own"


async def test_entries_that_were_read_while_the_epoch_changed_are_not_handled_under_the_old_one(
    store: Store, den: Room, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = store.log.entries
    has_changed = False

    async def late(room_id: str, *, after: int, limit: int) -> Any:
        nonlocal has_changed
        if room_id == den.id and not has_changed:
            has_changed = True
            await stranger.begin_new_epoch(den.id)
            await send_when_compared(store, den, "of the new life")
        return await entries(room_id, after=after, limit=limit)

    monkeypatch.setattr(store.log, "entries", late)
    reader = Reader()
    async with running(store, reader):
        await reader.until(den.id, BEGUN + 1)
    new = (await store.log.heads([den.id]))[den.id].epoch
    assert {epoch for room, epoch, seq in reader.keys if (room, seq) == (den.id, BEGUN + 1)} == {new}


async def test_a_room_that_was_deleted_is_forgotten(store: Store, den: Room) -> None:
    reader = Reader()
    async with running(store, reader):
        await is_reached(store, den.id, BEGUN)
        await delete_room(store, den)

        async def is_forgotten() -> bool:
            return bool(reader.forgotten)

        await eventually(is_forgotten)
    assert await reached(store, den.id) is None
    assert reader.forgotten == [den.id]
    async with running(store, reader):
        await fill(store, LOBBY_ID, "a")
        await reader.until(LOBBY_ID, 1)
    assert (reader.forgotten, reader.seqs(den.id)) == ([den.id], [1, BEGUN])


async def test_no_room_is_missed_that_grows_while_heads_and_positions_are_compared(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rooms grow between the reading of the slice in which they are and the end of the comparing."""
    await fill(store, LOBBY_ID, "a")
    reader, page = Reader(), store.positions.page
    async with running(store, reader):
        await is_reached(store, LOBBY_ID, 1)
        await is_reached(store, den.id, BEGUN)
    grows, is_compared = True, asyncio.Event()

    async def compared(follower: str, *, after: str, limit: int) -> list[Progress]:
        nonlocal grows
        found = await page(follower, after=after, limit=limit)
        if found and grows:
            grows = False
            await fill(store, LOBBY_ID, "b")
            await fill(store, den.id, "c")
        elif not found:
            is_compared.set()
        return found

    monkeypatch.setattr(store.positions, "page", compared)
    async with running(store, reader):
        await reader.until(LOBBY_ID, 2)
        await reader.until(den.id, BEGUN + 1)


async def test_what_grew_while_the_feed_was_away_is_handled_when_it_is_back(
    store: Store, other: Store, den: Room
) -> None:
    reader = Reader()
    follower = Follower(store, LeaseHolder(store), NAME, reader)
    hub = Hub(connections_per_user=1)
    feed = feed_of(store, hub, follower)
    task = asyncio.create_task(follower.run())
    try:
        await is_reached(store, den.id, BEGUN)
        (one,) = await send(other, den, "one")
        feeding = asyncio.create_task(feed.run())
        await reader.until(den.id, one)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        (two,) = await send(other, den, "two")
        feeding = asyncio.create_task(feed.run())
        await reader.until(den.id, two)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_room_that_grows_while_heads_are_compared_is_found_when_they_are_compared_again(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the feed comes back in the midst of comparing: nobody tells of what grew before."""
    reader, page = Reader(), store.positions.page
    follower = Follower(store, LeaseHolder(store), NAME, reader)
    grows = True

    async def compared(name: str, *, after: str, limit: int) -> list[Progress]:
        nonlocal grows
        found = await page(name, after=after, limit=limit)
        if found and grows and await reached(store, den.id) == BEGUN:
            grows = False
            await fill(store, den.id, "b")
            follower.compare()
        return found

    monkeypatch.setattr(store.positions, "page", compared)
    task = asyncio.create_task(follower.run())
    try:
        await is_reached(store, den.id, BEGUN)
        follower.compare()
        await reader.until(den.id, BEGUN + 1)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_grows_just_before_the_feed_is_open_is_found(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, opened = Reader(), store.changes.open

    @asynccontextmanager
    async def late(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
        await is_reached(store, den.id, BEGUN)
        for _ in range(9):  # whatever was being compared is compared by now
            await store.positions.page(NAME, after="", limit=9)
        await fill(store, den.id, "in between")
        async with opened(*arguments, **named) as tail:
            yield tail

    monkeypatch.setattr(store.changes, "open", late)
    async with running(store, reader):
        await reader.until(den.id, BEGUN + 1)


async def test_two_thousand_rooms_are_compared_in_slices_and_only_those_that_have_grown_are_read(
    store: Store, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = [f"room-{n:04}" for n in range(2_000)]
    await stranger.make_logs(rooms)
    reader = Reader()
    async with running(store, reader, Start.NOW):
        await eventually(lambda: store.kept(f"follower {NAME} has started"))
    grown = rooms[::431]
    for room_id in grown:
        await fill(store, room_id, room_id)
    slices: list[int] = []
    read: list[str] = []
    page, entries = store.positions.page, store.log.entries

    async def counted(follower: str, *, after: str, limit: int) -> list[Progress]:
        found = await page(follower, after=after, limit=limit)
        slices.append(len(found))
        return found

    async def noted(room_id: str, *, after: int, limit: int) -> Any:
        read.append(room_id)
        return await entries(room_id, after=after, limit=limit)

    monkeypatch.setattr(store.positions, "page", counted)
    monkeypatch.setattr(store.log, "entries", noted)
    async with running(store, reader, Start.NOW):
        for room_id in grown:
            await reader.until(room_id, 1)
    assert max(slices) == module.SLICE
    assert sum(slices[: slices.index(0)]) == 2_001
    assert set(read) == set(grown)
    assert {room for room, _, _ in reader.keys} == set(grown)


async def test_a_follower_remembers_no_more_than_it_may_and_misses_nothing(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_WAITING", 3)
    monkeypatch.setattr(module, "MAX_KNOWN", 3)
    monkeypatch.setattr(module, "SLICE", 4)
    rooms = [make_room(n) for n in range(20)]
    for room in rooms:
        await store.rooms.create(room, ALICE)
    reader = Reader()
    async with running(store, reader) as follower:
        for room in rooms:
            await fill(store, room.id, room.id)
        for room in rooms:
            await is_reached(store, room.id, BEGUN + 1)
        shift = follower._shift
        assert shift is not None
        assert len(shift._known) <= 3 + len(shift._unwritten)
    assert Counter(room for room, _, _ in reader.keys) == {
        **dict.fromkeys((room.id for room in rooms), BEGUN + 1),
        DEN.id: BEGUN,
    }


@pytest.mark.stores("sqlite")
async def test_a_node_runs_its_followers_and_metrics_show_how_they_do_while_it_stays_ready(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = True

    async def fail(_batch: Batch) -> None:
        if fails:
            raise ValueError("the receiver is down")

    reader = Reader(fail)
    monkeypatch.setattr(wiring, "followers_of", lambda store, held: [Follower(store, held, NAME, reader)])
    async with running_node(Settings(store=store_url, signup="open")) as node:
        alice = await node.sign_up("alice")
        text = ""

        async def shows(*lines: str) -> bool:
            nonlocal text
            text = (await node.client().get("/metrics")).text
            return all(f"\n{line}\n" in text for line in lines)

        labels = f'{{follower="{NAME}"}}'
        failing = (f'tailwire_lease_held{{lease="{NAME}"}} 1.0', f"tailwire_follower_lag_entries{labels} 1.0")
        await eventually(lambda: shows(*failing))
        assert f"tailwire_follower_failures_total{labels} 0.0" not in text
        assert (await node.client().get("/readyz")).status_code == 200
        fails = False
        sent = await alice.http.post(f"/rooms/{LOBBY_ID}/messages", json={"ref": "r", "body": "hello"})
        await reader.until(LOBBY_ID, sent.json()["seq"])
        done = (f"tailwire_follower_lag_entries{labels} 0.0", f"tailwire_follower_entries_total{labels} 2.0")
        await eventually(lambda: shows(*done))
