"""The history with the notices between the messages: the same items as the log has, page by page, both ways."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from api.errors import NotFound
from api.models.accounts import User
from api.models.kinds import KINDS, NOTICES
from api.models.log import Draft, Entry, Kind, Message, Timeline
from api.models.rooms import LOBBY_ID, Role, Room
from api.store.base.store import Store
from api.store.fold import fold
from tests.store.calls import change, send, whole_log
from tests.store.make import BEGUN, delete, edit, make_user, message, reaction, renaming
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio


def expected(log: Sequence[Entry]) -> list[Message | Entry]:
    """Return the items of a whole timeline, made from the whole log."""
    changes = [one for one in log if one.kind in KINDS and KINDS[one.kind].has_target]
    folded = {one.seq: one for one in fold([one for one in log if one.kind == Kind.MESSAGE], changes)}
    return [folded.get(one.seq, one) for one in log if one.kind in {Kind.MESSAGE, *NOTICES}]


async def pages_of(store: Store, room_id: str, limit: int, *, forwards: bool) -> list[Message | Entry]:
    """Return all items of a timeline, read page by page."""
    items: list[Message | Entry] = []
    place: dict[str, int] = {"after": 0} if forwards else {}
    while True:
        page = await store.log.timeline(room_id, limit=limit, **place)
        assert len(page.items) == limit or not page.has_more
        items = [*items, *page.items] if forwards else [*page.items, *items]
        if not page.has_more:
            return items
        place = {"after": page.items[-1].seq} if forwards else {"before": page.items[0].seq}


def test_notices_are_members_and_changes_of_the_room_and_no_messages() -> None:
    assert NOTICES == (Kind.MEMBER, Kind.ROOM)


async def test_a_timeline_has_what_the_log_has_page_by_page_in_both_directions(  # noqa: PLR0917  the fixtures
    store: Store, other: Store, stranger: Stranger, den: Room, alice: User, bob: User
) -> None:
    (first,) = await send(store, den, "first")
    for number in range(4):
        await store.members.join(den.id, bob, Role.MEMBER, number)
        await send(store, den, *(f"{number} {n}" for n in range(number)))
        await store.rooms.change(den.id, alice, at=1, rule=renaming(f"{number}"))
        await store.log.append(den.id, reaction(f"like{number}", first, "👍"))
        await store.members.leave(den.id, bob, number)
    await stranger.write(den.id, {"kind": "poll", "data": {"target": first}}, None)
    (gone,) = await send(store, den, "gone")
    await store.log.append(den.id, edit("better", first, "better"))
    await store.log.append(den.id, delete("d", gone))
    whole = expected(await whole_log(store, den.id))
    assert {type(one) for one in whole} == {Message, Entry}
    for limit in (1, 2, 3, 7, 100):
        for forwards in (True, False):
            for each in (store, other):
                assert await pages_of(each, den.id, limit, forwards=forwards) == whole, (limit, forwards)
    epoch = (await store.log.heads([den.id]))[den.id].epoch
    last = await store.log.timeline(den.id, limit=2)
    assert last == Timeline(whole[-2:], epoch, has_more=True)


async def test_a_page_is_full_however_much_lies_between_its_items(
    store: Store, den: Room, alice: User
) -> None:
    (first,) = await send(store, den, "first")
    for number in range(150):
        await store.log.append(den.id, reaction(f"like{number}", first, f"{number % 20}"))
    user = replace(make_user(1), id=alice.id)
    await change(store, den, user, Role.READER, by=alice)
    for number in range(150, 300):
        await store.log.append(den.id, reaction(f"like{number}", first, f"{number % 20}"))
    page = await store.log.timeline(den.id, limit=2)
    assert [(type(one), one.seq) for one in page.items] == [(Message, first), (Entry, first + 151)]
    assert page.has_more
    page = await store.log.timeline(den.id, after=first, limit=2)
    assert [one.seq for one in page.items] == [first + 151]
    assert not page.has_more
    # Without the notices, messages are found however many notices lie between.
    assert [one.seq for one in (await store.log.history(den.id, limit=2)).items] == [first]


async def test_messages_are_found_behind_very_many_notices_and_notices_behind_messages(
    store: Store, alice: User
) -> None:
    said: Draft = message("r1")
    seq = (await store.log.append(LOBBY_ID, said)).entry.seq
    for number in range(130):
        await store.rooms.change(LOBBY_ID, alice, at=1, rule=renaming(f"{number}"))
    assert [one.seq for one in (await store.log.history(LOBBY_ID, limit=1)).items] == [seq]
    for number in range(130):
        await store.log.append(LOBBY_ID, message(f"m{number}"))
    page = await store.log.timeline(LOBBY_ID, before=seq + 132, limit=3)
    assert [one.seq for one in page.items] == [seq + 129, seq + 130, seq + 131]
    assert [type(one) for one in page.items] == [Entry, Entry, Message]


async def test_a_timeline_beyond_either_end_is_empty(store: Store, den: Room) -> None:
    for bounds in ({"before": 1}, {"before": 0}, {"after": BEGUN}, {"after": 2**60}, {"before": -5}):
        page = await store.log.timeline(den.id, limit=3, **bounds)
        assert (page.items, page.has_more) == ([], False), bounds
    for room_id in ("nowhere", "x" * 500):
        with pytest.raises(NotFound):
            await store.log.timeline(room_id, limit=3)
