"""A TCP proxy that resets each connection after some bytes, somewhere in the middle of a frame or a header."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class CuttingProxy:
    """Passes bytes on to `port` of this machine. While it `cuts`, a connection lives for a random number of bytes."""

    def __init__(self, port: int, rng: random.Random, most_bytes: int) -> None:
        self._target = port
        self._rng = rng
        self._most_bytes = most_bytes
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = True
        self.cut = 0
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = [self._rng.randrange(1, self._most_bytes)]
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        ways = [
            asyncio.create_task(self._pass(reader, back, left)),
            asyncio.create_task(self._pass(there, writer, left)),
        ]
        self._tasks.update(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._tasks.difference_update(ways)
            writer.transport.abort()
            back.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[int]
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data[: left[0]] if self.cuts else data)
                await writer.drain()
                left[0] -= len(data)
                if self.cuts and left[0] <= 0:
                    self.cut += 1
                    return

    def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def cutting(port: int, *, seed: int, most_bytes: int) -> AsyncIterator[CuttingProxy]:
    """Run a proxy to `port`. The same seed cuts in the same places."""
    proxy = CuttingProxy(port, random.Random(seed), most_bytes)
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        proxy.close()
        server.close()
