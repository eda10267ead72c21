"""Rooms over HTTP, on each store: making, finding, joining, leaving, reading; and hiding private ones."""

from typing import Any

import httpx
import pytest

from api.models.rooms import LOBBY_ID
from tests.node import Event, Node, Person

pytestmark = pytest.mark.anyio


async def make_room(owner: Person, name: str = "Tea", visibility: str = "public", topic: str = "") -> Event:
    """Make a room over HTTP and return it."""
    body = {"name": name, "visibility": visibility, "topic": topic}
    answer = await owner.http.post("/rooms", json=body)
    assert answer.status_code == 201, answer.text
    made: Event = answer.json()
    return made


async def say(author: Person, room_id: str, body: str) -> int:
    """Send a message over HTTP and return its seq."""
    answer = await author.http.post(f"/rooms/{room_id}/messages", json={"ref": body, "body": body})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["seq"])


async def seen_room(person: Person, room_id: str) -> Event:
    """Return a room as this person sees it."""
    answer = await person.http.get(f"/rooms/{room_id}")
    assert answer.status_code == 200, answer.text
    room: Event = answer.json()
    return room


async def listed(person: Person, **query: str | int) -> list[str]:
    """Return the ids of a list of rooms, followed to its last page."""
    ids: list[str] = []
    cursor: dict[str, str | int] = {}
    while True:
        answer = await person.http.get("/rooms", params=query | cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids += [room["id"] for room in page["items"]]
        if page["next_cursor"] is None:
            return ids
        cursor = {"cursor": page["next_cursor"]}


async def test_a_made_room_is_its_makers_and_is_found_by_others(alice: Person, bob: Person) -> None:
    room = await make_room(alice, "  Tea & cake ", topic=" hot ")
    assert (room["name"], room["topic"], room["visibility"]) == ("Tea & cake", "hot", "public")
    assert (room["role"], room["unread_count"]) == ("owner", 0)
    assert await seen_room(alice, room["id"]) == room
    assert sorted(await listed(alice)) == sorted([LOBBY_ID, room["id"]])
    assert await listed(bob) == [LOBBY_ID]
    assert room["id"] in await listed(bob, scope="public")
    assert (await seen_room(bob, room["id"]))["role"] is None


async def test_joining_and_leaving_change_who_is_a_member(alice: Person, bob: Person) -> None:
    room = await make_room(alice)
    path = f"/rooms/{room['id']}"
    first = await bob.http.post(f"{path}/join")
    again = await bob.http.post(f"{path}/join")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["role"] == "member"
    assert again.json() == first.json(), "joining again changes nothing"
    members = (await alice.http.get(f"{path}/members")).json()["items"]
    assert {(one["username"], one["role"]) for one in members} == {("alice", "owner"), ("bob", "member")}
    assert (await bob.http.post(f"{path}/leave")).status_code == 204
    assert (await bob.http.get(f"{path}/members")).status_code == 404
    assert (await bob.http.post(f"{path}/leave")).status_code == 404
    members = (await alice.http.get(f"{path}/members")).json()["items"]
    assert [one["username"] for one in members] == ["alice"]


async def test_nobody_leaves_the_lobby(alice: Person) -> None:
    answer = await alice.http.post(f"/rooms/{LOBBY_ID}/leave")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await listed(alice) == [LOBBY_ID]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "/join", None),
        ("POST", "/leave", None),
        ("GET", "/members", None),
        ("PUT", "/read", {"seq": 1}),
        ("GET", "/messages", None),
        ("POST", "/messages", {"ref": "r", "body": "let me in"}),
        ("GET", "/messages/1", None),
        ("GET", "/log", None),
    ],
)
@pytest.mark.stores("sqlite")
async def test_a_private_room_is_to_others_exactly_what_does_not_exist(
    alice: Person, bob: Person, method: str, path: str, body: Event | None
) -> None:
    private = await make_room(alice, "Den", "private")
    assert private["id"] not in await listed(bob, scope="public")
    answers = [
        await bob.http.request(method, f"/rooms/{room_id}{path}", json=body)
        for room_id in (private["id"], "no-such-room")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    hidden, unknown = (answer.json() | {"request_id": None} for answer in answers)
    assert hidden == unknown
    assert hidden["code"] == "not_found"
    assert set(answers[0].headers) == set(answers[1].headers)


async def test_a_public_room_shows_its_log_to_members_only(alice: Person, bob: Person) -> None:
    room = await make_room(alice)
    await say(alice, room["id"], "for members")
    for path in ("messages", "log", "members"):
        assert (await bob.http.get(f"/rooms/{room['id']}/{path}")).status_code == 404


async def test_unread_falls_as_the_reader_reads_and_never_goes_back(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    seqs = [await say(alice, room_id, f"message {number}") for number in range(3)]

    async def read(seq: int) -> tuple[int, int]:
        assert (await bob.http.put(f"/rooms/{room_id}/read", json={"seq": seq})).status_code == 204
        room = await seen_room(bob, room_id)
        return room["read_seq"], room["unread_count"]

    assert (await seen_room(bob, room_id))["unread_count"] == 3
    assert await read(seqs[0]) == (seqs[0], 2)
    assert await read(seqs[2]) == (seqs[2], 0)
    assert await read(seqs[0]) == (seqs[2], 0)
    assert (await seen_room(alice, room_id))["last_message"]["body"] == "message 2"


async def test_reading_past_the_end_does_not_swallow_what_is_yet_to_come(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    await bob.http.put(f"/rooms/{room_id}/read", json={"seq": 1_000_000})
    await say(alice, room_id, "new")
    assert (await seen_room(bob, room_id))["unread_count"] == 1


async def test_a_mark_is_set_back_on_request_and_not_by_another_epoch(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    first, second = [await say(alice, room_id, f"message {number}") for number in range(2)]
    epoch = (await seen_room(bob, room_id))["epoch"]

    async def read(**mark: Any) -> tuple[int, int, int, int | None]:
        answer = await bob.http.put(f"/rooms/{room_id}/read", json=mark)
        if answer.status_code != 204:
            assert answer.json()["code"] == "reset"
        room = await seen_room(bob, room_id)
        return answer.status_code, room["read_seq"], room["unread_count"], room["first_unread_seq"]

    assert await read(seq=second, epoch="another") == (409, first - 1, 2, first)
    assert await read(seq=second, epoch=epoch) == (204, second, 0, None)
    assert await read(seq=first, epoch=epoch, back=False) == (204, second, 0, None)
    assert await read(seq=first, epoch="another", back=True) == (409, second, 0, None)
    assert await read(seq=first, epoch=epoch, back=True) == (204, first, 1, second)


async def test_the_same_is_said_over_a_socket(alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice))["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    seq = await say(alice, room_id, "message")
    epoch = (await seen_room(bob, room_id))["epoch"]
    async with bob.socket() as socket:
        refused = await socket.call(type="read", room_id=room_id, seq=seq, epoch="another")
        assert (refused["type"], refused["code"]) == ("error", "reset")
        acked = await socket.call(type="read", room_id=room_id, seq=seq, epoch=epoch, ref="1")
        assert acked == {"type": "ack", "ref": "1", "room_id": room_id, "epoch": epoch, "seq": seq}
        acked = await socket.call(type="read", room_id=room_id, seq=1, back=True)
        assert acked["seq"] == 1


async def test_ones_own_rooms_are_asked_for_by_their_ids(alice: Person, bob: Person) -> None:
    mine, theirs = [(await make_room(person, visibility="private"))["id"] for person in (alice, bob)]
    await say(alice, LOBBY_ID, "hello")
    answer = await bob.http.get("/rooms", params={"ids": f"{LOBBY_ID},{theirs},{mine},nowhere,{theirs}"})
    assert sorted(room["id"] for room in answer.json()["items"]) == sorted([LOBBY_ID, theirs])
    assert answer.json()["items"][0] == await seen_room(bob, answer.json()["items"][0]["id"])
    assert answer.json()["next_cursor"] is None
    many = ",".join([*(f"room-{number}" for number in range(99)), theirs])
    found = await bob.http.get("/rooms", params={"ids": many})
    assert [room["id"] for room in found.json()["items"]] == [theirs]


@pytest.mark.parametrize(
    "query",
    [
        "ids=",
        "ids=,",
        "ids=lobby,",
        "ids=a%00",
        "ids=" + "x" * 65,
        "ids=" + ",".join("x" * 101),
        "ids=lobby&scope=public",
        "ids=lobby&cursor=x",
    ],
)
async def test_ids_that_cannot_be_are_refused(sqlite_node: Node, query: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.get(f"/rooms?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"seq": 0},
        {"seq": -1},
        {"seq": "1"},
        {"seq": 1.5},
        {"seq": True},
        {"seq": 1, "back": 1},
        {"seq": 1, "back": None},
        {"seq": 1, "epoch": ""},
        {"seq": 1, "epoch": "x" * 65},
        {"seq": 1, "epoch": 1},
    ],
)
async def test_a_mark_that_is_no_seq_is_refused(sqlite_node: Node, body: Event) -> None:
    alice = await sqlite_node.sign_up("alice")
    assert (await alice.http.put(f"/rooms/{LOBBY_ID}/read", json=body)).status_code == 422


async def test_pages_of_rooms_and_members_leave_nothing_out(alice: Person, bob: Person) -> None:
    made = {(await make_room(alice, f"Room {number}"))["id"] for number in range(5)}
    assert sorted(await listed(alice, limit=2)) == sorted(made | {LOBBY_ID})
    assert made <= set(await listed(bob, scope="public", limit=2))
    first = (await bob.http.get(f"/rooms/{LOBBY_ID}/members", params={"limit": 1})).json()
    rest = await bob.http.get(
        f"/rooms/{LOBBY_ID}/members", params={"limit": 1, "cursor": first["next_cursor"]}
    )
    names = [one["username"] for one in first["items"] + rest.json()["items"]]
    assert sorted(names) == ["alice", "bob"]
    assert rest.json()["next_cursor"] is None


async def test_a_cursor_that_we_never_gave_is_refused(alice: Person) -> None:
    for path in ("/rooms?scope=mine", "/rooms?scope=public", f"/rooms/{LOBBY_ID}/members?limit=1"):
        for cursor in ("x", "bnVsbA", "W10", "%F0%9F%92%A5", "=", "", "a" * 512):
            answer = await alice.http.get(f"{path}&cursor={cursor}")
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), (path, cursor)


async def test_a_cursor_of_one_list_is_none_of_another(alice: Person) -> None:
    await make_room(alice)
    mine = (await alice.http.get("/rooms", params={"limit": 1})).json()["next_cursor"]
    for path, query in (("/rooms", {"scope": "public"}), (f"/rooms/{LOBBY_ID}/members", {})):
        answer = await alice.http.get(path, params=query | {"cursor": mine})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "scope=all"])
async def test_a_query_out_of_bounds_is_refused(sqlite_node: Node, query: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.get(f"/rooms?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"name": ""}, "invalid", id="name-empty"),
        pytest.param({"name": " \t "}, "invalid", id="name-blank"),
        pytest.param({"name": "n" * 81}, "invalid", id="name-long"),
        pytest.param({"name": 7}, "invalid", id="name-int"),
        pytest.param({"topic": "t" * 251}, "invalid", id="topic-long"),
        pytest.param({"visibility": "secret"}, "invalid", id="visibility"),
        pytest.param({"visibility": None}, "invalid", id="visibility-null"),
        pytest.param({"id": LOBBY_ID}, "extra_forbidden", id="id"),
        pytest.param({"role": "owner"}, "extra_forbidden", id="role"),
    ],
)
async def test_a_room_out_of_bounds_is_not_made(sqlite_node: Node, changes: Event, code: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"} | changes)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await listed(alice) == [LOBBY_ID]


async def test_a_room_at_its_bounds_is_made(alice: Person) -> None:
    room = await make_room(alice, "💥" * 80, topic="é" * 250)
    assert (room["name"], room["topic"]) == ("💥" * 80, "é" * 250)


@pytest.mark.parametrize(
    "name",
    [
        "\u200b\u200b",
        "\u2028",
        "a\nb",
        "a\0b",
        "\u202egnp.exe",
        "gnp.exe\u202d",
        "\u3164",
        "\u2800",
        "  ",
        "Tea\u2066Tea",
        "\U000e0041",
        "\U0001f3f4\U000e0067\U000e0062",  # no flag: its code does not end
        "\U0001f3f4" + "\U000e0067" * 40 + "\U000e007f",
        "\u200e\u2068\u2069",
    ],
)
async def test_a_name_that_misleads_the_eye_is_refused(sqlite_node: Node, name: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    room = await alice.http.post("/rooms", json={"name": name, "visibility": "public"})
    topic = await alice.http.post(
        "/rooms", json={"name": "Tea", "topic": f"x{name}x", "visibility": "public"}
    )
    shown = await alice.http.patch("/users/me", json={"display_name": name})
    assert (room.status_code, shown.status_code) == (422, 422)
    assert topic.status_code == (201 if name == "  " else 422)


@pytest.mark.parametrize(
    "name",
    [
        *("Café 北京", "\U0001f469\u200d\U0001f52c", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "!"),
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England
        "Cymru \U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    ],
)
async def test_a_name_in_any_script_is_taken(sqlite_node: Node, name: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    assert (await make_room(alice, name))["name"] == name


@pytest.mark.parametrize(
    "pasted", ["Ann\u200e", "\u200fAnn ", "\u2068Ann\u2069", "\u202aAnn\u202c", "\ufeff\u200b Ann\u200d\xa0"]
)
async def test_the_marks_around_a_pasted_name_are_cut(sqlite_node: Node, pasted: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    shown = await alice.http.patch("/users/me", json={"display_name": pasted})
    room = await make_room(alice, pasted, topic=pasted)
    assert (shown.json()["display_name"], room["name"], room["topic"]) == ("Ann",) * 3


async def test_public_rooms_are_found_by_a_part_of_the_name(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    for name in ("Café", "Cafeteria", "Tea"):
        await make_room(alice, name)

    async def find(**query: str) -> httpx.Response:
        return await alice.http.get("/rooms", params={"scope": "public", **query})

    cafes = ["Café", "Cafeteria"]
    for text, wanted in (
        ("CAFE\u0301", cafes),
        ("fét", ["Cafeteria"]),
        (" afe", cafes),
        (" ", None),
        ("100%", []),
    ):
        names = [room["name"] for room in (await find(q=text)).json()["items"]]
        assert names == (wanted if wanted is not None else ["Lobby", "Café", "Cafeteria", "Tea"])
    for refused in ({"q": ""}, {"q": "x" * 81}, {"q": "a\0"}, {"q": "tea", "scope": "mine"}):
        answer = await find(**refused)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_members_are_found_by_any_part_of_either_name_and_only_by_members(
    node: Node, alice: Person, bob: Person
) -> None:
    carol = await node.sign_up("carol.tea")
    await carol.http.patch("/users/me", json={"display_name": "Zoë Ångström"})
    room_id = (await make_room(alice, "Den", "private"))["id"]
    path = f"/rooms/{room_id}/members"
    for person in (bob, carol):
        assert (await alice.http.put(f"{path}/{person.id}", json={"role": "member"})).status_code == 200
    for text, wanted in (
        ("L", ["alice", "carol.tea"]),
        ("OL.T", ["carol.tea"]),
        ("zoe\u0308 a", ["carol.tea"]),
        ("gstro", ["carol.tea"]),
        ("o", ["bob", "carol.tea"]),
        ("%", []),
    ):
        found = await alice.http.get(path, params={"q": text})
        assert [one["username"] for one in found.json()["items"]] == wanted, text
    first = (await alice.http.get(path, params={"q": "o", "limit": 1})).json()
    rest = await alice.http.get(path, params={"q": "o", "cursor": first["next_cursor"]})
    assert [one["username"] for one in first["items"] + rest.json()["items"]] == ["bob", "carol.tea"]
    for wrong in ("o", "l"):  # a cursor belongs to what was searched, and to the room
        cursor = first["next_cursor"]
        other = path if wrong == "l" else f"/rooms/{LOBBY_ID}/members"
        refused = await alice.http.get(other, params={"q": wrong, "cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_cursor")
    for bad in ("", "x" * 81, "a\0"):
        refused = await alice.http.get(path, params={"q": bad})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    stranger = await node.sign_up("mallory")
    hidden = await stranger.http.get(path, params={"q": "o"})
    unknown = await stranger.http.get("/rooms/nowhere/members", params={"q": "o"})
    assert hidden.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert hidden.status_code == 404


async def test_an_unknown_query_field_is_refused_and_a_token_there_too(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    unknown = await alice.http.get("/rooms", params={"scpoe": "public"})
    token = await alice.http.get("/rooms", params={"access_token": alice.access_token})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "extra_forbidden")
    assert (token.status_code, token.json()["code"]) == (401, "unauthorized")
    assert "scpoe" not in unknown.text
    assert (await alice.http.get("/rooms", params={"scope": "public"})).status_code == 200


@pytest.mark.parametrize(
    "room_id", ["x" * 64, "x" * 500, "%00", "%F0%9F%8D%B5" * 64, "..%2Flobby", "%ED%A0%80", "LOBBY"]
)
async def test_a_room_that_cannot_be_is_not_found(alice: Person, room_id: str) -> None:
    for path in ("", "/members", "/messages", "/log", "/messages/1"):
        answer = await alice.http.get(f"/rooms/{room_id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert (await alice.http.post(f"/rooms/{room_id}/join")).status_code == 404


async def test_what_was_said_last_in_a_public_room_is_told_to_its_members_only(
    alice: Person, bob: Person
) -> None:
    room = (await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"})).json()
    await alice.http.post(f"/rooms/{room['id']}/messages", json={"ref": "1", "body": "members only"})
    for person, body in ((alice, "members only"), (bob, None)):
        listed = (await person.http.get("/rooms?scope=public")).json()["items"]
        seen = [one for one in listed if one["id"] == room["id"]]
        seen.append((await person.http.get(f"/rooms/{room['id']}")).json())
        assert [one["last_message"] and one["last_message"]["body"] for one in seen] == [body, body]
