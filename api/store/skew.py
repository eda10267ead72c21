"""Measures how far this machine's clock is ahead of the store's, by which `api/clock.py` corrects the time."""

import asyncio
from typing import Final

import structlog

from api.clock import machine_ms, set_skew, skew_ms
from api.errors import Unavailable
from api.store.base.store import Store

MEASURE_SECONDS: Final = 10.0
MAX_ROUND_TRIP_MS: Final = 500
"""A slower answer tells too little: the measured skew is wrong by up to half of the round trip."""
NOTABLE_MS: Final = 5_000
"""A skew above this is logged, because a machine whose clock is kept by NTP is never so far off."""

log = structlog.get_logger("api.clock")


class ClockSkew:
    """Measures the skew again and again. `run` is a task for `Tasks`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_notable = False

    @property
    def milliseconds(self) -> int:
        """How far this machine's clock is ahead of the store's; negative when it is behind."""
        return skew_ms()

    async def run(self) -> None:
        """Measure every `MEASURE_SECONDS`, for ever. While the store is away the last skew holds."""
        while True:
            await asyncio.sleep(MEASURE_SECONDS)
            await self.measure()

    async def measure(self) -> None:
        """Measure once, and correct the time of this process."""
        try:
            skew, round_trip = await measured_skew(self._store)
        except Unavailable:
            return
        if round_trip <= MAX_ROUND_TRIP_MS:
            set_skew(skew)
            self._note()

    def _note(self) -> None:
        is_notable = abs(skew_ms()) > NOTABLE_MS
        if is_notable and not self._is_notable:
            log.warning("clock_skew", ahead_ms=skew_ms())
        self._is_notable = is_notable


async def measured_skew(store: Store) -> tuple[int, int]:
    """Return how far this machine's clock is ahead of the store's, and how long the store's answer took.

    Both are in milliseconds. Raises `Unavailable`.
    """
    before = machine_ms()
    there = await store.clock()
    after = machine_ms()
    return (before + after) // 2 - there, after - before
