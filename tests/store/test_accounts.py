"""What every store promises of accounts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from api.errors import BadCursor, Conflict, NotFound, UsernameTaken
from api.models.accounts import Account, AccountFilter, AccountState, Profile, User
from api.models.page import Page
from api.models.rooms import Role, Room
from api.store import paging
from api.store.base.store import Store
from tests.store.calls import account
from tests.store.make import ALICE, account_of, make_user, session_of

pytestmark = pytest.mark.anyio


async def user_of(store: Store, user_id: str) -> User | None:
    account = await store.accounts.get(user_id)
    return None if account is None else account.user


# -- accounts


async def test_an_account_is_found_by_its_unique_name(store: Store, alice: User) -> None:
    assert await store.accounts.by_name("alice") == account_of(alice)
    assert await store.accounts.by_name("Alice") is None
    assert await user_of(store, alice.id) == alice


async def test_a_username_is_taken_once_however_many_want_it(store: Store, other: Store) -> None:
    wanting = [Account(make_user(n), "wanted", f"hash {n}") for n in range(20)]
    stores = [store, other] * 10
    answers = await asyncio.gather(
        *(each.accounts.create(account) for each, account in zip(stores, wanting, strict=True)),
        return_exceptions=True,
    )
    winners = [account for account, answer in zip(wanting, answers, strict=True) if answer is None]
    assert len(winners) == 1
    assert all(isinstance(answer, UsernameTaken) for answer in answers if answer is not None)
    assert await store.accounts.by_name("wanted") == winners[0]
    losers = [account for account in wanting if account not in winners]
    assert await store.accounts.get(losers[0].user.id) is None


async def test_storing_an_account_or_a_session_again_is_safe(store: Store, alice: User) -> None:
    await store.accounts.create(account_of(alice))
    for _ in range(2):
        await store.sessions.create(session_of(alice), most=20)
    assert await store.accounts.by_name("alice") == account_of(alice)
    assert await store.sessions.get("session-1") == session_of(alice)


async def test_a_display_name_changes_wherever_it_is_shown(store: Store, den: Room, alice: User) -> None:
    changed = await store.accounts.set_profile(alice.id, Profile("Alicia"))
    assert changed == replace(alice, display_name="Alicia")
    assert await user_of(store, alice.id) == changed
    (member,) = (await store.members.of_room(den.id, cursor=None, limit=10)).items
    assert member.display_name == "Alicia"


async def test_what_is_not_given_of_a_profile_stays_as_it_is(store: Store, alice: User) -> None:
    await store.accounts.set_profile(alice.id, Profile(status_text="away", time_zone="Europe/Vienna"))
    assert await user_of(store, alice.id) == replace(alice, status_text="away", time_zone="Europe/Vienna")
    await store.accounts.set_profile(alice.id, Profile(status_text=""))
    assert await user_of(store, alice.id) == replace(alice, time_zone="Europe/Vienna")
    (found,) = (await store.accounts.named("alice", cursor=None, limit=1)).items
    assert found == replace(alice, time_zone="Europe/Vienna")


async def test_a_password_hash_is_replaced(store: Store, alice: User) -> None:
    await store.accounts.set_password_hash(alice.id, "stronger")
    account = await store.accounts.by_name("alice")
    assert account is not None
    assert account.password_hash == "stronger"


async def test_changing_an_account_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.accounts.set_profile("nobody", Profile("Nobody"))
    with pytest.raises(NotFound):
        await store.accounts.set_password_hash("nobody", "hash")


# -- flags, passwords, the list of accounts


async def test_a_flag_is_changed_and_the_other_left(store: Store, other: Store, alice: User) -> None:
    assert await store.accounts.set_flags(alice.id, disabled=True) == replace(
        account_of(alice), disabled=True
    )
    assert await store.accounts.set_flags(alice.id, admin=True) == replace(
        account_of(alice), disabled=True, admin=True
    )
    assert await store.accounts.set_flags(alice.id, disabled=False) == replace(account_of(alice), admin=True)
    assert await other.accounts.get(alice.id) == replace(account_of(alice), admin=True)
    for user_id in ("nobody", ""):
        with pytest.raises(NotFound):
            await store.accounts.set_flags(user_id, admin=True)


async def test_an_account_is_made_with_its_flags_and_an_administrator_is_known(
    store: Store, other: Store, alice: User
) -> None:
    assert not await store.accounts.has_admin()
    chief = replace(account_of(make_user(1)), admin=True)
    await store.accounts.create(chief)
    assert await other.accounts.get(chief.user.id) == chief
    assert await other.accounts.has_admin()
    await store.accounts.set_flags(alice.id, admin=True)
    await store.accounts.set_flags(chief.user.id, admin=False)
    assert await other.accounts.has_admin()
    await store.accounts.set_flags(alice.id, disabled=True)
    assert await other.accounts.has_admin()
    await store.erasure.begin(alice.id)
    assert not await other.accounts.has_admin()


async def test_an_account_may_have_no_password_until_it_is_given_one(store: Store, other: Store) -> None:
    made = replace(account_of(ALICE), password_hash=None)
    await store.accounts.create(made)
    assert await other.accounts.get(ALICE.id) == await other.accounts.by_name(made.username_key) == made
    await store.accounts.set_password_hash(ALICE.id, "hash", over="another")
    assert await other.accounts.get(ALICE.id) == made
    await store.accounts.set_password_hash(ALICE.id, "hash")
    assert await other.accounts.get(ALICE.id) == replace(made, password_hash="hash")


async def test_a_password_hash_is_replaced_over_the_one_that_is_known_only(store: Store, alice: User) -> None:
    before = account_of(alice).password_hash
    await store.accounts.set_password_hash(alice.id, "h2", over="another")
    assert (await account(store, alice)).password_hash == before
    await store.accounts.set_password_hash(alice.id, "h2", over=before)
    await store.accounts.set_password_hash(alice.id, "h3", over=before)
    assert (await account(store, alice)).password_hash == "h2"


async def test_all_accounts_come_in_pages(store: Store) -> None:
    accounts = [account_of(make_user(number)) for number in range(5)]
    for one in accounts:
        await store.accounts.create(one)
    seen: list[Account] = []
    cursor: str | None = None
    for _ in range(3):
        page = await store.accounts.all(cursor=cursor, limit=2)
        seen, cursor = [*seen, *page.items], page.next_cursor
    assert (seen, cursor) == (accounts, None)
    with pytest.raises(BadCursor):
        await store.accounts.all(cursor="x", limit=2)


@pytest.mark.parametrize(
    ("matching", "usernames"),
    [
        (AccountFilter("LI"), ["alice", "oliver", "pim"]),
        (AccountFilter("übel"), ["oliver"]),
        (AccountFilter("a.b*"), ["bob"]),
        (AccountFilter("user-pim"), ["pim"]),
        (AccountFilter("user-"), []),
        (AccountFilter(state=AccountState.ADMIN), ["alice", "bob"]),
        (AccountFilter("o", AccountState.DISABLED), ["oliver"]),
        (AccountFilter(state=AccountState.ERASING), ["pim"]),
    ],
)
async def test_accounts_are_found_by_any_part_of_their_names_and_by_their_state(
    store: Store, matching: AccountFilter, usernames: list[str]
) -> None:
    for number, (name, shown, flags) in enumerate(
        (
            ("alice", "Alice", {"admin"}),
            ("bob", "Bob [a.b*c]", {"admin"}),
            ("oliver", "ÜBELTÄTER", {"disabled"}),
            ("pim", "Lila", {"disabled", "erasing"}),
        )
    ):
        account = account_of(User(f"user-{name}", name, shown, created_at=number))
        for flag in flags:
            account = replace(account, **{flag: True})  # type: ignore[arg-type]
        await store.accounts.create(account)
    found, cursor = list[str](), None
    while True:
        page = await store.accounts.all(matching, cursor=cursor, limit=1)
        found += [one.user.username for one in page.items]
        if (cursor := page.next_cursor) is None:
            break
        with pytest.raises(BadCursor):
            await store.accounts.all(cursor=cursor, limit=1)
    assert found == usernames


async def names_found(store: Store, text: str, limit: int = 9) -> list[str]:
    """Return the usernames of all users who are found by a text, page by page."""
    names, cursor = list[str](), None
    while True:
        page = await store.accounts.named(text, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        names += [user.username for user in page.items]
        if (cursor := page.next_cursor) is None:
            return names


async def test_users_are_found_by_any_part_of_their_names_first_by_what_the_username_begins_with(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = {
        "zoe": "Zoé Müller-Ångström",
        "mulle": "Somebody else",
        "anna.mull": "ANNA",
        "carl": "Carl Straßer",
        "bob": "\uff46\uff55\uff4c\uff4c width",
        "émile": "Emil",
        "off": "Muller the disabled",
        "odd": r"50% *off* (a|b) [x] _y \ d",
    }
    for n, (name, display_name) in enumerate(users.items()):
        await store.accounts.create(Account(User(f"user-{n}", name, display_name, n), name, "hash"))
    await store.accounts.set_flags("user-6", disabled=True)
    for text, names in (
        ("mull", ["mulle", "anna.mull", "zoe"]),
        ("MÜLL", ["anna.mull", "mulle", "zoe"]),  # no username begins with this accent
        ("angstrom", ["zoe"]),
        ("r-å", ["zoe"]),
        ("full", ["bob"]),
        ("STRASSER", ["carl"]),
        ("ẞER", ["carl"]),
        ("emil", ["émile"]),
        ("émi", ["émile"]),
        ("%", ["odd"]),
        ("*o", ["odd"]),
        ("(a|b) [x] _y \\", ["odd"]),
        (".*", []),
        ("bob\nfull", []),
        ("e\0", []),
    ):
        for limit in (1, 9):
            assert await names_found(store, text, limit) == names, text
    monkeypatch.setattr(paging, "LOOKED_AT", 2)
    first = await store.accounts.named("angstrom", cursor=None, limit=9)
    assert (first.items, first.next_cursor is None) == ([], False)  # only so many are looked at for a page
    assert await names_found(store, "angstrom") == ["zoe"]
    await store.accounts.set_profile("user-0", Profile(display_name="Zoë"))
    assert (await names_found(store, "muller"), await names_found(store, "zoë")) == ([], ["zoe"])
    await store.accounts.set_profile("user-0", Profile(status_text="away"))
    assert await names_found(store, "zoë") == ["zoe"]


async def test_administrators_find_accounts_by_any_part_of_their_names_as_others_do(store: Store) -> None:
    for n, (name, display_name) in enumerate({"zoe": "Zoé Müller", "bob": "Bob"}.items()):
        await store.accounts.create(Account(User(f"user-{n}", name, display_name, n), name, "hash"))
    for text, ids in (("MULL", ["user-0"]), ("müll", ["user-0"]), ("user-1", ["user-1"]), ("nobody", [])):
        page = await store.accounts.all(AccountFilter(text=text), cursor=None, limit=9)
        assert [one.user.id for one in page.items] == ids


async def test_users_whose_usernames_begin_alike_come_in_pages_in_the_order_of_these(store: Store) -> None:
    names = ["kim.z", "kim", "kin", "kima", "ki", "Kimb", "kim-é", "kim日本", "kim.gone", "kim.off"]
    users = {name: User(f"user-{n}", name, name, created_at=n) for n, name in enumerate(names)}
    for user in users.values():
        await store.accounts.create(Account(user, user.username.lower(), "hash"))
    await store.erasure.begin(users["kim.gone"].id)
    await store.accounts.set_flags(users["kim.off"].id, disabled=True)
    seen: list[User] = []
    cursor: str | None = None
    for _ in range(3):
        page = await store.accounts.named("kim", cursor=cursor, limit=2)
        seen, cursor = [*seen, *page.items], page.next_cursor
    assert (seen, cursor) == (
        [users[name] for name in ("kim", "kim-é", "kim.z", "kima", "Kimb", "kim日本")],
        None,
    )
    await store.accounts.set_flags(users["kim.off"].id, disabled=False)
    first = await store.accounts.named("kim.", cursor=None, limit=1)
    assert first.items == [users["kim.off"]]
    assert (await store.accounts.named("kim.", cursor=first.next_cursor, limit=1)).items == [users["kim.z"]]
    for bad in ("x", first.next_cursor):
        with pytest.raises(BadCursor):
            await store.accounts.named("kim", cursor=bad, limit=2)
    assert await names_found(store, "KIM", limit=3) == [
        "kim",
        "kim-é",
        "kim.off",
        "kim.z",
        "kima",
        "Kimb",
        "kim日本",
    ]
    for odd in ("%", "_i", "k*", "ki\0", "\U0010ffff", "x" * 300):
        assert await store.accounts.named(odd, cursor=None, limit=2) == Page([], None)


async def test_bots_are_listed_by_whose_they_are_and_are_bots_wherever_they_are_shown(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    bots = [replace(make_user(n), is_bot=True) for n in range(4)]
    for bot, owner_id in zip(bots, [alice.id, alice.id, bob.id, None], strict=True):
        await store.accounts.create(Account(bot, bot.username, password_hash=None, owner_id=owner_id))
    first = await store.accounts.bots_of(alice.id, cursor=None, limit=1)
    second = await store.accounts.bots_of(alice.id, cursor=first.next_cursor, limit=1)
    assert [one.user for one in (*first.items, *second.items)] == bots[:2]
    assert ([one.owner_id for one in second.items], second.next_cursor) == ([alice.id], None)
    with pytest.raises(BadCursor):
        await store.accounts.bots_of(bob.id, cursor=first.next_cursor, limit=1)
    for odd in ("nobody", "", "x" * 300, "a\0"):
        assert await store.accounts.bots_of(odd, cursor=None, limit=1) == Page([], None)
    await store.members.join(den.id, alice, Role.OWNER, at=6)
    await store.members.join(den.id, bots[3], Role.MEMBER, at=7)
    assert await store.members.heir(den.id, alice.id) is None  # no bot inherits a room
    await store.members.join(den.id, bob, Role.MEMBER, at=8)
    assert await store.members.heir(den.id, alice.id) == bob
    member = await store.members.get(den.id, bots[3].id)
    assert member is not None
    assert (member.is_bot, (await account(store, bots[3])).user) == (True, bots[3])
    assert (await store.accounts.named("name003", cursor=None, limit=9)).items == [bots[3]]


async def demote(store: Store, user: User) -> None:
    await store.accounts.set_flags(user.id, admin=False, one_remains=True)


async def disable(store: Store, user: User) -> None:
    await store.accounts.set_flags(user.id, disabled=True, one_remains=True)


async def erase(store: Store, user: User) -> None:
    await store.erasure.begin(user.id, one_remains=True)


TakeAway: TypeAlias = Callable[[Store, User], Awaitable[None]]


@pytest.mark.parametrize("take_away", [demote, disable, erase])
async def test_of_two_administrators_who_take_each_others_rights_away_at_once_one_stays(
    store: Store, other: Store, alice: User, bob: User, take_away: TakeAway
) -> None:
    async def is_done(store: Store, user: User) -> bool:
        try:
            await take_away(store, user)
        except Conflict:
            return False
        return True

    done = (False, False)
    for _ in range(1 if take_away is erase else 5):
        for user in (alice, bob):
            await store.accounts.set_flags(user.id, admin=True, disabled=False)
        done = await asyncio.gather(is_done(store, alice), is_done(other, bob))
        assert sorted(done) == [False, True]
    last = bob if done[0] else alice
    assert not await is_done(other, last)
    assert (await store.accounts.set_flags(last.id, admin=False)).admin is False  # where nobody has to remain
    assert await is_done(store, last)
