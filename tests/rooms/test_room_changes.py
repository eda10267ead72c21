"""Rooms that are changed, archived, slowed and deleted, over HTTP and the socket, on one node and on another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.clock import now_ms
from api.config import Settings
from api.models.rooms import LOBBY_ID, Role
from api.rooms import writing
from api.rooms.writing import Writing
from tests.node import Event, Node, Person, Socket, eventually, http_client, running
from tests.process import result
from tests.rooms.test_rooms import listed, make_room, say, seen_room

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Any] = {
    "name": "Cellar",
    "topic": "wine",
    "visibility": "public",
    "archived": False,
    "slow_seconds": 60,
    "post_role": "moderator",
}


async def change(by: Person, room_id: str, **fields: Any) -> Event:
    """Change a room over HTTP and return it."""
    answer = await by.http.patch(f"/rooms/{room_id}", json=fields)
    assert answer.status_code == 200, answer.text
    changed: Event = answer.json()
    return changed


async def give(owner: Person, room_id: str, user: Person, role: Role) -> None:
    answer = await owner.http.put(f"/rooms/{room_id}/members/{user.id}", json={"role": role})
    assert answer.status_code == 200


async def log_of(member: Person, room_id: str) -> list[Event]:
    return list((await member.http.get(f"/rooms/{room_id}/log")).json()["items"])


async def try_to_say(author: Person, room_id: str, ref: str) -> tuple[int, str | None]:
    """Send a message over HTTP. Return the status and the code of the problem."""
    answer = await author.http.post(f"/rooms/{room_id}/messages", json={"ref": ref, "body": "hello"})
    return answer.status_code, answer.json().get("code")


@asynccontextmanager
async def two_nodes(store_url: str) -> AsyncIterator[tuple[Node, Node]]:
    settings = Settings(store=store_url, sends_burst=400)
    async with running(settings) as one, running(settings) as other:
        yield one, other


# -- settings


async def test_a_changed_room_is_the_same_on_every_road_and_its_entry_says_all(
    node: Node, alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice, "Den", "private"))["id"]
    async with alice.socket() as socket:
        await socket.call(type="subscribe", room_id=room_id)
        changed = await change(alice, room_id, **SETTINGS)
        entry = await socket.until(type="room", topic="wine")
    assert {name: changed[name] for name in SETTINGS} == SETTINGS
    assert {name: entry[name] for name in SETTINGS} == SETTINGS
    assert (entry["user_id"], entry["seq"]) == (alice.id, changed["seq"])
    assert "deleted" not in entry
    assert (await log_of(alice, room_id))[-1] == entry
    assert await seen_room(alice, room_id) == changed
    for listing in ("/rooms", f"/rooms?ids={room_id}", "/rooms?scope=public&q=cell"):
        items = (await alice.http.get(listing)).json()["items"]
        assert [one for one in items if one["id"] == room_id] == [changed]
    assert room_id in await listed(bob, scope="public")
    await change(alice, room_id, visibility="private")
    assert room_id not in await listed(bob, scope="public")
    assert (await bob.http.get(f"/rooms/{room_id}")).status_code == 404


async def test_what_changes_nothing_is_not_logged_and_null_leaves_a_field_as_it_is(
    node: Node, alice: Person
) -> None:
    room_id = (await make_room(alice, "Den", "private", topic="us"))["id"]
    before = await seen_room(alice, room_id)
    assert await change(alice, room_id, name="Den", topic=None, archived=None) == before
    assert await change(alice, room_id, slow_seconds=None) == before
    assert (await change(alice, room_id, topic=""))["topic"] == ""


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"topic": "x" * 251},
        {"topic": 5},
        {"visibility": "secret"},
        {"archived": "yes"},
        {"archived": 1},
        {"slow_seconds": -1},
        {"slow_seconds": 3_601},
        {"slow_seconds": 1.5},
        {"slow_seconds": True},
        {"slow_seconds": "5"},
        {"post_role": "owner"},
        {"post_role": "reader"},
        {"kind": "room"},
        {"id": "lobby"},
        {"deleted": True},
        {},
        [],
    ],
)
async def test_a_setting_that_there_is_not_is_refused_and_nothing_is_changed(
    sqlite_node: Node, body: Any
) -> None:
    alice = await sqlite_node.sign_up("alice")
    room = await make_room(alice, "Den")
    answer = await alice.http.patch(f"/rooms/{room['id']}", json=body)
    assert answer.status_code == 422, answer.text
    assert await seen_room(alice, room["id"]) == room


async def test_moderators_change_topic_and_slow_mode_and_nothing_with_them(
    sqlite_node: Node,
) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    room_id = (await make_room(alice, "Den"))["id"]
    await give(alice, room_id, bob, Role.MODERATOR)
    assert (await change(bob, room_id, topic="new", slow_seconds=5))["topic"] == "new"
    for name in ("name", "visibility", "archived", "post_role"):
        body = {"topic": "never", name: SETTINGS[name]}
        answer = await bob.http.patch(f"/rooms/{room_id}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), name
    assert (await seen_room(alice, room_id))["topic"] == "new"


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_many_changes_at_once_on_two_nodes_are_all_there_in_one_order(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        room_id = (await make_room(alice, "Den"))["id"]
        async with http_client(other.url, headers=dict(alice.http.headers)) as elsewhere:
            answers = await asyncio.gather(
                *(
                    client.patch(f"/rooms/{room_id}", json=body)
                    for n in range(6)
                    for client, body in ((alice.http, {"topic": f"{n}"}), (elsewhere, {"name": f"Den {n}"}))
                )
            )
            assert {answer.status_code for answer in answers} == {200}
            entries = [entry for entry in await log_of(alice, room_id) if entry["type"] == "room"]
            for before, after in pairwise(entries):
                changed = {name for name in SETTINGS if before[name] != after[name]}
                assert len(changed) == 1  # nothing that another has changed is set back
            last = {name: entries[-1][name] for name in SETTINGS}
            for client in (alice.http, elsewhere):
                room = (await client.get(f"/rooms/{room_id}")).json()
                assert {name: room[name] for name in SETTINGS} == last


# -- who may write


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_nobody_writes_to_an_archived_room_on_any_node_until_it_is_taken_back(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        room_id = (await make_room(alice, "Den"))["id"]
        await give(alice, room_id, bob, Role.MODERATOR)
        seq = await say(bob, room_id, "before")
        async with bob.socket(node=other) as socket:
            assert (await socket.call(type="send", room_id=room_id, ref="1", body="x"))["type"] == "ack"
            assert (await change(alice, room_id, archived=True))["archived"] is True
            commands: list[dict[str, Any]] = [
                {"type": "send", "body": "late"},
                {"type": "edit", "seq": seq, "body": "late"},
                {"type": "react", "seq": seq, "emoji": "👍"},
                {"type": "pin", "seq": seq},
            ]
            for number, command in enumerate(commands):
                refused = await socket.call(**command, room_id=room_id, ref=f"a{number}")
                assert refused["code"] == "archived", command
            for by, body in ((bob, {"topic": "new"}), (alice, {"topic": "new"}), (alice, {"name": "new"})):
                answer = await by.http.patch(f"/rooms/{room_id}", json=body)
                assert (answer.status_code, answer.json()["code"]) == (403, "archived")
            # A retry of what is stored has its ack, and reading, deleting and changing members go on.
            assert (await socket.call(type="read", room_id=room_id, seq=seq))["type"] == "ack"
            assert (await socket.call(type="delete", room_id=room_id, ref="d", seq=seq))["type"] == "ack"
            await give(alice, room_id, bob, Role.MEMBER)
            assert (await change(alice, room_id, archived=False, name="Back"))["name"] == "Back"
            assert (await socket.call(type="send", room_id=room_id, ref="2", body="x"))["type"] == "ack"


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_where_only_moderators_send_members_still_react(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        room_id = (await make_room(alice, "News"))["id"]
        await give(alice, room_id, bob, Role.MEMBER)
        async with bob.socket(node=other) as socket:
            sent = await socket.call(type="send", room_id=room_id, ref="1", body="x")
            await change(alice, room_id, post_role="moderator")
            refused = await socket.call(type="send", room_id=room_id, ref="2", body="x")
            assert refused["code"] == "forbidden"
            assert await try_to_say(bob, room_id, "3") == (403, "forbidden")
            edited = await socket.call(type="edit", room_id=room_id, ref="e", seq=sent["seq"], body="y")
            liked = await socket.call(type="react", room_id=room_id, ref="l", seq=sent["seq"], emoji="👍")
            assert [edited["type"], liked["type"]] == ["ack", "ack"]
            await give(alice, room_id, bob, Role.MODERATOR)
            sent = await socket.call(type="send", room_id=room_id, ref="2", body="x")
            assert sent["type"] == "ack"


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_a_message_on_its_way_while_its_room_is_archived_is_refused(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is archived between the reading of the membership and the append."""
    room_id = (await make_room(alice, "Den"))["id"]
    append, archived = Writing.append, list[Event]()

    async def late(self: Writing, *arguments: Any, **more: Any) -> Any:
        if not archived:
            archived.append(await change(alice, room_id, archived=True))
        return await append(self, *arguments, **more)

    monkeypatch.setattr(Writing, "append", late)
    async with alice.socket() as socket:
        refused = await socket.call(type="send", room_id=room_id, ref="1", body="too late")
        assert refused["code"] == "archived"
    assert [entry["type"] for entry in await log_of(alice, room_id)].count("message") == 0


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_messages_that_race_with_archiving_on_another_node_are_before_it_or_refused(
    store_url: str,
) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        for number in range(5):
            room_id = (await make_room(alice, "Den"))["id"]
            await bob.http.post(f"/rooms/{room_id}/join")
            async with bob.socket(node=other) as socket:
                first, refs = f"{number} first", [f"{number} {n}" for n in range(20)]
                await socket.call(type="send", room_id=room_id, ref=first, body="x")
                sends = [socket.send(type="send", room_id=room_id, ref=ref, body="x") for ref in refs]
                await asyncio.gather(change(alice, room_id, archived=True), *sends)
                answers: dict[str, str] = {}
                while len(answers) < 20:
                    event = await socket.receive()
                    if event["type"] in {"ack", "error"}:
                        answers[event["ref"]] = event.get("code", "stored")
            log = await log_of(alice, room_id)
            archived = next(entry["seq"] for entry in log if entry.get("archived"))
            assert archived == len(log)
            stored = {entry["ref"] for entry in log if entry["type"] == "message"} - {first}
            assert stored == {ref for ref, code in answers.items() if code == "stored"}
            assert set(answers.values()) <= {"stored", "archived"}


# -- slow mode


async def test_in_slow_mode_a_member_waits_and_moderators_do_not(
    node: Node, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = [0]
    monkeypatch.setattr(writing, "now_ms", lambda: now_ms() + ahead[0])
    room_id = (await make_room(alice, "Den"))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    await change(alice, room_id, slow_seconds=60)
    async with bob.socket() as socket:
        first = await socket.call(type="send", room_id=room_id, ref="1", body="hello")
        again = await socket.call(type="send", room_id=room_id, ref="1", body="hello")
        assert (first["type"], again["seq"]) == ("ack", first["seq"])
        refused = await socket.call(type="send", room_id=room_id, ref="2", body="hello")
        assert refused["code"] == "slow_mode"
        assert 55 <= refused["retry_after_seconds"] <= 60
        conflict = await socket.call(type="send", room_id=room_id, ref="1", body="another")
        assert conflict["code"] == "ref_conflict"
        assert (await socket.call(type="react", room_id=room_id, ref="l", seq=first["seq"], emoji="👍"))[
            "type"
        ] == "ack"
        answer = await bob.http.post(f"/rooms/{room_id}/messages", json={"ref": "2", "body": "hello"})
        assert (answer.status_code, answer.json()["code"]) == (429, "slow_mode")
        assert int(answer.headers["retry-after"]) == answer.json()["retry_after_seconds"] > 50
        assert (await try_to_say(bob, room_id, "1"))[0] == 200
        await bob.http.post(f"/rooms/{room_id}/leave")
        await bob.http.post(f"/rooms/{room_id}/join")
        assert await try_to_say(bob, room_id, "3") == (429, "slow_mode")
        ahead[0] = 61_000
        assert (await socket.call(type="send", room_id=room_id, ref="2", body="hello"))["type"] == "ack"
        assert (await socket.call(type="send", room_id=room_id, ref="1", body="hello"))["seq"] == first["seq"]
    for ref in ("a", "b"):
        assert (await try_to_say(alice, room_id, ref))[0] == 201
    await give(alice, room_id, bob, Role.MODERATOR)
    for ref in ("m", "n"):
        assert (await try_to_say(bob, room_id, ref))[0] == 201


async def test_a_message_that_is_refused_for_another_reason_costs_no_turn(
    node: Node, alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    await change(alice, room_id, slow_seconds=60)
    answer = await bob.http.post(
        f"/rooms/{room_id}/messages", json={"ref": "1", "body": "hello", "reply_to": 99}
    )
    assert answer.status_code == 404
    assert (await try_to_say(bob, room_id, "2"))[0] == 201


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_of_many_messages_at_once_on_two_nodes_a_member_in_slow_mode_has_one_stored(
    store_url: str,
) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await one.sign_up("bob")
        room_id = (await make_room(alice, "Den"))["id"]
        await give(alice, room_id, bob, Role.MEMBER)
        async with bob.socket(node=one) as here, bob.socket(node=other) as there:
            # Both know the membership from before the room became slow.
            for number, socket in enumerate((here, there)):
                sent = await socket.call(type="send", room_id=room_id, ref=f"before {number}", body="x")
                assert sent["type"] == "ack"
            await change(alice, room_id, slow_seconds=60)

            async def send_all(socket: Socket, name: str) -> list[str]:
                calls = [
                    await socket.call(type="send", room_id=room_id, ref=f"{name}{n}", body="x")
                    for n in range(5)
                ]
                return [answer.get("code", "stored") for answer in calls]

            codes = [*await send_all(here, "h"), *await send_all(there, "t")]
        assert sorted(codes) == ["slow_mode"] * 9 + ["stored"]


async def test_a_room_that_is_not_slow_asks_nothing_about_turns(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    room_id = (await make_room(alice, "Den"))["id"]
    await give(alice, room_id, bob, Role.MEMBER)

    async def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Writing, "_take_turn", never)
    assert (await try_to_say(bob, room_id, "1"))[0] == 201


# -- the lobby


async def test_administrators_own_the_lobby_which_stays_open(
    node: Node, store_url: str, tmp_path: Path, alice: Person, bob: Person
) -> None:
    path = f"/rooms/{LOBBY_ID}"
    assert (await alice.http.patch(path, json={"topic": "mine"})).status_code == 403
    assert (await alice.http.delete(path)).status_code == 403
    code, _, _ = await result({"TAILWIRE_STORE": store_url}, tmp_path, "user", "promote", "alice")
    assert code == 0
    assert (await seen_room(alice, LOBBY_ID))["role"] == "owner"
    assert (await seen_room(bob, LOBBY_ID))["role"] == "member"
    rooms = (await alice.http.get("/rooms")).json()["items"]
    assert [room["role"] for room in rooms] == ["owner"]
    changed = await change(alice, LOBBY_ID, name="Hall", topic="all", post_role="moderator", slow_seconds=5)
    assert (changed["name"], changed["role"]) == ("Hall", "owner")
    assert await try_to_say(bob, LOBBY_ID, "b") == (403, "forbidden")
    assert (await try_to_say(alice, LOBBY_ID, "a"))[0] == 201
    for body in ({"archived": True}, {"visibility": "private"}):
        assert (await alice.http.patch(path, json=body)).status_code == 403
    assert (await alice.http.delete(path)).status_code == 403
    assert (await alice.http.delete(f"{path}/members/{bob.id}")).status_code == 403
    await change(alice, LOBBY_ID, post_role="member")
    seq = await say(bob, LOBBY_ID, "rude")
    assert (await alice.http.delete(f"{path}/messages/{seq}")).status_code == 204
    await give(alice, LOBBY_ID, bob, Role.READER)
    assert await try_to_say(bob, LOBBY_ID, "c") == (403, "forbidden")
    assert (await result({"TAILWIRE_STORE": store_url}, tmp_path, "user", "demote", "alice"))[0] == 0
    assert (await alice.http.patch(path, json={"topic": "mine"})).status_code == 403


# -- deleting


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_a_deleted_room_is_gone_at_once_and_its_members_are_told_on_every_node(
    store_url: str,
) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob, carol, dave = [await one.sign_up(name) for name in ("alice", "bob", "carol", "dave")]
        room_id = (await make_room(alice, "Den", "private"))["id"]
        for person in (bob, carol):
            await give(alice, room_id, person, Role.MEMBER)
        seq = await say(bob, room_id, "secret")
        told = {"type": "membership", "room_id": room_id, "role": None, "reason": "deleted", "by": alice.id}
        async with (
            bob.socket(node=one) as here,
            bob.socket(node=other) as there,
            carol.socket(node=other) as unsubscribed,
            dave.socket(node=other) as stranger,
        ):
            for socket in (here, there):
                await socket.call(type="subscribe", room_id=room_id)
                await socket.until(type="live", room_id=room_id)
            assert (await bob.http.delete(f"/rooms/{room_id}")).status_code == 403
            assert (await alice.http.delete(f"/rooms/{room_id}")).status_code == 204
            assert (await alice.http.delete(f"/rooms/{room_id}")).status_code == 404
            for socket in (here, there):
                last = await socket.until(type="room")
                assert last["deleted"] is True
                assert await socket.until(type="membership") == told
            assert await unsubscribed.until(type="membership") == told
            await stranger.send(type="ping", ref="end")
            while (event := await stranger.receive()).get("ref") != "end":
                assert event.get("room_id") != room_id
            for path, node in [
                (f"/rooms/{room_id}{path}", node)
                for node in (one, other)
                for path in (
                    "",
                    "/log",
                    "/messages",
                    f"/messages/{seq}",
                    f"/messages/{seq}/edits",
                    f"/messages/{seq}/thread",
                    "/members",
                    "/pins",
                )
            ]:
                async with http_client(node.url, headers=dict(bob.http.headers)) as client:
                    assert (await client.get(path)).status_code == 404, path
            assert (await bob.http.post(f"/rooms/{room_id}/join")).status_code == 404
            assert (await bob.http.put(f"/rooms/{room_id}/read", json={"seq": 1})).status_code == 404
            assert await listed(bob) == [LOBBY_ID]
            assert "secret" not in (await bob.http.get("/users/me/export")).text
            for socket in (here, there):
                for command in ({"type": "send", "body": "x"}, {"type": "subscribe"}):
                    answer = await socket.call(**command, room_id=room_id)
                    assert answer["code"] == "not_found"


async def test_a_message_on_its_way_while_its_room_is_deleted_is_refused(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    append, deleted = Writing.append, list[httpx.Response]()

    async def late(self: Writing, *arguments: Any, **more: Any) -> Any:
        if not deleted:
            deleted.append(await alice.http.delete(f"/rooms/{room_id}"))
        return await append(self, *arguments, **more)

    async with alice.socket() as socket:
        assert (await socket.call(type="send", room_id=room_id, ref="0", body="known"))["type"] == "ack"
        monkeypatch.setattr(Writing, "append", late)
        refused = await socket.call(type="send", room_id=room_id, ref="1", body="too late")
        assert refused["code"] == "not_found"
    assert [one.status_code for one in deleted] == [204]


async def test_what_is_left_of_a_deleted_room_is_taken_away_by_the_running_server(
    node: Node, store_url: str, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    await say(alice, room_id, "used")
    assert (await alice.http.delete(f"/rooms/{room_id}")).status_code == 204
    another = (await make_room(alice, "Another"))["id"]

    async def is_forgotten() -> bool:
        return (await try_to_say(alice, another, "used"))[0] == 201

    await eventually(is_forgotten)
