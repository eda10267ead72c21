"""What every store promises of the previews of links in messages."""

from dataclasses import replace

import pytest

from api.errors import Deleted
from api.models.accounts import User
from api.models.log import Json, Kind, LinkPreview
from api.models.rooms import Room
from api.store.base.store import Store
from tests.store.calls import whole_log
from tests.store.make import delete, edit, message, preview

pytestmark = pytest.mark.anyio

ONE, OTHER = "https://one.example/a", "https://other.example/"


async def sent(store: Store, room: Room, body: str) -> int:
    return (await store.log.append(room.id, message("r1", body))).entry.seq


async def urls(store: Store, room: Room, seq: int) -> list[str]:
    found = await store.log.message(room.id, seq)
    assert found is not None
    return [one.url for one in found.previews]


async def test_a_message_has_the_previews_that_were_found_last(
    store: Store, other: Store, den: Room, alice: User
) -> None:
    seq = await sent(store, den, f"see {ONE} and {OTHER}")
    assert await urls(store, den, seq) == []
    first = await store.log.append(den.id, preview(seq, ONE, by=alice))
    assert (first.entry.kind, first.is_new) == (Kind.PREVIEW, True)
    await store.log.append(den.id, preview(seq, ONE, OTHER, by=alice))
    previews = (LinkPreview(ONE, f"The page {ONE}"), LinkPreview(OTHER, f"The page {OTHER}"))
    for each in (store, other):
        (shown,) = (await each.log.history(den.id, limit=50)).items
        assert shown.previews == previews


async def test_the_same_previews_are_not_stored_twice(store: Store, den: Room, alice: User) -> None:
    seq = await sent(store, den, ONE)
    await store.log.append(den.id, preview(seq, ONE, by=alice))
    again = await store.log.append(den.id, preview(seq, ONE, by=alice))
    assert not again.is_new
    other_title = preview(seq, ONE, by=alice)
    previews: list[Json] = [
        {"url": ONE, "title": "By another node", "description": "", "site_name": "", "picture": None}
    ]
    late = replace(other_title, data=other_title.data | {"previews": previews})
    assert not (await store.log.append(den.id, late)).is_new
    assert len(await whole_log(store, den.id)) == seq + 1


async def test_an_edit_takes_away_the_previews_of_links_that_it_takes_away(
    store: Store, den: Room, alice: User
) -> None:
    seq = await sent(store, den, f"see {ONE} and {OTHER}")
    await store.log.append(den.id, preview(seq, ONE, OTHER, by=alice))
    await store.log.append(den.id, edit("e1", seq, f"only {OTHER}"))
    assert await urls(store, den, seq) == [OTHER]
    await store.log.append(den.id, edit("e2", seq, f"only {OTHER} and {ONE} again"))
    assert await urls(store, den, seq) == [OTHER]


async def test_previews_of_links_that_an_edit_took_away_meanwhile_are_not_stored(
    store: Store, den: Room, alice: User
) -> None:
    seq = await sent(store, den, f"see {ONE}")
    await store.log.append(den.id, edit("e1", seq, "nothing to see"))
    assert not (await store.log.append(den.id, preview(seq, ONE, by=alice))).is_new
    assert await urls(store, den, seq) == []


async def test_once_they_are_removed_none_come_any_more(store: Store, den: Room, alice: User) -> None:
    seq = await sent(store, den, ONE)
    await store.log.append(den.id, preview(seq, ONE, by=alice))
    assert (await store.log.append(den.id, preview(seq, removed=True, by=alice))).is_new
    assert await urls(store, den, seq) == []
    assert not (await store.log.append(den.id, preview(seq, ONE, by=alice))).is_new
    assert not (await store.log.append(den.id, preview(seq, removed=True, by=alice))).is_new
    await store.log.append(den.id, edit("e1", seq, f"{ONE} {OTHER}"))
    assert not (await store.log.append(den.id, preview(seq, OTHER, by=alice))).is_new
    assert await urls(store, den, seq) == []


async def test_they_may_be_removed_before_there_are_any(store: Store, den: Room, alice: User) -> None:
    seq = await sent(store, den, ONE)
    assert (await store.log.append(den.id, preview(seq, removed=True, by=alice))).is_new
    assert not (await store.log.append(den.id, preview(seq, ONE, by=alice))).is_new


async def test_a_deleted_message_has_none_and_the_log_says_nothing_of_them(
    store: Store, other: Store, den: Room, alice: User
) -> None:
    seq = await sent(store, den, ONE)
    for number in range(40):  # so that a part of it is beyond the newest entries of the room
        await store.log.append(den.id, message(f"m{number}"))
        if not number:
            await store.log.append(den.id, preview(seq, ONE, by=alice))
    await store.log.append(den.id, delete("d", seq))
    with pytest.raises(Deleted):
        await store.log.append(den.id, preview(seq, ONE, OTHER, by=alice))
    for each in (store, other):
        assert await urls(each, den, seq) == []
        log = await whole_log(each, den.id)
        assert [one.data for one in log if one.kind == Kind.PREVIEW] == [{"target": seq}]
        assert "one.example" not in str(log)
