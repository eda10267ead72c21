"""Ends sessions: in the store first, then by closing the sockets that they hold open."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from api.models.accounts import SessionKind
from api.models.page import items_of
from api.store.base.store import Store

OnEnded: TypeAlias = Callable[[Iterable[str]], None]
"""A callback for the ids of sessions that have ended. It is called before the request that ended them is answered."""


def ignore_ended(_session_ids: Iterable[str]) -> None:
    """Do nothing. This is the `OnEnded` of a process without sockets, such as the command line."""


class SessionEndings:
    """Ends sessions, and closes their sockets on this node at once.

    The feed closes the sockets on other nodes. It also closes those on this node if the callback fails to run.
    """

    def __init__(self, store: Store, on_ended: OnEnded) -> None:
        self._store = store
        self._on_ended = on_ended

    async def one(self, session_id: str) -> None:
        """End a session. A session that has ended already is left as it is."""
        await self._store.sessions.end(session_id)
        self._on_ended([session_id])

    async def logins_of(self, user_id: str, *, but: str | None = None) -> list[str]:
        """End all log-ins of a user except `but`, if that is given. Tokens stay. Return the ids of those that ended."""
        ended = await self._store.sessions.end_all(user_id, but=but, kind=SessionKind.LOGIN)
        self._on_ended(ended)
        return ended

    async def all_of(self, user_id: str) -> list[str]:
        """End all log-ins and tokens of a user, and the tokens of their bots. Return the ids of those that ended."""
        ended = await self._store.sessions.end_all(user_id)
        self._on_ended(ended)
        async for bot in items_of(partial(self._store.accounts.bots_of, user_id)):
            of_bot = await self._store.sessions.end_all(bot.user.id)
            self._on_ended(of_bot)
            ended += of_bot
        return ended
