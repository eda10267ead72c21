"""Memberships whose change is logged but not flushed yet."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from api.errors import MembershipChanged, Unavailable
from api.models.rooms import Membership, MembershipRule, Role
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.calls import each_page, whole_log
from tests.store.cluster.nodes import make_den, never_flush, opened_again
from tests.store.make import ALICE, BEGUN, BOB, DEN, make_room, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


def always(role: Role) -> MembershipRule:
    """Return the rule that gives this role, however things stand."""
    return lambda _standing: Membership(role)


# -- a node that dies between the ack and the flush


async def test_a_room_that_was_left_and_is_still_in_the_table_hides_none_of_the_rooms_after_it(
    store: ClusterStore, other: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    others = [await store.rooms.create(make_room(number), ALICE) for number in (1, 2)]
    ids = [DEN.id, *(view.room.id for view in others)]
    for number, room_id in enumerate(ids):
        await store.members.join(room_id, BOB, Role.MEMBER, at=7_000 + number)
    never_flush(store, monkeypatch)
    with pytest.raises(Unavailable):
        await store.members.leave(DEN.id, BOB, at=8_000)
    listed = await each_page(lambda cursor: other.rooms.of_user(BOB.id, cursor=cursor, limit=1))
    assert [view.room.id for view in listed] == ids[1:]


async def test_a_membership_that_a_dead_node_left_half_done_is_completed_by_the_next(
    store: ClusterStore, other: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    never_flush(store, monkeypatch)
    with pytest.raises(Unavailable):
        await store.members.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    await other.members.join(DEN.id, BOB, Role.MEMBER, at=8_000)
    member = await other.members.get(DEN.id, BOB.id)
    assert member is not None
    assert (member.role, member.joined_at) == (Role.MEMBER, 7_000)
    assert [entry.user_id for entry in await whole_log(other, DEN.id)] == [ALICE.id] * BEGUN + [BOB.id]


async def test_a_membership_counts_on_every_node_before_it_is_flushed_and_though_it_never_is(
    store: ClusterStore, other: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    async with opened_again(store) as dying:
        never_flush(dying, monkeypatch)
        with pytest.raises(Unavailable):
            await dying.members.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    member = await other.members.get(DEN.id, BOB.id)
    assert member is not None
    assert (member.role, member.joined_at, member.as_of) == (Role.MEMBER, 7_000, BEGUN + 1)
    view = await other.rooms.view(DEN.id, BOB.id)
    assert view is not None
    assert (view.role, view.read_seq, view.unread.count) == (Role.MEMBER, BEGUN + 1, 0)
    async with opened_again(store) as dying:
        await dying.flusher.flush(DEN.id)
        never_flush(dying, monkeypatch)
        with pytest.raises(Unavailable):
            await dying.members.leave(DEN.id, BOB, at=8_000)
    assert await other.members.get(DEN.id, BOB.id) is None
    assert (await other.members.get(DEN.id, ALICE.id)) is not None
    assert await other.members.leave(DEN.id, BOB, 9_000) is None  # he is no member
    again = await other.members.join(DEN.id, BOB, Role.READER, at=9_000)
    assert again is not None
    assert again.entry.seq == BEGUN + 3


async def test_changes_of_one_member_that_race_on_two_nodes_are_all_carried_out(
    store: ClusterStore, other: ClusterStore
) -> None:
    await make_den(store)
    roles = [Role.READER, Role.MODERATOR, Role.MEMBER, Role.OWNER]
    for at in range(5):
        changes = [
            node.members.change(DEN.id, BOB, by=ALICE.id, at=at, rule=always(role))
            for node, role in zip([store, other] * 2, roles, strict=True)
        ]
        assert all(change is not None for change in await asyncio.gather(*changes))
    log = await whole_log(other, DEN.id)
    assert [entry.seq for entry in log] == list(range(1, BEGUN + 21))
    member = await store.members.get(DEN.id, BOB.id)
    assert member is not None
    assert member.role == log[-1].data["role"]


async def test_a_reader_whose_leaving_was_never_flushed_comes_back_as_one(
    store: ClusterStore, other: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_den(store)
    await store.members.join(DEN.id, BOB, Role.READER, at=7_000)
    async with opened_again(store) as dying:
        never_flush(dying, monkeypatch)
        with pytest.raises(Unavailable):
            await dying.members.leave(DEN.id, BOB, at=8_000)
    await other.members.join(DEN.id, BOB, Role.MEMBER, at=9_000)
    member = await store.members.get(DEN.id, BOB.id)
    assert member is not None
    assert member.role is Role.READER


# -- heads of older versions


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
    await store.members.join(DEN.id, BOB, Role.MEMBER, at=1)
    for _ in range(2):
        await behind.write(r.table("heads").replace(older))
        was = await other.members.get(DEN.id, BOB.id)
        await store.members.leave(DEN.id, BOB, at=2)
        await behind.write(r.table("heads").replace(older))
        with pytest.raises(MembershipChanged):
            await other.log.append(DEN.id, replace(message("1"), user_id=BOB.id), author=was)
        await store.members.join(DEN.id, BOB, Role.MEMBER, at=3)
    with suppress(MembershipChanged):  # the first look of a node may be too old
        await other.log.append(
            DEN.id, replace(message("1"), user_id=BOB.id), author=await other.members.get(DEN.id, BOB.id)
        )
    now = await other.members.get(DEN.id, BOB.id)
    await other.log.append(DEN.id, replace(message("1"), user_id=BOB.id), author=now)
    assert [entry.ref for entry in await whole_log(store, DEN.id)].count("1") == 1


# -- how many members there are


async def test_a_head_that_does_not_know_how_many_members_there_are_learns_it(
    store: ClusterStore, other: ClusterStore
) -> None:
    """A node of an older version has changed a membership, and left `members` of the head as it was."""
    await make_den(store)
    head = r.table("heads").get(DEN.id)
    for left in ({"members": {"count": 9, "moved": 0}}, {"members": None}):
        await store._pool.write(head.update(left))
        assert await counted(other) == 1
        assert (await store._pool.run(head["members"]))["count"] == 1
    await other.members.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    assert await counted(store) == (await store._pool.run(head["members"]))["count"] == 2
    await store._pool.write(head.update({"members": None}))
    await store.members.leave(DEN.id, BOB, at=8_000)  # does not know how many there were
    assert await store._pool.run(head["members"]) is None
    assert await counted(other) == 1


async def counted(store: ClusterStore) -> int | None:
    view = await store.rooms.view(DEN.id, ALICE.id)
    return None if view is None else view.member_count
