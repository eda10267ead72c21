"""A small TCP proxy that makes the network slow, silent or cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

CHUNK: Final = 64 * 1024


class Proxy:
    """Passes bytes on to `port` of this machine, according to its state. `proxied` makes it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._is_cut = False
        self.delay_seconds = 0.0
        self.most_sent: int | None = None
        """A connection that is opened from now on brings so many bytes to the server, and then hangs. None: all."""
        self.accepted = 0
        self.port = 0

    def silence(self) -> None:
        """Let nothing through, and tell neither side: a half-open connection."""
        self._passing.clear()

    def cut(self) -> None:
        """Reset every connection and take no new one."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def lead(self, port: int) -> None:
        """Reset every connection, and pass those that come from now on to another port."""
        self.cut()
        self._target = port
        self.heal()

    def heal(self) -> None:
        """Let everything through again, and first the bytes that waited."""
        self._is_cut = False
        self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.accepted += 1
        try:
            await self._passing.wait()
            if self._is_cut:
                return
            with suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", self._target)
                self._writers.add(back)
                await self._both_ways(reader, writer, there, back)
                self._writers.discard(back)
                back.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        ways = [
            asyncio.create_task(self._pass(reader, back, self.most_sent)),
            asyncio.create_task(self._pass(there, writer)),
        ]
        self._tasks.update(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._tasks.difference_update(ways)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None = None
    ) -> None:
        passed = 0
        while data := await reader.read(CHUNK):
            await self._passing.wait()
            passed += len(data)
            if most is not None and passed > most:
                await asyncio.Event().wait()  # until the connection is cut
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)  # the latency of the network
            writer.write(data)
            await writer.drain()

    def close(self) -> None:
        """End everything."""
        self.cut()
        self._passing.set()
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def proxied(port: int) -> AsyncIterator[Proxy]:
    """Run a proxy to `port` on another port."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.close()
        server.close()
