"""/mcp: the tools by which assistants read rooms, wait in them and write to them (docs/integrations/mcp.md)."""

import json
from typing import Any, Final

import pytest

from api.http.tools import TOOLS
from api.models.rooms import LOBBY_ID, Role
from api.protocol.mcp import NOTICE
from api.protocol.problems import all_codes
from tests.accounts.programs import a_bot, made_token, program
from tests.bad_inputs.answers import is_problem, is_served
from tests.node import Event, Node, Person, eventually
from tests.rooms.finding import is_ready
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say
from tests.routers.calling import NEWEST, call, names_of_tools, post, refused, use, used

pytestmark = pytest.mark.anyio

READERS: Final = ["list_rooms", "read_room", "search", "get_message", "who", "wait"]
ALL: Final = [*READERS, "send_message"]
SECRET: Final = "the-treasure-is-below-the-oak"


async def make_den(owner: Person, **fields: Any) -> str:
    return str((await make_room(owner, "Den", "private", **fields))["id"])


# -- the protocol


@pytest.mark.parametrize("asked", ["2025-11-25", "2025-06-18"])
async def test_a_client_is_answered_in_the_version_that_it_begins_with(sqlite_node: Node, asked: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    hello: Event = {
        "protocolVersion": asked,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    result = (await call(alice, "initialize", **hello))["result"]
    assert result["protocolVersion"] == asked
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"]["name"] == "tailwire"
    assert "untrusted" in result["instructions"]
    assert (await call(alice, "ping", version=asked))["result"] == {}
    assert [one["name"] for one in (await call(alice, "tools/list", version=asked))["result"]["tools"]] == ALL


@pytest.mark.parametrize("asked", ["2024-11-05", "2031-01-01", "whatever"])
async def test_a_client_of_another_version_is_offered_one_that_is_spoken(
    sqlite_node: Node, asked: str
) -> None:
    alice = await sqlite_node.sign_up("alice")
    result = (await call(alice, "initialize", protocolVersion=asked, capabilities={}))["result"]
    assert result["protocolVersion"] == "2025-11-25"


async def test_a_client_that_begins_with_nothing_is_told_all_by_each_answer(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    found = (await call(alice, "server/discover", version=NEWEST))["result"]
    assert found["supportedVersions"] == [NEWEST, "2025-11-25", "2025-06-18"]
    assert "untrusted" in found["instructions"]
    listed = (await call(alice, "tools/list", version=NEWEST))["result"]
    for result in (found, listed):
        assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "tailwire"
    assert [one["name"] for one in listed["tools"]] == ALL
    told = await use(alice, "list_rooms", version=NEWEST)
    assert [one["room_id"] for one in told["items"]] == [LOBBY_ID]


async def test_a_request_needs_no_header_of_the_protocol_at_all(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.post("/mcp", json={"jsonrpc": "2.0", "id": "one", "method": "tools/list"})
    assert (answer.status_code, answer.json()["id"]) == (200, "one")
    assert len(answer.json()["result"]["tools"]) == len(ALL)


@pytest.mark.parametrize("version", ["2025-06-18", NEWEST])
async def test_a_notification_has_no_answer(sqlite_node: Node, version: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    for method in ("notifications/initialized", "notifications/cancelled", "notifications/unheard_of"):
        answer = await alice.http.post(
            "/mcp", json={"jsonrpc": "2.0", "method": method}, headers={"MCP-Protocol-Version": version}
        )
        assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_no_stream_and_no_session(sqlite_node: Node, method: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.request(method, "/mcp", headers={"Accept": "text/event-stream"})
    is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_nobody_is_served_without_a_token(sqlite_node: Node) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": NEWEST}}
    for headers in ({}, {"Authorization": "Bearer twt_" + "x" * 43}):
        answer = await sqlite_node.client(**headers).post("/mcp", json=body)
        is_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_page_of_another_origin_is_refused_and_one_of_this_server_is_served(
    sqlite_node: Node,
) -> None:
    alice = await sqlite_node.sign_up("alice")
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for origin in ("https://evil.example", "null", "http://127.0.0.1"):
        answer = await alice.http.post("/mcp", json=body, headers={"Origin": origin})
        is_problem(answer, 403, "forbidden")
    answer = await alice.http.post("/mcp", json=body, headers={"Origin": sqlite_node.url})
    assert answer.status_code == 200


BAD_BODIES: Final = {
    "no JSON": (b"{", -32700, "bad_json"),
    "a key twice": (b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', -32700, "duplicate_key"),
    "no number": (b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}', -32700, "bad_json"),
    "too large a number": (b'{"jsonrpc": "2.0", "id": 1e999, "method": "ping"}', -32700, "bad_number"),
    "no UTF-8": (b'{"jsonrpc": "2.0", "id": "\xff", "method": "ping"}', -32700, "bad_json"),
    "too deep": (b"[" * 1000, -32700, "bad_json"),
    "nothing": (b"", -32700, "bad_json"),
    "a batch": (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600, "invalid"),
    "an answer": (b'{"jsonrpc": "2.0", "id": 1, "result": {}}', -32600, "invalid"),
    "another version of JSON-RPC": (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600, "invalid"),
    "null as the id": (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600, "invalid"),
    "true as the id": (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', -32600, "invalid"),
    "half a number as the id": (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', -32600, "invalid"),
    "a number as the method": (b'{"jsonrpc": "2.0", "id": 1, "method": 1}', -32600, "invalid"),
    "a list of params": (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', -32600, "invalid"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_body_that_is_no_call_is_refused(sqlite_node: Node, name: str) -> None:
    body, number, code = BAD_BODIES[name]
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.post("/mcp", content=body, headers={"Content-Type": "application/json"})
    told = answer.json()
    assert (answer.status_code, told["id"]) == (400, None)
    assert (told["error"]["code"], told["error"]["data"]["code"]) == (number, code)
    assert code in all_codes()
    await is_served(alice)


async def test_a_body_that_is_too_large_or_of_another_type_is_refused(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    large = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "x" * 70_000}}
    is_problem(await alice.http.post("/mcp", json=large), 413, "too_large")
    text = {"Content-Type": "text/plain"}
    answer = await alice.http.post("/mcp", content=b"{}", headers=text)
    is_problem(answer, 415, "unsupported_media_type")
    is_problem(await alice.http.post("/mcp?x=1", json={}), 422, "extra_forbidden")


async def test_a_version_that_is_not_spoken_is_refused_with_those_that_are(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    for method in ("tools/list", "server/discover"):
        answer = await post(alice, method, version="2025-03-26")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32022)
        data = answer.json()["error"]["data"]
        assert (data["supported"][0], data["requested"], data["code"]) == (NEWEST, "2025-03-26", "invalid")


METHOD: Final = {"Mcp-Method": "tools/call"}
BOTH: Final = {**METHOD, "Mcp-Name": "list_rooms"}


@pytest.mark.parametrize(
    ("headers", "meta", "number"),
    [
        (BOTH, None, -32602),
        (BOTH, {"protocolVersion": NEWEST}, -32602),
        (BOTH, {"clientCapabilities": {}}, -32602),
        (BOTH, {"protocolVersion": 1, "clientCapabilities": {}}, -32602),
        (BOTH, {"protocolVersion": "2025-11-25", "clientCapabilities": {}}, -32020),
        ({}, {"protocolVersion": NEWEST, "clientCapabilities": {}}, -32020),
        (METHOD, {"protocolVersion": NEWEST, "clientCapabilities": {}}, -32020),
        ({**BOTH, "Mcp-Method": "ping"}, {"protocolVersion": NEWEST, "clientCapabilities": {}}, -32020),
        ({**BOTH, "Mcp-Name": "search"}, {"protocolVersion": NEWEST, "clientCapabilities": {}}, -32020),
        ({**BOTH, "Mcp-Name": "=?base64?!?="}, {"protocolVersion": NEWEST, "clientCapabilities": {}}, -32020),
    ],
)
async def test_a_request_that_does_not_say_what_it_must_is_refused(
    sqlite_node: Node, headers: dict[str, str], meta: Event | None, number: int
) -> None:
    alice = await sqlite_node.sign_up("alice")
    params: Event = {"name": "list_rooms", "arguments": {}}
    if meta is not None:
        params["_meta"] = {f"io.modelcontextprotocol/{name}": value for name, value in meta.items()}
    answer = await alice.http.post(
        "/mcp",
        json={"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params},
        headers={"MCP-Protocol-Version": NEWEST, **headers},
    )
    assert (answer.status_code, answer.json()["id"], answer.json()["error"]["code"]) == (400, 7, number)


async def test_the_name_of_a_tool_may_stand_in_base64(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    meta = {
        "io.modelcontextprotocol/protocolVersion": NEWEST,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "list_rooms", "_meta": meta},
    }
    headers = {**METHOD, "MCP-Protocol-Version": NEWEST, "Mcp-Name": "=?base64?bGlzdF9yb29tcw==?="}
    answer = await alice.http.post("/mcp", json=body, headers=headers)
    assert answer.json()["result"]["isError"] is False


async def test_an_answer_tells_what_is_left_of_each_limit(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    said = {"room_id": LOBBY_ID, "body": "hello", "ref": "1"}
    answer = await post(alice, "tools/call", name="send_message", arguments=said)
    assert answer.headers["ratelimit-policy"] == '"requests";q=500;w=5, "sends";q=20;w=2'
    assert '"sends";r=19' in answer.headers["ratelimit"]


@pytest.mark.settings(origins=("https://tools.example",))
async def test_a_page_of_a_listed_origin_may_send_the_headers_of_the_protocol(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    asked = {
        "Origin": "https://tools.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, mcp-protocol-version, mcp-method, mcp-name",
    }
    assert (await sqlite_node.client().options("/mcp", headers=asked)).status_code == 200
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = await alice.http.post("/mcp", json=body, headers={"Origin": "https://tools.example"})
    assert answer.status_code == 200


async def test_a_header_of_the_protocol_that_stands_twice_is_refused(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    for name in ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"):
        twice = [(name, "tools/list"), (name, "tools/call")]
        answer = await alice.http.post(
            "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=twice
        )
        is_problem(answer, 400, "bad_request")


@pytest.mark.parametrize(
    ("version", "status", "other"), [("2025-11-25", 200, "server/discover"), (NEWEST, 404, "ping")]
)
async def test_a_method_that_there_is_not_is_refused(
    sqlite_node: Node, version: str, status: int, other: str
) -> None:
    alice = await sqlite_node.sign_up("alice")
    for method in ("resources/list", "prompts/list", "subscriptions/listen", "no/such", other):
        answer = await post(alice, method, version=version)
        told = answer.json()["error"]
        assert (answer.status_code, told["code"], told["data"]["code"]) == (status, -32601, "not_found")


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
async def test_params_that_make_no_sense_are_refused(sqlite_node: Node, version: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    status = 400 if version == NEWEST else 200
    bad: list[tuple[str, Event]] = [
        ("tools/call", {"name": "no_such_tool", "arguments": {}}),
        ("tools/call", {"name": "list_rooms", "arguments": []}),
        ("tools/list", {"cursor": "2"}),
    ]
    if version != NEWEST:
        bad += [("tools/call", {}), ("initialize", {})]
    for method, params in bad:
        answer = await post(alice, method, version=version, **params)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, -32602), (method, params)


# -- the tools


async def test_every_tool_and_every_answer_says_that_what_people_wrote_is_untrusted(node: Node) -> None:
    alice = await node.sign_up("alice")
    await eventually(lambda: is_ready(node))
    for tool in (await call(alice, "tools/list"))["result"]["tools"]:
        assert "untrusted" in tool["description"] or tool["name"] == "send_message"
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["annotations"]["readOnlyHint"] is (tool["name"] != "send_message")
    seq = await say(alice, LOBBY_ID, "hello")
    for name, arguments in EVERY.items():
        told = await used(alice, name, **(arguments | {"seq": seq} if name == "get_message" else arguments))
        assert told["notice"] == NOTICE, name
    assert EVERY.keys() == TOOLS.keys()


EVERY: Final[dict[str, Event]] = {
    "list_rooms": {},
    "read_room": {"room_id": LOBBY_ID},
    "search": {"query": "hello"},
    "get_message": {"room_id": LOBBY_ID},
    "who": {"room_id": LOBBY_ID},
    "wait": {"room_id": LOBBY_ID, "after": 0},
    "send_message": {"room_id": LOBBY_ID, "body": "hello", "ref": "every"},
}
"""A call of each tool. That of `get_message` lacks its seq."""


async def test_rooms_are_listed_with_what_is_unread_in_them(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    den = await make_den(alice, topic="Below the oak")
    await give(alice, den, bob, Role.MEMBER)
    await say(alice, den, "hello @bob")
    opened = await alice.http.put(f"/direct/{bob.id}")
    await say(alice, opened.json()["id"], "psst")
    rooms = {one["room_id"]: one for one in (await use(bob, "list_rooms"))["items"]}
    assert rooms.keys() == {LOBBY_ID, den, opened.json()["id"]}
    assert (rooms[den]["name"], rooms[den]["topic"], rooms[den]["role"]) == ("Den", "Below the oak", "member")
    assert (rooms[den]["unread_count"], rooms[den]["mention_count"]) == (1, 1)
    assert set(rooms[opened.json()["id"]]["people"]) == {"alice", "bob"}
    first = await use(bob, "list_rooms", limit=1)
    rest = await use(bob, "list_rooms", cursor=first["next_cursor"])
    assert {one["room_id"] for one in first["items"] + rest["items"]} == rooms.keys()


async def is_seen(by: Person, room_id: str, person: Person) -> bool:
    """Say whether somebody is told to be online."""
    members = (await use(by, "who", room_id=room_id, named=person.username))["items"]
    return [one.get("online") for one in members] == [True]


async def test_the_members_of_a_room_are_listed(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    den = await make_den(alice)
    await give(alice, den, bob, Role.READER)
    async with alice.socket():
        await eventually(lambda: is_seen(bob, den, alice))
        found = {one["username"]: one for one in (await use(bob, "who", room_id=den))["items"]}
    assert {name: one["role"] for name, one in found.items()} == {"alice": "owner", "bob": "reader"}
    assert "online" not in found["bob"]
    named = (await use(bob, "who", room_id=den, named="ALI"))["items"]
    assert [one["user_id"] for one in named] == [alice.id]
    first = await use(bob, "who", room_id=den, limit=1)
    rest = await use(bob, "who", room_id=den, cursor=first["next_cursor"])
    assert [one["username"] for one in first["items"] + rest["items"]] == [*found]


async def test_a_room_is_read_from_its_end_and_from_any_place(node: Node) -> None:
    alice = await node.sign_up("alice")
    den = await make_den(alice)
    seqs = [await say(alice, den, f"message {number}") for number in range(5)]

    async def read(**where: Any) -> list[int]:
        return [one["seq"] for one in (await use(alice, "read_room", room_id=den, **where))["items"]]

    assert await read() == seqs
    assert await read(limit=2) == seqs[3:]
    assert await read(before=seqs[2]) == seqs[:2]
    assert await read(after=seqs[2]) == seqs[3:]
    assert await read(around=seqs[2], limit=3) == seqs[1:4]
    newest = await use(alice, "read_room", room_id=den, limit=2)
    assert newest["has_more"] is True
    assert newest["epoch"] == (await alice.http.get(f"/rooms/{den}")).json()["epoch"]


async def test_a_message_is_told_as_it_is_now_and_without_what_it_has_not(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    seq = await say(alice, LOBBY_ID, "hello @bob")
    plain = await use(alice, "get_message", room_id=LOBBY_ID, seq=seq)
    assert plain.keys() == {"room_id", "seq", "at", "user_id", "username", "body", "mentions"}
    path = f"/rooms/{LOBBY_ID}/messages/{seq}"
    assert (await bob.http.put(f"{path}/reactions/👍")).is_success
    assert (await alice.http.patch(path, json={"body": "hello", "ref": "e"})).is_success
    changed = await use(alice, "get_message", room_id=LOBBY_ID, seq=seq)
    assert (changed["body"], changed["reactions"]) == ("hello", {"👍": 1})
    assert {"edited_at"} <= changed.keys()
    assert (await alice.http.delete(path)).is_success
    gone = await use(alice, "get_message", room_id=LOBBY_ID, seq=seq)
    assert (gone["deleted"], gone["body"]) == (True, "")


async def test_messages_are_searched_in_all_rooms_and_in_one(node: Node) -> None:
    alice = await node.sign_up("alice")
    await eventually(lambda: is_ready(node))
    den = await make_den(alice)
    seqs = {room_id: await say(alice, room_id, f"a rare zebra in {room_id}") for room_id in (den, LOBBY_ID)}

    async def found(**where: str) -> dict[str, int]:
        told = await use(alice, "search", query="zebra", **where)
        return {one["room_id"]: one["seq"] for one in told["items"]}

    async def is_found() -> bool:
        return await found() == seqs

    await eventually(is_found)
    assert await found(room_id=den) == {den: seqs[den]}


@pytest.mark.settings(search=False)
async def test_a_server_without_search_has_no_tool_for_it(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    assert "search" not in await names_of_tools(alice)
    answer = await post(alice, "tools/call", name="search", arguments={"query": "zebra"})
    assert answer.json()["error"]["code"] == -32602


async def test_a_message_that_is_sent_again_under_its_ref_is_stored_once(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    said = {"room_id": LOBBY_ID, "body": "hello", "ref": "greeting-1"}
    first, again = await use(alice, "send_message", **said), await use(alice, "send_message", **said)
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert first["message"] == again["message"]
    conflict = await refused(alice, "send_message", **said | {"body": "something else"})
    assert (conflict["code"], conflict["status"]) == ("ref_conflict", 409)
    seq = first["message"]["seq"]
    answered = await use(
        bob, "send_message", room_id=LOBBY_ID, body="hello back", ref="greeting-1", reply_to=seq
    )
    assert answered["message"]["reply_to"] == seq
    history = (await use(bob, "read_room", room_id=LOBBY_ID))["items"]
    assert [one["body"] for one in history] == ["hello", "hello back"]


BAD_ARGUMENTS: Final[dict[str, tuple[str, Event, str]]] = {
    "a room that cannot be": ("read_room", {"room_id": "no room"}, "invalid"),
    "no room": ("read_room", {}, "invalid"),
    "a number as a text": ("get_message", {"room_id": LOBBY_ID, "seq": "1"}, "invalid"),
    "a negative seq": ("wait", {"room_id": LOBBY_ID, "after": -1}, "invalid"),
    "too long a wait": ("wait", {"room_id": LOBBY_ID, "seconds": 31}, "invalid"),
    "too many messages": ("read_room", {"room_id": LOBBY_ID, "limit": 51}, "invalid"),
    "two places": ("read_room", {"room_id": LOBBY_ID, "before": 2, "after": 1}, "invalid"),
    "an unknown argument": ("list_rooms", {"SECRET": SECRET}, "extra_forbidden"),
    "no ref": ("send_message", {"room_id": LOBBY_ID, "body": SECRET}, "bad_ref"),
    "an empty message": ("send_message", {"room_id": LOBBY_ID, "body": " ", "ref": "1"}, "empty"),
    "too long a message": ("send_message", {"room_id": LOBBY_ID, "body": "x" * 4001, "ref": "1"}, "invalid"),
    "an answer to nothing": (
        "send_message",
        {"room_id": LOBBY_ID, "body": "x", "ref": "1", "reply_to": 999},
        "not_found",
    ),
    "a cursor of nobody": ("list_rooms", {"cursor": SECRET}, "bad_cursor"),
    "another epoch": ("wait", {"room_id": LOBBY_ID, "after": 0, "epoch": "another"}, "reset"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
async def test_arguments_that_make_no_sense_are_refused_so_that_a_model_can_mend_them(
    sqlite_node: Node, name: str
) -> None:
    tool, arguments, code = BAD_ARGUMENTS[name]
    alice = await sqlite_node.sign_up("alice")
    problem = await refused(alice, tool, **arguments)
    assert problem["code"] == code
    assert SECRET not in json.dumps(problem)
    await is_served(alice)


# -- who may


async def test_a_token_is_told_only_of_the_tools_that_its_scopes_allow(sqlite_node: Node) -> None:
    owner = await sqlite_node.sign_up("olga")
    reader, writer, manager = [
        program(sqlite_node, owner, await made_token(owner, [scope])) for scope in ("read", "write", "manage")
    ]
    assert await names_of_tools(owner) == ALL
    assert await names_of_tools(reader) == READERS
    assert await names_of_tools(writer) == ["send_message"]
    problem = await refused(reader, "send_message", room_id=LOBBY_ID, body="hello", ref="1")
    assert (problem["code"], problem["detail"]) == ("forbidden", "The token does not have the scope write")
    for name in READERS:
        assert (await refused(writer, name))["detail"] == "The token does not have the scope read"
    assert (await use(writer, "send_message", room_id=LOBBY_ID, body="hello", ref="1"))["is_new"]
    is_problem(await post(manager, "tools/list"), 403, "forbidden")
    assert [one["body"] for one in (await use(reader, "read_room", room_id=LOBBY_ID))["items"]] == ["hello"]


async def test_a_bot_writes_as_itself_where_it_was_let_in(node: Node) -> None:
    alice = await node.sign_up("alice")
    bot = await a_bot(alice)
    den = await make_den(alice)
    assert (await refused(bot, "send_message", room_id=den, body="hello", ref="1"))["code"] == "not_found"
    await give(alice, den, bot, Role.MEMBER)
    sent = (await use(bot, "send_message", room_id=den, body="hello", ref="1"))["message"]
    assert (sent["username"], sent["is_bot"]) == ("engine", True)
    await give(alice, den, bot, Role.READER)
    assert (await refused(bot, "send_message", room_id=den, body="more", ref="2"))["code"] == "forbidden"


async def test_a_room_that_one_is_not_in_is_as_one_that_is_not_there(node: Node) -> None:
    alice, eve = await node.sign_up("alice"), await node.sign_up("eve")
    den = await make_den(alice)
    seq = await say(alice, den, SECRET)
    bound = program(node, alice, await made_token(alice, room_ids=[LOBBY_ID]))
    for name, arguments in EVERY.items():
        if name == "list_rooms":
            continue
        more = {"seq": seq} if name == "get_message" else {}
        for person in (eve, bound):
            there = await refused(person, name, **arguments | more | {"room_id": den})
            nowhere = await refused(person, name, **arguments | more | {"room_id": "nowhere"})
            assert there == nowhere, name
            assert there["code"] == "not_found"
    for person in (eve, bound):
        assert [one["room_id"] for one in (await use(person, "list_rooms"))["items"]] == [LOBBY_ID]
        assert (await use(person, "search", query=SECRET))["items"] == []


@pytest.mark.settings(misses_per_minute=3)
async def test_whoever_looks_for_what_is_not_there_too_often_is_told_to_wait(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    codes = [(await refused(alice, "read_room", room_id="nowhere"))["code"] for _ in range(4)]
    assert codes == ["not_found"] * 3 + ["rate_limited"]


@pytest.mark.settings(sends_burst=1, sends_per_second=0.1)
async def test_whoever_sends_too_often_is_told_how_long_to_wait(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    await use(alice, "send_message", room_id=LOBBY_ID, body="one", ref="1")
    problem = await refused(alice, "send_message", room_id=LOBBY_ID, body="two", ref="2")
    assert problem["code"] == "rate_limited"
    assert problem["retry_after_seconds"] > 1


async def test_the_metrics_count_the_uses_of_each_tool_by_their_outcome(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    await use(alice, "list_rooms")
    await refused(alice, "read_room", room_id="nowhere")
    await post(alice, "tools/call", name="no_such_tool", arguments={})
    metrics = (await sqlite_node.client().get("/metrics")).text
    assert 'tailwire_tool_uses_total{outcome="ok",tool="list_rooms"} 1.0' in metrics
    assert 'tailwire_tool_uses_total{outcome="not_found",tool="read_room"} 1.0' in metrics
    assert "no_such_tool" not in metrics
