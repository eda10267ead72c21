"""A page from before the open set of kinds is told to reload. A client that steps over unknown entries is not."""

from typing import Any

import pytest

from api.models.rooms import LOBBY_ID
from api.protocol.close_codes import CloseCode
from tests.node import Person, Socket
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio

POLL: dict[str, Any] = {"kind": "poll", "data": {"question": "tea?"}}


async def subscribed(socket: Socket) -> dict[str, Any]:
    """Subscribe to the lobby without `since`; return the position."""
    ack = await socket.call(type="subscribe", room_id=LOBBY_ID)
    return {"epoch": ack["epoch"], "seq": ack["seq"]}


async def resume(socket: Socket, since: dict[str, Any]) -> None:
    """Subscribe again, as an old page does at a gap."""
    await socket.send(type="unsubscribe", room_id=LOBBY_ID)
    await socket.send(type="subscribe", room_id=LOBBY_ID, since=since)


@pytest.mark.parametrize("row", [POLL, None], ids=["unknown", "unreadable"])
async def test_a_page_that_asks_again_for_an_entry_that_it_does_not_know_is_told_to_reload(
    alice: Person, stranger: Stranger, row: dict[str, Any] | None
) -> None:
    async with alice.socket() as socket:
        since = await subscribed(socket)
        await stranger.write(LOBBY_ID, row)
        for _ in range(2):
            await resume(socket, since)
            await socket.until(type="live")
        await resume(socket, since)
        assert await socket.closed() == CloseCode.VERSION


async def test_who_steps_over_it_or_asks_again_for_what_every_page_knows_stays(
    alice: Person, stranger: Stranger
) -> None:
    async with alice.socket() as socket:
        since = await subscribed(socket)
        await stranger.write(LOBBY_ID, POLL, None)
        for step in range(3):
            for _ in range(2):
                await resume(socket, since | {"seq": since["seq"] + step})
                await socket.until(type="live")
        await socket.call(type="send", room_id=LOBBY_ID, body="hi")
        for _ in range(5):
            await resume(socket, since | {"seq": since["seq"] + 2})
            assert (await socket.until(type="message"))["body"] == "hi"
            await socket.until(type="live")
        assert (await socket.call(type="ping"))["type"] == "ack"


async def test_each_connection_and_each_room_counts_for_itself(alice: Person, stranger: Stranger) -> None:
    made = await alice.http.post("/rooms", json={"name": "Den", "visibility": "private"})
    for room_id in (LOBBY_ID, made.json()["id"]):
        await stranger.write(room_id, POLL)
    rooms = [(LOBBY_ID, 1), (made.json()["id"], 1)]
    epochs = {room_id: (await alice.http.get(f"/rooms/{room_id}")).json()["epoch"] for room_id, _ in rooms}
    for _ in range(2):
        async with alice.socket() as socket:
            for room_id, seq in rooms * 2:
                since = {"epoch": epochs[room_id], "seq": seq}
                await socket.send(type="subscribe", room_id=room_id, since=since)
                await socket.until(type="live")
