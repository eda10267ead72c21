"""The cost of a storm of clients to the store: one question for many keys, and shared pages."""

import asyncio
from collections.abc import Sequence

import pytest

from api.errors import Unavailable
from api.models.log import Draft, Kind
from api.models.rooms import LOBBY_ID
from api.realtime.replay import PAGE, Replay
from api.store.base.store import Store
from api.store.loader import MAX_KEYS, Loader

pytestmark = pytest.mark.anyio


class Asked:
    """Keeps the questions, and answers each key with itself once it may."""

    def __init__(self) -> None:
        self.questions: list[list[str]] = []
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def fetch(self, keys: Sequence[str]) -> dict[str, str]:
        self.questions.append(list(keys))
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return {key: key for key in keys if not key.startswith("no")}


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_asks_during_a_question_is_part_of_the_next_one() -> None:
    asked = Asked()
    loader = Loader(asked.fetch)
    first = asyncio.create_task(loader.load("a"))
    await turns()
    later = [asyncio.create_task(loader.load(key)) for key in ("b", "c", "b", "a")]
    await turns()
    assert asked.questions == [["a"]], "a second question does not begin before the first has its answer"
    asked.may_answer.set()
    assert await asyncio.gather(first, *later) == ["a", "b", "c", "b", "a"]
    assert asked.questions == [["a"], ["b", "c", "a"]], "who asked later gets an answer from later"
    assert loader.question_count == 2


async def test_what_there_is_not_is_none_and_a_failure_is_everyones() -> None:
    asked = Asked()
    asked.may_answer.set()
    loader = Loader(asked.fetch)
    nobody, somebody = await asyncio.gather(loader.load("nobody"), loader.load("a"))
    assert (nobody, somebody) == (None, "a")
    asked.error = Unavailable()
    failed = await asyncio.gather(loader.load("a"), loader.load("b"), return_exceptions=True)
    assert [type(one) for one in failed] == [Unavailable, Unavailable]
    asked.error = None
    assert await loader.load("b") == "b", "a failure is not remembered"


async def test_one_question_is_never_larger_than_its_bound() -> None:
    asked = Asked()
    asked.may_answer.set()
    loader = Loader(asked.fetch)
    await asyncio.gather(*(loader.load(str(number)) for number in range(MAX_KEYS + 1)))
    assert [len(question) for question in asked.questions] == [MAX_KEYS, 1]


async def test_closing_answers_those_who_wait() -> None:
    loader = Loader(Asked().fetch)
    waiting = asyncio.create_task(loader.load("a"))
    await turns()
    await loader.close()
    with pytest.raises(Unavailable):
        await waiting


async def fill(store: Store, count: int) -> str:
    """Append messages to the lobby; return its epoch."""
    epoch = ""
    for number in range(count):
        data = {"body": f"m{number}", "reply_to": None}
        appended = await store.log.append(
            LOBBY_ID, Draft(Kind.MESSAGE, "u", "alice", 1, f"r{number}", {**data})
        )
        epoch = appended.epoch
    return epoch


async def test_a_thousand_that_were_away_cost_the_store_a_read_per_page(store: Store) -> None:
    count = PAGE + 20
    epoch = await fill(store, count)
    replay = Replay(store)
    try:
        frames = await asyncio.gather(
            *(replay.frames(LOBBY_ID, epoch, after, count) for after in range(count) for _ in range(10))
        )
    finally:
        await replay.close()
    for number, page in enumerate(frames):
        last = PAGE if number // 10 < PAGE else count
        assert [one.seq for one in page] == list(range(number // 10 + 1, last + 1))
    assert replay.read_count == 2


async def test_a_page_read_before_an_entry_is_no_answer_to_who_asks_for_it_after(store: Store) -> None:
    epoch = await fill(store, 3)
    replay = Replay(store)
    try:
        assert [one.seq for one in await replay.frames(LOBBY_ID, epoch, 0, 3)] == [1, 2, 3]
        await store.log.append(
            LOBBY_ID, Draft(Kind.MESSAGE, "u", "alice", 1, "new", {"body": "x", "reply_to": None})
        )
        assert [one.seq for one in await replay.frames(LOBBY_ID, epoch, 3, 4)] == [4]
        assert [one.seq for one in await replay.frames(LOBBY_ID, epoch, 1, 3)] == [2, 3]
    finally:
        await replay.close()
