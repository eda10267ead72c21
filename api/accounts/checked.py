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
    """What a token of a user proved when it was checked, and by what it is known again: its hash, or its text."""

    proof: str
    user_id: str
    value: T
    at: float


class CheckedTokens(Generic[T]):
    """What tokens have proven, by the ids of their sessions. Nothing is remembered while the feed is away."""

    def __init__(self, is_fed: IsFed, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._is_fed = is_fed
        self.now = clock
        self._checked: OrderedDict[str, Checked[T]] = OrderedDict()
        self._forgotten_at: OrderedDict[str, float] = OrderedDict()

    def get(self, session_id: str) -> Checked[T] | None:
        """Return what a token has proven within the last `CHECKED_SECONDS`, or None."""
        found = self._checked.get(session_id)
        if found is None:
            return None
        is_old = self.now() - found.at >= CHECKED_SECONDS or self._is_forgotten(found.user_id, found.at)
        if is_old or not self._is_fed():
            del self._checked[session_id]
            return None
        return found

    def put(self, session_id: str, proof: str, user_id: str, value: T, began: float) -> None:
        """Remember what a token has proven by a look at the store that began at this time of `now`."""
        if not self._is_fed() or self._is_forgotten(session_id, began):
            return
        self._checked[session_id] = Checked(proof, user_id, value, began)
        self._checked.move_to_end(session_id)
        _bound(self._checked)

    def forget(self, session_id: str) -> None:
        """Forget the token of a session that has ended, also one that is being checked now."""
        self._checked.pop(session_id, None)
        self._note(session_id)

    def forget_all_of(self, user_id: str) -> None:
        """Forget the tokens of a user whose account is another now, also one that is being checked now."""
        self._note(user_id)

    def _note(self, id_: str) -> None:
        self._forgotten_at[id_] = self.now()
        self._forgotten_at.move_to_end(id_)
        _bound(self._forgotten_at)

    def _is_forgotten(self, id_: str, since: float) -> bool:
        return self._forgotten_at.get(id_, -CHECKED_SECONDS) >= since


def _bound(remembered: OrderedDict[str, T]) -> None:
    if len(remembered) > MAX_CHECKED:
        remembered.popitem(last=False)
