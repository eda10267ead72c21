"""Holds appends that wait for a room, and picks those that one update of its head may store. Pure."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from api.models.log import Appended, Kind
from api.store.cluster.heads import KnownHead

MAX_BATCH: Final = 100
"""A batch has at most this many entries. Stored batches are searched for by this limit, so it must never become less
than it was when any batch was written."""


class Seen(NamedTuple):
    """The memberships on which an append rests: those of these users, as they were after the entry `as_of`."""

    as_of: int
    user_ids: frozenset[str]


@dataclass(slots=True, eq=False)
class Waiting:
    """An append that waits for its batch."""

    row: dict[str, Any]
    answer: asyncio.Future[Appended]
    seen: Seen | None

    def is_overtaken(self, head: KnownHead) -> bool:
        """Say whether a membership on which it rests, or the room, has changed since, or may have."""
        if self.seen is None:
            return False
        as_of, user_ids = self.seen
        return any(head.has_moved(user_id, as_of) for user_id in user_ids)


class Overtaken(Exception):
    """Raised when nothing was stored, because these appends rest on memberships that have changed."""

    def __init__(self, waiting: list[Waiting]) -> None:
        super().__init__()
        self.waiting = waiting


def next_batch(queue: deque[Waiting]) -> list[Waiting]:
    """Take from a queue appends for one update, so that none rests on a membership that the same update changes."""
    batch: list[Waiting] = []
    changed: set[str] = set()
    while queue and len(batch) < MAX_BATCH:
        waiting = queue[0]
        if waiting.seen is not None and not changed.isdisjoint(waiting.seen.user_ids):
            break
        batch.append(queue.popleft())
        if waiting.row["kind"] == Kind.MEMBER:
            changed.add(waiting.row["user_id"])
    return batch


def seen_by_user(batch: list[Waiting]) -> dict[str, int]:
    """Return the seq as of which each user's membership was read; the earliest if there are several."""
    seen: dict[str, int] = {}
    for waiting in batch:
        if waiting.seen is not None:
            for user_id in waiting.seen.user_ids:
                seen[user_id] = min(seen.get(user_id, waiting.seen.as_of), waiting.seen.as_of)
    return seen


def fail(batch: Iterable[Waiting], error: Exception) -> None:
    """Answer the appends that still wait with an error."""
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
            waiting.answer.exception()  # asyncio logs an error that nobody takes, and the caller may be gone
