"""What a store shows of messages is the fold of their room's log, after any history."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple

import pytest
from hypothesis import strategies as st

from api.errors import Deleted, Invalid
from api.models.log import Draft, Kind
from api.models.rooms import LOBBY_ID, Room
from api.store.base.store import Store
from api.store.fold import fold
from tests.page_cases import drawn
from tests.store.calls import send, whole_log
from tests.store.make import (
    ALICE,
    account_of,
    delete,
    edit,
    make_room,
    make_user,
    mentioning,
    message,
    pin,
    preview,
    reaction,
)

pytestmark = pytest.mark.anyio

HISTORIES: Final = {"sqlite": 60, "rethinkdb": 6}
MESSAGES: Final = 3


class Step(NamedTuple):
    what: str
    target: int
    by: int
    flag: bool
    emoji: str


STEPS: Final = st.builds(
    Step,
    st.sampled_from(["edit", "react", "react", "react", "reply", "pin", "preview"] * 4 + ["delete"] * 2),
    st.integers(0, 4 * MESSAGES),
    st.integers(0, 24),
    st.booleans(),
    st.sampled_from("ab"),
)


def draft_of(step: Step, ref: str, seqs: list[int]) -> Draft:
    """Return the draft of a step. `seqs` are those of all messages, replies too."""
    target, by = seqs[step.target % len(seqs)], make_user(step.by)
    drafts = {
        "reply": message(ref, ref, by=by, reply_to=target),
        "edit": mentioning(edit(ref, target, ref, by=by), *([ALICE] if step.flag else [])),
        "react": reaction(ref, target, step.emoji, added=step.flag, by=by),
        "pin": pin(ref, target, pinned=step.flag, by=by),
        "preview": preview(target, *(url for url in "12" if step.flag), by=by),
        "delete": delete(ref, target, by=by),
    }
    return drafts[step.what]


async def test_every_store_shows_messages_as_the_log_folds_them(store: Store, store_url: str) -> None:
    histories = drawn(
        HISTORIES[store_url.split(":", maxsplit=1)[0]], st.lists(STEPS, min_size=20, max_size=90)
    )
    rooms = [make_room(number) for number in range(len(histories))]
    await store.accounts.create(account_of(make_user(0)))

    async def play(room: Room, steps: list[Step]) -> None:
        await store.rooms.create(room, make_user(0))
        seqs = await send(store, room, *(f"{room.id} {number}" for number in range(MESSAGES)))
        for number, step in enumerate(steps):
            with suppress(Deleted, Invalid):
                draft = replace(draft_of(step, f"{room.id} {number}", seqs), at=number)
                stored = await store.log.append(room.id, draft)
                if draft.kind is Kind.MESSAGE:
                    seqs.append(stored.entry.seq)

    await asyncio.gather(*(play(room, steps) for room, steps in zip(rooms, histories, strict=True)))
    changed = replied = 0
    for room in rooms:
        log = await whole_log(store, room.id)
        messages = fold([entry for entry in log if entry.kind == Kind.MESSAGE], log)
        assert (await store.log.history(room.id, limit=100)).items == messages
        assert [await store.log.message(room.id, one.seq) for one in messages] == messages
        pins = [entry for entry in log if entry.kind == Kind.PIN]
        pinned = [one for one in messages if one.pinned]
        assert {one.seq for one in await store.log.pins(room.id)} == {one.seq for one in pinned}
        assert pins or not pinned
        for one in messages:
            thread = (await store.log.thread(room.id, one.seq, after=0, limit=100)).items
            assert thread == [below for below in messages if below.thread == one.seq]
            left = [below for below in thread if not below.deleted]
            assert (one.reply_count, one.last_reply_at) == (len(left), left[-1].at if left else None)
            replied += one.reply_count
            for each in one.reactions:
                page = await store.log.reactors(room.id, one.seq, each.emoji, cursor=None, limit=100)
                assert len(page.items) == each.count
                assert tuple(entry.user_id for entry in page.items[:20]) == each.user_ids
                changed += each.count
    assert changed > len(histories)
    assert replied > len(histories)
    assert await store.log.pins(LOBBY_ID) == []
