"""Whatever people type into the search, over HTTP: it is answered soon, or refused. It never fails."""

import asyncio

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.models.rooms import LOBBY_ID
from tests.node import Person
from tests.rooms.finding import say, until_found

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

EXAMPLES = 150
SECONDS = 2.0
"""The index is asked for a page for 0.5 s at most. This machine may have other work."""
REFUSALS = {(422, "invalid"), (503, "unavailable")}
OPERATORS = ('"', "-", "*", ":", " ", "from:", "in:", "has:", "is:", "before:", "after:", "mentions:", "me")
WORDS = (
    *("link", "2026-11", "「", "日", "本", "a", "AND", "NOT", "NEAR(", ")", "{body}", "^", "\x00", "echo*"),
    *("in:@me", "in:lobby", "-in:lobby", "from:me", "\U0001f600", "\ufdfa", "ab*", "%", "&limit=1000"),
)
texts = st.lists(st.one_of(st.sampled_from([*OPERATORS, *WORDS]), st.text(max_size=5)), max_size=30).map(
    "".join
)


@pytest.mark.settings(searches_per_minute=10_000, commands_per_second=10_000)
async def test_any_text_is_answered_soon_or_refused(alice: Person) -> None:
    for at in range(30):
        await say(alice, LOBBY_ID, f"echo {at} 日本 a b ab me link")
    await until_found(alice, "echo", 20)
    loop = asyncio.get_running_loop()
    statuses = set[int]()

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(texts)
    def ask(text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError:
            return  # half of a surrogate pair is no character, and cannot be sent
        began = loop.time()
        answer = asyncio.run_coroutine_threadsafe(_search(alice, text), loop).result()
        statuses.add(answer.status_code)
        assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) in REFUSALS, (
            answer.text
        )
        assert loop.time() - began < SECONDS

    await asyncio.to_thread(ask)
    assert statuses >= {200, 422}


async def _search(person: Person, text: str) -> httpx.Response:
    return await person.http.get("/search", params={"q": text})
