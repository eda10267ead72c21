"""What every store promises of invites, and of who has used them."""

import asyncio
from dataclasses import replace

import pytest

from api.errors import BadCursor, BadInvite
from api.models.accounts import User
from api.models.invites import Invite
from api.models.rooms import Role, Room
from api.store.base.invites import CLAIM_MS
from api.store.base.store import Store
from tests.store.calls import all_pages
from tests.store.make import BOB, account_of, make_user

pytestmark = pytest.mark.anyio

ONE = Invite("hash-1", made_by=None, created_at=1_000, expires_at=9_000, max_uses=1)
NOW = 5_000


async def stored(store: Store, invite: Invite = ONE) -> Invite:
    await store.invites.create(invite, forget_before=0)
    return invite


async def made(store: Store, user: User) -> User:
    await store.accounts.create(account_of(user))
    return user


async def test_an_invite_is_kept_with_all_that_it_says(store: Store, other: Store, den: Room) -> None:
    to_the_room = Invite(
        "hash-2",
        made_by="user-alice",
        created_at=1,
        expires_at=None,
        max_uses=7,
        room_id=den.id,
        role=Role.READER,
        admin=True,
    )
    for invite in (ONE, to_the_room, replace(ONE, id="hash-3", for_setup=True)):
        await stored(store, invite)
        assert await other.invites.get(invite.id) == invite
    await stored(store, replace(ONE, max_uses=99))
    assert await store.invites.get(ONE.id) == ONE
    for unknown in ("hash-4", "", "x" * 10_000):
        assert await store.invites.get(unknown) is None


async def test_a_use_is_claimed_once_by_each_user_and_a_retry_takes_none(store: Store, other: Store) -> None:
    await stored(store, replace(ONE, max_uses=2))
    first, second, third = [await made(store, make_user(n)) for n in range(3)]
    for each in (store, other):
        assert (await each.invites.claim(ONE.id, first.id, at=NOW)).uses_left == 1
    assert (await other.invites.claim(ONE.id, second.id, at=NOW)).uses_left == 0
    for each in (store, other):
        with pytest.raises(BadInvite):
            await each.invites.claim(ONE.id, third.id, at=NOW)
        assert (await each.invites.claim(ONE.id, second.id, at=NOW)).uses_left == 0


async def test_of_many_who_claim_at_once_on_two_stores_only_as_many_get_a_use_as_there_are(
    store: Store, other: Store
) -> None:
    await stored(store, replace(ONE, max_uses=3))
    answers = await asyncio.gather(
        *(each.invites.claim(ONE.id, make_user(n).id, at=NOW) for n, each in enumerate((store, other) * 6)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["BadInvite"] * 9 + ["Invite"] * 3


@pytest.mark.parametrize("invite_id", ["unknown", "", "x" * 10_000, "a\0b"])
async def test_an_unknown_invite_lets_nobody_in(store: Store, invite_id: str) -> None:
    with pytest.raises(BadInvite):
        await store.invites.claim(invite_id, BOB.id, at=NOW)
    await store.invites.release(invite_id, BOB.id)


async def test_an_invite_lets_people_in_until_it_expires_or_is_ended(store: Store, other: Store) -> None:
    await stored(store)
    with pytest.raises(BadInvite):
        await store.invites.claim(ONE.id, BOB.id, at=9_000)
    found = await store.invites.get(ONE.id)
    assert found is not None
    assert found.use_count == 0
    assert await other.invites.end(None, ONE.id)
    assert not await store.invites.end(None, ONE.id)
    with pytest.raises(BadInvite):
        await store.invites.claim(ONE.id, BOB.id, at=NOW)


async def test_who_has_taken_a_use_is_known_also_before_the_account_is_made(
    store: Store, other: Store, bob: User
) -> None:
    await stored(store, replace(ONE, max_uses=3))
    for user_id in (bob.id, "being-made", "given-back"):
        await store.invites.claim(ONE.id, user_id, at=NOW)
    await store.invites.release(ONE.id, "given-back")
    assert sorted(await other.invites.users(ONE.id)) == sorted([bob.id, "being-made"])
    await store.erasure.begin(bob.id)
    await store.erasure.finish(bob.id)
    assert await other.invites.users(ONE.id) == ["being-made"]
    assert [await store.invites.users(unknown) for unknown in ("unknown", "", "x" * 10_000)] == [[], [], []]


async def test_a_use_that_was_given_back_can_be_claimed_by_another(store: Store, other: Store) -> None:
    await stored(store)
    await store.invites.claim(ONE.id, BOB.id, at=NOW)
    await store.invites.release(ONE.id, "somebody")
    with pytest.raises(BadInvite):
        await other.invites.claim(ONE.id, "another", at=NOW)
    await store.invites.release(ONE.id, BOB.id)
    assert (await other.invites.claim(ONE.id, "another", at=NOW)).uses_left == 0


async def test_a_use_whose_account_was_never_made_is_free_after_a_while(store: Store, other: Store) -> None:
    """The node that claimed it has crashed before it could store the account."""
    await stored(store, replace(ONE, expires_at=None))
    await store.invites.claim(ONE.id, "never-made", at=NOW)
    with pytest.raises(BadInvite):
        await other.invites.claim(ONE.id, BOB.id, at=NOW + CLAIM_MS)
    await other.invites.claim(ONE.id, BOB.id, at=NOW + CLAIM_MS + 1)
    await made(store, BOB)
    with pytest.raises(BadInvite):
        await store.invites.claim(ONE.id, "another", at=NOW + 10 * CLAIM_MS)


async def test_erasing_an_account_takes_the_invites_it_made_and_leaves_used_what_it_used(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    mine = await stored(store, replace(ONE, id="by-alice", made_by=alice.id))
    hers = await stored(store, replace(ONE, id="by-bob", made_by=bob.id))
    await stored(store, replace(ONE, expires_at=None))
    await store.invites.claim(ONE.id, bob.id, at=NOW)
    await store.invites.claim(hers.id, alice.id, at=NOW)
    await store.erasure.begin(bob.id)
    await other.erasure.finish(bob.id)
    assert await store.invites.get(mine.id) == mine
    assert await store.invites.get(hers.id) is None
    with pytest.raises(BadInvite):  # else one invite would admit the same person again and again
        await store.invites.claim(ONE.id, bob.id, at=NOW + 10 * CLAIM_MS)
    await store.erasure.begin(alice.id)
    await other.erasure.finish(alice.id)
    assert await store.invites.get(mine.id) is None


async def test_invites_are_listed_newest_first_to_each_room_and_to_the_server(
    store: Store, other: Store, den: Room
) -> None:
    to_server = [await stored(store, replace(ONE, id=f"s{n}", created_at=n)) for n in range(5)]
    to_den = [await stored(store, replace(ONE, id=f"d{n}", room_id=den.id)) for n in range(3)]
    await stored(store, replace(ONE, id="setup", for_setup=True))
    used = await store.invites.claim("s2", BOB.id, at=NOW)
    listed = await all_pages(lambda cursor: other.invites.of_room(None, cursor=cursor, limit=2), limit=2)
    assert listed == [*to_server[:2], used, *to_server[3:]][::-1]
    page = await store.invites.of_room(den.id, cursor=None, limit=2)
    assert page.items == to_den[:0:-1]
    with pytest.raises(BadCursor):
        await store.invites.of_room(None, cursor=page.next_cursor, limit=2)
    assert (await store.invites.of_room("nowhere", cursor=None, limit=2)).items == []


async def test_what_a_user_has_made_is_listed_oldest_first(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    mine = [replace(ONE, id=f"a{n}", made_by=alice.id, created_at=n) for n in range(5)]
    for invite in (*mine[::-1], replace(ONE, id="b", made_by=bob.id), ONE):
        await stored(store, invite)
    listed = await all_pages(lambda cursor: other.invites.of_user(alice.id, cursor=cursor, limit=2), limit=2)
    assert listed == mine
    for nobody in ("nobody", "", "x" * 10_000):
        assert (await store.invites.of_user(nobody, cursor=None, limit=2)).items == []
    with pytest.raises(BadCursor):
        await store.invites.of_user(alice.id, cursor="nonsense", limit=2)


async def test_an_invite_is_ended_only_where_it_leads(store: Store, den: Room) -> None:
    await stored(store, replace(ONE, id="den", room_id=den.id))
    await stored(store)
    await stored(store, replace(ONE, id="setup", for_setup=True))
    assert not await store.invites.end(None, "den")
    assert not await store.invites.end(den.id, ONE.id)
    assert not await store.invites.end(None, "setup")
    assert await store.invites.end(den.id, "den")
    assert await store.invites.end(None, ONE.id)


async def test_expired_invites_are_deleted_when_another_is_made(store: Store) -> None:
    await stored(store)
    await stored(store, replace(ONE, id="for-ever", expires_at=None))
    await store.invites.claim(ONE.id, BOB.id, at=NOW)
    await store.invites.create(replace(ONE, id="hash-2"), forget_before=9_000)
    assert await store.invites.get(ONE.id) is not None
    await store.invites.create(replace(ONE, id="hash-3", expires_at=99_999), forget_before=9_001)
    assert [await store.invites.get(one) is not None for one in (ONE.id, "hash-2", "for-ever")] == [
        False,
        False,
        True,
    ]
