"""A receiver of webhooks: a server on this machine that notes every request, and answers as a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from tests.accepting import accepting

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(status: int, *headers: str) -> bytes:
    """Return an answer with this status and these header lines."""
    lines = [f"HTTP/1.1 {status} x", "Content-Length: 0", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True)
class Request:
    """One request that came whole."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` says what each request is answered with, or None for nothing. One without a whole head is cut off."""

    url: str = ""
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connection_count: int = 0
    answers: Callable[[Request], bytes | None] = lambda _request: OK
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, count: int, seconds: float = 10.0) -> list[Request]:
        """Wait until so many requests have come, and return all."""
        async with asyncio.timeout(seconds), self.came:
            await self.came.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connection_count += 1
        try:
            while (request := await _request(reader)) is not None:
                answer = self.answers(request)
                async with self.came:
                    self.requests.append(request)
                    self.came.notify_all()
                if answer is None:
                    await asyncio.Event().wait()
                elif not answer:
                    return
                else:
                    writer.write(answer)
                    if b"\r\n\r\n" not in answer or b"close" in answer:
                        return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0].split()[1], headers, body)


@asynccontextmanager
async def receiving(
    host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver, which is reached at `url`."""
    receiver = Receiver()
    async with accepting(receiver.serve, host, port, tls) as receiver.port:
        receiver.url = f"{'https' if tls else 'http'}://{host}:{receiver.port}/in"
        yield receiver
