"""Rules of /mcp: what assistants do by the Model Context Protocol, with the rights of their token and no others."""

import asyncio
import itertools
import json
from typing import Any, Final

import httpx

from conformance.rule import Failed, Skipped
from conformance.server.bench import Bench, expect, unique
from conformance.server.people import Person

PATH: Final = "/mcp"
SESSION_VERSION: Final = "2025-06-18"
"""A version that begins with `initialize`."""
STATELESS_VERSION: Final = "2026-07-28"
"""The version since which each request says everything itself."""
READS: Final = ("list_rooms", "read_room", "get_message", "who", "wait")
SENDS: Final = "send_message"
LATER_SECONDS: Final = 0.5
_IDS: Final = itertools.count(1)


class Assistant:
    """A client of /mcp with a token. Each method returns what was answered, and fails for another shape."""

    def __init__(self, person: Person, token: str | None = None) -> None:
        self._person = person
        self._token = token

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        """Send a body as it is."""
        told = {"MCP-Protocol-Version": SESSION_VERSION, "Accept": "application/json, text/event-stream"}
        return await self._person.ask("POST", PATH, token=self._token, json=body, headers=told | headers)

    async def call(self, method: str, params: Any = None, **headers: str) -> Any:
        """Send a request, and return its result. Raises Failed for an error."""
        answer = await self.answered(method, params, **headers)
        if "result" not in answer:
            raise Failed(f"`{method}` has a result", str(answer))
        return answer["result"]

    async def refused(self, number: int, method: str, params: Any = None, **headers: str) -> Any:
        """Send a request that has to be refused with this number; return the error."""
        answer = await self.answered(method, params, **headers)
        found = answer.get("error", {}).get("code")
        expect(found == number, f"`{method}` with {params} is refused with {number}", answer)
        return answer["error"]

    async def answered(self, method: str, params: Any = None, **headers: str) -> Any:
        """Send a request, and return its answer, which has the id of the request."""
        body = {"jsonrpc": "2.0", "id": f"kit-{next(_IDS)}", "method": method, "params": params or {}}
        response = await self.post(body, **headers)
        answer = response.json()
        found = (answer.get("jsonrpc"), answer.get("id"))
        expect(found == ("2.0", body["id"]), f"`{method}` is answered under {body['id']}", response.text)
        return answer

    async def use(self, tool: str, **arguments: Any) -> Any:
        """Use a tool, and return the object that it answers, which says that it is untrusted."""
        result = await self.call("tools/call", {"name": tool, "arguments": arguments})
        found = _object(result)
        if result["isError"]:
            raise Failed(f"`{tool}` with {arguments} succeeds", str(found))
        notice = found.get("notice", "")
        expect("untrusted" in notice, f"the answer of `{tool}` says that it is untrusted", found)
        return found

    async def failed(self, code: str, tool: str, **arguments: Any) -> Any:
        """Use a tool that has to fail with this code; return the problem, which a model can read."""
        result = await self.call("tools/call", {"name": tool, "arguments": arguments})
        found = _object(result)
        seen = (result["isError"], found.get("code"))
        expect(seen == (True, code), f"`{tool}` with {arguments} fails with {code}", found)
        return found

    async def tools(self) -> dict[str, Any]:
        """Return the tools that are listed, by name."""
        return {one["name"]: one for one in (await self.call("tools/list"))["tools"]}


async def mcp_begins(bench: Bench) -> None:
    """`initialize` agrees on a version and tells of tools; a notification has no answer, and there is no stream."""
    assistant = await _assistant(bench)
    params = {"protocolVersion": SESSION_VERSION, "capabilities": {}, "clientInfo": {"name": "kit"}}
    begun = await assistant.call("initialize", params)
    expect(begun["protocolVersion"] == SESSION_VERSION, f"the version is {SESSION_VERSION}", begun)
    expect("tools" in begun["capabilities"], "the server has tools", begun["capabilities"])
    expect(begun["serverInfo"]["name"], "the server has a name", begun["serverInfo"])
    other = await assistant.call("initialize", {**params, "protocolVersion": "1999-01-01"})
    expect(other["protocolVersion"] != "1999-01-01", "another version than 1999-01-01 is offered", other)
    noted = await assistant.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    expect((noted.status_code, noted.content) == (202, b""), "a notification is 202", noted.status_code)
    expect(await assistant.call("ping") == {}, "`ping` is answered by an empty object", "another answer")
    stream = await bench.bob.ask("GET", PATH, headers={"Accept": "text/event-stream"})
    expect(stream.status_code == 405, "GET is 405", stream.status_code)


async def mcp_tools(bench: Bench) -> None:
    """`tools/list` describes what each tool takes, which of them only read, and that what they read is untrusted."""
    assistant = await _assistant(bench)
    tools = await assistant.tools()
    wanted = {*READS, SENDS, *(["search"] if "search" in bench.features else [])}
    expect(wanted <= set(tools), f"the tools have {sorted(wanted)}", sorted(tools))
    for name, tool in tools.items():
        schema = tool.get("inputSchema", {})
        expect(schema.get("type") == "object", f"`{name}` says what it takes, as an object", tool)
        reads = tool.get("annotations", {}).get("readOnlyHint")
        expect(reads == (name != SENDS), f"`readOnlyHint` of `{name}` is {name != SENDS}", tool)
    for name in READS:
        expect("untrusted" in tools[name]["description"], f"`{name}` warns of what it reads", tools[name])
    expect("ref" in tools[SENDS]["inputSchema"]["required"], f"`{SENDS}` requires a ref", tools[SENDS])


async def mcp_reads(bench: Bench) -> None:
    """Tools read what HTTP reads, and each answer says that what people wrote is untrusted."""
    assistant = await _assistant(bench)
    room_id = await bench.room(bench.bob)
    sent = [await bench.send(bench.ada, room_id, f"Number {number}") for number in range(3)]
    seqs = [one["seq"] for one in sent]
    read = await assistant.use("read_room", room_id=room_id, after=seqs[0], limit=10)
    found = [(one["seq"], one["body"], one["username"]) for one in read["items"]]
    expected = [(one["seq"], one["body"], bench.ada.username) for one in sent[1:]]
    expect(found == expected, f"`read_room` has {expected}", found)
    expect(read["epoch"] == await bench.epoch(room_id), "and the epoch of the room", read["epoch"])
    one = await assistant.use("get_message", room_id=room_id, seq=seqs[0])
    expect(one["body"] == "Number 0", "`get_message` has the message", one)
    members = await assistant.use("who", room_id=room_id)
    roles = {one["username"]: one["role"] for one in members["items"]}
    expected_roles = {bench.ada.username: "owner", bench.bob.username: "member"}
    expect(roles == expected_roles, f"`who` has {expected_roles}", roles)
    listed: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await assistant.use("list_rooms", limit=100, **cursor)
        listed += [room["room_id"] for room in page["items"]]
        if not page.get("next_cursor"):
            break
        cursor = {"cursor": page["next_cursor"]}
    expect(room_id in listed, "`list_rooms` has the room", listed)


async def mcp_sends(bench: Bench) -> None:
    """`send_message` stores a message once under its ref, and everybody reads it."""
    assistant = await _assistant(bench)
    room_id = await bench.room(bench.bob)
    message = {"room_id": room_id, "body": "From an assistant", "ref": unique()}
    first = await assistant.use(SENDS, **message)
    again = await assistant.use(SENDS, **message)
    seen = (first["message"]["seq"], again["message"]["seq"], again.get("is_new", False))
    expect(seen[0] == seen[1] and not seen[2], "the same ref is the same message", seen)
    page = await bench.ada.get(f"/rooms/{room_id}/messages")
    found = [(one["seq"], one["body"], one["user_id"]) for one in page["items"]]
    expected = [(first["message"]["seq"], message["body"], bench.bob.id)]
    expect(found == expected, f"the room has {expected}", found)
    await assistant.failed("ref_conflict", SENDS, **{**message, "body": "Another"})
    await assistant.failed("bad_ref", SENDS, room_id=room_id, body="Without a ref")


async def mcp_waits(bench: Bench) -> None:
    """`wait` answers with the next message as soon as there is one, and with none when its time is over."""
    assistant = await _assistant(bench)
    room_id = await bench.room(bench.bob)
    seq = (await bench.send(bench.ada, room_id, "Before"))["seq"]
    empty = await assistant.use("wait", room_id=room_id, after=seq, seconds=0)
    expect(not empty.get("items"), "nothing comes where there is nothing", empty)
    waiting = asyncio.create_task(assistant.use("wait", room_id=room_id, after=seq, seconds=20))
    await asyncio.sleep(LATER_SECONDS)
    sent = await bench.send(bench.ada, room_id, "After")
    found = [one["seq"] for one in (await waiting).get("items", ())]
    expect(found == [sent["seq"]], f"the message with seq {sent['seq']} comes", found)
    await assistant.failed("reset", "wait", room_id=room_id, after=seq, epoch="of-nobody", seconds=1)


async def mcp_hidden(bench: Bench) -> None:
    """A tool says of a room that one is not in what it says of none, and names no argument that it does not know."""
    assistant = await _assistant(bench)
    hidden = await bench.room()
    await bench.send(bench.ada, hidden, "A secret")
    for tool, more in (("read_room", {}), ("get_message", {"seq": 1}), ("who", {}), ("wait", {"seconds": 0})):
        seen = [
            await assistant.failed("not_found", tool, room_id=room_id, **more)
            for room_id in (hidden, unique())
        ]
        told = [{**one, "request_id": None} for one in seen]
        expect(told[0] == told[1], f"`{tool}` tells the two apart by nothing", told)
    lost = {"room_id": hidden, "body": "May I?", "ref": unique()}
    await assistant.failed("not_found", SENDS, **lost)
    problem = await assistant.failed("extra_forbidden", "read_room", room_id=hidden, colour="blue")
    expect("blue" not in json.dumps(problem), "what was sent is not repeated", problem)


async def mcp_errors(bench: Bench) -> None:
    """What is no request of JSON-RPC, names no method or no tool, is refused by its numbers."""
    assistant = await _assistant(bench)
    broken = await bench.bob.ask(
        "POST", PATH, content=b'{"jsonrpc": ', headers={"Content-Type": "application/json"}
    )
    seen = (broken.status_code, broken.json().get("error", {}).get("code"))
    expect(seen == (400, -32700), "what is no JSON is refused with 400 and -32700", broken.text)
    batch = await assistant.post([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])
    seen = (batch.status_code, batch.json().get("error", {}).get("code"))
    expect(seen == (400, -32600), "a batch is refused with 400 and -32600", batch.text)
    await assistant.refused(-32601, "rooms/paint")
    await assistant.refused(-32602, "tools/call", {"name": "paint", "arguments": {}})
    await assistant.refused(-32602, "tools/call", {"arguments": {}})
    text = await bench.bob.ask("POST", PATH, content=b"ping", headers={"Content-Type": "text/plain"})
    expect(text.status_code == 415, "another type than JSON is 415", text.status_code)


async def mcp_scopes(bench: Bench) -> None:
    """A token has the tools of its scopes and the rooms that it is bound to; without a token there is nothing."""
    await _assistant(bench)
    room_id, other = await bench.room(bench.bob), await bench.room(bench.bob)
    made = await _token(bench, scopes=["read"], room_ids=[room_id])
    reader = Assistant(bench.bob, made["token"])
    tools = await reader.tools()
    expect(SENDS not in tools and "read_room" in tools, "a token that reads has tools that read", [*tools])
    await reader.use("read_room", room_id=room_id)
    await reader.failed("forbidden", SENDS, room_id=room_id, body="May I?", ref=unique())
    await reader.failed("not_found", "read_room", room_id=other)
    listed = [one["room_id"] for one in (await reader.use("list_rooms"))["items"]]
    expect(listed == [room_id], f"it lists {room_id} alone", listed)
    await bench.bob.done("DELETE", f"/auth/tokens/{made['token_id']}")
    for token in (made["token"], ""):
        answer = await bench.nobody.ask("POST", PATH, token=token, json=_PING)
        expect(answer.status_code == 401, "without a token that holds it is 401", answer.status_code)
        challenge = answer.headers.get("WWW-Authenticate", "")
        expect(challenge.startswith("Bearer"), "`WWW-Authenticate` asks for a bearer token", challenge)
        said = "invalid_token" in challenge
        expect(said == bool(token), "it is called a bad one where one was shown, and only there", challenge)


async def mcp_stateless(bench: Bench) -> None:
    """Since 2026-07-28 a request says everything itself: what its headers contradict is refused, as is any version."""
    assistant = await _assistant(bench)
    found = await assistant.call("server/discover", _envelope(), **_headers("server/discover"))
    expect(STATELESS_VERSION in found["supportedVersions"], f"{STATELESS_VERSION} is spoken", found)
    expect(found.get("resultType") == "complete", "the result says that it is complete", found)
    tools = await assistant.call("tools/list", _envelope(), **_headers("tools/list"))
    expect(tools.get("ttlMs", -1) >= 0, "the list of tools says for how long it holds", sorted(tools))
    await assistant.refused(-32020, "tools/list", _envelope(), **_headers("tools/call"))
    unknown = await assistant.refused(
        -32022, "tools/list", _envelope("2999-01-01"), **_headers("tools/list", "2999-01-01")
    )
    expect(
        STATELESS_VERSION in unknown["data"]["supported"], "the versions that are spoken are told", unknown
    )
    await assistant.refused(-32601, "initialize", _envelope(), **_headers("initialize"))


_PING: Final = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"


def _envelope(version: str = STATELESS_VERSION) -> dict[str, Any]:
    return {"_meta": {_VERSION_KEY: version, _CAPABILITIES_KEY: {}}}


def _headers(method: str, version: str = STATELESS_VERSION) -> dict[str, str]:
    return {"MCP-Protocol-Version": version, "Mcp-Method": method}


def _object(result: Any) -> Any:
    """Return the object that the answer of a tool holds as a text."""
    (content,) = result["content"]
    expect(content["type"] == "text", "a tool answers with one text", content)
    return json.loads(content["text"])


async def _assistant(bench: Bench) -> Assistant:
    """Return an assistant of Bob's. Leaves the check out where the server has no /mcp."""
    answer = await bench.bob.ask("POST", PATH, json=_PING)
    if answer.status_code in {404, 405}:
        raise Skipped("the server has no /mcp")
    return Assistant(bench.bob)


async def _token(bench: Bench, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await bench.bob.done("POST", "/auth/tokens", json={"name": "Kit", **fields})
    return made


CHECKS: Final = (
    mcp_begins,
    mcp_tools,
    mcp_reads,
    mcp_sends,
    mcp_waits,
    mcp_hidden,
    mcp_errors,
    mcp_scopes,
    mcp_stateless,
)
