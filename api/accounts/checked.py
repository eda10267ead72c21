"""Remembers for a moment which tokens have been checked, so that a busy program costs no read for each request."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

CHECKED_SECONDS: Final = 1.0
"""A checked token counts for so long. Its end or that of its account is noticed at the latest then, on every node."""
MAX_CHECKED: Final = 10_000
"""So many are remembered at most, those that were checked last."""

IsFed: TypeAlias = Callable[[], bool]
"""Says whether the feed is open, which tells of tokens that end."""

T = TypeVar("T")


class Checked(NamedTuple, Generic[T]):
    """What a token proved when it was checked, and the hash by which it is known again."""

    proof: str
    value: T
    at: float


class CheckedTokens(Generic[T]):
    """What tokens have proven, by their ids. Nothing is remembered while the feed is away."""

    def __init__(self, is_fed: IsFed, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._is_fed = is_fed
        self.now = clock
        self._checked: OrderedDict[str, Checked[T]] = OrderedDict()
        self._forgotten_at: OrderedDict[str, float] = OrderedDict()

    def get(self, token_id: str) -> Checked[T] | None:
        """Return what a token has proven within the last `CHECKED_SECONDS`, or None."""
        found = self._checked.get(token_id)
        if found is None:
            return None
        if not self._is_fed() or self.now() - found.at >= CHECKED_SECONDS:
            del self._checked[token_id]
            return None
        return found

    def put(self, token_id: str, proof: str, value: T, began: float) -> None:
        """Remember what a token has proven by a look at the store that began at this time of `now`."""
        if not self._is_fed() or self._forgotten_at.get(token_id, -CHECKED_SECONDS) >= began:
            return
        self._checked[token_id] = Checked(proof, value, began)
        self._checked.move_to_end(token_id)
        _bound(self._checked)

    def forget(self, token_id: str) -> None:
        """Forget a token that has ended, also one that is being checked now."""
        self._checked.pop(token_id, None)
        self._forgotten_at[token_id] = self.now()
        self._forgotten_at.move_to_end(token_id)
        _bound(self._forgotten_at)


def _bound(remembered: OrderedDict[str, T]) -> None:
    if len(remembered) > MAX_CHECKED:
        remembered.popitem(last=False)
