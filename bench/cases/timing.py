"""Measures whether a hidden room is answered as fast as one that does not exist.

    python -m bench.cases.timing [SQLite or RethinkDB store url]

One stranger asks for both in turn, so that other work of the machine delays both alike.
"""

import asyncio
import statistics
import sys
import tempfile
import time

import httpx

from api.config import Settings
from tests.node import running
from tests.rooms.test_rooms import make_room

ROUNDS = 400
PATHS = ("", "/members", "/messages", "/messages/1", "/log")


async def measure(store_url: str) -> None:
    """Print the median of each in milliseconds, and the difference."""
    async with running(Settings(store=store_url, log_level="warning")) as node:
        owner, stranger = await node.sign_up("owner-of-it"), await node.sign_up("stranger")
        hidden = (await make_room(owner, "Den", "private"))["id"]
        unknown = "A" * len(hidden)
        for path in PATHS:
            took: dict[str, list[float]] = {hidden: [], unknown: []}
            for round_ in range(2 * ROUNDS):
                room_id = hidden if round_ % 2 else unknown
                began = time.perf_counter()
                answer = await stranger.http.get(f"/rooms/{room_id}{path}")
                took[room_id].append(1_000 * (time.perf_counter() - began))
                if answer.status_code != httpx.codes.NOT_FOUND:
                    raise SystemExit(f"{path}: {answer.status_code}")
            there, not_there = (statistics.median(took[room_id]) for room_id in (hidden, unknown))
            name = f"GET /rooms/id{path}"
            print(f"{name:28} hidden {there:6.2f}  unknown {not_there:6.2f}  {there / not_there - 1:+.1%}")


def main() -> None:
    """Measure the store of the command line, or else an empty one on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/tailwire.db"
        asyncio.run(measure(url))


if __name__ == "__main__":
    main()
