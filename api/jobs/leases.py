"""Does work while this process holds the lease of its name, so that of all processes only one does it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

import structlog

from api.errors import LeaseLost, Unavailable
from api.models.followers import Lease
from api.store.base.leases import LEASE_MS
from api.store.base.store import Store

RENEW_SECONDS: Final = 3.0
"""A lease is renewed this often, so two renewals may fail. Who waits for a lease asks for it as often."""
RETRY_SECONDS: Final = 0.5
"""A renewal that the database did not answer is tried again after this time."""
STOP_SECONDS: Final = LEASE_MS / 1000 - 2
"""Work ends this long after the last renewal was asked for: before the lease does, also if the database's clock runs
faster than this one by a fifth."""
RELEASE_SECONDS: Final = 1.0
"""Work that has ended waits at most this long for its lease to be released."""

Work: TypeAlias = Callable[[Lease], Awaitable[None]]

log = structlog.get_logger("api.leases")


class LeaseHolder:
    """Takes leases for this process."""

    def __init__(self, store: Store) -> None:
        self._leases = store.leases
        self._holder = secrets.token_urlsafe(16)
        self._counts: dict[str, int] = {}

    def counts(self) -> dict[str, int]:
        """Return 1 for each lease that this process holds, and 0 for those that it held before."""
        return dict(self._counts)

    async def do(self, name: str, work: Work) -> bool:
        """Do `work` once while holding the lease, and release it. Returns False, at once, if another holds it.

        Work is cancelled when the lease cannot be renewed, before it ends; then this raises `LeaseLost`. Raises what
        `work` raises, and `Unavailable`.
        """
        asked_at = asyncio.get_running_loop().time()
        lease = await self._leases.acquire(name, self._holder)
        if lease is None:
            return False
        log.info("lease_taken", name=name, number=lease.number)
        self._counts[name] = 1
        try:
            await self._while_held(lease, work, asked_at)
        except LeaseLost:
            log.warning("lease_lost", name=name, number=lease.number)
            raise
        finally:
            self._counts[name] = 0
            await self._release(lease)
        return True

    async def do_all(self, name: str, pending: Callable[[], Awaitable[Sequence[str]]], work: Work) -> None:
        """Do `work` while anything is pending, as `do` does, or see another process do it. Raises `Unavailable`."""
        while await pending():
            with suppress(LeaseLost):
                if await self.do(name, work):
                    return
            await asyncio.sleep(RENEW_SECONDS)

    async def _while_held(self, lease: Lease, work: Work, asked_at: float) -> None:
        # No `TaskGroup`: before Python 3.13 one that is cancelled while a task of it fails loses the cancellation.
        working = asyncio.create_task(_done(work, lease), name=f"work {lease.name}")
        renewing = asyncio.create_task(self._renew(lease, asked_at), name=f"renew {lease.name}")
        both = working, renewing
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            ended = await asyncio.gather(*both, return_exceptions=True)
        errors = [one for one in ended if isinstance(one, Exception)]
        if errors:
            raise _cause(errors) from None

    async def _renew(self, lease: Lease, asked_at: float) -> None:
        """Renew a lease for ever. Raises `LeaseLost` when it is lost, or may be soon."""
        loop = asyncio.get_running_loop()
        pause = RENEW_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(asked_at + STOP_SECONDS):
                    await asyncio.sleep(pause)
                    next_asked_at = loop.time()
                    is_renewed = await self._leases.renew(lease)
            except TimeoutError:
                raise LeaseLost from None
            except Unavailable:
                pause = RETRY_SECONDS
                continue
            if not is_renewed:
                raise LeaseLost
            asked_at, pause = next_asked_at, RENEW_SECONDS

    async def _release(self, lease: Lease) -> None:
        with suppress(TimeoutError, Unavailable):  # then it ends by itself
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._leases.release(lease)


async def _done(work: Work, lease: Lease) -> None:
    await work(lease)


def _cause(errors: Sequence[Exception]) -> Exception:
    """Return what ended the work: the loss of the lease or of the store, if any of these errors is one."""
    found = list(_leaves(errors))
    return next(
        (one for kind in (LeaseLost, Unavailable) for one in found if isinstance(one, kind)), found[0]
    )


def _leaves(errors: Sequence[Exception]) -> Iterator[Exception]:
    for error in errors:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error.exceptions)
        else:
            yield error
