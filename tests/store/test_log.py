"""What every store promises of the rooms' logs."""

import asyncio
from dataclasses import replace

import pytest

from api.errors import BadCursor, Deleted, EpochChanged, Invalid, NotFound, RefConflict
from api.models.accounts import User
from api.models.kinds import KINDS, Field
from api.models.log import MAX_EMOJI, MAX_PINS, Appended, Draft, Entry, EntryData, Json, Kind, Reaction
from api.models.rooms import LOBBY_ID, Membership, Role, Room
from api.store.base.store import Store
from api.store.shape import member_draft, room_draft
from tests.store.calls import send, whole_log
from tests.store.make import (
    ALICE,
    BEGUN,
    DEN,
    delete,
    draft,
    edit,
    make_room,
    make_user,
    message,
    pin,
    reaction,
)

pytestmark = pytest.mark.anyio


# -- appending


async def test_an_entry_is_stored_as_it_was_drafted(store: Store, den: Room) -> None:
    sent = message("r1", "hello", reply_to=None)
    appended = await store.log.append(den.id, sent)
    assert appended.is_new
    assert appended.entry == Entry(
        den.id, BEGUN + 1, sent.kind, sent.user_id, sent.username, sent.at, sent.ref, sent.data
    )
    assert (await whole_log(store, den.id))[-1] == appended.entry


async def test_seqs_are_dense_and_agreed_on_by_fifty_senders_on_two_stores(
    store: Store, other: Store, alice: User
) -> None:
    async def sender(number: int, via: Store) -> dict[int, str]:
        """Send ten messages; return the body that was acked at each seq."""
        acked = {}
        for n in range(10):
            body = f"{number}/{n}"
            acked[(await via.log.append(LOBBY_ID, message(f"ref-{body}", body))).entry.seq] = body
        assert list(acked) == sorted(acked), "who waits for each ack is numbered in that order"
        return acked

    answers = await asyncio.gather(*(sender(n, via) for n, via in enumerate([store, other] * 25)))
    acked = {seq: body for answer in answers for seq, body in answer.items()}
    assert sorted(acked) == list(range(1, 501))
    for reader in (store, other):
        stored = {entry.seq: entry.data["body"] for entry in await whole_log(reader, LOBBY_ID)}
        assert stored == acked


async def test_a_read_sees_every_write_that_was_acked_anywhere(store: Store, other: Store, den: Room) -> None:
    for n in range(30):
        writer, reader = (store, other) if n % 2 else (other, store)
        acked = await writer.log.append(den.id, message(f"r{n}"))
        assert (await reader.log.heads([den.id]))[den.id].seq == acked.entry.seq
        assert await reader.log.entries(den.id, after=acked.entry.seq - 1, limit=1) == [acked.entry]


async def test_a_ref_raced_on_two_stores_has_one_seq(store: Store, other: Store, den: Room) -> None:
    for n in range(20):
        answers = await asyncio.gather(
            *(each.log.append(den.id, message(f"r{n}", f"body {n}")) for each in (store, other) * 3)
        )
        assert len({answer.entry.seq for answer in answers}) == 1
        assert [answer.entry for answer in answers] == [answers[0].entry] * 6
        assert sum(answer.is_new for answer in answers) == 1
    assert [entry.seq for entry in await whole_log(store, den.id)] == list(range(1, BEGUN + 21))


async def test_a_retry_gets_the_same_ack_after_a_thousand_later_entries(
    store: Store, other: Store, den: Room
) -> None:
    acked = await store.log.append(den.id, message("first", "once"))
    for batch in range(11):
        await asyncio.gather(*(store.log.append(den.id, message(f"r{batch}-{n}")) for n in range(100)))
    for again in (store, other):
        retry = await again.log.append(den.id, message("first", "once"))
        assert (retry.entry, retry.epoch, retry.is_new) == (acked.entry, acked.epoch, False)
    assert (await store.log.heads([den.id]))[den.id].seq == acked.entry.seq + 1_100


async def test_a_retry_counts_as_one_whatever_its_time_and_spelling_of_the_name(
    store: Store, den: Room
) -> None:
    acked = await store.log.append(den.id, message("r1"))
    retry = await store.log.append(den.id, replace(message("r1"), at=99_999, username="Alice"))
    assert (retry.entry, retry.is_new) == (acked.entry, False)


@pytest.mark.parametrize(
    ("room_id", "second"),
    [
        pytest.param(DEN.id, message("r1", "another body"), id="body"),
        pytest.param(DEN.id, message("r1", "hello", reply_to=2), id="reply"),
        pytest.param(LOBBY_ID, message("r1", "hello"), id="room"),
        pytest.param(DEN.id, edit("r1", 2, "hello"), id="kind"),
    ],
)
async def test_a_ref_used_for_something_else_is_a_conflict(
    store: Store, den: Room, room_id: str, second: Draft
) -> None:
    acked = await store.log.append(den.id, message("r1", "hello"))
    with pytest.raises(RefConflict):
        await store.log.append(room_id, second)
    assert (await store.log.append(den.id, message("r1", "hello"))).entry == acked.entry
    heads = await store.log.heads([den.id, LOBBY_ID])
    assert (heads[den.id].seq, heads[LOBBY_ID].seq) == (acked.entry.seq, 0)


async def test_a_ref_is_its_users_own(store: Store, den: Room, bob: User) -> None:
    first = await store.log.append(den.id, message("r1"))
    second = await store.log.append(den.id, message("r1", by=bob))
    assert (second.entry.seq, second.is_new) == (first.entry.seq + 1, True)


async def test_without_a_ref_every_append_is_new(store: Store, den: Room) -> None:
    acked = [await store.log.append(den.id, message(None)) for _ in range(3)]
    assert [answer.entry.seq for answer in acked] == [BEGUN + 1, BEGUN + 2, BEGUN + 3]
    assert acked[0].entry.ref is None


async def test_a_caller_who_gives_up_leaves_the_numbering_whole(store: Store, den: Room) -> None:
    callers = [asyncio.ensure_future(store.log.append(den.id, message(f"r{n}"))) for n in range(60)]
    await asyncio.sleep(0)
    for caller in callers[::3]:
        caller.cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    acked = [answer.entry for answer in answers if not isinstance(answer, BaseException)]
    assert len(acked) >= 40
    stored = await whole_log(store, den.id)
    assert [entry.seq for entry in stored] == list(range(1, len(stored) + 1))
    assert all(stored[entry.seq - 1] == entry for entry in acked)
    retried = [await store.log.append(den.id, message(f"r{n}")) for n in range(60)]
    assert sorted(answer.entry.seq for answer in retried) == list(range(BEGUN + 1, BEGUN + 61))


async def test_appending_to_a_room_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.log.append("nowhere", message("r1"))


async def test_members_are_not_appended(store: Store, den: Room, alice: User) -> None:
    with pytest.raises(Invalid):
        await store.log.append(den.id, draft(Kind.MEMBER, "r1", {"role": "owner", "by": alice.id}, by=alice))


@pytest.mark.parametrize("target", [1, 2, 4, 5, 99, 0, -1, 2**53])
async def test_what_changes_a_message_needs_one(store: Store, den: Room, target: int) -> None:
    """The room begins with a `member` and a `room` entry; then come the only message and its edit. No more is there."""
    (seq,) = await send(store, den, "hello")
    edited = await store.log.append(den.id, edit("e1", seq, "edited"))
    for change in (
        edit("e", target, "x"),
        delete("d", target),
        reaction("r", target, "👍"),
        pin("p", target),
    ):
        with pytest.raises(NotFound):
            await store.log.append(den.id, change)
    assert (await store.log.heads([den.id]))[den.id].seq == edited.entry.seq
    for change in (edit("e", seq, "x"), reaction("r", seq, "👍"), delete("d", seq)):
        await store.log.append(den.id, change)


async def test_a_retry_is_known_by_what_its_author_sent_and_not_by_what_the_server_added(
    store: Store, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message from before these fields existed is recognised too."""
    before = await store.log.append(den.id, message("r1", "hi"))
    fields = {"files": Field((list,), default=[]), "mentions": Field((list,), default=[], is_said=False)}
    kind = KINDS[Kind.MESSAGE]
    monkeypatch.setitem(KINDS, Kind.MESSAGE, replace(kind, fields={**kind.fields, **fields}))

    async def send(ref: str, **more: list[Json]) -> Appended:
        data: EntryData = {"body": "hi", "reply_to": None, **more}
        return await store.log.append(den.id, draft(Kind.MESSAGE, ref, data, by=ALICE))

    assert await send("r1", mentions=["bob"], files=[]) == replace(before, is_new=False)
    added = await send("r2", mentions=["bob"], files=["f"])
    assert added.entry.data["mentions"] == ["bob"]
    assert await send("r2", mentions=[], files=["f"]) == replace(added, is_new=False)
    for files in ([], ["g"]):
        with pytest.raises(RefConflict):
            await send("r2", files=[*files])


async def test_what_is_too_long_to_be_read_again_is_not_stored(store: Store, den: Room) -> None:
    with pytest.raises(Invalid):
        await store.log.append(den.id, message("r1", "x" * 64 * 1024))
    assert (await store.log.heads([den.id]))[den.id].seq == BEGUN


async def test_memberships_and_changes_of_a_room_are_not_appended_as_they_are(
    store: Store, den: Room, alice: User
) -> None:
    for made in (room_draft(alice, den, 1), member_draft(alice, None, Membership(Role.OWNER), 1, alice.id)):
        with pytest.raises(Invalid):
            await store.log.append(den.id, made)
    assert [entry.kind for entry in await whole_log(store, den.id)] == ["member", "room"]


# -- reading the log


@pytest.mark.parametrize(
    ("after", "limit", "seqs"),
    [
        (0, 3, [1, 2, 3]),
        (2, 2, [3, 4]),
        (0, 100, [1, 2, 3, 4, 5]),
        (4, 3, [5]),
        (5, 3, []),
        (99, 3, []),
        (2**60, 3, []),
    ],
)
async def test_a_log_is_read_in_ranges(
    store: Store, den: Room, after: int, limit: int, seqs: list[int]
) -> None:
    await send(store, den, "three", "four", "five")
    entries = await store.log.entries(den.id, after=after, limit=limit)
    assert [entry.seq for entry in entries] == seqs
    assert {entry.room_id for entry in entries} <= {den.id}


async def test_heads_leave_out_rooms_that_are_not_there(store: Store, den: Room) -> None:
    (seq,) = await send(store, den, "hello")
    heads = await store.log.heads([den.id, "nowhere", LOBBY_ID, den.id])
    assert {room_id: head.seq for room_id, head in heads.items()} == {den.id: seq, LOBBY_ID: 0}
    assert heads[den.id].room_id == den.id
    assert await store.log.heads([]) == {}


async def test_history_is_paged_backwards_from_the_newest(store: Store, den: Room) -> None:
    await send(store, den, *"abcdefg")
    pages, before, more = [], None, True
    while more:
        history = await store.log.history(den.id, before=before, limit=3)
        pages.append("".join(item.body for item in history.items))
        before, more = history.items[0].seq, history.has_more
    assert pages == ["efg", "bcd", "a"]


async def test_history_is_paged_forwards_from_a_seq(store: Store, den: Room) -> None:
    await send(store, den, *"abcdef")
    pages, after, more = [], 0, True
    while more:
        history = await store.log.history(den.id, after=after, limit=3)
        pages.append("".join(item.body for item in history.items))
        after, more = history.items[-1].seq, history.has_more
    assert pages == ["abc", "def"]


async def test_history_beyond_either_end_is_empty(store: Store, den: Room) -> None:
    assert (await store.log.history(den.id, limit=3)).items == []
    (seq,) = await send(store, den, "hello")
    for bounds in ({"before": seq}, {"before": 0}, {"before": -1}, {"after": seq}, {"after": 2**60}):
        history = await store.log.history(den.id, limit=3, **bounds)
        assert (history.items, history.has_more) == ([], False)
    assert len((await store.log.history(den.id, before=2**60, limit=3)).items) == 1
    with pytest.raises(NotFound):
        await store.log.history("nowhere", limit=3)


async def test_a_page_of_history_is_full_however_much_else_lies_between(store: Store, den: Room) -> None:
    (first,) = await send(store, den, "first")
    for n in range(30):
        await store.log.append(den.id, reaction(f"r{n}", first, "👍", added=n % 2 == 0))
    await send(store, den, "last")
    history = await store.log.history(den.id, limit=2)
    assert [item.body for item in history.items] == ["first", "last"]
    assert not history.has_more


async def test_later_changes_are_folded_into_the_page_of_their_message(
    store: Store, den: Room, bob: User
) -> None:
    one, two, three, four = await send(store, den, "one", "two", "three", "four")
    await store.log.append(den.id, edit("e1", one, "eins"))
    await store.log.append(den.id, edit("e2", one, "uno"))
    await store.log.append(den.id, reaction("r1", two, "👍", by=bob))
    await store.log.append(den.id, reaction("r2", two, "👍"))
    await store.log.append(den.id, reaction("r3", two, "🎉"))
    await store.log.append(den.id, reaction("r4", two, "🎉", added=False))
    await store.log.append(den.id, delete("d1", three))
    history = await store.log.history(den.id, before=four, limit=10)
    first, second, third = history.items
    assert (first.body, first.edited_at) == ("uno", 5_000)
    assert second.reactions == (Reaction("👍", 2, (bob.id, ALICE.id)),)
    assert (third.body, third.deleted) == ("", True)
    assert [await store.log.message(den.id, seq) for seq in (one, two, three)] == history.items


async def test_only_a_messages_seq_gives_a_message(store: Store, den: Room) -> None:
    (said,) = await send(store, den, "hello")
    await store.log.append(den.id, edit("e", said, "edited"))
    found = {seq: await store.log.message(den.id, seq) for seq in (*range(-1, said + 3), 2**60)}
    assert [seq for seq, item in found.items() if item is not None] == [said]
    assert await store.log.message("nowhere", 1) is None


# -- reactions and pins


async def test_a_message_has_no_more_than_twenty_kinds_of_emoji(store: Store, den: Room, bob: User) -> None:
    (seq,) = await send(store, den, "hello")
    for number in range(MAX_EMOJI):
        await store.log.append(den.id, reaction(f"r{number}", seq, f"{number}"))
    with pytest.raises(Invalid) as refused:
        await store.log.append(den.id, reaction("one more", seq, "more"))
    assert refused.value.specific_code == "limit"
    await store.log.append(den.id, reaction("the same", seq, "7", by=bob))
    await store.log.append(den.id, reaction("r19 back", seq, "19", added=False))
    await store.log.append(den.id, reaction("one more", seq, "more"))
    found = await store.log.message(den.id, seq)
    assert found is not None
    assert [one.emoji for one in found.reactions] == [*map(str, range(19)), "more"]


async def test_who_has_reacted_is_listed_in_pages(store: Store, other: Store, den: Room) -> None:
    one, two = await send(store, den, "one", "two")
    people = [make_user(number) for number in range(25)]
    for number, user in enumerate(people):
        await store.log.append(den.id, reaction(f"r{number}", one, "👍", by=user))
        await store.log.append(den.id, reaction(f"x{number}", one if number % 2 else two, "🎉", by=user))
    for user in (people[3], people[20]):
        await store.log.append(den.id, reaction(f"back {user.id}", one, "👍", added=False, by=user))
    await store.log.append(den.id, reaction("again", one, "👍", by=people[3]))
    wanted = [user.id for user in (*people[:3], *people[4:20], *people[21:], people[3])]
    found, cursor = list[str](), None
    while True:
        page = await other.log.reactors(den.id, one, "👍", cursor=cursor, limit=7)
        found += [entry.user_id for entry in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert found == wanted
    shown = await store.log.message(den.id, one)
    assert shown is not None
    assert shown.reactions[0] == Reaction("👍", len(wanted), tuple(wanted[:20]))
    first = await store.log.reactors(den.id, one, "👍", cursor=None, limit=7)
    with pytest.raises(BadCursor):
        await store.log.reactors(den.id, two, "👍", cursor=first.next_cursor, limit=7)
    await store.log.append(den.id, delete("d", one))
    for seq, emoji in ((one, "👍"), (two, "🙈"), (99, "👍")):
        assert (await store.log.reactors(den.id, seq, emoji, cursor=None, limit=7)).items == []


async def test_pins_are_listed_newest_first_until_they_are_taken_away_or_deleted(
    store: Store, other: Store, den: Room
) -> None:
    seqs = await send(store, den, *"abcde")
    for number, seq in enumerate([seqs[1], seqs[0], seqs[3], seqs[2], seqs[1]]):
        await store.log.append(den.id, pin(f"p{number}", seq))
    await store.log.append(den.id, pin("unpin", seqs[3], pinned=False))
    await store.log.append(den.id, delete("delete", seqs[2]))
    for via in (store, other):
        assert [one.body for one in await via.log.pins(den.id)] == ["a", "b"]
        assert all(one.pinned for one in await via.log.pins(den.id))
    await send(store, den, *map(str, range(50)))  # so that on RethinkDB the pins are in no tail any more
    await store.log.append(den.id, pin("again", seqs[3]))
    for via in (store, other):
        assert [one.body for one in await via.log.pins(den.id)] == ["d", "a", "b"]
    assert await store.log.pins("nowhere") == []


async def test_a_room_has_no_more_than_a_hundred_pins(store: Store, den: Room) -> None:
    seqs = await send(store, den, *map(str, range(MAX_PINS + 1)))
    await asyncio.gather(*(store.log.append(den.id, pin(f"p{seq}", seq)) for seq in seqs[:MAX_PINS]))
    with pytest.raises(Invalid) as refused:
        await store.log.append(den.id, pin("one more", seqs[-1]))
    assert refused.value.specific_code == "limit"
    await store.log.append(den.id, pin("the same", seqs[0]))
    await store.log.append(den.id, pin("unpin", seqs[0], pinned=False))
    await store.log.append(den.id, pin("one more", seqs[-1]))
    assert len(await store.log.pins(den.id)) == MAX_PINS


async def test_the_last_pin_and_the_last_emoji_are_given_once_however_many_want_them_on_two_stores(
    store: Store, other: Store, den: Room
) -> None:
    seqs = await send(store, den, *map(str, range(MAX_PINS + 3)))
    await asyncio.gather(*(store.log.append(den.id, pin(f"p{seq}", seq)) for seq in seqs[: MAX_PINS - 1]))
    for number in range(MAX_EMOJI - 1):
        await store.log.append(den.id, reaction(f"r{number}", seqs[0], f"{number}"))
    pinning = [
        via.log.append(den.id, pin(f"late {seq}", seq))
        for via, seq in zip((store, other) * 2, seqs[MAX_PINS - 1 :], strict=True)
    ]
    reacting = [
        via.log.append(den.id, reaction(f"late {number}", seqs[0], f"late {number}"))
        for number, via in enumerate((store, other) * 2)
    ]
    for appends in (pinning, reacting):
        answers = await asyncio.gather(*appends, return_exceptions=True)
        assert sum(isinstance(one, Appended) for one in answers) == 1
        refused = [one for one in answers if isinstance(one, Invalid)]
        assert [one.specific_code for one in refused] == ["limit"] * 3
    assert len(await store.log.pins(den.id)) == MAX_PINS


# -- erasing


async def test_a_deleted_body_is_erased_with_those_of_its_edits_and_no_others(
    store: Store, den: Room
) -> None:
    kept, secret = await send(store, den, "kept", "secret")
    await store.log.append(den.id, edit("e1", secret, "secret, edited"))
    await store.log.append(den.id, edit("e2", kept, "kept, edited"))
    await store.log.append(den.id, reaction("r1", secret, "👍"))
    await store.log.append(den.id, delete("d1", secret))
    entries = await whole_log(store, den.id)
    bodies = [entry.data["body"] for entry in entries if "body" in entry.data]
    assert bodies == ["kept", "", "", "kept, edited"]
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1].data == {"target": secret}


async def test_the_refs_of_what_is_erased_leave_with_it_and_no_others(
    store: Store, other: Store, den: Room
) -> None:
    kept = await store.log.append(den.id, message("kept", "kept"))
    secret = await store.log.append(den.id, message("secret ref", "secret"))
    await store.log.append(den.id, edit("secret edit", secret.entry.seq, "secret, edited"))
    await store.log.append(den.id, edit("kept edit", kept.entry.seq, "kept, edited"))
    await store.log.append(den.id, delete("delete", secret.entry.seq))
    for reader in (store, other):
        entries = await whole_log(reader, den.id)
        assert [entry.ref for entry in entries[BEGUN:]] == ["kept", None, None, "kept edit", "delete"]
        items = (await reader.log.history(den.id, limit=9)).items
        assert [one.ref for one in items] == ["kept", None]
        found = await reader.log.message(den.id, secret.entry.seq)
        assert found is not None
        assert found.ref is None


async def test_a_retry_of_what_was_erased_since_still_gets_its_ack(store: Store, den: Room) -> None:
    sent = await store.log.append(den.id, message("r1", "secret"))
    edited = await store.log.append(den.id, edit("e1", sent.entry.seq, "secret, edited"))
    deleted = await store.log.append(den.id, delete("d1", sent.entry.seq))
    for again, acked in [
        (message("r1", "secret"), sent),
        (edit("e1", sent.entry.seq, "secret, edited"), edited),
        (delete("d1", sent.entry.seq), deleted),
    ]:
        retry = await store.log.append(den.id, again)
        assert (retry.entry.seq, retry.is_new) == (acked.entry.seq, False)
    with pytest.raises(RefConflict):
        await store.log.append(den.id, message("r1", "something else"))


async def test_nothing_is_stored_about_a_deleted_message(store: Store, other: Store, den: Room) -> None:
    seq = (await store.log.append(den.id, message("r1", "secret"))).entry.seq
    deleted = await store.log.append(den.id, delete("d1", seq))
    for via in (store, other):
        for late in (edit("e1", seq, "secret again"), reaction("r2", seq, "👍"), pin("p1", seq)):
            with pytest.raises(Deleted):
                await via.log.append(den.id, late)
            with pytest.raises(Deleted):
                await via.log.append(den.id, replace(late, ref=None))
    assert (await store.log.heads([den.id]))[den.id].seq == deleted.entry.seq
    assert "secret" not in str(await whole_log(store, den.id))


@pytest.mark.parametrize("ref", ["d2", None])
async def test_a_second_delete_is_answered_with_the_first(
    store: Store, other: Store, den: Room, bob: User, ref: str | None
) -> None:
    (seq,) = await send(store, den, "secret")
    first = await store.log.append(den.id, delete("d1", seq))
    for via in (store, other):
        second = await via.log.append(den.id, replace(delete("d2", seq, by=bob), ref=ref))
        assert (second.entry, second.epoch, second.is_new) == (first.entry, first.epoch, False)
    assert (await store.log.heads([den.id]))[den.id].seq == first.entry.seq


async def test_a_change_that_changes_nothing_is_stored_only_with_a_ref(store: Store, den: Room) -> None:
    (seq,) = await send(store, den, "same")
    original = (await whole_log(store, den.id))[-1]
    none = (
        replace(edit("", seq, "same"), ref=None),
        replace(reaction("", seq, "👍", added=False), ref=None),
        replace(pin("", seq, pinned=False), ref=None),
    )
    for draft_ in none:
        answer = await store.log.append(den.id, draft_)
        assert (answer.entry, answer.is_new) == (original, False)
    for some in (
        edit("e1", seq, "same"),
        reaction("r1", seq, "👍", added=False),
        pin("p1", seq, pinned=False),
    ):
        stored = await store.log.append(den.id, some)
        assert stored.is_new
        assert (await store.log.append(den.id, some)) == replace(stored, is_new=False)
    assert (await store.log.append(den.id, replace(edit("", seq, "new"), ref=None))).is_new
    for again in (replace(reaction("", seq, "👍"), ref=None), replace(pin("", seq), ref=None)):
        assert (await store.log.append(den.id, again)).is_new
        assert not (await store.log.append(den.id, again)).is_new


async def test_a_change_for_another_epoch_is_refused_before_anything_else(store: Store, den: Room) -> None:
    (seq,) = await send(store, den, "secret")
    epoch = (await store.log.heads([den.id]))[den.id].epoch
    done = await store.log.append(den.id, edit("e1", seq, "edited"), epoch=epoch)
    for change in (edit("e1", seq, "edited"), edit("e2", seq, "again"), delete("d1", 99)):
        with pytest.raises(EpochChanged):
            await store.log.append(den.id, change, epoch="another")
    assert (await store.log.heads([den.id]))[den.id].seq == done.entry.seq


async def test_the_changes_of_a_message_are_read_by_kind_in_pages(store: Store, den: Room) -> None:
    one, two = await send(store, den, "one", "two")
    edits = [
        (await store.log.append(den.id, edit(f"e{n}", target, f"{n}"))).entry
        for n, target in enumerate([one, two, one, one])
    ]
    await store.log.append(den.id, reaction("r1", one, "👍"))
    wanted = [edits[0], edits[2], edits[3]]
    assert await store.log.changes_of(den.id, one, Kind.EDIT, limit=9) == wanted
    assert await store.log.changes_of(den.id, one, Kind.EDIT, limit=2) == wanted[:2]
    assert await store.log.changes_of(den.id, one, Kind.EDIT, after=wanted[0].seq, limit=9) == wanted[1:]
    for room_id, seq in (("nowhere", one), (den.id, 99), (den.id, 2**60), (den.id, wanted[0].seq)):
        assert await store.log.changes_of(room_id, seq, Kind.EDIT, limit=9) == []


# -- odd input


async def test_the_longest_body_of_the_widest_characters_is_kept_whole(store: Store, den: Room) -> None:
    body = "😀" * 4_000
    appended = await store.log.append(den.id, message("r1", body))
    assert (await whole_log(store, den.id))[-1].data["body"] == body
    assert appended.entry.data["body"] == body


async def test_the_messages_of_a_user_in_a_room_are_found_without_the_deleted_ones(
    store: Store, other: Store, den: Room, alice: User, bob: User
) -> None:
    room = (await store.rooms.create(make_room(1), alice)).room
    mine: list[int] = []
    for in_room in (den, room):
        for number in range(4):
            for user in (alice, bob):
                said = replace(message(f"{in_room.id} {number}", by=user), at=1_000 * number)
                stored = await store.log.append(in_room.id, said)
                if (in_room, user) == (den, alice):
                    mine.append(stored.entry.seq)
    for each in (store, other):
        assert sorted(await each.log.messages_by(den.id, alice.id, since=0, limit=9)) == mine
        assert sorted(await each.log.messages_by(den.id, alice.id, since=2_000, limit=9)) == mine[2:]
    await store.log.append(den.id, delete("d", mine.pop(1)))
    await other.log.append(den.id, edit("e", mine[1], "edited"))
    for each in (store, other):
        assert sorted(await each.log.messages_by(den.id, alice.id, since=0, limit=9)) == mine
        assert len(await each.log.messages_by(den.id, alice.id, since=0, limit=2)) == 2
        assert await each.log.messages_by(den.id, "nobody", since=0, limit=9) == []
        assert await each.log.messages_by("nowhere", alice.id, since=0, limit=9) == []
