"""Takes away in the background what is left of rooms that were deleted.

One process does it, under a lease that it takes when there is something to take away. It goes on slice by slice, and
each slice may be repeated. So what a crash interrupted is gone on with by another process.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias

import structlog

from api.clock import now_ms
from api.errors import Unavailable
from api.jobs.leases import LeaseHolder
from api.models.followers import Lease
from api.store.base.store import Store

LEASE: Final = "deletion"
LOOK_SECONDS: Final = 60.0
"""How often this process looks for rooms that another began to take away and did not finish."""
TOLD_SECONDS: Final = 5.0
"""A deleted room is left alone for this long, in which every node reads its last entry and tells the members."""

OnFilesGone: TypeAlias = Callable[[], None]
"""Is called when files are given up, so that their bytes are removed soon."""

log = structlog.get_logger("api.deletion")


def nothing_to_remove() -> None:
    """Do nothing. This is the `OnFilesGone` where no bytes of files are kept."""


class RoomDeletion:
    """Takes away deleted rooms. `run` is a task for `Tasks`."""

    def __init__(
        self,
        store: Store,
        leases: LeaseHolder,
        *,
        told_seconds: float = TOLD_SECONDS,
        on_files_gone: OnFilesGone = nothing_to_remove,
    ) -> None:
        self._on_files_gone = on_files_gone
        self._store = store
        self._leases = leases
        self._told_seconds = told_seconds
        self._begun = asyncio.Event()
        self.taken_count = 0
        """How many rooms this process has taken away."""

    def begin(self) -> None:
        """Make `run` look for deleted rooms soon."""
        self._begun.set()

    async def run(self) -> None:
        """Take away deleted rooms, for ever."""
        while True:
            self._begun.clear()
            with suppress(Unavailable):  # the next round tries again
                await self.take_all_away()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._begun.wait()
                    await asyncio.sleep(self._told_seconds)

    async def take_all_away(self) -> None:
        """Take away every deleted room, or see another process do it. Raises `Unavailable`."""
        await self._leases.do_all(LEASE, self._pending, self._take_all_away)

    async def _take_all_away(self, _lease: Lease) -> None:
        for room_id in await self._pending():
            try:
                for bot_id in await self._store.hooks.bots_of(room_id):
                    await self._store.erasure.begin(bot_id)  # before what tells of them goes
                while await self._store.attachments.give_up_room(room_id):
                    self._on_files_gone()
                while await self._store.deletions.take_away(room_id):
                    pass
            except Unavailable:
                raise
            except Exception:
                log.exception("deletion_failed", room_id=room_id)  # the rooms after it must not wait for it
            else:
                self.taken_count += 1
                log.info("room_taken_away", room_id=room_id)

    async def _pending(self) -> list[str]:
        # One millisecond more, as the time of the deletion is no earlier than that.
        return await self._store.deletions.pending(before=now_ms() - int(self._told_seconds * 1_000) + 1)
