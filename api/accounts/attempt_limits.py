"""Limits on log-ins and sign-ups, counted in the store for all nodes together.

If each process counted alone, an attacker could spread attempts over the nodes. The account services apply these
limits themselves, so no caller can forget them.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from api.accounts.names import username_key
from api.address import UNKNOWN, counted_as
from api.clock import now_ms
from api.errors import Invalid, InvalidCredentials, RateLimited, Unavailable, WrongPassword
from api.limits.concurrency import ConcurrencyLimit
from api.limits.quotas import Quota, note
from api.limits.rates import Refusals, too_often
from api.store.base.store import Store

LOGINS_PER_THREAD: Final = 4
"""This many log-ins run at once for each hashing thread: while one is hashed, the others wait for the store."""
MAX_WAITING: Final = 32
"""This many log-ins may wait for their turn. At 20 ms each, the last one waits two thirds of a second at most."""
REFUSED_SECONDS: Final = 1.0
"""A refusal is repeated for this long without asking the store.

It is not repeated for longer, because another node may have taken back an attempt that it had counted.
"""
MINUTE_MS: Final = 60_000
SLOT_BYTES: Final = 2
"""Accounts and addresses are counted in 65,536 slots of each kind, so that no attacker can make the table grow.

Two accounts that share a slot are locked together. Which ones do nobody can tell or choose, because slots are found
with a key.
"""


@dataclass(frozen=True, slots=True)
class AttemptRates:
    """The most attempts in a minute, from the settings."""

    failures_per_account: int
    failures_per_address: int
    signups_per_address: int


class AttemptLimits:
    """Counts attempts to log in and to sign up. Raises `RateLimited`, with the time to wait, for too many."""

    def __init__(self, store: Store, rates: AttemptRates, hashing: ConcurrencyLimit, *, key: str) -> None:
        """`key` is secret, and the same on all nodes."""
        self._store = store
        self._key = key.encode()
        self._rates = rates
        self._hashing = hashing
        self._refusals = Refusals(REFUSED_SECONDS)

    @asynccontextmanager
    async def password(self, username: str, address: str | None) -> AsyncIterator[None]:
        """Run a block that tries a password. Only `InvalidCredentials` and `WrongPassword` leave it counted.

        The attempt is counted before the block runs, because otherwise many attempts at once would all be allowed.
        Raises `RateLimited`, and `Unavailable`, also when too many blocks wait for their turn.
        """
        from_address = self._slot("login-from", counted_as(address or UNKNOWN))
        at_account = self._slot("login", _account(username))
        rates = self._rates
        limits = {from_address: rates.failures_per_address, at_account: rates.failures_per_account}
        async with self._counted(limits):
            yield

    @asynccontextmanager
    async def proof(self, session_id: str) -> AsyncIterator[None]:
        """Run a block that tries the password of a logged-in user again, as `password` does.

        Attempts are counted by session, apart from those of others who guess the account's password. So these cannot
        keep its owner from changing it.
        """
        async with self._counted({self._slot("proof", session_id): self._rates.failures_per_account}):
            yield

    @asynccontextmanager
    async def _counted(self, limits: dict[str, int]) -> AsyncIterator[None]:
        """Take a turn, and count an attempt in each slot. `limits` are the most attempts in each, in order."""
        self._refuse_again(limits)
        async with self._hashing.take():
            at, counted = now_ms(), list[str]()
            async with self._forgiven(at, counted):
                for slot, most in limits.items():
                    await self._attempt(slot, most, at)
                    counted.append(slot)
                yield

    @asynccontextmanager
    async def _forgiven(self, at: int, slots: list[str]) -> AsyncIterator[None]:
        """Take an attempt back in these slots, unless the block finds that the password is wrong."""
        failed = False
        try:
            yield
        except (InvalidCredentials, WrongPassword):
            failed = True
            raise
        finally:
            if not failed:
                await self._forgive(at, *slots)

    @asynccontextmanager
    async def sign_up(self, address: str | None) -> AsyncIterator[None]:
        """Run a block that makes an account. It stays counted even if it fails. Raises what `password` raises."""
        slot = self._slot("signup-from", counted_as(address or UNKNOWN))
        self._refuse_again({slot: self._rates.signups_per_address})
        async with self._hashing.take():
            await self._attempt(slot, self._rates.signups_per_address, now_ms())
            yield

    def _slot(self, kind: str, text: str) -> str:
        digest = hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).digest()
        return f"{kind} {digest[:SLOT_BYTES].hex()}"

    async def _attempt(self, slot: str, count: int, at: int) -> None:
        if wait_ms := await self._store.attempts.take(slot, at=at, count=count, window_ms=MINUTE_MS):
            self._refusals.note(slot, wait_ms / 1000, now_ms() / 1000)
            raise _too_often(slot, count, wait_ms / 1000)

    def _refuse_again(self, limits: dict[str, int]) -> None:
        """Repeat a recent refusal, before the request takes a turn that others wait for."""
        for slot, most in limits.items():
            if wait := self._refusals.wait(slot, now_ms() / 1000):
                raise _too_often(slot, most, wait)

    async def _forgive(self, at: int, *slots: str) -> None:
        with suppress(Unavailable):  # then the attempt counts as a failure for a minute
            await asyncio.gather(*(self._store.attempts.forgive(slot, at=at) for slot in slots))
        for slot in slots:
            self._refusals.forget(slot)  # the slot has room for one more attempt now


def _too_often(slot: str, most: int, wait_seconds: float) -> RateLimited:
    """Return the refusal of an attempt. Of a slot only its kind is told."""
    note(Quota(slot.split(" ", maxsplit=1)[0], most, MINUTE_MS / 1000, 0, wait_seconds))
    return too_often(wait_seconds)


def _account(username: str) -> str:
    """Return the key under which a username is counted. Unknown usernames are counted like known ones."""
    try:
        return username_key(username)
    except Invalid:
        return username
