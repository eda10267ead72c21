"""Administration of rooms, over HTTP and on the command line."""

from pathlib import Path

import pytest

from api.models.rooms import LOBBY_ID
from tests.node import Node, Person
from tests.process import result
from tests.rooms.test_rooms import make_room, say, seen_room

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]


@pytest.fixture
async def admin(node: Node, store_url: str, tmp_path: Path) -> Person:
    """An administrator, who is a member of nothing but the lobby."""
    person = await node.sign_up("boss")
    assert (await result({"TAILWIRE_STORE": store_url}, tmp_path, "user", "promote", "boss"))[0] == 0
    return person


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_an_administrator_sees_every_room_with_its_size_and_members_and_no_message(
    node: Node, admin: Person, alice: Person, bob: Person
) -> None:
    room = await make_room(alice, "Den", "private", topic="ours")
    await alice.http.put(f"/rooms/{room['id']}/members/{bob.id}", json={"role": "member"})
    await say(alice, room["id"], "secret")
    first = (await admin.http.get("/admin/rooms", params={"limit": 1})).json()
    rest = (await admin.http.get("/admin/rooms", params={"cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [LOBBY_ID, room["id"]]
    assert rest["next_cursor"] is None
    shown = (await admin.http.get(f"/admin/rooms/{room['id']}")).json()
    assert rest["items"] == [shown]
    assert shown == {
        **{name: room[name] for name in ("id", "kind", "name", "topic", "visibility", "created_at")},
        "archived": False,
        "slow_seconds": 0,
        "post_role": "member",
        "member_count": 2,
        "last_message_at": (await seen_room(alice, room["id"]))["last_message"]["at"],
    }
    for wanted, found in (("DÉN", [room["id"]]), ("obb", [LOBBY_ID]), ("ours", [])):
        page = (await admin.http.get("/admin/rooms", params={"q": wanted})).json()
        assert [one["id"] for one in page["items"]] == found
    assert first["items"][0]["last_message_at"] is None
    cursor = {"q": "den", "cursor": first["next_cursor"]}
    assert (await admin.http.get("/admin/rooms", params=cursor)).json()["code"] == "bad_cursor"
    members = (await admin.http.get(f"/admin/rooms/{room['id']}/members")).json()["items"]
    assert [(one["username"], one["role"]) for one in members] == [("alice", "owner"), ("bob", "member")]
    for path in ("", "/messages", "/log"):
        assert (await admin.http.get(f"/rooms/{room['id']}{path}")).status_code == 404


async def test_who_is_no_administrator_finds_none_of_it(node: Node, alice: Person) -> None:
    room_id = (await make_room(alice, "Den"))["id"]
    calls = [
        ("GET", "/admin/rooms", None),
        ("GET", f"/admin/rooms/{room_id}", None),
        ("GET", f"/admin/rooms/{room_id}/members", None),
        ("PATCH", f"/admin/rooms/{room_id}", {"owner_id": alice.id}),
        ("DELETE", f"/admin/rooms/{room_id}", None),
    ]
    answers = [await alice.http.request(method, path, json=body) for method, path, body in calls]
    assert [answer.status_code for answer in answers] == [404] * len(calls)
    assert (await node.client().get("/admin/rooms")).status_code == 401
    assert (await seen_room(alice, room_id))["role"] == "owner"


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_an_administrator_names_an_owner_and_deletes_a_room_and_the_audit_log_says_so(
    node: Node, admin: Person, alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice, "Den", "private"))["id"]
    path = f"/admin/rooms/{room_id}"
    for _ in range(2):
        answer = await admin.http.patch(path, json={"owner_id": bob.id})
        assert (answer.status_code, answer.json()["member_count"]) == (200, 2)
    assert (await seen_room(bob, room_id))["role"] == "owner"
    entry = (await bob.http.get(f"/rooms/{room_id}/log")).json()["items"][-1]
    assert (entry["user_id"], entry["role"], entry["by"]) == (bob.id, "owner", admin.id)
    for body, status in (({"owner_id": "nobody"}, 404), ({}, 422), ({"owner_id": 5}, 422)):
        assert (await admin.http.patch(path, json=body)).status_code == status
    assert (await admin.http.patch("/admin/rooms/none", json={"owner_id": bob.id})).status_code == 404
    async with bob.socket() as socket:
        assert (await admin.http.delete(path)).status_code == 204
        told = await socket.until(type="membership")
        assert (told["room_id"], told["reason"], told["by"]) == (room_id, "deleted", admin.id)
    for answer in (await admin.http.delete(path), await admin.http.get(path)):
        assert answer.status_code == 404
    assert (await bob.http.get(f"/rooms/{room_id}")).status_code == 404
    assert (await admin.http.delete(f"/admin/rooms/{LOBBY_ID}")).status_code == 403
    events = (await admin.http.get("/admin/audit")).json()["items"]
    assert [(one["event"], one["actor_id"], one["subject_id"], one["room_id"]) for one in events[:3]] == [
        ("room_deleted", admin.id, None, room_id),
        ("owner_named", admin.id, bob.id, room_id),
        ("owner_named", admin.id, bob.id, room_id),
    ]


async def test_the_command_line_does_the_same_while_the_server_runs(
    node: Node, store_url: str, tmp_path: Path, alice: Person, bob: Person
) -> None:
    room = await make_room(alice, "Den", "private")

    async def run(*words: str) -> tuple[int | None, str, str]:
        return await result({"TAILWIRE_STORE": store_url}, tmp_path, "room", *words)

    code, out, _ = await run("list")
    assert code == 0
    assert f"{room['id']}  {room['created_at']}  private  1  open  Den\n" in out
    assert (await run("list", "--search", "DE"))[1].endswith("  Den\n")
    assert await run("list", "--search", "none of these") == (0, "", "")
    assert await run("owner", room["id"], "bob") == (0, f"bob owns the room {room['id']}\n", "")
    assert (await seen_room(bob, room["id"]))["role"] == "owner"
    async with bob.socket() as socket:
        assert await run("delete", room["id"], "--yes") == (0, f"deleted the room {room['id']}\n", "")
        told = await socket.until(type="membership")
        assert (told["reason"], told["by"]) == ("deleted", None)
    for words in (
        ("delete", room["id"], "--yes"),
        ("delete", LOBBY_ID, "--yes"),
        ("owner", room["id"], "bob"),
        ("owner", LOBBY_ID, "nobody"),
    ):
        code, out, err = await run(*words)
        assert (code, out) == (1, "")
        assert err.startswith("tailwire: ")
