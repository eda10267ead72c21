"""What was missed in many rooms comes by one request, is what a stream would have brought, and is nothing twice."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from conftest import MakeClient
from scripted_server import Socket, message, place, scripted, streaming, web_of
from tailwire_client import (
    Client,
    Entry,
    Event,
    Live,
    MemoryPositions,
    Position,
    Reset,
    SyncClient,
    Unsubscribed,
)
from tailwire_client.absence import MOST_ROOMS, Absence
from tailwire_client.stream import MANY_ROOMS
from tailwire_client.track import Track
from tailwire_client.web import Web
from tests.node import Node

pytestmark = pytest.mark.anyio

SECONDS = 20.0


def tracks(*room_ids: str, seq: int = 0) -> dict[str, Track]:
    return {room_id: Track(room_id, Position("e1", seq)) for room_id in room_ids}


def page(*items: dict[str, Any], not_found: tuple[str, ...] = (), has_more: bool = False) -> httpx.Response:
    return httpx.Response(200, json={"items": items, "not_found": not_found, "has_more": has_more})


async def told(web: Web, *room_ids: str, others: bool = False) -> list[Event]:
    async with (
        asyncio.timeout(SECONDS),
        aclosing(Absence(web, tracks(*room_ids)).events(others=others)) as it,
    ):
        return [one async for one in it]


async def test_pages_are_asked_for_from_where_the_one_before_has_led() -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        if len(asked) == 1:
            return page(message(1), message(2), has_more=True)
        return page(message(3), place("live", 3))

    async with web_of(answer) as web:
        events = await told(web, "lobby")
    assert [one.seq for one in events if isinstance(one, Entry | Live)] == [1, 2, 3, 3]
    assert [one["positions"][0]["seq"] for one in asked] == [0, 2]


async def test_a_room_that_is_gone_is_told_and_named_no_more() -> None:
    asked: list[set[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append({one["room_id"] for one in json.loads(request.content)["positions"]})
        if len(asked) == 1:
            return page(message(1), not_found=("gone",), has_more=True)
        return page(place("live", 1))

    async with web_of(answer) as web:
        events = await told(web, "lobby", "gone")
    assert [one.room_id for one in events if isinstance(one, Unsubscribed)] == ["gone"]
    assert asked == [{"lobby", "gone"}, {"lobby"}]


async def test_a_reset_is_told_and_a_hole_that_stays_is_one() -> None:
    async with web_of(lambda _request: page(place("reset", 9, epoch="e2"))) as web:
        assert await told(web, "lobby") == [Reset("lobby", "e2", 9)]
    async with web_of(lambda _request: page(message(3))) as web:
        assert await told(web, "lobby") == [Reset("lobby", "e1", 3)]


async def test_a_server_that_says_the_same_for_ever_is_left() -> None:
    async with web_of(lambda _request: page(message(1), has_more=True)) as web:
        assert len(await told(web, "lobby")) == 1


async def test_more_rooms_than_a_request_may_name_are_asked_for_by_several() -> None:
    counts: list[tuple[int, bool]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        counts.append((len(body["positions"]), body["others"]))
        return page()

    async with web_of(answer) as web:
        await told(web, *(f"room{number}" for number in range(MOST_ROOMS + 1)), others=True)
    assert counts == [(MOST_ROOMS, False), (1, False)]


async def rooms_with_news(ada: Client, count: int) -> dict[str, Position]:
    """Make rooms, and write to each after the position that is returned."""
    positions = {}
    for number in range(count):
        room = await ada.rooms.create(f"Room {number}", "private")
        positions[room.id] = room.position
        await ada.send(room.id, "one")
        await ada.send(room.id, "two")
    return positions


async def by_socket(client: Client, positions: dict[str, Position]) -> list[Event]:
    """Return what a stream tells of these rooms up to `Live` in each."""
    found: list[Event] = []
    left = set(positions)
    async with (
        asyncio.timeout(SECONDS),
        client.events(*positions, positions=MemoryPositions(positions)) as stream,
    ):
        async for event in stream:
            if isinstance(event, Entry | Live | Reset):
                found.append(event)
            if isinstance(event, Live):
                left.discard(event.room_id)
            if not left:
                return found
    raise AssertionError


async def test_it_is_what_a_stream_would_have_brought_the_newest_room_first(ada: Client) -> None:
    positions = await rooms_with_news(ada, 3)
    missed = [one async for one in ada.missed(positions)]
    assert [one.room_id for one in missed if isinstance(one, Live)] == [*reversed(positions), "lobby"]
    by_room = {
        room_id: [one for one in missed if getattr(one, "room_id", "") == room_id] for room_id in positions
    }
    for room_id, events in by_room.items():
        assert events == await by_socket(ada, {room_id: positions[room_id]})
    now = {one.room_id: one.position for one in missed if isinstance(one, Live)}
    assert [one async for one in ada.missed(now)] == []


async def test_a_stream_of_many_rooms_tells_each_entry_once_after_an_absence(
    server: Node, make_client: MakeClient
) -> None:
    ada = await make_client(server.url, "ada")
    positions = await rooms_with_news(ada, MANY_ROOMS)
    events = await by_socket(ada, positions)
    entries = [(one.room_id, one.seq) for one in events if isinstance(one, Entry)]
    assert sorted(entries) == sorted(
        (room_id, position.seq + more) for room_id, position in positions.items() for more in (1, 2)
    )
    firsts = [room_id for room_id, seq in entries if seq == positions[room_id].seq + 1]
    # Subscriptions would have brought them in the order that was asked for.
    assert firsts == [*reversed(positions)]


async def test_a_stream_goes_on_where_the_absence_cannot_be_told() -> None:
    rooms = [f"room{number}" for number in range(MANY_ROOMS)]

    async def script(socket: Socket) -> None:
        for _ in rooms:
            command = await socket.hear(type="subscribe")
            at = {"room_id": command["room_id"], "epoch": "e1", "seq": 4}
            await socket.say({"type": "ack", "ref": command["ref"], **at}, {"type": "live", **at})

    positions = MemoryPositions({room_id: Position("e1", 4) for room_id in rooms})
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(404, json={"code": "not_found"})

    live: set[str] = set()
    async with (
        asyncio.timeout(SECONDS),
        scripted(script, features=["sync"]) as server,
        streaming(server, *rooms, positions=positions, answer=answer) as stream,
    ):
        while len(live) < len(rooms):
            event = await anext(stream)
            if isinstance(event, Live):
                live.add(event.room_id)
    assert asked == ["/sync"]


async def test_it_is_told_without_asyncio(server: Node) -> None:
    person = await server.sign_up("ada")
    body = {"name": "p", "scopes": ["read", "write"]}
    token = (await person.http.post("/auth/tokens", json=body)).json()["token"]

    def program() -> list[Event]:
        with SyncClient(server.url, token, trust_env=False) as client:
            room = client.wait(client.api.rooms.get("lobby"))
            client.send("lobby", "one", files=())
            return list(client.missed({"lobby": room.position}))

    events = await asyncio.to_thread(program)
    assert [type(one).__name__ for one in events] == ["MessageEntry", "Live"]
