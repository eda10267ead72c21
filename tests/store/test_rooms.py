"""What every store promises of rooms."""

from dataclasses import replace

import pytest

from api.errors import BadCursor, Conflict
from api.models.accounts import User
from api.models.log import Kind
from api.models.rooms import LOBBY_ID, Member, Role, Room, Visibility
from api.store.base.store import Store
from tests.store.calls import all_pages, send, whole_log
from tests.store.make import BEGUN, DEN, delete, edit, make_room, message

pytestmark = pytest.mark.anyio


# -- making rooms


async def test_a_new_room_begins_with_its_owner_and_its_settings(store: Store, alice: User) -> None:
    view = await store.rooms.create(DEN, alice)
    assert (view.room, view.seq, view.role, view.unread.count) == (DEN, BEGUN, Role.OWNER, 0)
    assert (view.read_seq, view.last_message) == (1, None)
    assert await store.rooms.get(DEN.id) == DEN
    assert await store.rooms.view(DEN.id, alice.id) == view
    entry, made = await whole_log(store, DEN.id)
    assert (entry.kind, entry.user_id, entry.seq) == (Kind.MEMBER, alice.id, 1)
    assert entry.data == {"role": "owner", "by": alice.id, "display_name": "Alice"}
    assert (made.kind, made.user_id, made.at) == (Kind.ROOM, alice.id, DEN.created_at)
    assert made.data == {
        "name": DEN.name,
        "topic": DEN.topic,
        "visibility": DEN.visibility,
        "archived": False,
        "slow_seconds": 0,
        "post_role": "member",
        "avatar": "",
    }
    member = Member(DEN.id, alice.id, "alice", "Alice", Role.OWNER, DEN.created_at, read_seq=1)
    assert await store.members.get(DEN.id, alice.id) == member


async def test_making_a_room_again_is_safe_but_never_takes_it_over(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    again = await store.rooms.create(den, alice)
    assert again == await store.rooms.view(den.id, alice.id)
    with pytest.raises(Conflict):
        await store.rooms.create(replace(den, name="Mine now"), bob)
    assert await store.rooms.get(den.id) == den
    assert len(await whole_log(store, den.id)) == BEGUN


async def test_every_room_has_its_own_epoch_which_stays(store: Store, other: Store, den: Room) -> None:
    heads = await store.log.heads([den.id, LOBBY_ID])
    assert heads[den.id].epoch != heads[LOBBY_ID].epoch
    appended = await other.log.append(den.id, message("r1"))
    history = await other.log.history(den.id, limit=1)
    assert {appended.epoch, history.epoch} == {heads[den.id].epoch}


async def test_who_is_no_member_sees_a_room_without_role_and_counts(
    store: Store, den: Room, bob: User
) -> None:
    (seq,) = await send(store, den, "one")
    view = await store.rooms.view(den.id, bob.id)
    assert view is not None
    assert (view.room, view.seq, view.role, view.read_seq, view.unread.count) == (den, seq, None, 0, 0)


async def test_the_last_message_of_a_room_is_shown_folded(store: Store, den: Room, alice: User) -> None:
    async def last() -> tuple[int, str, bool] | None:
        view = await store.rooms.view(den.id, alice.id)
        assert view is not None
        shown = view.last_message
        return None if shown is None else (shown.seq, shown.body, shown.deleted)

    assert await last() is None
    _, two = await send(store, den, "one", "two")
    await store.log.append(den.id, edit("e", two, "two, edited"))
    assert await last() == (two, "two, edited", False)
    await store.log.append(den.id, delete("d", two))
    assert await last() == (two, "", True)


# -- lists


async def test_the_rooms_of_a_user_are_listed_page_by_page(store: Store, alice: User, bob: User) -> None:
    rooms = [make_room(n, Visibility.PRIVATE) for n in range(7)]
    for room in rooms:
        await store.rooms.create(room, alice)
    await store.rooms.create(make_room(99), bob)
    for limit in (1, 3, 7, 100):
        views = await all_pages(
            lambda cursor, limit=limit: store.rooms.of_user(alice.id, cursor=cursor, limit=limit),  # type: ignore[misc]
            limit=limit,
        )
        assert sorted(view.room.id for view in views) == [room.id for room in rooms]
        assert views == [await store.rooms.view(view.room.id, alice.id) for view in views]


async def test_public_rooms_are_listed_page_by_page_without_private_ones(
    store: Store, alice: User, bob: User, den: Room
) -> None:
    public = [make_room(n) for n in range(5)]
    for room in public:
        await store.rooms.create(room, alice)
    views = await all_pages(lambda cursor: store.rooms.public(bob.id, cursor=cursor, limit=2), limit=2)
    assert sorted(view.room.id for view in views) == sorted([LOBBY_ID, *(room.id for room in public)])
    assert {view.role for view in views} == {None}
    mine = await all_pages(lambda cursor: store.rooms.public(alice.id, cursor=cursor, limit=2), limit=2)
    assert {view.role for view in mine if view.room.id != LOBBY_ID} == {Role.OWNER}


async def test_public_rooms_are_found_by_any_part_of_the_name_in_any_case_over_all_pages(
    store: Store, alice: User, bob: User
) -> None:
    names = ["Ämter", "Tea (green)", "Tea time", "tEAm", "The end.*", "ЖУК", "plain"]
    for number, name in enumerate(names):
        await store.rooms.create(replace(make_room(number), name=name), alice)
    await store.rooms.create(replace(make_room(90, Visibility.PRIVATE), name="Tea in private"), alice)

    async def found(text: str) -> list[str]:
        views = await all_pages(
            lambda cursor: store.rooms.public(bob.id, named=text, cursor=cursor, limit=2), limit=2
        )
        return [view.room.name for view in views]

    for text, wanted in {
        "TEA": ["Tea (green)", "Tea time", "tEAm"],
        "amt": ["Ämter"],
        "Ämt": ["Ämter"],
        "жук": ["ЖУК"],
        "(g": ["Tea (green)"],
        ".*": ["The end.*"],
        "a t": ["Tea time"],
        "\\E": [],
        "\\": [],
        "private": [],
    }.items():
        assert await found(text) == wanted, text


async def test_a_page_mark_of_one_search_is_not_taken_for_another(store: Store, alice: User) -> None:
    for number in range(3):
        await store.rooms.create(replace(make_room(number), name=f"Tea {number}"), alice)
    page = await store.rooms.public(alice.id, named="tea", cursor=None, limit=1)
    assert page.next_cursor
    for named in ("te", None):
        with pytest.raises(BadCursor):
            await store.rooms.public(alice.id, named=named, cursor=page.next_cursor, limit=1)
