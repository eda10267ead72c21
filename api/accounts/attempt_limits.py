"""How often somebody may guess: log-ins and sign-ups, counted in the store for all nodes together.

Counted in one process, another node would be the way around. No caller can forget it: the account services hold
this, and log nobody in without it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from api.accounts.names import username_key
from api.address import UNKNOWN, counted_as
from api.clock import now_ms
from api.errors import Invalid, InvalidCredentials, RateLimited, Unavailable, WrongPassword
from api.limits.concurrency import ConcurrencyLimit
from api.limits.rates import Refusals, too_often
from api.store.base.store import Store

LOGINS_PER_THREAD: Final = 4
"""Log-ins that go on at once for each thread that hashes: while one hashes, the others wait for the store."""
MAX_WAITING: Final = 32
"""Log-ins that wait for their turn: at 20 ms each, the last of them waits two thirds of a second at most."""
REFUSED_SECONDS: Final = 1.0
"""A refusal is repeated this long without asking the store: another node may have taken back what it counted."""
MINUTE_MS: Final = 60_000
SLOT_BYTES: Final = 2
"""Accounts and addresses are counted in 65,536 slots of each kind, so that no attacker makes the table grow.

Two that share a slot are locked together; who wants to lock an account has an easier way.
"""


@dataclass(frozen=True, slots=True)
class AttemptRates:
    """The settings, each for a minute."""

    failures_per_account: int
    failures_per_address: int
    signups_per_address: int


class AttemptLimits:
    """See the module. What is too often raises `RateLimited`, and may be tried again after the wait it names."""

    def __init__(self, store: Store, rates: AttemptRates, hashing: ConcurrencyLimit) -> None:
        self._store = store
        self._rates = rates
        self._hashing = hashing
        self._refusals = Refusals(REFUSED_SECONDS)

    @asynccontextmanager
    async def password(self, username: str, address: str | None) -> AsyncIterator[None]:
        """Let the block try a password. Only what ends in `InvalidCredentials` or `WrongPassword` stays counted.

        It is counted beforehand, or many tries at once would all find room. Raises `RateLimited`, and `Unavailable`
        also when too many wait for their turn.
        """
        from_address = _slot("login-from", counted_as(address or UNKNOWN))
        at_account = _slot("login", _account(username))
        self._refuse_again(from_address, at_account)
        async with self._hashing.take(), self._counted(from_address, at_account):
            yield

    @asynccontextmanager
    async def _counted(self, from_address: str, at_account: str) -> AsyncIterator[None]:
        at = now_ms()
        await self._attempt(from_address, self._rates.failures_per_address, at)
        try:
            await self._attempt(at_account, self._rates.failures_per_account, at)
        except RateLimited:
            await self._forgive(at, from_address)  # no password was looked at
            raise
        failed = False
        try:
            yield
        except (InvalidCredentials, WrongPassword):
            failed = True
            raise
        finally:
            if not failed:
                await self._forgive(at, from_address, at_account)

    @asynccontextmanager
    async def sign_up(self, address: str | None) -> AsyncIterator[None]:
        """Let the block try to make an account, which counts whatever comes of it. Raises as `password` does."""
        slot = _slot("signup-from", counted_as(address or UNKNOWN))
        self._refuse_again(slot)
        async with self._hashing.take():
            await self._attempt(slot, self._rates.signups_per_address, now_ms())
            yield

    async def _attempt(self, slot: str, count: int, at: int) -> None:
        if wait_ms := await self._store.attempts.take(slot, at=at, count=count, window_ms=MINUTE_MS):
            self._refusals.note(slot, wait_ms / 1000, now_ms() / 1000)
            raise too_often(wait_ms / 1000)

    def _refuse_again(self, *slots: str) -> None:
        """Refuse who was refused a moment ago before they take anybody's turn."""
        for slot in slots:
            if wait := self._refusals.wait(slot, now_ms() / 1000):
                raise too_often(wait)

    async def _forgive(self, at: int, *slots: str) -> None:
        with suppress(Unavailable):  # then it counts as a failure, for a minute
            await asyncio.gather(*(self._store.attempts.forgive(slot, at=at) for slot in slots))
        for slot in slots:
            self._refusals.forget(slot)  # there is room for one now


def _account(username: str) -> str:
    """Return what stands for an account, whether there is one or not: both answer alike."""
    try:
        return username_key(username)
    except Invalid:
        return username


def _slot(kind: str, text: str) -> str:
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
    return f"{kind} {digest[:SLOT_BYTES].hex()}"
