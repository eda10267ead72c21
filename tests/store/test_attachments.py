"""Files in the store: how far each has come, who may have it, and how much is kept of everybody."""

import asyncio
from dataclasses import replace

import pytest

from api.errors import BadCursor, QuotaReached
from api.models.attachments import Attachment, FileQuota, FileState, FoundFile, Usage
from api.store.base.store import Store
from tests.store.calls import all_pages

pytestmark = pytest.mark.anyio

ONE = Attachment("f-one", "room-den", "user-alice", "cat.png", size=100, made_at=5_000, touched_at=5_000)
LOOKED = FoundFile("image/png", size=90, width=4, height=3, blur="aGk=", has_thumb=True)
ROOMY = FileQuota(user_bytes=10_000, all_bytes=10_000)
STRANGE = ["nothing", "", "x" * 10_000, "a\0b"]
CLAIM = {"user_id": ONE.user_id, "room_id": ONE.room_id, "ref": "r1"}


async def make(store: Store, *ids: str, **changes: object) -> list[Attachment]:
    """Store whole files with these ids."""
    made = [replace(ONE, id=one, **changes) for one in ids]  # type: ignore[arg-type]
    for one in made:
        await store.attachments.create(one, ROOMY)
        await store.attachments.finish(one.id, LOOKED, at=6_000)
    return [(await store.attachments.get_many([one]))[one] for one in ids]


async def test_an_upload_becomes_whole_once(store: Store, other: Store) -> None:
    await store.attachments.create(ONE, ROOMY)
    assert await other.attachments.get_many([ONE.id, *STRANGE]) == {ONE.id: ONE}
    assert await other.attachments.touch(ONE.id, at=5_500)
    whole = await store.attachments.finish(ONE.id, LOOKED, at=6_000)
    assert whole == replace(LOOKED.of(ONE), state=FileState.WHOLE, touched_at=6_000)
    again = await other.attachments.finish(ONE.id, replace(LOOKED, type="text/plain"), at=7_000)
    assert again == whole
    assert not await other.attachments.touch(ONE.id, at=8_000)
    for strange in STRANGE:
        assert await store.attachments.finish(strange, LOOKED, at=1) is None
        assert not await store.attachments.touch(strange, at=1)


async def test_what_is_whole_and_still_needed_is_as_if_it_had_just_come(store: Store, other: Store) -> None:
    (one,) = await make(store, "f-one")
    await store.attachments.create(replace(ONE, id="f-coming"), ROOMY)
    for name in (one.id, "f-coming", *STRANGE):
        await other.attachments.renew(name, at=9_000)
    assert await store.attachments.get_many([one.id]) == {one.id: replace(one, touched_at=9_000)}
    assert [left.id for left in await store.attachments.unsent(before=8_000, empty_before=0, limit=10)] == [
        "f-coming"
    ]


async def test_ten_uploads_at_the_same_time_stay_within_the_quota_of_their_user(
    store: Store, other: Store
) -> None:
    quota = FileQuota(user_bytes=350, all_bytes=10_000)
    stores = [store, other] * 5
    made = await asyncio.gather(
        *(one.attachments.create(replace(ONE, id=f"f{n}"), quota) for n, one in enumerate(stores)),
        return_exceptions=True,
    )
    assert [type(one) for one in made if one is not None] == [QuotaReached] * 7
    assert await other.attachments.usage(ONE.user_id) == Usage(300, 3)
    with pytest.raises(QuotaReached, match="You have no space"):
        await store.attachments.create(replace(ONE, id="more"), quota)


async def test_all_users_together_stay_within_the_quota_of_the_server(store: Store, other: Store) -> None:
    quota = FileQuota(user_bytes=10_000, all_bytes=250)
    made = await asyncio.gather(
        *(
            one.attachments.create(replace(ONE, id=f"f{n}", user_id=f"user-{n}"), quota)
            for n, one in enumerate([store, other] * 5)
        ),
        return_exceptions=True,
    )
    assert [type(one) for one in made if one is not None] == [QuotaReached] * 8
    assert await other.attachments.usage(None) == Usage(200, 2)
    of_each = [await store.attachments.usage(f"user-{n}") for n in range(10)]
    assert sorted(one.bytes for one in of_each) == [0] * 8 + [100] * 2
    with pytest.raises(QuotaReached, match="This server has no space"):
        await store.attachments.create(replace(ONE, id="more"), quota)


async def test_what_is_removed_or_became_smaller_counts_no_more(store: Store, other: Store) -> None:
    (one, _two) = await make(store, "f1", "f2")
    assert await other.attachments.usage(one.user_id) == Usage(180, 2)
    assert not await store.attachments.remove(one.id)  # it is not gone
    assert await store.attachments.give_up(one)
    assert await other.attachments.gone(limit=9) == ["f1"]
    assert sorted(
        await asyncio.gather(store.attachments.remove(one.id), other.attachments.remove(one.id))
    ) == [False, True]
    assert await store.attachments.usage(one.user_id) == await store.attachments.usage(None) == Usage(90, 1)
    assert not await store.attachments.recount()


async def test_a_file_is_claimed_for_one_message_only(store: Store, other: Store) -> None:
    (one,) = await make(store, "f1")
    await store.attachments.create(replace(ONE, id="coming"), ROOMY)
    wrong = [{"user_id": "user-bob"}, {"room_id": "room-2"}]
    for change in wrong:
        assert await store.attachments.claim(["f1"], **CLAIM | change, at=7_000) == {}
    claims = await asyncio.gather(
        store.attachments.claim(["f1", "coming", *STRANGE], **CLAIM, at=7_000),
        other.attachments.claim(["f1"], **CLAIM | {"ref": "r2"}, at=7_000),
    )
    assert sorted(map(len, claims)) == [0, 1]
    ref = "r1" if claims[0] else "r2"
    claimed = replace(one, ref=ref, touched_at=7_000)
    assert claims[0 if claims[0] else 1] == {"f1": claimed}
    again = await other.attachments.claim(["f1"], **CLAIM | {"ref": ref}, at=8_000)
    assert again == {"f1": replace(claimed, touched_at=8_000)}
    assert await store.attachments.describe("f1", "a cat", at=9_000) is None
    await other.attachments.release(["f1"], user_id=one.user_id, ref="another")
    assert await store.attachments.claim(["f1"], **CLAIM | {"ref": "r3"}, at=9_000) == {}
    await other.attachments.release(["f1"], user_id=one.user_id, ref=ref)
    assert (await store.attachments.claim(["f1"], **CLAIM | {"ref": "r3"}, at=9_000)).keys() == {"f1"}


async def test_a_file_that_was_sent_belongs_to_its_message(store: Store, other: Store) -> None:
    (one,) = await make(store, "f1")
    await store.attachments.claim(["f1"], **CLAIM, at=7_000)
    await store.attachments.send(["f1"], room_id="room-2", user_id=one.user_id, seq=9)
    await store.attachments.send(["f1", *STRANGE], room_id=one.room_id, user_id=one.user_id, seq=7)
    await other.attachments.send(["f1"], room_id=one.room_id, user_id=one.user_id, seq=8)
    sent = replace(one, state=FileState.SENT, ref="r1", seq=7, touched_at=7_000)
    assert await other.attachments.of_message(one.room_id, 7) == [sent]
    assert await other.attachments.claim(["f1"], **CLAIM, at=9_000) == {"f1": sent}
    await store.attachments.release(["f1"], user_id=one.user_id, ref="r1")
    assert await store.attachments.claim(["f1"], **CLAIM | {"ref": "r2"}, at=9_000) == {}
    assert await store.attachments.give_up_message(one.room_id, 8) == 0
    assert await store.attachments.give_up_message(one.room_id, 7) == 1
    assert await store.attachments.give_up_message(one.room_id, 7) == 0
    assert await other.attachments.of_message(one.room_id, 7) == []
    assert await other.attachments.gone(limit=9) == ["f1"]
    for strange in STRANGE:
        assert await store.attachments.of_message(strange, 7) == []
        assert await store.attachments.give_up_message(strange, 7) == 0


async def test_who_gives_a_file_up_must_have_seen_it_as_it_is(store: Store, other: Store) -> None:
    (one,) = await make(store, "f1")
    assert (await store.attachments.describe("f1", "a cat", at=6_500)) == replace(
        one, alt="a cat", touched_at=6_500
    )
    assert not await other.attachments.give_up(one)
    now = (await other.attachments.get_many(["f1"]))["f1"]
    assert await other.attachments.give_up(now)
    assert not await store.attachments.give_up(now)
    assert await store.attachments.finish("f1", LOOKED, at=9_000) is None
    assert await store.attachments.claim(["f1"], **CLAIM, at=9_000) == {}


async def test_unsent_files_are_listed_by_age(store: Store, other: Store) -> None:
    await make(store, "f1", "f2", "sent")
    await store.attachments.send(["sent"], room_id=ONE.room_id, user_id=ONE.user_id, seq=3)
    await store.attachments.create(replace(ONE, id="coming", touched_at=5_900), ROOMY)
    listed = await other.attachments.unsent(before=6_001, empty_before=0, limit=9)
    assert [one.id for one in listed] == ["coming", "f1", "f2"]
    assert [one.id for one in await other.attachments.unsent(before=6_000, empty_before=0, limit=9)] == [
        "coming"
    ]
    assert [one.id for one in await other.attachments.unsent(before=9_000, empty_before=0, limit=2)] == [
        "coming",
        "f1",
    ]


async def test_the_files_of_a_room_and_of_a_user_go_together(store: Store, other: Store) -> None:
    await make(store, "f1", "f2", "f3")
    await make(store, "avatar", room_id="")
    await make(store, "hers", user_id="user-bob")
    await store.attachments.send(["f1"], room_id=ONE.room_id, user_id=ONE.user_id, seq=3)
    assert await store.attachments.give_up_user(ONE.user_id)
    while await store.attachments.give_up_user(ONE.user_id):
        pass
    assert sorted(await other.attachments.gone(limit=9)) == ["avatar", "f2", "f3"]
    while await store.attachments.give_up_room(ONE.room_id):
        pass
    assert sorted(await other.attachments.gone(limit=9)) == ["avatar", "f1", "f2", "f3", "hers"]
    for strange in STRANGE:
        assert not await store.attachments.give_up_room(strange)
        assert not await store.attachments.give_up_user(strange)


async def test_files_are_listed_by_room_by_user_and_all_in_pages(store: Store, other: Store) -> None:
    ids = [f"f{n}" for n in range(5)]
    await make(store, *ids)
    for seq, id_ in enumerate(ids[:4], 3):
        await store.attachments.send([id_], room_id=ONE.room_id, user_id=ONE.user_id, seq=seq // 2)
    in_room = await all_pages(
        lambda cursor: other.attachments.of_room(ONE.room_id, cursor=cursor, limit=2), limit=2
    )
    assert [(one.seq, one.id) for one in in_room] == [(3, "f3"), (2, "f2"), (2, "f1"), (1, "f0")]
    of_user = await all_pages(
        lambda cursor: other.attachments.of_user(ONE.user_id, cursor=cursor, limit=2), limit=2
    )
    assert [one.id for one in of_user] == ids
    assert [one.id for one in await other.attachments.page(after="f1", limit=2)] == ["f2", "f3"]
    page = await store.attachments.of_room(ONE.room_id, cursor=None, limit=2)
    with pytest.raises(BadCursor):
        await store.attachments.of_room("room-2", cursor=page.next_cursor, limit=2)
    for strange in STRANGE:
        assert (await store.attachments.of_room(strange, cursor=None, limit=2)).items == []
        assert (await store.attachments.of_user(strange, cursor=None, limit=2)).items == []
        assert await store.attachments.usage(strange or None) in {Usage(), Usage(450, 5)}
