"""What a store promises of attempts, which are counted for all nodes together."""

from abc import ABC, abstractmethod


class AttemptStore(ABC):
    """Attempts, counted by key.

    They need not outlive a crash. A row per key stays, so keys must be few, whatever callers ask for.
    """

    @abstractmethod
    async def take(self, key: str, *, at: int, count: int, window_ms: int) -> int:
        """Count one attempt under `key`, unless `count` were counted in the last `window_ms`; atomically.

        Returns 0 when it was counted, else in how many milliseconds there is room again.
        """

    @abstractmethod
    async def forgive(self, key: str, *, at: int) -> None:
        """Take back one attempt counted at `at`; nothing happens when there is none."""
