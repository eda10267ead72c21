"""Posts the entries of rooms to their webhooks: each in order, one at a time, whatever ends a process or a receiver.

Of all processes one does it, under a lease. It is woken by the feed with the rooms that have grown, so a webhook whose
room is quiet costs nothing. A position is stored after the receiver has answered. So after a crash some entries are
posted twice, under the same id, and none is left out.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from api.clock import now_ms
from api.errors import LeaseLost
from api.jobs.leases import RENEW_SECONDS, LeaseHolder
from api.jobs.posting import Post, WebhookCounts
from api.jobs.webhook_shift import LOOK_SECONDS, WebhookShift
from api.models.accounts import Record
from api.models.changes import Grown, Tell, WebhooksChanged
from api.models.followers import Lease
from api.store.base.store import Store

LEASE: Final = "webhooks"


class WebhookSender:
    """Posts to the webhooks of all rooms. `run` is a task for `Tasks`. It is a listener of the feed."""

    def __init__(  # noqa: PLR0913  its dependencies
        self,
        store: Store,
        leases: LeaseHolder,
        post: Post,
        record: Record,
        tell: Tell,
        *,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.counts = WebhookCounts()
        self._store = store
        self._post = post
        self._record = record
        self._tell_users = tell
        self._clock = clock
        self._leases = leases
        self._shift: WebhookShift | None = None
        self._came = asyncio.Event()

    async def run(self) -> None:
        """Post for ever, whenever this process holds the lease. Raises `Unavailable`."""
        while True:
            self._came.clear()
            if await self._store.webhooks.page(after="", limit=1):
                with suppress(LeaseLost):
                    await self._leases.do(LEASE, self._work)
                await asyncio.sleep(RENEW_SECONDS)
            else:  # nobody needs the lease
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._came.wait()

    def wake(self, grown: Grown) -> None:
        """Take note of a room that has grown."""
        if self._shift is not None:
            self._shift.wake(grown)

    def compare(self) -> None:
        """Compare all webhooks with the logs, as rooms may have grown unnoticed."""
        if self._shift is not None:
            self._shift.compare()

    def hear(self, changed: WebhooksChanged) -> None:
        """Take note that webhooks of a room are others now."""
        self._came.set()
        if self._shift is not None:
            self._shift.reload(changed.room_id)

    def tell(self, room_id: str) -> None:
        """Tell this and all other processes that webhooks of a room are others now."""
        changed = WebhooksChanged(room_id)
        self.hear(changed)
        self._store.signals.send(changed)

    def look(self) -> None:
        """Look at once at what is due, as the clock was set."""
        if self._shift is not None:
            self._shift.look()

    @property
    def lag(self) -> int:
        """How many entries are not posted yet, as far as this process knows; 0 where another posts."""
        return 0 if self._shift is None else sum(line.lag for line in self._shift.lines.values())

    @property
    def waiting(self) -> int:
        """How many webhooks wait because their receivers are down or refuse; 0 where another posts."""
        return 0 if self._shift is None else sum(line.is_waiting for line in self._shift.lines.values())

    async def _work(self, lease: Lease) -> None:
        self._shift = WebhookShift(
            self._store,
            lease,
            self.counts,
            post=self._post,
            record=self._record,
            tell=self._tell_users,
            clock=self._clock,
        )
        try:
            await self._shift.run()
        finally:
            self._shift = None
