"""Edits and deletes, over HTTP and the socket, on each store and on two nodes."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID, Role
from api.rooms.policy import GOVERNS
from tests.bad_inputs.answers import is_error, is_problem
from tests.node import Event, Node, Person, running
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio

MESSAGES: Final = f"/rooms/{LOBBY_ID}/messages"
LOG: Final = f"/rooms/{LOBBY_ID}/log"
ENOUGH: Final = 1_000


@asynccontextmanager
async def two_nodes(store_url: str) -> AsyncIterator[tuple[Node, Node]]:
    settings = Settings(store=store_url, signup="open", sends_burst=ENOUGH)
    async with running(settings) as one, running(settings) as other:
        yield one, other


async def elsewhere(person: Person, node: Node) -> httpx.AsyncClient:
    """Return an HTTP client of this person on another node."""
    return node.client(Authorization=f"Bearer {person.access_token}")


async def read(person: Person, path: str, **query: Any) -> Any:
    answer = await person.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


# -- editing


async def test_an_edit_gives_a_message_another_body_and_keeps_the_one_before(
    alice: Person, bob: Person
) -> None:
    seq = await say(alice, LOBBY_ID, "first")
    sent = await read(alice, f"{MESSAGES}/{seq}")
    edited = await alice.http.patch(f"{MESSAGES}/{seq}", json={"body": "second", "ref": "e1"})
    assert edited.status_code == 200
    message = edited.json()
    assert message == sent | {"body": "second", "edited_at": message["edited_at"]}
    assert message["edited_at"] >= message["at"]
    assert await read(bob, f"{MESSAGES}/{seq}") == message
    assert (await read(bob, MESSAGES))["items"] == [message]
    async with alice.socket() as socket:
        ack = await socket.call(type="edit", room_id=LOBBY_ID, seq=seq, ref="e2", body="third")
    entry = (await read(bob, LOG))["items"][-1]
    assert {name: ack[name] for name in ("seq", "at")} == {name: entry[name] for name in ("seq", "at")}
    assert (entry["type"], entry["target"], entry["body"], entry["user_id"]) == (
        "edit",
        seq,
        "third",
        alice.id,
    )
    history = await read(bob, f"{MESSAGES}/{seq}/edits")
    assert [one["body"] for one in history["items"]] == ["second", "third"]
    assert [one["at"] for one in history["items"]] == [message["edited_at"], entry["at"]]
    assert {one["user_id"] for one in history["items"]} == {alice.id}
    assert (history["original"]["body"], history["original"]["seq"]) == ("first", seq)
    assert not history["has_more"]
    page = await read(bob, f"{MESSAGES}/{seq}/edits", limit=1)
    assert ([one["body"] for one in page["items"]], page["has_more"]) == (["second"], True)
    rest = await read(bob, f"{MESSAGES}/{seq}/edits", after=page["items"][0]["seq"])
    assert ([one["body"] for one in rest["items"]], rest["has_more"]) == (["third"], False)


async def test_a_retry_of_an_edit_is_answered_as_the_edit_was_by_either_road(alice: Person) -> None:
    seq = await say(alice, LOBBY_ID, "first")
    path = f"{MESSAGES}/{seq}"
    async with alice.socket() as socket:
        edit = {"type": "edit", "room_id": LOBBY_ID, "seq": seq}
        ack = await socket.call(**edit, ref="e1", body="second")
        for fields, headers in (({"ref": "e1"}, {}), ({}, {"Idempotency-Key": '"e1"'})):
            again = await alice.http.patch(path, json={"body": "second"} | fields, headers=headers)
            assert (again.status_code, again.json()["body"]) == (200, "second")
        assert await socket.call(**edit, ref="e2", body="third") != ack
        assert await socket.call(**edit, ref="e1", body="second") == ack
        is_error(await socket.call(**edit, ref="e1", body="fourth"), "ref_conflict")
        is_error(await socket.call(type="delete", room_id=LOBBY_ID, seq=seq, ref="e1"), "ref_conflict")
        is_error(await socket.call(type="send", room_id=LOBBY_ID, ref="e1", body="second"), "ref_conflict")
    is_problem(await alice.http.patch(path, json={"body": "fourth", "ref": "e1"}), 409, "ref_conflict")
    assert [one["type"] for one in (await read(alice, LOG, after=seq - 1))["items"]] == [
        "message",
        "edit",
        "edit",
    ]
    assert (await read(alice, path))["body"] == "third"


async def test_an_edit_to_the_same_body_is_an_entry_only_where_it_has_a_ref(alice: Person) -> None:
    seq = await say(alice, LOBBY_ID, "same")
    path = f"{MESSAGES}/{seq}"
    without = await alice.http.patch(path, json={"body": "same"})
    assert (without.status_code, without.json()["edited_at"]) == (200, None)
    assert (await read(alice, LOG))["seq"] == seq
    assert (await alice.http.patch(path, json={"body": "same", "ref": "e1"})).json()["edited_at"] is not None
    assert (await read(alice, LOG))["seq"] == seq + 1


async def test_nobody_edits_what_another_wrote(node: Node) -> None:
    owner, bob = await node.sign_up("olga"), await node.sign_up("bob")
    room_id = (await make_room(owner, "Den", "private"))["id"]
    await give(owner, room_id, bob, Role.MEMBER)
    seq = await say(bob, room_id, "mine")
    path = f"/rooms/{room_id}/messages/{seq}"
    is_problem(await owner.http.patch(path, json={"body": "yours"}), 403, "forbidden")
    async with owner.socket() as socket:
        is_error(await socket.call(type="edit", room_id=room_id, seq=seq, body="yours"), "forbidden")
    assert (await read(bob, path))["body"] == "mine"


# -- deleting


async def test_a_deleted_message_keeps_its_place_and_its_words_are_gone(alice: Person, bob: Person) -> None:
    seq = await say(alice, LOBBY_ID, "secret")
    await alice.http.patch(f"{MESSAGES}/{seq}", json={"body": "secret, again", "ref": "the secret ref"})
    path = f"{MESSAGES}/{seq}"
    assert (await alice.http.delete(path)).status_code == 204
    assert (await alice.http.delete(path)).status_code == 204
    message = await read(bob, path)
    assert (message["deleted"], message["body"], message["ref"]) == (True, "", None)
    assert (message["edited_at"], message["reactions"]) == (None, [])
    log = await read(bob, LOG, after=seq - 1)
    assert [one["type"] for one in log["items"]] == ["message", "edit", "delete"]
    assert "secret" not in str(log)
    assert await read(bob, f"{path}/edits") == {"original": None, "items": [], "has_more": False}


async def test_every_delete_of_a_message_is_acked_with_the_one_that_stands(alice: Person) -> None:
    seq = await say(alice, LOBBY_ID, "secret")
    async with alice.socket() as socket:
        acks = [
            await socket.call(type="delete", room_id=LOBBY_ID, seq=seq, ref=ref) for ref in ("d1", "d2", "d1")
        ]
        assert [one | {"ref": None} for one in acks] == [acks[0] | {"ref": None}] * 3
        assert acks[0].keys() == {"type", "ref", "room_id", "epoch", "seq", "at"}
    assert (await read(alice, LOG))["seq"] == acks[0]["seq"]


async def test_what_comes_after_a_delete_is_refused_and_not_stored(alice: Person) -> None:
    seq = await say(alice, LOBBY_ID, "first")
    path = f"{MESSAGES}/{seq}"
    async with alice.socket() as socket:
        edit = {"type": "edit", "room_id": LOBBY_ID, "seq": seq}
        before = await socket.call(**edit, ref="before", body="second")
        await socket.call(type="delete", room_id=LOBBY_ID, seq=seq)
        is_error(await socket.call(**edit, ref="after", body="third"), "deleted")
        assert await socket.call(**edit, ref="before", body="second") == before
    for body in ({"body": "third"}, {"body": "third", "ref": "after"}):
        is_problem(await alice.http.patch(path, json=body), 409, "deleted")
    assert [one["type"] for one in (await read(alice, LOG, after=seq - 1))["items"]] == [
        "message",
        "edit",
        "delete",
    ]


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("by", Role)
async def test_who_deletes_whose_messages_is_as_far_as_a_role_reaches(node: Node, by: Role) -> None:
    owner, me, author = [await node.sign_up(name) for name in ("olga", "me-myself", "author")]
    room_id = (await make_room(owner, "Den", "private"))["id"]
    await give(owner, room_id, me, by)
    for role in (*Role, None):
        await give(owner, room_id, author, Role.OWNER)
        seq = await say(author, room_id, f"by {role}")
        await give(owner, room_id, author, role)
        path = f"/rooms/{room_id}/messages/{seq}"
        allowed = by in {Role.OWNER, Role.MODERATOR} and (role is None or role in GOVERNS[by])
        answer = await me.http.delete(path)
        assert answer.status_code == (204 if allowed else 403), (by, role)
        assert (await read(owner, path))["deleted"] is allowed


# -- what is heard


@pytest.mark.parametrize("is_away", [False, True])
async def test_edits_and_deletes_are_heard_on_every_node_and_after_an_absence(
    store_url: str, is_away: bool
) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        async with alice.socket() as socket, bob.socket() as listener:
            since = {}
            if not is_away:
                ack = await listener.call(type="subscribe", room_id=LOBBY_ID)
                await listener.until(type="live")
                since = {"epoch": ack["epoch"], "seq": ack["seq"]}
            first = await socket.call(type="send", room_id=LOBBY_ID, body="first")
            again = await socket.call(type="send", room_id=LOBBY_ID, body="again")
            edit = await socket.call(type="edit", room_id=LOBBY_ID, seq=first["seq"], body="second")
            delete = await socket.call(type="delete", room_id=LOBBY_ID, seq=again["seq"])
            if is_away:
                since = {"epoch": first["epoch"], "seq": first["seq"] - 1}
                await listener.send(type="subscribe", room_id=LOBBY_ID, since=since)
            heard = await listener.entries(4)
            log = (await bob.http.get(LOG, params={"after": since["seq"]})).json()["items"]
        assert [event["type"] for event in heard] == ["message", "message", "edit", "delete"]
        assert heard[2] == log[2]
        assert heard[3] == log[3]
        assert (heard[2]["seq"], heard[2]["target"], heard[2]["body"]) == (
            edit["seq"],
            first["seq"],
            "second",
        )
        assert (heard[3]["seq"], heard[3]["target"]) == (delete["seq"], again["seq"])
        mine, theirs = [(await person.http.get(MESSAGES)).json()["items"] for person in (alice, bob)]
        assert mine == theirs
        assert [(item["body"], item["deleted"]) for item in mine] == [("second", False), ("", True)]


@pytest.mark.stores("sqlite")
async def test_an_edit_and_a_delete_at_once_have_one_outcome_on_all_nodes(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        async with alice.socket() as here, alice.socket(node=other) as there:
            for turn in range(20):
                seq = (await here.call(type="send", room_id=LOBBY_ID, body=f"secret {turn}"))["seq"]
                edit, delete = await asyncio.gather(
                    here.call(type="edit", room_id=LOBBY_ID, seq=seq, body="secret, edited"),
                    there.call(type="delete", room_id=LOBBY_ID, seq=seq),
                )
                assert delete["type"] == "ack"
                assert edit["type"] == "ack" or edit["code"] == "deleted"
                log = (await read(alice, LOG, after=seq))["items"]
                kinds = [entry["type"] for entry in log]
                assert kinds == (["edit", "delete"] if edit["type"] == "ack" else ["delete"])
                assert "secret" not in str(await read(alice, LOG, after=seq - 1))


@pytest.mark.stores("sqlite")
async def test_many_deletes_at_once_are_one_entry(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        async with alice.socket() as here, alice.socket(node=other) as there:
            for turn in range(10):
                seq = (await here.call(type="send", room_id=LOBBY_ID, body=f"secret {turn}"))["seq"]
                acks = await asyncio.gather(
                    *(each.call(type="delete", room_id=LOBBY_ID, seq=seq) for each in (here, there))
                )
                assert {ack["seq"] for ack in acks} == {seq + 1}
                assert (await read(alice, LOG))["seq"] == seq + 1


# -- bad input


COMMANDS: Final[dict[str, dict[str, Any]]] = {"edit": {"body": "new"}, "delete": {}}


@pytest.fixture
async def room(alice: Person) -> AsyncIterator[dict[str, int]]:
    """The seqs of a room that has a message and entries that are none; nothing is stored there during the test."""
    member = await make_room(alice, "Den")
    seq = await say(alice, member["id"], "hello")
    edited = await alice.http.patch(f"/rooms/{member['id']}/messages/{seq}", json={"body": "edited"})
    assert edited.status_code == 200
    yield {"id": member["id"], "message": seq, "member": 1, "edit": seq + 1, "beyond": seq + 2}
    assert (await read(alice, f"/rooms/{member['id']}/log"))["seq"] == seq + 1


async def refused(alice: Person, room_id: Any, seq: object, status: int, code: str, **more: Any) -> None:
    """Require that every change of this seq is refused on both roads, and that the socket stays open."""
    async with alice.socket() as socket:
        for (name, fields), number in zip(COMMANDS.items(), itertools.count()):
            command = {"type": name, "room_id": room_id, "seq": seq, "ref": f"x{number}", **fields, **more}
            await socket.send(**command)
            is_error(await socket.until(type="error"), code)
        assert (await socket.call(type="ping"))["type"] == "ack"
    path = f"/rooms/{room_id}/messages/{seq}"
    is_problem(await alice.http.patch(path, json={"body": "new", **more}), status, code)
    is_problem(await alice.http.delete(path, params=more), status, code)


async def test_what_is_no_message_of_the_room_is_not_found(alice: Person, room: dict[str, Any]) -> None:
    for what in ("member", "edit", "beyond"):
        await refused(alice, room["id"], room[what], 404, "not_found")
    await refused(alice, LOBBY_ID, room["message"], 404, "not_found")
    await refused(alice, "nowhere", room["message"], 404, "not_found")
    await refused(alice, room["id"], 2**53 - 1, 404, "not_found")


async def test_another_epoch_is_a_reset_and_does_nothing(alice: Person, room: dict[str, Any]) -> None:
    for what in ("message", "member", "beyond"):
        await refused(alice, room["id"], room[what], 409, "reset", epoch="another")


@pytest.mark.stores("sqlite")
async def test_the_fields_of_changes_are_strict(alice: Person, room: dict[str, Any]) -> None:
    path = f"/rooms/{room['id']}/messages/{room['message']}"
    good = {"room_id": room["id"], "seq": room["message"]}
    async with alice.socket() as socket:
        for code, command in (
            ("bad_ref", {"type": "edit", **good, "body": "x"}),
            ("bad_ref", {"type": "delete", **good}),
            ("empty", {"type": "edit", **good, "ref": "r", "body": " \u200b"}),
            ("invalid", {"type": "edit", **good, "ref": "r"}),
            ("invalid", {"type": "edit", **good, "ref": "r", "body": "x" * 4_001}),
            ("invalid", {"type": "delete", **good, "ref": "r", "seq": 0}),
            ("invalid", {"type": "delete", **good, "ref": "r", "seq": "1"}),
            ("invalid", {"type": "delete", **good, "ref": "r", "epoch": ""}),
            ("extra_forbidden", {"type": "delete", **good, "ref": "r", "body": "x"}),
            ("bad_number", {"type": "delete", **good, "ref": "r", "seq": 2**53 + 1}),
        ):
            await socket.send(**command)
            is_error(await socket.receive(), code)
    for code, body in (
        ("empty", {"body": ""}),
        ("invalid", {}),
        ("bad_ref", {"body": "x", "ref": ""}),
        ("bad_ref", {"body": "x", "ref": "r" * 65}),
        ("extra_forbidden", {"body": "x", "reply_to": None}),
    ):
        is_problem(await alice.http.patch(path, json=body), 422, code)
    for key, ref in (("other", "r"), ("k" * 65, None), ("", None), ('"', "r")):
        answer = await alice.http.patch(
            path, json={"body": "x", "ref": ref} if ref else {"body": "x"}, headers={"Idempotency-Key": key}
        )
        is_problem(answer, 422, "bad_ref")
    is_problem(await alice.http.delete(path, params={"ref": "r"}), 422, "extra_forbidden")


@pytest.mark.stores("sqlite")
async def test_a_message_takes_its_ref_from_the_header_too(alice: Person) -> None:
    first = await alice.http.post(MESSAGES, json={"body": "hi"}, headers={"Idempotency-Key": "k1"})
    again = await alice.http.post(
        MESSAGES, json={"body": "hi", "ref": "k1"}, headers={"Idempotency-Key": '"k1"'}
    )
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["ref"] == "k1"
    answer = await alice.http.post(
        MESSAGES, json={"body": "hi", "ref": "k2"}, headers={"Idempotency-Key": "k1"}
    )
    is_problem(answer, 422, "bad_ref")


@pytest.mark.settings(sends_per_second=1, sends_burst=3)
async def test_changes_count_as_messages_in_the_rate(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    seq = await say(alice, LOBBY_ID, "hello")
    async with alice.socket() as socket:
        assert (await socket.call(type="edit", room_id=LOBBY_ID, seq=seq, body="x"))["type"] == "ack"
        assert (await socket.call(type="delete", room_id=LOBBY_ID, seq=seq))["type"] == "ack"
        is_error(await socket.call(type="delete", room_id=LOBBY_ID, seq=seq, ref="again"), "rate_limited")
    is_problem(await alice.http.delete(f"{MESSAGES}/{seq}"), 429, "rate_limited")


async def test_what_was_written_is_counted_by_kind(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    seq = await say(alice, LOBBY_ID, "hello")
    for _ in range(2):
        await alice.http.patch(f"{MESSAGES}/{seq}", json={"body": "x", "ref": "e"})
    await alice.http.delete(f"{MESSAGES}/{seq}")
    text = (await sqlite_node.client().get("/metrics")).text
    for kind in ("message", "edit", "delete"):
        assert f'tailwire_entries_total{{kind="{kind}"}} 1.0' in text


async def test_ready_names_what_the_server_offers(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    offered = (await sqlite_node.client().get("/server")).json()["features"]
    assert {"edit", "delete"} <= set(offered)
    async with alice.socket(by_header=True) as socket:
        await socket.send(type="authenticate", token=alice.access_token)
        ready: Event = await socket.until(type="ready")
        assert ready["features"] == offered
