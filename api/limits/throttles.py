"""How often a user, a session, an account or an address may do what costs or guesses.

Log-ins and sign-ups are counted in the store, for all nodes together: another node would be the way around. The
rest is counted in this process.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from api.accounts.names import username_key
from api.accounts.security import session_of
from api.address import UNKNOWN, counted_as
from api.clock import now_ms
from api.errors import (
    Invalid,
    InvalidCredentials,
    NotFound,
    RateLimited,
    TailwireError,
    Unavailable,
    WrongPassword,
)
from api.limits.concurrency import Turns
from api.limits.rates import Buckets, Rate, Refusals, Windows, too_often
from api.store.base.store import Store

TURNS_PER_THREAD: Final = 4
"""Log-ins that go on at once for each thread that hashes: while one hashes, the others wait for the store."""
MAX_WAITING: Final = 32
"""Of those who want to log in: at 20 ms each, the last of them waits two thirds of a second at most."""
REFUSED_SECONDS: Final = 1.0
"""So long a refusal is repeated without asking the store: another node may have taken back what it counted."""
MINUTE_SECONDS: Final = 60.0
MINUTE_MS: Final = 60_000
RESUMES_SECONDS: Final = 10.0
EXPORTS_PER_MINUTE: Final = 5
"""Of one user: each reads all that they ever wrote."""
RESUMES_PER_CONNECTION: Final = 3
"""In `RESUMES_SECONDS`, of one room: a client that is cut off again while it comes back begins anew."""
SLOT_BYTES: Final = 2
"""Accounts and addresses are counted in so many slots, 65,536 of each, so that no attacker makes the table grow.

Two that share one are locked together; who wants to lock an account has an easier way.
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """The settings; a count is for a minute unless its name says otherwise."""

    sends: Rate
    requests: Rate
    login_failures_per_account: int
    login_failures_per_address: int
    signups_per_address: int
    refreshes: int
    misses: int
    rooms: int
    searches: int
    connections_per_user: int


class Throttles:
    """See the module. What is too often raises `RateLimited`, and may be tried again after the wait it names."""

    def __init__(
        self, store: Store, rates: Rates, *, hashing_threads: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._rates = rates
        self._clock = clock
        self._refusals = Refusals(REFUSED_SECONDS)
        self._passwords = Turns(TURNS_PER_THREAD * hashing_threads, MAX_WAITING)
        self._sends = Buckets(rates.sends)
        self._resumes = Windows(RESUMES_PER_CONNECTION * rates.connections_per_user, RESUMES_SECONDS)
        self._refreshes = Windows(rates.refreshes, MINUTE_SECONDS)
        self._misses = Windows(rates.misses, MINUTE_SECONDS)
        self._rooms = Windows(rates.rooms, MINUTE_SECONDS)
        self._exports = Windows(EXPORTS_PER_MINUTE, MINUTE_SECONDS)
        self._requests = Buckets(rates.requests)
        self._searches = Windows(rates.searches, MINUTE_SECONDS)

    # -- in this process; none waits

    def request(self, user_id: str) -> None:
        """Count one request of a user over HTTP, whatever it asks."""
        if wait := self._requests.take(user_id, self._clock()):
            raise too_often(wait)

    def send(self, user_id: str) -> None:
        """Count one entry that a user writes: a message, an edit, a change of somebody's membership.

        A retry counts too, and can be tried again.
        """
        if wait := self._sends.take(user_id, self._clock()):
            raise too_often(wait)

    def resume(self, user_id: str, room_id: str) -> None:
        """Count one replay of a room."""
        if wait := self._resumes.take(f"{user_id} {room_id}", self._clock()):
            raise too_often(wait)

    def refresh(self, refresh_token: str) -> None:
        """Count one refresh of the session that the token says it belongs to.

        Anybody may say anything, at length: what is remembered of it is short.
        """
        key = _digest(session_of(refresh_token)).hex()
        if wait := self._refreshes.take(key, self._clock()):
            raise too_often(wait)

    def make_room(self, user_id: str) -> None:
        """Count one room that a user makes."""
        if wait := self._rooms.take(user_id, self._clock()):
            raise too_often(wait)

    def export(self, user_id: str) -> None:
        """Count one export of a user."""
        if wait := self._exports.take(user_id, self._clock()):
            raise too_often(wait)

    def search(self, user_id: str) -> None:
        """Count one page of users that a user looks through: nobody lists everybody."""
        if wait := self._searches.take(user_id, self._clock()):
            raise too_often(wait)

    def missed(self, user_id: str, error: NotFound) -> TailwireError:
        """Count something that a user may not see or that is not there; return the error to answer with."""
        wait = self._misses.take(user_id, self._clock())
        return too_often(wait) if wait else error

    # -- what waits

    def hashing(self) -> AbstractAsyncContextManager[None]:
        """Let the block hash a password when its turn comes. Raises `Unavailable` when too many wait."""
        return self._passwords.take()

    @asynccontextmanager
    async def password(self, username: str, address: str | None) -> AsyncIterator[None]:
        """Let the block try a password. Only what ends in `InvalidCredentials` or `WrongPassword` stays counted.

        It is counted beforehand, or many tries at once would all find room; in the store, for all nodes. Raises
        `RateLimited`, and `Unavailable` also when too many wait for their turn.
        """
        from_address = _slot("login-from", counted_as(address or UNKNOWN))
        at_account = _slot("login", _account(username))
        self._refuse_again(from_address, at_account)
        async with self.hashing(), self._counted(from_address, at_account):
            yield

    @asynccontextmanager
    async def _counted(self, from_address: str, at_account: str) -> AsyncIterator[None]:
        at = now_ms()
        await self._attempt(from_address, self._rates.login_failures_per_address, at)
        try:
            await self._attempt(at_account, self._rates.login_failures_per_account, at)
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
        async with self.hashing():
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
    return f"{kind} {_digest(text)[:SLOT_BYTES].hex()}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
