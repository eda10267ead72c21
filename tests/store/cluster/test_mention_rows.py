"""Whom messages mention on RethinkDB: what flushes of several nodes make of it, and what a copy of the database has."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from api.models.changes import everybody_by
from api.models.log import Entry, EntryData, Kind, Message
from api.models.rooms import Role, Room
from api.store.cluster.mention_rows import note_query, rows_after
from api.store.cluster.schema import init
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.rethinkdb_server import RethinkDBServer, as_admin
from tests.store.calls import change
from tests.store.cluster.nodes import keep_nothing_in_tails, make_den, opened, opened_again
from tests.store.make import ALICE, BOB, DEN, account_of, delete, edit, make_room, mentioning, message, pin
from tests.store.test_mentions import listed
from tests.store.test_unread import CLEO, view_of

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

ROWS: Final = r.table("mentions").filter(lambda row: row["id"].nth(1).type_of() == "NUMBER").order_by("id")


def entry(seq: int, kind: Kind, data: EntryData, user_id: str = "ann") -> Entry:
    return Entry("den", seq, kind, user_id, user_id, 1_000 * seq, None, data)


def said(seq: int, *mentions: str) -> Entry:
    return entry(seq, Kind.MESSAGE, {"body": "", "reply_to": None, "mentions": [*mentions]})


def edited(seq: int, target: int, *mentions: str) -> Entry:
    return entry(seq, Kind.EDIT, {"body": "", "target": target, "mentions": [*mentions]})


def deleted(seq: int, target: int) -> Entry:
    return entry(seq, Kind.DELETE, {"target": target}, user_id="owner")


FLUSHES: Final[dict[str, tuple[list[list[Entry]], list[tuple[int, list[str]]]]]] = {
    "each for itself": (
        [[said(1, "bob")], [said(2, "bob", "cleo")], [said(3)]],
        [(1, ["bob"]), (2, ["bob", "cleo"])],
    ),
    "an edit in the same flush": ([[said(1, "bob"), edited(2, 1, "cleo")]], [(1, ["cleo"])]),
    "an edit before its message": (
        [[said(1, "bob"), edited(2, 1, "cleo")], [said(1, "bob")]],
        [(1, ["cleo"])],
    ),
    "two edits, the later one first": (
        [[said(1, "bob")], [edited(3, 1, "cleo")], [edited(2, 1, "dan")]],
        [(1, ["cleo"])],
    ),
    "an edit that takes a mention away, twice": (
        [[said(1, "bob")], [edited(2, 1)], [edited(2, 1)]],
        [(1, [])],
    ),
    "an edit that mentions nobody, of a message that did not": ([[said(1)], [edited(2, 1)]], []),
    "a delete, and then another node that remembers the message": (
        [[deleted(2, 1)], [said(1, "bob")]],
        [(1, [])],
    ),
    "a delete, and then another node that remembers an edit": (
        [[deleted(3, 1)], [edited(2, 1, "bob")]],
        [(1, [])],
    ),
}


@pytest.mark.parametrize("case", FLUSHES)
async def test_flushes_in_any_order_leave_whom_the_last_entry_mentions(
    store: ClusterStore, behind: Pool, case: str
) -> None:
    flushes, expected = FLUSHES[case]
    for entries in flushes:
        if rows := rows_after(entries):
            await behind.write(note_query(rows))
    assert [(row["id"][1], row["users"]) for row in await behind.read(ROWS)] == expected


async def test_a_user_who_was_mentioned_has_a_row_that_names_no_message(
    store: ClusterStore, behind: Pool
) -> None:
    await make_den(store)
    for seq in (1, 100, 101, 7):
        await behind.write(note_query(rows_after([said(seq, "bob")])))
    row = await behind.run(r.table("mentions").get(["den", "bob"]))
    assert (row["as_of"], row["users"]) == (200, [])


async def test_an_edit_tells_the_time_of_its_message_wherever_that_is(
    store: ClusterStore, behind: Pool
) -> None:
    await make_den(store)
    await store.members.join(DEN.id, BOB, Role.MEMBER, 1)
    plain = (await store.log.append(DEN.id, message("m"))).entry
    await store.flusher.flush(DEN.id)
    await keep_nothing_in_tails(behind)
    await store.log.append(DEN.id, mentioning(edit("e", plain.seq, "@bob"), BOB))
    await store.flusher.flush(DEN.id)
    (row,) = await behind.read(ROWS)
    assert (row["at"], row["author"], row["users"]) == (plain.at, ALICE.id, [BOB.id])


async def test_a_head_forgets_whom_a_deleted_message_mentions(store: ClusterStore, behind: Pool) -> None:
    await make_den(store)
    seqs = [
        (await store.log.append(DEN.id, mentioning(message(ref), BOB, everybody=ref == "2"))).entry.seq
        for ref in "123"
    ]
    head = r.table("heads").get(DEN.id)["mentioned"]
    assert await behind.run(head) == [
        [seqs[0], [BOB.id]],
        [seqs[1], ["", everybody_by(ALICE.id)]],
        [seqs[2], [BOB.id]],
    ]
    for ref, seq in (("x", seqs[0]), ("y", seqs[1])):
        await store.log.append(DEN.id, delete(ref, seq))
    await store.log.append(DEN.id, mentioning(edit("e", seqs[2], "@cleo"), CLEO))
    assert await behind.run(head) == [[seqs[2], [BOB.id]]]


async def test_what_a_copy_of_the_database_lacks_or_has_too_much_is_made_anew(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    async with opened(cluster_url) as store:
        await make_den(store)
        await change(store, DEN, BOB, Role.MEMBER, by=ALICE)
        one, two, three = [
            (await store.log.append(DEN.id, mentioning(message(ref), BOB))).entry.seq for ref in "123"
        ]
        await store.log.append(DEN.id, delete("x", one))
        await store.log.append(DEN.id, edit("y", two, "nobody"))
        await store.flusher.flush(DEN.id)
        before = await view_of(store, DEN.id, BOB)
    await keep_nothing_in_tails(behind)
    stray: list[dict[str, Any]] = [
        {"id": [DEN.id, seq], "as_of": 99, "at": 1, "author": ALICE.id, "users": [BOB.id]}
        for seq in (2, two, 50)
    ]
    await behind.write(r.table("mentions").delete())
    await behind.write(r.table("mentions").insert(stray))
    await init(server.admin_url, cluster_url, lambda _line: None, restored=True)
    async with opened(cluster_url) as store:
        assert await view_of(store, DEN.id, BOB) == before
        assert before[1].mention_count == 1
        assert [seq for _, seq in await listed(store, BOB)] == [three]


async def test_a_database_of_the_version_before_gets_the_table_and_mentions_from_then_on(
    cluster_url: str, server: RethinkDBServer, behind: Pool
) -> None:
    async with opened(cluster_url) as store:
        await make_den(store)
        await change(store, DEN, BOB, Role.MEMBER, by=ALICE)
        old = (await store.log.append(DEN.id, message("old", "@bob"))).entry.seq
    await as_admin(server, r.table_drop("mentions"))
    await behind.write(r.table("meta").get("schema_version").update({"value": "12"}))
    await init(server.admin_url, cluster_url, lambda _line: None)
    async with opened(cluster_url) as store:
        assert (await view_of(store, DEN.id, BOB))[1].mention_count == 0
        new = (await store.log.append(DEN.id, mentioning(message("new", "@bob"), BOB))).entry.seq
        await store.log.append(DEN.id, mentioning(edit("e", old, "@bob!"), BOB))
        await store.flusher.flush(DEN.id)
        await keep_nothing_in_tails(behind)
        assert (await view_of(store, DEN.id, BOB))[1].mention_count == 2
        assert [seq for _, seq in await listed(store, BOB)] == [new, old]


async def test_lists_take_as_many_queries_for_many_messages_of_many_rooms_as_for_one(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (ALICE, BOB):
        await store.accounts.create(account_of(user))

    async def room_with_mentions(room: Room, count: int) -> None:
        await store.rooms.create(room, ALICE)
        await change(store, room, BOB, Role.MEMBER, by=ALICE)
        for number in range(count):
            seq = (await store.log.append(room.id, message(f"{room.id} m{number}"))).entry.seq
            await store.log.append(room.id, mentioning(edit(f"{room.id} e{number}", seq, "@bob"), BOB))
            await store.log.append(room.id, pin(f"{room.id} p{number}", seq))
        await store.flusher.flush(room.id)

    async with opened_again(store) as reader:  # it writes nothing, so all queries that it runs are counted
        run, count = reader._pool._run, 0

        async def counted(query: Any, is_enough: Any) -> Any:
            nonlocal count
            count += 1
            return await run(query, is_enough)

        monkeypatch.setattr(reader._pool, "_run", counted)

        async def queries_of(call: Callable[[], Awaitable[list[Message]]], length: int) -> int:
            before = count
            messages = await call()
            queries = count - before
            assert len(messages) == length
            assert messages == [await store.log.message(one.room_id, one.seq) for one in messages]
            return queries

        async def mentions() -> list[Message]:
            return (await reader.mentions.of_user(BOB.id, cursor=None, limit=50)).items

        small, *large = [make_room(number) for number in range(4)]
        await room_with_mentions(small, 1)
        of_one = await queries_of(mentions, 1)
        for room in large:
            await room_with_mentions(room, 3)
        assert await queries_of(mentions, 10) == of_one
        pins_of_one = await queries_of(lambda: reader.log.pins(small.id), 1)
        assert await queries_of(lambda: reader.log.pins(large[0].id), 3) == pins_of_one
        await keep_nothing_in_tails(behind)
        assert await queries_of(mentions, 10) <= of_one
        assert await queries_of(lambda: reader.log.pins(large[0].id), 3) == pins_of_one
