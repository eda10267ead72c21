"""Receivers of webhooks that are killed, are slow, refuse, or break off, and note all that comes."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.faults.posting import ANSWER_SECONDS
from tests.faults.posts import TAKING, Inbox, Post, Reply
from tests.rethinkdb_server import free_port

SLOW_SECONDS: Final = (0.05, 0.6)
UNSURE_SECONDS: Final = 1.0
"""Whoever ends a connection does not know whether the answers of this time before were read."""
MOODS: Final[Mapping[str, Mapping[Reply, float]]] = {
    # How often each answer is given, by the mood of a receiver.
    "good": {Reply.TAKEN: 1},
    "slow": {Reply.SLOW: 1},
    "down": {Reply.TAKEN: 2, Reply.DOWN: 1},
    "moved": {Reply.TAKEN: 2, Reply.MOVED: 1},
    "refuses": {Reply.TAKEN: 2, Reply.REFUSED: 2},
    "gone": {Reply.TAKEN: 6, Reply.GONE: 1},
    "cuts": {Reply.TAKEN: 2, Reply.CUT: 1, Reply.HALF: 1},
    "late": {Reply.TAKEN: 15, Reply.LATE: 1},
    "mixed": dict.fromkeys(Reply, 1.0) | {Reply.TAKEN: 9, Reply.LATE: 0.4},
}
_HEADS: Final = {
    Reply.TAKEN: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    Reply.SLOW: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    Reply.LATE: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    Reply.DOWN: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    Reply.MOVED: b"HTTP/1.1 301 Moved Permanently\r\nLocation: /in\r\nContent-Length: 0\r\n\r\n",
    Reply.REFUSED: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    Reply.GONE: b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    Reply.HALF: b"HTTP/1.1 200 O",
    Reply.CUT: b"",
}


@dataclass
class Receiver:
    """One receiver. It serves the inboxes by the last part of the path; `open` and `kill` it as often as is wanted."""

    rng: random.Random
    port: int = field(default_factory=free_port)
    mood: str = "good"
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _last: dict[asyncio.StreamWriter, Post | None] = field(default_factory=dict)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, name: str) -> str:
        """Return the address of an inbox."""
        return f"http://127.0.0.1:{self.port}/in/{name}"

    async def open(self) -> None:
        """Listen on the port of before, if it does not."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def kill(self) -> None:
        """End all connections in whatever state they are, and listen no more."""
        if self._server is not None:
            self._server.close()
            for writer, last in self._last.items():
                if last is not None and last.at > time.monotonic() - UNSURE_SECONDS:
                    last.is_sure = False
                writer.transport.abort()
            for task in list(self._serving):
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._last[writer] = None
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                    headers = {
                        name.lower(): value.strip()
                        for name, _, value in (line.partition(":") for line in lines[1:-2])
                    }
                    body = await reader.readexactly(int(headers["content-length"]))
                    name = lines[0].split()[1].rpartition("/")[2]
                    post = self._note(self.inboxes[name], self.secrets[name], headers, body)
                    if post is None or not await self._answer(post, writer):
                        return
        finally:
            del self._last[writer]
            writer.transport.abort()

    def _note(self, inbox: Inbox, secret: str, headers: dict[str, str], body: bytes) -> Post | None:
        try:
            Verifier(secret).verify(body, headers)
        except WebhookVerificationError as error:
            inbox.wrong.append(f"a bad signature: {error}")
            return None
        read = json.loads(body)
        data = read["data"]
        chances = MOODS[self.mood]
        (reply,) = self.rng.choices(list(chances), list(chances.values()))
        post = Post(
            headers["webhook-id"], read["type"], data["epoch"], data["seq"], time.monotonic(), data, reply
        )
        inbox.posts.append(post)
        return post

    async def _answer(self, post: Post, writer: asyncio.StreamWriter) -> bool:
        """Answer as it was drawn. Returns whether the connection goes on."""
        self._last[writer] = post
        if post.reply is Reply.SLOW:
            await asyncio.sleep(self.rng.uniform(*SLOW_SECONDS))
        elif post.reply is Reply.LATE:
            await asyncio.sleep(ANSWER_SECONDS + 0.5)
        writer.write(_HEADS[post.reply])
        post.is_taken = post.reply in TAKING
        # Where this machine was slow, whoever has posted may have given up before the answer.
        post.is_sure = time.monotonic() < post.at + ANSWER_SECONDS / 2
        await writer.drain()
        return post.reply not in {Reply.CUT, Reply.HALF, Reply.LATE}


@asynccontextmanager
async def receiving(count: int, seed: int) -> AsyncIterator[Sequence[Receiver]]:
    """Run some receivers, each with random moments of its own."""
    receivers = [Receiver(random.Random(f"{seed}:{number}")) for number in range(count)]
    try:
        for one in receivers:
            await one.open()
        yield receivers
    finally:
        for one in receivers:
            await one.kill()
