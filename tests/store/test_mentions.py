"""What every store promises of the messages that mention a user."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import strategies as st

from api.errors import BadCursor, NotFound
from api.models.accounts import User
from api.models.log import Draft, Entry, Kind, Message
from api.models.page import Page
from api.models.rooms import Notify, NotifyLevel, Role, Room
from api.store import mentions
from api.store.base.store import Store
from tests.page_cases import drawn
from tests.store.calls import change, each_page, whole_log
from tests.store.make import ALICE, BOB, account_of, delete, edit, make_room, mentioning, message
from tests.store.test_unread import BEGUN, CLEO, STEPS, Step, mentions_now, play

pytestmark = pytest.mark.anyio

HISTORIES: Final = {"sqlite": 30, "rethinkdb": 8}


async def listed(store: Store, user: User, *, limit: int = 100) -> list[tuple[str, int]]:
    """Return the room and seq of each message that mentions a user, in the order of the list."""

    async def ask(cursor: str | None) -> Page[Message]:
        return await store.mentions.of_user(user.id, cursor=cursor, limit=limit)

    return [(one.room_id, one.seq) for one in await each_page(ask)]


async def say(store: Store, room: Room, said: Draft, at: int) -> int:
    """Append a message some milliseconds after everybody has joined."""
    return (await store.log.append(room.id, replace(said, at=BEGUN + at))).entry.seq


async def test_messages_that_mention_a_user_are_listed_newest_first_whatever_room_they_are_in(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    public = (await store.rooms.create(make_room(1), bob)).room
    await change(store, public, alice, Role.MEMBER, by=bob)
    await change(store, den, bob, Role.MEMBER, by=alice)
    by_name = await say(store, den, mentioning(message("1", by=bob), alice), 10)
    to_all = await say(store, public, mentioning(message("2", by=bob), everybody=True), 30)
    both = await say(store, den, mentioning(message("3", by=bob), alice, everybody=True), 20)
    await say(store, den, mentioning(message("4", by=alice), alice, bob, everybody=True), 40)
    await say(store, den, message("5", "@alice, said by nobody to anybody", by=bob), 50)
    found = [(public.id, to_all), (den.id, both), (den.id, by_name)]
    for each in (store, other):
        assert await listed(each, alice) == await listed(each, alice, limit=1) == found
        assert [seq for _, seq in await listed(each, bob)] == [both + 1]
    page = await store.mentions.of_user(alice.id, cursor=None, limit=1)
    assert page.items == [await store.log.message(public.id, to_all)]
    assert await listed(store, CLEO) == []


async def test_what_mentions_a_user_no_more_is_not_listed_and_not_counted(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    one, two, three = [await say(store, den, mentioning(message(ref), bob), 10) for ref in "abc"]
    plain = await say(store, den, message("d"), 10)

    async def counted() -> tuple[int, int]:
        view = await other.rooms.view(den.id, bob.id)
        assert view is not None
        return view.unread.count, view.unread.mention_count

    assert await counted() == (4, 3)
    await store.log.append(den.id, delete("x", one))
    await store.log.append(den.id, edit("y", two, "nobody"))
    await store.log.append(den.id, mentioning(edit("z", plain, "@bob"), bob))
    assert await counted() == (3, 2)
    assert [seq for _, seq in await listed(store, bob)] == [plain, three]
    await store.log.append(den.id, mentioning(edit("y2", two, "@bob again"), bob))
    assert [seq for _, seq in await listed(other, bob)] == [plain, three, two]
    message_now = await store.log.message(den.id, two)
    assert message_now is not None
    assert (message_now.mentions, message_now.mentions_all) == ((bob.id,), False)
    await store.members.mark_read(den.id, bob.id, plain)
    assert await counted() == (0, 0)
    assert [seq for _, seq in await listed(store, bob)] == [plain, three, two]


async def test_a_room_that_was_left_lists_nothing_until_one_comes_back(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice, at=5)
    by_name = await say(store, den, mentioning(message("a"), bob), 10)
    await say(store, den, mentioning(message("b"), everybody=True), 11)
    assert len(await listed(store, bob)) == 2
    await change(store, den, bob, None, by=alice, at=BEGUN + 12)
    assert await listed(store, bob) == []
    await change(store, den, bob, Role.MEMBER, by=alice, at=BEGUN + 13)
    to_all = await say(store, den, mentioning(message("c"), everybody=True), 14)
    assert [seq for _, seq in await listed(store, bob)] == [to_all, by_name]


async def test_999_mentions_means_that_many_or_more_however_old_they_are(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    drafts = [
        mentioning(message(f"m{n}"), *([bob] if n % 2 else []), everybody=n % 2 == 0) for n in range(1_001)
    ]
    stored = await asyncio.gather(*(store.log.append(den.id, one) for one in drafts))
    first, *_, last = sorted(one.entry.seq for one in stored)
    view = await store.rooms.view(den.id, bob.id)
    assert view is not None
    assert view.unread.mention_count == 999
    await store.members.mark_read(den.id, bob.id, last - 3)
    view = await store.rooms.view(den.id, bob.id)
    assert view is not None
    assert view.unread.mention_count == 3
    await store.members.mark_read(den.id, bob.id, first, back=True)
    await store.log.append(den.id, delete("x", last))
    await store.log.append(den.id, delete("y", last - 1))
    view = await store.rooms.view(den.id, bob.id)
    assert view is not None
    assert view.unread.mention_count == 998


async def test_a_page_looks_at_a_bounded_number_of_messages_and_the_next_goes_on_after_them(
    store: Store, den: Room, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mentions, "MAX_LOOKED", 3)
    public = (await store.rooms.create(make_room(1), bob)).room
    await change(store, public, alice, Role.MEMBER, by=bob)
    for number in range(4):  # of a room in which alice is not
        await say(store, public, mentioning(message(f"p{number}", by=bob), everybody=True), 100 + number)
    await change(store, public, alice, None, by=alice)
    await change(store, den, bob, Role.MEMBER, by=alice)
    mine = await say(store, den, mentioning(message("d", by=bob), alice), 10)
    page = await store.mentions.of_user(alice.id, cursor=None, limit=10)
    assert (page.items, page.next_cursor is None) == ([], False)
    page = await store.mentions.of_user(alice.id, cursor=page.next_cursor, limit=10)
    assert ([one.seq for one in page.items], page.next_cursor) == ([mine], None)


async def test_a_cursor_of_another_list_is_refused(store: Store, den: Room, alice: User, bob: User) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    for number in range(2):
        await say(store, den, mentioning(message(f"{number}"), bob), number)
    page = await store.mentions.of_user(bob.id, cursor=None, limit=1)
    assert page.next_cursor is not None
    rooms = await store.rooms.public(bob.id, cursor=None, limit=1)
    for cursor in (page.next_cursor[:-1], "", "x" * 2_000, rooms.next_cursor or "no", page.next_cursor + "A"):
        with pytest.raises(BadCursor):
            await store.mentions.of_user(bob.id, cursor=cursor, limit=1)
    with pytest.raises(BadCursor):
        await store.mentions.of_user(alice.id, cursor=page.next_cursor, limit=1)
    for user_id in ("nobody", "x" * 500):
        assert (await store.mentions.of_user(user_id, cursor=None, limit=1)).items == []


# -- names


async def test_only_members_who_can_log_in_are_found_by_their_names(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    await store.accounts.create(account_of(CLEO))
    names = ["alice", "bob", "cleo", "nobody"]
    for each in (store, other):
        assert await each.members.with_usernames(den.id, names) == {"alice": alice.id, "bob": bob.id}
        assert await each.members.with_usernames("nowhere", names) == {}
        assert await each.members.with_usernames(den.id, []) == {}
    await store.accounts.set_flags(bob.id, disabled=True)
    assert await store.members.with_usernames(den.id, names) == {"alice": alice.id}
    await store.accounts.set_flags(bob.id, disabled=False)
    await change(store, den, bob, None, by=alice)
    assert await other.members.with_usernames(den.id, names) == {"alice": alice.id}


async def test_members_are_counted_no_further_than_is_asked(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    assert [await store.members.count_of_room(den.id, at_most=most) for most in (1, 2, 3)] == [1, 2, 2]


# -- how one is notified


async def test_how_one_is_notified_outlasts_a_role_a_removal_and_coming_back(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)

    async def notify() -> Notify | None:
        member = await other.members.get(den.id, bob.id)
        view = await store.rooms.view(den.id, bob.id)
        assert view is not None
        assert view.notify == (None if member is None else member.notify)
        return view.notify

    assert await notify() == Notify() == Notify(NotifyLevel.MENTIONS, None)
    muted = Notify(NotifyLevel.ALL, 2**40)
    await store.members.set_notify(den.id, bob.id, muted)
    for role in (Role.READER, None, Role.MODERATOR):
        await change(store, den, bob, role, by=alice)
        assert await notify() == (None if role is None else muted)
    await other.members.set_notify(den.id, bob.id, Notify(NotifyLevel.NONE))
    assert await notify() == Notify(NotifyLevel.NONE, None)
    views = (await store.rooms.of_user(bob.id, cursor=None, limit=10)).items
    assert [view.notify for view in views] == [Notify(NotifyLevel.NONE)]
    assert (await store.rooms.views([den.id], alice.id))[0].notify == Notify()


async def test_only_members_set_how_they_are_notified(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    with pytest.raises(NotFound):
        await store.members.set_notify(den.id, bob.id, Notify())
    await change(store, den, bob, Role.MEMBER, by=alice)
    await change(store, den, bob, None, by=alice)
    for room_id, user_id in ((den.id, bob.id), ("nowhere", alice.id), ("x" * 500, alice.id)):
        with pytest.raises(NotFound):
            await store.members.set_notify(room_id, user_id, Notify())


# -- any history


def defined(logs: Sequence[list[Entry]], user: User) -> list[tuple[str, int]]:
    """Return what is listed for a user by the definition: the rooms of these logs are those that they are in."""
    found = []
    for log in logs:
        joined_at = max(
            one.at or 0
            for one in log
            if one.kind == Kind.MEMBER and one.user_id == user.id and one.data.get("was") is None
        )
        deleted = {one.data["target"] for one in log if one.kind == Kind.DELETE}
        for one in log:
            if one.kind != Kind.MESSAGE or one.user_id == user.id or one.seq in deleted:
                continue
            texts = [
                each
                for each in log
                if each.seq == one.seq or (each.kind == Kind.EDIT and each.data["target"] == one.seq)
            ]
            is_all = texts[-1].data.get("mentions_all") is True
            if mentions_now(log, one.seq, user.id) and not (is_all and (one.at or 0) < joined_at):
                found.append((one.at or 0, one.seq, one.room_id))
    return [(room_id, seq) for _, seq, room_id in sorted(found, reverse=True)]


async def test_every_store_lists_what_mentions_a_user_as_it_is_defined_after_any_history(
    store: Store, other: Store, store_url: str
) -> None:
    for user in (ALICE, BOB, CLEO):
        await store.accounts.create(account_of(user))
    histories: list[list[Step]] = drawn(
        HISTORIES[store_url.split(":", maxsplit=1)[0]], st.lists(STEPS, min_size=10, max_size=30)
    )
    rooms = [make_room(number) for number in range(len(histories))]

    async def one(room: Room, steps: list[Step]) -> None:
        await store.rooms.create(room, ALICE)
        await play(store, room, steps)

    await asyncio.gather(*(one(room, steps) for room, steps in zip(rooms, histories, strict=True)))
    count = 0
    for user in (ALICE, BOB, CLEO):
        logs = [
            await whole_log(store, room.id)
            for room in rooms
            if await store.members.get(room.id, user.id) is not None
        ]
        expected = defined(logs, user)
        count += len(expected)
        assert await listed(other, user) == expected
        assert await listed(store, user, limit=3) == expected
    assert count > len(histories)
