"""The HTTP side of a client: it carries commands, and loads pages of the history."""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import httpx

from tests.faults.commands import Command
from tests.faults.fold import MOST
from tests.faults.history import Fields, What
from tests.node import http_client

REQUEST_SECONDS: Final = 15.0
AGAIN_SECONDS: Final = 0.3
LOST: Final = (httpx.TransportError, AttributeError)
"""So a request fails whose node is killed. It is `AttributeError` if the connection is lost in the moment it opens."""


class Answer(NamedTuple):
    """What became of a command. `seq` is that of the entry, where the answer has it."""

    what: What
    seq: int | None = None
    code: str | None = None


class Web:
    """See the module. It calls `url` for a node's address at each request."""

    def __init__(self, url: Callable[[], str], access_token: str) -> None:
        self._url = url
        self._http = http_client(
            "", headers={"Authorization": f"Bearer {access_token}"}, timeout=REQUEST_SECONDS
        )

    async def close(self) -> None:
        """End all connections."""
        await self._http.aclose()

    async def carry(self, command: Command) -> Answer:
        """Ask for a change."""
        method, path, query, body, headers = command.request()
        try:
            answer = await self._http.request(
                method, self._url() + path, params=query, json=body, headers=headers
            )
        except LOST:
            return Answer(What.UNKNOWN)
        if answer.is_success:
            return Answer(What.ACK, answer.json()["seq"] if command.kind == "message" else None)
        code = _code(answer)
        return Answer(What.UNKNOWN if code == "unavailable" else What.FAIL, code=code)

    async def page(self, room_id: str, epoch: str) -> list[Fields]:
        """Return the newest messages of a room, as soon as a node has them under this epoch."""
        path = f"/rooms/{room_id}/messages"
        while True:
            try:
                answer = await self._http.get(self._url() + path, params={"limit": MOST})
            except LOST:
                answer = None
            if answer is not None and answer.is_success and answer.json()["epoch"] == epoch:
                items: list[Fields] = answer.json()["items"]
                return items
            await asyncio.sleep(AGAIN_SECONDS)


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "unavailable"  # it was cut off, so the outcome is unknown
