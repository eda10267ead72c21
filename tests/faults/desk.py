"""Where the bytes of files are kept in a case, and people who upload, send, open and delete files over HTTP."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from api.files import S3Access, open_file_store
from tests.faults.client import Account
from tests.faults.filed import Opened
from tests.faults.machine import Api
from tests.faults.web import LOST
from tests.node import http_client
from tests.s3 import S3Server, s3_server

CHUNK: Final = 64 * 1024
AGAIN: Final = {429, 500, 502, 503, 504}
AGAIN_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 60.0


class BrokenOff(Exception):
    """The sender of a body goes away."""


@dataclass
class Place:
    """Where the bytes of files are."""

    settings: dict[str, str]
    where: str
    access: S3Access
    kind: str

    async def kept(self) -> set[tuple[str, str]]:
        """Return the parts and ids of all that is kept."""
        opened = open_file_store(self.where, self.access)
        try:
            return {(str(one.part), one.file_id) async for one in opened.all()}
        finally:
            await opened.close()


@asynccontextmanager
async def in_folder(directory: Path) -> AsyncIterator[Place]:
    """Keep the bytes in a folder that all nodes share."""
    where = str(directory / "files")
    yield Place({"TAILWIRE_FILES": where, "TAILWIRE_FILES_SHARED": "true"}, where, S3Access(), "a folder")


@asynccontextmanager
async def in_s3(_directory: Path) -> AsyncIterator[Place]:
    """Keep the bytes in a bucket of a server that is started for this."""
    with s3_server() as server:
        yield _bucket(server)


def _bucket(server: S3Server) -> Place:
    where, access = f"s3://{server.bucket()}/below", server.access
    settings = {
        "TAILWIRE_FILES": where,
        "TAILWIRE_FILES_ENDPOINT": server.endpoint,
        "TAILWIRE_FILES_REGION": str(access.region),
        "TAILWIRE_FILES_KEY_ID": str(access.key_id),
        "TAILWIRE_FILES_KEY": str(access.key),
    }
    return Place(settings, where, access, server.kind)


@dataclass
class Desk:
    """One person, who asks any node, again and again, until there is an answer."""

    nodes: Sequence[Api]
    account: Account
    rng: random.Random

    async def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return an answer that is final. What was lost on the way is asked again, as all of it may be."""
        until = time.monotonic() + PATIENCE_SECONDS
        headers = {"Authorization": f"Bearer {self.account.access_token}"} | more.pop("headers", {})
        while True:
            with suppress(*LOST):
                async with http_client(self.rng.choice(self.nodes).url) as client:
                    answer = await client.request(method, path, headers=headers, **more)
                if answer.status_code not in AGAIN:
                    return answer
            if time.monotonic() > until:
                raise TimeoutError(f"{method} {path}")
            await asyncio.sleep(AGAIN_SECONDS)

    async def begin(self, room_id: str, size: int) -> str | None:
        """Begin an upload, or return None where that is refused."""
        answer = await self.request(
            "POST", f"/rooms/{room_id}/files", headers={"Upload-Length": str(size), "Content-Length": "0"}
        )
        return str(answer.json()["file_id"]) if answer.is_success else None

    async def offset(self, file_id: str) -> int | None:
        """Return how far an upload is, or None where it is gone."""
        answer = await self.request("HEAD", f"/files/{file_id}")
        return int(answer.headers["upload-offset"]) if answer.is_success else None

    async def add(self, file_id: str, data: bytes, offset: int, cut: int | None = None) -> bool:
        """Send the rest of a file, and break off at `cut` if that is given. Returns whether it is whole."""

        async def chunks() -> AsyncIterator[bytes]:
            end = len(data) if cut is None else cut
            for begin in range(offset, end, CHUNK):
                yield data[begin : min(begin + CHUNK, end)]
            if cut is not None:
                raise BrokenOff

        headers = {
            "Authorization": f"Bearer {self.account.access_token}",
            "Upload-Offset": str(offset),
            "Content-Length": str(len(data) - offset),
        }
        try:
            async with http_client(self.rng.choice(self.nodes).url, timeout=PATIENCE_SECONDS) as client:
                answer = await client.patch(f"/files/{file_id}", content=chunks(), headers=headers)
        except (BrokenOff, *LOST):
            return False
        return answer.is_success and bool(answer.json()["whole"])

    async def upload(self, room_id: str, data: bytes, cuts: Sequence[int] = ()) -> str | None:
        """Upload a file, and break off once at each of these places. Returns its id, or None where it went meanwhile.

        A server that still asks S3 for what it has takes nothing of what came before its client was gone.
        """
        file_id = await self.begin(room_id, len(data))
        waiting, until = sorted(cuts), time.monotonic() + 2 * PATIENCE_SECONDS
        while file_id is not None and time.monotonic() < until:
            offset = await self.offset(file_id)
            if offset is None:
                return None
            waiting = [one for one in waiting if one > offset]
            if await self.add(file_id, data, offset, waiting.pop(0) if waiting else None):
                return file_id
            await asyncio.sleep(AGAIN_SECONDS)
        return None

    async def send(self, room_id: str, ref: str, file_ids: Sequence[str]) -> dict[str, Any] | None:
        """Send a message with files, or return None where it is refused."""
        body = {"ref": ref, "body": "", "files": list(file_ids)}
        answer = await self.request("POST", f"/rooms/{room_id}/messages", json=body)
        return answer.json() if answer.is_success else None

    async def url(self, file_id: str) -> str | None:
        """Return the path of a file's address, or None where it is not there."""
        answer = await self.request("POST", "/files/urls", json={"file_ids": [file_id]})
        return str(urlsplit(answer.json()["items"][0]["url"]).path) if answer.is_success else None

    async def open(self, file_id: str) -> Opened | None:
        """Return what the address of a file gives, or None where it gives nothing."""
        path = await self.url(file_id)
        if path is None:
            return None
        answer = await self.request("GET", path)
        if not answer.is_success:
            return None
        return Opened(hashlib.sha256(answer.content).hexdigest(), len(answer.content))

    async def shown(self, room_id: str) -> list[dict[str, Any]]:
        """Return all messages of a room."""
        found: list[dict[str, Any]] = []
        before: int | None = None
        while True:
            query = {"limit": 100} | ({} if before is None else {"before": before})
            page = (await self.request("GET", f"/rooms/{room_id}/messages", params=query)).json()
            found = [*page["items"], *found]
            if not page["has_more"]:
                return found
            before = page["items"][0]["seq"]


async def desks(nodes: Sequence[Api], count: int, seed: int) -> tuple[list[Desk], str]:
    """Sign people up, and let them be in a room. Returns them, and the id of the room."""
    accounts = [await nodes[0].sign_up(f"f{seed}x{number}") for number in range(count)]
    room = {"name": f"F{seed}", "visibility": "public"}
    room_id = str((await nodes[0].ask("POST", "/rooms", accounts[0], json=room))["id"])
    for account in accounts[1:]:
        await nodes[0].ask("POST", f"/rooms/{room_id}/join", account)
    return [
        Desk(nodes, one, random.Random(f"{seed}:{number}")) for number, one in enumerate(accounts)
    ], room_id
