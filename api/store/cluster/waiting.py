"""Holds appends that wait for a room, and picks those that one update of its head may store. Pure."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from api.errors import MembershipChanged
from api.models.log import Appended, Kind
from api.store.cluster.heads import KnownHead

MAX_BATCH: Final = 100
"""A batch has at most this many entries. Stored batches are searched for by this limit, so it must never become less
than it was when any batch was written."""


class Seen(NamedTuple):
    """The memberships on which an append rests: those of these users, as they were after the entry `as_of`."""

    as_of: int
    user_ids: frozenset[str]


class Guard(NamedTuple):
    """What an append that changes or answers a message rests on: not much has come since that was looked at.

    Of an epoch, at most `spare` entries of a kind may be stored after `as_of`: such that change the message `target`,
    or with None any message of the room.
    """

    epoch: str
    as_of: int
    kind: str
    target: int | None
    spare: int

    def counts(self, row: dict[str, Any]) -> bool:
        """Say whether an entry is one of those that are counted."""
        return bool(row["kind"] == self.kind and self.target in {None, row["data"].get("target")})

    def is_met_by(self, head: KnownHead) -> bool:
        """Say whether it holds for certain as long as this is the head."""
        if self.epoch != head.epoch:
            return False
        if self.as_of >= head.seq:
            return True
        is_about_deletes = self.kind == Kind.DELETE and self.target is not None
        return is_about_deletes and not head.has_deleted(self.target or 0, self.as_of)

    def holds(self, head: KnownHead, tail: Iterable[dict[str, Any]]) -> bool:
        """Say whether no more have come, by a head and the rows of its tail."""
        if head.epoch != self.epoch or head.trimmed > self.as_of:
            return False
        since = sum(row["seq"] > self.as_of and self.counts(row) for row in tail)
        return bool(since <= self.spare)


class TargetChanged(Exception):
    """Raised when nothing was stored, because the target may have changed since it was looked at. Look again."""


@dataclass(slots=True, eq=False)
class Waiting:
    """An append that waits for its batch."""

    row: dict[str, Any]
    answer: asyncio.Future[Appended]
    seen: Seen | None
    guards: tuple[Guard, ...] = ()

    def overtaken_by(self, head: KnownHead, tail: list[dict[str, Any]]) -> Exception | None:
        """Return the error for an append that rests on what has changed since, or may have; None for any other."""
        if self.is_overtaken(head):
            return MembershipChanged()
        return None if all(guard.holds(head, tail) for guard in self.guards) else TargetChanged()

    def is_overtaken(self, head: KnownHead) -> bool:
        """Say whether a membership on which it rests, or the room, has changed since, or may have."""
        if self.seen is None:
            return False
        as_of, user_ids = self.seen
        return any(head.has_moved(user_id, as_of) for user_id in user_ids)


class Overtaken(Exception):
    """Raised when nothing was stored, because these appends rest on what has changed. Each has the error for it."""

    def __init__(self, errors: dict[Waiting, Exception]) -> None:
        super().__init__()
        self.errors = errors


def next_batch(queue: deque[Waiting]) -> list[Waiting]:
    """Take from a queue appends for one update, so that none rests on anything that the same update changes."""
    batch: list[Waiting] = []
    changed: set[str] = set()
    while queue and len(batch) < MAX_BATCH:
        waiting = queue[0]
        if waiting.seen is not None and not changed.isdisjoint(waiting.seen.user_ids):
            break
        guards = tuple(_left(guard, batch) for guard in waiting.guards)
        if any(guard.spare < 0 for guard in guards):
            break
        waiting.guards = guards
        batch.append(queue.popleft())
        if waiting.row["kind"] == Kind.MEMBER:
            changed.add(waiting.row["user_id"])
        elif waiting.row["kind"] == Kind.ROOM:  # all that comes after it must look at the room again
            break
    return batch


def _left(guard: Guard, batch: list[Waiting]) -> Guard:
    """Return a guard after the entries of a batch."""
    return guard._replace(spare=guard.spare - sum(guard.counts(waiting.row) for waiting in batch))


def guards_of(batch: list[Waiting]) -> list[Guard]:
    """Return the guards of a batch, of those that are alike the strictest."""
    strictest: dict[tuple[object, ...], Guard] = {}
    for guard in (guard for waiting in batch for guard in waiting.guards):
        key = (guard.epoch, guard.kind, guard.target, guard.spare)
        known = strictest.setdefault(key, guard)
        strictest[key] = known._replace(as_of=min(known.as_of, guard.as_of))
    return list(strictest.values())


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
