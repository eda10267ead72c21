"""What every store promises of following its changes."""

import asyncio
from collections.abc import Callable

import pytest

from api.errors import Unavailable
from api.models.accounts import Rotation, User
from api.models.changes import Change, Grown, Quiet, SessionEnded
from api.models.log import Entry, Kind
from api.models.rooms import LOBBY_ID, Role, Room
from api.store import open_store
from api.store.base.changes import QUIET_SECONDS
from api.store.base.store import Store
from tests.store.calls import (
    WAIT_SECONDS,
    collect,
    ends,
    entries_of,
    reaches,
    rotate,
    send,
    whole_log,
)
from tests.store.make import BEGUN, BOB, DEN, delete, edit, message, reaction, session_of

pytestmark = pytest.mark.anyio


async def test_changes_come_in_the_order_of_seq_whoever_makes_them(
    store: Store, other: Store, den: Room
) -> None:
    async with store.changes.open() as tail:
        await asyncio.gather(
            *(
                via.log.append(room_id, message(f"{room_id}-{n}", by=BOB))
                for n, via in enumerate([store, other] * 50)
                for room_id in (den.id, LOBBY_ID)
            )
        )
        last = {den.id: BEGUN + 100, LOBBY_ID: 100}
        changes = await collect(tail, lambda seen: all(reaches(*end)(seen) for end in last.items()))
    for room_id, first in ((den.id, BEGUN + 1), (LOBBY_ID, 1)):
        entries = entries_of(changes, room_id)
        assert [entry.seq for entry in entries] == list(range(first, last[room_id] + 1))
        assert entries == (await whole_log(store, room_id))[first - 1 :]


async def test_every_kind_of_entry_is_a_change(store: Store, den: Room, bob: User) -> None:
    async with store.changes.open() as tail:
        await store.members.join(den.id, bob, Role.MEMBER, at=1)
        (seq,) = await send(store, den, "m")
        await store.log.append(den.id, edit("e", seq, "x"))
        await store.log.append(den.id, reaction("r", seq, "👍"))
        await store.log.append(den.id, delete("d", seq))
        await store.members.leave(den.id, bob, at=2)
        changes = await collect(tail, reaches(den.id, seq + 4))
    kinds = [entry.kind for entry in entries_of(changes, den.id)]
    assert kinds == [Kind.MEMBER, Kind.MESSAGE, Kind.EDIT, Kind.REACTION, Kind.DELETE, Kind.MEMBER]


async def test_what_was_there_before_is_no_change(store: Store, other: Store, den: Room, alice: User) -> None:
    await send(store, den, "before")
    await store.sessions.create(session_of(alice), most=20)
    await store.sessions.end("session-1")
    async with other.changes.open() as tail:
        (seq,) = await send(store, den, "after")
        changes = await collect(tail, reaches(den.id, seq))
    assert [change for change in changes if isinstance(change, SessionEnded)] == []
    assert [entry.data["body"] for entry in entries_of(changes, den.id)] == ["after"]


async def test_a_retry_is_no_change(store: Store, den: Room) -> None:
    async with store.changes.open() as tail:
        one, *again, two = await send(store, den, "one", "one", "one", "two")
        changes = await collect(tail, reaches(den.id, two))
    assert again == [one, one]
    assert [entry.seq for entry in entries_of(changes, den.id)] == [one, two]


async def test_the_end_of_a_session_is_a_change_on_every_store(
    store: Store, other: Store, alice: User
) -> None:
    await store.sessions.create(session_of(alice), most=20)
    await store.sessions.create(session_of(alice, "session-2"), most=20)
    async with store.changes.open() as near, other.changes.open() as far:
        await store.sessions.end("session-1")
        assert await rotate(store, "session-2", "stolen", "h2") is Rotation.REUSED
        for tail in (near, far):
            changes = await collect(tail, lambda seen: ends("session-1")(seen) and ends("session-2")(seen))
            assert SessionEnded("session-1", alice.id) in changes
            assert SessionEnded("session-2", alice.id) in changes


async def test_several_tails_each_see_everything(store: Store, den: Room) -> None:
    async with store.changes.open() as first, store.changes.open() as second:
        seqs = await send(store, den, "one", "two")
        for tail in (first, second):
            changes = await collect(tail, reaches(den.id, seqs[-1]))
            assert [entry.seq for entry in entries_of(changes, den.id)] == seqs


async def test_what_happened_between_two_tails_is_found_by_heads_and_log(
    store: Store, other: Store, den: Room
) -> None:
    async with store.changes.open() as tail:
        (one,) = await send(store, den, "one")
        seen = entries_of(await collect(tail, reaches(den.id, one)), den.id)
    two, three = await send(other, den, "two", "three")
    async with store.changes.open() as tail:
        (four,) = await send(other, den, "four")
        head = (await store.log.heads([den.id]))[den.id]
        missed = await store.log.entries(den.id, after=seen[-1].seq, limit=head.seq - seen[-1].seq)
        later = entries_of(await collect(tail, reaches(den.id, four)), den.id)
    told = {entry.seq: entry.data["body"] for entry in [*seen, *missed, *later]}
    assert told == {one: "one", two: "two", three: "three", four: "four"}


async def test_a_tail_keeps_what_comes_while_nobody_asks(store: Store, den: Room) -> None:
    async with store.changes.open() as tail:
        for batch in range(13):
            await asyncio.gather(*(store.log.append(den.id, message(f"r{batch}-{n}")) for n in range(100)))
        changes = await collect(tail, reaches(den.id, BEGUN + 1_300))
    assert [entry.seq for entry in entries_of(changes, den.id)] == list(range(BEGUN + 1, BEGUN + 1_301))


async def test_a_quiet_tail_says_that_it_is_alive(store: Store) -> None:
    async with store.changes.open() as tail, asyncio.timeout(2 * QUIET_SECONDS):
        assert await anext(tail) == [Quiet()]


async def test_a_tail_leaves_no_task_behind(store: Store, den: Room) -> None:
    before = asyncio.all_tasks()
    async with store.changes.open() as tail:
        (seq,) = await send(store, den, "one")
        await collect(tail, reaches(den.id, seq))
    if extra := asyncio.all_tasks() - before:  # the store may still be working on the append
        await asyncio.wait(extra, timeout=WAIT_SECONDS)
    assert asyncio.all_tasks() == before


async def test_a_tail_of_a_store_that_closes_says_that_it_is_lost(store_url: str) -> None:
    closing = await open_store(store_url, quiet_seconds=1.0)
    async with closing.changes.open() as tail:
        following = asyncio.ensure_future(collect(tail, lambda _: False))
        await asyncio.sleep(0)
        await closing.close()
        with pytest.raises(Unavailable):
            await following


def has_grown(room_id: str, seq: int) -> Callable[[list[Change]], bool]:
    return lambda changes: any(
        isinstance(change, Grown) and (change.room_id, change.seq) == (room_id, seq) for change in changes
    )


async def test_a_tail_tells_which_rooms_grow_whether_wanted_or_not_to_who_asks_for_it(
    store: Store, other: Store, den: Room, bob: User
) -> None:
    async with (
        store.changes.open(lambda _room_id: False, grown=True) as tail,
        store.changes.open() as other_tail,
    ):
        await send(other, den, "one", "two")
        await store.members.join(den.id, bob, Role.MEMBER, at=1)
        (last,) = await send(store, den, "three")
        changes = await collect(tail, has_grown(den.id, last))
        without = await collect(other_tail, reaches(den.id, last))
    grown = [change for change in changes if isinstance(change, Grown)]
    epoch = (await store.log.heads([den.id]))[den.id].epoch
    assert {(one.room_id, one.epoch, one.mentioned) for one in grown} == {(den.id, epoch, frozenset())}
    assert [one.seq for one in grown] == sorted({one.seq for one in grown})
    assert sum(one.messages for one in grown) == 3
    assert not [change for change in without if isinstance(change, Grown)]


async def test_a_room_that_is_new_grows_by_its_first_entries(store: Store, alice: User) -> None:
    async with store.changes.open(lambda _room_id: False, grown=True) as tail:
        await store.rooms.create(DEN, alice)
        changes = await collect(tail, has_grown(DEN.id, BEGUN))
    assert {change.messages for change in changes if isinstance(change, Grown)} == {0}


async def test_entries_come_before_it_is_told_that_their_room_has_grown(store: Store, den: Room) -> None:
    async with store.changes.open(grown=True) as tail:
        seqs = await send(store, den, "one", "two")
        changes = await collect(tail, has_grown(den.id, seqs[-1]))
    assert [change.seq for change in changes if isinstance(change, Entry)] == seqs
    assert isinstance(changes[-1], Grown)
