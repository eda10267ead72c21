"""The end of sessions, however it comes about: in the store first, and then for the sockets that they hold open."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from api.store.base.store import Store

OnEnded: TypeAlias = Callable[[Iterable[str]], None]
"""Is told the ids of sessions that have ended, before whoever ended them has an answer."""


def ignore_ended(_session_ids: Iterable[str]) -> None:
    """Do nothing: for a process without sockets, such as the command line."""


class SessionEndings:
    """Ends sessions, and has their sockets on this node closed at once.

    The feed closes those of other nodes, and these too should this process be cut off in between.
    """

    def __init__(self, store: Store, on_ended: OnEnded) -> None:
        self._store = store
        self._on_ended = on_ended

    async def one(self, session_id: str) -> None:
        """End a session; again is harmless."""
        await self._store.sessions.end(session_id)
        self._on_ended([session_id])

    async def all_of(self, user_id: str, *, but: str | None = None) -> list[str]:
        """End a user's sessions, all but one if that is given; return which."""
        ended = await self._store.sessions.end_all(user_id, but=but)
        self._on_ended(ended)
        return ended
