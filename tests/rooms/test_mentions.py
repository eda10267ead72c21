"""Mentions and notifications, over HTTP and the socket, on each store and on two nodes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from api.models.rooms import LOBBY_ID, Role
from tests.bad_inputs.answers import is_error, is_problem
from tests.node import PASSWORD, Event, Node, Person, eventually
from tests.rooms.test_message_changes import read, two_nodes
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say, seen_room
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

MESSAGES: Final = f"/rooms/{LOBBY_ID}/messages"


async def room_of(owner: Person, *members: Person) -> str:
    """Make a private room with these members and return its id."""
    room_id = str((await make_room(owner, "Den", "private"))["id"])
    for member in members:
        await give(owner, room_id, member, Role.MEMBER)
    return room_id


async def counts(person: Person, room_id: str = LOBBY_ID) -> tuple[int, int, int | None]:
    """Return how many messages are unread, how many of them mention the person, and which is the first."""
    room = await seen_room(person, room_id)
    (listed,) = (await read(person, "/rooms", ids=room_id))["items"]
    assert listed == room
    return room["unread_count"], room["mention_count"], room["first_unread_seq"]


async def mentions(person: Person, **query: Any) -> list[tuple[str, int]]:
    """Return the places of the messages of GET /mentions."""
    items = (await read(person, "/mentions", **query))["items"]
    return [(one["room_id"], one["seq"]) for one in items]


# -- finding


async def test_whom_a_message_mentions_is_found_by_the_server_and_told_on_every_road(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob, cleo = await one.sign_up("alice"), await other.sign_up("bob"), await one.sign_up("cleo")
        room_id = await room_of(alice, bob)
        path = f"/rooms/{room_id}"
        async with alice.socket() as socket, bob.socket() as his:
            await his.call(type="subscribe", room_id=room_id)
            await his.until(type="live")
            body = "@Bob, @cleo and @alice: see `@alice`"
            ack = await socket.call(type="send", room_id=room_id, ref="1", body=body)
            heard = await his.until(type="message")
            assert (heard["mentions"], "mentions_all" in heard) == ([bob.id, alice.id], False)
            plain = await socket.call(type="send", room_id=room_id, ref="2", body="nobody@example.org")
            assert (await his.until(type="message")).keys() == heard.keys() - {"mentions"}
            assert await counts(bob, room_id) == (2, 1, ack["seq"])
            assert await counts(alice, room_id) == (0, 0, None)
        log = (await read(bob, f"{path}/log", after=ack["seq"] - 1))["items"]
        assert log[0] == heard
        message = await read(bob, f"{path}/messages/{ack['seq']}")
        assert (message["mentions"], message["mentions_all"]) == ([bob.id, alice.id], False)
        assert message in (await read(alice, f"{path}/messages"))["items"]
        without = await read(bob, f"{path}/messages/{plain['seq']}")
        assert (without["mentions"], without["mentions_all"]) == ([], False)
        assert (await read(bob, "/mentions"))["items"] == [message]
        assert await mentions(alice) == await mentions(cleo) == []


async def test_an_edit_says_whom_a_message_mentions_from_then_on(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob, cleo = await one.sign_up("alice"), await other.sign_up("bob"), await one.sign_up("cleo")
        room_id = await room_of(alice, bob, cleo)
        seq = await say(alice, room_id, "hi @bob")
        path = f"/rooms/{room_id}/messages/{seq}"
        assert (await counts(bob, room_id), await counts(cleo, room_id)) == ((1, 1, seq), (1, 0, seq))
        edited = await alice.http.patch(path, json={"body": "hi @cleo", "ref": "e1"})
        assert (edited.json()["mentions"], edited.json()["mentions_all"]) == ([cleo.id], False)
        assert (await counts(bob, room_id), await counts(cleo, room_id)) == ((1, 0, seq), (1, 1, seq))
        assert (await mentions(bob), await mentions(cleo)) == ([], [(room_id, seq)])
        async with alice.socket(node=other) as socket:
            edit = {"type": "edit", "room_id": room_id, "seq": seq}
            ack = await socket.call(**edit, ref="e2", body="hi @room")
            assert await socket.call(**edit, ref="e2", body="hi @room") == ack
        entry = (await read(bob, f"/rooms/{room_id}/log", after=ack["seq"] - 1))["items"][0]
        assert (entry["type"], entry["mentions_all"], "mentions" in entry) == ("edit", True, False)
        assert (await counts(bob, room_id), await counts(cleo, room_id)) == ((1, 1, seq), (1, 1, seq))
        assert (await alice.http.delete(path)).status_code == 204
        for person in (bob, cleo):
            assert (await counts(person, room_id), await mentions(person)) == ((0, 0, None), [])
        gone = await read(bob, path)
        assert (gone["mentions"], gone["mentions_all"]) == ([], False)


async def test_whoever_is_answered_is_mentioned_whatever_the_answer_says(node: Node) -> None:
    alice, bob, cleo = [await node.sign_up(name) for name in ("alice", "bob", "cleo")]
    room_id = await room_of(alice, bob, cleo)
    seq = await say(bob, room_id, "question")
    path = f"/rooms/{room_id}/messages"
    answer = await alice.http.post(path, json={"ref": "1", "body": "@cleo knows", "reply_to": seq})
    assert answer.json()["mentions"] == [bob.id, cleo.id]
    assert await counts(bob, room_id) == (1, 1, seq + 1)
    edited = await alice.http.patch(f"{path}/{seq + 1}", json={"body": "nobody knows"})
    assert edited.json()["mentions"] == [bob.id]
    assert await mentions(bob) == [(room_id, seq + 1)]
    mine = await bob.http.post(path, json={"ref": "2", "body": "I know", "reply_to": seq})
    assert mine.json()["mentions"] == []
    again = await alice.http.post(path, json={"ref": "1", "body": "@cleo knows", "reply_to": seq})
    assert (again.status_code, again.json()["seq"]) == (200, seq + 1)


@pytest.mark.parametrize("role", [Role.OWNER, Role.MODERATOR, Role.MEMBER])
async def test_who_mentions_everybody_depends_on_the_role_and_the_size_of_the_room(
    node: Node, stranger: Stranger, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.setattr("api.rooms.policy.MOST_WHOM_MEMBERS_MENTION", 3)
    owner, me, bob, cleo = [await node.sign_up(name) for name in ("olga", "me-myself", "bob", "cleo")]
    room_id = await room_of(owner, me, bob)
    await give(owner, room_id, me, role)
    path = f"/rooms/{room_id}/messages"
    small = (await me.http.post(path, json={"ref": "1", "body": "@room and @bob"})).json()
    assert (small["mentions"], small["mentions_all"]) == ([bob.id], True)
    assert await counts(bob, room_id) == (1, 1, small["seq"])
    assert await counts(owner, room_id) == (1, 1, small["seq"])
    assert await counts(me, room_id) == (0, 0, None)
    await give(owner, room_id, cleo, Role.READER)
    large = (await me.http.post(path, json={"ref": "2", "body": "@room!"})).json()
    assert large["mentions_all"] is (role is not Role.MEMBER)
    edited = await me.http.patch(f"{path}/{large['seq']}", json={"body": "@room?"})
    assert edited.json()["mentions_all"] is (role is not Role.MEMBER)
    assert (await counts(cleo, room_id))[1] == (role is not Role.MEMBER)
    assert [seq for _, seq in await mentions(cleo)] == ([] if role is Role.MEMBER else [large["seq"]])


async def test_a_retry_is_acked_whatever_is_mentioned_by_then(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    room_id = await room_of(alice)
    async with alice.socket() as socket:
        send = {"type": "send", "room_id": room_id, "ref": "1", "body": "@bob @room"}
        ack = await socket.call(**send)
        await give(alice, room_id, bob, Role.MEMBER)
        assert await socket.call(**send) == ack
        edit = {"type": "edit", "room_id": room_id, "seq": ack["seq"], "ref": "2", "body": "@bob!"}
        edited = await socket.call(**edit)
        await give(alice, room_id, bob, None)
        assert await socket.call(**edit) == edited
    message = await read(alice, f"/rooms/{room_id}/messages/{ack['seq']}")
    assert (message["mentions"], message["mentions_all"]) == ([bob.id], False)


@pytest.mark.settings(sends_burst=1_000, sign_ups_per_minute=1_000)
async def test_the_fifty_first_user_whom_a_message_mentions_is_refused(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("api.rooms.mentions", "api.store.ruling"):
        monkeypatch.setattr(f"{module}.MAX_MENTIONS", 3)
    monkeypatch.setattr("api.rooms.mentions._ENOUGH", 4)
    people = [await node.sign_up(f"user{number}") for number in range(6)]
    owner, *others = people
    room_id = await room_of(owner, *others[:3])
    path = f"/rooms/{room_id}/messages"
    everybody = " ".join(f"@{person.username}" for person in others)
    first = await owner.http.post(path, json={"ref": "1", "body": f"{everybody} {everybody}"})
    assert (first.status_code, len(first.json()["mentions"])) == (201, 3)
    await give(owner, room_id, others[3], Role.MEMBER)
    head = (await read(owner, f"/rooms/{room_id}/log"))["seq"]
    is_problem(await owner.http.post(path, json={"ref": "2", "body": everybody}), 422, "limit")
    is_problem(
        await owner.http.patch(f"{path}/{first.json()['seq']}", json={"body": everybody}), 422, "limit"
    )
    theirs = await say(others[3], room_id, "hello")
    three = " ".join(f"@{person.username}" for person in others[:3])
    reply = {"ref": "3", "body": three, "reply_to": theirs}
    is_problem(await owner.http.post(path, json=reply), 422, "limit")
    async with owner.socket() as socket:
        send = {"type": "send", "room_id": room_id}
        is_error(await socket.call(**send, ref="4", body=everybody), "limit")
        # The retry of what was stored before is acked, and its ref is not free for anything else.
        again = await socket.call(**send, ref="1", body=f"{everybody} {everybody}")
        assert (again["type"], again["seq"]) == ("ack", first.json()["seq"])
        is_error(await socket.call(**send, ref="1", body=everybody), "ref_conflict")
    assert (await read(owner, f"/rooms/{room_id}/log"))["seq"] == head + 1


@pytest.mark.parametrize("is_flushed", [False, True])
async def test_a_deleted_message_leaves_nobody_in_storage_whom_it_mentioned(
    node: Node, stranger: Stranger, is_flushed: bool
) -> None:
    alice, bob, cleo = [await node.sign_up(name) for name in ("alice", "bob", "cleo")]
    room_id = await room_of(alice, bob, cleo)
    stored, edited = f'"{bob.id}","{cleo.id}"', f'"{cleo.id}","{bob.id}"'
    path = f"/rooms/{room_id}/messages/{await say(alice, room_id, '@bob @cleo')}"
    for number in range(3):
        await alice.http.patch(path, json={"body": f"@cleo @bob {number}", "ref": f"e{number}"})
    assert await stranger.holds(stored)
    assert await stranger.holds(edited)
    if is_flushed:  # a change of a membership is flushed at once, with all that came before it
        await give(alice, room_id, bob, Role.READER)
    assert (await alice.http.delete(path)).status_code == 204

    async def are_gone() -> bool:
        return not (await stranger.holds(stored) or await stranger.holds(edited))

    await eventually(are_gone)
    log = await read(alice, f"/rooms/{room_id}/log")
    assert "mentions" not in str(log["items"])
    for person in (bob, cleo):
        assert (await mentions(person), (await counts(person, room_id))[:2]) == ([], (0, 0))


# -- the list


async def test_mentions_are_paged_over_all_rooms_and_rooms_that_were_left_vanish_at_once(
    store_url: str,
) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        rooms = [await room_of(alice, bob) for _ in range(2)]
        said = []
        for number in range(6):
            room_id = rooms[number % 2]
            said.append(
                (room_id, await say(alice, room_id, f"{number} @bob" if number % 3 else f"{number} @room"))
            )
        await say(bob, rooms[0], "@bob says @room")
        said.reverse()
        found: list[tuple[str, int]] = []
        page: Event = {"next_cursor": None}
        while len(found) < len(said):
            query = {} if page["next_cursor"] is None else {"cursor": page["next_cursor"]}
            page = await read(bob, "/mentions", limit=4, **query)
            found += [(item["room_id"], item["seq"]) for item in page["items"]]
        assert (found, page["next_cursor"]) == (said, None)
        await give(alice, rooms[0], bob, None)
        assert await mentions(bob) == [place for place in said if place[0] == rooms[1]]
        await give(alice, rooms[0], bob, Role.READER)
        assert await mentions(bob) == [
            place for place in said if place[0] == rooms[1] or said.index(place) not in {2, 5}
        ]


@pytest.mark.stores("sqlite")
async def test_the_list_of_mentions_is_strict(alice: Person, bob: Person) -> None:
    for number in range(2):
        await say(alice, LOBBY_ID, f"{number} @bob")
    cursor = (await read(bob, "/mentions", limit=1))["next_cursor"]
    is_problem(await alice.http.get("/mentions", params={"cursor": cursor}), 422, "bad_cursor")
    for wrong in (cursor[:-1], cursor + "A", "x", "", "0", "\x00"):
        is_problem(await bob.http.get("/mentions", params={"cursor": wrong}), 422, "bad_cursor")
    for query in ({"limit": 0}, {"limit": 101}, {"limit": "1.5"}, {"cursor": "c" * 513}):
        is_problem(await bob.http.get("/mentions", params=query), 422, "invalid")
    is_problem(await bob.http.get("/mentions", params={"room_id": LOBBY_ID}), 422, "extra_forbidden")
    is_problem(await bob.http.post("/mentions"), 405, "method_not_allowed")


# -- reading


async def test_marks_move_what_is_unread_and_mentioned_both_ways(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    room_id = await room_of(alice, bob)
    seqs = [await say(alice, room_id, f"{number} @bob" if number % 2 else f"{number}") for number in range(4)]
    path = f"/rooms/{room_id}/read"
    assert await counts(bob, room_id) == (4, 2, seqs[0])
    for mark, expected in (
        ({"seq": seqs[1]}, (2, 1, seqs[2])),
        ({"seq": seqs[3]}, (0, 0, None)),
        ({"seq": seqs[0]}, (0, 0, None)),
        ({"seq": seqs[0], "back": True}, (3, 2, seqs[1])),
        ({"seq": 1, "back": True}, (4, 2, seqs[0])),
    ):
        assert (await bob.http.put(path, json=mark)).status_code == 204
        assert await counts(bob, room_id) == expected
    assert len(await mentions(bob)) == 2


# -- notifications


async def test_how_one_is_notified_is_kept_and_told_to_ones_other_connections(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        path = f"/rooms/{LOBBY_ID}/notifications"
        assert (await seen_room(alice, LOBBY_ID))["notify"] == {"level": "mentions", "muted_until": None}
        until = datetime.now(UTC) + timedelta(hours=1)
        shown = f"{until:%Y-%m-%dT%H:%M:%S}.{until.microsecond // 1_000:03}Z"
        async with alice.socket() as here, alice.socket(node=other) as there, bob.socket() as his:
            for body, notify in (
                ({"level": "all", "muted_until": until.isoformat()}, {"level": "all", "muted_until": shown}),
                ({"level": "none"}, {"level": "none", "muted_until": None}),
            ):
                assert (await alice.http.put(path, json=body)).status_code == 204
                told = {"type": "notifications", "room_id": LOBBY_ID, "user_id": alice.id, **notify}
                assert [await socket.until(type="notifications") for socket in (here, there)] == [told] * 2
                assert (await seen_room(alice, LOBBY_ID))["notify"] == notify
            await his.send(type="ping")
            assert (await his.receive())["type"] == "pong"
        assert (await seen_room(bob, LOBBY_ID))["notify"] == {"level": "mentions", "muted_until": None}


async def test_how_one_is_notified_outlasts_leaving_and_is_exported(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    room_id = await room_of(alice, bob)
    assert (await bob.http.put(f"/rooms/{room_id}/notifications", json={"level": "all"})).status_code == 204
    await give(alice, room_id, bob, None)
    is_problem(
        await bob.http.put(f"/rooms/{room_id}/notifications", json={"level": "none"}), 404, "not_found"
    )
    await give(alice, room_id, bob, Role.MEMBER)
    await say(alice, room_id, "@bob, also exported?")
    lines = [json.loads(line) for line in (await bob.http.get("/users/me/export")).text.splitlines()]
    (membership,) = [one for one in lines if one["type"] == "membership" and one["room_id"] == room_id]
    assert membership["notify"] == {"level": "all", "muted_until": None}


@pytest.mark.stores("sqlite")
async def test_notifications_are_strict(alice: Person) -> None:
    path = f"/rooms/{LOBBY_ID}/notifications"
    good = {"level": "all", "muted_until": "9999-12-31T23:59:59.999Z"}
    for accepted in (
        good,
        {"level": "all", "muted_until": None},
        {"level": "all", "muted_until": "2999-01-01t00:00:00+14:00"},
        {"level": "all", "muted_until": "2999-01-01T00:00:00.123456Z"},
    ):
        assert (await alice.http.put(path, json=accepted)).status_code == 204, accepted
    assert (await seen_room(alice, LOBBY_ID))["notify"]["muted_until"] == "2999-01-01T00:00:00.123Z"
    for wrong in (
        {"level": "some"},
        {"level": None},
        {"level": 1},
        {"level": ["all"]},
        {},
        {"muted_until": None},
        {"level": "all", "muted_until": 2**53},
        {"level": "all", "muted_until": 0},
        {"level": "all", "muted_until": True},
        {"level": "all", "muted_until": ""},
        {"level": "all", "muted_until": "tomorrow"},
        {"level": "all", "muted_until": "2999-01-01"},
        {"level": "all", "muted_until": "2999-01-01T00:00:00"},
        {"level": "all", "muted_until": "2999-13-01T00:00:00Z"},
        {"level": "all", "muted_until": "2999-01-01T00:00:60Z"},
        {"level": "all", "muted_until": "2999-01-01 00:00:00Z"},
        {"level": "all", "muted_until": "2999-01-01T00:00:00Z\n"},
        {"level": "all", "muted_until": "9999-12-31T23:59:59-14:00"},
        {"level": "all", "muted_until": "99999-01-01T00:00:00Z"},
        {"level": "all", "muted_until": "1969-12-31T23:59:59Z"},
        {"level": "all", "muted_until": "2020-01-01T00:00:00Z"},
        {"level": "all", "muted_until": "0001-01-01T00:00:00+14:00"},
    ):
        answer = await alice.http.put(path, json=wrong)
        is_problem(answer, 422, "invalid")
        assert "2999" not in answer.text
    is_problem(await alice.http.put(path, json=good | {"user_id": alice.id}), 422, "extra_forbidden")
    is_problem(await alice.http.put(path, json={"level": "all", "muted_until": 2**53 + 1}), 400, "bad_number")
    assert (await seen_room(alice, LOBBY_ID))["notify"]["muted_until"] == "2999-01-01T00:00:00.123Z"


async def test_an_erased_account_leaves_its_id_in_mentions_and_nothing_of_its_settings(
    node: Node, stranger: Stranger
) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    room_id = await room_of(alice, bob)
    seq = await say(alice, room_id, "@bob")
    assert (await bob.http.put(f"/rooms/{room_id}/notifications", json={"level": "all"})).status_code == 204
    assert (await bob.http.request("DELETE", "/users/me", json={"password": PASSWORD})).status_code == 204

    async def is_erased() -> bool:
        return not await stranger.membership_count(bob.id)

    await eventually(is_erased)
    message = await read(alice, f"/rooms/{room_id}/messages/{seq}")
    assert (message["mentions"], message["body"]) == ([bob.id], "@bob")
    edited = await alice.http.patch(f"/rooms/{room_id}/messages/{seq}", json={"body": "@bob!"})
    assert edited.json()["mentions"] == []


# -- metrics


async def test_mentions_are_counted_for_operators(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    room_id = await room_of(alice, bob)
    for _ in range(2):
        await alice.http.post(f"/rooms/{room_id}/messages", json={"ref": "1", "body": "@bob @room"})
    seq = await say(alice, room_id, "plain")
    await alice.http.patch(f"/rooms/{room_id}/messages/{seq}", json={"body": "@bob"})
    text = (await sqlite_node.client().get("/metrics")).text
    assert 'tailwire_mentions_total{of="users"} 2.0' in text
    assert 'tailwire_mentions_total{of="room"} 1.0' in text
