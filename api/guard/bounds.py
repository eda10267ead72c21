"""Connections over which no more comes than was allowed."""

import ssl
from typing import Any

import httpcore

# ruff: noqa: D102 - the methods of a stream are those of httpcore


class AnswerBounds:
    """How much may come over a connection in answer to a request. With `heads` None these are not counted."""

    def __init__(self, most: int, *, heads: int | None) -> None:
        self._most, self._most_heads = most, heads
        self.begin()

    def begin(self) -> None:
        """Begin anew, for the next request."""
        self.left, self._heads = self._most, 0

    def count(self, data: bytes) -> None:
        """Note what came. Raises `httpcore.ReadError`."""
        self.left -= len(data)
        self._heads += data.count(b"HTTP/1.")
        if self._most_heads is not None and self._heads > self._most_heads:
            raise httpcore.ReadError("there are too many answers before the answer")


class BoundedStream(httpcore.AsyncNetworkStream):
    """A connection over which each request is answered within bounds. Reading more raises `httpcore.ReadError`."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, bounds: AnswerBounds) -> None:
        self._stream = stream
        self._bounds = bounds

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  of httpcore
        if self._bounds.left < 1:
            raise httpcore.ReadError("the answer is too long")
        data = await self._stream.read(min(max_bytes, self._bounds.left), timeout)
        self._bounds.count(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  of httpcore
        self._bounds.begin()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  of httpcore
    ) -> httpcore.AsyncNetworkStream:
        return BoundedStream(
            await self._stream.start_tls(ssl_context, server_hostname, timeout), self._bounds
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
