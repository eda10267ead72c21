"""Asks the store for many keys at once, however many ask for one each."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final, Generic, TypeVar

from api.errors import Unavailable

K = TypeVar("K")
V = TypeVar("V")

MAX_KEYS: Final = 500
"""Per question: an answer of this many rows takes a store some 10 ms, and delays others by no more."""


class Loader(Generic[K, V]):
    """Whoever asks while a question is under way is part of the next one.

    So an answer is never older than the question, a lone question waits for nobody, and a storm of clients
    costs the store a question per round trip, not per client. The pattern is GraphQL's DataLoader, without its
    cache.
    """

    def __init__(self, fetch: Callable[[list[K]], Awaitable[dict[K, V]]]) -> None:
        """`fetch` answers for many keys and leaves out those that there are not. Raises `TailwireError`."""
        self._fetch = fetch
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self.question_count = 0

    async def load(self, key: K) -> V | None:
        """Return what the store has under a key. Raises what `fetch` raises."""
        answer = self._waiting.get(key)
        if answer is None:
            self._waiting[key] = answer = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._ask(), name="loader")
        return await asyncio.shield(answer)

    async def close(self) -> None:
        """End what is under way; who waits gets `Unavailable`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self) -> None:
        asked: dict[K, asyncio.Future[V | None]] = {}
        try:
            await asyncio.sleep(0)  # let all who come in this turn of the loop in
            while self._waiting:
                asked = {key: self._waiting.pop(key) for key in list(islice(self._waiting, MAX_KEYS))}
                self.question_count += 1
                try:
                    found = await self._fetch(list(asked))
                except Exception as error:  # noqa: BLE001  it is for those who asked
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
            answer.exception()  # whoever asked may be gone
