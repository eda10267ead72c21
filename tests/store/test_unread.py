"""What is unread: the same number by the definition, on every store, and in the page, after any history."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import strategies as st

from api.errors import Deleted, EpochChanged
from api.models.accounts import User
from api.models.log import UNREADABLE, Draft, Entry, Kind
from api.models.rooms import LOBBY_ID, ReadMark, Role, Room, Unread
from api.protocol.entries import entry_event
from api.store.base.store import Store
from api.store.unread import MAX_LOOKED, unread
from tests.page_cases import drawn, needs_the_tools_of_the_page, play_in_the_page
from tests.store.calls import change, whole_log
from tests.store.make import (
    ALICE,
    BOB,
    DEN,
    account_of,
    delete,
    edit,
    make_room,
    mentioning,
    message,
    reaction,
)

pytestmark = pytest.mark.anyio

HISTORIES: Final = {"sqlite": 120, "rethinkdb": 25}
PAGES: Final = 300
BEGUN: Final = 100_000
"""When the histories begin, in milliseconds, after their rooms were made."""
CLEO: Final = User("user-cleo", "cleo", "Cleo", created_at=3_000)


async def view_of(store: Store, room_id: str, user: User) -> tuple[int, Unread]:
    """Return what a user's view of a room says was read, and is unread."""
    view = await store.rooms.view(room_id, user.id)
    assert view is not None
    return view.read_seq, view.unread


async def say(store: Store, room: Room, by: User, count: int, ref: str = "r") -> list[int]:
    """Append messages of one author and return their seqs."""
    drafts = [message(f"{ref}{by.id}{n}", by=by) for n in range(count)]
    stored = await asyncio.gather(*(store.log.append(room.id, one) for one in drafts))
    return sorted(one.entry.seq for one in stored)


# -- examples


async def test_what_one_wrote_oneself_and_what_is_deleted_is_not_unread(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    (mine,) = await say(store, den, alice, 1)
    one, two = await say(store, den, bob, 2)
    await store.log.append(den.id, edit("e", two, "better", by=bob))
    await store.log.append(den.id, reaction("l", mine, "👍", by=bob))
    assert await view_of(store, den.id, alice) == (1, Unread(2, one))
    await store.log.append(den.id, delete("d", one, by=bob))
    await store.log.append(den.id, delete("d again", one, by=bob))
    assert await view_of(store, den.id, alice) == (1, Unread(1, two))
    await store.log.append(den.id, delete("d2", two, by=bob))
    assert await view_of(store, den.id, alice) == (1, Unread())
    assert (await view_of(store, den.id, bob))[1] == Unread(1, mine)


async def test_a_message_of_ones_own_moves_no_mark(store: Store, den: Room, alice: User, bob: User) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    (theirs,) = await say(store, den, bob, 1)
    await say(store, den, alice, 1)
    assert await view_of(store, den.id, alice) == (1, Unread(1, theirs))


async def test_999_means_that_many_or_more(store: Store, den: Room, alice: User, bob: User) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    first, *_, last = await say(store, den, bob, 1_001)
    assert await view_of(store, den.id, alice) == (1, Unread(999, first))
    await store.members.mark_read(den.id, alice.id, first + 1)
    assert (await view_of(store, den.id, alice))[1] == Unread(999, first + 2)
    await store.members.mark_read(den.id, alice.id, first + 2)
    assert (await view_of(store, den.id, alice))[1] == Unread(998, first + 3)
    await store.members.mark_read(den.id, alice.id, last)
    assert (await view_of(store, den.id, alice))[1] == Unread()


async def test_messages_of_others_are_found_behind_very_many_of_ones_own(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    await change(store, den, bob, Role.MEMBER, by=alice)
    await say(store, den, alice, 1_500)
    theirs = await say(store, den, bob, 3)
    await say(store, den, alice, 100, ref="again")
    assert await view_of(store, den.id, alice) == (1, Unread(3, theirs[0]))


def test_no_more_than_10000_messages_are_looked_at() -> None:
    looked = iter((seq, ALICE.id) for seq in range(1, 10**9))
    assert unread(looked, frozenset(), ALICE.id) == Unread()
    assert next(looked)[0] == MAX_LOOKED + 1


async def test_views_of_several_rooms_are_those_of_ones_own_rooms(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    public = await store.rooms.create(make_room(1), bob)
    await store.members.join(LOBBY_ID, alice, Role.MEMBER, 1)
    await say(store, DEN, bob, 2)
    asked = [den.id, "nowhere", public.room.id, LOBBY_ID, den.id, "x" * 500, ""]
    views = await store.rooms.views(asked, alice.id)
    assert sorted(view.room.id for view in views) == [LOBBY_ID, den.id]
    assert views == [await store.rooms.view(view.room.id, alice.id) for view in views]
    assert await store.rooms.views([], alice.id) == await store.rooms.views(["nowhere"], alice.id) == []


# -- marks


async def test_a_mark_falls_only_when_it_is_set_back(store: Store, den: Room, alice: User, bob: User) -> None:
    seqs = await say(store, den, bob, 3)
    epoch = (await store.log.heads([den.id]))[den.id].epoch

    async def mark(seq: int, *, back: bool = False) -> ReadMark:
        return await store.members.mark_read(den.id, alice.id, seq, back=back)

    assert await mark(seqs[2]) == ReadMark(epoch, seqs[2], has_moved=True, raises_receipt=True)
    assert await mark(seqs[2]) == ReadMark(epoch, seqs[2], has_moved=False)
    assert await mark(seqs[0]) == ReadMark(epoch, seqs[2], has_moved=False)
    assert await mark(seqs[0], back=True) == ReadMark(epoch, seqs[0], has_moved=True)
    assert (await view_of(store, den.id, alice))[1] == Unread(2, seqs[1])
    assert await mark(10**6, back=True) == ReadMark(epoch, seqs[2], has_moved=True)


async def test_a_mark_of_another_epoch_does_nothing(store: Store, den: Room, alice: User, bob: User) -> None:
    seqs = await say(store, den, bob, 2)
    epoch = (await store.log.heads([den.id]))[den.id].epoch
    for back in (True, False):
        with pytest.raises(EpochChanged):
            await store.members.mark_read(den.id, alice.id, seqs[1], epoch="another", back=back)
    assert await view_of(store, den.id, alice) == (1, Unread(2, seqs[0]))
    marked = await store.members.mark_read(den.id, alice.id, seqs[1], epoch=epoch)
    assert marked == ReadMark(epoch, seqs[1], has_moved=True, raises_receipt=True)


# -- any history


@dataclass(frozen=True)
class Step:
    """One thing that happens in a room. `target` counts the room's messages, so that every draw is possible."""

    what: str
    by: User
    target: int
    back: bool = False
    mentioned: tuple[User, ...] = ()
    everybody: bool = False


STEPS: Final = st.builds(
    Step,
    st.sampled_from(
        ["say"] * 6 + ["delete", "delete", "edit", "edit", "react", "read", "read", "leave", "join"]
    ),
    st.sampled_from([ALICE, BOB, CLEO]),
    st.integers(0, 20),
    st.booleans(),
    st.sampled_from([(), (), (ALICE,), (BOB,), (ALICE, CLEO)]),
    st.sampled_from([False, False, True]),
)


def defined(log: Sequence[Entry], read_seq: int, user_id: str) -> Unread:
    """Say what is unread, word by word as rules of the protocol define it."""
    deleted = {one.data["target"] for one in log if one.kind == Kind.DELETE}
    found = [
        one.seq
        for one in log
        if one.kind == Kind.MESSAGE
        and one.seq > read_seq
        and one.user_id != user_id
        and one.seq not in deleted
    ]
    mentions = [seq for seq in found if mentions_now(log, seq, user_id)]
    return Unread(min(len(found), 999), found[0] if found else None, min(len(mentions), 999))


def mentions_now(log: Sequence[Entry], seq: int, user_id: str) -> bool:
    """Say whether a message mentions a user by its last text."""
    texts = [one for one in log if one.seq == seq or (one.kind == Kind.EDIT and one.data["target"] == seq)]
    named: Any = texts[-1].data.get("mentions", [])
    return user_id in named or texts[-1].data.get("mentions_all") is True


async def play(store: Store, room: Room, steps: Sequence[Step]) -> None:
    """Do what a history says, in its order."""
    author_of: dict[int, User] = {}
    for number, step in enumerate(steps):
        ref, room_id, by, at = f"{room.id} {number}", room.id, step.by, BEGUN + number
        if step.what == "say":
            draft = mentioning(message(ref, by=by), *step.mentioned, everybody=step.everybody)
            author_of[(await store.log.append(room_id, replace(draft, at=at))).entry.seq] = by
        elif step.what == "join":
            await store.members.join(room_id, by, Role.MEMBER, at)
        elif step.what == "leave" and by != ALICE:
            await store.members.leave(room_id, by, at)
        elif step.what == "read" and await store.members.get(room_id, by.id) is not None:
            await store.members.mark_read(room_id, by.id, step.target * 2, back=step.back)
        elif author_of and step.what in {"delete", "edit", "react"}:
            target = [*author_of][step.target % len(author_of)]
            drafts = {
                "delete": delete(ref, target, by=by),
                "edit": mentioning(
                    edit(ref, target, "better", by=author_of[target]),
                    *step.mentioned,
                    everybody=step.everybody,
                ),
                "react": reaction(ref, target, "👍", by=by),
            }
            with suppress(Deleted):
                await store.log.append(room_id, replace(drafts[step.what], at=at))


async def test_every_store_counts_as_it_is_defined_after_any_history(store: Store, store_url: str) -> None:
    for user in (ALICE, BOB, CLEO):
        await store.accounts.create(account_of(user))
    histories = drawn(
        HISTORIES[store_url.split(":", maxsplit=1)[0]], st.lists(STEPS, min_size=1, max_size=30)
    )
    rooms = [make_room(number) for number in range(len(histories))]

    async def one(room: Room, steps: list[Step]) -> None:
        await store.rooms.create(room, ALICE)
        await play(store, room, steps)

    await asyncio.gather(*(one(room, steps) for room, steps in zip(rooms, histories, strict=True)))
    counted = mentions = 0
    for room, steps in zip(rooms, histories, strict=True):
        log = await whole_log(store, room.id)
        for user in (ALICE, BOB, CLEO):
            member = await store.members.get(room.id, user.id)
            if member is not None:
                read_seq, found = await view_of(store, room.id, user)
                assert read_seq == member.read_seq
                assert found == defined(log, read_seq, user.id), (user.id, read_seq, steps)
                counted += found.count
                mentions += found.mention_count
    assert counted > len(histories)
    assert mentions > len(histories) // 3


# -- the page


@st.composite
def page_cases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a room's log, and what the server counts in it for a member. After a reset it goes on from a shorter log."""
    log = _log(draw, [])
    read_seq = draw(st.integers(0, len(log)))
    if draw(st.booleans()):  # the database is restored from a copy
        log = log[: draw(st.integers(1, len(log)))]
        read_seq = min(read_seq, len(log))
        log = _log(draw, log)
    messages = [(one.seq, one.user_id) for one in log if one.kind == Kind.MESSAGE and one.seq > read_seq]
    deleted = {int(str(one.data["target"])) for one in log if one.kind == Kind.DELETE}
    found = unread(messages, deleted, ALICE.id)
    assert found == replace(defined(log, read_seq, ALICE.id), mention_count=0)
    return {
        "log": [entry_event(one) for one in log],
        "me": ALICE.id,
        "read_seq": read_seq,
        "unread_count": found.count,
        "first_unread_seq": found.first_seq,
    }


def _log(draw: st.DrawFn, begun: list[Entry]) -> list[Entry]:
    log = list(begun)
    for step in draw(st.lists(STEPS, min_size=1, max_size=25)):
        said = [one.seq for one in log if one.kind == Kind.MESSAGE]
        drafts: dict[str, Draft] = {"say": message("r", by=step.by)}
        if said:
            target = said[step.target % len(said)]
            drafts |= {
                "delete": delete("r", target, by=step.by),
                "edit": edit("r", target, "better", by=step.by),
                "react": reaction("r", target, "👍", by=step.by),
            }
        seq, draft = len(log) + 1, drafts.get(step.what)
        kind: str = Kind.MEMBER if step.what in {"join", "leave"} else UNREADABLE
        data: dict[str, Any] = {"role": "member" if step.what == "join" else None, "by": step.by.id}
        if draft is not None:
            kind, data = draft.kind, draft.data
        is_read = kind == UNREADABLE
        log.append(
            Entry("lobby", seq, kind, step.by.id, step.by.username, None if is_read else seq, None, data)
        )
    return log


@needs_the_tools_of_the_page
def test_the_page_counts_what_the_server_counts(tmp_path: Path) -> None:
    cases = drawn(PAGES, page_cases())
    assert len(cases) >= PAGES // 2
    assert sum(case["unread_count"] for case in cases) > PAGES
    play_in_the_page("tests/rooms/unread.test.ts", "TAILWIRE_UNREAD_CASES", cases, tmp_path)
