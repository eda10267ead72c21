"""Rows that something else has written into the tables."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from api.models.accounts import Account, Session
from api.models.changes import Restored, SessionEnded
from api.models.log import Entry, unreadable
from api.models.rooms import LOBBY_ID, Role
from api.store.cluster.store import ClusterStore
from api.store.rethinkdb import Pool, r
from tests.store.calls import whole_log
from tests.store.cluster.nodes import (
    flushed_refs,
    is_entry,
    keep_nothing_in_tails,
    make_den,
    opened_again,
    told,
)
from tests.store.make import ALICE, BEGUN, BOB, DEN, delete, message
from tests.stranger import POISON_TIME

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param({"at": POISON_TIME}, id="nothing-of-ours"),
        pytest.param({"seq": POISON_TIME, "tail": []}, id="seq-is-a-time"),
        pytest.param({"seq": 7, "trimmed": 0, "tail": POISON_TIME}, id="tail-is-a-time"),
        pytest.param({"seq": 7, "trimmed": 0, "tail": "no list"}, id="tail-is-a-text"),
        pytest.param({"seq": 2, "trimmed": 0, "tail": [None, POISON_TIME]}, id="no-entries"),
        pytest.param(
            {"seq": 1, "trimmed": 0, "tail": [{"seq": 1, "kind": "message", "at": POISON_TIME}]},
            id="half-an-entry",
        ),
        pytest.param({"seq": "7", "trimmed": "x", "tail": [[], 1]}, id="other-types"),
    ],
)
async def test_a_tail_survives_a_poison_head(store: ClusterStore, behind: Pool, head: dict[str, Any]) -> None:
    async with store.changes.open() as tail:
        await behind.write(r.table("heads").insert({"id": "poison", **head}))
        await behind.write(r.table("heads").get("poison").update({"more": POISON_TIME}))
        await behind.write(r.table("heads").get("poison").delete())
        await store.log.append(LOBBY_ID, message("1"))
        changes = await told(tail, is_entry(1))
    assert [one.room_id for one in changes if isinstance(one, Entry)] == [LOBBY_ID]


@pytest.mark.parametrize(
    "tail_of_head",
    [
        pytest.param([None], id="null"),
        pytest.param([POISON_TIME, 7, "text", []], id="no-objects"),
        pytest.param([{"seq": POISON_TIME}, {"seq": None}, {}], id="no-seq"),
        pytest.param([{"seq": 9, "kind": "message", "at": POISON_TIME}], id="half-an-entry"),
    ],
)
async def test_what_a_poison_tail_lacks_is_unreadable_and_logged_once_and_other_rooms_are_served(
    store: ClusterStore, behind: Pool, tail_of_head: list[Any]
) -> None:
    await store.accounts.create(Account(ALICE, "alice", "hash"))
    await store.rooms.create(DEN, ALICE)
    with capture_logs() as logs:
        async with store.changes.open() as tail:
            for seq in (9, 10):
                await behind.write(r.table("heads").get(DEN.id).update({"seq": seq, "tail": tail_of_head}))
            await store.log.append(LOBBY_ID, message("1"))
            changes = await told(tail, is_entry(1))
        log = await whole_log(store, DEN.id)
        assert [entry.kind for entry in log] == ["member", "room"] + ["unreadable"] * 8
        assert (await store.log.history(DEN.id, limit=10)).items == []
    given = [one for one in changes if isinstance(one, Entry)]
    assert [one for one in given if one.room_id == DEN.id] == log[BEGUN:]
    assert [one.room_id for one in given if one not in log] == [LOBBY_ID]
    logged = [line["id"] for line in logs if line["event"] == "poison_row_skipped"]
    assert len(logged) == len(set(logged))


async def test_a_known_head_that_is_poison_is_passed_over_and_logged_once_and_other_rooms_are_served(
    store: ClusterStore, behind: Pool
) -> None:
    await store.accounts.create(Account(ALICE, "alice", "hash"))
    await store.rooms.create(DEN, ALICE)
    await store.members.join(LOBBY_ID, ALICE, Role.MEMBER, at=1)
    async with store.changes.open() as tail:
        await store.log.append(DEN.id, message("1"))
        await told(tail, is_entry(BEGUN + 1, DEN.id))
    before = await store.log.heads([LOBBY_ID])
    with capture_logs() as logs:
        await behind.write(r.table("heads").get(DEN.id).update({"seq": POISON_TIME, "epoch": r.literal()}))
        for n in range(2, 4):
            async with store.changes.open() as tail:
                await store.log.append(LOBBY_ID, message(f"{n}"))
                assert not [one for one in await told(tail, is_entry(n)) if isinstance(one, Restored)]
        heads = await store.log.heads([LOBBY_ID, DEN.id])
        assert await whole_log(store, DEN.id) == []
        assert [
            view.room.id for view in (await store.rooms.of_user(ALICE.id, cursor=None, limit=10)).items
        ] == [LOBBY_ID]
    assert [(head.room_id, head.epoch) for head in heads.values()] == [(LOBBY_ID, before[LOBBY_ID].epoch)]
    assert [line["id"] for line in logs if line["event"] == "poison_row_skipped"] == [DEN.id]


async def test_a_tail_survives_poison_sessions(store: ClusterStore, behind: Pool) -> None:
    await store.accounts.create(Account(ALICE, "alice", "hash"))
    await store.sessions.create(Session("session", ALICE.id, 1, 1, 9, "a browser", "hash"), most=20)
    ended = SessionEnded("session", ALICE.id)
    async with store.changes.open() as tail:
        for row in ({"id": "poison-1", "ended": True}, {"id": "poison-2", "ended": POISON_TIME}):
            await behind.write(r.table("sessions").insert(row))
            await behind.write(r.table("sessions").get(row["id"]).delete())
        await store.sessions.end("session")
        changes = await told(tail, lambda one: one == ended)
    assert [one for one in changes if isinstance(one, SessionEnded)] == [ended]


@pytest.mark.parametrize("role", ["king", 7, POISON_TIME])
async def test_a_poison_member_or_session_is_nobody_and_holds_up_no_other(
    store: ClusterStore, behind: Pool, role: object
) -> None:
    for user in (ALICE, BOB):
        await store.accounts.create(Account(user, user.username, "hash"))
        await store.sessions.create(Session(f"of-{user.id}", user.id, 1, 1, 9, "a browser", "hash"), most=20)
    await store.rooms.create(DEN, ALICE)
    mine = await behind.run(r.table("members").get([DEN.id, ALICE.id]))
    poison = {"id": [DEN.id, BOB.id], "user_id": BOB.id, "role": role}
    await behind.write(r.table("members").insert(mine | poison))
    await behind.write(
        r.table("sessions").get(f"of-{BOB.id}").replace(lambda row: row.without("refresh_hash"))
    )
    places = [(DEN.id, user.id) for user in (ALICE, BOB)]
    assert list(await store.members.get_many(places)) == places[:1]
    assert [one.user_id for one in (await store.members.of_room(DEN.id, cursor=None, limit=9)).items] == [
        ALICE.id
    ]
    assert list(await store.sessions.get_many([f"of-{user.id}" for user in (BOB, ALICE)])) == [
        f"of-{ALICE.id}"
    ]


@pytest.mark.parametrize("poison", [None, {}, {"kind": "member", "seq": 4, "room_id": DEN.id, "id": "x"}])
async def test_what_is_no_entry_in_a_tail_holds_nothing_up(
    store: ClusterStore, behind: Pool, poison: object
) -> None:
    await make_den(store)
    await behind.write(r.table("heads").get(DEN.id).update({"tail": r.row["tail"].append(poison)}))
    await store.members.join(DEN.id, BOB, Role.MEMBER, at=7_000)
    acked = await store.log.append(DEN.id, message("1", "secret"))
    await store.log.append(DEN.id, delete("2", acked.entry.seq))
    await store.erasure.anonymise([acked.entry], "nobody")
    await store.flusher.flush(DEN.id)
    member = await store.members.get(DEN.id, BOB.id)
    assert member is not None
    assert member.role is Role.MEMBER
    assert await flushed_refs(behind) == [None, None, None, None, "2"]


async def test_what_poison_rows_are_in_place_of_is_unreadable(store: ClusterStore, behind: Pool) -> None:
    for n in range(3):
        await store.log.append(LOBBY_ID, message(f"{n}"))
    await store.flusher.flush(LOBBY_ID)
    junk = [
        None,
        7,
        {"seq": POISON_TIME, "kind": "message"},
        {"room_id": LOBBY_ID, "seq": 3, "kind": "message"},
    ]
    await behind.write(r.table("batches").insert({"id": [LOBBY_ID, 4]}))
    for number, rows in enumerate((POISON_TIME, junk, []), start=5):
        await behind.write(r.table("batches").insert({"id": [LOBBY_ID, number], "rows": rows}))
    await keep_nothing_in_tails(behind)
    async with opened_again(store) as fresh:
        assert [entry.ref for entry in await whole_log(fresh)] == ["0", "1", "2"]
        for page in ({}, {"after": 0}):
            assert [item.ref for item in (await fresh.log.history(LOBBY_ID, limit=10, **page)).items] == [
                "0",
                "1",
                "2",
            ]
        assert await fresh.log.message(LOBBY_ID, 3) is not None
        poison = r.table("batches").get([LOBBY_ID, 1])
        rows = poison["rows"].map(lambda row: r.branch(row["seq"] == 2, row.merge({"at": POISON_TIME}), row))
        await behind.write(poison.update({"rows": rows}, non_atomic=True))
        log = await fresh.log.entries(LOBBY_ID, after=0, limit=10)
        assert [entry.ref or entry for entry in log] == ["0", unreadable(LOBBY_ID, 2), "2"]
        acked = [await fresh.log.append(LOBBY_ID, message(f"{n}", "secret")) for n in range(3, 9)]
        await fresh.log.append(LOBBY_ID, delete("gone", acked[-1].entry.seq))
        assert [one.entry.seq for one in acked] == [4, 5, 6, 7, 8, 9]
        assert (await fresh.log.append(LOBBY_ID, message("4", "secret"))).is_new is False


async def test_a_message_takes_no_place_of_an_entry_that_another_program_wrote(
    store: ClusterStore, behind: Pool
) -> None:
    await store.log.append(LOBBY_ID, message("1"))
    grown = {"seq": r.row["seq"] + 1, "tail": r.row["tail"].append({"seq": 2, "kind": "poll"})}
    await behind.write(r.table("heads").get(LOBBY_ID).update(grown))
    acked = await store.log.append(LOBBY_ID, message("3"))
    assert acked.entry.seq == 3
    assert [entry.ref or entry.kind for entry in await whole_log(store)] == ["1", "unreadable", "3"]
