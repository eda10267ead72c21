"""Calls of MCP for the tests: a request by hand, and what a tool answers."""

import itertools
import json
from typing import Any, Final

import httpx

from api.protocol.mcp import NOTICE
from tests.node import Event, Person

NEWEST: Final = "2026-07-28"
_KEYS: Final = "io.modelcontextprotocol/"
_ids: Final = itertools.count(1)


async def call(person: Person, method: str, /, *, version: str = "2025-11-25", **params: Any) -> Event:
    """Send a request, in either generation of the protocol, and return the answer's JSON."""
    answer = await post(person, method, version=version, **params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    told: Event = answer.json()
    return told


async def post(
    person: Person, method: str, /, *, version: str = "2025-11-25", **params: Any
) -> httpx.Response:
    """Send a request as `call` does, and return the whole answer, which repeats its id where it is one of MCP."""
    call_id = next(_ids)
    headers = {"MCP-Protocol-Version": version, "Accept": "application/json, text/event-stream"}
    if version == NEWEST:
        params["_meta"] = {f"{_KEYS}protocolVersion": version, f"{_KEYS}clientCapabilities": {}}
        headers["Mcp-Method"] = method
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
    body = {"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}
    answer = await person.http.post("/mcp", json=body, headers=headers, timeout=60)
    assert answer.headers["content-type"] != "application/json" or answer.json()["id"] == call_id
    return answer


async def use(person: Person, tool: str, /, *, version: str = "2025-11-25", **arguments: Any) -> Event:
    """Use a tool that must not refuse, and return what it says."""
    told = await used(person, tool, version=version, **arguments)
    assert told.pop("notice") == NOTICE, told
    return told


async def refused(person: Person, tool: str, /, **arguments: Any) -> Event:
    """Use a tool that must refuse, and return the problem without what is of this request alone."""
    result = (await call(person, "tools/call", name=tool, arguments=arguments))["result"]
    assert result["isError"] is True, result
    (content,) = result["content"]
    problem: Event = json.loads(content["text"])
    assert problem.pop("request_id")
    return problem


async def used(person: Person, tool: str, /, *, version: str = "2025-11-25", **arguments: Any) -> Event:
    """Use a tool that must not refuse, and return its answer whole."""
    told = await call(person, "tools/call", version=version, name=tool, arguments=arguments)
    result = told["result"]
    assert result["isError"] is False, result
    (content,) = result["content"]
    assert content["type"] == "text"
    answer: Event = json.loads(content["text"])
    return answer


async def names_of_tools(person: Person) -> list[str]:
    return [one["name"] for one in (await call(person, "tools/list"))["result"]["tools"]]
