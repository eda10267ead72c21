"""The log of requests and sockets: who, from where, what and how it ended, and no secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.http.request_log import shown_path
from api.models.rooms import LOBBY_ID
from tests.process import serving

pytestmark = pytest.mark.anyio

PROXIED = {"X-Forwarded-For": "203.0.113.7"}


def lines_of(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text().splitlines():
        said = json.loads(line)
        if said["logger"] == "api.access":
            yield said


async def test_a_line_says_who_asked_for_what_and_from_where(tmp_path: Path) -> None:
    settings = {
        "TAILWIRE_PORT": "0",
        "TAILWIRE_LOG_FORMAT": "json",
        "TAILWIRE_TRUSTED_PROXIES": "127.0.0.1",
        "TAILWIRE_SIGNUP": "open",
    }
    with (tmp_path / "log").open("wb") as log:
        async with serving(settings, tmp_path, log=log) as node:
            alice = await node.sign_up("alice")
            await alice.http.get("/rooms?scope=mine", headers=PROXIED)
            await node.client(**PROXIED).get("/rooms/1")
            async with alice.socket() as socket:
                await socket.call(type="send", room_id=LOBBY_ID, body="secret words")
                await alice.http.post("/auth/logout")
                await socket.closed()
            with pytest.raises(InvalidStatus):
                await connect(node.ws_url, additional_headers=PROXIED | {"Authorization": "Bearer no"})
            await node.client().get("/healthz")
    lines = list(lines_of(tmp_path / "log"))
    told = ("event", "path", "status", "address", "user_id", "code")
    found = [tuple(line.get(name) for name in told) for line in lines]
    assert ("request", "/auth/signup", 201, "127.0.0.1", None, None) in found
    assert ("request", "/rooms", 200, "203.0.113.7", alice.id, None) in found
    assert ("request", "/rooms/1", 401, "203.0.113.7", None, "unauthorized") in found
    assert ("socket", None, None, "127.0.0.1", alice.id, 4501) in found
    assert ("handshake", None, 401, "203.0.113.7", None, "unauthorized") in found
    assert "/healthz" not in [line.get("path") for line in lines]  # a probe every few seconds
    assert "secret words" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/rooms/lobby/messages", "/rooms/lobby/messages"),
        ("/invites/c0de/accept", "/invites/*/accept"),
        ("/admin/invites", "/admin/invites"),
        ("/hooks/t0ken", "/hooks/*"),
        ("/files/abc/123.signature/cat.png", "/files/*/*/*"),
        ("/files/", "/files/"),
        ("/setup/t0ken", "/setup/*"),
    ],
)
def test_a_path_that_opens_something_is_not_shown(path: str, shown: str) -> None:
    assert shown_path(path) == shown
