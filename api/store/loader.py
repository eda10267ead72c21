"""Joins look-ups of single keys that come at the same time into one query of the store."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final, Generic, TypeVar

from api.errors import Unavailable

K = TypeVar("K")
V = TypeVar("V")

MAX_KEYS: Final = 500
"""One query asks for at most this many keys: an answer of 500 rows takes a store some 10 ms, and delays others by no
more."""


class Loader(Generic[K, V]):
    """Collects the keys that are asked for while a query is under way, and asks for all of them in the next query.

    So an answer is never older than its question, and a lone question does not wait. When many clients ask at once,
    they cost the store one query per round trip, not one per client. This is the pattern of GraphQL's DataLoader,
    without its cache.
    """

    def __init__(self, fetch: Callable[[list[K]], Awaitable[dict[K, V]]]) -> None:
        """`fetch` returns the values of many keys, and leaves out keys without one. It may raise `TailwireError`."""
        self._fetch = fetch
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self.question_count = 0

    async def load(self, key: K) -> V | None:
        """Return the store's value for a key, or None. Raises what `fetch` raises, and `Unavailable` when closed."""
        answer = self._waiting.get(key)
        if answer is None:
            self._waiting[key] = answer = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._ask(), name="loader")
        return await asyncio.shield(answer)

    async def close(self) -> None:
        """Cancel the query that is under way. Callers that wait get `Unavailable`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self) -> None:
        asked: dict[K, asyncio.Future[V | None]] = {}
        try:
            await asyncio.sleep(0)  # so that all calls of this turn of the event loop join the query
            while self._waiting:
                asked = {key: self._waiting.pop(key) for key in list(islice(self._waiting, MAX_KEYS))}
                self.question_count += 1
                try:
                    found = await self._fetch(list(asked))
                except Exception as error:  # noqa: BLE001  the callers get it
                    _fail(asked, error)
                else:
                    for key, answer in asked.items():
                        if not answer.done():
                            answer.set_result(found.get(key))
        finally:
            self._task = None
            _fail(asked | self._waiting, Unavailable("the server stops"))


def _fail(asked: dict[K, asyncio.Future[V | None]], error: Exception) -> None:
    for answer in asked.values():
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # asyncio logs an error that nobody takes, and the caller may be gone
