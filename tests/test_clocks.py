"""Nodes whose machines' clocks are wrong: what decides by the time, decides by the store's clock."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from api.models.rooms import LOBBY_ID
from tests.node import Node, Person
from tests.process import result, serving

pytestmark = [pytest.mark.anyio, pytest.mark.stores("rethinkdb")]

MINUTES: Final = 10
PROGRAM: Final = """
import time

time_ns, now = time.time_ns, time.time
time.time_ns = lambda: time_ns() + {seconds} * 10**9
time.time = lambda: now() + {seconds}

from api.__main__ import main

main()
"""


def on_a_machine(minutes_ahead: int) -> tuple[str, ...]:
    """Return the program `tailwire` as it runs on a machine whose clock is ahead by so many minutes."""
    return sys.executable, "-c", PROGRAM.format(seconds=minutes_ahead * 60)


@pytest.fixture
def settings(store_url: str) -> dict[str, str]:
    return {"TAILWIRE_STORE": store_url, "TAILWIRE_PORT": "0"}


@pytest.fixture
async def nodes(settings: dict[str, str], tmp_path: Path) -> AsyncIterator[list[Node]]:
    """Three nodes on one store: one with the right time, one that is ahead, one that is behind."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(serving(settings, tmp_path, program=on_a_machine(minutes)))
            for minutes in (0, MINUTES, -MINUTES)
        ]


async def test_nodes_with_wrong_clocks_serve_each_others_users(nodes: list[Node]) -> None:
    people = [await node.sign_up(f"user{number}") for number, node in enumerate(nodes)]
    for person in people:
        for node in nodes:
            answer = await node.client(Authorization=f"Bearer {person.access_token}").get("/users/me")
            assert answer.status_code == 200
    for person, node in zip(people, [*nodes[1:], nodes[0]], strict=True):
        tokens = {"refresh_token": person.refresh_token}
        # The second time is that of a client to which the first answer was lost: a used token is taken again.
        for _ in range(2):
            assert (await node.client().post("/auth/refresh", json=tokens)).status_code == 200


async def test_the_times_of_a_room_come_from_the_stores_clock(nodes: list[Node]) -> None:
    async with AsyncExitStack() as stack:
        people = [await node.sign_up(f"user{number}") for number, node in enumerate(nodes)]
        sockets = [await stack.enter_async_context(person.socket()) for person in people]
        await sockets[0].send(type="subscribe", room_id=LOBBY_ID)
        await sockets[0].until(type="live")
        for number in range(6):
            await sockets[number % 3].call(type="send", room_id=LOBBY_ID, ref=f"{number}", body="Hello!")
        said = await people[0].http.get(f"/rooms/{LOBBY_ID}/messages")
        await shows_its_skew(people)
    now = datetime.now(UTC)
    times = [datetime.fromisoformat(message["at"]) for message in said.json()["items"]]
    assert len(times) == 6
    assert all(abs(now - at) < timedelta(minutes=1) for at in times)


async def shows_its_skew(people: list[Person]) -> None:
    for person, minutes in zip(people, (0, MINUTES, -MINUTES), strict=True):
        ready = await person.http.get("/readyz")
        assert ready.status_code == 200
        assert abs(ready.json()["clock_skew_ms"] - minutes * 60_000) < 5_000
        assert ready.json()["feed"]["lag_ms"] < 5_000


async def test_doctor_says_that_a_clock_is_wrong(settings: dict[str, str], tmp_path: Path) -> None:
    async with asyncio.timeout(30):
        code, out, _ = await result(settings, tmp_path, "doctor", program=on_a_machine(MINUTES))
    assert code == 1
    (wrong,) = [line for line in out.splitlines() if line.startswith("WRONG")]
    assert "ms ahead of the store's" in wrong
