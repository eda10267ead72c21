"""Stores that sessions are in use: the first use of each pair of tokens, and after that one use a minute.

The first use of a pair decides what becomes of the refresh token before it (docs/decisions/0008), and the last use
decides which sessions end when a user has too many.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from api.accounts.session_tokens import generation_of
from api.clock import now_ms
from api.errors import Unavailable
from api.models.accounts import Session, SessionUse
from api.store.base.store import Store
from api.store.loader import Loader

STALE_MS: Final = 60_000
"""A use is stored again when the stored one is older than this, so a session costs one write a minute at most."""
WAIT_SECONDS: Final = 1.0
"""A request waits no longer than this for its use to be stored. The next request of the session tries again."""


class SessionUses:
    """Stores the uses of sessions, many in one write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uses: Loader[SessionUse, None] = Loader(self._write)

    async def note(self, session: Session, generation: str | None) -> None:
        """Store that an access token of this generation was used, unless a recent use is stored already.

        A store that cannot be written does not fail the request: reading goes on when its disk is full.
        """
        use = _use_to_store(session, generation)
        if use is not None:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._uses.load(use)

    async def close(self) -> None:
        """Cancel the write that is under way."""
        await self._uses.close()

    async def _write(self, uses: Sequence[SessionUse]) -> dict[SessionUse, None]:
        await self._store.sessions.use(uses, at=now_ms())
        return {}


def _use_to_store(session: Session, generation: str | None) -> SessionUse | None:
    if not session.pair_used and generation == generation_of(session.refresh_hash):
        return SessionUse(session.id, session.refresh_hash)
    return SessionUse(session.id) if is_stale(session) else None


def is_stale(session: Session) -> bool:
    """Return whether the stored last use of a session that is in use now is too old."""
    return now_ms() - session.last_used_at >= STALE_MS
