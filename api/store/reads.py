"""Reads sessions, accounts, memberships, blocks and heads for the clients of a node, many in one query."""

from api.models.accounts import Account, Session
from api.models.log import Head
from api.models.rooms import Member
from api.store.base.members import Place
from api.store.base.store import Store
from api.store.loader import Loader


class BatchedReads:
    """Has at most one query of each kind under way at a time; `Loader` says what that guarantees."""

    def __init__(self, store: Store) -> None:
        self._sessions: Loader[str, Session] = Loader(store.sessions.get_many)
        self._accounts: Loader[str, Account] = Loader(store.accounts.get_many)
        self._members: Loader[Place, Member] = Loader(store.members.get_many)
        self._blockers: Loader[str, frozenset[str]] = Loader(store.blocks.blockers_of)
        self._heads: Loader[str, Head] = Loader(store.log.heads)

    async def session(self, session_id: str) -> Session | None:
        """Return a session that has not been ended, or None. Raises `Unavailable`, as all reads here do."""
        return await self._sessions.load(session_id)

    async def account(self, user_id: str) -> Account | None:
        """Return an account, or None."""
        return await self._accounts.load(user_id)

    async def member(self, room_id: str, user_id: str) -> Member | None:
        """Return a membership, or None."""
        return await self._members.load((room_id, user_id))

    async def blockers(self, user_id: str) -> frozenset[str]:
        """Return the ids of the users who have blocked a user."""
        return await self._blockers.load(user_id) or frozenset()

    async def head(self, room_id: str) -> Head | None:
        """Return where a room's log ends, or None for an unknown room."""
        return await self._heads.load(room_id)

    def counts(self) -> dict[str, int]:
        """Return how many queries of each kind the store was asked."""
        return {
            "sessions": self._sessions.question_count,
            "accounts": self._accounts.question_count,
            "memberships": self._members.question_count,
            "blocks": self._blockers.question_count,
            "heads": self._heads.question_count,
        }

    async def close(self) -> None:
        """Cancel the queries that are under way. Callers that wait get `Unavailable`."""
        for loader in (self._sessions, self._accounts, self._members, self._blockers, self._heads):
            await loader.close()
