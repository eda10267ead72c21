"""The HTTP half of the protocol: credentials, retries, pages."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from tailwire_client.answer import ask, pieces
from tailwire_client.credentials import Credentials
from tailwire_client.errors import (
    BrokenContract,
    RateLimited,
    SessionEnded,
    SlowMode,
    TailwireError,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from tailwire_client.pace import Pace
from tailwire_client.shape import read

T = TypeVar("T")

PATIENCE_SECONDS: Final = 60.0
"""A request is tried again for so long before its error is raised."""
_SAFE: Final = frozenset({"GET", "PUT", "DELETE"})
"""Methods that may be sent twice: done already is done."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Query = Mapping[str, str | int | bool | None]


class Web:
    """Sends requests with the credentials, and again where that is safe and of use."""

    def __init__(
        self, http: httpx.AsyncClient, credentials: Credentials, pace: Pace, patience_seconds: float
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._pace = pace
        self._patience_seconds = patience_seconds

    async def token(self) -> str:
        """Return a token that should hold, for a socket."""
        return await self._credentials.token(self._http)

    async def renew(self, refused: str) -> str:
        """Return another token than the one that was refused."""
        return await self._credentials.renew(self._http, refused)

    async def get(self, path: str, query: Query | None = None) -> Any:
        """Return what is there."""
        return await self.call("GET", path, query=query)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        is_safe: bool | None = None,
        wait_seconds: float = 0.0,
        for_ever: bool = False,
    ) -> Any:
        """Return the JSON of the answer, or None.

        What `is_safe` to be sent twice is sent again when the server could not be reached or could not do it; what is
        not, only when the server has surely not done it. Without it the method decides. Raises the last error when
        patience ends, and at once where it would end before the server's `Retry-After`; it does not end `for_ever`.
        `wait_seconds` is how much longer than usual the server may take.
        """
        may_repeat = method in _SAFE if is_safe is None else is_safe
        ends_at = math.inf if for_ever else time.monotonic() + self._patience_seconds
        tries = 0
        while True:
            try:
                return await self.once(
                    method,
                    path,
                    query=query,
                    body=body,
                    content=content,
                    headers=headers,
                    wait_seconds=wait_seconds,
                )
            except TailwireError as error:
                wait = self._wait_after(error, tries, may_repeat=may_repeat)
                if wait is None or time.monotonic() + wait > ends_at:
                    raise
            tries += 1
            await asyncio.sleep(wait)

    async def once(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        wait_seconds: float = 0.0,
    ) -> Any:
        """Send a request, and once more where the token had ended. Raises SessionEnded where no other holds."""
        token = await self.token()
        shown = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        for attempt in range(2):
            try:
                return await ask(
                    self._http,
                    method,
                    path,
                    query=shown,
                    body=body,
                    content=content,
                    headers=headers,
                    token=token,
                    wait_seconds=wait_seconds,
                )
            except Unauthorized as refusal:
                if refusal.code != "unauthorized":
                    raise
                if attempt:
                    raise SessionEnded("The server takes none of the tokens") from refusal
                token = await self.renew(token)
        raise AssertionError

    def reachable(self, url: str) -> str:
        """Return an address of the server as this client reaches it.

        A server that was not told its address gives one that holds on its own machine only.
        """
        given = httpx.URL(url)
        if given.host not in LOOPBACK:
            return url
        return str(self._http.base_url).rstrip("/") + given.raw_path.decode()

    async def bytes_at(self, url: str, *, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the bytes at an address that needs no token, from one on. Raises Problem and Unreachable."""
        async for piece in pieces(self._http, url, start):
            yield piece

    async def pages(self, kind: type[T], path: str, query: Query | None = None) -> AsyncIterator[T]:
        """Yield the items of all pages of a list."""
        cursor: str | None = None
        while True:
            page = await self.get(path, {**(query or {}), "cursor": cursor})
            for item in items_of(page):
                yield read(kind, item)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _wait_after(self, error: TailwireError, tries: int, *, may_repeat: bool) -> float | None:
        """Return the seconds to wait before the same is sent again, or None where it is not to be."""
        if isinstance(error, SlowMode):
            return error.retry_after_seconds
        if isinstance(error, RateLimited):
            return (error.retry_after_seconds or 0.0) + self._pace.wait(tries)
        if isinstance(error, Unreachable) and (may_repeat or error.is_unsent):
            return self._pace.wait(tries)
        if isinstance(error, Unavailable) and may_repeat:
            return max(error.retry_after_seconds or 0.0, self._pace.wait(tries))
        return None


def items_of(page: Any) -> list[Any]:
    """Return the items of a page."""
    if not isinstance(page, dict) or not isinstance(page.get("items"), list):
        raise BrokenContract("The answer is not a page")
    items: list[Any] = page["items"]
    return items


def path(*segments: str | int) -> str:
    """Return the path of these segments, each quoted. Raises ValueError for one that would lead elsewhere."""
    texts = [str(one) for one in segments]
    if not all(texts) or {".", ".."} & set(texts):
        raise ValueError("an id is empty, or is not one")
    return "".join(f"/{quote(one, safe='')}" for one in texts)


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _text(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
