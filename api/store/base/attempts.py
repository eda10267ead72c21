"""Declares the part of a store that counts attempts, such as log-ins, for all nodes together."""

from abc import ABC, abstractmethod


class AttemptStore(ABC):
    """Attempts, counted by key.

    Counts may be lost in a crash. The row of a key is never removed, so the number of keys must stay small whatever
    clients send.
    """

    @abstractmethod
    async def take(self, key: str, *, at: int, count: int, window_ms: int) -> int:
        """Count one attempt under `key`, atomically, unless `count` were counted in the last `window_ms`.

        Returns 0 when it was counted, else in how many milliseconds one more attempt is allowed.
        """

    @abstractmethod
    async def forgive(self, key: str, *, at: int) -> None:
        """Take back one attempt that was counted at `at`. Does nothing when there is none."""
