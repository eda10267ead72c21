"""What every store promises of the members of rooms."""

import asyncio
import random
from dataclasses import replace

import pytest

from api.errors import Forbidden, MembershipChanged, NotFound
from api.models.accounts import User
from api.models.log import Kind
from api.models.rooms import LOBBY_ID, OUTSIDE, Ban, Member, Membership, Role, Room, Standing
from api.store.base.store import Store
from tests.store.calls import all_pages, change, send, whole_log
from tests.store.make import BEGUN, DEN, account_of, make_room, make_user, message, reaction

pytestmark = pytest.mark.anyio


# -- changes of membership


async def test_joining_and_leaving_are_one_fact_with_their_entries(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    joined = await store.members.join(den.id, bob, Role.READER, at=7_000)
    assert joined is not None
    assert (joined.entry.seq, joined.entry.kind, joined.is_new) == (BEGUN + 1, Kind.MEMBER, True)
    assert joined.entry.data == {"role": "reader", "by": bob.id, "display_name": "Bob"}
    member = await store.members.get(den.id, bob.id)
    assert member == Member(den.id, bob.id, "bob", "Bob", Role.READER, 7_000, read_seq=BEGUN + 1)

    left = await store.members.leave(den.id, bob, at=8_000)
    assert left is not None
    assert (left.entry.seq, left.entry.data) == (
        BEGUN + 2,
        {"role": None, "by": bob.id, "display_name": "Bob", "returns_as": "reader", "was": "reader"},
    )
    assert await store.members.get(den.id, bob.id) is None
    assert (await whole_log(store, den.id))[BEGUN:] == [joined.entry, left.entry]


@pytest.mark.parametrize(
    ("was", "comes_back_as"),
    [
        (Role.READER, Role.READER),
        (Role.MEMBER, Role.MEMBER),
        (Role.MODERATOR, Role.MEMBER),
        (Role.OWNER, Role.MEMBER),
    ],
)
async def test_who_left_as_a_reader_comes_back_as_one_and_nobody_as_more_than_a_member(  # noqa: PLR0917
    store: Store, other: Store, den: Room, alice: User, bob: User, was: Role, comes_back_as: Role
) -> None:
    await change(store, den, bob, was, by=alice)
    for _ in range(2):
        await store.members.leave(den.id, bob, at=2)
        await other.members.join(den.id, bob, Role.MEMBER, at=3)
        member = await store.members.get(den.id, bob.id)
        assert member is not None
        assert member.role is comes_back_as
        assert (member.joined_at, member.read_seq) == (3, (await whole_log(store, den.id))[-1].seq)


async def test_a_reader_who_is_given_another_role_comes_back_as_a_member(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.READER, by=alice)
    await change(store, den, bob, None, by=alice)
    await change(store, den, bob, Role.MEMBER, by=alice)
    await store.members.leave(den.id, bob, at=2)
    await store.members.join(den.id, bob, Role.MEMBER, at=3)
    member = await store.members.get(den.id, bob.id)
    assert member is not None
    assert member.role is Role.MEMBER


async def test_what_is_kept_of_a_membership_that_has_ended_counts_nowhere_as_one(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    open_room = (await store.rooms.create(make_room(1), alice)).room
    for room in (den, open_room):
        await change(store, room, bob, Role.OWNER, by=alice)
        (seq,) = await send(store, room, f"in {room.id}")
        await store.members.mark_read(room.id, bob.id, seq)
        await change(store, room, bob, Role.READER, by=alice)
        await store.members.leave(room.id, bob, at=2)
    for each in (store, other):
        assert await each.members.get(den.id, bob.id) is None
        assert [one.user_id for one in (await each.members.of_room(den.id, cursor=None, limit=9)).items] == [
            alice.id
        ]
        assert await each.members.count_of_room(den.id) == 1
        assert (await each.rooms.of_user(bob.id, cursor=None, limit=9)).items == []
        assert await each.rooms.count_of_user(bob.id) == 0
        (seen,) = [
            one
            for one in (await each.rooms.public(bob.id, cursor=None, limit=9)).items
            if one.room == open_room
        ]
        assert (seen.role, seen.read_seq, seen.unread.count) == (None, 0, 0)
        assert seen == await each.rooms.view(open_room.id, bob.id)
        with pytest.raises(NotFound):
            await each.members.mark_read(den.id, bob.id, 1)
        with pytest.raises(NotFound):
            await each.members.mark_read(den.id, bob.id, 3)


async def test_joining_or_leaving_twice_changes_nothing(store: Store, den: Room, bob: User) -> None:
    assert await store.members.leave(den.id, bob, at=1) is None
    assert await store.members.join(den.id, bob, Role.READER, at=2) is not None
    assert await store.members.join(den.id, bob, Role.OWNER, at=3) is None
    member = await store.members.get(den.id, bob.id)
    assert member is not None
    assert (member.role, member.joined_at) == (Role.READER, 2)
    assert len(await whole_log(store, den.id)) == BEGUN + 1


async def test_joining_raced_on_two_stores_is_one_entry(
    store: Store, other: Store, den: Room, bob: User
) -> None:
    answers = await asyncio.gather(
        *(each.members.join(den.id, bob, Role.MEMBER, at=1) for each in (store, other) * 5)
    )
    assert sum(answer is not None for answer in answers) == 1
    assert len(await whole_log(store, den.id)) == BEGUN + 1


async def test_a_role_is_changed_by_somebody_as_one_fact_with_its_entry(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice, at=7_000)
    one, _ = await send(store, den, "one", "two")
    await store.members.mark_read(den.id, bob.id, one)
    before = await store.members.get(den.id, bob.id)
    changed = await change(store, den, bob, Role.MODERATOR, by=alice, at=8_000)
    removed = await change(store, den, bob, None, by=alice, at=9_000)
    assert changed is not None
    assert removed is not None
    shown = {"by": alice.id, "display_name": "Bob"}
    assert changed.entry.data == shown | {"role": "moderator", "was": "member"}
    assert (removed.entry.user_id, removed.entry.data) == (bob.id, shown | {"role": None, "was": "moderator"})
    assert before is not None
    assert (before.joined_at, before.read_seq) == (7_000, one)
    assert await store.members.get(den.id, bob.id) is None
    assert (await whole_log(store, den.id))[-2:] == [changed.entry, removed.entry]


async def test_another_role_changes_nothing_else_of_a_membership(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice, at=7_000)
    one, _ = await send(store, den, "one", "two")
    await store.members.mark_read(den.id, bob.id, one)
    before = await store.members.get(den.id, bob.id)
    await change(store, den, bob, Role.READER, by=alice, at=8_000)
    assert before is not None
    assert await store.members.get(den.id, bob.id) == replace(before, role=Role.READER)
    view = await store.rooms.view(den.id, bob.id)
    assert view is not None
    assert (view.role, view.unread.count) == (Role.READER, 1)


async def test_a_new_member_has_read_what_was_said_before_they_came(
    store: Store, den: Room, bob: User
) -> None:
    *_, two = await send(store, den, "one", "two")
    await store.members.join(den.id, bob, Role.MEMBER, at=7_000)
    await send(store, den, "three")
    view = await store.rooms.view(den.id, bob.id)
    assert view is not None
    assert (view.read_seq, view.unread.count) == (two + 1, 1)


async def test_a_rule_is_told_how_things_stand(store: Store, den: Room, alice: User, bob: User) -> None:
    told: list[Standing] = []

    def watch(standing: Standing) -> None:
        told.append(standing)

    async def ask(about: User, by: User) -> Standing:
        assert await store.members.change(den.id, about, by=by.id, at=1, rule=watch) is None
        return told[-1]

    assert await ask(bob, alice) == Standing(OUTSIDE, Role.OWNER, is_last_owner=False)
    assert await ask(alice, bob) == Standing(Membership(Role.OWNER), None, is_last_owner=True)
    await change(store, den, bob, Role.READER, by=alice)
    assert await ask(bob, alice) == Standing(Membership(Role.READER), Role.OWNER, is_last_owner=False)
    assert await ask(alice, alice) == Standing(Membership(Role.OWNER), Role.OWNER, is_last_owner=True)
    await change(store, den, bob, Role.OWNER, by=alice)
    assert await ask(alice, bob) == Standing(Membership(Role.OWNER), Role.OWNER, is_last_owner=False)
    assert len(await whole_log(store, den.id)) == BEGUN + 2
    await change(store, den, bob, Role.READER, by=alice)
    await change(store, den, bob, None, by=bob)
    assert await ask(bob, bob) == Standing(Membership(None, Role.READER), None, is_last_owner=False)


async def test_what_a_rule_raises_is_raised_and_nothing_is_stored(store: Store, den: Room, bob: User) -> None:
    def refuse(_standing: Standing) -> Membership:
        raise Forbidden

    with pytest.raises(Forbidden):
        await store.members.change(den.id, bob, by=bob.id, at=1, rule=refuse)
    assert await store.members.get(den.id, bob.id) is None
    assert len(await whole_log(store, den.id)) == BEGUN


@pytest.mark.parametrize("round_", range(5))
async def test_of_owners_who_leave_at_once_on_two_stores_one_stays(
    store: Store, other: Store, den: Room, alice: User, round_: int
) -> None:
    owners = [alice, *map(make_user, range(1 + round_))]
    for user in owners[1:]:
        await store.accounts.create(account_of(user))
        await change(store, den, user, Role.OWNER, by=alice)

    def rule(standing: Standing) -> Membership:
        if standing.is_last_owner:
            raise Forbidden
        return standing.now.ended

    answers = await asyncio.gather(
        *(
            each.members.change(den.id, user, by=user.id, at=1, rule=rule)
            for each, user in zip((store, other) * len(owners), owners, strict=False)
        ),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(Forbidden) == 1
    assert len((await store.members.of_room(den.id, cursor=None, limit=100)).items) == 1


async def test_an_owner_demoted_meanwhile_changes_nobody(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    """Two owners make each other a reader at the same time. The second one is no longer an owner then."""
    await change(store, den, bob, Role.OWNER, by=alice)

    def rule(standing: Standing) -> Membership:
        if standing.by_role is not Role.OWNER:
            raise Forbidden
        return Membership(Role.READER)

    answers = await asyncio.gather(
        store.members.change(den.id, bob, by=alice.id, at=1, rule=rule),
        other.members.change(den.id, alice, by=bob.id, at=1, rule=rule),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(Forbidden) == 1


async def test_joining_or_leaving_a_room_that_is_not_there_is_not_found(store: Store, bob: User) -> None:
    with pytest.raises(NotFound):
        await store.members.join("nowhere", bob, Role.MEMBER, at=1)
    with pytest.raises(NotFound):
        await store.members.leave("nowhere", bob, at=1)


async def test_unread_messages_are_those_above_what_was_read(store: Store, den: Room, bob: User) -> None:
    await store.members.join(den.id, bob, Role.MEMBER, at=1)
    one, two, three = await send(store, den, "one", "two", "three")
    await store.log.append(den.id, reaction("r", one, "👍"))
    (four,) = await send(store, den, "four")

    async def unread() -> int:
        view = await store.rooms.view(den.id, bob.id)
        assert view is not None
        return view.unread.count

    assert await unread() == 4
    for seq, left in [(one - 1, 4), (one, 3), (two, 2), (three + 1, 1), (four, 0)]:
        await store.members.mark_read(den.id, bob.id, seq)
        assert await unread() == left
    await send(store, den, "five")
    assert await unread() == 1


@pytest.mark.parametrize(("marked", "read_seq"), [(3, 4), (0, 4), (-5, 4), (5, 5), (6, 5), (2**60, 5)])
async def test_what_was_read_never_falls_and_never_passes_the_head(
    store: Store, den: Room, alice: User, marked: int, read_seq: int
) -> None:
    await send(store, den, "three", "four", "five")
    await store.members.mark_read(den.id, alice.id, 4)
    await store.members.mark_read(den.id, alice.id, marked)
    member = await store.members.get(den.id, alice.id)
    assert member is not None
    assert member.read_seq == read_seq


async def test_a_receipt_does_not_fall_when_a_member_goes_back(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    one, two, three = await send(store, den, "one", "two", "three")

    async def mark(seq: int, *, back: bool = False) -> tuple[bool, int, int]:
        """Return whether a mark has raised the receipt, and the `read_seq` and the receipt after it."""
        marked = await store.members.mark_read(den.id, bob.id, seq, back=back)
        member = await other.members.get(den.id, bob.id)
        assert member is not None
        return marked.raises_receipt, member.read_seq, member.receipt

    assert await mark(two) == (True, two, two)
    assert await mark(one) == (False, two, two)
    assert await mark(1, back=True) == (False, 1, two)
    assert await mark(two) == (False, two, two)
    assert await mark(one, back=True) == (False, one, two)
    await change(store, den, bob, Role.READER, by=alice)
    assert await mark(1, back=True) == (False, 1, two)
    assert await mark(three) == (True, three, three)
    listed = (await store.members.of_room(den.id, cursor=None, limit=9)).items
    assert {one.username: one.receipt for one in listed} == {"alice": 1, "bob": three}


async def test_the_rooms_of_several_users_are_those_of_which_they_are_members(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    for user in (alice, bob):
        await store.members.join(LOBBY_ID, user, Role.MEMBER, at=1)
    await change(store, den, bob, Role.MEMBER, by=alice)
    await change(store, den, bob, None, by=alice)
    rooms = await store.members.rooms_of([alice.id, bob.id, "nobody"])
    assert {user_id: set(ids) for user_id, ids in rooms.items()} == {
        alice.id: {LOBBY_ID, den.id},
        bob.id: {LOBBY_ID},
        "nobody": set(),
    }
    assert await store.members.rooms_of([]) == {}


async def test_marking_read_without_membership_is_not_found(store: Store, den: Room, bob: User) -> None:
    with pytest.raises(NotFound):
        await store.members.mark_read(den.id, bob.id, 1)
    with pytest.raises(NotFound):
        await store.members.mark_read("nowhere", bob.id, 1)


# -- lists and counts


async def test_members_are_listed_page_by_page(store: Store, den: Room, alice: User) -> None:
    users = [make_user(n) for n in range(6)]
    for user in users:
        await store.accounts.create(account_of(user))
        await store.members.join(den.id, user, Role.MEMBER, at=7)
    members = await all_pages(lambda cursor: store.members.of_room(den.id, cursor=cursor, limit=3), limit=3)
    assert sorted(member.user_id for member in members) == sorted([alice.id, *(user.id for user in users)])
    assert members == [await store.members.get(den.id, member.user_id) for member in members]
    assert (await store.members.of_room("nowhere", cursor=None, limit=3)).items == []


async def test_members_and_rooms_are_counted(store: Store, den: Room, bob: User) -> None:
    assert [await store.members.count_of_room(DEN.id), await store.rooms.count_of_user(bob.id)] == [1, 0]
    await store.members.join(DEN.id, bob, Role.MEMBER, 1)
    assert [await store.members.count_of_room(DEN.id), await store.rooms.count_of_user(bob.id)] == [2, 1]
    await store.members.leave(DEN.id, bob, 2)
    assert [await store.members.count_of_room(DEN.id), await store.rooms.count_of_user(bob.id)] == [1, 0]
    assert [await store.members.count_of_room("x" * 10_000), await store.rooms.count_of_user("")] == [0, 0]


async def test_the_number_of_members_is_right_however_they_come_and_go_on_two_nodes(
    store: Store, other: Store, den: Room
) -> None:
    users = [make_user(number) for number in range(6)]
    for user in users:
        await store.accounts.create(account_of(user))
    chance = random.Random(19)  # noqa: S311  no secret
    for _ in range(12):
        moves = [
            (chance.choice((store, other)), chance.choice(("join", "leave")), chance.choice(users))
            for _ in range(8)
        ]
        await asyncio.gather(
            *(
                at.members.join(den.id, user, Role.MEMBER, 1)
                if way == "join"
                else at.members.leave(den.id, user, 1)
                for at, way, user in moves
            )
        )
        counted = await store.members.count_of_room(den.id)
        for each in (store, other):
            view = await each.rooms.view(den.id, users[0].id)
            assert view is not None
            assert view.member_count == counted


# -- bans


def bans(standing: Standing) -> Membership:
    return replace(standing.now.ended, banned=True)


def unbans(standing: Standing) -> Membership:
    return replace(standing.now, banned=False)


async def test_a_ban_and_its_end_are_one_fact_with_their_entries(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.READER, by=alice)
    banned = await store.members.change(den.id, bob, by=alice.id, at=7_000, rule=bans)
    assert banned is not None
    shown = {"role": None, "by": alice.id, "display_name": "Bob", "returns_as": "reader"}
    assert banned.entry.data == shown | {"was": "reader", "banned": True}
    for each in (store, other):
        assert await each.members.get(den.id, bob.id) is None
        assert await each.members.state(den.id, bob.id) == Membership(None, Role.READER, banned=True)
        assert await each.members.join(den.id, bob, Role.MEMBER, at=8_000) is None
        page = await each.members.banned(den.id, cursor=None, limit=9)
        assert page.items == [Ban(bob, alice.id, 7_000, None)]
    await other.members.set_ban_reason(den.id, bob.id, "why")
    assert (await store.members.banned(den.id, cursor=None, limit=9)).items == [
        Ban(bob, alice.id, 7_000, "why")
    ]
    ended = await other.members.change(den.id, bob, by=alice.id, at=9_000, rule=unbans)
    assert ended is not None
    assert ended.entry.data == shown
    await store.members.set_ban_reason(den.id, bob.id, "too late")
    assert (await store.members.banned(den.id, cursor=None, limit=9)).items == []
    assert await store.members.state(den.id, bob.id) == Membership(None, Role.READER)
    assert await store.members.join(den.id, bob, Role.MEMBER, at=9_500) is not None
    member = await other.members.get(den.id, bob.id)
    assert member is not None
    assert member.role is Role.READER
    await store.members.change(den.id, bob, by=alice.id, at=9_900, rule=bans)
    assert (await store.members.banned(den.id, cursor=None, limit=9)).items == [
        Ban(bob, alice.id, 9_900, None)
    ]


async def test_who_has_never_been_there_is_banned_and_is_counted_nowhere_as_a_member(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    assert await store.members.state(den.id, bob.id) == OUTSIDE
    assert await store.members.state("nowhere", bob.id) == OUTSIDE
    await store.members.change(den.id, bob, by=alice.id, at=7_000, rule=bans)
    assert await store.members.state(den.id, bob.id) == Membership(None, banned=True)
    assert await store.members.count_of_room(den.id) == 1
    assert (await store.rooms.of_user(bob.id, cursor=None, limit=9)).items == []
    assert (await store.members.banned("nowhere", cursor=None, limit=9)).items == []


async def test_a_ban_raced_with_joining_on_two_stores_has_one_order(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    done = await asyncio.gather(
        other.members.change(den.id, bob, by=alice.id, at=1, rule=bans),
        *(each.members.join(den.id, bob, Role.MEMBER, at=2) for each in (store, other) * 3),
    )
    assert sum(one is not None for one in done) <= 2, "the ban, and one joined before it or nobody"
    *_, last = await whole_log(store, den.id)
    assert last.data.get("banned") is True
    for each in (store, other):
        assert await each.members.get(den.id, bob.id) is None
        assert (await each.members.state(den.id, bob.id)).banned


async def test_an_append_of_who_was_banned_meanwhile_stores_nothing(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    member = await store.members.get(den.id, bob.id)
    await other.members.change(den.id, bob, by=alice.id, at=1, rule=bans)
    with pytest.raises(MembershipChanged):
        await store.log.append(den.id, message("late", by=bob), author=member)
