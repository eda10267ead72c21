"""Edits, deletes, reactions and pins, over HTTP and the socket, on each store and on two nodes."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID, Role
from api.rooms.policy import GOVERNS
from tests.bad_inputs.answers import is_error, is_problem
from tests.node import Event, Node, Person, eventually, running
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

MESSAGES: Final = f"/rooms/{LOBBY_ID}/messages"
LOG: Final = f"/rooms/{LOBBY_ID}/log"
ENOUGH: Final = 1_000


@asynccontextmanager
async def two_nodes(store_url: str) -> AsyncIterator[tuple[Node, Node]]:
    settings = Settings(store=store_url, signup="open", sends_burst=ENOUGH)
    async with running(settings) as one, running(settings) as other:
        yield one, other


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


@pytest.mark.parametrize("is_read", [False, True])
async def test_a_deleted_message_leaves_nothing_of_itself_in_storage(
    node: Node, alice: Person, stranger: Stranger, is_read: bool
) -> None:
    """Also while somebody reads the database for a while, as a backup does; on RethinkDB no reader holds it up."""
    path = f"{MESSAGES}/{await say(alice, LOBBY_ID, 'xylophone')}"
    for number in range(3):
        edit = {"body": f"xylophone {number}", "ref": f"xylophone ref {number}"}
        assert (await alice.http.patch(path, json=edit)).status_code == 200
    await say(alice, LOBBY_ID, "kept")
    assert await stranger.holds("xylophone")
    async with stranger.reading() if is_read else nullcontext():
        assert (await alice.http.delete(path)).status_code == 204
    await eventually(lambda: is_gone(stranger))
    assert await stranger.holds("kept")
    again = await alice.http.post(MESSAGES, json={"ref": "xylophone", "body": "xylophone"})
    assert (again.status_code, again.json()["deleted"], again.json()["body"]) == (200, True, "")
    assert not await stranger.holds("xylophone")


async def is_gone(stranger: Stranger) -> bool:
    return not await stranger.holds("xylophone")


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
        is_error(await socket.call(type="react", room_id=LOBBY_ID, seq=seq, emoji="👍"), "deleted")
        is_error(await socket.call(type="unreact", room_id=LOBBY_ID, seq=seq, emoji="👍"), "deleted")
        assert await socket.call(**edit, ref="before", body="second") == before
    for body in ({"body": "third"}, {"body": "third", "ref": "after"}):
        is_problem(await alice.http.patch(path, json=body), 409, "deleted")
    for method in ("PUT", "DELETE"):
        is_problem(await alice.http.request(method, f"{path}/reactions/👍"), 409, "deleted")
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


# -- reacting


async def test_who_reacts_is_shown_by_emoji_and_every_form_of_an_emoji_is_one(
    alice: Person, bob: Person
) -> None:
    seq = await say(alice, LOBBY_ID, "hello")
    path = f"{MESSAGES}/{seq}"
    answers = [
        await person.http.put(f"{path}/reactions/{emoji}")
        for person, emoji in ((alice, "❤"), (bob, "👍"), (bob, "❤️"), (bob, "❤"))
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    message = await read(bob, path)
    assert message == answers[-1].json()
    assert message["reactions"] == [
        {"emoji": "❤️", "count": 2, "user_ids": [alice.id, bob.id]},
        {"emoji": "👍", "count": 1, "user_ids": [bob.id]},
    ]
    assert (await read(bob, LOG))["seq"] == seq + 3
    entry = (await read(bob, LOG))["items"][-1]
    assert (entry["type"], entry["target"], entry["emoji"], entry["added"]) == ("reaction", seq, "❤️", True)
    listed = await read(bob, f"{path}/reactions/❤")
    assert [(one["user_id"], one["username"]) for one in listed["items"]] == [
        (alice.id, "alice"),
        (bob.id, "bob"),
    ]
    assert (listed["items"][1]["at"], listed["next_cursor"]) == (entry["at"], None)
    first = await read(bob, f"{path}/reactions/❤", limit=1)
    rest = await read(bob, f"{path}/reactions/❤️", limit=1, cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == listed["items"]
    for _ in range(2):
        taken = await alice.http.delete(f"{path}/reactions/❤")
        assert taken.status_code == 200
        assert taken.json()["reactions"] == [
            {"emoji": "❤️", "count": 1, "user_ids": [bob.id]},
            {"emoji": "👍", "count": 1, "user_ids": [bob.id]},
        ]
    assert (await read(bob, LOG))["seq"] == seq + 4


async def test_a_command_that_changes_nothing_is_stored_for_its_retry(alice: Person) -> None:
    seq = await say(alice, LOBBY_ID, "hello")
    commands: list[dict[str, Any]] = [
        {"type": "react", "emoji": "👍"},
        {"type": "react", "emoji": "👍"},
        {"type": "unreact", "emoji": "👍"},
        {"type": "unreact", "emoji": "👍"},
    ]
    async with alice.socket() as socket:
        acks = []
        for _ in range(2):
            acks += [
                await socket.call(**command, room_id=LOBBY_ID, seq=seq, ref=f"r{number}")
                for number, command in enumerate(commands)
            ]
        assert acks[:4] == acks[4:]
        assert [ack["seq"] for ack in acks[:4]] == [seq + number for number in range(1, 5)]
        other = {"type": "react", "emoji": "🎉", "room_id": LOBBY_ID, "seq": seq}
        is_error(await socket.call(**other, ref="r0"), "ref_conflict")
    assert (await read(alice, LOG))["seq"] == seq + 4
    assert (await read(alice, f"{MESSAGES}/{seq}"))["reactions"] == []


async def test_the_twenty_first_kind_of_emoji_is_refused(alice: Person, bob: Person) -> None:
    seq = await say(alice, LOBBY_ID, "hello")
    path = f"{MESSAGES}/{seq}/reactions"
    emojis = [chr(0x1F600 + number) for number in range(21)]
    for emoji in emojis[:20]:
        assert (await alice.http.put(f"{path}/{emoji}")).status_code == 200
    is_problem(await bob.http.put(f"{path}/{emojis[20]}"), 422, "limit")
    async with bob.socket() as socket:
        react = {"type": "react", "room_id": LOBBY_ID, "seq": seq}
        is_error(await socket.call(**react, emoji=emojis[20]), "limit")
        assert (await socket.call(**react, emoji=emojis[0]))["type"] == "ack"
    assert (await alice.http.delete(f"{path}/{emojis[1]}")).status_code == 200
    assert (await bob.http.put(f"{path}/{emojis[20]}")).status_code == 200


# -- pinning


async def test_pins_are_listed_newest_first_on_every_node(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        owner, bob = await one.sign_up("olga"), await other.sign_up("bob")
        room_id = (await make_room(owner, "Den", "private"))["id"]
        await give(owner, room_id, bob, Role.READER)
        seqs = [await say(owner, room_id, body) for body in "abc"]
        path = f"/rooms/{room_id}"
        for seq in (seqs[1], seqs[0], seqs[1]):
            pinned = await owner.http.put(f"{path}/messages/{seq}/pin")
            assert (pinned.status_code, pinned.json()["pinned"]) == (200, True)
        async with owner.socket(node=other) as socket:
            ack = await socket.call(type="pin", room_id=room_id, seq=seqs[2], ref="p1")
            assert await socket.call(type="pin", room_id=room_id, seq=seqs[2], ref="p1") == ack
            is_error(await socket.call(type="unpin", room_id=room_id, seq=seqs[2], ref="p1"), "ref_conflict")
        listed = (await read(bob, f"{path}/pins"))["items"]
        assert [one["body"] for one in listed] == ["c", "a", "b"]
        assert listed[0] == await read(bob, f"{path}/messages/{seqs[2]}")
        log = (await read(bob, f"{path}/log", after=seqs[-1]))["items"]
        assert [(entry["type"], entry["target"], entry["pinned"]) for entry in log] == [
            ("pin", seqs[1], True),
            ("pin", seqs[0], True),
            ("pin", seqs[2], True),
        ]
        for _ in range(2):
            unpinned = await owner.http.delete(f"{path}/messages/{seqs[0]}/pin")
            assert (unpinned.status_code, unpinned.json()["pinned"]) == (200, False)
        await owner.http.delete(f"{path}/messages/{seqs[2]}")
        assert [one["body"] for one in (await read(bob, f"{path}/pins"))["items"]] == ["b"]
        assert not (await read(bob, f"{path}/messages/{seqs[2]}"))["pinned"]


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
            await socket.call(type="react", room_id=LOBBY_ID, seq=first["seq"], emoji="👍")
            delete = await socket.call(type="delete", room_id=LOBBY_ID, seq=again["seq"])
            if is_away:
                since = {"epoch": first["epoch"], "seq": first["seq"] - 1}
                await listener.send(type="subscribe", room_id=LOBBY_ID, since=since)
            heard = await listener.entries(5)
            log = (await bob.http.get(LOG, params={"after": since["seq"]})).json()["items"]
        assert [event["type"] for event in heard] == ["message", "message", "edit", "reaction", "delete"]
        assert heard[2:] == log[2:]
        assert (heard[2]["seq"], heard[2]["target"], heard[2]["body"]) == (
            edit["seq"],
            first["seq"],
            "second",
        )
        assert (heard[3]["target"], heard[3]["emoji"], heard[3]["added"]) == (first["seq"], "👍", True)
        assert (heard[4]["seq"], heard[4]["target"]) == (delete["seq"], again["seq"])
        mine, theirs = [(await person.http.get(MESSAGES)).json()["items"] for person in (alice, bob)]
        assert mine == theirs
        assert [(item["body"], item["deleted"]) for item in mine] == [("second", False), ("", True)]


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


@pytest.mark.parametrize("command", [{"type": "react", "emoji": "👍"}, {"type": "pin"}])
async def test_what_meets_a_delete_has_one_outcome_on_all_nodes(store_url: str, command: Event) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        room_id = (await make_room(alice, "Den"))["id"]
        async with alice.socket() as here, alice.socket(node=other) as there:
            for turn in range(20):
                seq = (await here.call(type="send", room_id=room_id, body=f"secret {turn}"))["seq"]
                late, deleted = await asyncio.gather(
                    here.call(**command, room_id=room_id, seq=seq),
                    there.call(type="delete", room_id=room_id, seq=seq),
                )
                assert deleted["type"] == "ack"
                assert late["type"] == "ack" or late["code"] == "deleted"
                last = (await read(alice, f"/rooms/{room_id}/log", after=deleted["seq"] - 1))["items"]
                assert [entry["type"] for entry in last] == ["delete"]
                message = await read(alice, f"/rooms/{room_id}/messages/{seq}")
                assert (message["deleted"], message["pinned"], message["reactions"]) == (True, False, [])
        assert (await read(alice, f"/rooms/{room_id}/pins"))["items"] == []


async def test_no_more_kinds_of_emoji_than_may_be_come_at_once_from_two_nodes(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        seq = await say(alice, LOBBY_ID, "hello")
        nodes = (alice.http, other.client(Authorization=f"Bearer {alice.access_token}"))
        path = f"{MESSAGES}/{seq}/reactions"
        answers = await asyncio.gather(
            *(nodes[number % 2].put(f"{path}/{chr(0x1F600 + number)}") for number in range(30))
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 20 + [422] * 10
        assert len((await read(alice, f"{MESSAGES}/{seq}"))["reactions"]) == 20


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


COMMANDS: Final[dict[str, dict[str, Any]]] = {
    "edit": {"body": "new"},
    "delete": {},
    "react": {"emoji": "👍"},
    "unreact": {"emoji": "👍"},
    "pin": {},
    "unpin": {},
    "remove_previews": {},
}


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
    for method, rest in (
        ("DELETE", ""),
        ("PUT", "/reactions/👍"),
        ("DELETE", "/reactions/👍"),
        ("DELETE", "/previews"),
    ):
        is_problem(await alice.http.request(method, path + rest, params=more), status, code)


@pytest.mark.settings(misses_per_minute=1_000)
async def test_what_is_no_message_of_the_room_is_not_found(alice: Person, room: dict[str, Any]) -> None:
    for what in ("member", "edit", "beyond"):
        await refused(alice, room["id"], room[what], 404, "not_found")
    elsewhere = (await make_room(alice, "Elsewhere"))["id"]
    await refused(alice, elsewhere, room["message"], 404, "not_found")
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
            ("bad_ref", {"type": "react", **good, "emoji": "👍"}),
            ("bad_ref", {"type": "unpin", **good}),
            ("bad_ref", {"type": "remove_previews", **good}),
            ("extra_forbidden", {"type": "remove_previews", **good, "ref": "r", "removed": True}),
            ("bad_emoji", {"type": "react", **good, "ref": "r", "emoji": "a"}),
            ("bad_emoji", {"type": "unreact", **good, "ref": "r", "emoji": ""}),
            ("bad_emoji", {"type": "react", **good, "ref": "r", "emoji": "👍" * 4_001}),
            ("invalid", {"type": "react", **good, "ref": "r", "emoji": 7}),
            ("invalid", {"type": "react", **good, "ref": "r"}),
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
    for method in ("PUT", "DELETE", "GET"):
        for emoji in ("a", "👍👍", "%00", "%ff", "🇩"):
            answer = await alice.http.request(method, f"{path}/reactions/{emoji}")
            is_problem(answer, 422, "bad_emoji")


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
        await alice.http.put(f"{MESSAGES}/{seq}/reactions/👍")
    await alice.http.delete(f"{MESSAGES}/{seq}")
    text = (await sqlite_node.client().get("/metrics")).text
    for kind in ("message", "edit", "reaction", "delete"):
        assert f'tailwire_entries_total{{kind="{kind}"}} 1.0' in text


async def test_ready_names_what_the_server_offers(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    offered = (await sqlite_node.client().get("/server")).json()["features"]
    assert {"edit", "delete", "react", "pin"} <= set(offered)
    async with alice.socket(by_header=True) as socket:
        await socket.send(type="authenticate", token=alice.access_token)
        ready: Event = await socket.until(type="ready")
        assert ready["features"] == offered
