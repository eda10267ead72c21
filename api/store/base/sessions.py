"""Declares the part of a store that keeps sessions and their refresh tokens."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.accounts import Rotation, Session

USED_KEPT = 32
"""A session remembers this many used refresh tokens: more than any client uses within the grace period."""


class SessionStore(ABC):
    """The sessions that have not been ended. The caller decides whether one has expired.

    Every open `changes` yields a `SessionEnded` for each session that ends, for whatever reason.
    """

    @abstractmethod
    async def create(self, session: Session, *, most: int) -> None:
        """Store a new session. This ends the user's expired sessions, and their oldest ones beyond `most`."""

    @abstractmethod
    async def get_many(self, session_ids: Sequence[str]) -> dict[str, Session]:
        """Return those of these sessions that have not been ended, by their id."""

    async def get(self, session_id: str) -> Session | None:
        """Return a session that has not been ended, or None."""
        return (await self.get_many([session_id])).get(session_id)

    @abstractmethod
    async def of_user(self, user_id: str) -> list[Session]:
        """Return a user's sessions that have not been ended, newest first."""

    @abstractmethod
    async def rotate(
        self,
        session_id: str,
        *,
        presented_hash: str,
        next_hash: str,
        at: int,
        grace_ms: int,
        expires_at: int,
    ) -> Rotation:
        """Use up a refresh token, atomically. Tokens are given as their hashes.

        - The presented token is the current one: the next token becomes the current one and the presented one the first
          of `used`; `last_used_at` becomes `at`, and `expires_at` is set. Returns ROTATED.
        - The presented token was used up at most `grace_ms` ago, and is one of the last `USED_KEPT`. Returns GRACE.
        - The session exists, and the token is any other: the session is ended. Returns REUSED.
        - There is no such session. Returns UNKNOWN.
        """

    @abstractmethod
    async def end(self, session_id: str) -> bool:
        """End a session. Returns False when there was none."""

    @abstractmethod
    async def end_all(self, user_id: str, *, but: str | None = None) -> list[str]:
        """End a user's sessions, except `but` if that is given. Returns the ids of the sessions that were ended."""
