"""POST /sync: what a client has missed in all rooms, just as subscriptions would tell it, on each store."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import strategies as st

from api.models.page import PAGE_BYTES
from api.models.rooms import LOBBY_ID
from tests.accounts.programs import made_token, program
from tests.bad_inputs.answers import JSON, is_problem
from tests.node import Event, Node, Person, Socket, is_entry
from tests.page_cases import drawn
from tests.rooms.test_message_changes import two_nodes
from tests.rooms.test_rooms import make_room, say
from tests.store.test_stretches import count_queries
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

REPLAY: Final = 6
"""How far a client of these tests may be behind."""
CASES: Final = {"sqlite": 60, "rethinkdb": 12}


async def ask(person: Person, positions: Sequence[Event] = (), **fields: Any) -> Event:
    answer = await person.http.post("/sync", json={"positions": list(positions), **fields})
    assert answer.status_code == 200, answer.text
    page: Event = answer.json()
    assert page.keys() == {"items", "not_found", "has_more"}
    return page


async def position(person: Person, room_id: str, *, back: int = 0) -> Event:
    """Return the position of a client that lacks the last entries of a room, so many."""
    room = (await person.http.get(f"/rooms/{room_id}")).json()
    return {"room_id": room_id, "epoch": room["epoch"], "seq": room["seq"] - back}


def rooms_of(items: Sequence[Event]) -> list[str]:
    """Return the rooms of items in their order. Each room has one place."""
    rooms = [one["room_id"] for one in items]
    order = [*dict.fromkeys(rooms)]
    assert rooms == sorted(rooms, key=order.index)
    return order


async def synced(person: Person, positions: Sequence[Event], **fields: Any) -> dict[str, list[Event]]:
    """Ask until there is no more, as a client does, and return what came of each room."""
    known = {one["room_id"]: one for one in positions}
    came: dict[str, list[Event]] = {}
    for _ in range(100):
        page = await ask(person, [*known.values()], **fields)
        rooms_of(page["items"])
        for event in page["items"]:
            room_id = event["room_id"]
            came.setdefault(room_id, []).append(event)
            if is_entry(event):
                assert event["seq"] == known[room_id]["seq"] + 1
                known[room_id] = known[room_id] | {"seq": event["seq"]}
            else:
                known[room_id] = {name: event[name] for name in ("room_id", "epoch", "seq")}
        for room_id in page["not_found"]:
            del known[room_id]
            came[room_id] = [{"code": "not_found"}]
        if not page["has_more"]:
            assert page["items"] or not any(
                is_entry(events[-1]) for events in came.values() if "type" in events[-1]
            )
            return came
        assert page["items"]
    raise AssertionError("it never ends")


async def subscribed(socket: Socket, room_id: str, known: Event | None) -> list[Event]:
    """Return what a subscription from a position brings."""
    since = {} if known is None else {"since": {"epoch": known["epoch"], "seq": known["seq"]}}
    ack = await socket.call(type="subscribe", room_id=room_id, **since)
    if ack["type"] == "error":
        return [{"code": ack["code"]}]
    found: list[Event] = []
    while not found or found[-1]["type"] not in {"live", "reset"}:
        event = await socket.receive()
        if event.get("room_id") == room_id:
            found.append(event)
    await socket.call(type="unsubscribe", room_id=room_id)
    return found


class Case(NamedTuple):
    """Of each room how a client knows it, how many entries it lacks then, and what it asks for."""

    rooms: list[tuple[str, int]]
    limit: int
    others: bool


CASE: Final = st.builds(
    Case,
    st.lists(
        st.tuples(
            st.sampled_from(["known", "known", "known", "unknown", "another epoch"]),
            st.integers(-2, REPLAY + 2),
        ),
        min_size=7,
        max_size=7,
    ),
    st.sampled_from([1, 2, 3, 5, 8, 100]),
    st.booleans(),
)


@pytest.mark.settings(
    connections_per_user=10_000,  # resumes are counted for each
    sends_burst=1_000,
    misses_per_minute=10_000,
    commands_per_second=10_000,
)
async def test_a_sync_brings_what_subscriptions_would_bring(
    alice: Person, bob: Person, stranger: Stranger, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.models.log.MAX_REPLAY", REPLAY)
    rooms = [LOBBY_ID, *[(await make_room(alice, f"Room {number}"))["id"] for number in range(4)]]
    for number, room_id in enumerate(rooms):
        for one in range(3 * number):
            await say(alice, room_id, f"{number} {one}")
    await alice.http.patch(f"/rooms/{rooms[2]}/messages/4", json={"body": "changed"})
    await alice.http.delete(f"/rooms/{rooms[3]}/messages/4")
    await stranger.write(rooms[4], None, {"kind": "poll", "data": {"target": 1}}, None)
    rooms += [(await make_room(bob, "Another's", "private"))["id"], "nowhere"]
    heads = {room_id: await position(alice, room_id) for room_id in rooms[:5]}
    cases = drawn(CASES[store_url.split(":", maxsplit=1)[0]], CASE)
    seen = set()
    async with alice.socket() as socket:
        for case in cases:
            known: dict[str, Event] = {}
            for room_id, (how, back) in zip(rooms, case.rooms, strict=True):
                head = heads.get(room_id, {"room_id": room_id, "epoch": "e", "seq": 5})
                wrong = {"epoch": "another"} if how == "another epoch" else {}
                if how != "unknown":
                    known[room_id] = head | {"seq": max(0, head["seq"] - back)} | wrong
            came = await synced(alice, [*known.values()], limit=case.limit, others=case.others)
            for room_id in rooms:
                if room_id not in known and (room_id not in heads or not case.others):
                    assert room_id not in came
                    continue
                wanted = await subscribed(socket, room_id, known.get(room_id))
                if room_id in known and wanted == [{"type": "live"} | known[room_id]]:
                    wanted = []
                assert came.get(room_id, []) == wanted, case
                seen |= {one.get("type", one.get("code")) for one in wanted}
    assert {"live", "reset", "message", "edit", "delete", "poll", "unreadable", "not_found"} <= seen


# -- its form


async def test_the_room_with_the_newest_entry_comes_first_and_pages_are_bounded(alice: Person) -> None:
    rooms = [(await make_room(alice, f"Room {number}"))["id"] for number in range(3)]
    known = [await position(alice, room_id) for room_id in rooms]
    for room_id in (rooms[1], rooms[2], rooms[0]):
        for number in range(50):
            body = {"ref": f"{room_id} {number}", "body": "x" * 4_000}
            assert (await alice.http.post(f"/rooms/{room_id}/messages", json=body)).status_code == 201
    page = await alice.http.post("/sync", json={"positions": known, "others": False})
    assert PAGE_BYTES * 0.9 < len(page.content) < PAGE_BYTES + 10_000
    first = page.json()
    assert rooms_of(first["items"]) == [rooms[0], rooms[2], rooms[1]]
    assert [one["type"] for one in first["items"]].count("live") == 2
    assert first["has_more"]
    assert is_entry(first["items"][-1])
    whole = await synced(alice, known, others=False)
    assert [len(whole[room_id]) for room_id in rooms] == [51] * 3
    few = await ask(alice, known, others=False, limit=60)
    assert [is_entry(one) for one in few["items"]].count(True) == 60
    assert (rooms_of(few["items"]), few["has_more"]) == ([rooms[0], rooms[2]], True)


async def test_where_nothing_has_changed_an_answer_is_empty(alice: Person) -> None:
    room = (await make_room(alice))["id"]
    known = [await position(alice, room_id) for room_id in (LOBBY_ID, room)]
    assert await ask(alice, known) == {"items": [], "not_found": [], "has_more": False}
    lone = {"type": "live", **known[1]}
    assert await ask(alice, known[:1]) == {"items": [lone], "not_found": [], "has_more": False}
    assert await ask(alice, known[:1], others=False) == {"items": [], "not_found": [], "has_more": False}
    answer = await alice.http.post("/sync", json={})
    assert {one["room_id"] for one in answer.json()["items"]} == {LOBBY_ID, room}


async def test_a_page_goes_on_at_another_node_and_after_a_new_epoch(
    store_url: str, stranger: Stranger
) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        room = (await make_room(alice))["id"]
        known = await position(alice, room)
        for number in range(5):
            await say(alice, room, str(number))
        first = await ask(alice, [known], limit=2, others=False)
        assert ([event["body"] for event in first["items"]], first["has_more"]) == (["0", "1"], True)
        there = program(other, alice, {"token": alice.access_token})
        at = known | {"seq": first["items"][-1]["seq"]}
        second = await ask(there, [at], limit=2, others=False)
        assert [event["body"] for event in second["items"]] == ["2", "3"]
        await stranger.begin_new_epoch(room)
        at |= {"seq": second["items"][-1]["seq"]}
        now = await position(alice, room)
        assert (await ask(there, [at], others=False))["items"] == [{"type": "reset"} | now]
        assert now["epoch"] != at["epoch"]


# -- who may


async def test_a_room_that_is_left_lost_or_deleted_is_not_found(alice: Person, bob: Person) -> None:
    ends: Mapping[str, Any] = {
        "left": lambda path: bob.http.post(f"{path}/leave"),
        "removed": lambda path: alice.http.delete(f"{path}/members/{bob.id}"),
        "banned": lambda path: alice.http.put(f"{path}/bans/{bob.id}"),
        "deleted": alice.http.delete,
    }
    known = []
    for name in ends:
        room = (await make_room(alice, name))["id"]
        await bob.http.post(f"/rooms/{room}/join")
        known.append(await position(bob, room, back=1))
    assert (await ask(bob, known))["not_found"] == []
    for one, end in zip(known, ends.values(), strict=True):
        assert (await end(f"/rooms/{one['room_id']}")).status_code == 204
    page = await ask(bob, known)
    assert page["not_found"] == [one["room_id"] for one in known]
    assert {one["room_id"] for one in page["items"]} == {LOBBY_ID}
    again = await ask(alice, known)
    assert again["not_found"] == [known[-1]["room_id"]]


async def test_who_was_just_added_is_told_at_once(alice: Person, bob: Person) -> None:
    room = (await make_room(alice, visibility="private"))["id"]
    await alice.http.put(f"/rooms/{room}/members/{bob.id}", json={"role": "member"})
    known = await position(alice, room, back=1)
    page = await ask(bob, [known], others=False)
    assert ([one["type"] for one in page["items"]], page["not_found"]) == (["member", "live"], [])


async def test_a_direct_room_is_told_with_its_first_message(alice: Person, bob: Person) -> None:
    room = (await alice.http.put(f"/direct/{bob.id}")).json()["id"]
    assert {one["room_id"] for one in (await ask(alice))["items"]} == {LOBBY_ID, room}
    assert {one["room_id"] for one in (await ask(bob))["items"]} == {LOBBY_ID}
    await say(alice, room, "hello")
    assert rooms_of((await ask(bob))["items"]) == [room, LOBBY_ID]


async def test_a_token_reaches_only_its_rooms_and_needs_to_read(alice: Person) -> None:
    mine, other = (await make_room(alice))["id"], (await make_room(alice))["id"]
    known = [await position(alice, room, back=1) for room in (mine, other, LOBBY_ID)]
    bound = program(alice.node, alice, await made_token(alice, ["read"], room_ids=[mine]))
    for positions in (known, []):
        page = await ask(bound, positions)
        assert {one["room_id"] for one in page["items"]} == {mine}
        assert page["not_found"] == ([other, LOBBY_ID] if positions else [])
    writer = program(alice.node, alice, await made_token(alice, ["write"]))
    is_problem(await writer.http.post("/sync", json={}), 403, "forbidden")


# -- bad requests, and what a request costs


async def test_p5_positions_that_make_no_sense_are_refused(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    good = {"room_id": LOBBY_ID, "epoch": "e", "seq": 0}
    many = [good | {"room_id": f"r{number}"} for number in range(501)]
    for bad in (
        {"positions": [good, good]},
        {"positions": many},
        {"positions": good},
        {"positions": [[LOBBY_ID, "e", 0]]},
        *({"positions": [good | {"seq": seq}]} for seq in (-1, "1", None, True)),
        *({"positions": [good | {"room_id": room_id}]} for room_id in ("", "a b", "x" * 65, None, 1)),
        *({"positions": [good | {"epoch": epoch}]} for epoch in ("", "x" * 65, None, 1)),
        *({"limit": limit} for limit in (0, -1, 5_001, "5", None)),
        *({"others": others} for others in (0, "true", None)),
    ):
        answer = await alice.http.post("/sync", json=bad)
        is_problem(answer, 422, "invalid")
    for number in ("9007199254740993", "-0"):
        body = f'{{"positions": [{{"room_id": "r", "epoch": "e", "seq": {number}}}]}}'
        answer = await alice.http.post("/sync", content=body, headers=JSON)
        is_problem(answer, 400, "bad_number")
    is_problem(await alice.http.post("/sync", json={"x": 1}), 422, "extra_forbidden")
    is_problem(await alice.http.post("/sync", json={"positions": [good | {"x": 1}]}), 422, "extra_forbidden")
    is_problem(
        await alice.http.post("/sync", content=b"[]", headers=JSON),
        422,
        "invalid",
    )
    assert (await ask(alice, many[:500]))["not_found"] == [one["room_id"] for one in many[:500]]


@pytest.mark.settings(commands_per_second=1)
async def test_a_request_counts_as_one_for_each_hundred_rooms(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    known = [{"room_id": f"r{number}", "epoch": "e", "seq": 0} for number in range(500)]
    answer = await alice.http.post("/sync", json={"positions": known, "others": False})
    assert answer.status_code == 200
    assert 'requests";r=0' in answer.headers["ratelimit"]
    is_problem(await alice.http.post("/sync", json={}), 429, "rate_limited")


async def test_rethinkdb_is_asked_as_often_for_many_rooms_as_for_few(
    alice: Person, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store_url.startswith("sqlite:"):
        return
    rooms = [(await make_room(alice, f"Room {number}"))["id"] for number in range(12)]
    known = [await position(alice, room_id, back=1) for room_id in rooms]
    asked = count_queries(monkeypatch)
    for some in (known[:2], known):
        asked.clear()
        page = await ask(alice, some, others=False)
        assert len(rooms_of(page["items"])) == len(some)
        assert len(asked) == 2
