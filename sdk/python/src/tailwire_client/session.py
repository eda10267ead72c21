"""A log-in that renews itself."""

import asyncio
import time
from typing import Any, Final

import httpx

from tailwire_client.answer import ask
from tailwire_client.credentials import Credentials
from tailwire_client.errors import RateLimited, SessionEnded, Unauthorized, Unavailable, Unreachable
from tailwire_client.kept import Kept, KeptInMemory
from tailwire_client.pace import Pace
from tailwire_client.pair import Pair
from tailwire_client.shape import read

EARLY_SECONDS: Final = 20.0
"""A session is renewed so long before its access token ends, so that few requests are refused."""
MOST_TRIES: Final = 4
"""A refresh that has no answer is tried so often. Whoever needs the token asks again later."""


class Session(Credentials):
    """A log-in that renews itself: one refresh at a time, and a new pair is kept before it is used.

    It goes on with the pair in `kept` if there is one, else with `pair`, else it logs in with the password. It logs
    in only before it was let in for the first time: a session that is ended later is ended for good.
    """

    def __init__(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        pair: Pair | None = None,
        kept: Kept[Pair] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._login = None if username is None or password is None else (username, password)
        self._pair = pair
        self._kept = KeptInMemory[Pair]() if kept is None else kept
        self._pace = Pace() if pace is None else pace
        self._lock = asyncio.Lock()
        self._renews_at: float | None = None
        self._was_let_in = False

    async def token(self, http: httpx.AsyncClient) -> str:
        """Return the access token, renewed where it ends soon."""
        async with self._lock:
            if self._renews_at is None:
                self._pair = await self._kept.load() or self._pair
                if self._pair is None:
                    return await self._log_in(http)
                return self._use(self._pair)  # if it is older than it says, it is refused, and then renewed
            assert self._pair is not None  # noqa: S101 - they are set together
            if time.monotonic() < self._renews_at:
                return self._pair.access_token
            return await self._refresh(http, self._pair)

    async def renew(self, http: httpx.AsyncClient, refused: str) -> str:
        """Return another access token. Those who ask at the same time share one refresh."""
        async with self._lock:
            if self._pair is None:
                raise SessionEnded("There is no session yet")
            if self._pair.access_token != refused:
                return self._pair.access_token
            return await self._refresh(http, self._pair)

    async def _log_in(self, http: httpx.AsyncClient) -> str:
        if self._login is None:
            raise SessionEnded("There is no session to go on with, and no password to log in with")
        username, password = self._login
        body = {"username": username, "password": password}
        return await self._take(await ask(http, "POST", "/auth/login", body=body))

    async def _refresh(self, http: httpx.AsyncClient, pair: Pair) -> str:
        """Present the refresh token until there is an answer: where the answer was lost it works again."""
        tries = 0
        while True:
            try:
                body = {"refresh_token": pair.refresh_token}
                return await self._take(await ask(http, "POST", "/auth/refresh", body=body))
            except Unauthorized as refusal:
                if not self._was_let_in and self._login is not None:
                    return await self._log_in(http)
                raise SessionEnded("The session has ended: log in again") from refusal
            except (Unreachable, Unavailable, RateLimited) as failure:
                tries += 1
                if tries == MOST_TRIES:
                    raise
                asked = None if isinstance(failure, Unreachable) else failure.retry_after_seconds
                await asyncio.sleep((asked or 0.0) + self._pace.wait(tries))

    async def _take(self, fields: Any) -> str:
        pair = read(Pair, fields)
        await self._kept.keep(pair)
        self._was_let_in = True
        return self._use(pair)

    def _use(self, pair: Pair) -> str:
        self._pair = pair
        self._renews_at = time.monotonic() + max(1.0, pair.expires_in - EARLY_SECONDS)
        return pair.access_token
