"""A web site on this machine, for the tests of link previews: it notes every request, and answers as a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.accepting import accepting

Answer: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, type_: str = "text/html; charset=utf-8", *headers: str, status: int = 200) -> bytes:
    """Return an answer with this body."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {type_}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def redirect(place: str, status: int = 302) -> bytes:
    """Return an answer that leads elsewhere."""
    return answer(b"", "text/plain", f"Location: {place}", status=status)


def page(*, title: str = "", head: str = "", body: str = "") -> bytes:
    """Return a page as an answer."""
    return answer(f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}".encode())


def meta(**said: str) -> str:
    """Return tags of the Open Graph protocol: `image` says og:image."""
    return "".join(f'<meta property="og:{name}" content="{value}">' for name, value in said.items())


@dataclass
class Site:
    """`answers` has what each path is answered with; others are 404."""

    url: str = ""
    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until_asked(self, path: str, count: int = 1) -> None:
        """Wait until a path was asked for so often."""
        async with asyncio.timeout(20), self.came:
            await self.came.wait_for(lambda: self.asked.count(path) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split()[1]
            async with self.came:
                self.asked.append(path)
                self.heads.append(head)
                self.came.notify_all()
            said = self.answers.get(path, answer(b"", status=404))
            if isinstance(said, bytes):
                writer.write(said)
                await writer.drain()
            else:
                await said(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(host: str = "127.0.0.1") -> AsyncIterator[Site]:
    """Run a site."""
    site = Site()
    async with accepting(site.serve, host) as site.port:
        site.url = f"http://{host}:{site.port}"
        yield site
