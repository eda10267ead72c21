"""Fills a room with a long history, by the store itself while no node runs."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from api.clock import now_ms
from api.models.log import Draft, Kind
from api.store import open_store
from tests.faults.client import Account

AT_ONCE: Final = 8_000
"""Appends that wait together, so that the store commits them together."""
STEP_MS: Final = 30_000
"""The time between two messages; the last one is of now."""
TEXT: Final = (
    "In this room stands what was said in it, by whom and when; see https://example.org/words for more. " * 4
)
TOLD_EACH: Final = 100_000


async def fill(url: str, room_id: str, authors: Sequence[Account], count: int) -> None:
    """Append `count` messages to a room, and print the progress."""
    began_at, now = time.monotonic(), now_ms()
    store = await open_store(url)
    try:
        for start in range(0, count, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, count))
            drafts = [_draft(authors[n % len(authors)], n, now - (count - n) * STEP_MS) for n in numbers]
            await asyncio.gather(*(store.log.append(room_id, draft) for draft in drafts))
            if (numbers.stop // TOLD_EACH) > (start // TOLD_EACH):
                print(f"    {numbers.stop} messages in {time.monotonic() - began_at:.0f} s", flush=True)
    finally:
        await store.close()


def _draft(author: Account, number: int, at: int) -> Draft:
    return Draft(
        kind=Kind.MESSAGE,
        user_id=author.user_id,
        username=author.username,
        at=at,
        ref=f"filled-{number}",
        data={"body": f"{number} {TEXT[: number % len(TEXT)]}", "reply_to": None},
    )
