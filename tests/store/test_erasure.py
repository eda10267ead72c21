"""What every store promises of erasing an account."""

from dataclasses import replace

import pytest

from api.errors import NotFound, UsernameTaken
from api.models.accounts import User
from api.models.log import Entry
from api.models.rooms import LOBBY_ID, Role, Room
from api.store.base.store import Store
from tests.store.calls import account, whole_log
from tests.store.make import BOB, account_of, edit, message, reaction
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio


async def written_by(store: Store, user: User) -> list[Entry]:
    found: list[Entry] = []
    cursor: str | None = None
    while True:
        page = await store.erasure.entries_of(user.id, cursor=cursor, limit=2)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return sorted(found, key=lambda entry: (entry.room_id, entry.seq))


async def test_all_that_a_user_wrote_is_found_and_nothing_else(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await store.members.join(den.id, bob, Role.MEMBER, 4_000)
    await store.members.join(LOBBY_ID, alice, Role.MEMBER, 4_000)
    seq = 0
    for number in range(3):
        seq = (await store.log.append(den.id, message(f"a{number}"))).entry.seq
        await store.log.append(den.id, message(f"b{number}", by=bob))
        await store.log.append(LOBBY_ID, message(f"l{number}"))
    await store.log.append(den.id, edit("e1", seq, "changed"))
    await store.log.append(den.id, reaction("x1", seq + 1, "👍"))
    logs = [*await whole_log(store, LOBBY_ID), *await whole_log(store, den.id)]
    assert await written_by(store, alice) == [entry for entry in logs if entry.user_id == alice.id]
    assert await written_by(store, User("nobody", "x", "x", 0)) == []


async def test_an_anonymised_entry_bears_another_name_wherever_it_is_read(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    await store.members.join(den.id, bob, Role.MEMBER, 4_000)
    hers = [(await store.log.append(den.id, message(f"a{n}"))).entry.seq for n in range(40)]
    his = (await store.log.append(den.id, message("b1", by=bob))).entry.seq
    await store.members.leave(den.id, bob, 6_000)
    await store.erasure.anonymise(await written_by(store, alice), "erased")
    await store.log.append(den.id, message("a-last"))
    for each in (store, other):
        log = {entry.seq: entry for entry in await whole_log(each, den.id)}
        assert {log[seq].username for seq in hers} == {"erased"}
        assert {log[seq].data["body"] for seq in hers} == {"hello"}
        assert log[his].username == bob.username
        assert {one.username for one in (await each.log.history(den.id, limit=50)).items} == {
            "erased",
            "bob",
            "alice",
        }


async def test_the_display_name_of_who_is_erased_stands_in_no_entry(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    flushed = await store.members.join(den.id, bob, Role.MEMBER, 4_000)
    for number in range(40):  # so that the first entries are in no tail
        await store.log.append(den.id, message(f"a{number}"))
    left = await store.members.leave(den.id, bob, 6_000)
    assert flushed is not None
    assert left is not None
    await store.erasure.anonymise(await written_by(store, bob), "erased")
    for each in (store, other):
        log = {entry.seq: entry for entry in await whole_log(each, den.id)}
        for entry in (flushed.entry, left.entry):
            seen = log[entry.seq]
            assert (seen.username, seen.data["role"], seen.data["by"]) == (
                "erased",
                entry.data["role"],
                bob.id,
            )
            assert "display_name" not in seen.data
        assert log[1].data["display_name"] == "Alice"


async def test_what_is_kept_of_memberships_goes_with_their_account(
    store: Store, other: Store, stranger: Stranger, den: Room, bob: User
) -> None:
    await store.members.join(den.id, bob, Role.READER, 4_000)
    await store.members.leave(den.id, bob, 5_000)
    assert await stranger.membership_count(bob.id) == 1
    await store.erasure.begin(bob.id)
    await other.erasure.finish(bob.id)
    assert await stranger.membership_count(bob.id) == 0
    assert await store.members.count_of_room(den.id) == 1


async def test_an_account_that_is_taken_out_is_disabled_first_and_its_name_free_at_last(
    store: Store, other: Store, alice: User
) -> None:
    await store.erasure.begin(alice.id)
    await store.erasure.begin(alice.id)
    assert await other.erasure.pending() == [alice.id]
    assert (await account(store, alice)).disabled
    with pytest.raises(NotFound):
        await store.accounts.set_flags(alice.id, disabled=False)
    with pytest.raises(UsernameTaken):
        await store.accounts.create(replace(account_of(BOB), username_key="alice"))
    await store.erasure.finish(alice.id)
    await store.erasure.finish(alice.id)
    assert await other.erasure.pending() == []
    assert await store.accounts.get(alice.id) is None
    assert await store.accounts.by_name("alice") is None
    await store.accounts.create(replace(account_of(BOB), username_key="alice"))
    for user_id in ("nobody", "", alice.id):
        with pytest.raises(NotFound):
            await store.erasure.begin(user_id)
