"""Bounds the requests that wait for something to happen, of each user and of a node."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from api.errors import Overloaded, RateLimited
from api.limits.quotas import Quota, note

MOST_WAITING: Final = 2_000
"""So many polls wait on a node. Each costs a request, and nothing of the store."""


class PollSlots:
    """Counts the polls under way on a node, by user. A user has at most `per_user` of them."""

    def __init__(self, *, per_user: int) -> None:
        self._per_user = per_user
        self._of_user: Counter[str] = Counter()
        self.taken_count = 0

    @contextmanager
    def taken(self, user_id: str) -> Iterator[None]:
        """Count one poll of a user while the block runs. Raises `RateLimited` and `Overloaded`."""
        if self.taken_count >= MOST_WAITING:
            raise Overloaded("This node has as many polls as it may", retry_after_seconds=1)
        if self._of_user[user_id] >= self._per_user:
            note(Quota("polls", self._per_user, None, 0, 1.0))
            raise RateLimited("This user has as many polls under way as they may", retry_after_seconds=1)
        self._of_user[user_id] += 1
        self.taken_count += 1
        try:
            yield
        finally:
            self.taken_count -= 1
            self._of_user[user_id] -= 1
            if not self._of_user[user_id]:
                del self._of_user[user_id]
