"""Spaces out what is told again and again: the first at once, and the newest of what follows a little later. Pure."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Spacing(Generic[K, V]):
    """Lets each key through at most once in `seconds`. What comes in between is merged, and due after that time."""

    def __init__(self, seconds: float, merge: Callable[[V, V], V]) -> None:
        """`merge` is given what waits already, and what comes now."""
        self._seconds = seconds
        self._merge = merge
        self._told: dict[K, float] = {}  # the time at which each was let through, oldest first
        self._waiting: dict[K, V] = {}

    def put(self, key: K, value: V, now: float) -> V | None:
        """Return what is to be told now, or None where it has to wait. `now` is monotonic, in seconds."""
        self._forget(now)
        if key in self._waiting:
            value = self._merge(self._waiting[key], value)
        if key in self._told:
            self._waiting[key] = value
            return None
        self._waiting.pop(key, None)
        self._told[key] = now
        return value

    def due(self, now: float) -> list[tuple[K, V]]:
        """Return what has waited for long enough, each with its key."""
        self._forget(now)
        keys = [key for key in self._waiting if key not in self._told]
        self._told |= dict.fromkeys(keys, now)
        return [(key, self._waiting.pop(key)) for key in keys]

    def _forget(self, now: float) -> None:
        while self._told and next(iter(self._told.values())) <= now - self._seconds:
            del self._told[next(iter(self._told))]
