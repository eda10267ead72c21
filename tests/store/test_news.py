"""What every store promises to who reads many rooms at once: what is new there, messages by their places, names."""

import pytest

from api.models.accounts import User
from api.models.log import Entry, Head, Kind
from api.models.rooms import LOBBY_ID, Room
from api.store.base.store import Store
from api.store.fold import fold
from tests.store.calls import delete_room, send, whole_log
from tests.store.make import (
    BEGUN,
    delete,
    edit,
    make_room,
    mentioning,
    message,
    pin,
    reaction,
    renaming,
)

pytestmark = pytest.mark.anyio

NO_ROOM = "no-such-room"


async def rooms_of(store: Store, owner: User, count: int) -> list[Room]:
    made = [make_room(number) for number in range(count)]
    for room in made:
        await store.rooms.create(room, owner)
    return made


# -- news


async def test_the_news_of_many_rooms_are_their_entries_after_a_seq_of_each(
    store: Store, other: Store, alice: User
) -> None:
    quiet, one, long = await rooms_of(store, alice, 3)
    await send(store, one, "a", "b", "c")
    await send(store, long, *(f"long {number}" for number in range(60)))
    after = {quiet.id: BEGUN, one.id: BEGUN + 1, long.id: 0, NO_ROOM: 0}
    for reader in (store, other):
        heads = await reader.log.heads([quiet.id, one.id, long.id])
        told = {news.head.room_id: news for news in await reader.log.news(after, limit=20)}
        assert told.keys() == {quiet.id, one.id, long.id}
        for room_id, news in told.items():
            assert (news.head, news.is_deleted) == (heads[room_id], False)
            assert list(news.entries) == (await whole_log(reader, room_id))[after[room_id] :][:20]
        assert [entry.data["body"] for entry in told[one.id].entries] == ["b", "c"]
        assert (list(told[quiet.id].entries), len(told[long.id].entries)) == ([], 20)


async def test_who_reads_on_after_the_last_entry_reads_all_of_them(store: Store, den: Room) -> None:
    await send(store, den, *(f"body {number}" for number in range(45)))
    read, after = list[Entry](), 0
    while True:
        (news,) = await store.log.news({den.id: after}, limit=10)
        if not news.entries:
            break
        read += news.entries
        after = news.entries[-1].seq
    assert read == await whole_log(store, den.id)
    assert after == news.head.seq == BEGUN + 45


async def test_there_is_nothing_after_the_head_or_far_beyond_and_all_after_less_than_nothing(
    store: Store, den: Room
) -> None:
    for after, count in ((BEGUN, 0), (BEGUN + 1, 0), (2**53, 0), (2**70, 0), (-1, BEGUN), (-(2**70), BEGUN)):
        (news,) = await store.log.news({den.id: after}, limit=10)
        assert (news.head.seq, len(news.entries)) == (BEGUN, count), after
    assert await store.log.news({}, limit=10) == []
    assert await store.log.news({"": 0, "x" * 200: 0}, limit=10) == []


async def test_what_is_told_of_a_deleted_room_is_that_it_is_deleted(
    store: Store, other: Store, den: Room
) -> None:
    (seq,) = await send(store, den, "secret")
    epoch = (await store.log.heads([den.id]))[den.id].epoch
    await delete_room(store, den)
    for reader in (store, other):
        (news,) = await reader.log.news({den.id: 0}, limit=10)
        assert (news.head, news.is_deleted) == (Head(den.id, epoch, seq + 1), True)
        assert list(news.entries) == []


async def test_news_have_no_text_of_what_was_deleted_meanwhile(store: Store, other: Store, den: Room) -> None:
    (seq,) = await send(store, den, "secret")
    await store.log.append(den.id, edit("e", seq, "secret, too"))
    await store.log.append(den.id, delete("d", seq))
    for reader in (store, other):
        (news,) = await reader.log.news({den.id: BEGUN}, limit=10)
        assert [(entry.kind, entry.data.get("body")) for entry in news.entries] == [
            (Kind.MESSAGE, ""),
            (Kind.EDIT, ""),
            (Kind.DELETE, None),
        ]


# -- messages


async def test_messages_of_many_rooms_are_each_as_a_fold_of_its_log_has_it(
    store: Store, other: Store, alice: User, bob: User
) -> None:
    rooms = await rooms_of(store, alice, 4)
    places = []
    for room in rooms:
        first, second, third, answered = await send(
            store, room, *(f"{room.id} {number}" for number in range(4))
        )
        await store.log.append(room.id, edit("e" + room.id, first, "edited"))
        await store.log.append(room.id, mentioning(edit("m" + room.id, first, "edited @bob"), bob))
        await store.log.append(room.id, delete("d" + room.id, second))
        await store.log.append(room.id, pin("p" + room.id, third))
        await store.log.append(room.id, reaction("r" + room.id, third, "👍", by=bob))
        await store.log.append(room.id, message("a" + room.id, "an answer", reply_to=answered))
        places += [(room.id, seq) for seq in (first, second, third, answered)]
    found = await store.log.messages(places)
    assert await other.log.messages(places) == found
    assert found.keys() == set(places)
    for room in rooms:
        log = await whole_log(store, room.id)
        messages = [entry for entry in log if entry.kind == Kind.MESSAGE]
        folded = {one.seq: one for one in fold(messages, log)}
        for seq in (seq for room_id, seq in places if room_id == room.id):
            assert found[room.id, seq] == folded[seq]
    changed = found[places[0]], found[places[1]], found[places[2]], found[places[3]]
    assert [one.body for one in changed] == ["edited @bob", "", f"{rooms[0].id} 2", f"{rooms[0].id} 3"]
    assert (changed[0].mentions, changed[1].deleted, changed[2].pinned) == ((bob.id,), True, True)
    assert ([one.emoji for one in changed[2].reactions], changed[3].reply_count) == (["👍"], 1)


async def test_places_without_a_message_are_left_out(store: Store, den: Room) -> None:
    first, second = await send(store, den, "one", "two")
    edited = (await store.log.append(den.id, edit("e", first, "new"))).entry.seq
    nowhere = [
        *((den.id, seq) for seq in (0, -1, 1, BEGUN, edited, edited + 1, 2**53, 2**62, 2**70)),
        *((room_id, first) for room_id in (LOBBY_ID, NO_ROOM, "", "x" * 200)),
    ]
    found = await store.log.messages([*nowhere, (den.id, second), (den.id, first), (den.id, first)])
    assert {place: one.body for place, one in found.items()} == {
        (den.id, first): "new",
        (den.id, second): "two",
    }
    assert await store.log.messages([]) == {}


async def test_a_deleted_room_has_no_messages(store: Store, other: Store, den: Room) -> None:
    (seq,) = await send(store, den, "secret")
    await delete_room(store, den)
    assert await store.log.messages([(den.id, seq)]) == {}
    assert await other.log.messages([(den.id, seq)]) == {}


# -- names


async def test_names_are_those_of_the_rooms_that_there_are(
    store: Store, other: Store, den: Room, alice: User
) -> None:
    made = await rooms_of(store, alice, 3)
    await store.rooms.change(made[0].id, alice, at=1, rule=renaming("Renamed"))
    gone = make_room(9)
    await store.rooms.create(gone, alice)
    await delete_room(store, gone)
    asked = [*(room.id for room in made), den.id, gone.id, NO_ROOM, "", "x" * 200]
    wanted = {made[0].id: "Renamed", made[1].id: "Room 1", made[2].id: "Room 2", den.id: "Den"}
    assert await store.rooms.names(asked) == wanted
    assert await other.rooms.names(asked) == wanted
    assert await store.rooms.names([]) == {}
    assert await store.rooms.names([LOBBY_ID]) == {LOBBY_ID: (await lobby(store)).name}


async def lobby(store: Store) -> Room:
    found = await store.rooms.get(LOBBY_ID)
    assert found is not None
    return found
