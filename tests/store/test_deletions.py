"""What every store promises of rooms that are deleted."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.errors import MembershipChanged, NotFound
from api.models.accounts import User
from api.models.changes import Change
from api.models.invites import Invite
from api.models.log import Appended, is_last
from api.models.rooms import LOBBY_ID, Notify, NotifyLevel, Role, Room
from api.store.base.store import Store
from api.store.cluster.schema import TABLES
from api.store.rethinkdb import Address, Pool, r
from tests.store.calls import change, collect, entries_of, reaches
from tests.store.make import (
    account_of,
    delete,
    edit,
    make_delivery,
    make_room,
    make_user,
    make_webhook,
    mentioning,
    message,
    pin,
    reaction,
    renaming,
)

pytestmark = pytest.mark.anyio

SECRET = "zanzibar"


def as_it_is(room: Room, _rights: Role | None) -> Room:
    return room


async def deleted(store: Store, room: Room, by: User) -> Appended:
    return await store.rooms.delete(room.id, by, at=7_000, rule=as_it_is)


async def fill(store: Store, room: Room, alice: User, bob: User) -> None:
    """Let a room have something of everything."""
    await change(store, room, bob, Role.MEMBER, by=alice)
    for number in range(30):
        said = mentioning(message(f"{SECRET} {number}", f"{SECRET} {number}"), bob)
        await store.log.append(room.id, said)
    seq = (await store.log.heads([room.id]))[room.id].seq
    await store.log.append(room.id, edit("e", seq, f"{SECRET} edited"))
    await store.log.append(room.id, message("answer", f"{SECRET} too", reply_to=seq, by=bob))
    for number in range(25):
        await store.log.append(room.id, reaction(f"like {number}", seq, "👍", by=make_user(number)))
    await store.log.append(room.id, reaction("back", seq, "👍", added=False, by=make_user(3)))
    await store.log.append(room.id, pin("p", seq))
    await store.log.append(room.id, delete("d", seq - 1))
    for number in range(2):
        webhook = make_webhook(room.id, number, url=f"https://{SECRET}.example/")
        await store.webhooks.create(webhook)
        await store.deliveries.add([make_delivery(webhook, type=f"room.{SECRET}")])
    invite = Invite(f"hash of {SECRET}", alice.id, 1, None, 1, room.id, Role.MEMBER)
    await store.invites.create(invite, forget_before=0)


async def test_a_deleted_room_is_found_on_no_road_and_refuses_everything(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    room, public = make_room(1), make_room(2)
    for one in (room, public):
        await store.rooms.create(one, alice)
    await fill(store, room, alice, bob)
    sent = await other.log.append(room.id, message("known"))  # so that this store knows the head
    member = await other.members.get(room.id, alice.id)
    assert member is not None
    appended = await deleted(store, room, alice)
    assert is_last(appended.entry)
    assert (appended.entry.seq, appended.entry.user_id) == (sent.entry.seq + 1, alice.id)
    for each in (other, store):
        assert await each.rooms.get(room.id) is None
        assert await each.rooms.view(room.id, alice.id) is None
        assert await each.rooms.views([room.id], alice.id) == []
        for listed in (
            await each.rooms.of_user(alice.id, cursor=None, limit=10),
            await each.rooms.public(alice.id, cursor=None, limit=10),
            await each.rooms.public(alice.id, named="room", cursor=None, limit=10),
        ):
            assert [view.room.id for view in listed.items if view.room.id != LOBBY_ID] == [public.id]
        assert await each.members.get(room.id, alice.id) is None
        assert await each.log.heads([room.id]) == {}
        assert await each.log.entries(room.id, after=0, limit=10) == []
        assert await each.log.message(room.id, sent.entry.seq) is None
        assert (await each.mentions.of_user(bob.id, cursor=None, limit=10)).items == []
        refused: list[Awaitable[Any]] = [
            each.log.append(room.id, message("known")),
            each.log.append(room.id, message("new")),
            each.log.append(room.id, reaction("new like", sent.entry.seq, "👍")),
            each.log.history(room.id, limit=1),
            each.log.timeline(room.id, limit=1),
            each.log.thread(room.id, sent.entry.seq, after=0, limit=1),
            each.members.mark_read(room.id, alice.id, 1),
            each.members.set_notify(room.id, alice.id, Notify(NotifyLevel.ALL)),
            each.members.join(room.id, make_user(1), Role.MEMBER, 1),
            each.rooms.change(room.id, alice, at=1, rule=renaming("new")),
            deleted(each, room, alice),
        ]
        for call in refused:
            with pytest.raises(NotFound):
                await call
        with pytest.raises((NotFound, MembershipChanged)):
            await each.log.append(room.id, message("of a member"), author=member)


async def test_the_last_entry_is_told_by_every_tail_and_who_was_a_member_is_known(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    gone = make_user(1)
    await store.accounts.create(account_of(gone))
    await change(store, den, gone, Role.MEMBER, by=alice)
    await change(store, den, gone, None, by=gone)
    told: list[list[Change]] = []

    async def follow(one: Store, is_open: asyncio.Event) -> None:
        async with one.changes.open(lambda _room_id: False) as tail:
            seq = (await one.log.heads([den.id]))[den.id].seq
            is_open.set()
            told.append(await collect(tail, reaches(den.id, seq + 1)))

    opened = [asyncio.Event(), asyncio.Event()]
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for one, is_open in zip((store, other), opened, strict=True):
            tasks.create_task(follow(one, is_open))
        for is_open in opened:
            await is_open.wait()
        last = (await deleted(store, den, alice)).entry
    assert [entries_of(changes, den.id)[-1] for changes in told] == [last, last]
    assert last.data == {
        "name": "Den",
        "topic": "for us",
        "visibility": "private",
        "archived": False,
        "slow_seconds": 0,
        "post_role": "member",
        "avatar": "",
        "deleted": True,
    }
    asked = [alice.id, bob.id, gone.id, "nobody"]
    for each in (store, other):
        assert await each.deletions.members_among(den.id, asked) == {alice.id, bob.id}


async def everything(store_url: str) -> bytes:
    """Return all bytes of a database."""
    if store_url.startswith("sqlite:"):
        path = Path(store_url.removeprefix("sqlite:///"))
        return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*") if one.is_file())
    pool = Pool(Address.parse(store_url))
    try:
        return b"".join([orjson.dumps(await pool.read(r.table(table))) for table in TABLES])
    finally:
        await pool.close()


async def test_nothing_of_a_deleted_room_is_left_but_its_head(
    store: Store, store_url: str, alice: User, bob: User
) -> None:
    room, kept = Room("room-gone", f"{SECRET}s", SECRET, make_room(1).visibility, 1), make_room(2)
    for one in (room, kept):
        await store.rooms.create(one, alice)
    await fill(store, room, alice, bob)
    await store.rooms.change(room.id, alice, at=2, rule=renaming(f"{SECRET} again"))
    head = (await store.log.heads([room.id]))[room.id]
    assert await store.deletions.pending(before=10**14) == []
    assert await store.deletions.take_away(room.id) is False  # it is not deleted
    assert SECRET.encode() in await everything(store_url)
    await deleted(store, room, alice)
    assert await store.deletions.pending(before=7_000) == []
    assert await store.deletions.pending(before=7_001) == [room.id]
    rounds = 1
    while await store.deletions.take_away(room.id):
        rounds += 1
    assert rounds > 5
    assert await store.deletions.pending(before=10**14) == []
    assert await store.deletions.take_away(room.id) is False
    (progress,) = (await store.positions.get_many("anybody", [room.id])).values()
    assert (progress.head.epoch, progress.head.seq) == (head.epoch, head.seq + 1)
    assert progress.is_deleted
    assert await store.deletions.members_among(room.id, [alice.id, bob.id]) == set()
    assert await store.webhooks.page(after="", limit=9) == []
    # Refs are forgotten, so they may be used again.
    again = await store.log.append(kept.id, message(f"{SECRET} 1", "hello"))
    assert again.is_new
    await store.log.append(kept.id, delete("d2", again.entry.seq))
    assert (await store.rooms.view(room.id, alice.id)) is None
    async with asyncio.timeout(10):  # SQLite takes it out of its write-ahead log between two transactions
        while SECRET.encode() in await everything(store_url):
            await store.log.append(kept.id, message(None))
    assert (await store.rooms.view(kept.id, alice.id)) is not None
    with pytest.raises(NotFound):
        await store.log.append(room.id, message("late"))


@pytest.mark.parametrize("slices", [1, 2, 4, 7])
async def test_what_one_has_begun_to_take_away_another_finishes(  # noqa: PLR0917  the fixtures
    store: Store, other: Store, store_url: str, alice: User, bob: User, slices: int
) -> None:
    room = Room("room-gone", SECRET, SECRET, make_room(1).visibility, 1)
    await store.rooms.create(room, alice)
    await fill(store, room, alice, bob)
    await deleted(store, room, alice)
    for _ in range(slices):
        await store.deletions.take_away(room.id)
    assert await other.deletions.pending(before=7_001) in ([room.id], [])
    while await other.deletions.take_away(room.id):
        pass
    assert await store.deletions.pending(before=10**14) == []
    if store_url.startswith("rethinkdb:"):
        assert SECRET.encode() not in await everything(store_url)
