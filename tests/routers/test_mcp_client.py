"""/mcp by the client of the MCP project itself, in each generation of the protocol that it speaks."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import pytest

from api.models.rooms import LOBBY_ID
from api.protocol.mcp import NOTICE
from tests.accounts.programs import made_token, program
from tests.node import Event, Node, Person, eventually
from tests.rooms.finding import is_ready
from tests.rooms.test_consumers import polls
from tests.rooms.test_rooms import say

pytest.importorskip("mcp")

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

pytestmark = pytest.mark.anyio

SPOKEN: Final = {"legacy": "2025-11-25", "auto": "2026-07-28", "2026-07-28": "2026-07-28"}
"""How a client begins, and the version that is spoken then."""


@asynccontextmanager
async def connected(person: Person, mode: str = "auto") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {person.access_token}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        transport = streamable_http_client(f"{person.node.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


async def use(client: Client, tool: str, **arguments: Any) -> Event:
    result = await client.call_tool(tool, arguments)
    told: Event = json.loads(cast("Any", result.content[0]).text)
    assert result.is_error or told.pop("notice") == NOTICE
    return told


@pytest.mark.parametrize("mode", SPOKEN)
async def test_its_own_client_begins_lists_the_tools_and_uses_each(node: Node, mode: str) -> None:
    alice = await node.sign_up("alice")
    await eventually(lambda: is_ready(node))
    async with connected(alice, mode) as client:
        assert client.protocol_version == SPOKEN[mode]
        tools = [one.name for one in (await client.list_tools()).tools]
        assert tools == ["list_rooms", "read_room", "search", "get_message", "who", "wait", "send_message"]
        assert [one["room_id"] for one in (await use(client, "list_rooms"))["items"]] == [LOBBY_ID]
        sent = await use(client, "send_message", room_id=LOBBY_ID, body="a rare zebra", ref="1")
        seq = sent["message"]["seq"]
        assert (await use(client, "get_message", room_id=LOBBY_ID, seq=seq)) == sent["message"]
        assert (await use(client, "read_room", room_id=LOBBY_ID))["items"] == [sent["message"]]
        assert (await use(client, "wait", room_id=LOBBY_ID, after=seq - 1))["items"] == [sent["message"]]

        async def is_found() -> bool:
            return bool((await use(client, "search", query="zebra"))["items"] == [sent["message"]])

        await eventually(is_found)
        assert (await use(client, "read_room", room_id="nowhere"))["code"] == "not_found"
        assert (await use(client, "get_message", room_id=LOBBY_ID))["code"] == "invalid"
        with pytest.raises(MCPError, match="There is no such tool"):
            await client.call_tool("no_such_tool", {})


@pytest.mark.parametrize("mode", SPOKEN)
async def test_its_own_client_waits_for_a_message(sqlite_node: Node, mode: str) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    async with connected(program(sqlite_node, alice, await made_token(alice, ["read"])), mode) as client:
        assert "send_message" not in [one.name for one in (await client.list_tools()).tools]
        task = asyncio.create_task(use(client, "wait", room_id=LOBBY_ID, seconds=30))

        async def is_waiting() -> bool:
            return await polls(sqlite_node) == 1

        await eventually(is_waiting)
        await say(bob, LOBBY_ID, "hello")
        assert [one["body"] for one in (await task)["items"]] == ["hello"]


@pytest.mark.parametrize("mode", SPOKEN)
async def test_its_own_client_is_refused_without_a_token_that_counts(sqlite_node: Node, mode: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    token = await made_token(alice)
    machine = program(sqlite_node, alice, token)
    async with connected(machine, mode) as client:
        assert (await use(client, "list_rooms"))["items"]
        assert (await alice.http.delete(f"/auth/tokens/{token['token_id']}")).is_success
        with pytest.raises(MCPError):
            await use(client, "list_rooms")
